//! The text of a mail, taken apart as `git mailinfo` does it: headers at its start, the message, the diff.

use super::{charset, header, mbox};

/// Some text of a mail, in its own charset.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    /// Without what the way did to it, `\n` at the end of each line.
    pub(super) bytes: Vec<u8>,
    pub(super) charset: Option<String>,
}

/// What a mail says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Body {
    /// `From:`, `Subject:` and `Date:` at the start of the text. They come before those of the mail.
    pub(super) from: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) date: Option<String>,
    /// In UTF-8, without empty lines around it.
    pub(super) message: String,
    /// From the line that ends the message on, each byte as it came; empty if no line does.
    pub(super) diff: Vec<u8>,
    /// The message was not in the charset that the mail says, and was read as Latin-1.
    pub(super) is_guess: bool,
}

/// Takes the parts of a mail apart, one text after the other.
pub(super) fn split(parts: &[Part]) -> Body {
    let mut body = Body::default();
    let mut reading = Reading::Headers;
    let mut header: Vec<u8> = Vec::new();
    let mut taken = String::new();
    for part in parts {
        let charset = part.charset.as_deref();
        for line in part.bytes.split_inclusive(|byte| *byte == b'\n') {
            if reading == Reading::Headers {
                if is_folded(line) && !header.is_empty() {
                    header.push(b' ');
                    header.extend_from_slice(line.trim_ascii());
                } else {
                    let was_begun = !header.is_empty();
                    body.take(&mut header, charset);
                    reading = body.first_lines(line, &mut header, was_begun);
                }
                if reading == Reading::Headers {
                    taken.push_str(&charset::decode(line, charset).text);
                    continue;
                }
            }
            if reading == Reading::Message && ends_message(line) {
                reading = Reading::Diff;
            }
            if reading == Reading::Diff {
                body.diff.extend_from_slice(line);
            } else {
                let decoded = charset::decode(line, charset);
                body.is_guess |= decoded.is_guess;
                body.message.push_str(&decoded.text);
            }
        }
    }
    body.take(&mut header, None);
    if body.diff.is_empty() {
        // It is no patch: what looks like a header belongs to the text.
        let text = format!("{taken}{}", body.message);
        return Body { message: trimmed(&text), is_guess: body.is_guess, ..Body::default() };
    }
    body.message = trimmed(&body.message);
    body
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    Headers,
    Message,
    Diff,
}

impl Body {
    /// What a line is that comes before the message; of a header the value is begun.
    fn first_lines(&self, line: &[u8], header: &mut Vec<u8>, was_begun: bool) -> Reading {
        if line.trim_ascii().is_empty() {
            // Empty lines in front do not count, the one behind headers ends them.
            return if was_begun { Reading::Message } else { Reading::Headers };
        }
        if line.strip_prefix(b">").is_some_and(mbox::is_separator) {
            return Reading::Headers;
        }
        if line.starts_with(b"[PATCH] ") && self.subject.is_none() {
            header.extend_from_slice(b"Subject: ");
        }
        let is_known = |name: &str| {
            let is_new = match name.to_ascii_lowercase().as_str() {
                "from" => self.from.is_none(),
                "subject" => self.subject.is_none(),
                "date" => self.date.is_none(),
                _ => false,
            };
            is_new && line.get(name.len() + 1).is_some_and(u8::is_ascii_whitespace)
        };
        if !header.is_empty() || header::name(line).is_some_and(is_known) {
            header.extend_from_slice(line.trim_ascii_end());
            return Reading::Headers;
        }
        Reading::Message
    }

    /// Takes a header that has ended.
    fn take(&mut self, header: &mut Vec<u8>, charset: Option<&str>) {
        let line = std::mem::take(header);
        let Some(name) = header::name(&line) else { return };
        let value = header::decoded(line[name.len() + 1..].trim_ascii(), charset);
        match name.to_ascii_lowercase().as_str() {
            "from" => self.from = Some(value),
            "subject" => self.subject = Some(value),
            _ => self.date = Some(value),
        }
    }
}

fn is_folded(line: &[u8]) -> bool {
    line.starts_with(b" ") || line.starts_with(b"\t")
}

/// Whether git takes this line for the end of a message.
pub(super) fn ends_message(line: &[u8]) -> bool {
    if line.starts_with(b"diff -") || line.starts_with(b"Index: ") {
        return true;
    }
    let Some(rest) = line.strip_prefix(b"---") else { return false };
    let is_file = matches!(rest, [b' ', next, ..] if !next.is_ascii_whitespace());
    is_file || rest.trim_ascii().is_empty()
}

