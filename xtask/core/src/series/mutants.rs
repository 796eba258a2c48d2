//! Mutants of a series: the patched source with one small fault in what the series added.
//!
//! If nothing that the lab looks at tells such a kernel from the right one, the lab would not have noticed the fault in the
//! series either.

mod by_hand;
mod rules;
mod select;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use by_hand::{ByHand, HandWritten};
pub use select::{only, spread};

pub use super::code::Edit;
use super::code::{functions, tokens};
use super::diff;
use crate::text::digest;
use rules::{Code, faults, flags};

/// A file that a series changes, as it is with the whole series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatchedFile {
    /// Its path in the source.
    pub path: String,
    /// Its content.
    pub text: String,
    /// The lines that are there because of the series, from 1.
    pub added: BTreeSet<usize>,
}

/// A fault that is put into the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutant {
    /// Number and name, `m017-negate-fuse_io_end-12`.
    pub id: String,
    /// Where it comes from.
    pub rule: Rule,
    /// The file.
    pub path: String,
    /// The function.
    pub function: String,
    /// The line of the file, from 1.
    pub line: usize,
    /// The lines that are changed, as they were and as they are, without what they have in common at their start.
    pub before: String,
    /// See `before`.
    pub after: String,
    /// The fault as a patch on top of the series.
    pub patch: String,
    /// Why it matters, of one that was written by hand.
    pub why: Option<String>,
    /// Why nothing could tell it from the right program, if somebody found that out.
    pub equivalent: Option<String>,
}

/// What kind of fault it is. In the order in which faults at one place are numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// A statement is left out.
    DropStatement,
    /// A reference is not taken.
    DropGet,
    /// Something is not given back.
    DropPut,
    /// Something is given back before its last use.
    EarlyPut,
    /// A condition is turned round.
    Negate,
    /// An error is taken for success.
    DropError,
    /// The larger one instead of the smaller one.
    MinMax,
    /// A boundary is off by one.
    Boundary,
    /// Equal instead of unequal.
    Equality,
    /// And instead of or.
    AndOr,
    /// True instead of false, 1 instead of 0.
    Constant,
    /// A truth value is passed on turned round.
    Argument,
    /// Written by hand, with a reason.
    ByHand,
}

impl Rule {
    /// All of them.
    pub const ALL: [Rule; 13] = [
        Rule::DropStatement,
        Rule::DropGet,
        Rule::DropPut,
        Rule::EarlyPut,
        Rule::Negate,
        Rule::DropError,
        Rule::MinMax,
        Rule::Boundary,
        Rule::Equality,
        Rule::AndOr,
        Rule::Constant,
        Rule::Argument,
        Rule::ByHand,
    ];

    /// Its name in ids and tables.
    pub fn word(self) -> &'static str {
        match self {
            Rule::DropStatement => "drop",
            Rule::DropGet => "drop-get",
            Rule::DropPut => "drop-put",
            Rule::EarlyPut => "early-put",
            Rule::Negate => "negate",
            Rule::DropError => "drop-error",
            Rule::MinMax => "min-max",
            Rule::Boundary => "boundary",
            Rule::Equality => "equality",
            Rule::AndOr => "and-or",
            Rule::Constant => "constant",
            Rule::Argument => "argument",
            Rule::ByHand => "hand",
        }
    }

    /// What it does, for people.
    pub fn help(self) -> &'static str {
        match self {
            Rule::DropStatement => "a statement is left out",
            Rule::DropGet => "a reference is not taken",
            Rule::DropPut => "a reference, memory or a page is not given back",
            Rule::EarlyPut => "something is given back one statement too early, before its last use",
            Rule::Negate => "a condition is turned round",
            Rule::DropError => "an error code becomes 0, or the goto of an error is left out",
            Rule::MinMax => "min becomes max, and the other way round",
            Rule::Boundary => "< becomes <=, > becomes >=, and the other way round; + 1 and - 1 are left out",
            Rule::Equality => "== becomes !=, and the other way round",
            Rule::AndOr => "&& becomes ||, and the other way round",
            Rule::Constant => "an assigned true or 1 becomes false or 0, and the other way round",
            Rule::Argument => "a truth value is passed to a function turned round",
            Rule::ByHand => "written by hand, with the reason why it matters",
        }
    }

    /// The rule with this name.
    pub fn named(word: &str) -> Option<Rule> {
        Rule::ALL.into_iter().find(|rule| rule.word() == word)
    }
}

