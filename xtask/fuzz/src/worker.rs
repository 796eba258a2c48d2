//! What tries the cases: a process of its own, since one may end it, take its memory, or never come back.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::cases::{Cases, attempt};
use crate::inputs::Checkout;
use crate::targets;

/// How much stack a reader has: that of a thread in the lab.
const STACK_BYTES: usize = 2 << 20;

/// What a worker does.
#[derive(Debug, Serialize, Deserialize)]
pub struct Task {
    /// The target's name.
    pub target: String,
    /// What is tried.
    pub work: Work,
}

/// What is tried.
#[derive(Debug, Serialize, Deserialize)]
pub enum Work {
    /// Case after case, without end.
    Cases {
        /// What they are drawn from.
        seed: u64,
        /// Inputs beside the target's own.
        more: Vec<PathBuf>,
        /// Where it notes how far it is: a [`Note`].
        notes: PathBuf,
    },
    /// What is in this file.
    One(PathBuf),
}

/// How far a worker is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Note {
    /// The case that is being tried, from 0, which is how many were tried.
    pub number: u64,
    /// The most memory that one took, bytes.
    pub most_bytes: u64,
    /// The longest time that one took, nanoseconds.
    pub longest_ns: u64,
}

impl Note {
    fn bytes(self) -> [u8; 24] {
        let mut bytes = [0; 24];
        let words = [self.number, self.most_bytes, self.longest_ns];
        bytes
            .chunks_exact_mut(8)
            .zip(words)
            .for_each(|(place, word)| place.copy_from_slice(&word.to_le_bytes()));
        bytes
    }

    /// Reads what a worker noted; none before the first case.
    pub fn of_bytes(bytes: &[u8]) -> Option<Note> {
        let word = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
        Some(Note { number: word(0)?, most_bytes: word(8)?, longest_ns: word(16)? })
    }
}

/// Does the task, in a thread that has the stack of one of the lab's.
///
/// # Errors
/// If the inputs cannot be read.
///
/// # Panics
/// If a case fails.
pub fn run(task: Task) -> anyhow::Result<()> {
    let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
    // A case that ends the process leaves what it leaves in its input.
    rustix::process::setrlimit(rustix::process::Resource::Core, none).context("switching core dumps off")?;
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(move || tried(&task));
    match thread.context("starting a thread")?.join() {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

fn tried(task: &Task) -> anyhow::Result<()> {
    let target =
        targets::named(&task.target).with_context(|| format!("there is no target {}", task.target))?;
    match &task.work {
        Work::One(path) => {
            let case = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
            attempt(target, &case);
            Ok(())
        }
        Work::Cases { seed, more, notes } => {
            let more = more.iter().map(|path| crate::inputs::at(path)).collect::<anyhow::Result<Vec<_>>>()?;
            let cases = Cases::new(target, *seed, &Checkout::of_package(), more.concat())?;
            let file = File::create(notes).with_context(|| format!("making {}", notes.display()))?;
            let mut note = Note::default();
            loop {
                file.write_all_at(&note.bytes(), 0).context("noting the case")?;
                let case = cases.case(note.number);
                let begun = Instant::now();
                note.most_bytes = note.most_bytes.max(attempt(target, &case) as u64);
                let took = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
                note.longest_ns = note.longest_ns.max(took);
                note.number += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written() {
        let note = Note { number: 1, most_bytes: u64::MAX, longest_ns: 3 };
        assert_eq!(Note::of_bytes(&note.bytes()), Some(note));
        assert_eq!(Note::of_bytes(&note.bytes()[..23]), None);
    }
}
