//! A block device in memory: `null_blk`, set up in configfs (`Documentation/block/null_blk.rst` of Linux).

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use lab_protocol::NullBlock;
use rustix::mount::MountFlags;

const CONFIGFS: &str = "/sys/kernel/config";
const FOLDER: &str = "/sys/kernel/config/nullb/lab";

/// The device. It keeps its data while it is switched off.
#[derive(Debug)]
pub(crate) struct Device {
    settings: NullBlock,
    /// How long requests take now; none if it is off.
    completion_ns: Option<u64>,
}

impl Device {
    /// Makes it, and leaves it off.
    ///
    /// # Errors
    /// If the kernel has no `null_blk` or does not take a setting.
    pub(crate) fn make(settings: NullBlock, size_mib: u32) -> anyhow::Result<Self> {
        ensure!(
            Path::new(CONFIGFS).is_dir(),
            "the kernel has no configfs; put block.config into kernel-config of the plan"
        );
        rustix::mount::mount("configfs", CONFIGFS, "configfs", MountFlags::empty(), None)
            .with_context(|| format!("mounting configfs on {CONFIGFS}"))?;
        fs::create_dir(FOLDER).with_context(|| {
            format!("making {FOLDER} (without null_blk put block.config into kernel-config of the plan)")
        })?;
        for (name, value) in [
            ("memory_backed", 1),
            ("size", size_mib),
            ("blocksize", settings.block_bytes),
            ("submit_queues", settings.queues),
            ("hw_queue_depth", settings.queue_depth),
            ("irqmode", settings.completion.irqmode()),
        ] {
            set(name, u64::from(value))?;
        }
        Ok(Device { settings, completion_ns: None })
    }

    /// Whether a sample with this seed needs other settings than the device has.
    pub(crate) fn differs(&self, seed: Option<u64>) -> bool {
        self.completion_ns != Some(self.settings.completion_ns_with(seed))
    }

    /// Switches it on, with what this seed says, and gives its path.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub(crate) fn switch_on(&mut self, seed: Option<u64>) -> anyhow::Result<PathBuf> {
        let completion_ns = self.settings.completion_ns_with(seed);
        set("completion_nsec", completion_ns)?;
        set("power", 1)?;
        self.completion_ns = Some(completion_ns);
        self.path()
    }

    /// Switches it off; nobody may use it.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub(crate) fn switch_off(&mut self) -> anyhow::Result<()> {
        self.completion_ns = None;
        set("power", 0)
    }

    /// Kernels of before 6.9 name it by its number, later ones by its folder.
    fn path(&self) -> anyhow::Result<PathBuf> {
        let path = format!("{FOLDER}/index");
        let index = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
        let paths = ["/dev/lab".to_owned(), format!("/dev/nullb{}", index.trim())];
        let found = paths.iter().find(|path| Path::new(path).exists());
        found.map(PathBuf::from).with_context(|| format!("there is neither {}", paths.join(" nor ")))
    }
}

fn set(name: &str, value: u64) -> anyhow::Result<()> {
    let path = format!("{FOLDER}/{name}");
    fs::write(&path, value.to_string()).with_context(|| format!("writing {value} to {path}"))
}
