//! More repetitions for a campaign that is there: what may be added to it.

use anyhow::{Context as _, ensure};
use serde::Serialize;

use super::{Addition, CampaignFile};
use crate::plan::Plan;
use crate::plan::config::BOOTS;
use crate::text::fields::{FieldPair, pair_fields};

/// Whether the very same was asked for last.
pub fn is_last(old: &CampaignFile, addition: &Addition) -> bool {
    old.additions.last().is_some_and(|last| last.repetitions == addition.repetitions)
}

/// The campaign with so many more repetitions.
///
/// # Errors
/// If they are too many, or its boots would come in another order than they did.
pub fn longer(old: CampaignFile, addition: Addition) -> anyhow::Result<CampaignFile> {
    let repetitions = old.plan.repetitions.saturating_add(addition.repetitions);
    let most = *BOOTS.end();
    ensure!(
        addition.repetitions > 0 && repetitions <= most,
        "--add-boots: {} is out of range; the campaign has {} boots of each variant and scenario, and {most} are the most",
        addition.repetitions,
        old.plan.repetitions
    );
    let plan = match old.plan.added[..] {
        [] => old.plan.clone().with_repetitions(repetitions),
        // After those that were added for the sake of precision.
        [_, ..] => (0..addition.repetitions).fold(old.plan.clone(), |plan, _| {
            let all = plan.scenarios.iter().map(|scenario| scenario.name.clone()).collect();
            plan.with_more_samples(all)
        }),
    };
    ensure!(
        plan.boots.starts_with(&old.plan.boots),
        "--add-boots: this lab orders boots in another way than the one that began the campaign; run without \
         --add-boots to begin a new one"
    );
    let additions = old.additions.iter().cloned().chain([addition]).collect();
    Ok(CampaignFile { plan, additions, ..old })
}

/// The campaign with one more repetition in these scenarios.
pub fn with_more_samples(old: CampaignFile, scenarios: Vec<String>) -> CampaignFile {
    let plan = old.plan.clone().with_more_samples(scenarios);
    CampaignFile { plan, ..old }
}

/// In what two campaigns differ, but for the number of repetitions: keys of the campaign file, and the variants whose
/// kernels differ.
///
/// # Errors
/// If one of them cannot be written as JSON.
pub fn differences(old: &CampaignFile, new: &CampaignFile) -> anyhow::Result<Vec<String>> {
    let plan = Plan {
        precision_permille: old.plan.precision_permille,
        added: old.plan.added.clone(),
        ..new.plan.clone()
    };
    let plan = plan.with_repetitions(old.plan.repetitions);
    let mut found = differing_keys("plan", &old.plan, &plan)?;
    found.extend(differing_keys("setup", &old.setup, &new.setup)?);
    let kernel = |file: &CampaignFile, variant: &str| {
        let kernel = file.kernels.iter().find(|kernel| kernel.variant == variant);
        kernel.map(|kernel| kernel.kernel.clone())
    };
    let variants = old.kernels.iter().map(|kernel| &kernel.variant);
    let changed = variants.filter(|variant| kernel(old, variant) != kernel(new, variant));
    found.extend(changed.map(|variant| format!("kernel of {variant}")));
    Ok(found)
}

fn differing_keys<T: Serialize>(prefix: &str, old: &T, new: &T) -> anyhow::Result<Vec<String>> {
    let fields = pair_fields(old, new).context("comparing campaigns")?.into_iter();
    let differing: Vec<String> = fields.filter(FieldPair::differs).map(|field| field.name).collect();
    // The boots follow from the rest.
    let consequence = |key: &&String| key.as_str() == "boots" && differing.len() > 1;
    Ok(differing.iter().filter(|key| !consequence(key)).map(|key| format!("{prefix}.{key}")).collect())
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::fixtures::begun as file;

    #[test]
    fn what_differs_is_named() {
        let check = |change: &dyn Fn(&mut CampaignFile), expected: Expect| {
            let mut new = file();
            change(&mut new);
            expected.assert_eq(&differences(&file(), &new).unwrap().join(", "));
        };
        check(&|_| {}, expect![""]);
        check(&|new| new.plan = new.plan.clone().with_repetitions(7), expect![""]);
        check(&|new| new.setup.image_sha256 = "2b".repeat(32), expect!["setup.image-sha256"]);
        check(&|new| new.plan.machine.cpus = 9, expect!["plan.machine"]);
        check(&|new| drop(new.plan.workloads.pop()), expect!["plan.workloads"]);
        check(&|new| new.kernels[1].kernel.digest = "0".into(), expect!["kernel of patched"]);
        let variants = |new: &mut CampaignFile| {
            new.plan.variants.pop();
            new.kernels.pop();
        };
        check(&variants, expect!["plan.variants, kernel of patched"]);
    }
}
