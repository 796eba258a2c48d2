//! Campaign folders on disk: made, found again after an interruption, read back.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::{Campaign, CampaignFile};
use crate::files;
use crate::outcome::Outcome;
use crate::plan::BootStep;
use crate::record::{BootData, read_boot, read_requests};
use crate::suggest;

const CAMPAIGN: &str = "campaign.toml";
const BOOTS: &str = "boots";

/// An open campaign, held so that no other process adds boots to it.
#[derive(Debug)]
pub struct CampaignFolder {
    path: PathBuf,
    _lock: File,
}

impl CampaignFolder {
    /// Goes on with the newest unfinished campaign that would do the same as `file`, or begins a new one.
    /// The second value is how many boots are already there.
    ///
    /// # Errors
    /// If `results` cannot be written to.
    pub fn open(results: &Path, file: &CampaignFile) -> anyhow::Result<(Self, usize)> {
        for name in names(results)?.into_iter().rev() {
            if let Some(found) = resume(&results.join(&name), file)? {
                return Ok(found);
            }
        }
        Ok((begin(results, file)?, 0))
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder's name below `results/`.
    pub fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The steps of the plan that have no result yet, in the order of the plan.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn missing(&self, steps: &[BootStep]) -> anyhow::Result<Vec<BootStep>> {
        let there = read_boots(&self.path)?.0;
        Ok(steps.iter().filter(|step| !has_result(&there, step)).cloned().collect())
    }

    /// Makes the folder for the next attempt at a step. Earlier attempts stay as they are.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn new_attempt(&self, step: &BootStep) -> anyhow::Result<(PathBuf, u32)> {
        let stem = format!("{:03}-{}-{}-{}", step.number, step.variant, step.scenario, step.repetition);
        for attempt in 1.. {
            let name = if attempt == 1 { stem.clone() } else { format!("{stem}.try{attempt}") };
            let folder = self.path.join(BOOTS).join(name);
            match fs::create_dir(&folder) {
                Ok(()) => return Ok((folder, attempt)),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).with_context(|| format!("making {}", folder.display())),
            }
        }
        bail!("no attempt number is left for {stem}")
    }
}

fn has_result(there: &BTreeMap<u32, BootData>, step: &BootStep) -> bool {
    there
        .get(&step.number)
        .is_some_and(|boot| boot.record.boot == *step && !matches!(boot.record.outcome, Outcome::Lost { .. }))
}

fn resume(path: &Path, file: &CampaignFile) -> anyhow::Result<Option<(CampaignFolder, usize)>> {
    // A folder that holds no campaign of this kind is somebody else's matter.
    let Ok(old) = read_file(path) else { return Ok(None) };
    if !old.continues(file) {
        return Ok(None);
    }
    let Some(lock) = lock(path)? else { return Ok(None) };
    let there = read_boots(path)?.0;
    let done = file.plan.boots.iter().filter(|step| has_result(&there, step)).count();
    let folder = CampaignFolder { path: path.to_owned(), _lock: lock };
    Ok((done < file.plan.boots.len()).then_some((folder, done)))
}

fn begin(results: &Path, file: &CampaignFile) -> anyhow::Result<CampaignFolder> {
    let date = file.begun.get(..10).context("the date of the campaign")?;
    for n in 1.. {
        let path = results.join(format!("{date}-{}-{n}", file.plan.name));
        match fs::create_dir(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(error).with_context(|| format!("making {}", path.display())),
        }
        let boots = path.join(BOOTS);
        fs::create_dir(&boots).with_context(|| format!("making {}", boots.display()))?;
        let text = toml::to_string_pretty(file).context("writing the campaign as TOML")?;
        files::write_atomically(&path.join(CAMPAIGN), text.as_bytes())?;
        let lock = lock(&path)?.context("the new campaign is already in use")?;
        return Ok(CampaignFolder { path, _lock: lock });
    }
    bail!("no campaign number is left for {date}")
}

