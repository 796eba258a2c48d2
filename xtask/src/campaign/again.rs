//! A campaign that is there, opened whether it is finished or not.

use std::path::Path;

use lab_core::campaign::CampaignFile;

use super::store::{hold, names, read_file};
use super::{CampaignFolder, Opened};

/// The newest campaign below `folder` that does the same as `file`, finished or not; else a new one. Other than
/// [`CampaignFolder::open`], which measures once more what is finished.
///
/// # Errors
/// If `folder` cannot be written to.
pub(crate) fn open_again(folder: &Path, file: &CampaignFile) -> anyhow::Result<Opened> {
    for name in names(folder)?.into_iter().rev() {
        let path = folder.join(name);
        if read_file(&path).is_ok_and(|old| old.continues(file))
            && let Some(opened) = hold(&path)?
        {
            return Ok(opened);
        }
    }
    CampaignFolder::open(folder, file)
}

#[cfg(test)]
mod tests {
    use lab_core::fixtures::{campaign, two_arms};
    use lab_core::plan::Clock;

    use super::*;
    use crate::campaign::boot_files::{BootFiles, write_boot};

    #[test]
    fn what_is_finished_is_not_measured_again() {
        let results = tempfile::tempdir().unwrap();
        let built = campaign(Clock::Virtual, &two_arms());
        let opened = open_again(results.path(), &built.file).unwrap();
        for boot in &built.boots {
            let (folder, attempt) = opened.folder.new_attempt(&boot.record.boot).unwrap();
            let raw = BootFiles::of_a_good_boot(boot);
            let record = lab_core::campaign::Record { attempt, ..boot.record.clone() };
            write_boot(&folder, &raw.described_in(&record), &raw).unwrap();
        }
        let path = opened.folder.path().to_owned();
        drop(opened);
        let again = open_again(results.path(), &built.file).unwrap();
        assert_eq!((again.folder.path(), again.tries.len()), (path.as_path(), built.boots.len()));
        drop(again);
        // With another image it would not be the same.
        let mut other = built.file.clone();
        other.setup.image_sha256 = "1".repeat(64);
        let other = open_again(results.path(), &other).unwrap();
        assert_eq!((other.folder.path() == path, other.tries.len()), (false, 0));
    }
}
