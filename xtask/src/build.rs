//! What is built before anything boots: source, kernels, image.

mod bases;
pub mod image;
pub mod kernel;
pub mod kernels;
pub(crate) mod mutants;
pub(crate) mod profiler;
pub mod source;
pub(crate) mod unbuilt;
