//! One mail or bare diff, read: headers decoded, the text in UTF-8.

use mail_parser::{Encoding, HeaderValue, Message, MessageParser, MessagePart, MimeHeaders as _, PartType};

use super::body::{self, Flow};
use super::subject::{Subject, SubjectMark};

/// As far as an import needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Where it lies, for error messages: `mail 3` or a file's name.
    pub place: String,
    /// The subject as written, decoded; of a bare diff the file's name.
    pub full_subject: String,
    /// The same, taken apart.
    pub subject: Subject,
    /// `Name <address>`, names with special characters in quotes; none without an address.
    pub author: Option<String>,
    /// In the form of RFC 5322; none if there is no valid one.
    pub date: Option<String>,
    /// Message-ID without its angle brackets.
    pub id: Option<String>,
    /// Message-ID of the first mail of the thread if that is another one.
    pub thread: Option<String>,
    /// The text, with `\n` at the end of each line.
    pub text: String,
    /// Why the text cannot be used, if it cannot.
    pub damage: Option<String>,
}

/// Reads what lies at `place`.
pub fn read(place: &str, bytes: &[u8]) -> Mail {
    let place = one_line(place);
    let message = if has_header(bytes) { MessageParser::default().parse(bytes) } else { None };
    match message {
        Some(message) => from_message(place, &message),
        None => from_diff(place, bytes),
    }
}

impl Mail {
    /// Message-ID of the first mail of the thread.
    pub fn root(&self) -> Option<&str> {
        self.thread.as_deref().or(self.id.as_deref())
    }
}

/// Whether a text begins as a mail does, and a diff does not.
fn has_header(bytes: &[u8]) -> bool {
    for line in bytes.split(|byte| *byte == b'\n') {
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            continue;
        }
        let Some(end) = line.iter().position(|byte| *byte == b':') else { return false };
        let name = &line[..end];
        if [b"from".as_slice(), b"subject", b"date"].iter().any(|known| name.eq_ignore_ascii_case(known)) {
            return true;
        }
        if !name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-') {
            return false;
        }
    }
    false
}

fn from_diff(place: String, bytes: &[u8]) -> Mail {
    let stem = place.rsplit_once('.').map_or(place.as_str(), |(stem, _)| stem);
    let title = stem.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches(['-', '_']);
    let title = one_line(if title.is_empty() { stem } else { title });
    let damage = std::str::from_utf8(bytes).is_err().then(not_utf8);
    Mail {
        full_subject: title.clone(),
        subject: Subject { mark: SubjectMark::Nothing, title },
        author: None,
        date: None,
        id: None,
        thread: None,
        text: body::restore(&String::from_utf8_lossy(bytes), Flow::Fixed),
        damage,
        place,
    }
}

fn from_message(place: String, message: &Message<'_>) -> Mail {
    let full_subject = one_line(message.subject().unwrap_or_default());
    let (text, damage) = text(message);
    Mail {
        place,
        subject: Subject::parse(&full_subject),
        full_subject,
        author: author(message),
        date: message.date().filter(|date| date.is_valid()).map(|date| date.to_rfc822()),
        id: message.message_id().map(one_line),
        thread: first_id(message.references()).or_else(|| first_id(message.in_reply_to())),
        text,
        damage,
    }
}

fn first_id(value: &HeaderValue<'_>) -> Option<String> {
    let listed = value.as_text_list().and_then(|list| list.first()).map(AsRef::as_ref);
    listed.or_else(|| value.as_text()).map(one_line)
}

fn author(message: &Message<'_>) -> Option<String> {
    let sender = message.from()?.first()?;
    let address = sender.address().map(one_line)?;
    let usable = address.contains('@') && !address.contains(['<', '>', ' ']);
    let name = one_line(sender.name().unwrap_or_default());
    let name = match name.trim() {
        "" => address.clone(),
        name if name.contains(|c| "()<>[]:;@\\,.\"".contains(c)) => {
            format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
        }
        name => name.to_owned(),
    };
    usable.then(|| format!("{name} <{address}>"))
}

/// The plain text of a mail, attached patches behind it, and what is wrong with it.
fn text(message: &Message<'_>) -> (String, Option<String>) {
    let mut whole = String::new();
    let mut damage = None;
    for part in &message.parts {
        let (text, fault) = match &part.body {
            PartType::Text(text) => decoded(message, part, text),
            PartType::Binary(bytes) | PartType::InlineBinary(bytes) if is_named_patch(part) => (
                String::from_utf8_lossy(bytes).into_owned(),
                std::str::from_utf8(bytes).is_err().then(not_utf8),
            ),
            PartType::Html(_)
            | PartType::Binary(_)
            | PartType::InlineBinary(_)
            | PartType::Message(_)
            | PartType::Multipart(_) => continue,
        };
        whole.push_str(&body::restore(&text, flow(part)));
        damage = damage.or(fault);
    }
    (whole, damage)
}

fn is_named_patch(part: &MessagePart<'_>) -> bool {
    part.attachment_name().is_some_and(|name| name.ends_with(".patch") || name.ends_with(".diff"))
}

