//! C as tokens, each with its place: comments, text and preprocessor lines are told apart from code.

use std::ops::Range;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::series) enum Kind {
    /// A name or a keyword.
    Word,
    /// A number.
    Number,
    /// A string or a character, with its quotes.
    Quoted,
    /// An operator or a bracket.
    Sign,
}

/// A piece of code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::series) struct Token<'a> {
    /// What it is.
    pub kind: Kind,
    /// As it is written.
    pub text: &'a str,
    /// Where it begins, bytes.
    pub start: usize,
    /// In which line that is, from 1.
    pub line: usize,
}

impl Token<'_> {
    /// Where it is, bytes.
    pub(in crate::series) fn range(&self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }

    /// Whether it is this operator, bracket or word.
    pub(in crate::series) fn is(&self, text: &str) -> bool {
        self.text == text && self.kind != Kind::Quoted
    }
}

/// Signs of more than one character, longer ones first.
const SIGNS: [&str; 22] = [
    "<<=", ">>=", "...", "->", "++", "--", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "+=", "-=", "*=",
    "/=", "%=", "&=", "|=", "^=",
];

/// The code of a file. Comments and preprocessor lines are left out.
pub(in crate::series) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1);
    let mut begins_line = true;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let (length, kind) = if first.is_whitespace() {
            begins_line |= first == '\n';
            (first.len_utf8(), None)
        } else if rest.starts_with("/*") {
            (rest.find("*/").map_or(rest.len(), |end| end + 2), None)
        } else if rest.starts_with("//") || (begins_line && first == '#') {
            (logical_line(rest), None)
        } else {
            begins_line = false;
            let (length, kind) = piece(rest, first);
            (length, Some(kind))
        };
        let text = &rest[..length];
        found.extend(kind.map(|kind| Token { kind, text, start: at, line }));
        line += text.matches('\n').count();
        at += length;
    }
    found
}

/// The length of a line that goes on behind each backslash at its end, without its newline.
fn logical_line(rest: &str) -> usize {
    let mut length = 0;
    for line in rest.split_inclusive('\n') {
        length += line.len();
        if !line.trim_end_matches(['\n', '\r']).ends_with('\\') {
            return length - usize::from(line.ends_with('\n'));
        }
    }
    length
}

/// The length and kind of the token at the start of `rest`.
fn piece(rest: &str, first: char) -> (usize, Kind) {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let up_to = |is_part: &dyn Fn(char) -> bool| rest.find(|c| !is_part(c)).unwrap_or(rest.len());
    if first == '"' || first == '\'' {
        (quoted(rest, first), Kind::Quoted)
    } else if first.is_ascii_digit() {
        (up_to(&|c| is_word(c) || c == '.'), Kind::Number)
    } else if is_word(first) {
        (up_to(&is_word), Kind::Word)
    } else {
        let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
        (sign.map_or(first.len_utf8(), |sign| sign.len()), Kind::Sign)
    }
}

/// The length of a string or character with its quotes; it ends with its line at the latest.
fn quoted(rest: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            '\n' if !is_escaped => return at,
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let shown = tokens(text).into_iter().map(|token| format!("{}:{}", token.line, token.text));
        assert_eq!(shown.collect::<Vec<_>>().join(" "), expected, "{text}");
    }

    #[test]
    fn signs_are_as_long_as_they_can_be() {
        check("a->b<=c<<2", "1:a 1:-> 1:b 1:<= 1:c 1:<< 1:2");
        check("x-->y", "1:x 1:-- 1:> 1:y");
        check("!--io->reqs", "1:! 1:-- 1:io 1:-> 1:reqs");
        check("a?:b", "1:a 1:? 1:: 1:b");
    }

    #[test]
    fn comments_and_directives_are_no_code() {
        check("a /* b\n * c */ d // e\nf", "1:a 2:d 3:f");
        check("#define X(a) \\\n\t(a < 1)\n#include <x.h>\nint a;", "4:int 4:a 4:;");
        check("a # b", "1:a 1:# 1:b");
        check("a /* no end", "1:a");
    }

    #[test]
    fn text_is_one_token() {
        check(r#"f("a \" < /* b", '\'', '<')"#, r#"1:f 1:( 1:"a \" < /* b" 1:, 1:'\'' 1:, 1:'<' 1:)"#);
        check("\"a\nb", "1:\"a 2:b");
        check("0x1fUL 1.5 é", "1:0x1fUL 1:1.5 1:é");
    }
}
