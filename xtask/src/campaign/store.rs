//! Campaign folders on disk: made, found again after an interruption, read back.

mod list;
mod pick;
mod raw;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use lab_core::campaign::{BootData, Campaign, CampaignFile, Record, Try, check_version, counts_before, due};
use lab_core::evidence::known::Known;
use lab_core::plan::{BootStep, Plan};

use crate::campaign::boot_files::{CONSOLE, has_record, read_boot, read_record};
use crate::lab::files;
use crate::lab::lock::{self, Lock};
pub use list::find;
pub(crate) use list::folders;
pub(super) use list::names;
pub(crate) use pick::boot;
pub(crate) use raw::monitor;
pub use raw::{profile, requests};

const CAMPAIGN: &str = "campaign.toml";
const BOOTS: &str = "boots";

/// An open campaign, held so that no other process adds boots to it.
#[derive(Debug)]
pub struct CampaignFolder {
    path: PathBuf,
    _lock: Lock,
}

/// A campaign that was opened, with what it holds.
#[derive(Debug)]
pub struct Opened {
    /// The campaign.
    pub folder: CampaignFolder,
    /// Every try at a boot of the plan that has a valid record.
    pub tries: Vec<Try>,
    /// Records that could not be read, each with the reason; these boots are run again, and the files stay.
    pub damaged: Vec<String>,
    /// Newer ones first: unfinished campaigns that would do the same and yet do not go on, each with the reason.
    pub left_alone: Vec<String>,
}

impl CampaignFolder {
    /// Goes on with the newest unfinished campaign that would do the same as `file`, in real time on the same host and day, or
    /// begins a new one.
    ///
    /// # Errors
    /// If `results` cannot be written to.
    pub fn open(results: &Path, file: &CampaignFile) -> anyhow::Result<Opened> {
        let mut left_alone = Vec::new();
        for name in names(results)?.into_iter().rev() {
            let Some(found) = resume(&results.join(&name), file)? else { continue };
            match read_file(found.folder.path())?.may_go_on(file) {
                Ok(()) => return Ok(Opened { left_alone, ..found }),
                Err(why) => left_alone.push(format!("{name} {why}")),
            }
        }
        Ok(Opened { left_alone, ..begin(results, file)? })
    }

    /// A folder for boots of another kind than those of a campaign, made if it is not there; none if another process holds it.
    ///
    /// # Errors
    /// If it cannot be made.
    pub(crate) fn at(path: &Path) -> anyhow::Result<Option<CampaignFolder>> {
        let boots = path.join(BOOTS);
        fs::create_dir_all(&boots).with_context(|| format!("making {}", boots.display()))?;
        Ok(lock(path)?.map(|lock| CampaignFolder { path: path.to_owned(), _lock: lock }))
    }

    /// Who holds the folder at `path`, in words.
    pub(crate) fn holder(path: &Path) -> String {
        holder(path)
    }

    /// The boot that lies in this folder of [`Self::at`], judged with what is known in kernels' logs.
    ///
    /// # Errors
    /// If it cannot be read, or is not what was written.
    pub(crate) fn boot(&self, name: &str, known: &[Known]) -> anyhow::Result<BootData> {
        read_boot(&self.path.join(BOOTS).join(name), known)
    }

    /// The folder of the folders of its boots.
    pub(crate) fn boots(&self) -> PathBuf {
        self.path.join(BOOTS)
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its file as it is now.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn file(&self) -> anyhow::Result<CampaignFile> {
        read_file(&self.path)
    }

    /// Gives it boots beyond those that it has, and tells what was tried so far.
    ///
    /// # Errors
    /// If the file cannot be written, or the records cannot be read.
    pub fn grow(&self, file: &CampaignFile) -> anyhow::Result<Vec<Try>> {
        write_file(&self.path, file)?;
        Ok(tries(&file.plan, &read_boots(&self.path, &file.plan.known)?.records))
    }

    /// Where the console of a try at a boot is.
    pub(crate) fn console(&self, step: &BootStep, attempt: u32) -> PathBuf {
        self.path.join(BOOTS).join(folder_name(step, attempt)).join(CONSOLE)
    }

    /// Makes the folder for the next attempt at a step. Earlier attempts stay as they are.
    ///
    /// # Errors
    /// If it cannot be made.
    pub(crate) fn new_attempt(&self, step: &BootStep) -> anyhow::Result<(PathBuf, u32)> {
        for attempt in 1.. {
            let folder = self.path.join(BOOTS).join(folder_name(step, attempt));
            match files::make_folder(&folder) {
                Ok(()) => return Ok((folder, attempt)),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).with_context(|| format!("making {}", folder.display())),
            }
        }
        bail!("no attempt number is left for {}", step.folder())
    }
}

/// The name of the folder of a try at a boot.
pub(crate) fn folder_name(step: &BootStep, attempt: u32) -> String {
    match attempt {
        1 => step.folder(),
        _ => format!("{}.try{attempt}", step.folder()),
    }
}

fn resume(path: &Path, file: &CampaignFile) -> anyhow::Result<Option<Opened>> {
    // A folder that holds no campaign of this kind is somebody else's matter.
    if !read_file(path).is_ok_and(|old| old.continues(file)) {
        return Ok(None);
    }
    let Some(opened) = hold(path)? else { return Ok(None) };
    // It may have got more boots before it was held.
    let old = read_file(path)?;
    let is_the_same = old.continues(file);
    let is_unfinished = due(&old.plan, &opened.tries, &BTreeSet::new()).is_some();
    Ok((is_the_same && is_unfinished).then_some(opened))
}

