//! The lab: what it does on this machine, from `lab.toml` and `kernel-patches/` to records and reports. What it decides
//! is in `lab-core`.
//!
//! The folders are stages; each uses only those above it in this list.

#![deny(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "they panic when nobody reads; lab/output.rs does not"
)]

pub mod lab;

pub mod machine;
pub mod series;

pub mod campaign;

pub mod build;

pub mod commands;
