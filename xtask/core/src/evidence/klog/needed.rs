//! What a text must hold so that a pattern can match: nearly no line of a log holds any of it.

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use regex_syntax::hir::{Hir, HirKind};

/// Finds the first of many short texts in a large one, at the same speed however many they are.
#[derive(Debug)]
pub(super) struct Needed(AhoCorasick);

impl Needed {
    /// For these texts. Of two, one of which holds the other, the shorter one is looked for.
    #[expect(clippy::unwrap_used, reason = "it fails for gigabytes of text, and these are constants")]
    pub(super) fn new(texts: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let mut texts: Vec<Vec<u8>> = texts.into_iter().collect();
        texts.sort_by_key(Vec::len);
        let mut shortest: Vec<Vec<u8>> = Vec::new();
        for text in texts {
            if !shortest.iter().any(|short| memchr::memmem::find(&text, short).is_some()) {
                shortest.push(text);
            }
        }
        Self(AhoCorasick::builder().kind(Some(AhoCorasickKind::DFA)).build(shortest).unwrap())
    }

    /// Where the first of them begins.
    pub(super) fn find(&self, text: &[u8]) -> Option<usize> {
        self.0.find(text).map(|found| found.start())
    }
}

/// Texts of which each match of a pattern holds one; none for a pattern that does not fix any.
#[expect(clippy::unwrap_used, reason = "the patterns are constants, and every one is compiled by a test")]
pub(super) fn texts_of(pattern: &str) -> Option<Vec<Vec<u8>>> {
    of_hir(&regex_syntax::parse(pattern).unwrap())
}

fn of_hir(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    match hir.kind() {
        HirKind::Literal(text) => Some(vec![text.0.to_vec()]),
        HirKind::Capture(group) => of_hir(&group.sub),
        HirKind::Repetition(repeated) if repeated.min > 0 => of_hir(&repeated.sub),
        // Of parts in a row the one that says most, which is the one whose shortest text is the longest.
        HirKind::Concat(parts) => parts
            .iter()
            .filter_map(of_hir)
            .max_by_key(|texts| (texts.iter().map(Vec::len).min(), usize::MAX - texts.len())),
        HirKind::Alternation(ways) => {
            ways.iter().map(of_hir).collect::<Option<Vec<_>>>().map(|all| all.concat())
        }
        HirKind::Empty | HirKind::Class(_) | HirKind::Look(_) | HirKind::Repetition(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_match_holds_one_of_the_texts() {
        for (pattern, expected) in [
            (r"BUG: KASAN:", &["BUG: KASAN:"][..]),
            (r"irq \d+: nobody cared", &[": nobody cared"]),
            (r"Oops(?: - [a-z -]+)? \[#", &["Oops"]),
            (r"(?:[Kk]ernel|BUG) panicked", &[" panicked"]),
            (r"(?:in atomic|on a task|x+y)", &["in atomic", "on a task", "y"]),
            (r"\w+ \d*", &[" "]),
        ] {
            let texts = texts_of(pattern).unwrap();
            let texts: Vec<&str> = texts.iter().map(|text| std::str::from_utf8(text).unwrap()).collect();
            assert_eq!(texts, expected, "{pattern}");
        }
        assert_eq!(texts_of(r"\w+|BUG"), None);
    }

    #[test]
    fn the_first_one_is_found() {
        let needed = Needed::new(["BUG:", "BUG: KASAN", "INFO:"].map(|text| text.as_bytes().to_vec()));
        for (text, expected) in
            [("an INFO: BUG:", Some(3)), ("BUG: KASAN", Some(0)), ("BUG", None), ("", None)]
        {
            assert_eq!(needed.find(text.as_bytes()), expected, "{text}");
        }
    }
}
