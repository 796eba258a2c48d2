//! The watch over the process that tries the cases: how long, and what went wrong in it.

use std::fmt;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use xtask::lab::interrupt::Interrupt;
use xtask::lab::process::tied;

use crate::worker::{Note, Task, Work};

/// A case that takes longer hangs: the slowest one that was seen took a second, on a busy machine.
const HANG: Duration = Duration::from_secs(20);

/// How often the watch looks.
const INTERVAL: Duration = Duration::from_millis(20);

/// The option that makes this program a worker.
pub const AS_WORKER: &str = "--as-worker";

/// What a case did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A panic: where, and what it said.
    Panic {
        /// File, line and column.
        place: String,
        /// The message.
        words: String,
    },
    /// It did not come back within [`HANG`].
    Hang,
    /// Its process ended in another way: a signal, or memory that was not given.
    Ended(String),
}

impl Fault {
    /// Whether it is most likely the same one.
    pub fn is_like(&self, other: &Fault) -> bool {
        match (self, other) {
            (Fault::Panic { place, .. }, Fault::Panic { place: other, .. }) => place == other,
            (one, other) => one == other,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Panic { place, words } => write!(f, "panicked at {place}: {words}"),
            Fault::Hang => write!(f, "took longer than {} s", HANG.as_secs()),
            Fault::Ended(words) => write!(f, "ended the process: {words}"),
        }
    }
}

/// How a run ended.
pub struct Watched {
    /// How far it came.
    pub note: Note,
    /// What went wrong in the case with the note's number.
    pub fault: Option<Fault>,
    /// How long it ran.
    pub time: Duration,
}

/// The processes of one run, with a folder for their files.
pub struct Workers {
    program: PathBuf,
    target: String,
    folder: tempfile::TempDir,
    interrupt: Interrupt,
}

impl Workers {
    /// For the target of this name; `program` is what is started.
    ///
    /// # Errors
    /// If there is no room for files.
    pub fn new(program: &Path, target: &str) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("making a temporary folder")?;
        let interrupt = Interrupt::of_process();
        Ok(Workers { program: program.to_owned(), target: target.to_owned(), folder, interrupt })
    }

    /// Tries cases for a time, or until one fails.
    ///
    /// # Errors
    /// If the process cannot be started, does not come to its first case, or a signal came.
    pub fn cases(&self, seed: u64, more: &[PathBuf], limit: Duration) -> anyhow::Result<Watched> {
        let notes = self.folder.path().join("notes");
        let work = Work::Cases { seed, more: more.to_vec(), notes: notes.clone() };
        let mut worker = self.start(work)?;
        let begun = Instant::now();
        let note = || fs::read(&notes).ok().and_then(|bytes| Note::of_bytes(&bytes));
        let (mut last, mut since) = (note(), begun);
        loop {
            self.interrupt.check()?;
            let ended = worker.child.try_wait().context("waiting for the cases")?;
            let now = note();
            if now != last {
                (last, since) = (now, Instant::now());
            }
            let time = begun.elapsed();
            if let Some(status) = ended {
                let note = last.with_context(|| format!("before the first case: {}", self.said()))?;
                return Ok(Watched { note, fault: Some(self.fault(status)), time });
            }
            // Reading the inputs is no case.
            if let Some(note) = last.filter(|_| since.elapsed() >= HANG || time >= limit) {
                let fault = (since.elapsed() >= HANG).then_some(Fault::Hang);
                return Ok(Watched { note, fault, time });
            }
            std::thread::sleep(INTERVAL);
        }
    }

    /// Tries one case.
    ///
    /// # Errors
    /// If the process cannot be started, or a signal came.
    pub fn one(&self, case: &[u8]) -> anyhow::Result<Option<Fault>> {
        let path = self.folder.path().join("case");
        fs::write(&path, case).context("writing the case")?;
        let mut worker = self.start(Work::One(path))?;
        let begun = Instant::now();
        loop {
            self.interrupt.check()?;
            if let Some(status) = worker.child.try_wait().context("waiting for the case")? {
                return Ok((!status.success()).then(|| self.fault(status)));
            }
            if begun.elapsed() >= HANG {
                return Ok(Some(Fault::Hang));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn start(&self, work: Work) -> anyhow::Result<Worker> {
        let task =
            serde_json::to_string(&Task { target: self.target.clone(), work }).context("naming the work")?;
        let said = File::create(self.folder.path().join("said")).context("making a file for messages")?;
        let mut command = tied::command(&self.program);
        command.args([AS_WORKER, &task]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(said);
        let child = command.spawn().with_context(|| format!("starting {}", self.program.display()))?;
        Ok(Worker { child })
    }

    fn said(&self) -> String {
        let bytes = fs::read(self.folder.path().join("said")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn fault(&self, status: ExitStatus) -> Fault {
        let said = self.said();
        match (status.signal(), panic(&said)) {
            (None, Some((place, words))) => Fault::Panic { place, words },
            (_, _) => {
                let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
                Fault::Ended(format!("{status}: {last}"))
            }
        }
    }
}

/// Place and words of the first panic in what a program said.
fn panic(said: &str) -> Option<(String, String)> {
    let (_, rest) = said.split_once(" panicked at ")?;
    let (place, words) = rest.split_once(":\n")?;
    let end =
        words.find("\nnote: run with").or_else(|| words.find("\nstack backtrace")).unwrap_or(words.len());
    Some((place.to_owned(), words[..end].trim_end().to_owned()))
}

/// Ended when nobody watches it any more.
struct Worker {
    child: Child,
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_panic() {
        let said = "\nthread '<unnamed>' (7) panicked at xtask/core/src/a.rs:12:5:\nassertion `left == right` failed\n  left: 1\n \
                    right: 2\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n";
        let (place, words) = panic(said).unwrap();
        assert_eq!(place, "xtask/core/src/a.rs:12:5");
        assert_eq!(words, "assertion `left == right` failed\n  left: 1\n right: 2");
        assert_eq!(panic("memory allocation of 9 bytes failed\n"), None);
    }
}
