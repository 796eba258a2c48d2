//! Files with a diff that are no mails: those of quilt and of Debian (DEP-3), and diffs alone.

use super::body::{self, Flow};
use super::header::one_line;
use super::mail::{Form, Mail};
use super::subject::{Subject, SubjectMark};
use super::{charset, form, header, message};

/// Fields of DEP-3 that name the title, the author and the date.
const TITLE: [&str; 2] = ["description", "subject"];
const AUTHOR: [&str; 2] = ["author", "from"];
const DATE: [&str; 2] = ["date", "last-update"];

/// Reads a file at `place`: `0003-do-it.patch`.
pub(super) fn read(place: &str, bytes: &[u8]) -> Mail {
    let bytes = body::restore(bytes, Flow::Fixed);
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    let end = lines.take_while(|line| !message::ends_message(line)).map(<[u8]>::len).sum();
    let (text, diff) = bytes.split_at(end);
    let decoded = charset::decode(text, None);
    let mut mail = Mail::new(place, "");
    let text = Text::parse(&decoded.text);
    mail.full_subject = text.title.unwrap_or_else(|| title_of_file(place));
    mail.subject = Subject::parse(&mail.full_subject);
    if mail.subject.mark == SubjectMark::Reply {
        mail.subject.mark = SubjectMark::Nothing;
    }
    mail.written_by([text.author.as_deref(), None]);
    mail.written_on([text.date.as_deref(), None]);
    mail.form = if end == 0 { Form::Bare } else { Form::Other };
    mail.message = message::trimmed(&text.message);
    mail.diff = diff.to_vec();
    if decoded.is_guess {
        mail.notes.push(form::NOT_UTF8.to_owned());
    }
    mail
}

/// `0003-do-it.patch` -> `do-it`.
fn title_of_file(place: &str) -> String {
    let stem = place.rsplit_once('.').map_or(place, |(stem, _)| stem);
    let title = stem.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches(['-', '_']);
    one_line(if title.is_empty() { stem } else { title })
}

/// What stands in front of a diff.
#[derive(Default)]
struct Text {
    title: Option<String>,
    author: Option<String>,
    date: Option<String>,
    message: String,
}

impl Text {
    fn parse(text: &str) -> Text {
        let mut found = Text::default();
        let mut lines = text.lines().skip_while(|line| line.trim().is_empty()).peekable();
        if !lines.peek().is_some_and(|line| found.is_field(line)) {
            let first = lines.next().map(|line| one_line(line.trim_start_matches(['#', ' '])));
            found.title = first.filter(|title| !title.is_empty());
        }
        // Fields behind a title, as StGit writes them, or without one.
        let mut in_description = false;
        let mut is_begin = true;
        for line in lines {
            let is_folded = line.starts_with([' ', '\t']);
            if is_folded && in_description {
                let line = line.trim();
                found.add(if line == "." { "" } else { line });
            } else if is_begin && (found.take(line) || line.trim().is_empty() && found.message.is_empty()) {
                in_description = found.title.is_some() && starts_with(line, &TITLE);
            } else {
                is_begin &= is_folded || header::name(line.as_bytes()).is_some();
                in_description = false;
                found.add(line);
            }
        }
        found
    }

    /// Whether a line is a field that begins a header.
    fn is_field(&self, line: &str) -> bool {
        [TITLE, AUTHOR, DATE].iter().any(|names| starts_with(line, names))
            || starts_with(line, &["origin", "forwarded"])
    }

    /// Takes a field that is known and not taken yet.
    fn take(&mut self, line: &str) -> bool {
        let slots = [(TITLE, &mut self.title), (AUTHOR, &mut self.author), (DATE, &mut self.date)];
        for (names, slot) in slots {
            if slot.is_none() && starts_with(line, &names) {
                *slot =
                    line.split_once(':').map(|(_, value)| one_line(value)).filter(|value| !value.is_empty());
                return slot.is_some();
            }
        }
        false
    }

    fn add(&mut self, line: &str) {
        self.message.push_str(line);
        self.message.push('\n');
    }
}

fn starts_with(line: &str, names: &[&str]) -> bool {
    let name = header::name(line.as_bytes()).unwrap_or_default();
    names.iter().any(|known| name.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIFF: &str = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n";

    fn check(text: &str, title: &str, author: Option<&str>, message: &str) {
        let mail = read("0003-do-it.patch", format!("{text}{DIFF}").as_bytes());
        assert_eq!(mail.subject.title, title, "{text}");
        assert_eq!(mail.author.as_deref(), author, "{text}");
        assert_eq!(mail.message, message, "{text}");
        assert!(mail.diff.ends_with(DIFF.as_bytes()), "{text}");
    }

    #[test]
    fn titles() {
        check("", "do-it", None, "");
        check("Index: linux/x\n====\n", "do-it", None, "");
        check("\nStep 5 of the work.\n\n", "Step 5 of the work.", None, "");
        check("fuse: do it\n\nWhy: so.\n\nAnd so.\n---\n", "fuse: do it", None, "Why: so.\n\nAnd so.\n");
        check("# do it\nbecause\n", "do it", None, "because\n");
        check("[PATCH 2/3] fuse: do it\n\n", "fuse: do it", None, "");
    }

    #[test]
    fn authors() {
        // StGit's form.
        check("do it\n\nFrom: J <j@x>\n\nWhy.\n---\n", "do it", Some("J <j@x>"), "Why.\n");
        check("do it\n\nWhy.\nFrom: J <j@x>\n", "do it", None, "Why.\nFrom: J <j@x>\n");
    }

    #[test]
    fn debian() {
        check(
            "Description: fuse: do it\n Because of this.\n .\n And that.\nAuthor: Jörg <j@x>\nOrigin: upstream\n\
             Bug-Debian: https://x/1\nLast-Update: 2024-01-05\n---\nThis patch header follows DEP-3\n",
            "fuse: do it",
            Some("Jörg <j@x>"),
            "Because of this.\n\nAnd that.\nOrigin: upstream\nBug-Debian: https://x/1\n",
        );
        let mail = read("x", format!("Author: J <j@x>\nLast-Update: 2024-01-05\n\nText.\n{DIFF}").as_bytes());
        assert_eq!(mail.date.as_deref(), Some("Fri, 5 Jan 2024 00:00:00 +0000"));
        assert_eq!((mail.subject.title.as_str(), mail.message.as_str()), ("x", "Text.\n"));
    }

    #[test]
    fn latin1_is_kept_in_the_diff() {
        let mail = read("x.patch", b"gr\xf6\xdfer\n\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-\xf6\n+\xfc\n");
        assert_eq!(mail.subject.title, "größer");
        assert_eq!(mail.notes, [form::NOT_UTF8]);
        assert!(mail.diff.ends_with(b"-\xf6\n+\xfc\n"));
    }
}
