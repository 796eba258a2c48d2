//! The program on real files.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod failures;
mod harness;
mod json;
mod order;
mod program;
