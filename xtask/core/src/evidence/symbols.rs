//! What a kernel consists of, for a comparison of two: its functions and its data that have names, each with a
//! digest that does not depend on addresses.

mod difference;

use std::fmt::Write as _;

use anyhow::Context as _;

pub use difference::{Resized, SymbolDifference};

/// A function or a piece of data with a name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Symbol {
    /// The name, without the numbers that the compiler hands out file by file. Static ones may share it.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Over content and section, with the names of what it refers to in place of addresses.
    pub hash: String,
}

/// The form in which they are stored: a line each with hash, size and name.
pub fn to_text(symbols: &[Symbol]) -> String {
    symbols.iter().fold(String::new(), |mut text, symbol| {
        let _ = writeln!(text, "{} {} {}", symbol.hash, symbol.size, symbol.name);
        text
    })
}

/// Reads that form.
///
/// # Errors
/// Names the first line that has another one.
pub fn from_text(text: &str) -> anyhow::Result<Vec<Symbol>> {
    let symbol = |line: &str| {
        let (hash, rest) = line.split_once(' ')?;
        let (size, name) = rest.split_once(' ')?;
        Some(Symbol { name: name.to_owned(), size: size.parse().ok()?, hash: hash.to_owned() })
    };
    text.lines()
        .enumerate()
        .map(|(at, line)| symbol(line).with_context(|| format!("line {} is no symbol: {line:?}", at + 1)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_form() {
        let text = "0a 12 fuse_init\n0b 0 a b\n";
        let symbols = from_text(text).unwrap();
        assert_eq!(symbols[0], Symbol { name: "fuse_init".into(), size: 12, hash: "0a".into() });
        assert_eq!(symbols[1].name, "a b");
        assert_eq!(to_text(&symbols), text);
        let error = from_text("0a 12 x\n0a twelve x\n").unwrap_err().to_string();
        assert_eq!(error, "line 2 is no symbol: \"0a twelve x\"");
    }
}
