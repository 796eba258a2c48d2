//! Threads that use one model, on the real clock.

use std::time::{Duration, Instant};

use lab_protocol::{Distribution, StorageSettings};

use super::*;

const THREADS: u64 = 8;

/// Each of the threads makes so many accesses of 4 KiB, one after the other, all of them together a sequence. Gives
/// the shortest that one took.
fn hammer(model: &Model, each: u64) -> Duration {
    let access = |index: u64, thread: u64| {
        let offset = (index * THREADS + thread) * 4096;
        let begin = Instant::now();
        let ticket = model.begin(&Access { inode: 1, direction: Direction::Write, offset, size: 4096 });
        model.finish(ticket);
        begin.elapsed()
    };
    std::thread::scope(|scope| {
        let start = |thread| scope.spawn(move || (0..each).map(|index| access(index, thread)).min().unwrap());
        let threads: Vec<_> = (0..THREADS).map(start).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).min().unwrap()
    })
}

#[test]
fn no_access_is_lost_or_doubled_between_threads() {
    for settings in [
        StorageSettings { parallel: 16, ..StorageSettings::OFF },
        StorageSettings { latency_us: 20, parallel: 2, merge_kib: 64, ..StorageSettings::OFF },
        StorageSettings { plug_us: 30, merge_kib: 1024, ..StorageSettings::OFF },
        StorageSettings {
            dither_permille: 0,
            jitter_us: 20,
            latency_us: 10,
            distribution: Distribution::Exponential,
            parallel: 3,
            merge_kib: 16,
            disorder_us: 20,
            mib_per_s: 4_000,
            plug_us: 5,
        },
    ] {
        let model = Model::new(&settings, 1).unwrap();
        hammer(&model, 500);
        let stats = model.take();
        assert_eq!(stats.operations + stats.merged, THREADS * 500, "{settings:?}");
        assert_eq!(stats.bytes, THREADS * 500 * 4096, "{settings:?}");
        assert_eq!(model.take(), StorageStats::default(), "{settings:?}");
    }
}

#[test]
fn no_thread_returns_before_its_operation_has_ended() {
    for merge_kib in [0, 64] {
        let slow = StorageSettings { latency_us: 3_000, parallel: 2, merge_kib, ..StorageSettings::OFF };
        let model = Model::new(&slow, 1).unwrap();
        let begin = Instant::now();
        let shortest = hammer(&model, 5);
        let took = begin.elapsed().as_nanos() as u64;
        let stats = model.take();
        // All that one thread did is later than the begin, and all that the model did is over.
        assert!(shortest >= Duration::from_millis(3), "{shortest:?}");
        assert!(took >= stats.busy_ns && stats.busy_ns >= stats.service_ns / 2, "{took} {stats:?}");
        assert_eq!(stats.service_ns, stats.operations * 3_000_000);
    }
}

#[test]
fn threads_that_wait_together_merge() {
    let slow = StorageSettings { latency_us: 20_000, parallel: 1, merge_kib: 1024, ..StorageSettings::OFF };
    let model = Model::new(&slow, 1).unwrap();
    hammer(&model, 4);
    let stats = model.take();
    assert_eq!(stats.bytes, 4 * THREADS * 4096);
    assert!(stats.merged > 0 && stats.largest_bytes > 4096, "{stats:?}");
}

#[test]
fn settings_that_model_nothing_have_no_model() {
    assert!(Model::new(&StorageSettings::OFF, 1).is_none());
    assert!(Model::new(&StorageSettings { parallel: 1, ..StorageSettings::OFF }, 1).is_some());
}

#[test]
fn a_time_that_has_passed_is_not_waited_for() {
    sleep_until(0);
    sleep_until(now_ns());
    let later = now_ns() + 2_000_000;
    sleep_until(later);
    assert!(now_ns() >= later);
}
