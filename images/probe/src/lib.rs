//! Behaviour probes: small cases on a FUSE mount, each with what its caller saw and what its server saw.
//!
//! The program starts servers by itself, runs each probe in a child with a deadline, and writes what came of it to its
//! standard output, one [`lab_protocol::ProbeLine`] a line. What a probe saw is a sentence; whether that is right is said by
//! a table of `images/probe/expected/`. What no kernel may do is a fault, whatever a table says.
//!
//! A group of probes is a file below `groups/` and a line in `groups.rs`.

mod apart;
pub mod args;
pub mod child;
mod clock;
mod expected;
pub mod fixture;
pub mod groups;
mod health;
mod iocb;
mod memory;
pub mod mounted;
pub mod observe;
mod outcome;
mod pages;
pub mod probe;
pub mod random;
mod requests;
pub mod runner;
pub mod sandbox;
pub mod stage;
mod stored;
mod trials;
mod uring;
mod view;
mod vmstat;
