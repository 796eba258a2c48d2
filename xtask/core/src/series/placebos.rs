//! Placebos: changes of the source that mean nothing, to see whether the lab finds a difference where there is none.
//!
//! A kernel that does the same work through other bytes is what every measurement has to call equal: some instructions that do
//! nothing on the way of a request, a function that stands behind the next one, two members of a structure that have changed
//! places.

use std::ops::Range;

use super::code::{Edit, Function, Token, closing, functions, tokens};
use super::mutants::PatchedFile;
use super::{Patch, Series};

/// A change that means nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placebo {
    /// `work-fuse_request_end-16`: the kind, where it is, and its size.
    pub name: String,
    /// The change as a patch.
    pub patch: String,
}

/// Instructions that do nothing in functions that each request of a direct read or write passes once or a few times. Under the
/// virtual clock one takes a nanosecond: the most of them 0.05 % of the time in which a request of 128 KiB is served.
const WORK: [(&str, u32); 12] = [
    ("fuse_direct_io", 64),
    ("fuse_get_user_pages", 16),
    ("fuse_send_read", 4),
    ("fuse_send_write", 4),
    ("fuse_direct_read_iter", 64),
    ("fuse_direct_write_iter", 64),
    ("fuse_dev_do_read", 16),
    ("fuse_dev_do_write", 16),
    ("fuse_copy_args", 1),
    ("fuse_request_end", 64),
    ("fuse_get_req", 4),
    ("fuse_put_request", 1),
];

/// Functions that go behind the one that follows them.
const MOVED: [&str; 7] = [
    "fuse_send_read",
    "fuse_get_user_pages",
    "fuse_copy_args",
    "fuse_put_request",
    "request_wait_answer",
    "fuse_send_write",
    "fuse_request_end",
];

/// Structures of which a member changes places with the next one: which of them, from 0. They lie in the first cache line.
const SWAPPED: [(&str, usize); 3] = [("fuse_req", 3), ("fuse_args", 1), ("fuse_io_priv", 2)];

/// So many are booted, of those for which a source has a place.
pub const COUNT: usize = 20;

/// The files in which the placebos of this source are.
pub const FILES: [&str; 3] = ["fs/fuse/file.c", "fs/fuse/dev.c", "fs/fuse/fuse_i.h"];

/// The names of as many placebos as are booted, if a source has a place for each.
pub fn names() -> Vec<String> {
    let work = WORK.iter().map(|(function, count)| work_name(function, *count));
    let moved = MOVED.iter().map(|function| moved_name(function));
    let swapped = SWAPPED.iter().map(|(structure, member)| swapped_name(structure, *member));
    work.chain(moved).chain(swapped).take(COUNT).collect()
}

fn work_name(function: &str, count: u32) -> String {
    format!("work-{function}-{count}")
}

fn moved_name(function: &str) -> String {
    format!("moved-{function}")
}

fn swapped_name(structure: &str, member: usize) -> String {
    format!("swapped-{structure}-{member}")
}

/// All placebos that fit these files, in a fixed order. What a source does not have has none.
pub fn placebos(files: &[PatchedFile]) -> Vec<Placebo> {
    let mut all = Vec::new();
    for file in files {
        let tokens = tokens(&file.text);
        let functions = functions(&tokens);
        let place = |name: &str| functions.iter().position(|function| function.name == name);
        for (name, count) in WORK {
            let edit = place(name).and_then(|at| work(&tokens, &functions[at], count));
            all.extend(edit.map(|edit| placebo(file, work_name(name, count), &edit)));
        }
        for name in MOVED {
            let two = place(name).and_then(|at| Some((&functions[at], functions.get(at + 1)?)));
            let edit = two.and_then(|(first, next)| moved(&file.text, &tokens, first, next));
            all.extend(edit.map(|edit| placebo(file, moved_name(name), &edit)));
        }
        for (name, member) in SWAPPED {
            let edit = swapped(&file.text, &tokens, name, member);
            all.extend(edit.map(|edit| placebo(file, swapped_name(name, member), &edit)));
        }
    }
    all
}

