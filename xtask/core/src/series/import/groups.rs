//! Mails that belong together, by what their subjects and threads say, and the group that is wanted.

use std::collections::BTreeMap;

use anyhow::bail;

use super::complete;
use super::mail::Mail;
use super::sorted::{Numbered, Skipped, counted, list, skip};
use super::subject::{PatchPlace, SubjectMark};
use super::wish::{Order, Wish};
use crate::text::suggest::quoted;

/// Mails that say that they belong together.
pub(super) struct Group {
    pub(super) version: u32,
    /// How many patches there should be; none if they have no numbers.
    pub(super) total: Option<u32>,
    pub(super) mails: Numbered,
}

/// Whether a mail says that it is the cover letter.
pub(super) fn is_cover(mail: &Mail) -> bool {
    matches!(mail.subject.mark, SubjectMark::Patch { place: Some(PatchPlace { number: 0, .. }), .. })
}

/// Why a mail without a diff is no patch.
pub(super) fn why_not<'a>(mail: &'a Mail, otherwise: &'a str) -> &'a str {
    mail.damage.as_deref().unwrap_or(otherwise)
}

/// The groups among `mails`; the others are skipped.
pub(super) fn group(mails: Vec<Mail>, order: &Order, skipped: &mut Vec<Skipped>) -> Vec<Group> {
    let mut groups: BTreeMap<(u32, Option<u32>), Numbered> = BTreeMap::new();
    let (mut unmarked, mut empty, mut replies) = (Vec::new(), Vec::new(), Vec::new());
    for mail in mails {
        let has_diff = mail.has_diff();
        match mail.subject.mark {
            SubjectMark::Patch { place: None, .. } if !has_diff => empty.push(mail),
            SubjectMark::Patch { version, place } => {
                let number = place.map_or(0, |PatchPlace { number, .. }| number);
                groups.entry((version, place.map(|place| place.total))).or_default().push((number, mail));
            }
            SubjectMark::Reply if has_diff => replies.push(mail),
            SubjectMark::Reply => skip(skipped, &mail, why_not(&mail, "a reply")),
            SubjectMark::Nothing if has_diff => unmarked.push(mail),
            SubjectMark::Nothing => skip(skipped, &mail, why_not(&mail, "not a patch")),
        }
    }
    for mail in unmarked {
        if mail.thread.is_some() && !groups.is_empty() {
            skip(skipped, &mail, "an answer without [PATCH], its diff is not taken");
        } else {
            groups.entry((1, None)).or_default().push((0, mail));
        }
    }
    for mut mail in replies {
        if groups.keys().any(|key| *key != (0, None)) {
            skip(skipped, &mail, "a reply, its diff is not taken");
        } else {
            mail.notes.push("a reply, taken since no other mail holds a diff".to_owned());
            groups.entry((0, None)).or_default().push((0, mail));
        }
    }
    for mail in empty {
        if groups.is_empty() {
            groups.entry((1, None)).or_default().push((0, mail));
        } else {
            skip(skipped, &mail, why_not(&mail, "marked [PATCH], but without a diff"));
        }
    }
    let groups =
        groups.into_iter().map(|((version, total), mails)| Group { version: version.max(1), total, mails });
    groups.flat_map(|group| by_thread(group, order)).collect()
}

/// Mails with equal numbers are several series if each thread is whole. Patches without numbers are one
/// series if something tells their order.
fn by_thread(group: Group, order: &Order) -> Vec<Group> {
    let Group { version, total, mails } = group;
    let Some(total) = total else {
        let is_ordered = match order {
            Order::Queue(_) | Order::Names => true,
            Order::Places => mails.iter().all(|(_, mail)| mail.id.is_none()),
            Order::Unknown => false,
        };
        if is_ordered {
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

/// The one group that fits the wish.
pub(super) fn choose(
    mut groups: Vec<Group>,
    wish: &Wish,
    skipped: &mut Vec<Skipped>,
) -> anyhow::Result<Group> {
    let all = list(groups.iter().map(Group::summary));
    let fits = |group: &Group| {
        wish.version.is_none_or(|version| version == group.version)
            && wish.subject.as_ref().is_none_or(|text| group.mentions(text))
    };
    let others = groups.extract_if(.., |group| !fits(group)).collect::<Vec<_>>();
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
        let is_one_version = groups.iter().all(|group| group.version == groups[0].version);
        let what = if is_one_version { "several series are" } else { "versions are" };
        bail!("{what} mixed: {found}; {}", remedy(&groups));
    }
    for other in others {
        let reason = if other.version == chosen.version {
            "another series".to_owned()
        } else {
            format!("version {}", other.version)
        };
        other.mails.iter().for_each(|(_, mail)| skip(skipped, mail, &reason));
    }
    Ok(chosen)
}

/// What tells these groups apart.
fn remedy(groups: &[Group]) -> String {
    let pairs =
        || groups.iter().enumerate().flat_map(|(at, one)| groups[at + 1..].iter().map(move |two| (one, two)));
    let by_name = match groups.iter().all(|group| group.total.is_none()) {
        true => ", or give them as files in a folder, named in their order, if they belong together",
        false => "",
    };
    let same_version = |(one, two): &(&Group, &Group)| one.version == two.version;
    let are_titled = |(one, two): (&Group, &Group)| one.is_told_from(two);
    if pairs().all(|(one, two)| one.version != two.version) {
        "choose one with --version N".to_owned()
    } else if pairs().all(are_titled) {
        format!("choose one with --subject TEXT{by_name}")
    } else if pairs().filter(same_version).all(are_titled) {
        "choose one with --version N and --subject TEXT".to_owned()
    } else if groups.iter().all(|group| group.root().is_some()) {
        let ids = list(groups.iter().filter_map(Group::root).map(quoted));
        format!("choose one with --message-id ID, which is {ids}{by_name}")
    } else {
        format!("save one of them alone{by_name}")
    }
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

    /// Whether each has a subject that the other one does not mention.
    fn is_told_from(&self, other: &Group) -> bool {
        let has_own =
            |one: &Group, two: &Group| one.mails.iter().any(|(_, mail)| !two.mentions(&mail.full_subject));
        has_own(self, other) && has_own(other, self)
    }

    /// The Message-ID that chooses the group.
    fn root(&self) -> Option<&str> {
        self.mails.first().and_then(|(_, mail)| mail.root())
    }
}
