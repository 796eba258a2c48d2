//! Locks on files and folders, among processes: held until they are dropped, at the very moment.

use std::fs::{File, TryLockError};
use std::path::Path;

use anyhow::Context as _;

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

    /// Locks it, and waits for whoever holds it; `on_wait` is called once if there is somebody.
    ///
    /// # Errors
    /// If the file system has no locks.
    pub(crate) fn wait_on(file: File, path: &Path, on_wait: impl FnOnce()) -> anyhow::Result<Self> {
        match file.try_lock() {
            Ok(()) => return Ok(Lock(file)),
            Err(TryLockError::WouldBlock) => on_wait(),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("locking {}", path.display()));
            }
        }
        file.lock().with_context(|| format!("locking {}", path.display()))?;
        Ok(Lock(file))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a child that was just forked, and has not started its program yet, has the file open too.
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
