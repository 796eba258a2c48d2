//! A comparison in the forms in which people and programs read it.

pub mod across;
mod evidence;
pub mod json;
pub mod mail;
pub mod patches;
mod scenario;
pub mod self_test;
mod steps;
pub mod table;
mod text;
pub mod timeline;

#[cfg(test)]
mod tests;
