//! Knobs of a connection: files of the kernel that are read and written while it is there.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use lab_protocol::{Knob, KnobPlace};
use rustix::fs::{CWD, Mode, OFlags};

/// Where the kernel shows mounts, with their kinds.
const MOUNTS: &str = "/proc/self/mounts";

/// Where fusectl is mounted usually.
const CONTROL: &str = "/sys/fs/fuse/connections";

/// FUSE_CTL_SUPER_MAGIC, by which a mount of fusectl is known.
const CONTROL_MAGIC: u64 = 0x6573_5543;

/// Where backing devices are.
const DEVICES: &str = "/sys/class/bdi";

/// The files of one connection.
#[derive(Debug)]
pub(crate) struct KnobFiles {
    /// `st_dev` of the mount, major and minor. The connection is called by the minor number.
    number: (u32, u32),
    /// A mount of fusectl, if there is one; held, so that it stays.
    control: Option<OwnedFd>,
}

impl KnobFiles {
    /// Those of the mount with this `st_dev`.
    pub(crate) fn of(number: (u32, u32)) -> Self {
        let mounts = fs::read_to_string(MOUNTS).unwrap_or_default();
        KnobFiles { number, control: controls(&mounts).find_map(open_control) }
    }

    /// Opens a file, and says what it is called.
    ///
    /// # Errors
    /// What it is called, and why it cannot be opened. It is never made: one that is missing is one that this kernel does not
    /// have.
    fn open(&self, (place, name): (KnobPlace, &str), access: OFlags) -> Result<(File, String), String> {
        let (major, minor) = self.number;
        let (path, opened) = match (place, &self.control) {
            (KnobPlace::BackingDevice, _) => {
                let path = Path::new(DEVICES).join(format!("{major}:{minor}")).join(name);
                let opened = rustix::fs::openat(CWD, &path, access, Mode::empty());
                (path, opened)
            }
            (KnobPlace::Connection, Some(control)) => {
                let file = PathBuf::from(minor.to_string()).join(name);
                let opened = rustix::fs::openat(control, &file, access, Mode::empty());
                (Path::new(CONTROL).join(file), opened)
            }
            (KnobPlace::Connection, None) => {
                return Err(format!("fusectl is not mounted; mount -t fusectl none {CONTROL}"));
            }
        };
        let path = path.display().to_string();
        let opened = opened.map_err(|error| said(&path, error))?;
        Ok((File::from(opened), path))
    }

    fn read(&self, knob: Knob) -> Result<u64, String> {
        let (mut file, path) = self.open(knob.file(), OFlags::RDONLY | OFlags::CLOEXEC)?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(|error| said(&path, error))?;
        text.trim().parse().map_err(|error| said(&path, error))
    }

    fn write(&self, file: (KnobPlace, &str), value: u64) -> Result<(), String> {
        let (mut file, path) = self.open(file, OFlags::WRONLY | OFlags::CLOEXEC)?;
        // As one write(2): the kernel takes each for a value of its own.
        file.write_all(value.to_string().as_bytes()).map_err(|error| said(&path, error))
    }

    /// Ends the connection.
    ///
    /// # Errors
    /// The file and what the kernel says.
    fn abort(&self) -> Result<(), String> {
        self.write((KnobPlace::Connection, "abort"), 1)
    }
}

fn said(path: &str, error: impl std::fmt::Display) -> String {
    format!("{path}: {error}")
}

/// Where fusectl is mounted. A path with a character that is escaped there is not found.
fn controls(mounts: &str) -> impl Iterator<Item = &str> {
    let mounts = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    mounts.filter_map(|fields| (fields.get(2) == Some(&"fusectl")).then(|| fields.get(1).copied())?)
}

/// A mount of fusectl, if that is still there.
fn open_control(path: &str) -> Option<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let control = rustix::fs::openat(CWD, path, flags, Mode::empty()).ok()?;
    let kind = rustix::fs::fstatfs(&control).ok()?.f_type;
    (kind as u64 == CONTROL_MAGIC).then_some(control)
}

/// What was set, and what it was before.
#[derive(Debug, Default)]
pub(crate) struct Knobs(Mutex<Changed>);

#[derive(Debug, Default)]
struct Changed {
    files: Option<KnobFiles>,
    /// In the order in which they were set.
    before: Vec<(Knob, u64)>,
}

impl Knobs {
    /// These are the files from now on.
    pub(crate) fn found(&self, files: KnobFiles) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).files = Some(files);
    }

    /// Sets a knob; gives what it was and what it is, both as the kernel says.
    ///
    /// # Errors
    /// The file and what the kernel says.
    pub(crate) fn set(&self, knob: Knob, value: u64) -> Result<(u64, u64), String> {
        let mut changed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let files = changed.files.as_ref().ok_or("there is no mount yet")?;
        let from = files.read(knob)?;
        let before = finest(knob).into_iter().find_map(|finer| Some((finer, files.read(finer).ok()?)));
        files.write(knob.file(), value)?;
        let to = files.read(knob)?;
        changed.before.extend(before.or(Some((knob, from))));
        Ok((from, to))
    }

    /// Ends the connection.
    ///
    /// # Errors
    /// As [`KnobFiles::abort`].
    pub(crate) fn abort(&self) -> Result<(), String> {
        let changed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        changed.files.as_ref().ok_or("there is no mount yet")?.abort()
    }

    /// Puts back what was set, the last one first. A connection that has ended has no knobs.
    pub(crate) fn put_back(&self) {
        let mut changed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((knob, value)) = changed.before.pop() {
            let _ = changed.files.as_ref().map(|files| files.write(knob.file(), value));
        }
    }
}

/// The knob that says most exactly what this one changes, where kernels have it: several are views of one value.
fn finest(knob: Knob) -> Option<Knob> {
    match knob {
        Knob::MaxRatio | Knob::MaxRatioFine | Knob::MaxBytes => Some(Knob::MaxRatioFine),
        Knob::MinRatio | Knob::MinRatioFine | Knob::MinBytes => Some(Knob::MinRatioFine),
        Knob::MaxBackground | Knob::CongestionThreshold | Knob::ReadAheadKb | Knob::StrictLimit => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_control_file_system_is_found_by_its_kind() {
        // As in the lab's guest.
        let mounts = "none / rootfs rw 0 0\n/proc /proc proc rw,relatime 0 0\n/sys /sys sysfs rw,relatime 0 0\n\
                      /sys/fs/fuse/connections /sys/fs/fuse/connections fusectl rw,relatime 0 0\n";
        assert_eq!(controls(mounts).collect::<Vec<_>>(), ["/sys/fs/fuse/connections"]);
        assert_eq!(controls("fusectl /mnt fuse rw 0 0\nshort\n\n").count(), 0);
        // What is called so and is something else.
        assert!(open_control("/proc").is_none());
    }

    #[test]
    fn what_is_missing_is_said_with_a_remedy() {
        let files = KnobFiles { number: (4095, 5), control: None };
        let error = "fusectl is not mounted; mount -t fusectl none /sys/fs/fuse/connections";
        assert_eq!(files.read(Knob::MaxBackground).unwrap_err(), error);
        assert_eq!(files.abort().unwrap_err(), error);
        assert_eq!(
            files.read(Knob::StrictLimit).unwrap_err(),
            "/sys/class/bdi/4095:5/strict_limit: No such file or directory (os error 2)"
        );
    }
}
