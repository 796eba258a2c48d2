//! A comparison in the forms in which people and programs read it.

pub mod across;
mod evidence;
pub mod json;
pub mod mail;
pub(crate) mod patches;
mod scenario;
mod steps;
pub mod table;
pub(crate) mod text;

#[cfg(test)]
mod tests;
