//! What a boot said, and what it says about the kernel.

pub mod build;
pub mod capture;
pub mod hang;
pub mod klog;
pub mod known;
pub mod metric;
pub mod outcome;
pub mod output;
pub mod probes;
pub mod profile;
pub mod quiet;
pub mod source_lines;
pub mod symbols;
pub mod time_left;
