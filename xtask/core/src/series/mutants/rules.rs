//! The rules by which a fault is put into a function.

mod operators;
mod statements;

use std::collections::BTreeSet;
use std::ops::Range;

use super::super::code::{Form, Function, Kind, Statement, Token};
use super::{Edit, Rule};

/// A file as tokens, with the lines that count.
pub(super) struct Code<'a> {
    pub text: &'a str,
    pub tokens: &'a [Token<'a>],
    /// Lines that the series added, from 1.
    pub added: &'a BTreeSet<usize>,
    /// Names that are declared as truth values somewhere, which are those of members too.
    pub flags: &'a BTreeSet<String>,
}

/// A fault: the rule, the line where it begins, and the edit.
pub(super) type Fault = (Rule, usize, Edit);

/// Every fault that a rule puts into the added lines of a function, in the order of their places.
pub(super) fn faults(code: &Code, function: &Function) -> Vec<Fault> {
    let mut all = statements::faults(code, &function.body);
    let own = code.tokens.get(function.tokens.clone()).map(flags).unwrap_or_default();
    all.extend(operators::faults(code, &own, &function.body));
    all.sort_by_key(|(rule, _, edit)| (edit.range.start, *rule, edit.range.end));
    all
}

/// Names that are declared `bool`, or as a bit.
pub(super) fn flags(tokens: &[Token]) -> BTreeSet<String> {
    let declared = tokens.windows(2).filter(|pair| pair[0].is("bool") && pair[1].kind == Kind::Word);
    let bits = tokens
        .windows(4)
        .filter(|four| four[0].kind == Kind::Word && four[1].is(":") && four[2].is("1") && four[3].is(";"));
    let bits = bits.map(|four| four[0].text.to_owned());
    declared.map(|pair| pair[1].text.to_owned()).chain(bits).collect()
}

impl Code<'_> {
    /// Where tokens stand in the text, bytes; none if there is none.
    fn place(&self, tokens: &Range<usize>) -> Option<Range<usize>> {
        let last = self.tokens.get(tokens.end.checked_sub(1)?)?;
        let first = self.tokens.get(tokens.start).filter(|_| !tokens.is_empty())?;
        Some(first.start..last.range().end)
    }

    fn is_added(&self, token: usize) -> bool {
        self.tokens.get(token).is_some_and(|token| self.added.contains(&token.line))
    }

    /// Whether the series added every line of these tokens.
    fn is_all_added(&self, tokens: &Range<usize>) -> bool {
        tokens.clone().all(|token| self.is_added(token))
    }

    /// What comes of replacing tokens, if the first one is on an added line.
    fn replaced(&self, rule: Rule, tokens: &Range<usize>, new: &str) -> Option<Fault> {
        if !self.is_added(tokens.start) {
            return None;
        }
        let line = self.tokens.get(tokens.start)?.line;
        Some((rule, line, Edit { range: self.place(tokens)?, new: new.to_owned() }))
    }

    fn words(&self, tokens: &Range<usize>) -> &str {
        self.place(tokens).map_or("", |place| &self.text[place])
    }

    fn is(&self, token: usize, text: &str) -> bool {
        self.tokens.get(token).is_some_and(|token| token.is(text))
    }
}

/// A statement with what stands around it.
struct Spot<'a> {
    statement: &'a Statement,
    /// The one before it in the same list.
    previous: Option<&'a Statement>,
    /// Whether it is done under a condition.
    is_guarded: bool,
}

/// Every statement of a list, with those in it.
fn spots(list: &[Statement]) -> Vec<Spot<'_>> {
    let mut all = Vec::new();
    collect(list, false, &mut all);
    all
}

fn collect<'a>(list: &'a [Statement], is_guarded: bool, all: &mut Vec<Spot<'a>>) {
    let is_alternative = list.len() > 1;
    for (place, statement) in list.iter().enumerate() {
        let previous = place.checked_sub(1).filter(|_| is_alternative).and_then(|place| list.get(place));
        all.push(Spot { statement, previous, is_guarded });
        match &statement.form {
            // What is done if a condition holds does not come before what is done else.
            Form::If(_) => {
                statement.inner.chunks(1).for_each(|branch| collect(branch, true, all));
            }
            Form::Expression
            | Form::Declaration
            | Form::Return
            | Form::Jump
            | Form::While(_)
            | Form::Other
            | Form::Block
            | Form::Empty => collect(&statement.inner, is_guarded, all),
        }
    }
}
