//! The threads beside the main one.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SendError, Sender};
use std::thread::{self, JoinHandle};

use super::files::Files;
use super::memory::Memory;
use crate::random::operation::DrawnOperation;

/// What a thread is to do.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) step: usize,
    pub(super) operation: DrawnOperation,
    pub(super) memory: Memory,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) task: Task,
    pub(super) begin: u64,
    pub(super) end: u64,
    pub(super) result: io::Result<u64>,
}

/// Puts all begins and ends into one order.
#[derive(Debug, Default)]
pub(super) struct EventCounter(AtomicU64);

impl EventCounter {
    pub(super) fn next(&self) -> u64 {
        1 + self.0.fetch_add(1, Ordering::SeqCst)
    }
}

/// Does it.
pub(super) fn perform(files: &Files, counter: &EventCounter, mut task: Task) -> Finished {
    let begin = counter.next();
    let result = files.file(task.operation.file).perform(&task.operation, &mut task.memory);
    Finished { begin, end: counter.next(), result, task }
}

/// A thread that does what it is sent.
#[derive(Debug)]
pub(super) struct Worker {
    tasks: Sender<Task>,
    thread: JoinHandle<()>,
}

impl Worker {
    /// Has it do something.
    ///
    /// # Errors
    /// If it has ended.
    pub(super) fn send(&self, task: Task) -> Result<(), SendError<Task>> {
        self.tasks.send(task)
    }

    /// Waits until it has let go of the files. Not to be asked of one that hangs in the kernel: it would keep everyone.
    pub(super) fn end(self) {
        drop(self.tasks);
        // One that panicked has let go of them, too.
        let _ = self.thread.join();
    }
}

/// Starts a thread that does what it is sent until nobody can send any more.
pub(super) fn start(
    files: Arc<Files>,
    counter: Arc<EventCounter>,
    finished: Sender<Finished>,
) -> io::Result<Worker> {
    let (sender, tasks): (Sender<Task>, Receiver<Task>) = mpsc::channel();
    let thread = thread::Builder::new().name("random".to_owned()).spawn(move || {
        for task in tasks {
            if finished.send(perform(&files, &counter, task)).is_err() {
                return;
            }
        }
    })?;
    Ok(Worker { tasks: sender, thread })
}
