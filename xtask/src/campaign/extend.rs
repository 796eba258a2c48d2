//! More repetitions for a campaign that is there.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};

use super::store::{hold, names, read_file, write_file};
use super::{Addition, CampaignFile, Opened, due};
use crate::config::BOOTS;
use crate::suggest::quoted;

/// Gives the newest campaign of the plan of `file` so many more repetitions of every variant and scenario, numbered on
/// after the last, and opens it. The second value is its file as it is then.
///
/// If the very same was asked for before and is not done yet, it only goes on: that is how a command that was
/// interrupted is repeated.
///
/// # Errors
/// If there is no campaign of that plan, the newest one was made otherwise than `file` says, or another process holds it.
pub fn extend(
    results: &Path,
    file: &CampaignFile,
    addition: Addition,
) -> anyhow::Result<(Opened, CampaignFile)> {
    let Some(name) = newest(results, &file.plan.name)? else {
        bail!(
            "--add-boots: there is no campaign of plan {} that this lab can read; run without --add-boots to begin one",
            quoted(&file.plan.name)
        );
    };
    let path = results.join(&name);
    let Some(opened) = hold(&path)? else {
        bail!("--add-boots: campaign {name} is in use by another process; wait until it has ended");
    };
    let old = read_file(&path)?;
    let differences = differences(&old, file)?;
    ensure!(
        differences.is_empty(),
        "--add-boots: campaign {name}, the newest one of the plan, was made with another {}; run without --add-boots to \
         begin a new one",
        differences.join(", ")
    );
    let is_unfinished = due(&old.plan, &opened.tries, &BTreeSet::new()).is_some();
    if is_unfinished && is_last(&old, &addition) {
        return Ok((opened, old));
    }
    let longer = longer(old, addition)?;
    write_file(&path, &longer)?;
    Ok((opened, longer))
}

fn newest(results: &Path, plan: &str) -> anyhow::Result<Option<String>> {
    let is_of_plan = |name: &String| read_file(&results.join(name)).is_ok_and(|file| file.plan.name == plan);
    Ok(names(results)?.into_iter().rev().find(is_of_plan))
}

fn is_last(old: &CampaignFile, addition: &Addition) -> bool {
    old.additions.last().is_some_and(|last| last.repetitions == addition.repetitions)
}

fn longer(old: CampaignFile, addition: Addition) -> anyhow::Result<CampaignFile> {
    let repetitions = old.plan.repetitions.saturating_add(addition.repetitions);
    let most = *BOOTS.end();
    ensure!(
        addition.repetitions > 0 && repetitions <= most,
        "--add-boots: {} is out of range; the campaign has {} boots of each variant and scenario, and {most} are the most",
        addition.repetitions,
        old.plan.repetitions
    );
    let plan = old.plan.clone().with_repetitions(repetitions);
    ensure!(
        plan.boots.starts_with(&old.plan.boots),
        "--add-boots: this lab orders boots in another way than the one that began the campaign; run without \
         --add-boots to begin a new one"
    );
    let additions = old.additions.iter().cloned().chain([addition]).collect();
    Ok(CampaignFile { plan, additions, ..old })
}

/// In what two campaigns differ, but for the number of repetitions: keys of the campaign file, and the variants whose
/// kernels differ.
fn differences(old: &CampaignFile, new: &CampaignFile) -> anyhow::Result<Vec<String>> {
    let plan = new.plan.clone().with_repetitions(old.plan.repetitions);
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

fn differing_keys<T: serde::Serialize>(prefix: &str, old: &T, new: &T) -> anyhow::Result<Vec<String>> {
    let table = |value: &T| toml::Table::try_from(value).context("comparing campaigns");
    let (old, new) = (table(old)?, table(new)?);
    let keys = old.keys().chain(new.keys().filter(|key| !old.contains_key(*key)));
    let differing: Vec<&String> = keys.filter(|key| old.get(*key) != new.get(*key)).collect();
    // The boots follow from the rest.
    let consequence = |key: &&&String| key.as_str() == "boots" && differing.len() > 1;
    Ok(differing.iter().filter(|key| !consequence(key)).map(|key| format!("{prefix}.{key}")).collect())
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::campaign::CampaignKernel;
    use crate::comparison::tests::{campaign, two_arms};
    use crate::plan::Clock;

    fn file() -> CampaignFile {
        let campaign = campaign(Clock::Wall, &two_arms());
        let kernels = campaign.file.plan.variants.iter().zip(&campaign.boots).map(|(variant, boot)| {
            CampaignKernel { variant: variant.name.clone(), kernel: boot.record.kernel.clone() }
        });
        let kernels = kernels.collect();
        let plan = campaign.file.plan.with_repetitions(2);
        CampaignFile { kernels, plan, ..campaign.file }
    }

    fn addition(repetitions: u32) -> Addition {
        Addition { added: "2026-01-03T00:00:00Z".into(), repetitions, command: "cargo xtask run-lab".into() }
    }

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

    #[test]
    fn a_campaign_gets_more_boots_and_goes_on_with_them() {
        let results = tempfile::tempdir().unwrap();
        let refused = |new: &CampaignFile, repetitions| {
            format!("{:#}", extend(results.path(), new, addition(repetitions)).unwrap_err())
        };
        expect!["--add-boots: there is no campaign of plan `built` that this lab can read; run without --add-boots to begin one"]
            .assert_eq(&refused(&file(), 1));

        let begun = super::super::CampaignFolder::open(results.path(), &file()).unwrap();
        expect![
            "--add-boots: campaign 2026-01-02-built-1 is in use by another process; wait until it has ended"
        ]
        .assert_eq(&refused(&file(), 1));
        drop(begun);

        let before = file().plan;
        let (opened, longer) = extend(results.path(), &file(), addition(3)).unwrap();
        assert_eq!(longer.plan.repetitions, before.repetitions + 3);
        assert!(longer.plan.boots.starts_with(&before.boots));
        assert_eq!(read_file(opened.folder.path()).unwrap(), longer);
        // While it is held, nobody else may have it, although its file is a new one.
        assert!(hold(opened.folder.path()).unwrap().is_none());
        drop(opened);

        // The same again, with boots missing: it goes on.
        assert_eq!(extend(results.path(), &file(), addition(3)).unwrap().1, longer);
        assert_eq!(extend(results.path(), &file(), addition(1)).unwrap().1.plan.repetitions, 6);

        let mut other = file();
        other.setup.image_sha256 = "2b".repeat(32);
        expect!["--add-boots: campaign 2026-01-02-built-1, the newest one of the plan, was made with another setup.image-sha256; run without --add-boots to begin a new one"]
            .assert_eq(&refused(&other, 1));
        expect!["--add-boots: 1000 is out of range; the campaign has 6 boots of each variant and scenario, and 1000 are the most"]
            .assert_eq(&refused(&file(), 1000));
    }
}
