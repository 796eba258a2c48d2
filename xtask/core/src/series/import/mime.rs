//! Mails: headers decoded, the parts with text and patches one behind the other, attached patches beside them.

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{Encoding, HeaderValue, Message, MessageParser, MessagePart, MimeHeaders as _, PartType};

use super::body::{self, Flow};
use super::header::{Headers, one_line};
use super::mail::{Form, Mail};
use super::message::{self, Part};
use super::subject::{Subject, SubjectMark};
use super::{form, mbox};
use crate::series;
use crate::text::suggest::quoted;

/// A mail and what is attached to it.
pub(super) struct Read {
    pub(super) mail: Mail,
    /// Attached mails and files that are patches with an author of their own: names and contents.
    pub(super) attached: Vec<(String, Vec<u8>)>,
}

/// Reads a mail at `place`.
pub(super) fn read(place: &str, bytes: &[u8]) -> Read {
    let headers = Headers::parse(bytes);
    let parsed = MessageParser::default().parse(bytes);
    let mut mail = Mail::new(place, "");
    let mut texts = Texts::default();
    match &parsed {
        Some(message) => {
            message.parts.iter().for_each(|part| texts.add(message, part));
            mail.id = message.message_id().map(one_line);
            mail.thread = first_id(message.references()).or_else(|| first_id(message.in_reply_to()));
        }
        None => {
            texts.parts.push(Part { bytes: body::restore(&bytes[headers.end..], Flow::Fixed), charset: None })
        }
    }
    let charset = texts.parts.iter().find_map(|part| part.charset.as_deref());
    let body = message::split(&texts.parts);
    let header = |name: &str| headers.get(name, charset);
    mail.full_subject = header("subject").unwrap_or_default();
    mail.subject = Subject::parse(&mail.full_subject);
    if let Some(subject) = body.subject.as_deref().map(Subject::parse) {
        mail.subject.title = subject.title;
        if mail.subject.mark == SubjectMark::Nothing {
            mail.subject.mark = subject.mark;
        }
    }
    mail.written_by([body.from.as_deref(), header("from").as_deref()]);
    mail.written_on([body.date.as_deref(), header("date").as_deref()]);
    mail.message = body.message;
    mail.diff = body.diff;
    if let Some(fault) = texts.fault {
        mail.damaged(fault);
    }
    let is_guess =
        body.is_guess || !bytes[..headers.end].is_ascii() && str::from_utf8(&bytes[..headers.end]).is_err();
    if is_guess {
        mail.notes.push(form::NOT_UTF8.to_owned());
    }
    let is_plain = texts.are_plain && !is_guess && mail.author.is_some() && mail.date.is_some();
    mail.form = if is_plain { Form::Plain } else { Form::Other };
    Read { mail, attached: texts.attached }
}

fn first_id(value: &HeaderValue<'_>) -> Option<String> {
    let listed = value.as_text_list().and_then(|list| list.first()).map(AsRef::as_ref);
    listed.or_else(|| value.as_text()).map(one_line)
}

/// What was found in the parts of a mail.
struct Texts {
    parts: Vec<Part>,
    attached: Vec<(String, Vec<u8>)>,
    fault: Option<String>,
    /// Git finds the same in the bytes of the mail.
    are_plain: bool,
}

impl Default for Texts {
    fn default() -> Self {
        Texts { parts: Vec::new(), attached: Vec::new(), fault: None, are_plain: true }
    }
}

impl Texts {
    fn add(&mut self, message: &Message<'_>, part: &MessagePart<'_>) {
        let range = part.raw_body_offset() as usize..part.raw_end_offset() as usize;
        let raw = message.raw_message().get(range).unwrap_or_default();
        let is_text = match &part.body {
            PartType::Text(_) => true,
            PartType::Binary(_) | PartType::InlineBinary(_) => false,
            PartType::Message(_) => {
                let name = part.attachment_name().unwrap_or("a mail");
                self.attached.push((name.to_owned(), raw.to_vec()));
                return;
            }
            PartType::Html(_) | PartType::Multipart(_) => return,
        };
        let decoded = match part.encoding {
            Encoding::None => Some(raw.to_vec()),
            Encoding::QuotedPrintable => quoted_printable_decode(raw),
            Encoding::Base64 => base64_decode(raw),
        };
        let Some(decoded) = decoded.filter(|_| !part.is_encoding_problem) else {
            let fault = "its base64 or quoted-printable text is broken: fetch it again".to_owned();
            self.fault.get_or_insert(fault);
            return;
        };
        let bytes = body::restore(&decoded, flow(part));
        let name = part.attachment_name();
        let is_patch = series::has_diff(&bytes);
        if !is_text && !is_patch && !name.is_some_and(is_patch_name) {
            if let Some(name) = name.filter(|name| form::is_compressed(name)) {
                self.fault.get_or_insert(format!(
                    "its attachment {} is compressed: save it and import it",
                    quoted(name)
                ));
            }
            return;
        }
        let is_mail = form::has_header(&bytes) || mbox::is_separator(&bytes) || form::is_log(&bytes);
        if (name.is_some() || !self.parts.is_empty()) && is_patch && is_mail {
            self.attached.push((name.unwrap_or("a patch").to_owned(), bytes));
            return;
        }
        let charset = part.content_type().and_then(|kind| kind.attribute("charset")).map(str::to_owned);
        let is_utf8 = charset.as_deref().is_none_or(|charset| {
            ["us-ascii", "utf-8", "utf8"].iter().any(|name| charset.eq_ignore_ascii_case(name))
        });
        self.are_plain &= message.parts.len() == 1 && is_utf8 && bytes == raw;
        self.parts.push(Part { bytes, charset });
    }
}

fn is_patch_name(name: &str) -> bool {
    name.ends_with(".patch") || name.ends_with(".diff")
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
