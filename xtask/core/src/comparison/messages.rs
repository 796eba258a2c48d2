//! What kernels warn of beside findings: messages that are in each boot of a variant and in none of the baseline.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Presence, VariantSummary};
use crate::campaign::Campaign;
use crate::evidence::klog::{self, Finding};

/// A message of level warning or worse that is new with a variant. It makes no verdict: kernels differ in what they warn of.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct MessageRow {
    /// Without numbers and addresses.
    pub text: String,
    /// The worst level with which it came: 4 is a warning, lower ones are worse.
    pub level: u8,
    /// Folder of the first boot that has it.
    pub folder: String,
    /// One for each variant, in the order of the variants; of boots whose kernel log was read to the end.
    pub presence: Vec<Presence>,
}

impl MessageRow {
    /// Whether each boot of a variant, by place, has it and none of the baseline.
    pub(crate) fn is_new_with(&self, variant: usize) -> bool {
        let (baseline, own) = (self.presence[0], self.presence[variant]);
        baseline.of > 0 && baseline.boots == 0 && own.of > 0 && own.boots == own.of
    }
}

/// Those that are new with any variant. `by_boot` has the findings of each boot.
pub(super) fn rows(
    campaign: &Campaign,
    variants: &[VariantSummary],
    by_boot: &[Vec<Finding>],
) -> Vec<MessageRow> {
    let mut of = vec![0; variants.len()];
    let mut by_text: BTreeMap<String, MessageRow> = BTreeMap::new();
    for (boot, findings) in campaign.boots.iter().zip(by_boot) {
        let name = &boot.record.boot.variant;
        let Some(place) = variants.iter().position(|variant| variant.name == *name) else { continue };
        let told = boot.report.as_ref().and_then(|report| report.warnings.as_ref());
        let Some(told) = told else { continue };
        of[place] += 1;
        for (text, level) in klog::warnings(told, findings) {
            let row = by_text.entry(text).or_insert_with_key(|text| MessageRow {
                text: text.clone(),
                level,
                folder: boot.folder.clone(),
                presence: vec![Presence { boots: 0, of: 0 }; variants.len()],
            });
            row.level = row.level.min(level);
            row.presence[place].boots += 1;
        }
    }
    let mut rows: Vec<MessageRow> = by_text.into_values().collect();
    for row in &mut rows {
        row.presence.iter_mut().zip(&of).for_each(|(presence, &of)| presence.of = of);
    }
    rows.retain(|row| (1..variants.len()).any(|variant| row.is_new_with(variant)));
    rows.sort_by(|a, b| (a.level, &a.text).cmp(&(b.level, &b.text)));
    rows
}

#[cfg(test)]
mod tests {
    use lab_protocol::{KernelMessage, KernelWarnings};

    use crate::comparison::compare;
    use crate::fixtures::{campaign, two_arms, warn};
    use crate::plan::Clock;

    /// The rows of a campaign with two boots of each kernel, each of which warned of this; none: its log was not read.
    fn shown(warned: [Option<&[(u8, &str)]>; 4]) -> Vec<String> {
        let mut campaign = campaign(Clock::Virtual, &two_arms());
        assert_eq!(campaign.boots.len(), 4);
        for (boot, warned) in campaign.boots.iter_mut().zip(warned) {
            let message = |&(level, text): &(u8, &str)| KernelMessage { level, text: text.to_owned() };
            boot.report.as_mut().unwrap().warnings = warned
                .map(|warned| KernelWarnings { messages: warned.iter().map(message).collect(), left_out: 0 });
            warn(boot, "fuse_one");
        }
        let comparison = compare(&campaign).unwrap();
        let row = |row: &super::MessageRow| {
            let boots: Vec<_> =
                row.presence.iter().map(|seen| format!("{}/{}", seen.boots, seen.of)).collect();
            format!("{} {}: {}", row.level, row.text, boots.join(" "))
        };
        comparison.messages.iter().map(row).collect()
    }

    #[test]
    fn only_what_is_in_every_boot_with_the_patch_and_in_none_without_counts() {
        let both: &[(u8, &str)] = &[(4, "clock is slow")];
        let new: &[(u8, &str)] = &[(4, "clock is slow"), (4, "fuse: 7 leaked"), (3, "fuse: 8 leaked")];
        let more: &[(u8, &str)] = &[(4, "fuse: 9 leaked"), (4, "fuse: only now")];
        let finding: &[(u8, &str)] = &[(4, "WARNING: CPU: 0 PID: 9 at fs/fuse/file.c:1 fuse_one+0x1/0x2")];
        for (warned, expected) in [
            ([Some(both), Some(both), Some(new), Some(more)], &["3 fuse: N leaked: 0/2 2/2"][..]),
            // What the baseline has once is not new; what the variant lacks once may be chance.
            ([Some(both), Some(more), Some(new), Some(new)], &[]),
            ([Some(both), Some(both), Some(new), Some(both)], &[]),
            // A boot whose log was not read says nothing.
            ([Some(both), None, None, Some(new)], &["3 fuse: N leaked: 0/1 1/1"]),
            ([None, None, Some(new), Some(new)], &[]),
            ([Some(both), Some(both), None, None], &[]),
            // It stands in a report that is counted.
            ([Some(both), Some(both), Some(finding), Some(finding)], &[]),
        ] {
            assert_eq!(shown(warned), expected, "{warned:?}");
        }
    }
}
