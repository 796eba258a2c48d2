//! Which of many mails are the patches of one series, and in which order.

use std::collections::BTreeMap;

use anyhow::{bail, ensure};

use super::complete;
use super::mail::Mail;
use super::sorted::{Numbered, Skipped, list, skip};
use super::subject::{PatchPlace, SubjectMark};
use crate::series;
use crate::text::suggest::quoted;

/// More than the longest series and what was said about it.
const MAX_MAILS: usize = 10_000;

/// Which series is wanted, where there are several.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Its version.
    pub version: Option<u32>,
    /// Text in a subject.
    pub subject: Option<String>,
}

/// What says in which order patches without a number come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The names of their files.
    Names,
    /// Their places in a mailbox, unless they came by mail, one after the other.
    Places,
    /// Nothing.
    Unknown,
}

/// One series.
#[derive(Debug)]
pub struct Selection {
    /// From 1.
    pub version: u32,
    /// The cover letter.
    pub cover: Option<Mail>,
    /// In order, never empty.
    pub patches: Vec<Mail>,
    /// Mails that are no patches of it.
    pub skipped: Vec<Skipped>,
}

/// Mails that say that they belong together.
struct Group {
    version: u32,
    /// How many patches there should be; none if they have no numbers.
    total: Option<u32>,
    mails: Numbered,
}

/// Finds the series that `wish` is for.
///
/// # Errors
/// Says what is missing, mixed, twice there or not usable.
pub fn select(mails: Vec<Mail>, wish: &Wish, order: Order) -> anyhow::Result<Selection> {
    let read = mails.len();
    ensure!(read <= MAX_MAILS, "{read} mails, {MAX_MAILS} are allowed: save those of the series alone");
    let mut skipped = Vec::new();
    let groups = group(mails, order, &mut skipped);
    ensure!(
        !groups.is_empty(),
        "no patch in it ({}): save the mails that hold the diffs",
        counted(read, "mail")
    );
    let group = choose(groups, wish, &mut skipped)?;
    let version = group.version;
    let (cover, patches) = match group.total {
        Some(total) => complete::numbered(group.mails, total, &mut skipped)?,
        None => (None, group.mails.into_iter().map(|(_, mail)| mail).collect()),
    };
    for mail in &patches {
        complete::check_patch(mail)?;
    }
    Ok(Selection { version, cover, patches, skipped })
}

fn group(mails: Vec<Mail>, order: Order, skipped: &mut Vec<Skipped>) -> Vec<Group> {
    let mut groups: BTreeMap<(u32, Option<u32>), Numbered> = BTreeMap::new();
    let (mut unmarked, mut empty) = (Vec::new(), Vec::new());
    for mail in mails {
        let has_diff = series::has_diff(&mail.text);
        match mail.subject.mark {
            SubjectMark::Patch { place: None, .. } if !has_diff => empty.push(mail),
            SubjectMark::Patch { version, place } => {
                let number = place.map_or(0, |PatchPlace { number, .. }| number);
                groups.entry((version, place.map(|place| place.total))).or_default().push((number, mail));
            }
            SubjectMark::Reply if has_diff => skip(skipped, &mail, "a reply, its diff is not taken"),
            SubjectMark::Reply => skip(skipped, &mail, "a reply"),
            SubjectMark::Nothing if has_diff => unmarked.push(mail),
            SubjectMark::Nothing => skip(skipped, &mail, "not a patch"),
        }
    }
    for mail in unmarked {
        if mail.thread.is_some() && !groups.is_empty() {
            skip(skipped, &mail, "an answer without [PATCH], its diff is not taken");
        } else {
            groups.entry((1, None)).or_default().push((0, mail));
        }
    }
    for mail in empty {
        if groups.is_empty() {
            groups.entry((1, None)).or_default().push((0, mail));
        } else {
            skip(skipped, &mail, "marked [PATCH], but without a diff");
        }
    }
    let groups = groups.into_iter().map(|((version, total), mails)| Group { version, total, mails });
    groups.flat_map(|group| by_thread(group, order)).collect()
}

