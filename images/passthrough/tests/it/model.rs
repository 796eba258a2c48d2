//! The modelled storage behind a real mount: every test here fails if the setting that it is about is ignored.
//!
//! Times are held against lower bounds only, so that a slow machine fails nothing; what the model computed itself
//! (`StorageStats`) is exact.

use std::path::Path;
use std::time::{Duration, Instant};

use lab_protocol::{Distribution, ServerSettings, StorageSettings, StorageStats};

use crate::harness::{REQUEST, Served, bytes, reaches, read_direct, settings, write_direct};
use crate::settings::Pinned;

/// How many requests 2 MiB are.
const CHUNKS: u64 = 16;

const LENGTH: usize = CHUNKS as usize * REQUEST;

/// A server with as many requests in flight as an I/O of 2 MiB has, on this storage.
fn on(storage: StorageSettings) -> ServerSettings {
    ServerSettings { threads: 24, max_background: 16, storage, ..settings() }
}

/// Storage in memory.
fn memory() -> StorageSettings {
    settings().storage
}

/// One at a time.
fn in_sequence(server: ServerSettings) -> ServerSettings {
    ServerSettings { async_dio: false, ..server }
}

fn serve(settings: &ServerSettings) -> Served {
    let served = Served::new(settings);
    served.store("file", LENGTH);
    served
}

/// Does something, and gives how long it took and what the storage did meanwhile. Whatever the storage took was waited
/// for.
fn observe(served: &mut Served, action: impl Fn(&Path)) -> (Duration, StorageStats) {
    let path = served.path("file");
    served.take();
    let begin = Instant::now();
    action(&path);
    let took = begin.elapsed();
    let stats = served.take().storage.unwrap();
    assert!(took >= Duration::from_nanos(stats.busy_ns), "{took:?}: {stats:?}");
    (took, stats)
}

/// Reads 2 MiB at once.
fn read(path: &Path) {
    assert_eq!(read_direct(path, 0, LENGTH).len(), LENGTH);
}

/// Writes 2 MiB at once.
fn write(path: &Path) {
    assert_eq!(write_direct(path, 0, &bytes(LENGTH, 2)), Ok(LENGTH));
}

/// Reads 2 MiB backwards, request by request.
fn read_backwards(path: &Path) {
    for chunk in (0..CHUNKS).rev() {
        assert_eq!(read_direct(path, chunk * REQUEST as u64, REQUEST).len(), REQUEST);
    }
}

/// What the storage does while a new server does this once.
fn once(settings: &ServerSettings, action: impl Fn(&Path)) -> (Duration, StorageStats) {
    observe(&mut serve(settings), action)
}

/// Reads until the storage did what is expected. When requests meet depends on when threads get the CPU; a machine that is
/// busy with other things may need several attempts.
fn until(settings: &ServerSettings, expected: impl Fn(&StorageStats) -> bool) -> StorageStats {
    let mut served = serve(settings);
    let mut found = Vec::new();
    loop {
        let (_, stats) = observe(&mut served, read);
        if expected(&stats) {
            return stats;
        }
        found.push(stats);
        assert!(found.len() < 20, "{settings:?}: {found:?}");
    }
}

#[test]
fn storage_that_is_not_modelled_is_not_reported() {
    let mut served = serve(&settings());
    read_direct(&served.path("file"), 0, LENGTH);
    assert_eq!(served.take().storage, None);
}

#[test]
fn every_request_is_an_operation_and_is_counted_once() {
    let mut served = serve(&on(StorageSettings { parallel: 16, ..memory() }));
    served.take();
    let content = read_direct(&served.path("file"), 0, LENGTH);
    assert!(content == bytes(LENGTH, 1));
    assert_eq!(write_direct(&served.path("file"), 0, &bytes(LENGTH, 2)), Ok(LENGTH));
    let stats = served.take().storage.unwrap();
    let counted = (stats.operations, stats.merged, stats.bytes, stats.largest_bytes);
    assert_eq!(counted, (2 * CHUNKS, 0, 2 * LENGTH as u64, REQUEST as u64));
    assert_eq!((stats.busy_ns, stats.service_ns), (0, 0));
    assert_eq!(served.take().storage, Some(StorageStats::default()));
    assert!(std::fs::read(served.stored("file")).unwrap() == bytes(LENGTH, 2));
}

