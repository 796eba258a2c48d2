//! A load tool for Linux' native asynchronous I/O, after C. Mason's `aio-stress` 0.21.

pub mod aio;
pub mod buffers;
pub mod close;
pub mod document;
pub mod help;
pub mod latency;
pub mod operation;
pub mod options;
pub mod plan;
pub mod random;
pub mod report;
pub mod run;
pub mod size;
pub mod stage;
pub mod tally;
pub mod target;
pub mod worker;
