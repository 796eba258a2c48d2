//! Conditions over options, as Makefiles and Kconfig files state them.

use std::collections::BTreeSet;

use super::Configuration;

/// A condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expression {
    /// Always or never.
    Constant(bool),
    /// The option is on.
    Symbol(String),
    /// The opposite.
    Not(Box<Expression>),
    /// All of them.
    All(Vec<Expression>),
    /// One of them at least.
    Any(Vec<Expression>),
    /// Something that only the build itself can tell.
    Unknown,
}

/// An option as it would have to be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Setting {
    /// It has to be on.
    On(String),
    /// It has to be off.
    Off(String),
}

impl Expression {
    /// That an option is on.
    pub fn symbol(name: &str) -> Self {
        Expression::Symbol(name.to_owned())
    }

    pub(super) fn not(self) -> Self {
        Expression::Not(Box::new(self))
    }

    /// Whether it holds; none if that cannot be told.
    pub fn holds(&self, configuration: &Configuration) -> Option<bool> {
        match self {
            Expression::Constant(value) => Some(*value),
            Expression::Symbol(name) => configuration.state(name),
            Expression::Not(inner) => inner.holds(configuration).map(|holds| !holds),
            Expression::All(parts) => first_or(parts, configuration, false),
            Expression::Any(parts) => first_or(parts, configuration, true),
            Expression::Unknown => None,
        }
    }

    /// Gives each option that it is about.
    pub(super) fn names<'a>(&'a self, note: &mut impl FnMut(&'a str)) {
        match self {
            Expression::Constant(_) | Expression::Unknown => {}
            Expression::Symbol(name) => note(name),
            Expression::Not(inner) => inner.names(note),
            Expression::All(parts) | Expression::Any(parts) => {
                parts.iter().for_each(|part| part.names(note));
            }
        }
    }

    /// The fewest options that would have to be otherwise for it to hold. Nothing if it holds, or if none can help.
    pub fn wanting(&self, configuration: &Configuration) -> BTreeSet<Setting> {
        self.otherwise(configuration, true).unwrap_or_default()
    }

    /// What would have to be otherwise for it to be `value`; none if nothing can help.
    fn otherwise(&self, configuration: &Configuration, value: bool) -> Option<BTreeSet<Setting>> {
        match self {
            Expression::Constant(constant) => (*constant == value).then(BTreeSet::new),
            Expression::Unknown => Some(BTreeSet::new()),
            Expression::Symbol(name) => Some(match (configuration.is_on(name) == value, value) {
                (true, _) => BTreeSet::new(),
                (false, true) => BTreeSet::from([Setting::On(name.clone())]),
                (false, false) => BTreeSet::from([Setting::Off(name.clone())]),
            }),
            Expression::Not(inner) => inner.otherwise(configuration, !value),
            Expression::All(parts) if value => every(parts, configuration, value),
            Expression::Any(parts) if !value => every(parts, configuration, value),
            Expression::All(parts) | Expression::Any(parts) => {
                parts.iter().filter_map(|part| part.otherwise(configuration, value)).min_by_key(BTreeSet::len)
            }
        }
    }

    /// Adds a condition that has to hold, too.
    pub(super) fn restrict(&mut self, more: Expression) {
        if !matches!(self, Expression::All(_)) {
            *self = Expression::All(vec![std::mem::replace(self, Expression::Unknown)]);
        }
        let Expression::All(parts) = self else { return };
        match parts.len().cmp(&MOST_PARTS) {
            std::cmp::Ordering::Less => parts.push(more),
            std::cmp::Ordering::Equal => parts.push(Expression::Unknown),
            std::cmp::Ordering::Greater => {}
        }
    }

    /// A condition in the language of Kconfig, without `if` in front.
    pub(super) fn parse(text: &str) -> Self {
        let tokens = tokens(text);
        if tokens.len() > MOST_TOKENS {
            return Expression::Unknown;
        }
        let mut parser = Parser { tokens: &tokens };
        let expression = parser.any();
        // What is not understood to its end is not understood.
        if parser.tokens.is_empty() { expression } else { Expression::Unknown }
    }
}

/// The longest condition that is read; the longest one of Linux 7.3 has 59. What is longer is not known, as what is not understood. So
/// conditions in conditions do not fill the stack, either.
const MOST_TOKENS: usize = 200;

/// As many conditions one after the other are read; no option of Linux 7.3 has more than 13.
const MOST_PARTS: usize = 64;

/// `decides` if one of the parts is that; none if one cannot be told; else the opposite.
fn first_or(parts: &[Expression], configuration: &Configuration, decides: bool) -> Option<bool> {
    let mut is_known = true;
    for part in parts {
        match part.holds(configuration) {
            Some(holds) if holds == decides => return Some(decides),
            Some(_) => {}
            None => is_known = false,
        }
    }
    is_known.then_some(!decides)
}

