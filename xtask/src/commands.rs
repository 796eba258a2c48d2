//! The commands, each a short story in the order of what happens.

/// What a command returns that could not tell, as opposed to what it found.
pub const CANNOT_TELL: u8 = 2;

pub mod bench;
pub mod build_kernel;
pub mod ci;
pub mod cli;
pub mod compare;
pub mod doctor;
mod each_patch;
pub mod import_series;
pub mod run_lab;
