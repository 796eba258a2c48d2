//! What each campaign says in a few words. It is computed as `compare` does it, and remembered for as long as neither the campaign
//! nor this program changes: a hundred campaigns take a minute to judge.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use lab_core::campaign::{Campaign, Try, missing};
use lab_core::comparison::{self, self_test};
use lab_core::report::list::CampaignLine;
use lab_core::report::{full, self_test as report};

use crate::campaign;
use crate::lab::cache::Cache;
use crate::lab::{Lab, digest, files, output};

/// Where they are remembered, in the cache.
const REMEMBERED: &str = "machine/headlines.json";

/// From how many on it is said that it takes a while: each takes a second.
const MANY: usize = 5;

/// How many are remembered at most. All checkouts share them.
const MOST: usize = 1000;

/// Every campaign, newest first.
///
/// # Errors
/// If the folder of the campaigns cannot be read.
pub(super) fn campaigns(lab: &Lab) -> anyhow::Result<Vec<CampaignLine>> {
    let mut remembered = read(&lab.cache);
    let keyed = |folder: PathBuf| (key(&folder), folder);
    let folders: Vec<_> = campaign::folders(&lab.checkout.join("results"))?.into_iter().map(keyed).collect();
    let is_known = |key: &Option<String>| key.as_ref().is_some_and(|key| remembered.contains_key(key));
    let new = folders.iter().filter(|(key, _)| !is_known(key)).count();
    if new >= MANY {
        output::tell(&format!("{new} campaigns are judged; that is done once"));
    }
    let mut lines = Vec::new();
    for (key, folder) in folders {
        let known = key.as_ref().and_then(|key| remembered.get(key)).cloned();
        let is_new = known.is_none();
        let line = known.unwrap_or_else(|| judged(&folder));
        if let (true, Some(key)) = (is_new, key) {
            remembered.insert(key, line.clone());
            // At once, for one who does not wait for the end. What cannot be written is computed again.
            let _ = write(&lab.cache, &mut remembered);
        }
        lines.push(line);
    }
    lines.sort_by(|a, b| (&b.begun, &b.name).cmp(&(&a.begun, &a.name)));
    Ok(lines)
}

fn judged(folder: &Path) -> CampaignLine {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    match campaign::load(folder) {
        Ok(campaign) => said(&campaign),
        Err(error) => CampaignLine {
            name,
            begun: String::new(),
            plan: String::new(),
            done: 0,
            boots: 0,
            exit_code: None,
            headline: format!("cannot be read: {error:#}"),
        },
    }
}

fn said(campaign: &Campaign) -> CampaignLine {
    let plan = &campaign.file.plan;
    let tries: Vec<Try> = campaign.boots.iter().map(|boot| Try::of(&boot.record)).collect();
    let answer =
        comparison::compare(campaign).map(|comparison| match self_test::check(campaign, &comparison) {
            Some(test) => (test.status(), report::summary(&test).trim_end_matches('.').to_owned()),
            None => (comparison.conclusion.status, full::headline(&comparison)),
        });
    let (exit_code, headline) = match answer {
        Ok((status, headline)) => (Some(status.exit_code()), headline),
        Err(error) => (None, format!("cannot be compared: {error:#}")),
    };
    CampaignLine {
        name: campaign.name.clone(),
        begun: campaign.file.begun.clone(),
        plan: plan.name.clone(),
        done: (plan.boots.len() - missing(plan, &tries).len()) as u32,
        boots: plan.boots.len() as u32,
        exit_code,
        headline,
    }
}

/// Names this program and the files of a campaign as they are now; none if something cannot be looked at.
fn key(folder: &Path) -> Option<String> {
    let program = fs::metadata(std::env::current_exe().ok()?).ok()?;
    let mut parts = digest::Parts::default().with("program", stamp(&program));
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let mut paths: Vec<PathBuf> = fs::read_dir(&folder)
            .ok()?
            .map(|entry| Ok(entry?.path()))
            .collect::<std::io::Result<_>>()
            .ok()?;
        paths.sort();
        for path in paths {
            let data = fs::symlink_metadata(&path).ok()?;
            if data.is_dir() {
                folders.push(path);
            } else {
                parts = parts.with(&path.to_string_lossy(), stamp(&data));
            }
        }
    }
    Some(parts.finish())
}

fn stamp(data: &fs::Metadata) -> String {
    format!("{} {} {}.{:09}", data.ino(), data.len(), data.mtime(), data.mtime_nsec())
}

fn read(cache: &Cache) -> BTreeMap<String, CampaignLine> {
    let text = fs::read(cache.join(REMEMBERED)).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

fn write(cache: &Cache, remembered: &mut BTreeMap<String, CampaignLine>) -> anyhow::Result<()> {
    if !cache.join("machine").is_dir() {
        return Ok(());
    }
    // Which are the oldest does not matter: what is asked for again is computed again.
    while remembered.len() > MOST {
        remembered.pop_first();
    }
    let text = serde_json::to_vec(remembered).context("writing headlines as JSON")?;
    files::write_atomically(&cache.join(REMEMBERED), &text)
}
