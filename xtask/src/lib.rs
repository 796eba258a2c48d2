//! The lab: from `lab.toml` and `kernel-patches/` to a comparison of booted kernels.
//!
//! The modules stand in the order in which data flows through them; those behind the empty line at the end
//! serve all.

pub mod checkout;
pub mod cli;
pub mod host;

pub mod config;
pub mod plan;

pub mod cache;
pub mod digest;
pub mod files;

pub mod kernel;
pub mod series;
pub mod source;

pub mod image;

pub mod accel;
pub mod boot;
pub mod execute;
pub mod quiet;

pub mod outcome;
pub mod record;

pub mod campaign;
pub mod comparison;
pub mod klog;
pub mod metric;
pub mod output;
pub mod report;
pub mod timeline;

pub mod bench;
pub mod build_kernel;
pub mod ci;
pub mod compare;
pub mod doctor;
mod each_patch;
pub mod import;
pub mod lab;
pub mod run_lab;
pub mod self_test;
pub mod stopwatch;
pub mod suggest;
