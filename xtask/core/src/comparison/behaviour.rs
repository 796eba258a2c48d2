//! What callers see of the kernels beside their speed: the probes of all boots, put side by side.

mod judge;
mod said;

use lab_protocol::ProbeSet;
use serde::Serialize;

use super::{VariantSummary, sources};
use crate::campaign::{BootData, Campaign};
use crate::evidence::outcome::Outcome;
use crate::evidence::probes::{self, Observation, Standing};
use crate::plan::BootStep;

pub(super) use said::{doubts, sentence_parts};

/// The probes of a campaign.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Behaviour {
    /// Which probes were asked for.
    pub set: ProbeSet,
    /// One for each variant, in the order of [`Comparison::variants`](super::Comparison::variants).
    pub variants: Vec<ProbedVariant>,
    /// One for each probe that any boot came to, in the order in which they ran.
    pub probes: Vec<ProbeRow>,
}

/// How far a variant was probed, and what that says.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ProbedVariant {
    /// The variant's name.
    pub variant: String,
    /// The table that it is held against; none if `lab.toml` names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// Boots of the plan in which probes were to run.
    pub planned: u32,
    /// Those of them that came to probes.
    pub probed: u32,
    /// One for each boot whose probes could not do their work, or not all of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_probed: Vec<NotProbed>,
    /// Probes that did what the table says, in all boots.
    pub as_expected: u32,
    /// Probes that differ from the baseline, as they should.
    pub expected_differences: u32,
    /// Probes that differ from the baseline, which is of another source, and of which no table says anything.
    #[serde(skip_serializing_if = "super::variant::is_none")]
    pub unlike_other_source: u32,
    /// Probes that speak against the variant.
    pub unexpected: u32,
    /// Probes that failed, and did so in the baseline too.
    pub already_in_baseline: u32,
    /// Probes that failed in the baseline only.
    pub only_in_baseline: u32,
    /// Probes of which no table says anything, and which saw what they saw in the baseline.
    pub like_baseline: u32,
    /// Probes of which nothing can be said, since either side did not come to them.
    pub unknown: u32,
}

/// A boot whose probes could not do their work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct NotProbed {
    /// Its number in the plan.
    pub boot: u32,
    /// Why.
    pub reason: String,
}

/// One probe.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ProbeRow {
    /// Its name.
    pub name: String,
    /// What is done, as the start of a sentence; the name if no boot came to say more.
    pub title: String,
    /// One for each variant, in the order of the variants.
    pub cells: Vec<ProbeCell>,
}

/// One probe of one variant.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ProbeCell {
    /// The variant's name.
    pub variant: String,
    /// What was seen; several if boots differ, none if no boot came to it.
    pub seen: Vec<Seen>,
    /// It against the baseline; none for the baseline itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<ProbeVerdict>,
}

/// What one or several boots saw.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Seen {
    /// What.
    #[serde(flatten)]
    pub observation: Observation,
    /// In how many boots.
    pub boots: u32,
    /// The number of the first of them.
    pub first_boot: u32,
}

/// What a probe says of a variant. Of several boots the last of these that is true of one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProbeVerdict {
    /// Nothing that the baseline does not do; or, where the baseline came to nothing, what its table says.
    Same,
    /// It differs from the baseline, and does what its table says.
    ExpectedDifference,
    /// It differs from the baseline, which is of another source, and no table says what is right: it is shown, and counts for
    /// nothing.
    UnlikeOtherSource,
    /// The baseline fails, this variant does not.
    OnlyInBaseline,
    /// It fails, and the baseline fails alike.
    AlreadyInBaseline,
    /// No boot came to it; or the baseline's did not, and no table says what is right.
    Unknown,
    /// It fails, or differs from the baseline and no table says that this is right.
    Unexpected,
}

impl ProbeCell {
    /// Whether boots of this one kernel saw different things.
    pub(crate) fn is_varying(&self) -> bool {
        self.seen.len() > 1
    }

    /// In how many boots it ran.
    pub(crate) fn boots(&self) -> u32 {
        self.seen.iter().map(|seen| seen.boots).sum()
    }

    pub(crate) fn fails(&self) -> bool {
        self.seen.iter().any(|seen| seen.observation.standing.is_failure())
    }

    pub(crate) fn is_as_expected(&self) -> bool {
        !self.seen.is_empty()
            && self.seen.iter().all(|seen| seen.observation.standing == Standing::AsExpected)
    }
}

impl Behaviour {
    /// The probes that fail in the baseline.
    pub(crate) fn baseline_failures(&self) -> impl Iterator<Item = &ProbeRow> {
        self.probes.iter().filter(|row| row.cells.first().is_some_and(ProbeCell::fails))
    }

    /// In how many probes the baseline does not do what its table says. Then one of the two is not what the plan takes it for.
    pub(crate) fn baseline_otherwise(&self) -> usize {
        let is_otherwise = |seen: &Seen| seen.observation.standing == Standing::Otherwise;
        let baseline = self.probes.iter().filter_map(|row| row.cells.first());
        baseline.filter(|cell| cell.seen.iter().any(is_otherwise)).count()
    }

    /// Whether any boot came to a probe.
    pub(crate) fn has_data(&self) -> bool {
        !self.probes.is_empty()
    }
}

