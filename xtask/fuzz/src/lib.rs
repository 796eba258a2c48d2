//! Each reader of foreign text, tried with damaged inputs.
//!
//! Inputs are real ones - captures, mails, records, frames - that are damaged in the way of their form: lines are moved, numbers
//! are taken to their edges, digests are mended after it. A case follows from target, seed and number alone. There is no
//! coverage guidance: on a stable compiler nothing tells which code a case reached.

pub mod cases;
pub mod draw;
pub mod inputs;
pub mod memory;
mod mutate;
pub mod parts;
pub mod shrink;
pub mod targets;
pub mod watch;
pub mod worker;
