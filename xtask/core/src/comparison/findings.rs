//! Which findings are in which kernel's log, as sets with boot counts; never a difference of texts.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::VariantSummary;
use super::statistics::may_be_unseen;
use crate::campaign::Campaign;
use crate::evidence::klog::{self, Finding};

/// A finding and the boots that have it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct FindingRow {
    /// The finding as in the first boot that has it.
    pub finding: Finding,
    /// Folder of that boot.
    pub folder: String,
    /// One for each variant, in the order of the variants.
    pub presence: Vec<Presence>,
    /// In how large a share of the baseline's boots it may occur although none had it, with 95 % confidence;
    /// none if the baseline has it.
    pub unseen_share: Option<f64>,
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
    /// Whether a variant, by place, has it and the baseline does not.
    pub(crate) fn is_new_with(&self, variant: usize) -> bool {
        self.presence[0].boots == 0 && self.presence[variant].boots > 0
    }

    /// Whether the baseline has it and a variant, by place, does not although it was booted.
    pub(crate) fn is_gone_with(&self, variant: usize) -> bool {
        self.presence[0].boots > 0 && self.presence[variant].boots == 0 && self.presence[variant].of > 0
    }
}

/// All findings, those that the baseline does not have first.
pub(super) fn rows(campaign: &Campaign, variants: &[VariantSummary]) -> Vec<FindingRow> {
    let mut boots_by_id: BTreeMap<String, (Finding, String, Vec<u32>)> = BTreeMap::new();
    let mut read = vec![0; variants.len()];
    for boot in &campaign.boots {
        let variant = &boot.record.boot.variant;
        let Some(place) = variants.iter().position(|of| of.name == *variant) else { continue };
        read[place] += 1;
        let mut seen = BTreeSet::new();
        for finding in klog::findings(&boot.console) {
            if seen.insert(finding.id.clone()) {
                let entry = boots_by_id.entry(finding.id.clone());
                let entry = entry.or_insert_with(|| (finding, boot.folder.clone(), vec![0; variants.len()]));
                entry.2[place] += 1;
            }
        }
    }
    let row = |(finding, folder, boots): (Finding, String, Vec<u32>)| {
        let presence: Vec<_> = boots.iter().zip(&read).map(|(&boots, &of)| Presence { boots, of }).collect();
        let unseen_share = presence
            .first()
            .filter(|baseline| baseline.boots == 0)
            .map(|baseline| may_be_unseen(baseline.of));
        FindingRow { finding, folder, presence, unseen_share }
    };
    let mut rows: Vec<_> = boots_by_id.into_values().map(row).collect();
    rows.sort_by_key(|row| row.unseen_share.is_none());
    rows
}
