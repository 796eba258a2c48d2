//! Names that are safe as names of folders and files.

/// The longest name, bytes.
pub(crate) const LONGEST: usize = 40;

/// What a name may look like, for error messages.
pub const RULE: &str = "1 to 40 of a-z, 0-9, `.`, `_`, `-`, the first a letter or digit, no `..`";

/// Whether a name can become the name of a folder or file on any file system, without leaving its parent,
/// being hidden or being taken for an option.
pub fn is_safe(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    name.len() <= LONGEST
        && name.bytes().next().is_some_and(plain)
        && name.bytes().all(|byte| plain(byte) || b"._-".contains(&byte))
        && !name.contains("..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn safe_names() {
        for name in ["a", "0", "dd-read", "linux-6.12", "a_b", "a.", &"a".repeat(40)] {
            assert!(is_safe(name), "{name}");
        }
        for name in [
            "",
            ".",
            "..",
            "a..b",
            ".git",
            "-rf",
            "_a",
            "a/b",
            "/",
            "a\\b",
            "A",
            "é",
            "a b",
            "a\n",
            "a\0",
            &"a".repeat(41),
        ] {
            assert!(!is_safe(name), "{name:?}");
        }
    }
}
