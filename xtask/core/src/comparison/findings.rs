//! Which findings are in which kernel's log, as sets with boot counts; never a difference of texts.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::statistics::may_be_unseen;
use super::{Comparison, VariantSummary};
use crate::campaign::{Campaign, Record};
use crate::evidence::klog::{self, Finding};
use crate::evidence::known::{self, Known};
use crate::evidence::source_lines::has_sites;

/// A finding and the boots that have it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct FindingRow {
    /// The finding as in the first boot that has it.
    pub finding: Finding,
    /// Its text with the file and line of each address on its stack; none if there are no lines, or nobody has looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_with_lines: Option<String>,
    /// Folder of that boot.
    pub folder: String,
    /// One for each variant, in the order of the variants.
    pub presence: Vec<Presence>,
    /// In how large a share of the baseline's boots it may occur although none had it, with 95 % confidence;
    /// none if the baseline has it.
    pub unseen_share: Option<f64>,
    /// If it is never the first one of its boot: the title of the one that is, in the boot of `folder`. It may be a
    /// consequence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Why it counts for nothing, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known: Option<String>,
}

/// In how many boots of a variant a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Presence {
    /// Boots that have it.
    pub boots: u32,
    /// Boots with a console that was read.
    pub of: u32,
}

impl FindingRow {
    /// What the kernel reported, with lines of the source if they are known.
    pub fn text(&self) -> &str {
        self.text_with_lines.as_deref().unwrap_or(&self.finding.text)
    }

    /// Whether a variant, by place, has it, the baseline does not, and it counts.
    pub(crate) fn is_new_with(&self, variant: usize) -> bool {
        self.known.is_none() && self.presence[0].boots == 0 && self.presence[variant].boots > 0
    }

    /// Whether the baseline has it, a variant, by place, does not although it was booted, and it counts.
    pub(crate) fn is_gone_with(&self, variant: usize) -> bool {
        let [baseline, variant] = [0, variant].map(|place| self.presence[place]);
        self.known.is_none() && baseline.boots > 0 && variant.boots == 0 && variant.of > 0
    }
}

impl Comparison {
    /// Writes lines of the source into the stacks of the findings. `write` does that for a text of a boot's console, or says why it
    /// cannot.
    pub fn add_lines(
        &mut self,
        campaign: &Campaign,
        mut write: impl FnMut(&Record, &str) -> Result<String, String>,
    ) {
        for row in self.findings.iter_mut().filter(|row| has_sites(&row.finding.text)) {
            let Some(boot) = campaign.boots.iter().find(|boot| boot.folder == row.folder) else { continue };
            match write(&boot.record, &row.finding.text) {
                Ok(text) => row.text_with_lines = Some(text),
                Err(why) => _ = self.no_lines.get_or_insert(why),
            }
        }
    }
}

/// A finding while boots are read.
struct Seen {
    finding: Finding,
    folder: String,
    /// One for each variant.
    boots: Vec<u32>,
    /// Whether it was the first of a boot.
    is_first: bool,
    /// The first one in the boot of `folder`.
    first: String,
}

/// The findings of each boot, in the order of the boots.
pub(super) fn by_boot(campaign: &Campaign) -> Vec<Vec<Finding>> {
    campaign.boots.iter().map(|boot| klog::findings(&boot.console)).collect()
}

/// All findings: those that the baseline does not have first, those that are known last. `by_boot` has those of each boot.
pub(super) fn rows(
    campaign: &Campaign,
    variants: &[VariantSummary],
    by_boot: &[Vec<Finding>],
) -> Vec<FindingRow> {
    let mut by_id: BTreeMap<String, Seen> = BTreeMap::new();
    let mut read = vec![0; variants.len()];
    for (boot, findings) in campaign.boots.iter().zip(by_boot) {
        let variant = &boot.record.boot.variant;
        let Some(place) = variants.iter().position(|of| of.name == *variant) else { continue };
        read[place] += 1;
        let Some(first) = findings.first() else { continue };
        let mut ids = BTreeSet::new();
        for finding in findings {
            if !ids.insert(finding.id.clone()) {
                continue;
            }
            let is_first = finding.id == first.id;
            let seen = by_id.entry(finding.id.clone()).or_insert_with(|| Seen {
                finding: finding.clone(),
                folder: boot.folder.clone(),
                boots: vec![0; variants.len()],
                is_first,
                first: first.title.clone(),
            });
            seen.boots[place] += 1;
            seen.is_first |= is_first;
        }
    }
    let known = &campaign.file.plan.known;
    let mut rows: Vec<_> = by_id.into_values().map(|seen| row(seen, &read, known)).collect();
    rows.sort_by_key(|row| (row.known.is_some(), row.unseen_share.is_none()));
    rows
}

fn row(seen: Seen, read: &[u32], known: &[Known]) -> FindingRow {
    let Seen { finding, folder, boots, is_first, first } = seen;
    let presence: Vec<_> = boots.iter().zip(read).map(|(&boots, &of)| Presence { boots, of }).collect();
    let unseen_share =
        presence.first().filter(|baseline| baseline.boots == 0).map(|baseline| may_be_unseen(baseline.of));
    let known = known::find(known, &finding).map(|known| known.reason.clone());
    let after = (!is_first).then_some(first);
    FindingRow { finding, text_with_lines: None, folder, presence, unseen_share, after, known }
}

/// What is listed as known and is in no boot of the campaign.
pub(super) fn unused(campaign: &Campaign) -> Vec<Known> {
    let listed = &campaign.file.plan.known;
    if listed.is_empty() {
        return Vec::new();
    }
    let all = by_boot(campaign).concat();
    // Of two that mean a finding only the first one is used.
    let used: Vec<&Known> = all.iter().filter_map(|finding| known::find(listed, finding)).collect();
    listed.iter().filter(|known| !used.contains(known)).cloned().collect()
}