/// The text of a part, which the parser makes of anything, and whether it is what was sent.
fn decoded(message: &Message<'_>, part: &MessagePart<'_>, text: &str) -> (String, Option<String>) {
    if part.is_encoding_problem {
        return (
            text.to_owned(),
            Some("its base64 or quoted-printable text is broken: fetch it again".to_owned()),
        );
    }
    let charset = part.content_type().and_then(|kind| kind.attribute("charset")).unwrap_or("us-ascii");
    let is_utf8 = ["us-ascii", "utf-8", "utf8"].iter().any(|name| charset.eq_ignore_ascii_case(name));
    if part.encoding == Encoding::None && is_utf8 {
        // Many a mail says nothing, or us-ascii, and holds UTF-8.
        let range = part.raw_body_offset() as usize..part.raw_end_offset() as usize;
        let raw = message.raw_message().get(range).unwrap_or_default();
        return match std::str::from_utf8(raw) {
            Ok(raw) => (raw.to_owned(), None),
            Err(_) => (String::from_utf8_lossy(raw).into_owned(), Some(not_utf8())),
        };
    }
    // The character that stands for what could not be decoded; in a kernel's source it does not occur.
    let broken = text.contains(char::REPLACEMENT_CHARACTER);
    (text.to_owned(), broken.then(not_utf8))
}

fn not_utf8() -> String {
    "it is not UTF-8 after decoding: convert it, e.g. with iconv".to_owned()
}

fn flow(part: &MessagePart<'_>) -> Flow {
    let attribute = |name: &str, value: &str| {
        part.content_type()
            .and_then(|kind| kind.attribute(name))
            .is_some_and(|found| found.eq_ignore_ascii_case(value))
    };
    match (attribute("format", "flowed"), attribute("delsp", "yes")) {
        (true, true) => Flow::FlowedDeletingSpaces,
        (true, false) => Flow::Flowed,
        (false, _) => Flow::Fixed,
    }
}

/// Header text that cannot become two headers.
fn one_line(text: &str) -> String {
    text.split(char::is_control).map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(text: &str) -> Mail {
        read("mail 1", text.as_bytes())
    }

    #[test]
    fn headers() {
        let mail = mail(
            "Message-ID: <2@x>\r\nFrom: \"Doe, J. R.\" <j@x>\r\nDate: Sat, 5 Jan 2013 01:08:09 -0130\r\n\
             References: <0@x>\r\n <1@x>\r\nIn-Reply-To: <1@x>\r\n\
             Subject: =?utf-8?q?=5BPATCH_1/2=5D_fuse=3A_gr=C3=B6=C3=9Fer?=\r\n =?utf-8?b?ZSBS4oKs?=\r\n\r\nx\r\n",
        );
        assert_eq!(mail.full_subject, "[PATCH 1/2] fuse: größere R€");
        assert_eq!(mail.author.as_deref(), Some("\"Doe, J. R.\" <j@x>"));
        assert_eq!(mail.date.as_deref(), Some("Sat, 5 Jan 2013 01:08:09 -0130"));
        assert_eq!((mail.id.as_deref(), mail.root()), (Some("2@x"), Some("0@x")));
        assert_eq!(mail.text, "x\n");
    }

    #[test]
    fn authors() {
        let check = |header: &str, expected: Option<&str>| {
            assert_eq!(mail(&format!("From: {header}\n\nx\n")).author.as_deref(), expected, "{header}");
        };
        check("a@b", Some("a@b <a@b>"));
        check("=?iso-8859-1?q?J=F6rg?= <a@b>", Some("Jörg <a@b>"));
        check("Jörg <a@b>", Some("Jörg <a@b>"));
        check("=?utf-8?q?a=0ASubject=3A_b?= <a@b>", Some("\"a Subject: b\" <a@b>"));
        check("somebody", None);
        check("", None);
    }

    #[test]
    fn texts() {
        let check = |header: &[u8], text: &[u8], expected: &str| {
            let mail = read("mail 1", &[b"From: a@b\n", header, b"\n\n", text].concat());
            assert_eq!(mail.damage.map_or(mail.text, |damage| damage), expected);
        };
        check(b"X: y", "größer \n \n".as_bytes(), "größer \n \n");
        check(b"Content-Type: text/plain; charset=us-ascii", "größer\n".as_bytes(), "größer\n");
        check(b"Content-Type: text/plain; charset=iso-8859-15", b"\xa4 gr\xf6\xdfer\n", "€ größer\n");
        check(b"Content-Type: text/plain; charset=gb2312", b"\xc4\xe3\n", "你\n");
        check(b"Content-Transfer-Encoding: quoted-printable", b"a=3D=20\nb=\nc=09\n", "a= \nbc\t\n");
        check(b"Content-Transfer-Encoding: base64", b"YSAKYg0KCg==\n", "a \nb\r\n\n");
        check(b"Content-Type: text/plain; format=flowed", b"a \n  b\n", "a  b\n");
        let not_utf8 = "it is not UTF-8 after decoding: convert it, e.g. with iconv";
        check(b"X: y", b"gr\xf6\xdfer\n", not_utf8);
        check(
            b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64",
            b"9vY=\n",
            not_utf8,
        );
    }

    #[test]
    fn parts() {
        let mail = mail(
            "From: a@b\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nwhy\n\n--b\nContent-Type: text/html\n\n<p>why\n--b\n\
             Content-Type: application/octet-stream; name=x.patch\nContent-Transfer-Encoding: base64\n\n\
             LS0tIGEveAo=\n--b\nContent-Type: application/pdf\n\nz\n--b--\n",
        );
        assert_eq!((mail.text.as_str(), mail.damage), ("why\n--- a/x\n", None));
    }

    #[test]
    fn bare_diffs() {
        let text = "Index: linux/x\n====\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n";
        let mail = read("0003-do-it.patch", text.as_bytes());
        assert_eq!((mail.subject.title.as_str(), mail.author, mail.text.as_str()), ("do-it", None, text));
    }
}
