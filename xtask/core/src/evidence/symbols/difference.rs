//! Which symbols two kernels do not have in common.

use std::collections::BTreeMap;

use super::Symbol;

/// What one kernel has and another has not. Lists are sorted by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SymbolDifference {
    /// Only in the new kernel.
    pub added: Vec<String>,
    /// Only in the old one.
    pub removed: Vec<String>,
    /// In both, with another content.
    pub changed: Vec<Resized>,
    /// Bytes of all symbols, the new kernel's less the old one's.
    pub bytes: i64,
}

/// A symbol whose content changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resized {
    /// Its name.
    pub name: String,
    /// Bytes before and after.
    pub sizes: (u64, u64),
}

impl SymbolDifference {
    /// From `old` to `new`. Symbols that share a name are told apart by their content: what is equal in both is
    /// taken away first.
    pub fn between(old: &[Symbol], new: &[Symbol]) -> Self {
        let mut by_name: BTreeMap<&str, [Vec<&Symbol>; 2]> = BTreeMap::new();
        for (side, symbols) in [old, new].into_iter().enumerate() {
            for symbol in symbols {
                by_name.entry(&symbol.name).or_default()[side].push(symbol);
            }
        }
        let mut difference =
            SymbolDifference { bytes: bytes(new) - bytes(old), ..SymbolDifference::default() };
        for (name, [mut old, new]) in by_name {
            let mut rest = Vec::new();
            for symbol in new {
                match old.iter().position(|other| *other == symbol) {
                    Some(place) => drop(old.remove(place)),
                    None => rest.push(symbol),
                }
            }
            let pairs = old.len().min(rest.len());
            let changed = old.iter().zip(&rest);
            difference.changed.extend(
                changed.map(|(old, new)| Resized { name: name.to_owned(), sizes: (old.size, new.size) }),
            );
            difference.removed.extend(old[pairs..].iter().map(|_| name.to_owned()));
            difference.added.extend(rest[pairs..].iter().map(|_| name.to_owned()));
        }
        difference
    }

    /// Whether the two have all symbols in common.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }
}

fn bytes(symbols: &[Symbol]) -> i64 {
    symbols.iter().map(|symbol| i64::try_from(symbol.size).unwrap_or(i64::MAX)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `name:size:hash`, separated by spaces.
    fn symbols(text: &str) -> Vec<Symbol> {
        let symbol = |word: &str| {
            let parts: Vec<&str> = word.split(':').collect();
            Symbol { name: parts[0].into(), size: parts[1].parse().unwrap(), hash: parts[2].into() }
        };
        text.split_whitespace().map(symbol).collect()
    }

    #[test]
    fn differences() {
        let check = |old: &str, new: &str, expected: &str| {
            let difference = SymbolDifference::between(&symbols(old), &symbols(new));
            let changed = difference.changed.iter();
            let changed = changed.map(|of| format!("~{}:{}:{}", of.name, of.sizes.0, of.sizes.1));
            let words = difference.added.iter().map(|name| format!("+{name}"));
            let words = words.chain(difference.removed.iter().map(|name| format!("-{name}"))).chain(changed);
            let words = words.chain([difference.bytes.to_string()]).collect::<Vec<_>>().join(" ");
            assert_eq!(words, expected, "{old} / {new}");
            assert_eq!(difference.is_empty(), !expected.contains(['+', '~']) && !expected.contains("-f"));
        };
        check("", "", "0");
        check("f:1:a", "f:1:a", "0");
        check("f:1:a", "f:3:b", "~f:1:3 2");
        check("f:1:a", "g:1:a", "+g -f 0");
        check("f:1:a f:1:b f:2:c", "f:1:b f:2:c f:4:d", "~f:1:4 3");
        check("f:1:a", "f:1:a f:1:a", "+f 1");
        check("f:1:a f:1:a", "f:1:a", "-f -1");
    }
}
