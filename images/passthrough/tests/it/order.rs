//! The order of answers, as it is seen from outside.

use std::time::{Duration, Instant};

use aio_stress::aio::{Context, Event};
use lab_protocol::{ReplyOrder, ServerSettings};
use rustix::fs::OFlags;

use crate::harness::{
    Aligned, REQUEST, Served, bytes, open_direct, reaches, read_direct, settings, submit_read, write_direct,
};

const LENGTH: usize = 16 * REQUEST;

/// How many reads are in flight together.
pub(crate) const READS: usize = 8;

fn ordered(reply_order: ReplyOrder, reply_window_us: u64) -> ServerSettings {
    ServerSettings { reply_order, reply_window_us, ..settings() }
}

/// Submits reads one after the other, and gives their numbers in the order in which they are complete.
pub(crate) fn completions(served: &mut Served) -> Vec<u64> {
    served.take();
    let file = open_direct(&served.path("file"), OFlags::RDONLY);
    let mut memory = Aligned::new(&vec![0; READS * REQUEST]);
    let context = Context::new(READS as u32).unwrap();
    for (number, chunk) in (0..).zip(memory.bytes().chunks_mut(REQUEST)) {
        // SAFETY: the memory outlives the context, and nobody uses it meanwhile.
        unsafe { submit_read(&context, &file, chunk, number * REQUEST as u64, number) };
    }
    let next = || {
        let mut events = [Event::default()];
        assert_eq!(context.events(1, &mut events, None).unwrap(), 1);
        assert_eq!(events[0].result().unwrap(), REQUEST as u64);
        events[0].data
    };
    let order = std::iter::repeat_with(next).take(READS).collect();
    drop(context);
    assert!(memory.bytes() == &std::fs::read(served.stored("file")).unwrap()[..READS * REQUEST]);
    order
}

/// Asserts that reads are complete in this order. Threads that receive requests at the same time may number them the other
/// way round, or a busy machine may keep one out of the window, so that it may take several attempts.
fn check_completions(settings: &ServerSettings, expected: [u64; READS]) {
    let mut served = Served::new(settings);
    served.store("file", READS * REQUEST);
    let mut found = Vec::new();
    while found.last().is_none_or(|last| *last != expected) {
        assert!(found.len() < 20, "{settings:?}: {found:?}");
        found.push(completions(&mut served));
    }
}

#[test]
fn answers_go_out_in_the_order_that_was_set() {
    let (done, window) = ([0, 1, 2, 3, 4, 5, 6, 7], 50_000);
    check_completions(&ServerSettings { async_dio: false, ..settings() }, done);
    check_completions(&ordered(ReplyOrder::Reversed, window), [7, 6, 5, 4, 3, 2, 1, 0]);
    let random = ordered(ReplyOrder::Random, window);
    check_completions(&ServerSettings { seed: 1, ..random.clone() }, [4, 3, 7, 0, 1, 5, 6, 2]);
    check_completions(&ServerSettings { seed: 2, ..random }, [4, 5, 0, 2, 6, 7, 1, 3]);
}

#[test]
fn data_is_the_same_in_any_order() {
    for reply_order in [ReplyOrder::Reversed, ReplyOrder::Random] {
        for (threads, async_dio) in [(16, true), (3, true), (1, true), (16, false)] {
            let settings = ServerSettings { threads, async_dio, ..ordered(reply_order, 2_000) };
            let served = Served::new(&settings);
            let content = served.store("file", LENGTH);
            assert!(read_direct(&served.path("file"), 0, LENGTH) == content, "{settings:?}");
            let content = bytes(LENGTH, 9);
            assert_eq!(write_direct(&served.path("file"), 0, &content), Ok(LENGTH), "{settings:?}");
            assert!(std::fs::read(served.stored("file")).unwrap() == content, "{settings:?}");
        }
    }
}

#[test]
fn answers_that_are_collected_are_in_flight() {
    // With storage that takes time the server does not step aside to see more.
    let mut served = Served::new(&ordered(ReplyOrder::Reversed, 20_000).with_latency_us(1));
    served.store("file", READS * REQUEST);
    reaches(READS as u32, "collected", || {
        completions(&mut served);
        served.take().most_in_flight
    });
}

#[test]
fn a_window_lasts_as_long_as_was_set() {
    // One request at a time, each in a window of its own.
    let settings = ServerSettings { async_dio: false, ..ordered(ReplyOrder::Reversed, 10_000) };
    let served = Served::new(&settings);
    served.store("file", LENGTH);
    let begin = Instant::now();
    read_direct(&served.path("file"), 0, LENGTH);
    assert!(begin.elapsed() >= Duration::from_millis(16 * 10), "{:?}", begin.elapsed());
}
