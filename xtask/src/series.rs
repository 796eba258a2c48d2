//! Series as folders and repositories: loading and importing.

pub mod import;
mod load;

pub(crate) use load::load;
