//! What is built before anything boots: source, kernels, image.

pub(crate) mod again;
mod bases;
pub(crate) mod cargo;
pub(crate) mod fitting;
pub mod image;
pub mod kernel;
pub mod kernels;
pub mod libfuse;
pub(crate) mod library;
pub(crate) mod loaded;
pub(crate) mod mutants;
mod options;
pub(crate) mod profiler;
pub mod source;
mod target;
pub(crate) mod unbuilt;
