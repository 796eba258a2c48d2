//! Ctrl-C and SIGTERM. The first ends whatever runs: at once where nothing has to be saved, else in order. The second ends
//! the lab at once.
//!
//! Whoever waits for something looks at [`Interrupt::is_set`] meanwhile. What does not, is ended after a grace period: files
//! are whole or absent, and what the lab has started ends with it.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use anyhow::Context as _;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::called;

/// How long what is under way may take to end in order: QEMU and the tree of a build have three seconds each.
const GRACE: Duration = Duration::from_secs(10);

/// The signals that come to this process.
static OF_PROCESS: LazyLock<Interrupt> = LazyLock::new(Interrupt::default);

/// Whether the user asked to stop.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// Zero before one came.
    signal: AtomicI32,
    has_to_save: AtomicBool,
}

/// The error of work that a signal ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

impl Interrupt {
    /// That of this process.
    pub fn of_process() -> Self {
        OF_PROCESS.clone()
    }

    /// Listens to SIGINT and SIGTERM. `tell` gets the signal that ends the process from here.
    ///
    /// # Errors
    /// If the handlers cannot be installed.
    pub fn listen(tell: fn(i32)) -> anyhow::Result<()> {
        let mut signals = Signals::new([SIGINT, SIGTERM]).context("installing the handler for Ctrl-C")?;
        std::thread::spawn(move || {
            for signal in signals.forever() {
                match OF_PROCESS.take(signal) {
                    Ending::Now => end(signal, tell),
                    Ending::InOrder => drop(std::thread::spawn(move || {
                        std::thread::sleep(GRACE);
                        end(signal, tell);
                    })),
                }
            }
        });
        Ok(())
    }

    /// From now on the first signal leaves time to save what is under way.
    pub fn has_to_save(&self) {
        self.0.has_to_save.store(true, Ordering::Relaxed);
    }

    /// What a signal that came does.
    fn take(&self, signal: i32) -> Ending {
        let is_first =
            self.0.signal.compare_exchange(0, signal, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        match is_first && self.0.has_to_save.load(Ordering::Relaxed) {
            true => Ending::InOrder,
            false => Ending::Now,
        }
    }

    /// As if a signal had come.
    #[cfg(test)]
    pub(crate) fn set(&self) {
        self.0.signal.store(SIGINT, Ordering::Relaxed);
    }

    /// The signal that came first; none before.
    pub fn signal(&self) -> Option<i32> {
        Some(self.0.signal.load(Ordering::Relaxed)).filter(|signal| *signal != 0)
    }

    /// Whether a signal came.
    pub fn is_set(&self) -> bool {
        self.signal().is_some()
    }

    /// Goes on only if no signal came.
    ///
    /// # Errors
    /// If one came.
    pub fn check(&self) -> Result<(), Interrupted> {
        if self.is_set() { Err(Interrupted) } else { Ok(()) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Now,
    InOrder,
}

fn end(signal: i32, tell: fn(i32)) -> ! {
    tell(signal);
    std::process::exit(exit_code(signal).into());
}

/// As shells give it of a program that a signal ended: 130 for SIGINT, 143 for SIGTERM.
pub fn exit_code(signal: i32) -> u8 {
    u8::try_from(signal).map_or(u8::MAX, |signal| 128_u8.saturating_add(signal))
}

/// What is said when a signal has ended `command`, whatever it was doing.
pub(crate) fn sentence(signal: i32, command: &str) -> String {
    let name = match signal {
        SIGINT => "Ctrl-C (SIGINT)".to_owned(),
        SIGTERM => "SIGTERM".to_owned(),
        other => format!("signal {other}"),
    };
    format!("interrupted by {name}; what was finished is kept; to go on: {command}")
}

/// The command that does again what this process does.
pub(crate) fn command_text() -> String {
    let arguments = std::env::args().skip(1).map(|argument| match argument.contains(char::is_whitespace) {
        true => format!("'{argument}'"),
        false => argument,
    });
    [called::name().to_owned()].into_iter().chain(arguments).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_signal_leaves_time_to_save_and_the_second_none() {
        let interrupt = Interrupt::default();
        assert_eq!((interrupt.signal(), interrupt.check()), (None, Ok(())));
        interrupt.has_to_save();
        assert_eq!(interrupt.take(SIGTERM), Ending::InOrder);
        assert_eq!(interrupt.take(SIGINT), Ending::Now);
        // The first one is what ended it.
        assert_eq!((interrupt.signal(), interrupt.check()), (Some(SIGTERM), Err(Interrupted)));
        assert_eq!(Interrupt::default().take(SIGINT), Ending::Now, "nothing is to be saved");
    }

    #[test]
    fn one_sentence_and_the_codes_of_shells() {
        assert_eq!((exit_code(SIGINT), exit_code(SIGTERM)), (130, 143));
        assert_eq!(
            sentence(SIGINT, "cargo xtask ci"),
            "interrupted by Ctrl-C (SIGINT); what was finished is kept; to go on: cargo xtask ci"
        );
    }
}
