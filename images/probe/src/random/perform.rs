//! Runs a sequence on fresh files and notes what was seen.

mod aio;
mod files;
mod memory;
mod queue;
mod queues;
mod ring;
#[cfg(test)]
mod tests;
mod worker;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use anyhow::{Context as _, bail};

use super::conditions::Conditions;
use super::content::{self, UNTOUCHED};
use super::history::{Completion, History, Seen, View};
use super::operation::{Action, By, DrawnOperation, FileName, LARGEST, Step, Way};
use super::sequence::Sequence;
use super::subject::Subject;
use files::Files;
use memory::Memory;
use queue::Reaped;
use queues::Queues;
pub(crate) use ring::is_there as has_uring;
use worker::{EventCounter, Finished, Task, Worker};

/// How long a request may take that the server answers in some milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whoever changes how the server behaves.
pub(crate) trait Server {
    /// The server behaves so from now on.
    ///
    /// # Errors
    /// If it does not take that.
    fn behave(&mut self, conditions: &Conditions) -> anyhow::Result<()>;
}

/// A mount, what is below it, and the server between.
pub(crate) struct Ground<'a> {
    mount: PathBuf,
    storage: PathBuf,
    server: &'a mut dyn Server,
    runs: u32,
    /// Something never ended: nothing more can be run here.
    stuck: bool,
}

impl<'a> Ground<'a> {
    /// On these folders.
    pub(crate) fn new(mount: &Path, storage: &Path, server: &'a mut dyn Server) -> Self {
        Ground { mount: mount.to_owned(), storage: storage.to_owned(), server, runs: 0, stuck: false }
    }
}

impl Subject for Ground<'_> {
    fn run(&mut self, sequence: &Sequence) -> anyhow::Result<History> {
        if self.stuck {
            bail!("a request of an earlier run never ended");
        }
        self.runs += 1;
        // What an earlier run left behind has nothing to do with this one.
        self.server.behave(&Conditions::PLAIN)?;
        let files = Arc::new(Files::create(&self.mount, &self.storage, self.runs)?);
        let mut run = Run::new(files)?;
        for (place, step) in sequence.0.iter().enumerate() {
            run.step(place, step, self.server).with_context(|| format!("step {}, `{step}`", place + 1))?;
            if run.stuck {
                break;
            }
        }
        if !run.stuck {
            run.wait()?;
        }
        self.stuck = run.stuck;
        if self.stuck {
            // The kernel may still write to it.
            std::mem::forget(run.files.clone());
        } else {
            // Whoever runs next may give its files the same names, and these have to be gone then.
            std::mem::take(&mut run.threads).into_values().for_each(Worker::end);
        }
        self.server.behave(&Conditions::PLAIN)?;
        Ok(run.history)
    }

    fn can_go_on(&self) -> bool {
        !self.stuck
    }
}

/// A run that is under way.
struct Run {
    files: Arc<Files>,
    counter: Arc<EventCounter>,
    threads: BTreeMap<u8, Worker>,
    finished: Receiver<Finished>,
    finish: Sender<Finished>,
    /// Operations that threads have not finished.
    with_threads: usize,
    queues: Queues,
    /// The steps that wrote to each file so far.
    writers: [Vec<usize>; 2],
    history: History,
    stuck: bool,
}

impl Run {
    fn new(files: Arc<Files>) -> anyhow::Result<Self> {
        let (finish, finished) = mpsc::channel();
        Ok(Run {
            files,
            counter: Arc::default(),
            threads: BTreeMap::new(),
            finished,
            finish,
            with_threads: 0,
            queues: Queues::new().context("making a context for asynchronous requests")?,
            writers: [Vec::new(), Vec::new()],
            history: History::default(),
            stuck: false,
        })
    }

    fn step(&mut self, place: usize, step: &Step, server: &mut dyn Server) -> anyhow::Result<()> {
        match step {
            Step::DrawnOperation(operation) => self.operation(place, operation),
            Step::Reap(least) => self.reap(usize::from(*least)),
            Step::Wait => self.wait(),
            Step::Compare => self.compare(place, server),
            Step::Behave(conditions) => {
                let begin = self.counter.next();
                server.behave(conditions)?;
                self.note(place, begin, Seen::Done);
                Ok(())
            }
        }
    }

