//! What one thread does with other rights than the rest of this process, for as long as a request takes.
//!
//! The system calls are those of the thread alone: the C library makes its own setgroups(2) one of all threads.

use std::cell::Cell;

use rustix::fs::{Gid, Mode};
use rustix::io::{Errno, Result};
use rustix::thread::{
    CapabilitySet, CapabilitySets, UnshareFlags, capabilities, set_capabilities, set_thread_groups,
    unshare_unsafe,
};

/// While it lives, this thread writes as somebody without CAP_FSETID: the storage takes the set-user-ID and
/// set-group-ID bits off what is written.
///
/// The kernel asks for it (FUSE_WRITE_KILL_SUIDGID) where it does not do so by itself, with a SETATTR before the WRITE:
/// for files that were opened with FOPEN_DIRECT_IO, and for all with FUSE_HANDLE_KILLPRIV_V2.
#[derive(Debug)]
pub(crate) struct WithoutFsetid(CapabilitySets);

impl WithoutFsetid {
    /// # Errors
    /// None that Linux documents for the calling thread.
    pub(crate) fn enter() -> Result<Self> {
        let before = capabilities(None)?;
        let effective = before.effective - CapabilitySet::FSETID;
        set_capabilities(None, CapabilitySets { effective, ..before })?;
        Ok(WithoutFsetid(before))
    }
}

impl Drop for WithoutFsetid {
    fn drop(&mut self) {
        // Cannot fail: they are permitted still. If it did, the thread would have fewer privileges, not more.
        let _ = set_capabilities(None, self.0);
    }
}

/// While it lives, this thread uses files as another user.
#[derive(Debug)]
pub(crate) struct Acting {
    user: u32,
    group: u32,
    /// None if they are as they were.
    groups: Option<Vec<Gid>>,
}

impl Acting {
    /// What is made belongs to this user and group. All else is as before: the capabilities stay, which the kernel takes
    /// from a user who is not root.
    ///
    /// # Errors
    /// EPERM if this process may not.
    pub(crate) fn in_the_name_of(user: u32, group: u32) -> Result<Self> {
        let before = capabilities(None)?;
        let acting = Acting { user: 0, group: 0, groups: None }.become_user(user, group)?;
        set_capabilities(None, before)?;
        Ok(acting)
    }

    /// This user with these groups, and nothing that this process may do beyond.
    ///
    /// # Errors
    /// EPERM if this process may not.
    pub(crate) fn of(user: u32, group: u32, groups: &[Gid]) -> Result<Self> {
        let before = rustix::process::getgroups()?;
        set_thread_groups(groups)?;
        Acting { user: 0, group: 0, groups: Some(before) }.become_user(user, group)
    }

    /// What was taken before is given back if this fails.
    fn become_user(mut self, user: u32, group: u32) -> Result<Self> {
        (self.group, self.user) = (set_group(group), set_user(user));
        // Neither call says whether it did anything.
        match (set_group(NOBODY), set_user(NOBODY)) == (group, user) {
            true => Ok(self),
            false => Err(Errno::PERM),
        }
    }
}

/// No user and no group has this number: whoever is set to it stays who it is.
const NOBODY: u32 = u32::MAX;

/// Sets the user by which this thread uses files; gives who it was.
fn set_user(user: u32) -> u32 {
    // SAFETY: changes the credentials of this thread and touches no memory.
    unsafe { libc::setfsuid(user) as u32 }
}

/// The same with the group.
fn set_group(group: u32) -> u32 {
    // SAFETY: as above.
    unsafe { libc::setfsgid(group) as u32 }
}

impl Drop for Acting {
    fn drop(&mut self) {
        set_user(self.user);
        set_group(self.group);
        let again = self.groups.as_deref().map_or(Ok(()), set_thread_groups);
        if again.is_err() || (set_user(NOBODY), set_group(NOBODY)) != (self.user, self.group) {
            // The next request would be served with the rights of somebody else.
            std::process::abort();
        }
    }
}

