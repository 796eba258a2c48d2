//! Mounting and unmounting.

use std::ffi::{CString, OsString};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use anyhow::Context;
use lab_protocol::{MountOption, ServerSettings};
use rustix::fs::{AtFlags, CWD, StatxFlags};
use rustix::mount::{MountFlags, UnmountFlags};

use super::Device;

/// What /proc/mounts shows of a mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The source.
    pub source: OsString,
    /// What stands behind `fuse.` in the type; nothing for `fuse` alone.
    pub subtype: String,
}

impl Default for Shown {
    fn default() -> Self {
        Shown { source: "passthrough".into(), subtype: String::new() }
    }
}

/// A mount that this process serves. It is taken away when this is dropped.
#[derive(Debug)]
pub(crate) struct Mount {
    device: Device,
    path: PathBuf,
    /// `st_dev` of the files.
    number: (u32, u32),
    state: MountState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MountState {
    /// As far as this process knows.
    Mounted,
    /// This process has tried to take it away.
    Left,
}

impl Mount {
    /// Mounts on `folder`; gives the device as well.
    ///
    /// # Errors
    /// If this process may not, the folder does not exist, or there is no FUSE.
    pub(crate) fn new(
        folder: &Path,
        settings: &ServerSettings,
        shown: &Shown,
    ) -> anyhow::Result<(Self, Device)> {
        let path = folder.canonicalize()?;
        let device = Device::open().with_context(|| format!("opening {}", super::PATH))?;
        let mode = rustix::fs::stat(&path)?.st_mode;
        let (user, group) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
        // With default_permissions the kernel checks permissions, so that no ACCESS requests are in the way. max_read is
        // given always: kernels before 4.20 know no other limit for READ.
        let decides = if settings.default_permissions { ",default_permissions" } else { "" };
        let mut options = format!(
            "fd={},rootmode={mode:o},user_id={user},group_id={group}{decides},max_read={}",
            device.0.as_raw_fd(),
            settings.read_kib() * 1024
        );
        if settings.allow_other {
            options.push_str(",allow_other");
        }
        let options = CString::new(options).context("the options of mount(2)")?;
        let flags = settings.mount_options.iter().map(|option| flag(*option)).collect();
        let kind = if shown.subtype.is_empty() { "fuse" } else { &*format!("fuse.{}", shown.subtype) };
        rustix::mount::mount(&shown.source, &path, kind, flags, Some(options.as_c_str()))?;
        // From here on it is taken away if anything fails.
        let mut mount = Mount { device: device.clone(), path, number: (0, 0), state: MountState::Mounted };
        mount.number = device_number(&mount.path)?;
        Ok((mount, device))
    }

    /// `st_dev` of its files, major and minor.
    pub(crate) fn number(&self) -> (u32, u32) {
        self.number
    }

    /// Takes the mount away, unless somebody has done so. One whose connection was aborted is detached, whoever uses it.
    ///
    /// # Errors
    /// EBUSY if it is used.
    pub(crate) fn unmount(&mut self) -> rustix::io::Result<()> {
        self.state = MountState::Left;
        if !self.device.has_ended() {
            return rustix::mount::unmount(&self.path, UnmountFlags::empty());
        }
        // Unmounted or aborted. In the first case there is another file system, which is none of our business.
        if device_number(&self.path) != Ok(self.number) {
            return Ok(());
        }
        rustix::mount::unmount(&self.path, UnmountFlags::DETACH)
    }
}

/// The flag of mount(2).
fn flag(option: MountOption) -> MountFlags {
    match option {
        MountOption::Ro => MountFlags::RDONLY,
        MountOption::Nodev => MountFlags::NODEV,
        MountOption::Nosuid => MountFlags::NOSUID,
        MountOption::Noexec => MountFlags::NOEXEC,
        MountOption::Noatime => MountFlags::NOATIME,
        MountOption::Nodiratime => MountFlags::NODIRATIME,
        MountOption::Relatime => MountFlags::RELATIME,
        MountOption::Strictatime => MountFlags::STRICTATIME,
        MountOption::Nosymfollow => MountFlags::from_bits_retain(libc::MS_NOSYMFOLLOW as u32),
    }
}

/// The number of the file system at a path, major and minor. The kernel knows it by itself: the server of the file system,
/// which may be this process, is not asked.
fn device_number(path: &Path) -> rustix::io::Result<(u32, u32)> {
    let flags = AtFlags::STATX_DONT_SYNC | AtFlags::NO_AUTOMOUNT;
    let found = rustix::fs::statx(CWD, path, flags, StatxFlags::empty())?;
    Ok((found.stx_dev_major, found.stx_dev_minor))
}

impl Drop for Mount {
    fn drop(&mut self) {
        if self.state == MountState::Mounted {
            // Nobody is left to tell of an error.
            let _ = self.unmount();
        }
    }
}
