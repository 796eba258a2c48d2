//! Random operations: see [`crate::random`].

pub(super) use crate::random::probes;
