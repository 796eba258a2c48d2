//! The machine that the lab runs on, and the virtual machine that it boots.

pub(crate) mod accel;
pub mod accelerator;
pub mod boot;
pub(crate) mod firmware;
pub(crate) mod guest;
pub mod host;
mod install;
pub(crate) mod memory;
pub mod need;
pub(crate) mod packages;
pub(crate) mod platform;
pub mod quiet;
pub(crate) mod terminal;
