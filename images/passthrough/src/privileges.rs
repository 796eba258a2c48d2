//! The one privilege of this process that a caller may lack and the storage decides by.

use rustix::io::Result;
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};

/// While it lives, this thread writes as somebody without CAP_FSETID: the storage takes the set-user-ID and
/// set-group-ID bits off what is written.
///
/// The kernel asks for it (FUSE_WRITE_KILL_SUIDGID) where it does not do so by itself, with a SETATTR before the WRITE:
/// for files that were opened with FOPEN_DIRECT_IO.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_privilege_is_given_up_for_a_while_only() {
        let effective = || capabilities(None).unwrap().effective;
        let before = effective();
        let without = WithoutFsetid::enter().unwrap();
        assert_eq!(effective(), before - CapabilitySet::FSETID);
        drop(without);
        assert_eq!(effective(), before);
    }
}
