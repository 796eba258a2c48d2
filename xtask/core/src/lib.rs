//! What the lab decides, apart from what it does: plans, evidence, series as text, comparisons, reports.
//!
//! Nothing here acts: there is no file, process, network, environment or clock, so that everything can be tested with
//! text in and text out. The folders are stages; each uses only those above it in this list.

#![deny(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "they panic when nobody reads; what decides prints nothing"
)]

pub mod text;

pub mod evidence;
pub mod kbuild;

pub mod plan;
pub mod series;

pub mod campaign;

pub mod comparison;

pub mod report;

#[cfg(any(test, feature = "fixtures"))]
pub mod fixtures;
