//! Marks at which a profile begins and ends: instructions that do nothing, which a plugin of QEMU knows.

use std::arch::asm;

#[cfg(target_arch = "aarch64")]
use lab_protocol::profile::arm64_mark;
use lab_protocol::profile::{BEGIN, END};

/// A workload is about to be started.
pub(crate) fn begin() {
    // SAFETY: the instruction is a `nopl` with a number that is looked at by nobody.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        asm!(".byte 0x0f, 0x1f, 0x84, 0x00", ".long {}", const BEGIN, options(nostack, preserves_flags))
    }
    // SAFETY: the instruction writes to the register that is always zero.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        asm!(".inst {}", const arm64_mark(BEGIN), options(nostack, preserves_flags))
    }
}

/// It has ended.
pub(crate) fn end() {
    // SAFETY: as above.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        asm!(".byte 0x0f, 0x1f, 0x84, 0x00", ".long {}", const END, options(nostack, preserves_flags))
    }
    // SAFETY: as above.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        asm!(".inst {}", const arm64_mark(END), options(nostack, preserves_flags))
    }
}
