//! Files as they are read: within limits, unpacked, and made mails.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use lab_core::series::import::mail::Mail;
use lab_core::series::import::mbox::Quoting;
use lab_core::series::import::reader;
use lab_core::series::import::select::Order;
use lab_core::series::strip::Paths;

use super::unpack;

/// All that is read together; the mailbox of a month of a busy list is smaller.
pub(super) const MAX_BYTES: u64 = 64 << 20;

/// What was read.
pub(super) struct Input {
    pub(super) mails: Vec<Mail>,
    /// What says in which order patches come.
    pub(super) order: Order,
    /// What it is, for README.md: no paths of this machine.
    pub(super) description: String,
    /// What the user should know of it.
    pub(super) notes: Vec<String>,
}

/// What all files of one import have in common.
pub(super) struct Files<'a> {
    /// How many bytes may be read yet.
    budget: u64,
    pub(super) paths: &'a Paths,
}

impl<'a> Files<'a> {
    pub(super) fn new(paths: &'a Paths) -> Self {
        Files { budget: MAX_BYTES, paths }
    }

    /// The patches of a file, which is called `name`.
    pub(super) fn read(&mut self, path: &Path, name: &str, paths: &Paths) -> anyhow::Result<Vec<Mail>> {
        let kind = fs::metadata(path).with_context(|| format!("opening {name}"))?.file_type();
        ensure!(kind.is_file() || kind.is_fifo(), "{name} is neither a file nor a folder: save it as a file");
        let file = File::open(path).with_context(|| format!("opening {name}"))?;
        let bytes = self.bytes(name, file)?;
        Ok(reader::read(unpack::plain_name(name), &bytes, Quoting::AsMarked, paths))
    }

    /// The content of a file, unpacked.
    pub(super) fn bytes(&mut self, name: &str, file: impl Read) -> anyhow::Result<Vec<u8>> {
        let limit = self.budget + 1;
        let too_large =
            || format!("{name} makes it more than {MAX_BYTES} bytes: save the mails of the series alone");
        let mut packed = Vec::new();
        file.take(limit).read_to_end(&mut packed).with_context(|| format!("reading {name}"))?;
        ensure!(packed.len() as u64 <= self.budget, too_large());
        let bytes = unpack::unpacked(name, packed, limit)?;
        self.budget = self.budget.checked_sub(bytes.len() as u64).with_context(too_large)?;
        Ok(bytes)
    }
}

/// Regular files in a folder, in the order of their names.
pub(super) fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let purpose = || format!("reading {}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(purpose)? {
        let path = entry.with_context(purpose)?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

pub(super) fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
