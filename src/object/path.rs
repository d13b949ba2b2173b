//! Paths into an object, as people write them: `spec.template.spec.containers[0].image`, `metadata.labels["app.kubernetes.io/name"]`.

/// `at` with a member behind it.
pub fn member(at: &str, name: &str) -> String {
    let plain = !name.is_empty() && name.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_' || it == b'-');
    match (plain, at.is_empty()) {
        (true, true) => name.to_owned(),
        (true, false) => format!("{at}.{name}"),
        (false, _) => format!("{at}[{}]", serde_json::Value::from(name)),
    }
}

/// `at` with the place of an item behind it, from 0.
pub fn item(at: &str, index: usize) -> String {
    format!("{at}[{index}]")
}

/// Whether `path` is `scope` or lies within it; everything lies within the empty scope.
pub fn is_within(path: &str, scope: &str) -> bool {
    scope.is_empty() || path.strip_prefix(scope).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_dots_are_quoted() {
        assert_eq!(member(&member("", "metadata"), "labels"), "metadata.labels");
        assert_eq!(member("labels", "app.kubernetes.io/name"), r#"labels["app.kubernetes.io/name"]"#);
        assert_eq!(member(&item("spec.containers", 1), "image"), "spec.containers[1].image");
        assert!(is_within("spec.a", "spec") && is_within("spec[0]", "spec") && !is_within("specs", "spec") && is_within("a", ""));
    }
}
