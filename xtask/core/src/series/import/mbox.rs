//! Mailboxes: where one mail ends and the next begins.

use std::sync::LazyLock;

use regex::bytes::Regex;

use super::header::{self, Headers};

/// Whether lines of the mails that begin with `From ` have been given a `>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quoting {
    /// If the separators say so, as those of public-inbox do (`From mboxrd@z`).
    AsMarked,
    /// They have.
    Quoted,
}

/// A mail as it lies in a mailbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawMail {
    /// Without the line in front of it.
    pub bytes: Vec<u8>,
    /// A line of it that looks like the start of the next mail, which no header follows.
    pub torn_at: Option<String>,
}

/// The mails of a mailbox, without the lines that separate them. In a file that does not begin with such a
/// line, none is in the attachments of a mail.
pub fn split(bytes: &[u8], quoting: Quoting) -> Vec<RawMail> {
    let start = bytes.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(bytes.len());
    let bytes = &bytes[start..];
    let is_mailbox = bytes.starts_with(b"From ");
    let mut mails = if is_mailbox || bytes.is_empty() { Vec::new() } else { vec![RawMail::default()] };
    let kind = if is_mailbox { None } else { Headers::parse(bytes).get("content-type", None) };
    let has_parts = kind.is_some_and(|kind| kind.to_ascii_lowercase().contains("multipart"));
    let mut is_quoted = false;
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n');
    let mut is_first = is_mailbox;
    while let Some(line) = lines.next() {
        let is_header = |next: &&[u8]| header::name(next).is_some() || next.starts_with(b">From ");
        let is_like_start = !has_parts && is_separator(line);
        let is_start = || {
            let mut mail = lines.clone().take_while(|line| !is_separator(line));
            lines.clone().next().as_ref().is_some_and(is_header)
                || is_mailbox && mail.all(|line| line.trim_ascii().is_empty())
        };
        if is_first || is_like_start && is_start() {
            is_first = false;
            is_quoted = quoting == Quoting::Quoted || line.starts_with(b"From mboxrd@z ");
            mails.push(RawMail::default());
        } else if let Some(mail) = mails.last_mut() {
            if is_like_start && !is_quoted {
                mail.torn_at.get_or_insert(String::from_utf8_lossy(line.trim_ascii()).into_owned());
            }
            mail.bytes.extend_from_slice(if is_quoted { unquoted(line) } else { line });
        }
    }
    if is_mailbox || mails.len() > 1 {
        mails.iter_mut().for_each(|mail| cut_last_empty_line(&mut mail.bytes));
    }
    mails
}

/// A mailbox has an empty line behind each mail, which is not part of it.
fn cut_last_empty_line(mail: &mut Vec<u8>) {
    for end in [b"\n\n".as_slice(), b"\n\r\n"] {
        if mail.ends_with(end) {
            mail.truncate(mail.len() + 1 - end.len());
            break;
        }
    }
}

/// Whether a line separates mails: `From`, something, a time, a year. It is what git looks for.
pub(crate) fn is_separator(line: &[u8]) -> bool {
    static SEPARATOR: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"^From .*\d:\d\d(:\d\d)?( [A-Za-z0-9+-]+)? +\d{4}\b").ok());
    line.starts_with(b"From ") && SEPARATOR.as_ref().is_some_and(|separator| separator.is_match(line))
}

/// `>From ` -> `From `, `>>From ` -> `>From `.
fn unquoted(line: &[u8]) -> &[u8] {
    let marks = line.iter().take_while(|byte| **byte == b'>').count();
    if marks > 0 && line[marks..].starts_with(b"From ") { &line[1..] } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mailboxes() {
        let check = |text: &str, quoting: Quoting, expected: &[&str]| {
            let mails: Vec<String> = split(text.as_bytes(), quoting)
                .into_iter()
                .map(|mail| String::from_utf8(mail.bytes).unwrap())
                .collect();
            assert_eq!(mails, expected, "{text}");
        };
        let marked = Quoting::AsMarked;
        check("", marked, &[]);
        check("\n\n", marked, &[]);
        check(
            "Subject: x\n\nFrom a@b Mon Sep 17 00:00:00 2001\n",
            marked,
            &["Subject: x\n\nFrom a@b Mon Sep 17 00:00:00 2001\n"],
        );
        check(
            "Subject: x\n\na\n\nFrom a@b Mon Sep 17 00:00:00 2001\nSubject: y\n\nb\n",
            marked,
            &["Subject: x\n\na\n", "Subject: y\n\nb\n"],
        );
        check("\nFrom 1234\na\nFrom here on\n>From there\n", marked, &["a\nFrom here on\n>From there\n"]);
        check(
            "From 1234 Mon Sep 17 00:00:00 2001\r\nA: a\r\n\r\nFrom b@c Sat Jan  5 01:08 +0100 2013\r\nB: b\r\n",
            marked,
            &["A: a\r\n", "B: b\r\n"],
        );
        let two = "From 1 Mon Sep 17 00:00:00 2001\nA: a\n\n\nFrom 2 Mon Sep 17 00:00:00 2001\nB: b\n\n";
        check(two, marked, &["A: a\n\n", "B: b\n"]);
        check(
            "From mboxrd@z Thu Jan  1 00:00:00 1970\n>From a\n>>From b\n>c\n",
            marked,
            &["From a\n>From b\n>c\n"],
        );
        check("From 1234 Mon Sep 17 00:00:00 2001\n>From a\n", Quoting::Quoted, &["From a\n"]);
    }

    #[test]
    fn lines_that_only_look_like_a_start() {
        let torn = |text: &str| split(text.as_bytes(), Quoting::AsMarked).pop().and_then(|mail| mail.torn_at);
        let line = "From a@b Mon Sep 17 00:00:00 2001";
        assert_eq!(torn(&format!("{line}\nA: a\n\n{line}\ntext\n")).as_deref(), Some(line));
        assert_eq!(torn(&format!("A: a\n\n{line}\ntext\n")).as_deref(), Some(line));
        assert_eq!(torn(&format!("{line}\nA: a\n\n{line}\nA: a\n")), None);
        // An empty mail is one.
        assert_eq!(split(format!("{line}\nA: a\n\n{line}\n\n").as_bytes(), Quoting::AsMarked).len(), 2);
        assert_eq!(torn(&format!("From mboxrd@z\nA: a\n\n>{line}\ntext\n")), None);
    }

    #[test]
    fn separators() {
        let check =
            |line: &str, expected: bool| assert_eq!(is_separator(line.as_bytes()), expected, "{line}");
        check("From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\n", true);
        check("From a@b Sat Jan 5 1:08:09 CET 2013", true);
        check("From 12:30 on it fails in 3 of 4", false);
        check(">From a@b Sat Jan 5 1:08:09 2013", false);
        check("From: a", false);
    }
}
