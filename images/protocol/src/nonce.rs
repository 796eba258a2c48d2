//! The number that ties a report to its boot.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// 128 random bits, chosen by the host for one boot; written as 32 hexadecimal digits.
///
/// A report counts only if it carries the nonce of its boot, so that neither a stale nor a forged one is
/// taken for the real one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Nonce(pub [u8; 16]);

/// The digits, so that a number is looked up and not worked out: what process 1 does with its nonce takes the same
/// instructions whatever the nonce is. Under a clock that counts instructions anything else would make boots differ.
const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// The value of each byte as a digit; 255 for those that are none.
const VALUES: [u8; 256] = {
    let mut values = [NO_DIGIT; 256];
    let mut digit = 0;
    while digit < 16 {
        values[DIGITS[digit] as usize] = digit as u8;
        digit += 1;
    }
    values
};

const NO_DIGIT: u8 = 255;

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 32];
        for (digits, byte) in text.chunks_exact_mut(2).zip(self.0) {
            digits[0] = DIGITS[usize::from(byte >> 4)];
            digits[1] = DIGITS[usize::from(byte & 15)];
        }
        f.write_str(str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Nonce {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("a nonce is 32 hexadecimal digits in lower case, not `{text}`");
        let digits: &[u8; 32] = text.as_bytes().try_into().map_err(|_| wrong())?;
        let values = digits.map(|digit| VALUES[usize::from(digit)]);
        let mut seen = 0;
        let mut bytes = [0; 16];
        for (byte, pair) in bytes.iter_mut().zip(values.chunks_exact(2)) {
            seen |= pair[0] | pair[1];
            *byte = pair[0] << 4 | pair[1];
        }
        // No digit has a bit above the fourth.
        if seen > 15 { Err(wrong()) } else { Ok(Nonce(bytes)) }
    }
}

impl TryFrom<String> for Nonce {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Nonce> for String {
    fn from(nonce: Nonce) -> String {
        nonce.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        let nonce = Nonce(std::array::from_fn(|i| (i * 17) as u8));
        assert_eq!(nonce.to_string(), "00112233445566778899aabbccddeeff");
        assert_eq!(nonce.to_string().parse(), Ok(nonce));
    }

    #[test]
    fn refuses_what_is_no_nonce() {
        for text in [
            "",
            "0011",
            "+0112233445566778899aabbccddeeff",
            "0z112233445566778899aabbccddeeff",
            "\u{e9}0112233445566778899aabbccddee",
        ] {
            assert!(text.parse::<Nonce>().is_err(), "{text}");
        }
    }
}