    fn operation(&mut self, step: usize, operation: &DrawnOperation) -> anyhow::Result<()> {
        let Some(operation) = self.settled(operation)? else {
            if !self.stuck {
                let begin = self.counter.next();
                self.note(step, begin, Seen::Done);
            }
            return Ok(());
        };
        let task = self.task(step, operation);
        match operation.by {
            By::Main => {
                let finished = worker::perform(&self.files, &self.counter, task);
                self.take(finished);
            }
            By::Thread(number) => self.hand_over(number, task)?,
            By::Aio | By::Uring => {
                while self.queues.is_full(operation.by) && !self.stuck {
                    self.reap(1)?;
                }
                if !self.stuck
                    && let Some(refused) = self.queues.submit(&self.files, &self.counter, task)?
                {
                    self.take(refused);
                }
            }
        }
        Ok(())
    }

    /// The operation with the place that it has now, where that depends on the size; none if nothing is left to do.
    fn settled(&mut self, operation: &DrawnOperation) -> anyhow::Result<Option<DrawnOperation>> {
        let mut settled = *operation;
        if matches!(operation.action, Action::Append | Action::Store) {
            self.wait()?;
            if self.stuck {
                return Ok(None);
            }
        }
        let size = || self.files.file(operation.file).size().context("asking for the size");
        match operation.action {
            Action::Append => {
                settled.at = size()?;
                settled.length = settled.length.min(LARGEST.saturating_sub(settled.at));
            }
            Action::Load | Action::Store => {
                let end = self.files.file(operation.file).end_in_kernel().context("asking for the end")?;
                settled.length = settled.length.min(end.saturating_sub(settled.at));
            }
            Action::Read
            | Action::Write
            | Action::Msync
            | Action::Truncate
            | Action::Allocate
            | Action::Punch
            | Action::Fsync
            | Action::Drop
            | Action::Stat
            | Action::Seek => {}
        }
        let nothing = settled.action.has_range() && settled.length == 0;
        Ok((!nothing).then_some(settled))
    }

    fn task(&mut self, step: usize, operation: DrawnOperation) -> Task {
        let needs_memory =
            operation.action.transfers() || matches!(operation.action, Action::Load | Action::Store);
        let length = if needs_memory { operation.length } else { 0 };
        let mut memory = Memory::new(length, operation.skew, UNTOUCHED);
        if operation.action.writes() {
            content::fill(memory.bytes_mut(), operation.at, step);
            let [a, b] = &mut self.writers;
            match operation.file {
                FileName::A => a.push(step),
                FileName::B => b.push(step),
            }
        }
        Task { step, operation, memory }
    }

    fn hand_over(&mut self, number: u8, task: Task) -> anyhow::Result<()> {
        let thread = match self.threads.get(&number) {
            Some(thread) => thread,
            None => {
                let thread = worker::start(self.files.clone(), self.counter.clone(), self.finish.clone());
                self.threads.entry(number).or_insert(thread.context("starting a thread")?)
            }
        };
        thread.send(task).context("a thread has ended")?;
        self.with_threads += 1;
        Ok(())
    }

    /// Waits for so many asynchronous requests, if so many are under way.
    fn reap(&mut self, least: usize) -> anyhow::Result<()> {
        let waited = self.queues.reap(&self.counter, least, PATIENCE)?;
        self.stuck |= waited.is_stuck;
        for one in waited.reaped {
            match one {
                Reaped::Finished(finished) => self.take(*finished),
                Reaped::Again { step, at } => {
                    self.history.completions.push(Completion {
                        step,
                        begin: at,
                        end: at,
                        result: Seen::Done,
                    });
                }
            }
        }
        Ok(())
    }

