//! The file systems of the guest: one table, each line of which must work.

use std::ffi::CString;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, ensure};
use lab_protocol::{MOUNT_DIR, STORAGE_DIR};
use rustix::mount::MountFlags;

/// What must be found where something is to be mounted.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Point {
    /// The image holds the folder.
    MustExist,
    /// It is made here.
    MustNotExist,
}

/// A folder of the guest and what is mounted on it.
#[derive(Debug, PartialEq)]
struct Row {
    target: &'static str,
    point: Point,
    /// Type and options of the file system; none if something is mounted there later.
    mount: Option<(&'static str, String)>,
}

/// The table. `storage_mib` is known only after `/proc` and `/dev` are there, so it comes in two parts.
fn system() -> Vec<Row> {
    let row = |target, kind: &'static str, options: &str| Row {
        target,
        point: Point::MustExist,
        mount: Some((kind, options.to_owned())),
    };
    vec![
        row("/proc", "proc", ""),
        row("/sys", "sysfs", ""),
        // How the probes abort a connection whose server does not answer.
        row("/sys/fs/fuse/connections", "fusectl", ""),
        row("/dev", "devtmpfs", ""),
        // Holds the server's standard error; the limit keeps a talkative server from eating the memory.
        row("/tmp", "tmpfs", "size=4m"),
    ]
}

fn storage(storage_mib: u32) -> Vec<Row> {
    vec![
        Row {
            target: STORAGE_DIR,
            point: Point::MustNotExist,
            mount: Some(("tmpfs", format!("size={storage_mib}m"))),
        },
        Row { target: MOUNT_DIR, point: Point::MustNotExist, mount: None },
    ]
}

/// Mounts what process 1 needs itself.
///
/// # Errors
/// If a folder is missing in the image or the kernel lacks a file system.
pub(crate) fn mount_system() -> anyhow::Result<()> {
    system().iter().try_for_each(set_up)
}

/// Mounts what debug kernels show of themselves. Other kernels do not even have the folder.
///
/// # Errors
/// If the folder is there and the file system is not.
pub(crate) fn mount_debug() -> anyhow::Result<()> {
    const TARGET: &str = "/sys/kernel/debug";
    if !Path::new(TARGET).exists() {
        return Ok(());
    }
    let mount = Some(("debugfs", String::new()));
    set_up(&Row { target: TARGET, point: Point::MustExist, mount })
}

/// Mounts the storage and makes the mount point of the server.
///
/// # Errors
/// If one of the folders is already there or the kernel has no tmpfs.
pub(crate) fn mount_storage(storage_mib: u32) -> anyhow::Result<()> {
    storage(storage_mib).iter().try_for_each(set_up)
}

fn set_up(row: &Row) -> anyhow::Result<()> {
    let target = Path::new(row.target);
    match row.point {
        Point::MustExist => ensure!(target.is_dir(), "the image has no folder {}", row.target),
        Point::MustNotExist => {
            fs::create_dir(target).with_context(|| format!("making {}", row.target))?;
        }
    }
    let Some((kind, options)) = &row.mount else { return Ok(()) };
    let options = CString::new(options.as_str()).context("mount options")?;
    rustix::mount::mount(*kind, target, *kind, MountFlags::empty(), Some(options.as_c_str()))
        .with_context(|| format!("mounting {kind} on {}", row.target))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_set_up_before_what_lies_in_them() {
        let rows: Vec<Row> = system().into_iter().chain(storage(600)).collect();
        for (at, row) in rows.iter().enumerate() {
            assert!(row.target.starts_with('/'), "{}", row.target);
            let earlier = rows[..at].iter().any(|other| other.target.starts_with(row.target));
            assert!(!earlier, "{} hides what was set up before it", row.target);
        }
        assert_eq!(storage(600)[0].mount, Some(("tmpfs", "size=600m".to_owned())));
    }

    #[test]
    fn set_up_is_strict() {
        let missing = Row { target: "/proc/nonexistent", point: Point::MustExist, mount: None };
        let there = Row { target: "/proc", point: Point::MustNotExist, mount: None };
        assert_eq!(set_up(&missing).unwrap_err().to_string(), "the image has no folder /proc/nonexistent");
        assert_eq!(set_up(&there).unwrap_err().to_string(), "making /proc");
    }
}