fn every(parts: &[Expression], configuration: &Configuration, value: bool) -> Option<BTreeSet<Setting>> {
    let mut all = BTreeSet::new();
    for part in parts {
        all.extend(part.otherwise(configuration, value)?);
    }
    Some(all)
}

/// Words, operators and parentheses. A macro with all that is in it is one word.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if let Some(operator) =
            ["&&", "||", "!=", "<=", ">="].iter().find(|operator| rest.starts_with(**operator))
        {
            operator.len()
        } else if "()!=<>".contains(first) {
            1
        } else if first == '"' || first == '\'' {
            rest[1..].find(first).map_or(rest.len(), |at| at + 2)
        } else if rest.starts_with("$(") {
            closing(rest)
        } else {
            rest.find(|c: char| c.is_whitespace() || "()!=<>&|".contains(c))
                .unwrap_or(rest.len())
                .max(first.len_utf8())
        };
        let (token, after) = rest.split_at(length);
        tokens.push(token);
        rest = after.trim_start();
    }
    tokens
}

/// The length of the macro that a text begins with.
fn closing(text: &str) -> usize {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 1 => return at + 1,
            ')' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

struct Parser<'a> {
    tokens: &'a [&'a str],
}

impl<'a> Parser<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    fn takes(&mut self, token: &str) -> bool {
        let is_next = self.tokens.first() == Some(&token);
        if is_next {
            self.next();
        }
        is_next
    }

    fn any(&mut self) -> Expression {
        let mut parts = vec![self.all()];
        while self.takes("||") {
            parts.push(self.all());
        }
        if parts.len() == 1 { parts.remove(0) } else { Expression::Any(parts) }
    }

    fn all(&mut self) -> Expression {
        let mut parts = vec![self.one()];
        while self.takes("&&") {
            parts.push(self.one());
        }
        if parts.len() == 1 { parts.remove(0) } else { Expression::All(parts) }
    }

    fn one(&mut self) -> Expression {
        if self.takes("!") {
            return self.one().not();
        }
        if self.takes("(") {
            let inner = self.any();
            return if self.takes(")") { inner } else { Expression::Unknown };
        }
        let Some(word) = self.next() else { return Expression::Unknown };
        let operator =
            self.tokens.first().copied().filter(|token| ["=", "!=", "<", ">", "<=", ">="].contains(token));
        if let Some(operator) = operator {
            self.next();
            let value = self.next().unwrap_or_default();
            return compared(word, operator, value);
        }
        plain(word)
    }
}

fn plain(word: &str) -> Expression {
    match word {
        "y" => Expression::Constant(true),
        // No kernel of the lab has modules.
        "n" | "m" => Expression::Constant(false),
        word if is_name(word) => Expression::symbol(word),
        _ => Expression::Unknown,
    }
}

fn compared(word: &str, operator: &str, value: &str) -> Expression {
    match (operator, value.trim_matches('"')) {
        ("=", "y") | ("!=", "n") => plain(word),
        ("=", "n") | ("!=", "y") => plain(word).not(),
        ("=", "m") => Expression::Constant(false),
        ("!=", "m") => Expression::Constant(true),
        _ => Expression::Unknown,
    }
}

pub(super) fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && word.chars().any(|c| c.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions() {
        let configuration =
            Configuration::parse("CONFIG_A=y\nCONFIG_M=m\n# CONFIG_B is not set\nCONFIG_N=7\n");
        let check = |text: &str, expected: Option<bool>| {
            assert_eq!(Expression::parse(text).holds(&configuration), expected, "{text}");
        };
        check("A", Some(true));
        check("M", Some(true));
        check("B", Some(false));
        check("!B && (A||B)", Some(true));
        check("A && B || !A", Some(false));
        check("A=y && B != y", Some(true));
        check("B = \"n\"", Some(true));
        check("A = m", Some(false));
        check("N > 3", None);
        check("$(cc-option,-mfoo(1))", None);
        check("$(cc-option,-mfoo) && B", Some(false));
        check("A && (B", None);
        check("m", Some(false));
    }

    #[test]
    fn what_is_wanting() {
        let configuration = Configuration::parse("CONFIG_A=y\n");
        let check = |text: &str, on: &[&str], off: &[&str]| {
            let expected: BTreeSet<Setting> = on
                .iter()
                .map(|name| Setting::On((*name).to_owned()))
                .chain(off.iter().map(|name| Setting::Off((*name).to_owned())))
                .collect();
            assert_eq!(Expression::parse(text).wanting(&configuration), expected, "{text}");
        };
        check("A", &[], &[]);
        check("A && B && C", &["B", "C"], &[]);
        check("(B && C) || D", &["D"], &[]);
        check("B && !A", &["B"], &["A"]);
        check("n || B", &["B"], &[]);
        check("B && n", &[], &[]);
        check("!(A || B)", &[], &["A"]);
    }
}
