//! Whether the patches of a series are all there, once each, and usable.

use std::collections::BTreeMap;

use anyhow::{bail, ensure};

use super::mail::Mail;
use super::numbers::Numbers;
use super::sorted::{Numbered, Skipped, list, skip};
use crate::series;
use crate::text::suggest::quoted;

/// The cover letter and the patches from 1 to `total`, or those that are `wanted`.
///
/// # Errors
/// If one is missing, or there are different ones with one number. One alone is not missed: somebody gave it alone.
pub(super) fn numbered(
    mails: Numbered,
    total: u32,
    wanted: Option<&Numbers>,
    skipped: &mut Vec<Skipped>,
    notes: &mut Vec<String>,
) -> anyhow::Result<(Option<Mail>, Vec<Mail>)> {
    let is_wanted = |number: u32| number == 0 || wanted.is_none_or(|wanted| wanted.contains(number));
    let mut found = once_each(mails, total, is_wanted, skipped)?;
    let cover = found.remove(&0);
    if let Some(cover) = &cover {
        skip(skipped, cover, "the cover letter, named in README.md");
    }
    ensure!(total > 0, "no patch in it, only a cover letter: save the mails that hold the diffs");
    let there: Vec<u32> = found.keys().copied().collect();
    if let Some(wanted) = wanted {
        check_there(wanted, &there)?;
        notes.extend(
            Numbers::of(&there).map(|numbers| format!("{numbers} of {total} patches, as --patches says")),
        );
        let (taken, left): (Vec<_>, Vec<_>) = found.into_iter().partition(|(number, _)| is_wanted(*number));
        left.iter().for_each(|(_, mail)| skip(skipped, mail, "not one of --patches"));
        return Ok((cover, taken.into_iter().map(|(_, mail)| mail).collect()));
    }
    let missing: Vec<u32> = (1..=total).filter(|number| !there.contains(number)).collect();
    match there.as_slice() {
        [one] if total > 1 && cover.is_none() => {
            notes.push(format!("it is patch {one} of {total}, the others are not here"));
        }
        _ => check_whole(&missing, &there, total)?,
    }
    Ok((cover, found.into_values().collect()))
}

/// The mails by number, copies skipped.
fn once_each(
    mut mails: Numbered,
    total: u32,
    is_wanted: impl Fn(u32) -> bool,
    skipped: &mut Vec<Skipped>,
) -> anyhow::Result<BTreeMap<u32, Mail>> {
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
            same(&mail, other) || !is_wanted(number),
            "patch {number} of {total} is there twice, with different content ({} and {}): remove one",
            other.named(),
            mail.named()
        );
        skip(skipped, &mail, "a copy");
    }
    Ok(found)
}

fn check_whole(missing: &[u32], there: &[u32], total: u32) -> anyhow::Result<()> {
    let others = Numbers::of(there)
        .map(|numbers| format!(", or take the others with --patches {numbers}"))
        .unwrap_or_default();
    match missing {
        [] => Ok(()),
        [number] => bail!("patch {number} of {total} is missing: add its mail{others}"),
        numbers => {
            let named = list(numbers.iter().map(u32::to_string));
            bail!("patches {named} of {total} are missing: add their mails{others}")
        }
    }
}

/// Checks that the numbers that are wanted are there.
///
/// # Errors
/// Names the first one that is not, and those that are.
pub(super) fn check_there(wanted: &Numbers, there: &[u32]) -> anyhow::Result<()> {
    let Some(number) = wanted.first_not_in(there) else { return Ok(()) };
    match Numbers::of(there) {
        Some(known) => bail!("there is no patch {number}: --patches can name {known}"),
        None => bail!("there is no patch {number}: the diffs are missing, add their mails"),
    }
}

pub(super) fn is_or_are(numbers: &[u32]) -> &'static str {
    if numbers.len() == 1 { "is" } else { "are" }
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
        !mail.message.contains('\0') && !mail.diff.contains(&0),
        "{} holds NUL bytes: save it as `git format-patch` does",
        mail.named()
    );
    ensure!(
        mail.has_diff(),
        "{} holds no diff: is its patch on a server, or in HTML? save it as plain text",
        mail.named()
    );
    if let Some(line) = series::left_out(&mail.diff) {
        bail!("{}: its diff leaves a file out ({}): make it with `diff -urN`", mail.named(), quoted(&line));
    }
    let size = mail.size() as u64;
    let most = series::MAX_PATCH_BYTES;
    ensure!(size <= most, "{} has {size} bytes, {most} are allowed: split it", mail.named());
    Ok(())
}

/// Whether two mails hold the same patch. A mailing list may have put a footer behind one of them.
pub(super) fn same(one: &Mail, other: &Mail) -> bool {
    let text = |mail: &Mail| [mail.message.as_bytes(), &mail.diff].concat().trim_ascii_end().to_vec();
    let (one_text, other_text) = (text(one), text(other));
    let (short, long) =
        if one_text.len() < other_text.len() { (one_text, other_text) } else { (other_text, one_text) };
    let footer = long.strip_prefix(short.as_slice());
    one.subject.title == other.subject.title
        && footer.is_some_and(|footer| {
            (footer.is_empty() || footer.starts_with(b"\n")) && !series::has_diff(footer)
        })
}
