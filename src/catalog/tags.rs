//! Tags, as every service has them.

use std::collections::BTreeMap;

use crate::remote::tags::{FOREIGN, PREFIX};

pub type Tags = BTreeMap<String, String>;

/// What must be put on and taken off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagChanges {
    pub put: Tags,
    pub take: Vec<String>,
}

/// From the tags that a thing has to those that it should have. What others put there, and our own marks, stay.
pub fn tag_changes(was: &Tags, want: &Tags) -> TagChanges {
    let put = want.iter().filter(|(key, value)| was.get(*key) != Some(value));
    let stays = |key: &str| key.starts_with(PREFIX) || FOREIGN.iter().any(|it| key.starts_with(it));
    let take = was.keys().filter(|it| !want.contains_key(*it) && !stays(it));
    TagChanges { put: put.map(|(k, v)| (k.clone(), v.clone())).collect(), take: take.cloned().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(items: &[(&str, &str)]) -> Tags {
        items.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect()
    }

    #[test]
    fn only_what_differs_changes_and_marks_of_others_stay() {
        let was =
            tags(&[("a", "1"), ("b", "1"), ("c", "1"), ("aws:x", "1"), ("kubernetes.io/cluster/x", "owned"), ("infra:id", "t")]);
        let want = tags(&[("a", "1"), ("b", "2"), ("d", "1")]);
        let changes = tag_changes(&was, &want);
        assert_eq!(changes.put, tags(&[("b", "2"), ("d", "1")]));
        assert_eq!(changes.take, ["c"]);
        assert_eq!(tag_changes(&was, &was), TagChanges::default());
    }
}
