//! The real server on real mounts. Needs root, `/dev/fuse` and a kernel that offers FUSE_ASYNC_DIO; what is
//! missing makes the tests fail.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod actions;
mod aio;
mod behave;
mod callers;
mod control;
mod data;
mod device;
mod faults;
mod files;
mod flags;
mod fsx;
mod harness;
mod helper;
mod lists;
mod locks;
mod log;
mod model;
mod mounting;
mod names;
mod null_storage;
mod order;
mod passthrough;
mod ring;
mod settings;
mod stacked;
mod statx;
mod timeouts;
mod tree;
mod trees;
mod users;
