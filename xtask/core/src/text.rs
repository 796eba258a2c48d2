//! Words, names and digests: what every stage uses.

pub mod digest;
pub mod escape;
pub(crate) mod fields;
pub mod layout;
pub mod name;
pub mod suggest;
