//! Nothing is allocated while a stage runs, whatever is measured: that would be in the times.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::AtomicBool;

use aio_stress::buffers::Buffers;
use aio_stress::operation::FileOperation;
use aio_stress::options::{Command, Options, parse};
use aio_stress::plan::Plan;
use aio_stress::worker::Worker;

/// The system's allocator, which counts for each thread what it is asked for.
struct Counting;

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
    static BYTES: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: everything is passed on as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.set(CALLS.get() + 1);
        BYTES.set(BYTES.get() + layout.size());
        // SAFETY: what the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: what the caller promises.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn options(line: &str) -> Options {
    match parse(line.split_whitespace().map(Into::into)).unwrap() {
        Command::Run(options) => options,
        Command::Help => panic!("{line}"),
    }
}

/// Runs all stages with one thread for two files and two contexts.
fn check(line: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let files = vec![path("one"), path("two")];
    let options = Options { files, ..options(&format!("-s 2 -C 64k -c 2 -d 16 {line} file")) };
    let plan = Plan::new(&options).unwrap();
    let open = |number: u32| {
        let (path, context) = (&options.files[number as usize / 2], number % 2);
        let span = plan.span(&options, context).unwrap();
        FileOperation::open(path, context, span, number.into(), &options).unwrap()
    };
    let operations: Vec<FileOperation> = (0..4).map(open).collect();
    let buffers = Buffers::new(options.memory, 4 * 16, options.record, options.alignment).unwrap();
    let mut worker = Worker::new(&options, &plan, &buffers, 0, operations).unwrap();
    for stage in &plan.stages {
        worker.prepare(*stage);
        let before = (CALLS.get(), BYTES.get());
        let result = worker.run(&AtomicBool::new(false));
        let (calls, bytes) = (CALLS.get() - before.0, BYTES.get() - before.1);
        result.unwrap();
        assert_eq!((calls, bytes), (0, 0), "{stage:?} with `{line}`");
    }
    worker.close().unwrap();
}

fn main() {
    let count = CALLS.get();
    drop(std::hint::black_box(vec![1]));
    assert_eq!(CALLS.get() - count, 1, "the allocator counts");
    for line in ["", "-l", "-L", "-l -L", "--json -", "-v -b 1"] {
        check(line);
    }
}
