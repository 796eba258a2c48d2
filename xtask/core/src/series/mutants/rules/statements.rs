//! Faults of whole statements: left out, done too early, done under the opposite condition, errors that get lost.

use std::ops::Range;

use super::super::super::code::{Form, Kind, Statement, closing};
use super::super::{Edit, Rule};
use super::{Code, Fault, Spot, spots};

/// Words of a function's name that say that it takes a reference.
const GETS: [&str; 6] = ["get", "inc", "grab", "hold", "ihold", "igrab"];

/// Words of a function's name that say that it gives something back.
const PUTS: [&str; 12] =
    ["put", "dec", "free", "release", "unpin", "drop", "kfree", "kvfree", "iput", "dput", "fput", "mntput"];

/// Names that values have which are returned if something failed.
const ERRORS: [&str; 6] = ["err", "error", "ret", "res", "rc", "PTR_ERR"];

pub(super) fn faults(code: &Code, body: &[Statement]) -> Vec<Fault> {
    spots(body).iter().flat_map(|spot| of_spot(code, spot)).collect()
}

fn of_spot(code: &Code, spot: &Spot) -> Vec<Fault> {
    let tokens = &spot.statement.tokens;
    let drop = |rule| code.replaced(rule, tokens, ";").filter(|_| code.is_all_added(tokens));
    let found = match &spot.statement.form {
        Form::Expression => {
            let rule = role(code, tokens);
            [drop(rule), (rule == Rule::DropPut).then(|| earlier(code, spot)).flatten()]
        }
        Form::Return if spot.is_guarded => [returned(code, tokens), None],
        Form::Jump if spot.is_guarded && code.is(tokens.start, "goto") => [drop(Rule::DropError), None],
        Form::Jump if spot.is_guarded => [drop(Rule::DropStatement), None],
        // The rule for `==` does that.
        Form::If(condition) | Form::While(condition) if is_equation(code, condition) => [None, None],
        Form::If(condition) | Form::While(condition) => {
            [code.replaced(Rule::Negate, condition, &format!("!({})", code.words(condition))), None]
        }
        Form::Return | Form::Jump | Form::Declaration | Form::Other | Form::Block | Form::Empty => {
            [None, None]
        }
    };
    found.into_iter().flatten().collect()
}

/// Whether a condition is nothing but two things that are compared by `==` or `!=`.
fn is_equation(code: &Code, condition: &Range<usize>) -> bool {
    let count = |signs: &[&str]| {
        condition.clone().filter(|token| signs.iter().any(|sign| code.is(*token, sign))).count()
    };
    count(&["==", "!="]) == 1 && count(&["&&", "||", "?", "!", "<", ">", "<=", ">="]) == 0
}

/// The rule that drops a statement, by the function that it calls if it is nothing but a call.
fn role(code: &Code, tokens: &Range<usize>) -> Rule {
    let Some(name) = called(code, tokens) else { return Rule::DropStatement };
    // The last word that says something: fuse_file_put_get() would get.
    let role = name.split('_').rev().find_map(|word| {
        let is = |words: &[&str]| words.contains(&word);
        is(&GETS).then_some(Rule::DropGet).or_else(|| is(&PUTS).then_some(Rule::DropPut))
    });
    role.unwrap_or(Rule::DropStatement)
}

fn called<'a>(code: &Code<'a>, tokens: &Range<usize>) -> Option<&'a str> {
    let name = code.tokens.get(tokens.start).filter(|name| name.kind == Kind::Word)?;
    let is_call = code.is(tokens.start + 1, "(") && closing(code.tokens, tokens.start + 1) + 2 == tokens.end;
    is_call.then_some(name.text)
}

/// A put that comes before the statement in front of it, if that one uses what is put.
fn earlier(code: &Code, spot: &Spot) -> Option<Fault> {
    let (own, before) = (&spot.statement.tokens, &spot.previous?.tokens);
    let is_use = match &spot.previous?.form {
        Form::Expression | Form::If(_) | Form::While(_) | Form::Other | Form::Block => {
            uses(code, own, before)
        }
        Form::Declaration | Form::Return | Form::Jump | Form::Empty => false,
    };
    if !is_use || !code.is_all_added(own) {
        return None;
    }
    let (first, second) = (code.place(before)?, code.place(own)?);
    let new =
        [&code.text[second.clone()], &code.text[first.end..second.start], &code.text[first.clone()]].concat();
    Some((Rule::EarlyPut, code.tokens.get(own.start)?.line, Edit { range: first.start..second.end, new }))
}

/// Whether the second statement names the variable that the first one's arguments begin with.
fn uses(code: &Code, put: &Range<usize>, other: &Range<usize>) -> bool {
    let mut arguments = code.tokens[put.clone()].iter().skip(2);
    let variable = arguments.find(|token| token.kind == Kind::Word);
    variable.is_some_and(|variable| code.tokens[other.clone()].iter().any(|token| token.is(variable.text)))
}

/// A return under a condition: an error becomes success, anything else goes on instead.
fn returned(code: &Code, tokens: &Range<usize>) -> Option<Fault> {
    let value = tokens.start + 1..tokens.end.saturating_sub(1);
    let first = code.tokens.get(value.start)?;
    if first.is("-") {
        // The rule for error codes does that.
        None
    } else if ERRORS.contains(&first.text) || first.text == "IS_ERR" {
        code.replaced(Rule::DropError, &value, "0")
    } else {
        code.replaced(Rule::DropStatement, tokens, ";").filter(|_| code.is_all_added(tokens))
    }
}