#[test]
fn one_at_a_time_takes_n_latencies() {
    let slow = in_sequence(on(StorageSettings { latency_us: 5_000, ..memory() }));
    let expected = Duration::from_millis(CHUNKS * 5);
    for action in [read, write] {
        let (took, stats) = once(&slow, action);
        assert!(took >= expected, "{took:?}");
        assert_eq!((u128::from(stats.busy_ns), stats.most_at_once), (expected.as_nanos(), 1));
    }
}

#[test]
fn parallel_takes_as_many_rounds_as_there_are() {
    for (parallel, rounds) in [(1, 16), (2, 8), (5, 4), (15, 2)] {
        let slow = on(StorageSettings { latency_us: 10_000, parallel, ..memory() });
        for action in [read, write] {
            let (took, stats) = once(&slow, action);
            assert!(took >= Duration::from_millis(rounds * 10), "{parallel}: {took:?}");
            assert!(stats.busy_ns >= rounds * 10_000_000, "{parallel}: {stats:?}");
            assert!(stats.most_at_once <= parallel, "{parallel}: {stats:?}");
            assert_eq!(stats.service_ns, CHUNKS * 10_000_000, "{parallel}");
        }
    }
}

#[test]
fn without_a_limit_all_that_is_in_flight_is_served_at_once() {
    let slow = StorageSettings { latency_us: 20_000, ..memory() };
    let stats = until(&on(slow.clone()), |stats| stats.most_at_once == CHUNKS as u32);
    assert_eq!(stats.service_ns, CHUNKS * 20_000_000);
    until(&on(StorageSettings { parallel: 3, ..slow }), |stats| stats.most_at_once == 3);
}

#[test]
fn bandwidth_is_shared_by_all_that_is_in_flight() {
    // 2 MiB take 40 ms.
    let narrow = on(StorageSettings { mib_per_s: 50, ..memory() });
    for server in [narrow.clone(), in_sequence(narrow)] {
        for action in [read, write] {
            let (took, stats) = once(&server, action);
            assert!(took >= Duration::from_millis(40), "{took:?}");
            assert!(stats.busy_ns >= 40_000_000, "{stats:?}");
        }
    }
}

#[test]
fn requests_merge_while_the_storage_is_busy() {
    let busy = StorageSettings { latency_us: 20_000, parallel: 1, merge_kib: 2048, ..memory() };
    // One that finds the storage free, and the others: in one, or in two if the first was not at an end of the file.
    let stats = until(&on(busy.clone()), |stats| stats.operations <= 3);
    assert_eq!((stats.operations + stats.merged, stats.bytes), (CHUNKS, LENGTH as u64));
    assert!(stats.largest_bytes > 4 * REQUEST as u64, "{stats:?}");
    // Nothing merges that is not there together, or that would be larger than allowed.
    assert_eq!(once(&in_sequence(on(busy.clone())), read).1.merged, 0);
    assert_eq!(once(&on(StorageSettings { merge_kib: 0, ..busy.clone() }), read).1.merged, 0);
    let pairs = on(StorageSettings { merge_kib: 256, ..busy.clone() });
    let stats = until(&pairs, |stats| stats.operations <= CHUNKS / 2 + 3);
    assert!(stats.operations > CHUNKS / 2 && stats.largest_bytes == 256 << 10, "{stats:?}");
    // Nor where nothing has to wait.
    assert_eq!(once(&on(StorageSettings { parallel: 0, ..busy }), read).1.merged, 0);
}

#[test]
fn a_plug_waits_for_neighbours() {
    let plugged = StorageSettings { plug_us: 20_000, merge_kib: 2048, ..memory() };
    let stats = until(&on(plugged.clone()), |stats| stats.operations == 1);
    assert_eq!((stats.merged, stats.largest_bytes), (CHUNKS - 1, LENGTH as u64));
    // Whoever comes alone waits as well.
    let (took, stats) = once(&in_sequence(on(plugged)), read);
    assert!(took >= Duration::from_millis(CHUNKS * 20), "{took:?}");
    assert_eq!((stats.operations, stats.merged, stats.busy_ns), (CHUNKS, 0, 0));
}

