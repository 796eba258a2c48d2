//! Headers of mails, read as `git mailinfo` reads them: unfolded, encoded words decoded.

use std::sync::LazyLock;

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use regex::bytes::Regex;

use super::charset;

/// The header of a mail.
pub(super) struct Headers {
    /// Names, and values as they came, unfolded.
    fields: Vec<(String, Vec<u8>)>,
    /// Where the text begins.
    pub(super) end: usize,
}

impl Headers {
    /// Reads up to the empty line, or to the first line that is no header.
    pub(super) fn parse(bytes: &[u8]) -> Headers {
        let mut fields: Vec<(String, Vec<u8>)> = Vec::new();
        let mut end = 0;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let content = line.trim_ascii_end();
            if content.is_empty() {
                end += line.len();
                break;
            }
            match (fields.last_mut(), name(line)) {
                (Some((_, value)), _) if line.starts_with(b" ") || line.starts_with(b"\t") => {
                    value.push(b' ');
                    value.extend_from_slice(content.trim_ascii());
                }
                (_, Some(name)) => {
                    fields.push((name.to_owned(), content[name.len() + 1..].trim_ascii().to_vec()));
                }
                (_, None) if line.starts_with(b"From ") || line.starts_with(b">From ") => {}
                (_, None) => break,
            }
            end += line.len();
        }
        Headers { fields, end }
    }

    /// The last header of this name, decoded. Bytes that are not ASCII are in `charset`.
    pub(super) fn get(&self, name: &str, charset: Option<&str>) -> Option<String> {
        let (_, value) = self.fields.iter().rev().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        Some(decoded(value, charset))
    }
}

/// The name in front of the colon, if the line is a header.
pub(super) fn name(line: &[u8]) -> Option<&str> {
    let end = line.iter().position(|byte| *byte == b':').filter(|end| *end > 0)?;
    let is_name = line[..end].iter().all(|byte| byte.is_ascii_graphic());
    std::str::from_utf8(&line[..end]).ok().filter(|_| is_name)
}

/// A header's value in UTF-8, on one line.
pub(super) fn decoded(value: &[u8], charset: Option<&str>) -> String {
    static WORD: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"=\?([^?\s*]+)(?:\*[^?\s]*)?\?([bBqQ])\?([^?]*)\?=").ok());
    let mut text = String::new();
    // A character may be cut in two between words: what follows without a gap, in one charset, is decoded together.
    let mut word: Option<(String, Vec<u8>)> = None;
    let mut from = 0;
    let flush = |text: &mut String, word: &mut Option<(String, Vec<u8>)>| {
        if let Some((charset, bytes)) = word.take() {
            text.push_str(&charset::decode(&bytes, Some(&charset)).text);
        }
    };
    for found in WORD.iter().flat_map(|word| word.captures_iter(value)) {
        let (Some(all), Some(bytes)) = (found.get(0), word_bytes(&found[2], &found[3])) else { continue };
        let gap = &value[from..all.start()];
        let name = String::from_utf8_lossy(&found[1]).to_ascii_lowercase();
        // Space between two words is not part of the text.
        if word.is_none() || !gap.trim_ascii().is_empty() {
            flush(&mut text, &mut word);
            text.push_str(&charset::decode(gap, charset).text);
        }
        match &mut word {
            Some((known, begun)) if *known == name => begun.extend(bytes),
            other => {
                flush(&mut text, other);
                *other = Some((name, bytes));
            }
        }
        from = all.end();
    }
    flush(&mut text, &mut word);
    text.push_str(&charset::decode(&value[from..], charset).text);
    one_line(&text)
}

fn word_bytes(kind: &[u8], content: &[u8]) -> Option<Vec<u8>> {
    if kind.eq_ignore_ascii_case(b"b") {
        return base64_decode(content);
    }
    // A space at the end of a line would be lost, and is written so here.
    let content = content.iter().flat_map(|byte| match byte {
        b'_' => b"=20".to_vec(),
        other => vec![*other],
    });
    quoted_printable_decode(&content.collect::<Vec<_>>())
}

/// Header text that cannot become two headers.
pub(super) fn one_line(text: &str) -> String {
    text.split(char::is_control).map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        let check = |value: &[u8], expected: &str| assert_eq!(decoded(value, None), expected);
        check(b"plain  text", "plain  text");
        check(b"=?utf-8?q?=5BPATCH_1/2=5D_gr=C3=B6=C3=9Fer?= =?utf-8?b?ZSBS4oKs?=", "[PATCH 1/2] größere R€");
        check(b"\"=?iso-8859-1?Q?J=F6rg?=\" <a@b>", "\"Jörg\" <a@b>");
        check(b"=?utf-8?b?w7Y=?= and =?utf-8?q?=C3=BC?=.", "ö and ü.");
        check(b"=?utf-8?q?=C3?=  =?utf-8?q?=BC?=", "ü");
        check(b"J\xf6rg M\xfcller <j@x>", "Jörg Müller <j@x>");
        check(b"=?utf-8?q?a=0ASubject=3A_b?=", "a Subject: b");
        check(b"=?x?y?z", "=?x?y?z");
    }

    #[test]
    fn headers() {
        let text = b"From 1 Mon Sep 17 00:00:00 2001\nFrom: a\nSubject: x\n  y\n\tz\r\nnot a header\nTo: b\n";
        let headers = Headers::parse(text);
        assert_eq!(headers.get("subject", None).as_deref(), Some("x y z"));
        assert_eq!(headers.get("to", None), None);
        assert_eq!(&text[headers.end..], b"not a header\nTo: b\n");
        assert_eq!(Headers::parse(b"A: b\r\n\r\ntext").end, 8);
    }
}
