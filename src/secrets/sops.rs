//! Files of SOPS, decrypted: YAML, JSON, dotenv, INI and binary, for recipients of age and KMS. The MAC is always checked.
//!
//! Source: getsops/sops, `sops.go` (the walk, the MAC), `aes/cipher.go` (the values), `stores/`.

mod dotenv;
mod flat;
mod ini;
mod recipients;

use aes_gcm::aead::consts::U32;
use aes_gcm::aead::{AeadInPlace, KeyInit};
use aes_gcm::aes::Aes256;
use aes_gcm::{AesGcm, Nonce, Tag};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha512};

use recipients::data_key;
pub use recipients::{Keys, Unwrapped, Wrapped};

/// What the MAC begins with when it covers encrypted values alone: `MACOnlyEncryptedInitialization` of SOPS.
const ENCRYPTED_ONLY: [u8; 32] = [
    0x8a, 0x3f, 0xd2, 0xad, 0x54, 0xce, 0x66, 0x52, 0x7b, 0x10, 0x34, 0xf3, 0xd1, 0x47, 0xbe, 0x0b, 0x0b, 0x97, 0x5b, 0x3b, 0xf4,
    0x4f, 0x72, 0xc6, 0xfd, 0xad, 0xec, 0x81, 0x76, 0xf2, 0x7d, 0x69,
];
/// Of nesting; what is deeper is no file of a person's.
const DEPTH_MAX: usize = 64;

type Cipher = AesGcm<Aes256, U32>;

/// How a file is written, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Yaml,
    Json,
    Dotenv,
    Ini,
    Binary,
}

