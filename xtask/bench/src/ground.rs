//! The place of the measurement: checked, made, and gone without a trace when the process ends.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags};
use xtask::lab::cache::Cache;
use xtask::lab::scratch::ScratchFolder;

use super::proc::kib;

/// Memory beyond the file's, MiB: servers, 10,000 inodes, fio's shared memory.
const OTHER_MIB: u64 = 512;

/// Prefix of its folder in the cache.
pub(super) const PREFIX: &str = "bench-";

/// Says what is missing before anything is started.
///
/// # Errors
/// Everything that is missing, at once.
pub(super) fn check(file_mib: u32) -> anyhow::Result<()> {
    let mut missing = Vec::new();
    if !rustix::process::geteuid().is_root() {
        missing.push("it mounts file systems, so run it as root".to_owned());
    } else if let Err(error) = std::fs::File::options().read(true).write(true).open("/dev/fuse") {
        missing.push(format!("/dev/fuse does not open ({error}): load the module with `modprobe fuse`"));
    }
    let meminfo = std::fs::read_to_string("/proc/meminfo").context("reading /proc/meminfo")?;
    let wanted = u64::from(file_mib) + OTHER_MIB;
    match kib(&meminfo, "MemAvailable:").map(|kib| kib / 1024) {
        Some(available) if available < wanted => missing.push(format!(
            "{available} MiB of memory are available and {wanted} needed: give a smaller --file-mib"
        )),
        Some(_) => {}
        None => missing.push("/proc/meminfo has no MemAvailable".to_owned()),
    }
    match missing.is_empty() {
        true => Ok(()),
        false => bail!("the bench cannot run here: {}", missing.join("; ")),
    }
}

/// Folders in a mount namespace of this process: whatever ends the process, the kernel takes the mounts with it.
#[derive(Debug)]
pub(super) struct Ground {
    folder: ScratchFolder,
}

impl Ground {
    /// Leaves the machine's mount namespace for one of its own, and mounts the storage there.
    ///
    /// # Errors
    /// If the kernel refuses, or the storage cannot be opened with O_DIRECT.
    pub(super) fn new(cache: &Cache, file_mib: u32) -> anyhow::Result<Self> {
        let folder = cache.temporary_folder(PREFIX)?;
        // SAFETY: only the table of mounts is unshared; no descriptor is.
        unsafe { rustix::thread::unshare_unsafe(rustix::thread::UnshareFlags::NEWNS) }
            .context("making a mount namespace")?;
        let private = MountPropagationFlags::REC | MountPropagationFlags::PRIVATE;
        rustix::mount::mount_change("/", private).context("keeping mounts to this process")?;
        let ground = Ground { folder };
        for path in [ground.storage(), ground.mount()] {
            std::fs::create_dir(&path).with_context(|| format!("making {}", path.display()))?;
        }
        let options = std::ffi::CString::new(format!("size={}m", u64::from(file_mib) + OTHER_MIB))?;
        rustix::mount::mount(
            "bench",
            ground.storage(),
            "tmpfs",
            MountFlags::empty(),
            Some(options.as_c_str()),
        )
        .context("mounting a tmpfs for the storage")?;
        ground.fill(file_mib)?;
        Ok(ground)
    }

    /// Bytes that are not zero and not equal from page to page, as a real file has them.
    fn fill(&self, file_mib: u32) -> anyhow::Result<()> {
        use std::io::Write as _;
        let path = self.storage().join(FILE);
        let write = || -> std::io::Result<()> {
            let mut file = std::fs::File::create(&path)?;
            for mebibyte in 0..u64::from(file_mib) {
                let words =
                    (0..1 << 17).map(|word: u64| (mebibyte << 17 | word).wrapping_mul(0x9e37_79b9_7f4a_7c15));
                file.write_all(&words.flat_map(u64::to_le_bytes).collect::<Vec<u8>>())?;
            }
            Ok(())
        };
        write().with_context(|| format!("filling {}", path.display()))?;
        rustix::fs::openat(CWD, &path, OFlags::RDONLY | OFlags::DIRECT, Mode::empty())
            .map(drop)
            .context("opening a file on tmpfs with O_DIRECT (this needs Linux 6.6)")
    }

    /// The folder that is passed through, a tmpfs.
    pub(super) fn storage(&self) -> PathBuf {
        self.folder.path().join("storage")
    }

    /// The folder that servers mount on.
    pub(super) fn mount(&self) -> PathBuf {
        self.folder.path().join("mount")
    }

    /// Where a server's standard error goes.
    pub(super) fn said(&self) -> PathBuf {
        self.folder.path().join("said")
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let _ = rustix::mount::unmount(self.storage(), UnmountFlags::DETACH);
    }
}

/// The large file in the storage.
pub(super) const FILE: &str = "file";

/// Takes whatever is mounted on `path` away; nothing is no error.
pub(super) fn detach(path: &Path) {
    let _ = rustix::mount::unmount(path, UnmountFlags::DETACH);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_memory_is_told_with_its_remedy() {
        let error = check(u32::MAX).unwrap_err().to_string();
        assert!(error.ends_with("needed: give a smaller --file-mib"), "{error}");
    }
}
