//! What the lab prints: results on standard output, progress on standard error.
//!
//! A reader may go, and a disk may be full. Neither stops the work: progress that nobody can read is dropped, and a result
//! that cannot be written is an error like any other. `println!` would panic.

pub(crate) mod ask;
mod manner;
pub mod progress;

use std::fmt;
use std::io::{self, IsTerminal as _, Write};

use anstream::{AutoStream, ColorChoice};
use lab_core::text::escape::escape_for_terminal;

pub use manner::{Consent, Manner, Verbosity};
pub use progress::{close, close_on_panic};

use super::called::as_called;

/// Standard output did not take a result.
#[derive(Debug)]
pub struct Unwritable(io::Error);

impl Unwritable {
    /// Whether whoever read has seen enough and gone, as `head` does.
    pub fn reader_has_gone(&self) -> bool {
        self.0.kind() == io::ErrorKind::BrokenPipe
    }
}

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "writing to standard output: {}; what was computed and stored before is kept", self.0)
    }
}

impl std::error::Error for Unwritable {}

/// Prints a result as it is, to the last byte.
///
/// # Errors
/// [`Unwritable`].
pub fn print(text: &str) -> Result<(), Unwritable> {
    let print = || print_to(&mut io::stdout().lock(), text);
    // Then both outputs may be one terminal.
    if io::stdout().is_terminal() { progress::without_lines(print) } else { print() }
}

/// Prints a result that is the answer to somebody, with colours if that is a terminal that has them and wants them.
///
/// # Errors
/// [`Unwritable`].
pub fn print_answer(text: &str, painted: impl FnOnce(&str) -> String) -> Result<(), Unwritable> {
    let text = as_called(text);
    match AutoStream::choice(&io::stdout()) {
        ColorChoice::Never => print(&text),
        ColorChoice::Auto | ColorChoice::Always | ColorChoice::AlwaysAnsi => print(&painted(&text)),
    }
}

fn print_to(output: &mut impl Write, text: &str) -> Result<(), Unwritable> {
    output.write_all(text.as_bytes()).and_then(|()| output.flush()).map_err(Unwritable)
}

/// Says a line about what is going on, if anybody can read it and wants to.
pub fn tell(line: &str) {
    match Manner::chosen().verbosity {
        Verbosity::Quiet => {}
        Verbosity::Normal | Verbosity::Verbose => warn(line),
    }
}

/// Says a line that the user has to know, if anybody can read it.
pub fn warn(line: &str) {
    // One write, so that lines of several threads stay whole.
    let line = as_called(line);
    progress::without_lines(|| drop(io::stderr().lock().write_all(format!("{line}\n").as_bytes())));
}

/// Says a line that only those want to know who look at the lab itself. It may hold what programs print.
pub(crate) fn detail(line: impl FnOnce() -> String) {
    match Manner::chosen().verbosity {
        Verbosity::Quiet | Verbosity::Normal => {}
        Verbosity::Verbose => warn(&escape_for_terminal(&line())),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::BufWriter;

    use super::*;

    #[test]
    fn a_full_disk_and_a_reader_that_has_gone_are_told_apart() {
        // Small enough to stay in the buffer until it is flushed.
        let mut full = BufWriter::new(File::options().write(true).open("/dev/full").unwrap());
        let error = print_to(&mut full, "text\n").unwrap_err();
        assert!(!error.reader_has_gone());
        assert!(
            error.to_string().starts_with("writing to standard output: No space left on device"),
            "{error}"
        );
        let (reader, mut writer) = io::pipe().unwrap();
        drop(reader);
        assert!(print_to(&mut writer, "text\n").unwrap_err().reader_has_gone());
        drop(full.into_parts());
    }
}
