//! A plugin of QEMU that counts which instructions a guest executes, address by address, while a workload runs.
//!
//! QEMU translates the guest's code block by block. The plugin puts an addition behind each instruction of a block, which the
//! translated code then does by itself: nothing is called, and the guest's clock does not see it. The guest marks the begin
//! and the end of a workload with an instruction that does nothing ([`lab_protocol::profile`]).

#![deny(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "they panic when nobody reads; a panic would end QEMU"
)]

mod counts;
// The tests run without QEMU, which alone has the functions that these call.
#[cfg(not(test))]
pub mod plugin;
#[cfg(not(test))]
mod qemu;
