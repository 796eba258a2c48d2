//! The functions of a file, and the statements that they consist of.

use std::ops::Range;

use super::tokens::{Kind, Token};

/// Deeper nesting is not looked into: code for people has less than ten levels.
const DEEPEST: usize = 60;

/// What may stand between a function's parameters and its body.
const ANNOTATIONS: [&str; 5] =
    ["__acquires", "__releases", "__must_hold", "__cond_acquires", "__attribute__"];

/// A function that has a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::series) struct Function<'a> {
    /// Its name.
    pub name: &'a str,
    /// The line of its name, from 1.
    pub line: usize,
    /// What stands in its body.
    pub body: Vec<Statement>,
    /// The tokens from its name to the end of its body.
    pub tokens: Range<usize>,
}

/// A statement; ranges count tokens of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::series) struct Statement {
    /// What it is.
    pub form: Form,
    /// All of it, with what stands in it.
    pub tokens: Range<usize>,
    /// What stands in it: the statements of a block, what a loop does, or what is done if a condition holds, and else.
    pub inner: Vec<Statement>,
}

/// Forms of statements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::series) enum Form {
    /// A call, an assignment, an increment.
    Expression,
    /// A declaration, with or without initial value.
    Declaration,
    /// `return`, with or without value.
    Return,
    /// `goto`, `break` or `continue`.
    Jump,
    /// `if`, with the tokens of its condition.
    If(Range<usize>),
    /// `while`, with the tokens of its condition.
    While(Range<usize>),
    /// Another loop, or `switch`.
    Other,
    /// Statements in braces.
    Block,
    /// A label, a `case`, or nothing.
    Empty,
}

/// The functions among the tokens of a file, in order.
pub(in crate::series) fn functions<'a>(tokens: &[Token<'a>]) -> Vec<Function<'a>> {
    let mut found = Vec::new();
    // The first token behind the last top-level declaration.
    let mut begun = 0;
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if token.is(";") {
            begun = at + 1;
        } else if token.is("{") {
            let end = closing(tokens, at);
            let is_body = at > begun && tokens[at - 1].is(")");
            if let Some(name) = is_body.then(|| name(tokens, begun..at)).flatten() {
                let body = Parser { tokens, at: at + 1, end }.list(0);
                let (line, text) = (tokens[name].line, tokens[name].text);
                found.push(Function { name: text, line, body, tokens: name..end });
            }
            at = end;
            begun = end + 1;
        }
        at += 1;
    }
    found
}

/// The place of the bracket that closes the one at `open`; the end if there is none.
pub(in crate::series) fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            _ => continue,
        }
        if depth == 0 {
            return at;
        }
    }
    tokens.len()
}

/// The place of a function's name in its signature: the word before the last parameters that are no annotation.
fn name(tokens: &[Token], signature: Range<usize>) -> Option<usize> {
    let mut groups = Vec::new();
    let mut at = signature.start;
    while at < signature.end {
        if tokens[at].is("(") {
            groups.extend((at > signature.start).then(|| at - 1));
            at = closing(tokens, at);
        }
        at += 1;
    }
    let is_name = |at: &usize| tokens[*at].kind == Kind::Word && !ANNOTATIONS.contains(&tokens[*at].text);
    groups.into_iter().rfind(is_name)
}

struct Parser<'a, 'b> {
    tokens: &'b [Token<'a>],
    at: usize,
    end: usize,
}

impl Parser<'_, '_> {
    fn list(&mut self, depth: usize) -> Vec<Statement> {
        let mut all = Vec::new();
        while self.at < self.end {
            all.push(self.statement(depth));
        }
        all
    }

    fn is(&self, text: &str) -> bool {
        self.at < self.end && self.tokens[self.at].is(text)
    }

    /// One statement; always goes on by a token.
    fn statement(&mut self, depth: usize) -> Statement {
        let start = self.at;
        let (form, inner) = if depth > DEEPEST {
            self.at = self.end;
            (Form::Empty, Vec::new())
        } else {
            self.form(depth)
        };
        Statement { form, tokens: start..self.at, inner }
    }

