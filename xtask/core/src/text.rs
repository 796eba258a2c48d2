//! Words, names, architectures, digests and lines of a kernel configuration: what every stage uses.

pub mod arch;
pub mod digest;
pub mod escape;
pub(crate) mod fields;
pub mod kconfig;
pub mod layout;
pub mod name;
pub mod suggest;