/// The probes of a campaign, judged; none if nothing was to be probed. `same_kernel` says which variants boot the
/// baseline's own kernel under another label.
pub(super) fn behaviour(
    campaign: &Campaign,
    variants: &[VariantSummary],
    same_kernel: &[bool],
) -> Option<Behaviour> {
    let set = campaign.file.plan.boots.iter().find_map(|step| step.probes)?;
    let mut probes: Vec<ProbeRow> = Vec::new();
    let mut probed: Vec<ProbedVariant> =
        variants.iter().map(|variant| empty(campaign, &variant.name)).collect();
    for (place, variant) in variants.iter().enumerate() {
        for boot in boots(campaign, &variant.name) {
            collect(boot, place, variants, &mut probed[place], &mut probes);
        }
    }
    let other_source: Vec<bool> =
        variants.iter().map(|variant| sources::differ(&variants[0], variant)).collect();
    judge::judge(&mut probes, judge::Kin { same_kernel, other_source: &other_source });
    for (place, variant) in probed.iter_mut().enumerate() {
        count(variant, probes.iter().filter_map(|row| row.cells.get(place)));
    }
    Some(Behaviour { set, variants: probed, probes })
}

/// The boots of a variant that were to be probed and say something of it, in the order of the plan. The report of a lost
/// boot is not trusted, and the boot is run again.
fn boots<'a>(campaign: &'a Campaign, variant: &str) -> Vec<&'a BootData> {
    let is_of = |step: &BootStep| step.variant == variant && step.probes.is_some();
    let is_lost = |boot: &BootData| matches!(boot.record.outcome, Outcome::Lost { .. });
    let mut boots: Vec<_> =
        campaign.boots.iter().filter(|boot| is_of(&boot.record.boot) && !is_lost(boot)).collect();
    boots.sort_by_key(|boot| boot.record.boot.number);
    boots
}

fn empty(campaign: &Campaign, name: &str) -> ProbedVariant {
    let plan = &campaign.file.plan;
    let planned = plan.boots.iter().filter(|step| step.variant == name && step.probes.is_some()).count();
    let variant = plan.variants.iter().find(|variant| variant.name == name);
    ProbedVariant {
        variant: name.to_owned(),
        expected: variant.and_then(|variant| variant.behaviour.clone()),
        planned: planned as u32,
        probed: 0,
        not_probed: Vec::new(),
        as_expected: 0,
        expected_differences: 0,
        unlike_other_source: 0,
        unexpected: 0,
        already_in_baseline: 0,
        only_in_baseline: 0,
        like_baseline: 0,
        unknown: 0,
    }
}

/// Adds what a boot saw.
fn collect(
    boot: &BootData,
    place: usize,
    variants: &[VariantSummary],
    variant: &mut ProbedVariant,
    probes: &mut Vec<ProbeRow>,
) {
    // What broke or hung before it could report counts by itself.
    let Some(report) = &boot.report else { return };
    let number = boot.record.boot.number;
    let mut note = |reason| variant.not_probed.push(NotProbed { boot: number, reason });
    let Some(report) = &report.probes else {
        return note("the guest says nothing of probes".to_owned());
    };
    probes::not_probed(report).into_iter().for_each(&mut note);
    let probed = probes::probed(report);
    variant.probed += u32::from(!probed.is_empty());
    for probes::Probed { name, title, observation } in probed {
        let known = probes.iter().position(|row| row.name == name);
        let row = known.unwrap_or_else(|| {
            let cell = |variant: &VariantSummary| ProbeCell {
                variant: variant.name.clone(),
                seen: Vec::new(),
                verdict: None,
            };
            let cells = variants.iter().map(cell).collect();
            probes.push(ProbeRow { title: name.clone(), name, cells });
            probes.len() - 1
        });
        let row = &mut probes[row];
        if let Some(title) = title.filter(|_| row.title == row.name) {
            row.title = title;
        }
        see(&mut row.cells[place].seen, observation, number);
    }
}

fn see(seen: &mut Vec<Seen>, observation: Observation, boot: u32) {
    match seen.iter_mut().find(|known| known.observation == observation) {
        Some(known) => known.boots += 1,
        None => seen.push(Seen { observation, boots: 1, first_boot: boot }),
    }
}

fn count<'a>(variant: &mut ProbedVariant, cells: impl Iterator<Item = &'a ProbeCell>) {
    for cell in cells {
        variant.as_expected += u32::from(cell.is_as_expected());
        match cell.verdict {
            Some(ProbeVerdict::ExpectedDifference) => variant.expected_differences += 1,
            Some(ProbeVerdict::UnlikeOtherSource) => variant.unlike_other_source += 1,
            Some(ProbeVerdict::Unexpected) => variant.unexpected += 1,
            Some(ProbeVerdict::AlreadyInBaseline) => variant.already_in_baseline += 1,
            Some(ProbeVerdict::Unknown) => variant.unknown += 1,
            Some(ProbeVerdict::OnlyInBaseline) => variant.only_in_baseline += 1,
            Some(ProbeVerdict::Same) => variant.like_baseline += u32::from(!cell.is_as_expected()),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests;
