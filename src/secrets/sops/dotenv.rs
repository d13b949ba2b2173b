//! The dotenv form: `NAME=value` lines.

use serde_json::{Map, Value as Json};

use super::flat;

/// The values, and `sops` as the other forms have it.
pub(super) fn read(text: &str) -> Map<String, Json> {
    let (mut all, mut about) = (Map::new(), Json::Null);
    for line in text.lines().filter(|it| !it.starts_with('#')) {
        let Some((name, value)) = line.split_once('=') else { continue };
        let value = value.replace("\\n", "\n");
        match name.strip_prefix("sops_") {
            Some(name) => flat::put(&mut about, name, value),
            None => drop(all.insert(name.to_owned(), value.into())),
        }
    }
    if !about.is_null() {
        all.insert("sops".to_owned(), about);
    }
    all
}

/// The values as such lines.
pub(super) fn write(clear: &Map<String, Json>) -> String {
    clear.iter().map(|(name, it)| format!("{name}={}\n", it.as_str().unwrap_or_default())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_part_of_sops_is_told_apart() {
        let text = "USER=ann\nsops_mac=x\nsops_age__list_0__map_enc=one\\ntwo\n# a comment\n";
        let sops = json!({ "mac": "x", "age": [{ "enc": "one\ntwo" }] });
        assert_eq!(Json::Object(read(text)), json!({ "USER": "ann", "sops": sops }));
    }
}
