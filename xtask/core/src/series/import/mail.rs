//! One patch, as it was read: who wrote it, what it says, and its diff.

use super::subject::{Subject, SubjectMark};
use super::{author, date};
use crate::series;
use crate::text::suggest::quoted;

/// A mail, a commit of a log, or a file with a diff, as far as an import needs it.
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
    /// What it says, without its title.
    pub message: String,
    /// From the line that ends the message on, in the charset of the patched files.
    pub diff: Vec<u8>,
    /// Why it cannot be used, if it cannot.
    pub damage: Option<String>,
    /// What was guessed or changed when it was read.
    pub notes: Vec<String>,
    /// Whether git reads the same from the bytes as they lie.
    pub form: Form,
}

/// How a patch lies there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As `git am` takes it.
    Plain,
    /// A diff and nothing else.
    Bare,
    /// Otherwise: with parts, encoded, in another charset, with text in front, with other paths.
    Other,
}

impl Mail {
    /// An empty one.
    pub(super) fn new(place: &str, subject: &str) -> Mail {
        Mail {
            place: place.to_owned(),
            full_subject: subject.to_owned(),
            subject: Subject::parse(subject),
            author: None,
            date: None,
            id: None,
            thread: None,
            message: String::new(),
            diff: Vec::new(),
            damage: None,
            notes: Vec::new(),
            form: Form::Other,
        }
    }

    /// Message-ID of the first mail of the thread.
    pub fn root(&self) -> Option<&str> {
        self.thread.as_deref().or(self.id.as_deref())
    }

    /// Which version of a series it is of, if its subject is that of a patch or of a cover letter.
    pub fn version(&self) -> Option<u32> {
        match self.subject.mark {
            SubjectMark::Patch { version, .. } => Some(version),
            SubjectMark::Reply | SubjectMark::Nothing => None,
        }
    }

    /// Whether it changes something.
    pub fn has_diff(&self) -> bool {
        series::has_diff(&self.diff)
    }

    /// Whether it is an answer to another mail.
    pub(super) fn is_reply(&self) -> bool {
        self.subject.mark == SubjectMark::Reply
    }

    /// Bytes of its text.
    pub(super) fn size(&self) -> usize {
        self.message.len() + self.diff.len()
    }

    /// For error messages.
    pub(super) fn named(&self) -> String {
        format!("{} {}", self.place, quoted(&self.full_subject))
    }

    /// Takes the first author that is one.
    pub(super) fn written_by(&mut self, headers: [Option<&str>; 2]) {
        self.author = headers.into_iter().flatten().find_map(author::parse);
    }

    /// Takes the first date there is.
    pub(super) fn written_on(&mut self, headers: [Option<&str>; 2]) {
        let Some(text) = headers.into_iter().flatten().find(|text| !text.trim().is_empty()) else { return };
        self.date = date::parse(text);
        if self.date.is_none() {
            self.damaged(format!(
                "its date {} has none of the known forms: write it like `Sat, 5 Jan 2013 01:08:09 -0130`",
                quoted(text.trim())
            ));
        }
    }

    /// Notes why it cannot be used, unless that is known.
    pub(super) fn damaged(&mut self, why: String) {
        self.damage.get_or_insert(why);
    }
}
