//! Which of many mails are the patches of one series, and in which order.

use anyhow::{bail, ensure};

use super::complete;
use super::groups::{self, Group};
use super::mail::Mail;
use super::sorted::{Skipped, counted, list, skip};
use super::subject::{PatchPlace, SubjectMark};
pub use super::wish::{Order, Wish};
use crate::text::suggest::quoted;

/// More than the longest series and what was said about it.
const MAX_MAILS: usize = 10_000;

/// One series.
#[derive(Debug)]
pub struct Selection {
    /// From 1; none if the order did not come from subjects.
    pub version: Option<u32>,
    /// The cover letter.
    pub cover: Option<Mail>,
    /// In order, never empty.
    pub patches: Vec<Mail>,
    /// Mails that are no patches of it.
    pub skipped: Vec<Skipped>,
    /// Where the order came from.
    pub order: String,
    /// What the user should know beside that.
    pub notes: Vec<String>,
}

/// Finds the series that `wish` is for.
///
/// # Errors
/// Says what is missing, mixed, twice there or not usable, and which option would choose.
pub fn select(mails: Vec<Mail>, wish: &Wish, order: &Order) -> anyhow::Result<Selection> {
    let read = mails.len();
    ensure!(read <= MAX_MAILS, "{read} mails, {MAX_MAILS} are allowed: save those of the series alone");
    let is_chosen = wish.version.is_some() || wish.subject.is_some() || wish.message_id.is_some();
    let selection = match order {
        Order::Queue(by) if !is_chosen => queue(mails, wish, by),
        Order::Names if !is_chosen && !is_one_series(&mails) => queue(mails, wish, "the names of the files"),
        Order::Queue(_) | Order::Names | Order::Places | Order::Unknown => heap(mails, wish, order),
    }?;
    selection.patches.iter().try_for_each(complete::check_patch)?;
    Ok(selection)
}

/// Patches whose order is given, whatever their subjects say.
fn queue(mails: Vec<Mail>, wish: &Wish, by: &str) -> anyhow::Result<Selection> {
    let mut skipped = Vec::new();
    let (mut patches, others): (Vec<Mail>, Vec<Mail>) = mails.into_iter().partition(Mail::has_diff);
    let mut cover = None;
    for mail in others {
        if cover.is_none() && groups::is_cover(&mail) {
            skip(&mut skipped, &mail, "the cover letter, named in README.md");
            cover = Some(mail);
        } else {
            skip(&mut skipped, &mail, groups::why_not(&mail, "no diff in it"));
        }
    }
    ensure!(!patches.is_empty(), nothing_left(&skipped));
    let mut notes = Vec::new();
    notes.extend(missing_by_subjects(&patches));
    if let Some(wanted) = &wish.patches {
        let there: Vec<u32> = (1..).take(patches.len()).collect();
        complete::check_there(wanted, &there)?;
        let mut number = 0;
        patches.retain(|mail| {
            number += 1;
            let is_wanted = wanted.contains(number);
            if !is_wanted {
                skip(&mut skipped, mail, "not one of --patches");
            }
            is_wanted
        });
    }
    Ok(Selection { version: None, cover, patches, skipped, order: by.to_owned(), notes })
}

/// Mails that were sent, in any order: their subjects tell.
fn heap(mails: Vec<Mail>, wish: &Wish, order: &Order) -> anyhow::Result<Selection> {
    let mut skipped = Vec::new();
    let mails = match &wish.message_id {
        Some(id) => with_id(mails, id, &mut skipped)?,
        None => mails,
    };
    let groups = groups::group(mails, order, &mut skipped);
    ensure!(!groups.is_empty(), nothing_left(&skipped));
    let Group { version, total, mails } = groups::choose(groups, wish, &mut skipped)?;
    let mut notes = Vec::new();
    let (cover, patches, order) = match (total, &wish.patches) {
        (Some(total), wanted) => {
            let (cover, patches) =
                complete::numbered(mails, total, wanted.as_ref(), &mut skipped, &mut notes)?;
            (cover, patches, "the numbers in the subjects".to_owned())
        }
        (None, None) => {
            let patches = mails.into_iter().map(|(_, mail)| mail).collect();
            (None, patches, "their places in the file".to_owned())
        }
        (None, Some(_)) => {
            let mails = mails.into_iter().map(|(_, mail)| mail).collect();
            return queue(mails, wish, "their places in the file").map(|mut selection| {
                skipped.append(&mut selection.skipped);
                Selection { skipped, ..selection }
            });
        }
    };
    Ok(Selection { version: Some(version), cover, patches, skipped, order, notes })
}

