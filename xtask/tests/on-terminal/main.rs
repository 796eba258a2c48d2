//! The lab on a terminal: a pseudo-terminal, whose screen is read as a user reads it.

mod asking;
mod machine;
mod progress;
mod terminal;