#[test]
fn disorder_takes_time() {
    let picky = in_sequence(on(StorageSettings { disorder_us: 5_000, ..memory() }));
    let (took, stats) = once(&picky, read_backwards);
    assert!(took >= Duration::from_millis((CHUNKS - 1) * 5), "{took:?}");
    assert_eq!((stats.out_of_order, stats.busy_ns), (CHUNKS - 1, (CHUNKS - 1) * 5_000_000));
    for action in [read, write] {
        let (_, stats) = once(&picky, action);
        assert_eq!((stats.out_of_order, stats.busy_ns), (0, 0));
    }
    // A new workload begins in order, wherever the last one ended.
    let mut served = serve(&picky);
    for _ in 0..2 {
        assert_eq!(observe(&mut served, read).1.out_of_order, 0);
    }
}

#[test]
fn merged_requests_are_in_order_again() {
    let sorted = StorageSettings {
        latency_us: 1_000,
        disorder_us: 50_000,
        plug_us: 20_000,
        merge_kib: 2048,
        ..memory()
    };
    let stats = until(&on(sorted), |stats| stats.operations == 1);
    assert_eq!((stats.out_of_order, stats.busy_ns), (0, 1_000_000));
}

#[test]
fn the_seed_and_the_distribution_decide_what_random_latencies_come_to() {
    let took = |distribution, seed| {
        let random = StorageSettings { latency_us: 1_000, distribution, ..memory() };
        let (_, stats) = once(&in_sequence(ServerSettings { seed, ..on(random) }), read);
        assert_eq!(stats.operations, CHUNKS);
        stats.busy_ns
    };
    let [fixed, uniform, exponential] =
        [Distribution::Fixed, Distribution::Uniform, Distribution::Exponential].map(|distribution| {
            let first = took(distribution, 1);
            assert_eq!(took(distribution, 1), first, "{distribution:?}");
            (first, took(distribution, 2))
        });
    assert_eq!(fixed, (CHUNKS * 1_000_000, CHUNKS * 1_000_000));
    assert_ne!(uniform.0, uniform.1);
    assert_ne!(exponential.0, exponential.1);
    assert!(uniform.0 < 2 * fixed.0 && uniform.1 < 2 * fixed.0, "{uniform:?}");
    assert_ne!(uniform.0, exponential.0);
    // In whatever order the threads come.
    let random = StorageSettings { latency_us: 1_000, distribution: Distribution::Exponential, ..memory() };
    let mut served = serve(&on(random));
    for _ in 0..3 {
        assert_eq!(observe(&mut served, read).1.service_ns, exponential.0);
    }
}

#[test]
fn what_is_outstanding_is_seen_on_one_cpu_whatever_the_storage() {
    let _pinned = Pinned::new();
    let few = |storage| ServerSettings { max_background: 12, ..on(storage) };
    let at_random = Distribution::Exponential;
    for storage in [
        StorageSettings { parallel: 16, ..memory() },
        StorageSettings { parallel: 1, merge_kib: 1024, ..memory() },
        StorageSettings { disorder_us: 1, ..memory() },
        StorageSettings { mib_per_s: 1 << 20, ..memory() },
        StorageSettings { latency_us: 1, ..memory() },
        StorageSettings { latency_us: 10, distribution: at_random, parallel: 4, ..memory() },
        StorageSettings { plug_us: 1, merge_kib: 128, ..memory() },
    ] {
        let server = few(storage);
        let mut served = serve(&server);
        reaches(12, &format!("{server:?}"), || {
            served.take();
            read(&served.path("file"));
            served.take().most_in_flight
        });
    }
}

/// Requests that are outstanding together overtake each other; those that come one after the other cannot.
#[test]
fn jitter_brings_requests_out_of_order() {
    let way = on(StorageSettings { jitter_us: 40_000, disorder_us: 1, ..memory() });
    let (_, stats) = once(&way, read);
    assert!(stats.out_of_order > 0, "{stats:?}");
    let (took, stats) = once(&in_sequence(way), read);
    assert_eq!(stats.out_of_order, 0, "{stats:?}");
    // The mean of 16 draws is 20 ms, and half of that by no chance.
    assert!(took >= Duration::from_millis(CHUNKS * 10), "{took:?}");
}
