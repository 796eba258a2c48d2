//! From mails, as they came, to the patches of one series.

mod author;
mod body;
mod charset;
mod complete;
mod date;
mod form;
mod groups;
mod header;
mod log;
pub mod mail;
pub mod mbox;
mod message;
mod mime;
pub mod numbers;
mod plain;
pub mod queue;
pub mod reader;
pub mod select;
mod sorted;
pub mod subject;
mod wish;
pub mod write;
