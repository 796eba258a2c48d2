//! More repetitions for a campaign that is there.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{bail, ensure};
use lab_core::campaign::{Addition, CampaignFile, differences, due, is_last, longer};
use lab_core::text::suggest::quoted;

use super::Opened;
use super::store::{hold, holder, names, read_file, write_file};

/// Gives the newest campaign of the plan of `file` so many more repetitions of every variant and scenario, numbered on
/// after the last, and opens it. The second value is its file as it is then.
///
/// If the very same was asked for before and is not done yet, it only goes on: that is how a command that was
/// interrupted is repeated.
///
/// # Errors
/// If there is no campaign of that plan, the newest one was made otherwise than `file` says or, in real time, on another host
/// or day, or another process holds it.
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
        bail!("--add-boots: campaign {name} is in use by {}; wait until it has ended", holder(&path));
    };
    let old = read_file(&path)?;
    let differences = differences(&old, file)?;
    ensure!(
        differences.is_empty(),
        "--add-boots: campaign {name}, the newest one of the plan, was made with another {}; run without --add-boots to \
         begin a new one",
        differences.join(", ")
    );
    if let Err(why) = old.may_go_on(file) {
        bail!(
            "--add-boots: campaign {name}, the newest one of the plan, {why}, and real time of different hosts or days is not \
             mixed; run without --add-boots to begin a new one"
        );
    }
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

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use lab_core::fixtures::begun as file;

    use super::*;

    fn addition(repetitions: u32) -> Addition {
        Addition { added: "2026-01-03T00:00:00Z".into(), repetitions, command: "cargo xtask run-lab".into() }
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
        let used = refused(&file(), 1);
        let by = format!("campaign 2026-01-02-built-1 is in use by process {} (", std::process::id());
        assert!(used.contains(&by) && used.ends_with("); wait until it has ended"), "{used}");
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
        let late = CampaignFile { begun: "2026-01-04T00:00:00Z".into(), ..file() };
        expect!["--add-boots: campaign 2026-01-02-built-1, the newest one of the plan, was begun 44 hours ago, at 2026-01-02T03:04:05Z, and real time of different hosts or days is not mixed; run without --add-boots to begin a new one"]
            .assert_eq(&refused(&late, 1));
        expect!["--add-boots: 1000 is out of range; the campaign has 6 boots of each variant and scenario, and 1000 are the most"]
            .assert_eq(&refused(&file(), 1000));
    }
}
