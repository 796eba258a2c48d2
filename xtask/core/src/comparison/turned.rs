//! A plan that compares scenarios on one kernel, told as one that compares kernels in one scenario: each scenario is an arm, and rows
//! are called by the kernel, which is where all of them ran.
//!
//! Nothing is stored like that. A campaign says what was booted, and this is how it is read.

use super::{Question, Row, Verdict};
use crate::campaign::{Campaign, CampaignKernel};
use crate::plan::{BootStep, Scenario, Variant};

/// Such a campaign, turned.
pub(super) struct Turned {
    pub(super) campaign: Campaign,
    /// What is asked, in its words.
    pub(super) question: Question,
    /// What its variants stand for.
    pub(super) arms: Vec<Scenario>,
}

/// None if the campaign compares kernels.
pub(super) fn turned(campaign: &Campaign, question: &Question) -> Option<Turned> {
    let plan = &campaign.file.plan;
    let (Some(baseline), [kernel]) = (&plan.baseline_scenario, &plan.variants[..]) else { return None };
    let arms = plan.scenarios.clone();
    let step = |step: &BootStep| BootStep {
        variant: step.scenario.clone(),
        scenario: step.variant.clone(),
        ..step.clone()
    };
    let mut turned = campaign.clone();
    for boot in &mut turned.boots {
        boot.record.boot = step(&boot.record.boot);
    }
    let kernels = campaign.file.kernels.iter();
    turned.file.kernels = kernels
        .flat_map(|of| arms.iter().map(|arm| CampaignKernel { variant: arm.name.clone(), ..of.clone() }))
        .collect();
    let plan = &mut turned.file.plan;
    plan.boots = plan.boots.iter().map(step).collect();
    plan.baseline.clone_from(baseline);
    plan.baseline_scenario = None;
    plan.scenarios =
        vec![Scenario { name: kernel.name.clone(), server: None, foreign: None, filesystem: None }];
    plan.variants = arms.iter().map(|arm| Variant { name: arm.name.clone(), ..kernel.clone() }).collect();
    let question = Question {
        variants: question.scenarios.clone(),
        scenarios: question.variants.clone(),
        ..question.clone()
    };
    Some(Turned { campaign: turned, question, arms })
}

/// What only some arms tell, such as requests that only the lab's own server counts, is not given of the others: no boot more would
/// tell it.
pub(super) fn mark_not_given(rows: &mut [Row]) {
    for row in rows {
        let [baseline, others @ ..] = &mut row.cells[..] else { continue };
        for cell in others {
            let verdict = match (baseline.is_not_given(), cell.is_not_given()) {
                (_, true) => Verdict::NotGiven,
                (true, false) => Verdict::BaselineFailed,
                (false, false) => continue,
            };
            cell.change.iter_mut().for_each(|change| change.verdict = verdict);
        }
    }
}