/// Whether git would take the first line of this message for a header.
pub(super) fn begins_like_header(message: &str) -> bool {
    let Some(line) = message.lines().find(|line| !line.trim().is_empty()) else { return false };
    let name = header::name(line.as_bytes()).unwrap_or_default();
    line.starts_with("[PATCH]")
        || line.starts_with(">From")
        || ["from", "subject", "date"].iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Without empty lines around it; one line end behind it.
pub(super) fn trimmed(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let is_text = |line: &&str| !line.trim().is_empty();
    let (Some(first), Some(last)) = (lines.iter().position(is_text), lines.iter().rposition(is_text)) else {
        return String::new();
    };
    lines[first..=last].iter().fold(String::new(), |text, line| text + line + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &[u8]) -> Body {
        split(&[Part { bytes: text.to_vec(), charset: None }])
    }

    #[test]
    fn messages_and_diffs() {
        let check = |text: &str, message: &str, diff: &str| {
            let body = body(text.as_bytes());
            assert_eq!((body.message.as_str(), body.diff.as_slice()), (message, diff.as_bytes()), "{text}");
        };
        check("\nWhy.\n\nSo.\n\n---\n x | 2\n", "Why.\n\nSo.\n", "---\n x | 2\n");
        check("Why.\ndiff --git a/x b/x\n", "Why.\n", "diff --git a/x b/x\n");
        check("Why.\nIndex: x\n====\n", "Why.\n", "Index: x\n====\n");
        check("Why.\n--- a/x\n+++ b/x\n", "Why.\n", "--- a/x\n+++ b/x\n");
        check("Why.\n-- \n2.47\n--- dashes\n", "Why.\n-- \n2.47\n", "--- dashes\n");
        check("Why.\n--- \n", "Why.\n", "--- \n");
        check("Why.\n----\n", "Why.\n----\n", "");
    }

    #[test]
    fn headers_in_the_text() {
        let read =
            body(b"\nFrom: =?utf-8?q?J=C3=B6rg?= <j@x>\nSubject: a\n  b\nDate: 2024-01-05\n\nWhy.\n---\n");
        assert_eq!(read.from.as_deref(), Some("Jörg <j@x>"));
        assert_eq!((read.subject.as_deref(), read.date.as_deref()), (Some("a b"), Some("2024-01-05")));
        assert_eq!(read.message, "Why.\n");
        let read = body(b"From: a\nFrom: b\n---\n");
        assert_eq!((read.from.as_deref(), read.message.as_str()), (Some("a"), "From: b\n"));
        let read = body(b">From 1 Mon Sep 17 00:00:00 2001\nFrom: a\n\nFrom: b\n---\n");
        assert_eq!((read.from.as_deref(), read.message.as_str()), (Some("a"), "From: b\n"));
        assert_eq!(body(b"[PATCH] do it\n\nWhy.\n---\n").subject.as_deref(), Some("[PATCH] do it"));
        // Without a diff nothing is a header.
        assert_eq!(body(b"From: a\n\nb\n").message, "From: a\n\nb\n");
    }

    #[test]
    fn charsets() {
        let latin1 = Part { bytes: b"gr\xf6\xdfer\n".to_vec(), charset: Some("iso-8859-1".to_owned()) };
        let diff =
            Part { bytes: b"--- a/x\n+++ b/x\n+gr\xf6\xdfer\n".to_vec(), charset: latin1.charset.clone() };
        let body = split(&[latin1, diff]);
        assert_eq!((body.message.as_str(), body.is_guess), ("größer\n", false));
        assert_eq!(body.diff, b"--- a/x\n+++ b/x\n+gr\xf6\xdfer\n");
        let guessed = split(&[Part { bytes: b"gr\xf6\xdfer\n---\n".to_vec(), charset: None }]);
        assert_eq!((guessed.message.as_str(), guessed.is_guess), ("größer\n", true));
    }

    #[test]
    fn messages_that_begin_like_a_header() {
        assert!(begins_like_header("\nDate: of the change\n"));
        assert!(begins_like_header("[PATCH] x\n"));
        assert!(!begins_like_header("fuse: x\nDate: y\n"));
        assert!(!begins_like_header(""));
    }
}
