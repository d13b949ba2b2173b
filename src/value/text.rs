//! The one form of texts that look the same.

use std::sync::Arc;

use unicode_normalization::{IsNormalized, UnicodeNormalization as _, is_nfc_quick};

/// In normalisation form C, as Terraform has all its texts. Nothing is copied where the text is in it already.
pub(super) fn normalised(text: Arc<str>) -> Arc<str> {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes { text } else { text.nfc().collect::<String>().into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_their_accents_become_one() {
        assert_eq!(&*normalised("e\u{301}a".into()), "\u{e9}a");
        for same in ["", "plain", "\u{e9}", "\u{1f600}"] {
            assert_eq!(&*normalised(same.into()), same);
        }
    }
}
