//! A load tool for Linux' native asynchronous I/O, after C. Mason's `aio-stress` 0.21.

pub mod aio;
pub mod buffers;
mod close;
pub mod document;
pub mod help;
mod latency;
pub mod operation;
pub mod options;
pub mod plan;
mod random;
mod report;
pub mod run;
mod size;
pub mod stage;
mod tally;
pub mod target;
pub mod worker;
