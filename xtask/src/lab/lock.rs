//! Locks on files and folders, among processes: held until they are dropped, at the very moment.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use lab_core::text::escape::escape_for_terminal;

use super::interrupt::Interrupt;

/// How often a lock that is waited for is asked for again.
pub(super) const LOOK: Duration = Duration::from_millis(100);

/// How much of the command of another process is shown, characters.
const COMMAND_SHOWN: usize = 120;

/// A lock that this process holds.
#[derive(Debug)]
pub struct Lock(File);

impl Lock {
    /// Locks what was opened at `path`; none if another holds it.
    ///
    /// # Errors
    /// If the file system has no locks.
    pub(crate) fn try_on(file: File, path: &Path) -> anyhow::Result<Option<Self>> {
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("locking {}", path.display()))
            }
        }
    }

    /// Shares what was opened at `path` with others that share it; none if one holds it alone.
    ///
    /// # Errors
    /// If the file system has no locks.
    pub(crate) fn try_shared(file: File, path: &Path) -> anyhow::Result<Option<Self>> {
        match file.try_lock_shared() {
            Ok(()) => Ok(Some(Lock(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("locking {}", path.display()))
            }
        }
    }

    /// Locks it, and waits for whoever holds it, until the user does not want to wait any longer; `on_wait` is called once if
    /// there is somebody, with who it is.
    ///
    /// # Errors
    /// If the file system has no locks, or the user stops it.
    pub(crate) fn wait_on(
        file: &File,
        path: &Path,
        interrupt: &Interrupt,
        on_wait: impl FnOnce(&str),
    ) -> anyhow::Result<Self> {
        let mut on_wait = Some(on_wait);
        loop {
            let again = file.try_clone().with_context(|| format!("opening {} again", path.display()))?;
            if let Some(lock) = Lock::try_on(again, path)? {
                return Ok(lock);
            }
            if let Some(on_wait) = on_wait.take() {
                on_wait(&holder(path));
            }
            interrupt.check()?;
            std::thread::sleep(LOOK);
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a child that was just forked, and has not started its program yet, has the file open too.
        let _ = self.0.unlock();
    }
}

/// Who holds the lock on `path`, in words; none if nobody does, as far as the system tells.
pub(crate) fn held_by(path: &Path) -> Option<String> {
    process_of(path).map(|_| holder(path))
}

/// Who holds the lock on `path`, in words: number and command of the process, as far as the system tells.
pub(crate) fn holder(path: &Path) -> String {
    let Some(process) = process_of(path) else { return "another process".to_owned() };
    let command = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    match shown(&command) {
        command if command.is_empty() => format!("process {process}"),
        command => format!("process {process} ({command})"),
    }
}

fn process_of(path: &Path) -> Option<u32> {
    let file = fs::metadata(path).ok()?;
    let device = (rustix::fs::major(file.dev()), rustix::fs::minor(file.dev()));
    holder_in(&fs::read_to_string("/proc/locks").ok()?, device, file.ino())
}

/// The process in `/proc/locks` that holds a file's lock. Some file systems give their files another device number than they
/// have there; then the only one that holds a lock on a file of this number is it.
fn holder_in(locks: &str, device: (u32, u32), inode: u64) -> Option<u32> {
    let held: Vec<(u32, (u32, u32))> = locks
        .lines()
        .filter_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            // Whoever waits is listed below, with an arrow after the number.
            let [_, "FLOCK", _, _, process, place, ..] = words[..] else { return None };
            let mut place = place.split(':');
            let [major, minor] = [place.next()?, place.next()?].map(|part| u32::from_str_radix(part, 16));
            let is_it = place.next()?.parse::<u64>().ok()? == inode;
            is_it.then_some((process.parse().ok()?, (major.ok()?, minor.ok()?)))
        })
        .collect();
    let on_device = held.iter().find(|(_, of)| *of == device);
    match (on_device, &held[..]) {
        (Some((process, _)), _) | (None, [(process, _)]) => Some(*process),
        (None, _) => None,
    }
}

/// The words of a command, as far as they fit.
fn shown(command: &[u8]) -> String {
    let words = command.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    let text = words.collect::<Vec<_>>().join(" ");
    let text = escape_for_terminal(text.trim());
    match text.char_indices().nth(COMMAND_SHOWN) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::interrupt::Interrupted;

    #[test]
    fn a_copy_of_the_file_in_a_child_does_not_hold_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let open = || File::open(folder.path()).unwrap();
        let file = open();
        let inherited = file.try_clone().unwrap();
        let lock = Lock::try_on(file, folder.path()).unwrap();
        assert!(lock.is_some());
        assert!(Lock::try_on(open(), folder.path()).unwrap().is_none());
        drop(lock);
        assert!(Lock::try_on(open(), folder.path()).unwrap().is_some());
        drop(inherited);
    }

    #[test]
    fn a_wait_names_who_holds_the_lock_and_ends_with_a_signal() {
        let folder = tempfile::tempdir().unwrap();
        let open = || File::open(folder.path()).unwrap();
        let held = Lock::try_on(open(), folder.path()).unwrap().unwrap();
        let interrupt = Interrupt::default();
        let mut told = String::new();
        // The signal comes while it waits.
        let waited = Lock::wait_on(&open(), folder.path(), &interrupt, |who| {
            told = who.to_owned();
            interrupt.set();
        });
        assert!(waited.unwrap_err().is::<Interrupted>());
        assert!(told.starts_with(&format!("process {} (", std::process::id())), "{told}");
        drop(held);
        let free = Lock::wait_on(&open(), folder.path(), &interrupt, |who| panic!("{who}"));
        assert!(free.is_ok());
    }

    /// As Linux 6.1 prints it, with one that waits.
    #[test]
    fn holders() {
        let locks = "1: POSIX  ADVISORY  WRITE 101 fe:00:77 0 EOF\n\
                     2: FLOCK  ADVISORY  WRITE 4242 fe:00:77 0 EOF\n\
                     2: -> FLOCK  ADVISORY  WRITE 4343 fe:00:77 0 EOF\n\
                     3: FLOCK  ADVISORY  WRITE 55 00:2f:77 0 EOF\n\
                     4: FLOCK  ADVISORY  WRITE 66 00:2f:78 0 EOF\n";
        for (device, inode, expected) in [
            ((0xfe, 0), 77, Some(4242)),
            ((0, 0x2f), 77, Some(55)),
            // btrfs: the device that stat(2) gives is not in the list.
            ((0, 0x30), 78, Some(66)),
            ((0, 0x30), 77, None),
            ((0xfe, 0), 79, None),
        ] {
            assert_eq!(holder_in(locks, device, inode), expected, "{device:?} {inode}");
        }
    }

    #[test]
    fn commands_are_shown_in_one_line() {
        assert_eq!(shown(b"xtask\0run-lab\0--plan\0ci\0"), "xtask run-lab --plan ci");
        assert_eq!(shown(b"a\0\x1b[31m\0"), "a \\x1b[31m");
        assert_eq!(shown(b""), "");
        let long = shown("\u{e9}".repeat(200).as_bytes());
        assert_eq!(long, format!("{}...", "\u{e9}".repeat(COMMAND_SHOWN)));
    }
}