    fn form(&mut self, depth: usize) -> (Form, Vec<Statement>) {
        match self.tokens[self.at].text {
            "{" => {
                let end = closing(self.tokens, self.at).min(self.end);
                let inner = Parser { tokens: self.tokens, at: self.at + 1, end }.list(depth + 1);
                self.at = (end + 1).min(self.end);
                (Form::Block, inner)
            }
            "if" => self.branch(depth),
            "do" => {
                self.at += 1;
                let inner = self.following(depth);
                self.simple();
                (Form::Other, inner)
            }
            "return" => (Form::Return, self.simple()),
            "goto" | "break" | "continue" => (Form::Jump, self.simple()),
            ";" | "case" | "default" => (Form::Empty, self.label()),
            _ if self.is_label() => (Form::Empty, self.label()),
            _ => self.headed(depth),
        }
    }

    fn branch(&mut self, depth: usize) -> (Form, Vec<Statement>) {
        let open = self.at + 1;
        let close = closing(self.tokens, open).min(self.end);
        self.at = (close + 1).min(self.end);
        let mut inner = self.following(depth);
        if self.is("else") {
            self.at += 1;
            inner.extend(self.following(depth));
        }
        (Form::If(open + 1..close), inner)
    }

    /// What a loop or a branch does.
    fn following(&mut self, depth: usize) -> Vec<Statement> {
        if self.at < self.end { vec![self.statement(depth + 1)] } else { Vec::new() }
    }

    /// A loop, or what ends with a semicolon. Macros that loop have a name, parameters and no semicolon behind them.
    fn headed(&mut self, depth: usize) -> (Form, Vec<Statement>) {
        let is_call = self.tokens.get(self.at + 1).is_some_and(|next| next.is("("));
        let close = closing(self.tokens, self.at + 1).min(self.end);
        let next = self.tokens.get(close + 1).filter(|_| close + 1 < self.end);
        let is_head = is_call
            && self.tokens[self.at].kind == Kind::Word
            && next.is_some_and(|next| next.is("{") || (next.kind == Kind::Word && !next.is("else")));
        let is_loop = ["while", "for", "switch"].contains(&self.tokens[self.at].text);
        if is_call && (is_head || is_loop) {
            let form = match self.tokens[self.at].is("while") {
                true => Form::While(self.at + 2..close),
                false => Form::Other,
            };
            self.at = (close + 1).min(self.end);
            return (form, self.following(depth));
        }
        let form = if self.is_declaration() { Form::Declaration } else { Form::Expression };
        (form, self.simple())
    }

    fn is_label(&self) -> bool {
        let follows = |by: usize, text: &str| self.tokens.get(self.at + by).is_some_and(|next| next.is(text));
        self.tokens[self.at].kind == Kind::Word && follows(1, ":") && !follows(2, ":")
    }

    /// Up to the colon of a label.
    fn label(&mut self) -> Vec<Statement> {
        while self.at < self.end && !self.is(":") && !self.is(";") {
            self.at += 1;
        }
        self.at = (self.at + 1).min(self.end);
        Vec::new()
    }

    /// Up to the semicolon that is in no brackets.
    fn simple(&mut self) -> Vec<Statement> {
        while self.at < self.end && !self.is(";") {
            let opens = self.is("(") || self.is("[") || self.is("{");
            self.at = if opens { closing(self.tokens, self.at) + 1 } else { self.at + 1 };
        }
        self.at = (self.at + 1).min(self.end);
        Vec::new()
    }

