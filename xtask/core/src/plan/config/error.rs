//! A mistake of the user, and where it is.

use std::fmt;
use std::ops::Range;

/// A mistake in `lab.toml` or in an option that overrides it. Shown as one line that ends with the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// File, line, column and key as far as they are known, or the option.
    place: String,
    message: String,
}

impl ConfigError {
    /// A mistake at a place such as `lab.toml:3:1: plans.default` or `--boots`.
    pub fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        ConfigError { place: place.into(), message: message.into() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

impl std::error::Error for ConfigError {}

/// A text with the name that it has in messages.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    /// The file's name.
    pub file: &'a str,
    /// Its text.
    pub text: &'a str,
}

impl Document<'_> {
    /// `FILE:LINE:COLUMN` of a byte offset; both count from 1, columns in characters.
    pub fn place(&self, offset: usize) -> String {
        let mut end = offset.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let before = &self.text[..end];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.matches('\n').count() + 1;
        let column = before[line_start..].chars().count() + 1;
        format!("{}:{line}:{column}", self.file)
    }

    /// A mistake at a place; `key` is the dotted path of the key, or empty where there is none.
    pub fn error(&self, span: &Range<usize>, key: &str, message: impl Into<String>) -> ConfigError {
        let place = self.place(span.start);
        ConfigError::new(if key.is_empty() { place } else { format!("{place}: {key}") }, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let document = Document { file: "f", text: "a\né = 1\r\n\nx" };
        for (offset, expected) in [
            (0, "f:1:1"),
            (1, "f:1:2"),
            (2, "f:2:1"),
            (3, "f:2:1"),
            (4, "f:2:2"),
            (11, "f:4:1"),
            (99, "f:4:2"),
        ] {
            assert_eq!(document.place(offset), expected, "{offset}");
        }
    }
}