/// Mails with equal numbers are several series if each thread is whole. Patches without numbers are one
/// series if something tells their order.
fn by_thread(group: Group, order: Order) -> Vec<Group> {
    let Group { version, total, mails } = group;
    let Some(total) = total else {
        let ordered = match order {
            Order::Names => true,
            Order::Places => mails.iter().all(|(_, mail)| mail.id.is_none()),
            Order::Unknown => false,
        };
        if ordered {
            return vec![Group { version, total: None, mails }];
        }
        let alone = |mail| Group { version, total: None, mails: vec![mail] };
        return mails.into_iter().map(alone).collect();
    };
    let mut threads: BTreeMap<Option<String>, Numbered> = BTreeMap::new();
    for (number, mail) in &mails {
        threads.entry(mail.root().map(str::to_owned)).or_default().push((*number, mail.clone()));
    }
    let is_whole = |mails: &Numbered| (1..=total).all(|n| mails.iter().any(|(number, _)| *number == n));
    if threads.values().filter(|mails| is_whole(mails)).count() < 2 || are_copies(&mails) {
        return vec![Group { version, total: Some(total), mails }];
    }
    threads.into_values().map(|mails| Group { version, total: Some(total), mails }).collect()
}

fn are_copies(mails: &[(u32, Mail)]) -> bool {
    mails.iter().enumerate().all(|(at, (number, mail))| {
        mails[..at].iter().all(|(other_number, other)| number != other_number || complete::same(mail, other))
    })
}

fn choose(mut groups: Vec<Group>, wish: &Wish, skipped: &mut Vec<Skipped>) -> anyhow::Result<Group> {
    let all = list(groups.iter().map(Group::summary));
    let fits = |group: &Group| {
        wish.version.is_none_or(|version| version == group.version)
            && wish.subject.as_ref().is_none_or(|text| group.mentions(text))
    };
    let mut others = groups.extract_if(.., |group| !fits(group)).collect::<Vec<_>>();
    let Some(chosen) = groups.pop() else {
        let wanted = match (&wish.subject, wish.version) {
            (Some(text), _) => format!("with {} in a subject", quoted(text)),
            (None, version) => format!("of version {}", version.unwrap_or(1)),
        };
        bail!("no patch {wanted}: there is {all}");
    };
    if !groups.is_empty() {
        groups.push(chosen);
        let found = list(groups.iter().map(Group::summary));
        let same_version = groups.iter().all(|group| group.version == groups[0].version);
        ensure!(same_version, "versions are mixed: {found}; choose one with --version N");
        let by_name = if groups.iter().all(|group| group.total.is_none()) {
            ", or give them as files in a folder, named in their order, if they belong together"
        } else {
            ""
        };
        bail!("several series are mixed: {found}; choose one with --subject TEXT{by_name}");
    }
    for other in others.drain(..) {
        let reason = if other.version == chosen.version {
            "another series".to_owned()
        } else {
            format!("version {}", other.version)
        };
        other.mails.iter().for_each(|(_, mail)| skip(skipped, mail, &reason));
    }
    Ok(chosen)
}

impl Group {
    /// `v2 "title" (5 of 6 patches)`.
    fn summary(&self) -> String {
        let first = self.mails.iter().min_by_key(|(number, _)| *number);
        let title = first.map_or("", |(_, mail)| mail.subject.title.as_str());
        let count = match self.total {
            Some(total) => {
                let mut numbers: Vec<u32> = self.mails.iter().map(|(number, _)| *number).collect();
                numbers.sort_unstable();
                numbers.dedup();
                let there = numbers.iter().filter(|number| **number > 0).count();
                format!("{there} of {}", counted(total as usize, "patch"))
            }
            None => counted(self.mails.len(), "patch"),
        };
        format!("v{} {} ({count})", self.version, quoted(title))
    }

    fn mentions(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.mails.iter().any(|(_, mail)| mail.full_subject.to_lowercase().contains(&text))
    }
}

fn counted(count: usize, what: &str) -> String {
    match (count, what) {
        (1, what) => format!("1 {what}"),
        (count, "patch") => format!("{count} patches"),
        (count, what) => format!("{count} {what}s"),
    }
}