/// The mail with this Message-ID, or what belongs to it if it holds no patch.
fn with_id(mails: Vec<Mail>, id: &str, skipped: &mut Vec<Skipped>) -> anyhow::Result<Vec<Mail>> {
    let id = id.trim().trim_start_matches('<').trim_end_matches('>');
    let is_it = |mail: &Mail| mail.id.as_deref() == Some(id);
    let is_patch = mails.iter().any(|mail| is_it(mail) && mail.has_diff());
    if !mails.iter().any(is_it) {
        let known = list(mails.iter().filter_map(|mail| mail.id.as_deref()).map(quoted));
        match known.is_empty() {
            true => bail!("no mail with the Message-ID {}: none of them has one", quoted(id)),
            false => bail!("no mail with the Message-ID {}: there is {known}", quoted(id)),
        }
    }
    let belongs = |mail: &Mail| is_it(mail) || !is_patch && mail.root() == Some(id);
    let (wanted, others): (Vec<Mail>, Vec<Mail>) = mails.into_iter().partition(belongs);
    others.iter().for_each(|mail| skip(skipped, mail, "another Message-ID"));
    Ok(wanted)
}

/// Whether the mails are the patches of one series, each once, with or without a cover letter and answers.
fn is_one_series(mails: &[Mail]) -> bool {
    let mut numbers = Vec::new();
    let mut series = None;
    for mail in mails.iter().filter(|mail| mail.has_diff() && !mail.is_reply()) {
        let SubjectMark::Patch { version, place: Some(PatchPlace { number, total }) } = mail.subject.mark
        else {
            return false;
        };
        if *series.get_or_insert((version, total)) != (version, total) {
            return false;
        }
        numbers.push(number);
    }
    numbers.sort_unstable();
    series.is_some_and(|(_, total)| numbers == (1..=total).collect::<Vec<_>>())
}

/// What the subjects of a queue say that is not there.
fn missing_by_subjects(patches: &[Mail]) -> Option<String> {
    let place = |mail: &Mail| match mail.subject.mark {
        SubjectMark::Patch { version, place: Some(place) } => Some((version, place.total, place.number)),
        SubjectMark::Patch { place: None, .. } | SubjectMark::Reply | SubjectMark::Nothing => None,
    };
    let places: Vec<_> = patches.iter().map(place).collect::<Option<_>>()?;
    let (version, total, _) = *places.first()?;
    let is_one_series = places.iter().all(|(other, others, _)| (version, total) == (*other, *others));
    let is_there = |number: u32| places.iter().any(|(_, _, other)| *other == number);
    let missing: Vec<u32> = (1..=total).filter(|number| !is_there(*number)).collect();
    if !is_one_series || missing.is_empty() {
        return None;
    }
    let numbers = list(missing.iter().map(u32::to_string));
    Some(format!("by the subjects, {numbers} of {total} {} not among them", complete::is_or_are(&missing)))
}

fn nothing_left(skipped: &[Skipped]) -> anyhow::Error {
    if skipped.is_empty() {
        return anyhow::anyhow!(
            "neither a mail nor a patch in it: is it empty? save the mails that hold the diffs"
        );
    }
    let read = counted(skipped.len(), "mail");
    let named = list(skipped.iter().map(|mail| format!("{}: {}", quoted(&mail.subject), mail.reason)));
    anyhow::anyhow!("no patch in it ({read}: {named}): save the mails that hold the diffs")
}