    /// Waits for everything.
    fn wait(&mut self) -> anyhow::Result<()> {
        while self.with_threads > 0 && !self.stuck {
            match self.finished.recv_timeout(PATIENCE) {
                Ok(finished) => {
                    self.with_threads -= 1;
                    self.take(finished);
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => self.stuck = true,
            }
        }
        while !self.queues.is_empty() && !self.stuck {
            self.reap(usize::MAX)?;
        }
        Ok(())
    }

    /// Notes what came of an operation.
    fn take(&mut self, finished: Finished) {
        let Finished { task: Task { step, operation, memory }, begin, end, result } = finished;
        let range = operation.range();
        let result = match (result, operation.action) {
            (Err(error), _) => Seen::Failed(error.raw_os_error().unwrap_or(libc::EIO)),
            (Ok(count), Action::Read | Action::Load) => {
                let bytes = memory.bytes();
                let bytes = bytes.get(..count as usize).unwrap_or(bytes);
                let runs = content::decode(bytes, operation.at, self.writers(operation.file));
                Seen::Read { range, count, runs }
            }
            (Ok(count), Action::Write | Action::Append | Action::Store) => Seen::Wrote { range, count },
            (Ok(size), Action::Stat | Action::Seek) => Seen::Size(size),
            (
                Ok(_),
                Action::Msync
                | Action::Truncate
                | Action::Allocate
                | Action::Punch
                | Action::Fsync
                | Action::Drop,
            ) => Seen::Done,
        };
        self.history.completions.push(Completion { step, begin, end, result });
    }

    fn compare(&mut self, step: usize, server: &mut dyn Server) -> anyhow::Result<()> {
        self.wait()?;
        if self.stuck {
            return Ok(());
        }
        // What a fault did is looked at with a server that has none.
        server.behave(&Conditions::PLAIN)?;
        let begin = self.counter.next();
        let views = [FileName::A, FileName::B].map(|file| self.view(file));
        let views = views.into_iter().collect::<anyhow::Result<_>>()?;
        self.note(step, begin, Seen::Compared(views));
        Ok(())
    }

    fn view(&self, name: FileName) -> anyhow::Result<View> {
        let file = self.files.file(name);
        // What was stored to memory is in the storage after that.
        let sync = DrawnOperation::plain(Action::Fsync, name, 0, 0);
        let mut memory = Memory::new(LARGEST, 0, UNTOUCHED);
        file.perform(&sync, &mut memory).context("fsync")?;
        let size = file.size().context("asking for the size")?;
        let mut read = |way: Way| -> anyhow::Result<Vec<u8>> {
            let read = DrawnOperation { way, ..DrawnOperation::plain(Action::Read, name, 0, LARGEST) };
            let count =
                file.perform(&read, &mut memory).with_context(|| format!("reading {}", way.word()))?;
            Ok(memory.bytes().get(..count as usize).unwrap_or_default().to_vec())
        };
        let (buffered, direct) = (read(Way::Buffered)?, read(Way::Direct)?);
        let stored =
            std::fs::read(&file.stored).with_context(|| format!("reading {}", file.stored.display()))?;
        if buffered != stored {
            // If that was allowed, it is not any more once all sides are known.
            let mut none = Memory::new(0, 0, UNTOUCHED);
            file.perform(&DrawnOperation::plain(Action::Drop, name, 0, 0), &mut none)
                .context("dropping pages")?;
        }
        let lengths = [&direct, &buffered, &stored].map(|bytes| bytes.len() as u64);
        let decoded = |bytes: &[u8]| content::decode(bytes, 0, self.writers(name));
        let (direct, buffered, stored) = (decoded(&direct), decoded(&buffered), decoded(&stored));
        Ok(View { file: name, size, direct, buffered, stored, lengths })
    }

    fn writers(&self, file: FileName) -> &[usize] {
        let [a, b] = &self.writers;
        match file {
            FileName::A => a,
            FileName::B => b,
        }
    }

    fn note(&mut self, step: usize, begin: u64, result: Seen) {
        let end = self.counter.next();
        self.history.completions.push(Completion { step, begin, end, result });
    }
}
