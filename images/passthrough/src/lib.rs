//! A FUSE server that passes a folder through, made for measuring the kernel's side of FUSE.
//!
//! Each of its threads receives a request, serves it from start to end, and answers it; what is served at once
//! is capped by the number of threads. `device` is how it talks to the kernel. [`session`] is the way in.

mod acting;
mod actions;
#[cfg(feature = "fuzz")]
pub mod apart;
pub mod args;
mod attributes;
mod backing;
mod behave;
mod burn;
mod callers;
mod clock;
mod data;
pub mod detached;
mod device;
mod directory;
mod extent;
mod fault;
mod handles;
pub mod helper;
mod inodes;
mod ioctl;
mod knobs;
mod log;
mod model;
mod negotiate;
mod notify;
mod null_storage;
mod observe;
mod open;
mod order;
mod privileges;
mod random;
mod requests;
mod rings;
mod server;
pub mod session;
pub mod settings;
mod signals;
mod stateless;
mod stats;
mod storage;
mod terminal;
mod transport;
mod tree;