/// Holds the campaign, or none if another process does.
fn lock(path: &Path) -> anyhow::Result<Option<File>> {
    let file = path.join(CAMPAIGN);
    let handle = File::open(&file).with_context(|| format!("opening {}", file.display()))?;
    match handle.try_lock() {
        Ok(()) => Ok(Some(handle)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("locking {}", file.display())),
    }
}

fn read_file(path: &Path) -> anyhow::Result<CampaignFile> {
    let file = path.join(CAMPAIGN);
    let read = || -> anyhow::Result<CampaignFile> {
        let size = fs::metadata(&file)?.len();
        anyhow::ensure!(size <= 4 << 20, "{size} bytes is too large for a campaign file");
        Ok(toml::from_str(&fs::read_to_string(&file)?)?)
    };
    read().with_context(|| format!("reading {}", file.display()))
}

/// The newest attempt of each boot, by number, and what could not be read.
fn read_boots(path: &Path) -> anyhow::Result<(BTreeMap<u32, BootData>, Vec<String>)> {
    let folder = path.join(BOOTS);
    let entries = fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut names: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    names.sort();
    let (mut boots, mut damaged) = (BTreeMap::<u32, BootData>::new(), Vec::new());
    for boot in names.iter().filter(|path| path.is_dir()) {
        match read_boot(boot) {
            Ok(data) => {
                let newest = boots.get(&data.record.boot.number).is_none_or(|old| better(&data, old));
                if newest {
                    boots.insert(data.record.boot.number, data);
                }
            }
            Err(error) => damaged.push(format!("{error:#}")),
        }
    }
    Ok((boots, damaged))
}

/// A result counts before a lost boot, a later attempt before an earlier one.
fn better(new: &BootData, old: &BootData) -> bool {
    let rank = |boot: &BootData| (!matches!(boot.record.outcome, Outcome::Lost { .. }), boot.record.attempt);
    rank(new) > rank(old)
}

/// Names of the campaigns below `results`, oldest first.
fn names(results: &Path) -> anyhow::Result<Vec<String>> {
    let entries = fs::read_dir(results).with_context(|| format!("reading {}", results.display()))?;
    let mut found: Vec<(String, String)> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let file = read_file(&path).ok()?;
            Some((file.begun, path.file_name()?.to_str()?.to_owned()))
        })
        .collect();
    found.sort();
    Ok(found.into_iter().map(|(_, name)| name).collect())
}

/// The folder of a campaign: by name or path, or the newest one.
///
/// # Errors
/// If there is no such campaign; the error names those that are there.
pub fn find(results: &Path, wanted: Option<&str>) -> anyhow::Result<PathBuf> {
    let known = names(results)?;
    let Some(wanted) = wanted else {
        return match known.last() {
            Some(name) => Ok(results.join(name)),
            None => bail!("no campaign below {}; make one with: cargo xtask run-lab", results.display()),
        };
    };
    for path in [results.join(wanted), PathBuf::from(wanted)] {
        if path.join(CAMPAIGN).is_file() {
            return Ok(path);
        }
    }
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    bail!("{}", suggest::unknown("campaign", wanted, &known))
}

/// The request logs of a boot of the campaign in `path`, as received; empty if nothing was logged.
///
/// # Errors
/// If the file is missing or not what was recorded.
pub fn requests(path: &Path, boot: &BootData) -> anyhow::Result<Vec<u8>> {
    let folder = path.join(BOOTS).join(&boot.folder);
    Ok(read_requests(&folder, &boot.record)?.unwrap_or_default())
}

/// Reads a campaign with all its boots.
///
/// # Errors
/// If the campaign file cannot be read. Boots that cannot be read are named in the result.
pub fn load(path: &Path) -> anyhow::Result<Campaign> {
    let file = read_file(path)?;
    let (boots, damaged) = read_boots(path)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Campaign { name, file, boots: boots.into_values().collect(), damaged })
}
