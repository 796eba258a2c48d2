//! Two campaigns of one kernel each as one of two kernels. With the virtual clock samples of equal numbers are perturbed alike
//! whenever they run, so that nothing is lost by that.

use anyhow::{bail, ensure};

use crate::campaign::{BootData, Campaign, CampaignFile, CampaignKernel, Setup};
use crate::plan::{BootStep, Clock, Plan, Variant};
use crate::text::fields::{FieldPair, pair_fields};

/// The two as one campaign, the first one's kernel as the baseline, both under these names.
///
/// # Errors
/// If one has not exactly one kernel, or they were not made in the same way.
pub fn joined(
    (before, left): (&str, &Campaign),
    (after, right): (&str, &Campaign),
) -> anyhow::Result<Campaign> {
    for campaign in [left, right] {
        let kernels = campaign.file.plan.variants.len();
        ensure!(kernels == 1, "{} has {kernels} kernels, and one of a series has one", campaign.name);
    }
    if let Some(what) = unlike(&left.file, &right.file)? {
        bail!("{} and {} were not measured in the same way: {what}", left.name, right.name);
    }
    // Kernels that are compared may be configured otherwise only if that is said; whoever asks for two commits says it.
    let setup = &left.file.setup;
    let (left, offset) = (renamed(left, before, 0, setup), left.file.plan.boots.len() as u32);
    let right = renamed(right, after, offset, setup);
    let (first, second) = (left.file.plan, right.file.plan);
    let plan = Plan {
        baseline: before.to_owned(),
        variants: first.variants.into_iter().chain(second.variants).collect(),
        boots: first.boots.into_iter().chain(second.boots).collect(),
        ..first
    };
    let kernels = left.file.kernels.into_iter().chain(right.file.kernels).collect();
    Ok(Campaign {
        name: format!("{before} and {after}"),
        file: CampaignFile { plan, kernels, ..left.file },
        boots: left.boots.into_iter().chain(right.boots).collect(),
        damaged: left.damaged.into_iter().chain(right.damaged).collect(),
    })
}

/// In what two campaigns differ beside the kernel, so that their figures do not say what differs between their kernels; none
/// if in nothing.
///
/// # Errors
/// If they cannot be read field by field.
pub fn unlike(left: &CampaignFile, right: &CampaignFile) -> anyhow::Result<Option<String>> {
    if left.plan.machine.clock == Clock::Wall || right.plan.machine.clock == Clock::Wall {
        return Ok(Some("real time of different hours is not compared".to_owned()));
    }
    let setup = |file: &CampaignFile| Setup { kernel_config_sha256: String::new(), ..file.setup.clone() };
    let mut fields = pair_fields(&setup(left), &setup(right))?.into_iter();
    if let Some(FieldPair { name, .. }) = fields.find(FieldPair::differs) {
        return Ok(Some(format!("another {name}")));
    }
    let (left, right) = (&left.plan, &right.plan);
    let pairs = [
        ("machine", left.machine == right.machine),
        ("scenario", left.scenarios == right.scenarios),
        ("workload", left.workloads == right.workloads),
        ("choice of probes", left.probes == right.probes),
        ("seed", left.seed == right.seed),
        ("threshold", left.thresholds == right.thresholds),
    ];
    Ok(pairs.into_iter().find(|(_, is_same)| !is_same).map(|(what, _)| format!("another {what}")))
}

/// The same with its kernel under this name, its boots numbered on from `offset`.
fn renamed(campaign: &Campaign, name: &str, offset: u32, setup: &Setup) -> Campaign {
    let mut campaign = campaign.clone();
    let step = |step: BootStep| BootStep { number: step.number + offset, variant: name.to_owned(), ..step };
    let plan = campaign.file.plan;
    let rename = |variant: Variant| Variant { name: name.to_owned(), ..variant };
    campaign.file.plan = Plan {
        baseline: name.to_owned(),
        variants: plan.variants.into_iter().map(rename).collect(),
        boots: plan.boots.into_iter().map(step).collect(),
        ..plan
    };
    let kernel = |kernel: CampaignKernel| CampaignKernel { variant: name.to_owned(), ..kernel };
    campaign.file.kernels = campaign.file.kernels.into_iter().map(kernel).collect();
    for BootData { record, .. } in &mut campaign.boots {
        record.boot = step(record.boot.clone());
        record.setup.kernel_config_sha256.clone_from(&setup.kernel_config_sha256);
    }
    campaign
}