/// The lines that a diff adds to each C file that it changes, by the numbers that they have in the new file.
pub fn added_lines(diff: &str) -> Vec<(String, BTreeSet<usize>)> {
    let is_c = |path: &str| path.ends_with(".c") || path.ends_with(".h");
    let change = |change: diff::FileChange| {
        let path = change.paths.last().filter(|path| is_c(path))?.clone();
        Some((path, change.added_at.iter().filter_map(|line| usize::try_from(*line).ok()).collect()))
    };
    let changes = diff::parse(diff).into_iter().filter_map(change);
    changes.filter(|(_, lines): &(String, BTreeSet<usize>)| !lines.is_empty()).collect()
}

/// Every mutant of a series: those of the rules in the order of their places, then those written by hand. A fault that
/// is there twice is only in the list by hand.
///
/// # Errors
/// If one written by hand does not fit the source, or a name among the equivalent ones is that of no mutant.
pub fn mutants(files: &[PatchedFile], written: &HandWritten) -> anyhow::Result<Vec<Mutant>> {
    let by_hand = by_hand::apply(files, written)?;
    let mut seen: BTreeSet<String> = by_hand.iter().map(|(result, _)| result.clone()).collect();
    let mut all = Vec::new();
    for (result, mutant) in by_rules(files) {
        if seen.insert(result) {
            all.push(mutant);
        }
    }
    all.extend(by_hand.into_iter().map(|(_, mutant)| mutant));
    tell_apart(&mut all);
    by_hand::mark(&mut all, written)?;
    for (place, mutant) in all.iter_mut().enumerate() {
        mutant.id = format!("m{:03}-{}", place + 1, mutant.id);
    }
    Ok(all)
}

/// Those of the rules, without numbers, each with the digest of the file that it makes.
fn by_rules(files: &[PatchedFile]) -> Vec<(String, Mutant)> {
    let tokens: Vec<_> = files.iter().map(|file| tokens(&file.text)).collect();
    let flags = tokens.iter().flat_map(|tokens| flags(tokens)).collect();
    let mut all = Vec::new();
    for (file, tokens) in files.iter().zip(&tokens) {
        let code = Code { text: &file.text, tokens, added: &file.added, flags: &flags };
        for function in functions(tokens) {
            for (rule, line, edit) in faults(&code, &function) {
                let name = format!("{}-{}-{}", rule.word(), function.name, line - function.line);
                all.push((result(file, &edit), Mutant::new(file, rule, name, function.name, line, &edit)));
            }
        }
    }
    all
}

/// What tells one faulty file from another.
fn result(file: &PatchedFile, edit: &Edit) -> String {
    digest::Parts::default().with("path", &file.path).with("text", edit.applied(&file.text)).finish()
}

/// Gives a further number to names that are there already.
fn tell_apart(all: &mut [Mutant]) {
    let mut names = BTreeSet::new();
    for mutant in all {
        let base = mutant.id.clone();
        let mut again = 1;
        while !names.insert(mutant.id.clone()) {
            again += 1;
            mutant.id = format!("{base}-{again}");
        }
    }
}

impl Mutant {
    fn new(file: &PatchedFile, rule: Rule, name: String, function: &str, line: usize, edit: &Edit) -> Self {
        let (before, after) = edit.shown(&file.text);
        Mutant {
            id: name,
            rule,
            path: file.path.clone(),
            function: function.to_owned(),
            line,
            before,
            after,
            patch: edit.patch(&file.path, &file.text),
            why: None,
            equivalent: None,
        }
    }

    /// Its place among the mutants of the series, from 1.
    pub fn number(&self) -> u32 {
        let digits = self.id.strip_prefix('m').and_then(|rest| rest.split('-').next());
        digits.and_then(|digits| digits.parse().ok()).unwrap_or_default()
    }

    /// The id without its number, which changes when the series does.
    pub fn name(&self) -> &str {
        self.id.split_once('-').map_or(&self.id, |(_, name)| name)
    }
}

#[cfg(test)]
mod tests;