impl Form {
    pub fn of(name: &str) -> Self {
        match name.rsplit_once('.').map(|(_, it)| it) {
            Some("yaml" | "yml") => Self::Yaml,
            Some("json") => Self::Json,
            Some("env") => Self::Dotenv,
            Some("ini") => Self::Ini,
            _ => Self::Binary,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SopsError {
    #[error("it is no file of SOPS: {0}")]
    Foreign(String),
    #[error("none of the keys at hand opens it; it is encrypted for {}{}", recipients.join(", "), because(refusals))]
    NoKey { recipients: Vec<String>, refusals: Vec<String> },
    /// KMS has not been asked for these yet, and no key at hand opens it.
    #[error("KMS must be asked for its data key first")]
    NotAsked { keys: Vec<Wrapped> },
    /// What was decrypted is not what was encrypted.
    #[error("it was changed after it was encrypted: {0}")]
    Tampered(String),
}

fn because(refusals: &[String]) -> String {
    if refusals.is_empty() { String::new() } else { format!(" ({})", refusals.join("; ")) }
}

/// The text of the decrypted file: YAML and JSON as JSON (several documents between lines of `---`), dotenv
/// and INI as such, binary as it was.
pub fn decrypt(form: Form, file: &[u8], keys: &Keys) -> Result<String, SopsError> {
    let foreign = |why: &str| SopsError::Foreign(why.to_owned());
    let text = std::str::from_utf8(file).map_err(|_| foreign("it is no text"))?;
    let mut documents: Vec<Map<String, Json>> = match form {
        Form::Json | Form::Binary => vec![serde_json::from_str(text).map_err(|_| foreign("it is not valid JSON"))?],
        Form::Yaml => serde_saphyr::from_multiple(text).map_err(|_| foreign("it is not valid YAML"))?,
        Form::Dotenv => vec![dotenv::read(text)],
        Form::Ini => vec![ini::read(text)],
    };
    // Every document has the same one.
    let about = documents.iter_mut().filter_map(|it| it.shift_remove("sops")).collect::<Vec<_>>();
    let about = about.into_iter().next().ok_or_else(|| foreign("it has no `sops` part"))?;
    let key = data_key(&about, keys)?;
    let only_encrypted = about.get("mac_only_encrypted").is_some_and(|it| *it == Json::Bool(true) || it == "true");
    let mut walk = Walk { cipher: Cipher::new(&key.into()), mac: Sha512::new(), only_encrypted };
    if only_encrypted {
        walk.mac.update(ENCRYPTED_ONLY);
    }
    let mut clear = Vec::with_capacity(documents.len());
    for document in documents {
        let mut opened = Map::new();
        for (name, value) in document {
            opened.insert(name.clone(), walk.value(value, &mut vec![name])?);
        }
        clear.push(opened);
    }
    check_mac(&walk, &about)?;
    let texts = clear.into_iter().map(|it| match form {
        Form::Yaml | Form::Json => Ok(Json::Object(it).to_string()),
        Form::Dotenv => Ok(dotenv::write(&it)),
        Form::Ini => Ok(ini::write(&it)),
        Form::Binary => it.get("data").and_then(Json::as_str).map(str::to_owned).ok_or_else(|| foreign("it has no `data`")),
    });
    Ok(texts.collect::<Result<Vec<_>, _>>()?.join("\n---\n"))
}

fn check_mac(walk: &Walk, about: &Json) -> Result<(), SopsError> {
    let text = |name: &str| about.get(name).and_then(Json::as_str).unwrap_or_default();
    let wrong = || SopsError::Tampered("its MAC does not fit its content".to_owned());
    let stored = walk.open(text("mac"), text("lastmodified").as_bytes()).map_err(|_| wrong())?;
    let computed = hex::encode_upper(walk.mac.clone().finalize());
    if stored.as_str() == Some(&computed) { Ok(()) } else { Err(wrong()) }
}

struct Walk {
    cipher: Cipher,
    mac: Sha512,
    only_encrypted: bool,
}

impl Walk {
    /// Decrypts what is below a path, in the order of the file. A list adds nothing to the path.
    fn value(&mut self, value: Json, path: &mut Vec<String>) -> Result<Json, SopsError> {
        if path.len() > DEPTH_MAX {
            return Err(SopsError::Foreign("it is nested too deep".to_owned()));
        }
        match value {
            Json::Object(members) => {
                let mut clear = Map::new();
                for (name, value) in members {
                    path.push(name.clone());
                    let value = self.value(value, path)?;
                    path.pop();
                    clear.insert(name, value);
                }
                Ok(Json::Object(clear))
            }
            Json::Array(items) => {
                let mut clear = Vec::with_capacity(items.len());
                // A comment within a list is kept as an item of it.
                for item in items.into_iter().filter(|it| !it.as_str().is_some_and(is_comment)) {
                    clear.push(self.value(item, path)?);
                }
                Ok(Json::Array(clear))
            }
            leaf => self.leaf(leaf, path),
        }
    }

    fn leaf(&mut self, leaf: Json, path: &[String]) -> Result<Json, SopsError> {
        let sealed = leaf.as_str().filter(|it| it.starts_with("ENC[")).map(str::to_owned);
        let is_sealed = sealed.is_some();
        let clear = match sealed {
            Some(sealed) => self
                .open(&sealed, format!("{}:", path.join(":")).as_bytes())
                .map_err(|why| SopsError::Tampered(format!("the value at {} {why}", path.join("."))))?,
            None => leaf,
        };
        if is_sealed || !self.only_encrypted {
            match &clear {
                Json::String(text) => self.mac.update(text),
                Json::Bool(true) => self.mac.update("True"),
                Json::Bool(false) => self.mac.update("False"),
                Json::Number(number) => self.mac.update(plain(number)),
                Json::Null | Json::Array(_) | Json::Object(_) => {}
            }
        }
        Ok(clear)
    }

    /// `ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]`
    fn open(&self, sealed: &str, bound_to: &[u8]) -> Result<Json, &'static str> {
        const FORM: &str = "is not written as SOPS writes values";
        let inside = sealed.strip_prefix("ENC[AES256_GCM,").and_then(|it| it.strip_suffix(']')).ok_or(FORM)?;
        let part = |name: &str| inside.split(',').find_map(|it| it.strip_prefix(name)?.strip_prefix(':'));
        let bytes = |name: &str| part(name).and_then(|it| STANDARD.decode(it).ok());
        let (mut data, nonce, tag) = (bytes("data").ok_or(FORM)?, bytes("iv").ok_or(FORM)?, bytes("tag").ok_or(FORM)?);
        if nonce.len() != 32 || tag.len() != 16 {
            return Err(FORM);
        }
        let opened =
            self.cipher.decrypt_in_place_detached(Nonce::<U32>::from_slice(&nonce), bound_to, &mut data, Tag::from_slice(&tag));
        opened.map_err(|_| "does not fit its tag")?;
        let text = String::from_utf8(data).map_err(|_| "is no UTF-8 text")?;
        let number = |text: &str| text.parse::<serde_json::Number>().map(Json::Number).map_err(|_| "is no number");
        match part("type").ok_or(FORM)? {
            "int" | "float" => number(&text),
            "bool" => Ok(Json::Bool(text.eq_ignore_ascii_case("true"))),
            _ => Ok(Json::String(text)),
        }
    }
}

fn is_comment(text: &str) -> bool {
    text.starts_with("ENC[AES256_GCM,") && text.ends_with(",type:comment]")
}

/// As Go writes a number without an exponent.
fn plain(number: &serde_json::Number) -> String {
    match (number.is_f64(), number.as_f64()) {
        (true, Some(it)) => it.to_string(),
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::age::Identity;

    const KEY: &str = include_str!("../../tests/secrets/key.txt");
    const OTHER: &str = include_str!("../../tests/secrets/other.txt");
    const YAML: &str = include_str!("../../tests/secrets/sec.yaml");

    fn opened(form: Form, file: &str) -> Result<String, SopsError> {
        decrypt(form, file.as_bytes(), &Keys::of(Identity::parse_all(KEY)))
    }

    const CLEAR: &str = r#"{"db":{"password":"hunter2","empty":"","port":5432,"ratio":1.5,"tls":true,"none":null,"hosts":["a.example","b.example"],"users":[{"name":"ann","pin":"0042"}]},"plain_unencrypted":"visible"}"#;

    #[test]
    fn files_of_sops_are_read() {
        assert_eq!(opened(Form::Yaml, YAML).as_deref(), Ok(CLEAR));
        assert_eq!(opened(Form::Yaml, include_str!("../../tests/secrets/part.yaml")).as_deref(), Ok(CLEAR));
        assert_eq!(opened(Form::Yaml, include_str!("../../tests/secrets/only.yaml")).as_deref(), Ok(CLEAR));
        let several = "{\"a\":1,\"b\":\"x\"}\n---\n{\"c\":[\"y\",\"z\"]}";
        assert_eq!(opened(Form::Yaml, include_str!("../../tests/secrets/several.yaml")).as_deref(), Ok(several));
        let json = r#"{"a":{"b":[1,2.5,"x",true,null]},"s":"y"}"#;
        assert_eq!(opened(Form::Json, include_str!("../../tests/secrets/sec.json")).as_deref(), Ok(json));
        let env = "USER=ann\nPASSWORD=hunter2=\nEMPTY=\n";
        assert_eq!(opened(Form::Dotenv, include_str!("../../tests/secrets/sec.env")).as_deref(), Ok(env));
        let ini = "top = 1\n[db]\nuser = ann\npassword = `\"hunter2`\nempty = \nquoted = a \"b\" c\nplain_unencrypted = see\n\
                   [web]\nport = 80\nmulti = \"\"\"one\ntwo\"\"\"\n";
        assert_eq!(opened(Form::Ini, include_str!("../../tests/secrets/sec.ini")).as_deref(), Ok(ini));
        assert_eq!(opened(Form::Binary, include_str!("../../tests/secrets/sec.bin")).as_deref(), Ok("binary\0\u{1}stuff\n"));
    }

    #[test]
    fn a_wrong_key_is_refused_and_the_recipients_named() {
        let error = decrypt(Form::Yaml, YAML.as_bytes(), &Keys::of(Identity::parse_all(OTHER))).unwrap_err();
        assert!(
            matches!(&error, SopsError::NoKey { recipients, refusals } if recipients.len() == 1 && refusals.is_empty()),
            "{error:?}"
        );
        assert!(error.to_string().contains("age1tdz9pad9"), "{error}");
    }

    #[test]
    fn what_was_changed_is_refused() {
        let tampered = |from: &str, to: &str| {
            assert!(YAML.contains(from), "{from}");
            matches!(opened(Form::Yaml, &YAML.replacen(from, to, 1)), Err(SopsError::Tampered(_)))
        };
        assert!(tampered("plain_unencrypted: visible", "plain_unencrypted: changed"), "the MAC covers what is in clear");
        assert!(tampered("password: ENC[AES256_GCM,data:f", "password: ENC[AES256_GCM,data:g"), "a value");
        assert!(tampered("mac: ENC[AES256_GCM,data:V", "mac: ENC[AES256_GCM,data:W"), "the MAC");
        assert!(tampered("lastmodified: \"2026", "lastmodified: \"2025"), "the time");
        assert!(tampered("    password: ENC", "    passwort: ENC"), "a name");
        let without = YAML.lines().filter(|it| !it.starts_with("    tls:")).collect::<Vec<_>>().join("\n");
        assert!(matches!(opened(Form::Yaml, &without), Err(SopsError::Tampered(_))), "a value that was taken away");
        let without = YAML.lines().filter(|it| !it.starts_with("    mac:")).collect::<Vec<_>>().join("\n");
        assert!(matches!(opened(Form::Yaml, &without), Err(SopsError::Tampered(_))), "no MAC");
    }

    #[test]
    fn what_is_no_file_of_sops_is_told() {
        for (form, text) in [
            (Form::Yaml, "a: 1"),
            (Form::Json, "{}"),
            (Form::Json, "x"),
            (Form::Dotenv, "A=1"),
            (Form::Ini, "[a]\nb = 1"),
            (Form::Yaml, ":"),
        ] {
            assert!(matches!(opened(form, text), Err(SopsError::Foreign(_))), "{text}");
        }
    }

    #[test]
    fn no_truncation_makes_it_panic() {
        for end in (0..YAML.len()).step_by(7) {
            let _ = opened(Form::Yaml, YAML.get(..end).unwrap_or_default());
        }
    }
}
