//! Mailboxes: where one mail ends and the next begins.

use std::sync::LazyLock;

use regex::bytes::Regex;

/// Whether lines of the mails that begin with `From ` have been given a `>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quoting {
    /// If the separators say so, as those of public-inbox do (`From mboxrd@z`).
    AsMarked,
    /// They have.
    Quoted,
}

/// The mails of a mailbox, without the lines that separate them. A file that does not begin with such a
/// line is one mail.
pub fn split(bytes: &[u8], quoting: Quoting) -> Vec<Vec<u8>> {
    let start = bytes.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(bytes.len());
    let bytes = &bytes[start..];
    if !bytes.starts_with(b"From ") {
        return if bytes.is_empty() { Vec::new() } else { vec![bytes.to_vec()] };
    }
    let mut mails: Vec<Vec<u8>> = Vec::new();
    let mut is_quoted = false;
    for (at, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        if at == 0 || is_separator(line) {
            is_quoted = quoting == Quoting::Quoted || line.starts_with(b"From mboxrd@z ");
            mails.push(Vec::new());
        } else if let Some(mail) = mails.last_mut() {
            mail.extend_from_slice(if is_quoted { unquoted(line) } else { line });
        }
    }
    mails.into_iter().map(without_last_empty_line).collect()
}

/// A mailbox has an empty line behind each mail, which is not part of it.
fn without_last_empty_line(mut mail: Vec<u8>) -> Vec<u8> {
    for end in [b"\n\n".as_slice(), b"\n\r\n"] {
        if mail.ends_with(end) {
            mail.truncate(mail.len() + 1 - end.len());
            break;
        }
    }
    mail
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
                .map(|mail| String::from_utf8(mail).unwrap())
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
        check("\nFrom 1234\na\nFrom here on\n>From there\n", marked, &["a\nFrom here on\n>From there\n"]);
        check(
            "From 1234 Mon Sep 17 00:00:00 2001\r\na\r\n\r\nFrom b@c Sat Jan  5 01:08 +0100 2013\r\nb\r\n",
            marked,
            &["a\r\n", "b\r\n"],
        );
        let two = "From 1 Mon Sep 17 00:00:00 2001\na\n\n\nFrom 2 Mon Sep 17 00:00:00 2001\nb\n\n";
        check(two, marked, &["a\n\n", "b\n"]);
        check(
            "From mboxrd@z Thu Jan  1 00:00:00 1970\n>From a\n>>From b\n>c\n",
            marked,
            &["From a\n>From b\n>c\n"],
        );
        check("From 1234 Mon Sep 17 00:00:00 2001\n>From a\n", Quoting::Quoted, &["From a\n"]);
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
