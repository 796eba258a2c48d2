//! A library that QEMU is started with (`LD_PRELOAD`) when its guest has several CPUs on the virtual clock: QEMU's main thread
//! goes on only while the guest sleeps.
//!
//! When all CPUs of the guest sleep, the main thread moves the guest's clock to the next timer. It does so whenever something
//! wakes it, and may come a moment too early: a CPU counts as halted before its last instructions are counted, and between the
//! turns of two CPUs the timer is still there that ends a turn. So the clock, and which CPU is next, would depend on what
//! happens on the host. This library stands between QEMU and the C library: it knows when the thread that runs the guest's CPUs
//! waits for work, and holds the main thread up until then.
//!
//! Why not by QEMU's own means: recording (`rr=record`) does this for one CPU, and is not made for several.

#![deny(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "they panic when nobody reads; a panic would end QEMU"
)]

// The tests run without QEMU, and must not have these functions in place of the C library's.
#[cfg(not(test))]
mod libc_functions;
#[cfg(not(test))]
pub mod preloaded;
mod turns;
