//! Whether the patches of a series are all there, once each, and usable.

use std::collections::BTreeMap;

use anyhow::{bail, ensure};

use super::mail::Mail;
use super::sorted::{Numbered, Skipped, list, skip};
use crate::series;
use crate::text::suggest::quoted;

/// The cover letter and the patches from 1 to `total`.
///
/// # Errors
/// If one is missing, or there are different ones with one number.
pub(super) fn numbered(
    mut mails: Numbered,
    total: u32,
    skipped: &mut Vec<Skipped>,
) -> anyhow::Result<(Option<Mail>, Vec<Mail>)> {
    mails.sort_by_key(|(number, _)| *number);
    let mut found: BTreeMap<u32, Mail> = BTreeMap::new();
    for (number, mail) in mails {
        let Some(other) = found.get(&number) else {
            ensure!(
                number <= total,
                "{} is number {number} of {total}: number the patches anew",
                mail.named()
            );
            found.insert(number, mail);
            continue;
        };
        ensure!(
            same(&mail, other),
            "patch {number} of {total} is there twice, with different content ({} and {}): remove one",
            other.named(),
            mail.named()
        );
        skip(skipped, &mail, "a copy");
    }
    let cover = found.remove(&0);
    if let Some(cover) = &cover {
        skip(skipped, cover, "the cover letter, named in README.md");
    }
    let missing: Vec<u32> = (1..=total).filter(|number| !found.contains_key(number)).collect();
    match missing.as_slice() {
        [] => {}
        [number] => bail!("patch {number} of {total} is missing: add its mail"),
        numbers => {
            bail!(
                "patches {} of {total} are missing: add their mails",
                list(numbers.iter().map(u32::to_string))
            )
        }
    }
    ensure!(total > 0, "no patch in it, only a cover letter: save the mails that hold the diffs");
    Ok((cover, found.into_values().collect()))
}

/// Whether a mail can become a patch.
///
/// # Errors
/// Says what is wrong with it.
pub(super) fn check_patch(mail: &Mail) -> anyhow::Result<()> {
    if let Some(damage) = &mail.damage {
        bail!("{}: {damage}", mail.named());
    }
    ensure!(!mail.subject.title.is_empty(), "{} has no title: give it one", mail.named());
    ensure!(
        !mail.text.contains('\0'),
        "{} holds NUL bytes: save it as `git format-patch` does",
        mail.named()
    );
    ensure!(
        series::has_diff(&mail.text),
        "{} holds no diff: is its patch on a server, or in HTML? save it as plain text",
        mail.named()
    );
    let size = mail.text.len() as u64;
    let most = series::MAX_PATCH_BYTES;
    ensure!(size <= most, "{} has {size} bytes, {most} are allowed: split it", mail.named());
    Ok(())
}

impl Mail {
    /// For error messages.
    fn named(&self) -> String {
        format!("{} {}", self.place, quoted(&self.full_subject))
    }
}

/// Whether two mails hold the same patch. A mailing list may have put a footer behind one of them.
pub(super) fn same(one: &Mail, other: &Mail) -> bool {
    let (one_text, other_text) = (one.text.trim_end(), other.text.trim_end());
    let (short, long) =
        if one_text.len() < other_text.len() { (one_text, other_text) } else { (other_text, one_text) };
    let footer = long.strip_prefix(short);
    one.subject.title == other.subject.title
        && footer.is_some_and(|footer| {
            (footer.is_empty() || footer.starts_with('\n')) && !series::has_diff(footer)
        })
}
