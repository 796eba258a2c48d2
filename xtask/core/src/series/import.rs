//! From mails, as they came, to the patches of one series.

mod body;
mod complete;
pub mod mail;
pub mod mbox;
pub mod select;
mod sorted;
pub mod subject;
pub mod write;
