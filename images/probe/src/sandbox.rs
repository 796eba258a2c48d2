//! A mount namespace of this program's own, so that nothing that it mounts stays behind.

use std::path::Path;

use anyhow::Context as _;
use rustix::mount::{MountFlags, MountPropagationFlags};
use rustix::thread::UnshareFlags;

/// Where the kernel's side of each FUSE mount can be seen and ended.
pub const CONNECTIONS: &str = "/sys/fs/fuse/connections";

/// Leaves the mounts of whoever started this program alone from now on. To be called while there is one thread.
///
/// # Errors
/// If this is not root, or the kernel has no FUSE.
pub fn enter() -> anyhow::Result<()> {
    // SAFETY: only the view of mounts changes, which no memory depends on.
    unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNS) }
        .context("making a mount namespace (this needs root)")?;
    rustix::mount::mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
        .or_else(|error| match error {
            // The root of the guest is no mount that could be changed.
            rustix::io::Errno::INVAL => Ok(()),
            other => Err(other),
        })
        .context("keeping mounts to this namespace")?;
    if std::fs::read_dir(CONNECTIONS).context("looking for FUSE (is it in the kernel?)")?.next().is_none() {
        // Nothing is mounted by FUSE, or this file system is not there.
        let _ = rustix::mount::mount("none", CONNECTIONS, "fusectl", MountFlags::empty(), None);
    }
    Ok(())
}

/// The number of the connection that is mounted on `mount`, from the text of `/proc/self/mountinfo`: the minor number of its
/// device. Asking the file system itself would be a request to its server.
pub fn connection(mountinfo: &str, mount: &Path) -> Option<u32> {
    let mount = mount.to_str()?;
    // Number, parent, device, root, mount point: Documentation/filesystems/proc.rst. The last one is on top.
    let line = mountinfo.lines().rfind(|line| line.split(' ').nth(4) == Some(mount))?;
    line.split(' ').nth(2)?.split_once(':')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_connection_is_that_of_the_uppermost_mount() {
        let mountinfo = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        assert!(connection(&mountinfo, Path::new("/proc")).is_some());
        assert_eq!(connection(&mountinfo, Path::new("/nonexistent")), None);
    }
}