/// Holds a campaign and reads what is in it; none if another process holds it.
pub(super) fn hold(path: &Path) -> anyhow::Result<Option<Opened>> {
    let Some(lock) = lock(path)? else { return Ok(None) };
    let plan = read_file(path)?.plan;
    let Boots { records, damaged, .. } = read_boots(path, &plan.known)?;
    let tries = tries(&plan, &records);
    let folder = CampaignFolder { path: path.to_owned(), _lock: lock };
    Ok(Some(Opened { folder, tries, damaged, left_alone: Vec::new() }))
}

fn tries(plan: &Plan, records: &[Record]) -> Vec<Try> {
    records.iter().filter(|record| plan.boots.contains(&record.boot)).map(Try::of).collect()
}

fn begin(results: &Path, file: &CampaignFile) -> anyhow::Result<Opened> {
    let date = file.begun.get(..10).context("the date of the campaign")?;
    for n in 1.. {
        let path = results.join(format!("{date}-{}-{n}", file.plan.name));
        match files::make_folder(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(error).with_context(|| format!("making {}", path.display())),
        }
        let boots = path.join(BOOTS);
        files::make_folder(&boots).with_context(|| format!("making {}", boots.display()))?;
        // Held before the campaign file makes it one that others would go on with.
        let lock = lock(&path)?.context("the new campaign is already in use")?;
        write_file(&path, file)?;
        let folder = CampaignFolder { path, _lock: lock };
        return Ok(Opened { folder, tries: Vec::new(), damaged: Vec::new(), left_alone: Vec::new() });
    }
    bail!("no campaign number is left for {date}")
}

/// Holds the campaign, or none if another process does. The campaign file itself gives way to a new one when boots are
/// added, so that what is locked is the folder of the boots.
fn lock(path: &Path) -> anyhow::Result<Option<Lock>> {
    let folder = path.join(BOOTS);
    let handle = File::open(&folder).with_context(|| format!("opening {}", folder.display()))?;
    Lock::try_on(handle, &folder)
}

/// Who adds boots to the campaign at `path`, in words; none if nobody does.
pub(crate) fn held_by(path: &Path) -> Option<String> {
    lock::held_by(&path.join(BOOTS))
}

/// Who holds the campaign, in words.
pub(super) fn holder(path: &Path) -> String {
    lock::holder(&path.join(BOOTS))
}

pub(super) fn write_file(path: &Path, file: &CampaignFile) -> anyhow::Result<()> {
    let text = toml::to_string_pretty(file).context("writing the campaign as TOML")?;
    files::write_atomically(&path.join(CAMPAIGN), text.as_bytes())
}

/// The campaign file in `path`.
pub(super) fn read_file(path: &Path) -> anyhow::Result<CampaignFile> {
    let read = || -> anyhow::Result<CampaignFile> {
        let table = read_table(path)?;
        check_version(&table)?;
        Ok(table.try_into()?)
    };
    read().with_context(|| format!("reading {}", path.join(CAMPAIGN).display()))
}

fn read_table(path: &Path) -> anyhow::Result<toml::Table> {
    let file = path.join(CAMPAIGN);
    let size = fs::metadata(&file)?.len();
    anyhow::ensure!(size <= 4 << 20, "{size} bytes is too large for a campaign file");
    Ok(fs::read_to_string(&file)?.parse()?)
}

/// What lies in the folder of the boots.
#[derive(Default)]
struct Boots {
    /// The record of each try that can be read.
    records: Vec<Record>,
    /// The try that counts of each boot, by number.
    counting: BTreeMap<u32, BootData>,
    /// What could not be read.
    damaged: Vec<String>,
}

fn read_boots(path: &Path, known: &[Known]) -> anyhow::Result<Boots> {
    let mut boots = Boots::default();
    for folder in boot_folders(path)? {
        match read_boot(&folder, known) {
            Ok(data) => {
                boots.records.push(data.record.clone());
                let number = data.record.boot.number;
                if boots.counting.get(&number).is_none_or(|old| counts_before(&data.record, &old.record)) {
                    boots.counting.insert(number, data);
                }
            }
            Err(error) => boots.damaged.push(format!("{error:#}")),
        }
    }
    Ok(boots)
}

/// The folders of the tries, in the order of their names. One without a record is of a lab that ended before it had
/// written the first: nothing was measured.
fn boot_folders(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let folder = path.join(BOOTS);
    let entries = fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut folders: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    folders.retain(|path| path.is_dir() && has_record(path));
    folders.sort();
    Ok(folders)
}

/// Campaigns that can be read with the records of their boots, the oldest first; what cannot be read is left out.
pub(crate) fn earlier_boots(results: &Path) -> Vec<(CampaignFile, Vec<Record>)> {
    let read = |name: String| {
        let path = results.join(name);
        let folders = boot_folders(&path).ok()?;
        Some((read_file(&path).ok()?, folders.iter().filter_map(|folder| read_record(folder).ok()).collect()))
    };
    names(results).unwrap_or_default().into_iter().filter_map(read).collect()
}

/// The file of the campaign in `path`.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn file(path: &Path) -> anyhow::Result<CampaignFile> {
    read_file(path)
}

/// Reads a campaign with all its boots.
///
/// # Errors
/// If the campaign file cannot be read. Boots that cannot be read are named in the result.
pub fn load(path: &Path) -> anyhow::Result<Campaign> {
    let file = read_file(path)?;
    let Boots { counting, damaged, .. } = read_boots(path, &file.plan.known)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Campaign { name, file, boots: counting.into_values().collect(), damaged })
}

#[cfg(test)]
mod tests;
