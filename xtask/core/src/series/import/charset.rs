//! Bytes as text: what charset they are in, said or found out.

use std::borrow::Cow;

use mail_parser::decoders::charsets::map::charset_decoder;

/// The name of the charset that is taken for bytes that say nothing and are not UTF-8.
const GUESS: &str = "windows-1252";

/// Text that was decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decoded {
    pub(super) text: String,
    /// The bytes were not what they were said to be, and were read as Latin-1.
    pub(super) is_guess: bool,
}

/// `bytes` in the charset that is said of them. Where that is ASCII, UTF-8 or nothing, they are UTF-8, or else Latin-1.
pub(super) fn decode(bytes: &[u8], charset: Option<&str>) -> Decoded {
    let charset = charset.unwrap_or("utf-8").trim_matches(['"', '\'', ' ']);
    let is_utf8 =
        ["us-ascii", "ascii", "utf-8", "utf8"].iter().any(|name| charset.eq_ignore_ascii_case(name));
    let decoder = charset_decoder(charset.as_bytes()).filter(|_| !is_utf8);
    match (decoder, std::str::from_utf8(bytes)) {
        (Some(decoder), _) => Decoded { text: decoder(bytes), is_guess: false },
        (None, Ok(text)) => Decoded { text: text.to_owned(), is_guess: false },
        (None, Err(_)) => Decoded { text: latin1(bytes), is_guess: true },
    }
}

/// Latin-1, in which all bytes are characters.
pub(super) fn latin1(bytes: &[u8]) -> String {
    let decoder = charset_decoder(GUESS.as_bytes());
    decoder.map_or_else(|| bytes.iter().map(|byte| char::from(*byte)).collect(), |decoder| decoder(bytes))
}

/// A whole file without its byte order mark, in UTF-8 if it was UTF-16. Of other charsets nothing is changed: a mail says
/// its own, and a patched file may have another one.
pub(super) fn without_mark(bytes: &[u8]) -> Cow<'_, [u8]> {
    let utf16 = |name: &str, bytes: &[u8]| {
        let decoder = charset_decoder(name.as_bytes());
        decoder.map(|decoder| Cow::Owned(decoder(bytes).into_bytes()))
    };
    let decoded = match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => Some(Cow::Borrowed(rest)),
        [0xff, 0xfe, rest @ ..] => utf16("utf-16le", rest),
        [0xfe, 0xff, rest @ ..] => utf16("utf-16be", rest),
        // Without a mark: a patch begins with ASCII.
        [1..=127, 0, 1..=127, 0, ..] => utf16("utf-16le", bytes),
        [0, 1..=127, 0, 1..=127, ..] => utf16("utf-16be", bytes),
        _ => None,
    };
    decoded.unwrap_or(Cow::Borrowed(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charsets() {
        let check = |bytes: &[u8], charset: Option<&str>, text: &str, is_guess: bool| {
            assert_eq!(decode(bytes, charset), Decoded { text: text.to_owned(), is_guess }, "{charset:?}");
        };
        check("größer".as_bytes(), None, "größer", false);
        check("größer".as_bytes(), Some("US-ASCII"), "größer", false);
        check(b"gr\xf6\xdfer", None, "größer", true);
        check(b"gr\xf6\xdfer", Some("utf-8"), "größer", true);
        check(b"\xa4 gr\xf6\xdfer", Some("iso-8859-15"), "€ größer", false);
        check(b"\xc4\xe3", Some("\"gb2312\""), "你", false);
        check("größer".as_bytes(), Some("no-such-charset"), "größer", false);
    }

    #[test]
    fn marks() {
        let check = |bytes: &[u8], text: &[u8]| assert_eq!(without_mark(bytes).as_ref(), text);
        check(b"From", b"From");
        check(b"\xef\xbb\xbfFrom", b"From");
        check(b"\xff\xfeF\0\xf6\0", "Fö".as_bytes());
        check(b"\xfe\xff\0F\0\xf6", "Fö".as_bytes());
        check(b"F\0r\0\xf6\0", "Frö".as_bytes());
        check(b"\0F\0r", b"Fr");
        check(b"J\xf6rg", b"J\xf6rg");
        check(b"", b"");
    }
}
