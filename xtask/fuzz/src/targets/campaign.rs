//! A campaign of hostile records, through the comparison and all of its forms.

use lab_core::campaign::{BootData, Campaign, Record, judged};
use lab_core::comparison::compare;
use lab_core::evidence::source_lines::{Lines, Place, Site, SourceLines};
use lab_core::fixtures;
use lab_core::plan::Clock;
use lab_core::report::{Format, full, show};
use lab_protocol::Report;

use super::record;
use super::{Target, show as show_error};
use crate::inputs::Checkout;
use crate::parts;

pub(super) struct WholeCampaign;

/// A kernel that has a place for each address, so that each one is written into the text.
struct EachLine;

impl SourceLines for EachLine {
    fn places(&self, site: &Site<'_>) -> Vec<Place> {
        ["inlined", site.function]
            .map(|name| Place { function: name.into(), file: "a.c".into(), line: 1 })
            .into()
    }
}

/// The files of a boot, one after the other; each begins with its record.
const RECORD: &str = "record.toml";
const REPORT: &str = "report.json";
const CONSOLE: &str = "console.log";
const QMP: &str = "qmp.jsonl";

impl Target for WholeCampaign {
    fn inputs(&self, checkout: &Checkout) -> anyhow::Result<Vec<Vec<u8>>> {
        let small =
            [Clock::Virtual, Clock::Wall].map(|clock| fixtures::campaign(clock, &fixtures::two_arms()));
        let mut inputs = small.iter().map(written).collect::<anyhow::Result<Vec<_>>>()?;
        let stored = checkout.files("results/reference-in-order", |name| !name.ends_with(".txt"))?;
        let (files, boots): (Vec<_>, Vec<_>) =
            stored.into_iter().partition(|(name, _)| name.ends_with("campaign.toml"));
        let of_boots = boots.chunk_by(|one, other| folder(&one.0) == folder(&other.0));
        let mut parts: Vec<(String, Vec<u8>)> = files;
        for boot in of_boots {
            let mut boot = boot.to_vec();
            boot.sort_by_key(|(name, _)| !name.ends_with(RECORD));
            parts.extend(boot);
        }
        inputs.push(parts::join(parts));
        Ok(inputs)
    }

    fn check(&self, case: &[u8]) {
        let Some((campaign, monitor)) = read(case) else { return };
        let _ = show::boots(&campaign);
        let shown = show::Shown { length: show::Length::Full, lines: &Lines::Known(&EachLine) };
        for boot in campaign.boots.iter().take(3) {
            let _ = show::boot(&campaign.file.plan, boot, &monitor, "case", shown);
        }
        let comparison = match compare(&campaign) {
            Ok(comparison) => comparison,
            Err(error) => return show_error(&error),
        };
        let _ = full::render(&comparison);
        for (format, ..) in Format::ALL {
            if let Err(error) = format.render(&comparison) {
                show_error(&error);
            }
        }
    }

    fn mended(&self, case: Vec<u8>) -> Vec<u8> {
        let of_part = |(name, content): (String, Vec<u8>)| match name.ends_with(RECORD) {
            true => (name, record::mended(content)),
            false => (name, content),
        };
        parts::join(parts::split(&case).into_iter().map(of_part))
    }
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn written(campaign: &Campaign) -> anyhow::Result<Vec<u8>> {
    let mut files = vec![("campaign.toml".to_owned(), toml::to_string(&campaign.file)?.into_bytes())];
    for boot in &campaign.boots {
        let named = |name: &str| format!("{}/{name}", boot.folder);
        files.push((named(RECORD), boot.record.to_text()?.into_bytes()));
        files.push((named(CONSOLE), boot.console.clone()));
        files.push((named(QMP), fixtures::shutdown("guest-shutdown").into_bytes()));
        if let Some(report) = &boot.report {
            files.push((named(REPORT), serde_json::to_vec_pretty(report)?));
        }
    }
    Ok(parts::join(files))
}

/// The campaign, and what the monitor said in its last boot.
fn read(case: &[u8]) -> Option<(Campaign, Vec<String>)> {
    let mut parts = parts::split(case).into_iter();
    let (_, file) = parts.next()?;
    let file = record::campaign(&parts::text(&file)).map_err(|error| show_error(&error)).ok()?;
    let (mut boots, mut damaged, mut monitor) = (Vec::<BootData>::new(), Vec::new(), Vec::new());
    for (name, content) in parts {
        if name.ends_with(RECORD) {
            match Record::parse(&content) {
                Ok(record) => boots.push(boot(folder(&name), record)),
                Err(error) => damaged.push(format!("{error:#}")),
            }
        } else if let Some(boot) = boots.last_mut().filter(|boot| boot.folder == folder(&name)) {
            match name.rsplit('/').next() {
                Some(CONSOLE) => boot.console = content,
                Some(REPORT) => boot.report = serde_json::from_slice::<Report>(&content).ok(),
                Some(QMP) => {
                    monitor = parts::text(&content).lines().map(str::to_owned).collect();
                    let (report, known) = (boot.report.as_ref(), &file.plan.known);
                    boot.record.outcome = judged(&boot.record, &boot.console, &monitor, report, known);
                }
                Some(_) | None => {}
            }
        }
    }
    boots.sort_by_key(|boot| boot.record.boot.number);
    boots.dedup_by_key(|boot| boot.record.boot.number);
    Some((Campaign { name: "case".to_owned(), file, boots, damaged }, monitor))
}

fn boot(folder: &str, record: Record) -> BootData {
    BootData { folder: folder.to_owned(), record, recorded: None, report: None, console: Vec::new() }
}