/// The placebo of this name as a series of one patch.
///
/// # Errors
/// If these files have no place for it.
pub fn series(files: &[PatchedFile], name: &str) -> Result<Series, String> {
    let found = placebos(files).into_iter().find(|placebo| placebo.name == name);
    let Some(Placebo { name, patch }) = found else {
        return Err(format!(
            "this source has no place for the placebo {name}; begin a new self-test, which takes those that fit"
        ));
    };
    let patch = Patch { file: "0001-placebo.patch".to_owned(), subject: name, text: patch.into_bytes() };
    Ok(Series::new("placebo", vec![patch]))
}

fn placebo(file: &PatchedFile, name: String, edit: &Edit) -> Placebo {
    Placebo { name, patch: edit.patch(&file.path, &file.text) }
}

/// Instructions at the begin of a function, as a declaration: the kernel's declarations come before statements.
fn work(tokens: &[Token<'_>], function: &Function<'_>, count: u32) -> Option<Edit> {
    let body = body(tokens, function)?;
    let at = tokens[body].range().end;
    let new = format!(
        "\n\tint placebo __maybe_unused = ({{ asm volatile(\".rept {count}\\n\\tnop\\n\\t.endr\"); 0; }});"
    );
    Some(Edit { range: at..at, new })
}

/// A function behind the next one, with its declaration where it was.
fn moved(text: &str, tokens: &[Token<'_>], first: &Function<'_>, next: &Function<'_>) -> Option<Edit> {
    let begin = tokens[begin(tokens, first)].start;
    let head = text[begin..tokens[body(tokens, first)?].start].trim_end();
    let end = end_of(tokens, first)?;
    let next_end = end_of(tokens, next)?;
    let between = &text[end..next_end];
    // What the preprocessor leaves out of one kernel may be in another.
    let has_directive = |text: &str| text.lines().any(|line| line.trim_start().starts_with('#'));
    if has_directive(between) || has_directive(&text[begin..end]) {
        return None;
    }
    let new = format!("{head};{between}\n\n{}", &text[begin..end]);
    Some(Edit { range: begin..next_end, new })
}

/// Two neighbours in a structure that change places.
fn swapped(text: &str, tokens: &[Token<'_>], name: &str, member: usize) -> Option<Edit> {
    let is_struct = |at: &usize| {
        let words = tokens.get(*at..*at + 3);
        words.is_some_and(|words| words[0].is("struct") && words[1].is(name) && words[2].is("{"))
    };
    let open = (0..tokens.len()).find(is_struct)? + 2;
    let close = closing(tokens, open);
    let mut members: Vec<Range<usize>> = Vec::new();
    let mut begin = tokens[open].range().end;
    let mut at = open + 1;
    while at < close {
        if tokens[at].is("{") {
            at = closing(tokens, at);
        } else if tokens[at].is(";") {
            members.push(begin..tokens[at].range().end);
            begin = tokens[at].range().end;
        }
        at += 1;
    }
    let (one, two) = (members.get(member)?.clone(), members.get(member + 1)?.clone());
    if text[one.start..two.end].contains('#') {
        return None;
    }
    let new = [&text[two.clone()], &text[one.clone()]].concat();
    Some(Edit { range: one.start..two.end, new })
}

/// The place of the bracket that opens a function's body.
fn body(tokens: &[Token<'_>], function: &Function<'_>) -> Option<usize> {
    let mut at = function.tokens.start;
    while at < function.tokens.end {
        if tokens[at].is("{") {
            return Some(at);
        }
        at = if tokens[at].is("(") { closing(tokens, at) } else { at } + 1;
    }
    None
}

/// The place of the first token of a function: behind whatever ended before it.
fn begin(tokens: &[Token<'_>], function: &Function<'_>) -> usize {
    let is_end = |at: &usize| tokens[*at].is(";") || tokens[*at].is("}");
    (0..function.tokens.start).rev().find(is_end).map_or(0, |at| at + 1)
}

/// Behind the bracket that closes a function; none if the text ends before it.
fn end_of(tokens: &[Token<'_>], function: &Function<'_>) -> Option<usize> {
    Some(tokens.get(closing(tokens, body(tokens, function)?))?.range().end)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use expect_test::{Expect, expect};

    use super::*;

    const FUNCTIONS: &str = "\
#include <x.h>

/* Sends it. */
static int fuse_send_read(int a,
\t\t\t  int b)
{
\tint c = a;

\treturn c + b;
}

static int next(void)
{
\treturn fuse_send_read(1, 2);
}
";

    const STRUCTURES: &str = "\
struct fuse_args {
\t/** one */
\tint a;
\t/** two */
\tint b;

\t/** three */
\tvoid (*c)(int d);
\tstruct { int e; } f;
};
";

    fn file(path: &str, text: &str) -> PatchedFile {
        PatchedFile { path: path.to_owned(), text: text.to_owned(), added: BTreeSet::new() }
    }

    fn check(text: &str, expected: Expect) {
        let all = placebos(&[file("fs/fuse/x.c", text)]);
        // Empty lines of context have a blank that no editor keeps.
        let shown =
            |placebo: &Placebo| format!("{}\n{}", placebo.name, placebo.patch.replace("\n \n", "\n\n"));
        expected.assert_eq(&all.iter().map(shown).collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn work_and_moves() {
        check(
            FUNCTIONS,
            expect![[r#"
                work-fuse_send_read-4
                diff --git a/fs/fuse/x.c b/fs/fuse/x.c
                --- a/fs/fuse/x.c
                +++ b/fs/fuse/x.c
                @@ -3,7 +3,8 @@
                 /* Sends it. */
                 static int fuse_send_read(int a,
                 			  int b)
                -{
                +{
                +	int placebo __maybe_unused = ({ asm volatile(".rept 4\n\tnop\n\t.endr"); 0; });
                 	int c = a;
 
                 	return c + b;

                moved-fuse_send_read
                diff --git a/fs/fuse/x.c b/fs/fuse/x.c
                --- a/fs/fuse/x.c
                +++ b/fs/fuse/x.c
                @@ -2,14 +2,17 @@
 
                 /* Sends it. */
                 static int fuse_send_read(int a,
                -			  int b)
                -{
                -	int c = a;
                -
                -	return c + b;
                -}
                -
                -static int next(void)
                -{
                -	return fuse_send_read(1, 2);
                +			  int b);
                +
                +static int next(void)
                +{
                +	return fuse_send_read(1, 2);
                +}
                +
                +static int fuse_send_read(int a,
                +			  int b)
                +{
                +	int c = a;
                +
                +	return c + b;
                 }
            "#]],
        );
    }

    #[test]
    fn members() {
        check(
            STRUCTURES,
            expect![[r#"
            swapped-fuse_args-1
            diff --git a/fs/fuse/x.c b/fs/fuse/x.c
            --- a/fs/fuse/x.c
            +++ b/fs/fuse/x.c
            @@ -1,10 +1,10 @@
             struct fuse_args {
             	/** one */
             	int a;
            -	/** two */
            -	int b;
            -
            -	/** three */
            -	void (*c)(int d);
            +
            +	/** three */
            +	void (*c)(int d);
            +	/** two */
            +	int b;
             	struct { int e; } f;
             };
        "#]],
        );
    }

    #[test]
    fn what_the_preprocessor_may_leave_out_stays_where_it_is() {
        let text = FUNCTIONS.replace("\tint c = a;", "#ifdef A\n\tint c = a;\n#endif");
        let names = |text: &str| -> Vec<String> {
            placebos(&[file("fs/fuse/x.c", text)]).into_iter().map(|placebo| placebo.name).collect()
        };
        assert_eq!(names(FUNCTIONS), ["work-fuse_send_read-4", "moved-fuse_send_read"]);
        assert_eq!(names(&text), ["work-fuse_send_read-4"]);
        assert_eq!(names("int other(void)\n{\n\treturn 0;\n}\n"), [""; 0]);
    }
}
