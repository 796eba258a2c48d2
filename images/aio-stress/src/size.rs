//! Sizes with suffixes.

use anyhow::{Context, bail};

/// One KiB.
pub(crate) const KIB: u64 = 1 << 10;
/// One MiB; this program, like the one it follows, calls it MB.
pub(crate) const MIB: u64 = 1 << 20;
/// One GiB.
pub(crate) const GIB: u64 = 1 << 30;

/// A size in bytes: a whole number with a suffix `g`, `m`, `k` or `b`, or in `unit`s without one.
///
/// # Errors
/// If it is none, or too large.
pub(crate) fn parse(text: &str, unit: u64) -> anyhow::Result<u64> {
    let (digits, unit) = match text.char_indices().next_back() {
        Some((at, 'g' | 'G')) => (&text[..at], GIB),
        Some((at, 'm' | 'M')) => (&text[..at], MIB),
        Some((at, 'k' | 'K')) => (&text[..at], KIB),
        Some((at, 'b' | 'B')) => (&text[..at], 1),
        _ => (text, unit),
    };
    // parse() alone would take a sign.
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        bail!("`{text}` is no size; give a whole number, with g, m, k or b behind it if need be");
    }
    let number: u64 = digits.parse().with_context(|| format!("size `{text}`"))?;
    // The kernel counts offsets in 63 bits.
    number
        .checked_mul(unit)
        .filter(|bytes| *bytes <= i64::MAX as u64)
        .with_context(|| format!("size `{text}` is too large"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, unit, expected) in [
            ("4", KIB, Some(4096)),
            ("4", MIB, Some(4 << 20)),
            ("512b", KIB, Some(512)),
            ("64k", MIB, Some(65536)),
            ("2M", KIB, Some(2 << 20)),
            ("1g", MIB, Some(1 << 30)),
            ("0", MIB, Some(0)),
            ("", MIB, None),
            ("k", MIB, None),
            ("-1", MIB, None),
            ("+1", MIB, None),
            ("1.5m", MIB, None),
            ("4kk", MIB, None),
            ("9223372036854775807b", MIB, Some(i64::MAX as u64)),
            ("9223372036854775808b", MIB, None),
            ("9999999999g", MIB, None),
            ("99999999999999999999", MIB, None),
        ] {
            assert_eq!(parse(text, unit).ok(), expected, "{text}");
        }
    }
}
