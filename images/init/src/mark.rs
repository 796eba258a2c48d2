//! Marks at which a profile begins and ends: instructions that do nothing, which a plugin of QEMU knows.

use std::arch::asm;

use lab_protocol::profile::{BEGIN, END};

/// A workload is about to be started.
pub(crate) fn begin() {
    // SAFETY: the instruction is a `nopl` with a number that is looked at by nobody.
    unsafe {
        asm!(".byte 0x0f, 0x1f, 0x84, 0x00", ".long {}", const BEGIN, options(nostack, preserves_flags))
    }
}

/// It has ended.
pub(crate) fn end() {
    // SAFETY: as above.
    unsafe { asm!(".byte 0x0f, 0x1f, 0x84, 0x00", ".long {}", const END, options(nostack, preserves_flags)) }
}
