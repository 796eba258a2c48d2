//! What is known of a variant beside its figures.

use lab_protocol::Negotiated;
use serde::Serialize;

use super::trouble::Trouble;
use crate::campaign::KernelIdentity;
use crate::plan;

/// A kernel and how its boots went.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct VariantSummary {
    /// The variant's name.
    pub name: String,
    /// The series it is made of; none: the source as it is.
    pub series: Vec<String>,
    /// Up to which patch of the last one, if it is a step of a series that is booted patch by patch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<plan::Prefix>,
    /// A slowdown that is planted in its server or storage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planted: Option<plan::Planted>,
    /// The change that means nothing and is in its kernel beside the series.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placebo: Option<String>,
    /// Where scenarios are compared on one kernel: which one it stands for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scenario: Option<plan::Scenario>,
    /// The kernel; none if no boot has a record.
    pub kernel: Option<KernelIdentity>,
    /// How large its functions and data are, all of them; none if the campaign does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbol_bytes: Option<u64>,
    /// `uname -r`, if a boot reported it.
    pub release: Option<String>,
    /// Boots by how they ended.
    pub boots: BootCounts,
    /// Boots that did not end well or had a problem, each with number, scenario and reason.
    pub troubles: Vec<Trouble>,
    /// What server and kernel agreed on, by scenario; several in one scenario if its boots differ. Empty without a server.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub negotiated: Vec<(String, Negotiated)>,
}

impl VariantSummary {
    /// What a difference from another one is owed to, beside the kernel: none if the same was booted under another name.
    pub(crate) fn own(&self) -> (Option<plan::Planted>, Option<plan::Scenario>) {
        let nameless = |scenario: &plan::Scenario| plan::Scenario { name: String::new(), ..scenario.clone() };
        (self.planted, self.scenario.as_ref().map(nameless))
    }
}

/// Boots by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct BootCounts {
    /// In the plan.
    pub planned: u32,
    /// With the whole report.
    pub finished: u32,
    /// With a finding or a taint.
    pub broken: u32,
    /// Without progress.
    pub hung: u32,
    /// Failed for reasons outside the guest.
    pub lost: u32,
    /// Without a valid record.
    pub missing: u32,
    /// How many of the planned ones only warm the host up: their figures are not compared.
    #[serde(skip_serializing_if = "is_none")]
    pub warm_up: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde calls it with")]
pub(super) fn is_none(count: &u32) -> bool {
    *count == 0
}
