//! The threads beside the main one.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use super::files::Files;
use super::memory::Memory;
use crate::random::operation::Operation;

/// What a thread is to do.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) step: usize,
    pub(super) operation: Operation,
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
pub(super) struct Order(AtomicU64);

impl Order {
    pub(super) fn next(&self) -> u64 {
        1 + self.0.fetch_add(1, Ordering::SeqCst)
    }
}

/// Does it.
pub(super) fn perform(files: &Files, order: &Order, mut task: Task) -> Finished {
    let begin = order.next();
    let result = files.file(task.operation.file).perform(&task.operation, &mut task.memory);
    Finished { begin, end: order.next(), result, task }
}

/// Starts a thread that does what it is sent until nobody can send any more. It is not waited for: one that hangs in the
/// kernel would keep everyone.
pub(super) fn start(
    files: Arc<Files>,
    order: Arc<Order>,
    finished: Sender<Finished>,
) -> io::Result<Sender<Task>> {
    let (sender, tasks): (Sender<Task>, Receiver<Task>) = mpsc::channel();
    thread::Builder::new().name("random".to_owned()).spawn(move || {
        for task in tasks {
            if finished.send(perform(&files, &order, task)).is_err() {
                return;
            }
        }
    })?;
    Ok(sender)
}
