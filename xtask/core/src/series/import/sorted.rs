//! Mails as they are sorted: those with numbers, and those that are left out.

use super::mail::Mail;

/// How many numbers or series an error names.
const NAMED: usize = 5;

/// A mail that became no patch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Its subject, whole.
    pub subject: String,
    /// Why it was skipped.
    pub reason: String,
}

/// Mails and the numbers in their subjects, 0 where there is none.
pub(crate) type Numbered = Vec<(u32, Mail)>;

pub(super) fn skip(skipped: &mut Vec<Skipped>, mail: &Mail, reason: &str) {
    let subject = if mail.full_subject.is_empty() { &mail.place } else { &mail.full_subject };
    skipped.push(Skipped { subject: subject.clone(), reason: reason.to_owned() });
}

/// `a, b and c`; a long list is cut.
pub(super) fn list(items: impl Iterator<Item = String>) -> String {
    let mut items: Vec<String> = items.collect();
    if items.len() > NAMED + 1 {
        let more = items.len() - NAMED;
        items.truncate(NAMED);
        items.push(format!("{more} more"));
    }
    match items.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, first)) => format!("{} and {last}", first.join(", ")),
        None => String::new(),
    }
}

/// `1 patch`, `2 patches`.
pub(super) fn counted(count: usize, what: &str) -> String {
    match (count, what) {
        (1, what) => format!("1 {what}"),
        (count, "patch") => format!("{count} patches"),
        (count, what) => format!("{count} {what}s"),
    }
}
