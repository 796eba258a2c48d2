//! Faults inside of expressions: a boundary off by one, an operator or a truth value that is the other one.

use std::collections::BTreeSet;
use std::ops::Range;

use super::super::super::code::{Kind, Statement, Token, closing};
use super::super::{Edit, Rule};
use super::{Code, Fault};

/// What is taken for its counterpart: the rule, and the two.
const PAIRS: [(Rule, &str, &str); 9] = [
    (Rule::MinMax, "min", "max"),
    (Rule::MinMax, "min_t", "max_t"),
    (Rule::MinMax, "min3", "max3"),
    (Rule::MinMax, "umin", "umax"),
    (Rule::Boundary, "<", "<="),
    (Rule::Boundary, ">", ">="),
    (Rule::Equality, "==", "!="),
    (Rule::AndOr, "&&", "||"),
    (Rule::Constant, "true", "false"),
];

/// Names before a bracket that begin no call, and macros that only pass on what they are given.
const NO_CALLS: [&str; 10] =
    ["if", "while", "for", "switch", "return", "sizeof", "likely", "unlikely", "typeof", "container_of"];

/// `own` are the truth values that the function declares.
pub(super) fn faults(code: &Code, own: &BTreeSet<String>, body: &[Statement]) -> Vec<Fault> {
    let tokens = body.iter().flat_map(|statement| statement.tokens.clone());
    tokens.filter(|token| code.is_added(*token)).flat_map(|token| of_token(code, own, token)).collect()
}

fn of_token(code: &Code, own: &BTreeSet<String>, at: usize) -> Vec<Fault> {
    let single = at..at + 1;
    let counterpart = counterpart(code, at).and_then(|(rule, new)| code.replaced(rule, &single, new));
    let other = [one(code, at), error(code, at), ternary(code, at)];
    let arguments = arguments(code, at).into_iter().filter_map(|range| flipped(code, own, &range));
    counterpart.into_iter().chain(other.into_iter().flatten()).chain(arguments).collect()
}

fn token<'a>(code: &Code<'a>, at: Option<usize>) -> Option<&'a Token<'a>> {
    code.tokens.get(at?)
}

/// What stands for this token in a faulty program.
fn counterpart(code: &Code, at: usize) -> Option<(Rule, &'static str)> {
    let own = token(code, Some(at)).filter(|own| own.kind != Kind::Quoted)?;
    let before = token(code, at.checked_sub(1));
    let is_after = |words: &[&str]| before.is_some_and(|before| words.contains(&before.text));
    let is_before = |words: &[&str]| words.iter().any(|word| code.is(at + 1, word));
    let is_assigned = is_after(&["="]) && is_before(&[";", ",", "}"]);
    if own.kind == Kind::Number {
        let new = match own.text {
            "0" => "1",
            "1" => "0",
            _ => return None,
        };
        return is_assigned.then_some((Rule::Constant, new));
    }
    let (rule, new) = PAIRS.iter().find_map(|(rule, one, other)| {
        let new = if own.text == *one { Some(*other) } else { (own.text == *other).then_some(*one) };
        Some((*rule, new?))
    })?;
    let is_value = rule != Rule::Constant || is_assigned || is_after(&["return"]);
    let is_called = rule != Rule::MinMax || (code.is(at + 1, "(") && !is_after(&["->", "."]));
    (is_value && is_called).then_some((rule, new))
}

/// `+ 1` and `- 1`, left out.
fn one(code: &Code, at: usize) -> Option<Fault> {
    let before = token(code, at.checked_sub(1))?;
    let is_operand = matches!(before.kind, Kind::Word | Kind::Number) || before.is(")") || before.is("]");
    let is_one =
        is_operand && !before.is("return") && (code.is(at, "+") || code.is(at, "-")) && code.is(at + 1, "1");
    let (rule, line, edit) = is_one.then(|| code.replaced(Rule::Boundary, &(at..at + 2), "")).flatten()?;
    // With the blank before it.
    Some((rule, line, Edit { range: before.range().end..edit.range.end, ..edit }))
}

/// An error code that is not compared with, taken for success.
fn error(code: &Code, at: usize) -> Option<Fault> {
    let name = token(code, Some(at + 1)).filter(|_| code.is(at, "-"))?;
    let is_code = name.text.len() > 2
        && name.text.starts_with('E')
        && name.text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    let before = token(code, at.checked_sub(1))?;
    let is_value = ["=", "?", ":", "return"].iter().any(|word| before.is(word));
    (is_code && is_value).then(|| code.replaced(Rule::DropError, &(at..at + 2), "0")).flatten()
}

/// A `?` whose condition is turned round.
fn ternary(code: &Code, at: usize) -> Option<Fault> {
    if !code.is(at, "?") {
        return None;
    }
    let mut depth = 0;
    let mut start = at;
    while let Some(token) = token(code, start.checked_sub(1)) {
        match token.text {
            ")" | "]" => depth += 1,
            "(" | "[" if depth == 0 => break,
            "(" | "[" => depth -= 1,
            "=" | "+=" | "-=" | "," | ";" | "{" | "}" | "return" | "?" | ":" if depth == 0 => break,
            _ => {}
        }
        start -= 1;
    }
    let condition = start..at;
    code.replaced(Rule::Negate, &condition, &format!("!({})", code.words(&condition)))
}

/// The arguments of the call whose name is at `at`.
fn arguments(code: &Code, at: usize) -> Vec<Range<usize>> {
    let is_name = token(code, Some(at)).is_some_and(|name| {
        name.kind == Kind::Word && code.is(at + 1, "(") && !NO_CALLS.contains(&name.text)
    });
    if !is_name {
        return Vec::new();
    }
    let end = closing(code.tokens, at + 1);
    let mut all = Vec::new();
    let (mut start, mut next) = (at + 2, at + 2);
    while next < end {
        if code.is(next, ",") {
            all.push(start..next);
            start = next + 1;
        }
        let opens = ["(", "[", "{"].iter().any(|bracket| code.is(next, bracket));
        next = if opens { closing(code.tokens, next) + 1 } else { next + 1 };
    }
    all.push(start..end);
    all
}

/// An argument that is a truth value, turned round.
fn flipped(code: &Code, own: &BTreeSet<String>, range: &Range<usize>) -> Option<Fault> {
    let argument = code.tokens.get(range.clone())?;
    let (first, last) = (argument.first()?, argument.last()?);
    let new = match (first.text, argument.len()) {
        ("true", 1) => "false".to_owned(),
        ("false", 1) => "true".to_owned(),
        _ => {
            let is_path =
                argument.iter().all(|token| token.kind == Kind::Word || token.is("->") || token.is("."));
            // A variable of another function may have the same name and another type.
            let flags = if argument.len() == 1 { own } else { code.flags };
            if !is_path || !flags.contains(last.text) {
                return None;
            }
            format!("!{}", code.words(range))
        }
    };
    code.replaced(Rule::Argument, range, &new)
}
