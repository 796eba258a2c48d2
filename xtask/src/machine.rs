//! The machine that the lab runs on, and the virtual machine that it boots.

pub(crate) mod accel;
pub mod boot;
mod firmware;
pub(crate) mod guest;
pub mod host;
pub(crate) mod memory;
pub(crate) mod packages;
pub mod quiet;
