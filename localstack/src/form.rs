//! The parameters of the AWS Query protocol: `Filter.1.Value.2=x`, flat, in the order they came.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What stays as it is in a query string: the unreserved characters of RFC 3986, as SigV4 wants them.
pub const STRICT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

#[derive(Clone, Debug, Default)]
pub struct Form(Vec<(String, String)>);

/// One `Filter.N`: any of the values will do.
#[derive(Clone, Debug)]
pub struct Filter {
    pub name: String,
    pub values: Vec<String>,
}

impl Form {
    pub fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (decode(name), decode(value))
                })
                .collect(),
        )
    }

    /// The parameters of a call that a rule makes.
    pub fn of(action: &str, parameters: &[(&str, &str)]) -> Self {
        let mut form = Self::default();
        form.set("Action", action);
        for (name, value) in parameters {
            form.set(name, *value);
        }
        form
    }

    pub fn encode(&self) -> String {
        let mut out = String::new();
        for (name, value) in &self.0 {
            if !out.is_empty() {
                out.push('&');
            }
            out.extend(utf8_percent_encode(name, STRICT));
            out.push('=');
            out.extend(utf8_percent_encode(value, STRICT));
        }
        out
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All values of a parameter that is repeated.
    pub fn values_of(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
    }

    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.remove(name);
        self.0.push((name.to_owned(), value.into()));
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(_, value)| value.as_str())
    }

    /// The values of everything but filters: what a call is about, and not what it looks for.
    pub fn named_values(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(name, _)| !name.starts_with("Filter.")).map(|(_, value)| value.as_str())
    }

    /// Replaces the values for which `change` has a better one.
    pub fn map_values(&mut self, change: impl Fn(&str, &str) -> Option<String>) {
        for (name, value) in &mut self.0 {
            if let Some(better) = change(name, value) {
                *value = better;
            }
        }
    }

    pub fn take(&mut self, name: &str) -> Option<String> {
        let value = self.get(name)?.to_owned();
        self.remove(name);
        Some(value)
    }

    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(key, _)| key != name);
    }

    /// Removes `prefix` itself and everything below it (`Filter` takes `Filter.1.Name` along).
    pub fn remove_all(&mut self, prefix: &str) {
        self.0.retain(|(key, _)| key.strip_prefix(prefix).is_none_or(|rest| !rest.is_empty() && !rest.starts_with('.')));
    }

    /// The values of `Name.1`, `Name.2`, … in order.
    pub fn list(&self, name: &str) -> Vec<String> {
        let mut found: Vec<(usize, &String)> = self
            .0
            .iter()
            .filter_map(|(key, value)| {
                let number = key.strip_prefix(name)?.strip_prefix('.')?;
                Some((number.parse().ok()?, value))
            })
            .collect();
        found.sort_by_key(|(number, _)| *number);
        found.into_iter().map(|(_, value)| value.clone()).collect()
    }

    /// The distinct indices under `Name.N.…`, in order.
    pub fn indices(&self, name: &str) -> Vec<usize> {
        let mut found: Vec<usize> = self
            .0
            .iter()
            .filter_map(|(key, _)| {
                let rest = key.strip_prefix(name)?.strip_prefix('.')?;
                rest.split('.').next()?.parse().ok()
            })
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    pub fn filters(&self) -> Vec<Filter> {
        self.indices("Filter")
            .into_iter()
            .filter_map(|index| {
                Some(Filter {
                    name: self.get(&format!("Filter.{index}.Name"))?.to_owned(),
                    values: self.list(&format!("Filter.{index}.Value")),
                })
            })
            .collect()
    }

    pub fn set_filters(&mut self, filters: &[Filter]) {
        self.remove_all("Filter");
        for (index, filter) in filters.iter().enumerate() {
            let prefix = format!("Filter.{}", index + 1);
            self.set(&format!("{prefix}.Name"), filter.name.clone());
            for (number, value) in filter.values.iter().enumerate() {
                self.set(&format!("{prefix}.Value.{}", number + 1), value.clone());
            }
        }
    }

    /// Everything said, in an order that does not depend on how it was said; for comparing two requests.
    pub fn canonical(&self, without: &[&str]) -> String {
        let mut pairs: Vec<&(String, String)> = self.0.iter().filter(|(key, _)| !without.contains(&key.as_str())).collect();
        pairs.sort();
        format!("{pairs:?}")
    }
}

fn decode(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_filters_are_read_and_written() {
        let mut form = Form::parse("Action=X&Id.2=b&Id.1=a+c&Filter.1.Name=tag%3Ak&Filter.1.Value.1=v");
        assert_eq!(form.list("Id"), ["a c", "b"]);
        let mut filters = form.filters();
        assert_eq!(filters[0].name, "tag:k");
        filters.push(Filter { name: "state".into(), values: vec!["x".into(), "y".into()] });
        form.set_filters(&filters);
        let again = Form::parse(&form.encode());
        assert_eq!(again.filters()[1].values, ["x", "y"]);
        assert_eq!(again.list("Id"), ["a c", "b"]);
    }
}
