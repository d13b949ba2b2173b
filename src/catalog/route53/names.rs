//! Names and texts as Route 53 keeps them, and as people write them.

/// `Example.COM.` → `example.com`; `\052` → `*`. Other octal escapes stay: they are how such names are written.
///
/// Source: "DNS domain name format", Route 53 developer guide.
pub fn canonical(name: &str) -> String {
    name.trim_end_matches('.').replace("\\052", "*").to_ascii_lowercase()
}

/// A TXT value as sent: quoted, in pieces of at most 255 bytes. One that is written with quotes is taken as it is.
pub fn quote_txt(value: &str) -> String {
    if value.starts_with('"') {
        return value.to_owned();
    }
    let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
    let mut pieces = Vec::new();
    let mut rest = escaped.as_str();
    while rest.len() > TXT_MAX {
        let cut = (0..=TXT_MAX).rev().find(|at| rest.is_char_boundary(*at) && !splits_escape(rest, *at)).unwrap_or(TXT_MAX);
        let (piece, after) = rest.split_at(cut);
        pieces.push(piece);
        rest = after;
    }
    pieces.push(rest);
    pieces.iter().map(|it| format!("\"{it}\"")).collect::<Vec<_>>().join(" ")
}

/// What [`quote_txt`] made, as it was written before.
pub fn unquote_txt(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"').and_then(|it| it.strip_suffix('"')) else { return value.to_owned() };
    let plain = inner.split("\" \"").collect::<String>();
    let mut out = String::new();
    let mut letters = plain.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => out.extend(letters.next()),
            _ => out.push(letter),
        }
    }
    // Only when it comes out the same again: other writers' escapes are kept as they are.
    if quote_txt(&out) == value { out } else { value.to_owned() }
}

const TXT_MAX: usize = 255;

fn splits_escape(text: &str, at: usize) -> bool {
    text[..at].bytes().rev().take_while(|it| *it == b'\\').count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_form() {
        assert_eq!(canonical("\\052.Example.COM."), "*.example.com");
        assert_eq!(canonical(&canonical("A.b.")), canonical("A.b."));
    }

    #[test]
    fn texts_come_back_as_they_were_written() {
        let long = "v=DKIM1; p=".to_owned() + &"A".repeat(400);
        for text in ["plain", "with \"quotes\"", "back\\slash", "", long.as_str()] {
            assert_eq!(unquote_txt(&quote_txt(text)), text);
        }
        assert_eq!(quote_txt("\"given\" \"so\""), "\"given\" \"so\"");
    }
}