    /// Two words, or a word, stars and a word: no expression begins so. A macro in capitals declares what it names, unless
    /// it is given an address.
    fn is_declaration(&self) -> bool {
        let mut rest = self.tokens[self.at..self.end].iter();
        let Some(first) = rest.next().filter(|first| first.kind == Kind::Word) else { return false };
        let mut rest = rest.skip_while(|token| token.is("*"));
        match rest.next() {
            Some(second) if second.kind == Kind::Word => true,
            Some(second) if second.is("(") => {
                let is_macro =
                    first.text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
                is_macro && rest.next().is_some_and(|third| third.kind == Kind::Word)
            }
            Some(_) | None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tokens::tokens;
    use super::*;

    fn shown(tokens: &[Token], statement: &Statement) -> String {
        let words = |range: &Range<usize>| {
            tokens[range.clone()].iter().map(|token| token.text).collect::<Vec<_>>().join(" ")
        };
        let inner: Vec<String> = statement.inner.iter().map(|inner| shown(tokens, inner)).collect();
        let (form, own) = match &statement.form {
            Form::If(condition) => ("if", words(condition)),
            Form::While(condition) => ("while", words(condition)),
            Form::Block => ("", String::new()),
            Form::Other => ("other", String::new()),
            Form::Empty => ("empty", words(&statement.tokens)),
            Form::Expression => ("do", words(&statement.tokens)),
            Form::Declaration => ("declare", words(&statement.tokens)),
            Form::Return | Form::Jump => ("leave", words(&statement.tokens)),
        };
        let inner = if inner.is_empty() { String::new() } else { format!("{{{}}}", inner.join(" ")) };
        format!("{form}[{own}]{inner}")
    }

    fn check(text: &str, expected: &str) {
        let tokens = tokens(text);
        let found = functions(&tokens).into_iter().map(|function| {
            let body = function.body.iter().map(|statement| shown(&tokens, statement)).collect::<Vec<_>>();
            format!("{}@{}: {}", function.name, function.line, body.join(" "))
        });
        assert_eq!(found.collect::<Vec<_>>().join("\n"), expected, "{text}");
    }

    #[test]
    fn what_is_a_function() {
        check("struct a { int x; };\nint b[] = { 1 };\nint c(void);\nstatic int\nd(int x)\n{ }", "d@5: ");
        check("static void *__x(int a) __must_hold(&b) { }\nEXPORT(x);\nvoid y(void) {}", "__x@1: \ny@3: ");
        check("static const struct ops o = {\n.f = g,\n};\n", "");
    }

    #[test]
    fn statements() {
        check(
            "int f(void) { int a; struct x *p = g(1); a = 1; h(a); FUSE_ARGS(b); INIT_WORK(&w, f); return a; }",
            "f@1: declare[int a ;] declare[struct x * p = g ( 1 ) ;] do[a = 1 ;] do[h ( a ) ;] \
             declare[FUSE_ARGS ( b ) ;] do[INIT_WORK ( & w , f ) ;] leave[return a ;]",
        );
        check(
            "void f(void) { if (a) b(); else if (c) { d(); } else e(); g(); }",
            "f@1: if[a]{do[b ( ) ;] if[c]{[]{do[d ( ) ;]} do[e ( ) ;]}} do[g ( ) ;]",
        );
        check(
            "void f(void) { for (i = 0; i < n; i++) { a(); } while (x(y)) z(); list_for_each_entry(a, b, c) d(a); }",
            "f@1: other[]{[]{do[a ( ) ;]}} while[x ( y )]{do[z ( ) ;]} other[]{do[d ( a ) ;]}",
        );
        check(
            "void f(void) { do { a(); } while (b); switch (c) { case 1: d(); break; default: e(); } out: g(); }",
            "f@1: other[]{[]{do[a ( ) ;]}} other[]{[]{empty[case 1 :] do[d ( ) ;] leave[break ;] empty[default :] \
             do[e ( ) ;]}} empty[out :] do[g ( ) ;]",
        );
        check(
            "void f(void) { struct a x = { .b = 1, }; *p = q; --n; }",
            "f@1: declare[struct a x = { . b = 1 , } ;] do[* p = q ;] do[-- n ;]",
        );
    }

    #[test]
    fn what_is_cut_or_no_c_is_read_to_its_end() {
        for text in [
            "int f(void) {",
            "int f(void) { if",
            "int f(void) { if (a",
            "f() { do",
            "f() { a ? b",
            "f() { case",
            "} } ) f( {",
        ] {
            functions(&tokens(text));
        }
        let deep = format!("int f(void) {} a(); {}", "{".repeat(5000), "}".repeat(5000));
        assert_eq!(functions(&tokens(&deep)).len(), 1);
    }
}
