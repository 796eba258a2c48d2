//! The one reader: whatever a file holds, as patches with their authors, messages and diffs.

use super::mail::{Form, Mail};
use super::mbox::{self, Quoting, RawMail};
use super::subject::{Subject, SubjectMark};
use super::{charset, form, header, log, mime, plain};
use crate::series::strip::{self, Paths};
use crate::text::suggest::quoted;

/// Mails in mails in mails: more than a list or a forwarder makes.
const MAX_DEPTH: u32 = 3;

/// Reads a mailbox, a mail, the output of `git log -p`, or a diff, in any charset. Where it is one patch, its place is `name`.
pub fn read(name: &str, bytes: &[u8], quoting: Quoting, paths: &Paths) -> Vec<Mail> {
    let name = header::one_line(name);
    let text = charset::without_mark(bytes);
    let mut mails = read_text(&name, &text, quoting, 0);
    let is_changed = text.as_ref() != bytes;
    for mail in &mut mails {
        if is_changed {
            mail.form = Form::Other;
        }
        if mail.author.is_none() {
            mail.notes.push("no author found, patchlab is used".to_owned());
        }
        if mail.date.is_none() && mail.damage.is_none() {
            mail.notes.push("no date found, 1 January 2000 is used".to_owned());
        }
        match strip::to_p1(&mail.diff, paths) {
            Ok(Some(converted)) => {
                mail.diff = converted.diff;
                mail.notes.push(converted.note);
                mail.form = Form::Other;
            }
            Ok(None) => {}
            Err(fault) => mail.damaged(fault),
        }
    }
    mails
}

fn read_text(name: &str, bytes: &[u8], quoting: Quoting, depth: u32) -> Vec<Mail> {
    if form::is_log(bytes) {
        return log::read(name, bytes);
    }
    let is_mailbox = bytes.trim_ascii_start().starts_with(b"From ");
    let mails = mbox::split(bytes, quoting);
    let place = |at: usize| match mails.len() {
        1 => name.to_owned(),
        _ => format!("{name}, mail {}", at + 1),
    };
    let read = |(at, RawMail { bytes, torn_at }): (usize, &RawMail)| {
        let mut found = read_one(&place(at), bytes, is_mailbox, depth);
        if let (Some(line), Some(mail)) = (torn_at, found.first_mut()) {
            mail.damaged(format!(
                "its line {} looks like the start of a mail: put a > in front of it",
                quoted(line)
            ));
        }
        found
    };
    mails.iter().enumerate().flat_map(read).collect()
}

/// A mail and the patches attached to it, or a diff.
fn read_one(place: &str, bytes: &[u8], is_mail: bool, depth: u32) -> Vec<Mail> {
    if !is_mail && !form::has_header(bytes) {
        let mut mail = plain::read(place, bytes);
        if form::is_short_log(bytes) {
            mail.damaged(
                "it is a log of one line for each commit, without authors: make it with `git log -p`"
                    .to_owned(),
            );
        }
        return vec![mail];
    }
    let mime::Read { mut mail, attached } = mime::read(place, bytes);
    if depth == MAX_DEPTH {
        return vec![mail];
    }
    let mut found = Vec::new();
    for (name, bytes) in attached {
        let name = header::one_line(&name);
        let mut inner = read_text(&format!("{place}, {name}"), &bytes, Quoting::AsMarked, depth + 1);
        inner.retain(Mail::has_diff);
        for patch in &mut inner {
            // They came with this mail, whatever they answered before.
            patch.thread = mail.root().map(str::to_owned);
            patch.id = None;
        }
        found.extend(inner);
    }
    if !found.is_empty() && !mail.has_diff() && !is_cover(&mail.subject) {
        mail.damaged("its attached patches are taken".to_owned());
    }
    found.insert(0, mail);
    found
}

fn is_cover(subject: &Subject) -> bool {
    matches!(subject.mark, SubjectMark::Patch { place: Some(place), .. } if place.number == 0)
}

#[cfg(test)]
mod tests;
