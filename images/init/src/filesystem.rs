//! A file system of this kernel: made, mounted, and mounted anew for samples that need another device.

use std::ffi::CString;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use lab_protocol::{EndOfProgram, FilesystemKind, LOCAL_DIR, LocalFilesystem};
use rustix::mount::{MountFlags, UnmountFlags};

use crate::null_block::Device;
use crate::workload;

/// How long making one may take, guest time.
const MAKE_LIMIT: Duration = Duration::from_secs(600);

/// What would be drawn at random otherwise: the file system's own id, and what its hashes of names start from.
const ID: &str = "6c616200-0000-4000-8000-000000000001";

/// A file system that is mounted.
#[derive(Debug)]
pub(crate) struct Mounted {
    settings: LocalFilesystem,
    size_mib: u32,
    device: Option<Device>,
}

impl Mounted {
    /// Makes and mounts it.
    ///
    /// # Errors
    /// If the kernel lacks something, or the program that makes it fails.
    pub(crate) fn make(settings: &LocalFilesystem, size_mib: u32) -> anyhow::Result<Self> {
        fs::create_dir(LOCAL_DIR).with_context(|| format!("making {LOCAL_DIR}"))?;
        let mut mounted = Mounted { settings: settings.clone(), size_mib, device: None };
        if let Some(device) = settings.device {
            let mut device = Device::make(device, size_mib)?;
            make_filesystem(settings.kind, &device.switch_on(None)?)?;
            device.switch_off()?;
            mounted.device = Some(device);
        }
        mounted.mount(None)?;
        Ok(mounted)
    }

    fn mount(&mut self, seed: Option<u64>) -> anyhow::Result<()> {
        let name = self.settings.kind.name();
        let size = format!("size={}m", self.size_mib);
        let (source, own) = match &mut self.device {
            Some(device) => (device.switch_on(seed)?, ""),
            None => (name.into(), size.as_str()),
        };
        let given = self.settings.mount_options.as_str();
        let options: Vec<&str> = [own, given].into_iter().filter(|options| !options.is_empty()).collect();
        let text = options.join(",");
        let options = CString::new(text.as_str()).context("mount options")?;
        rustix::mount::mount(&source, LOCAL_DIR, name, MountFlags::empty(), Some(options.as_c_str()))
            .with_context(|| format!("mounting {name} with the options `{text}` from {}", source.display()))
    }

    /// Has the device behave as a sample with this seed is to find it. What is written stays.
    ///
    /// # Errors
    /// If it cannot be unmounted and mounted again.
    pub(crate) fn perturb(&mut self, seed: Option<u64>) -> anyhow::Result<()> {
        if !self.device.as_ref().is_some_and(|device| device.differs(seed)) {
            return Ok(());
        }
        self.unmount()?;
        self.mount(seed)
    }

    /// Unmounts it, and switches its device off.
    ///
    /// # Errors
    /// If something still uses it.
    pub(crate) fn unmount(&mut self) -> anyhow::Result<()> {
        rustix::mount::unmount(LOCAL_DIR, UnmountFlags::empty())
            .with_context(|| format!("unmounting {LOCAL_DIR}"))?;
        self.device.as_mut().map_or(Ok(()), Device::switch_off)
    }
}

fn make_filesystem(kind: FilesystemKind, device: &Path) -> anyhow::Result<()> {
    let Some(program) = kind.maker() else { return Ok(()) };
    let device = device.display().to_string();
    let options = match kind {
        // The tables are written now, and not by a thread of the kernel later: with an inode for each 64 KiB, which is enough
        // here, they are small. The journal is not: the device is all zeros.
        FilesystemKind::Ext4 => {
            let extended = format!("hash_seed={ID},lazy_itable_init=0,lazy_journal_init=1");
            ["-q", "-F", "-b", "4096", "-i", "65536", "-U", ID, "-E", &extended].map(str::to_owned).to_vec()
        }
        FilesystemKind::Tmpfs => Vec::new(),
    };
    let argv = [&[program.to_owned()][..], &options, &[device]].concat();
    let outcome = workload::run(&argv, &[], MAKE_LIMIT);
    ensure!(
        outcome.end == EndOfProgram::Exit(0),
        "{program} ended with {:?}: {}",
        outcome.end,
        outcome.stderr.trim_end()
    );
    Ok(())
}
