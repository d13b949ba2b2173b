//! Character sets that texts are encoded in.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Charset {
    Utf8,
    Utf16Le,
    Utf16Be,
    /// Big-endian, with a byte order mark.
    Utf16,
    Ascii,
    Latin1,
    Windows1252,
}

/// What Windows-1252 has at 0x80 to 0x9F; nothing stands for a code that it does not use.
const WINDOWS_1252: [Option<char>; 32] = [
    Some('€'),
    None,
    Some('‚'),
    Some('ƒ'),
    Some('„'),
    Some('…'),
    Some('†'),
    Some('‡'),
    Some('ˆ'),
    Some('‰'),
    Some('Š'),
    Some('‹'),
    Some('Œ'),
    None,
    Some('Ž'),
    None,
    None,
    Some('‘'),
    Some('’'),
    Some('“'),
    Some('”'),
    Some('•'),
    Some('–'),
    Some('—'),
    Some('˜'),
    Some('™'),
    Some('š'),
    Some('›'),
    Some('œ'),
    None,
    Some('ž'),
    Some('Ÿ'),
];

impl Charset {
    pub const NAMES: [&'static str; 7] = ["UTF-8", "UTF-16LE", "UTF-16BE", "UTF-16", "US-ASCII", "ISO-8859-1", "windows-1252"];

    /// By its IANA name, in any case.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" => Self::Utf8,
            "utf-16le" => Self::Utf16Le,
            "utf-16be" => Self::Utf16Be,
            "utf-16" => Self::Utf16,
            "us-ascii" | "ascii" => Self::Ascii,
            "iso-8859-1" | "latin1" => Self::Latin1,
            "windows-1252" | "cp1252" => Self::Windows1252,
            _ => return None,
        })
    }

    /// The bytes, or the first character that the set does not have.
    pub fn encode(self, text: &str) -> Result<Vec<u8>, char> {
        let single =
            |limit: u32| text.chars().map(|c| u8::try_from(c as u32).ok().filter(|it| u32::from(*it) < limit).ok_or(c)).collect();
        Ok(match self {
            Self::Utf8 => text.as_bytes().to_vec(),
            Self::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Self::Utf16Be => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            Self::Utf16 => [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect(),
            Self::Ascii => return single(0x80),
            Self::Latin1 => return single(0x100),
            Self::Windows1252 => return text.chars().map(|c| to_windows_1252(c).ok_or(c)).collect(),
        })
    }

    /// The text, unless the bytes are not in this set.
    pub fn decode(self, bytes: &[u8]) -> Option<String> {
        let units = |from: fn([u8; 2]) -> u16, bytes: &[u8]| {
            let pairs = bytes.chunks(2).map(|it| it.try_into().ok().map(from)).collect::<Option<Vec<u16>>>()?;
            String::from_utf16(&pairs).ok()
        };
        match self {
            Self::Utf8 => String::from_utf8(bytes.to_vec()).ok(),
            Self::Utf16Le => units(u16::from_le_bytes, bytes),
            Self::Utf16Be => units(u16::from_be_bytes, bytes),
            Self::Utf16 => match bytes {
                [0xff, 0xfe, rest @ ..] => units(u16::from_le_bytes, rest),
                [0xfe, 0xff, rest @ ..] | rest => units(u16::from_be_bytes, rest),
            },
            Self::Ascii => bytes.is_ascii().then(|| bytes.iter().map(|it| char::from(*it)).collect()),
            Self::Latin1 => Some(bytes.iter().map(|it| char::from(*it)).collect()),
            Self::Windows1252 => bytes.iter().map(|it| from_windows_1252(*it)).collect(),
        }
    }
}

fn to_windows_1252(c: char) -> Option<u8> {
    match c as u32 {
        code @ (0..0x80 | 0xa0..0x100) => u8::try_from(code).ok(),
        _ => WINDOWS_1252.iter().position(|it| *it == Some(c)).and_then(|at| u8::try_from(at + 0x80).ok()),
    }
}

fn from_windows_1252(byte: u8) -> Option<char> {
    match byte {
        0x80..=0x9f => WINDOWS_1252.get(usize::from(byte - 0x80)).copied().flatten(),
        _ => Some(char::from(byte)),
    }
}