thread_local! {
    /// Whether this thread has an umask of its own.
    static OWN_UMASK: Cell<bool> = const { Cell::new(false) };
}

/// While it lives, what this thread makes loses these bits of its mode, unless the folder has a default access control list:
/// the storage knows.
#[derive(Debug)]
pub(crate) struct Masked(Mode);

impl Masked {
    /// # Errors
    /// None that Linux documents but that there is no memory.
    pub(crate) fn enter(umask: u32) -> Result<Self> {
        if !OWN_UMASK.get() {
            // Threads share it, and their working directory, which nothing here is relative to.
            // SAFETY: no descriptor is taken from anybody.
            unsafe { unshare_unsafe(UnshareFlags::FS) }?;
            OWN_UMASK.set(true);
        }
        Ok(Masked(rustix::process::umask(Mode::from_raw_mode(umask))))
    }
}

impl Drop for Masked {
    fn drop(&mut self) {
        rustix::process::umask(self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;
    use std::sync::Barrier;

    use super::*;

    fn effective() -> CapabilitySet {
        capabilities(None).unwrap().effective
    }

    #[test]
    fn the_privilege_is_given_up_for_a_while_only() {
        let before = effective();
        let without = WithoutFsetid::enter().unwrap();
        assert_eq!(effective(), before - CapabilitySet::FSETID);
        drop(without);
        assert_eq!(effective(), before);
    }

    /// Who this thread is for files, with which groups.
    fn who() -> (u32, u32, Vec<Gid>) {
        (set_user(NOBODY), set_group(NOBODY), rustix::process::getgroups().unwrap())
    }

    #[test]
    fn a_thread_is_somebody_else_for_a_while_only() {
        let (before, could, own) = (who(), effective(), Gid::from_raw(9));
        let acting = Acting::in_the_name_of(5, 6).unwrap();
        assert_eq!((who(), effective()), ((5, 6, before.2.clone()), could));
        drop(acting);
        assert_eq!((who(), effective()), (before.clone(), could));
        let acting = Acting::of(5, 6, &[own]).unwrap();
        assert_eq!(who(), (5, 6, vec![own]));
        let files = CapabilitySet::CHOWN
            | CapabilitySet::DAC_OVERRIDE
            | CapabilitySet::DAC_READ_SEARCH
            | CapabilitySet::FOWNER
            | CapabilitySet::FSETID
            | CapabilitySet::LINUX_IMMUTABLE
            | CapabilitySet::MKNOD
            | CapabilitySet::MAC_OVERRIDE;
        assert_eq!(effective(), could - files);
        drop(acting);
        assert_eq!((who(), effective()), (before.clone(), could));
        // Root of another group stays root.
        let acting = Acting::of(0, 6, &[]).unwrap();
        assert_eq!((who(), effective()), ((0, 6, Vec::new()), could));
        drop(acting);
        // Whom nobody can be.
        for (user, group) in [(NOBODY, 6), (5, NOBODY)] {
            assert_eq!(Acting::of(user, group, &[]).map(drop), Err(Errno::PERM));
            assert_eq!(Acting::in_the_name_of(user, group).map(drop), Err(Errno::PERM));
            assert_eq!((who(), effective()), (before.clone(), could));
        }
    }

    #[test]
    fn the_umask_is_that_of_the_thread() {
        let folder = tempfile::tempdir().unwrap();
        let made = |name: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir(&path).unwrap();
            std::fs::metadata(path).unwrap()
        };
        let (usual, turn) = (made("before").mode(), Barrier::new(2));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let masked = Masked::enter(0o027).unwrap();
                assert_eq!(made("masked").mode() & 0o777, 0o750);
                turn.wait();
                turn.wait();
                drop(masked);
                assert_eq!(made("not any more").mode(), usual);
            });
            turn.wait();
            assert_eq!(made("beside").mode(), usual);
            turn.wait();
        });
    }
}
