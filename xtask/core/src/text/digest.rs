//! SHA-256 digests of bytes and of lists of named parts.

use sha2::{Digest as _, Sha256};

/// SHA-256 of `bytes` as 64 hexadecimal digits.
pub fn of_bytes(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// A digest over named parts, in order. Names and lengths go in as well, so that no two different lists of
/// parts run together to the same bytes.
#[derive(Default)]
pub struct Parts(Sha256);

impl Parts {
    /// Adds a part.
    #[must_use]
    pub fn with(mut self, name: &str, content: impl AsRef<[u8]>) -> Self {
        let content = content.as_ref();
        self.0.update(format!("{name}\0{}\0", content.len()));
        self.0.update(content);
        self
    }

    /// The digest as 64 hexadecimal digits.
    pub fn finish(self) -> String {
        hex(&self.0.finalize())
    }
}

/// The first 12 digits: enough to tell things apart in a table or a path.
pub fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_digest() {
        // The one-block example of FIPS 180-2, appendix B.1.
        assert_eq!(of_bytes(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn parts_do_not_run_together() {
        let digest = |parts: &[(&str, &str)]| {
            parts.iter().fold(Parts::default(), |all, (name, text)| all.with(name, text)).finish()
        };
        assert_ne!(digest(&[("a", "bc")]), digest(&[("ab", "c")]));
        assert_ne!(digest(&[("a", "b"), ("c", "d")]), digest(&[("a", "bc"), ("c", "d")]));
        assert_ne!(digest(&[("a", "1"), ("b", "2")]), digest(&[("b", "2"), ("a", "1")]));
    }
}
