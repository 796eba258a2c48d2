//! The rules one by one, as tables, and what has to hold whatever comes.

use lab_protocol::Distribution;

use super::*;
use crate::stats::Direction::{self, Read, Write};

/// A request: arrival (us), direction, offset (KiB), size (KiB).
type Request = (u64, Direction, u64, u32);

/// Model times of tests are in the middle of nowhere, as those of a clock are.
const START: u64 = 3_600_000_000_000;

/// What became of a request: from when to when, nanoseconds since the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Served {
    begin: u64,
    end: u64,
}

/// Whether somebody looks at the storage more often than anyone needs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Looks {
    WhenDue,
    AllTheTime,
}

/// Runs requests, in the order of arrival, through a storage.
fn run(settings: &StorageSettings, requests: &[Request], looking: Looks) -> (Vec<Served>, StorageStats) {
    let mut queue = Queue::new(settings, 1);
    let mut served = vec![None; requests.len()];
    // When to look for which request, and the slot where it waits.
    let mut waiting: Vec<(u64, usize, usize)> = Vec::new();
    let mut arrivals = requests.iter().enumerate().peekable();
    let mut looks = 0;
    let at = |span: Interval| Some(Served { begin: span.begin - START, end: span.end - START });
    loop {
        waiting.sort_unstable();
        let arrival = arrivals.peek().map(|(_, request)| START + request.0 * 1_000);
        match (arrival, waiting.first().copied()) {
            (Some(now), due) if due.is_none_or(|(time, ..)| now <= time) => {
                let (index, (_, direction, offset, kib)) = arrivals.next().unwrap();
                let access =
                    Access { inode: 1, direction: *direction, offset: offset << 10, size: kib << 10 };
                match queue.enqueue(now, &access) {
                    Fate::Served(span) => served[index] = at(span),
                    Fate::Waiting(slot) => waiting.push((now, index, slot)),
                }
            }
            (_, Some((now, index, slot))) => match queue.poll(now, slot) {
                Outlook::Served(span) => {
                    assert!(span.end >= now, "told too late: {settings:?}: {requests:?}");
                    served[index] = at(span);
                    waiting.remove(0);
                }
                Outlook::NotBefore(time) => {
                    looks += 1;
                    assert!(time > now, "{settings:?}: {requests:?}");
                    waiting[0].0 = match looking {
                        Looks::WhenDue => time,
                        Looks::AllTheTime => time.min(now + 1_700),
                    };
                }
            },
            (_, None) => break,
        }
    }
    // Each look in vain but the first finds at least one more operation begun.
    let bearable = looks <= requests.len() * (requests.len() + 1);
    assert!(bearable || looking == Looks::AllTheTime, "{looks} {settings:?}: {requests:?}");
    assert_eq!(queue.free.len(), queue.slots.len(), "slots are given back");
    assert_eq!(queue.waiting.len(), 0);
    (served.into_iter().map(Option::unwrap).collect(), queue.take())
}

/// `expected`: begin and end of each request, microseconds.
fn check(settings: &StorageSettings, requests: &[Request], expected: &[(u64, u64)]) -> StorageStats {
    let (served, stats) = run(settings, requests, Looks::WhenDue);
    let found: Vec<_> = served.iter().map(|it| (it.begin / 1_000, it.end / 1_000)).collect();
    assert_eq!(found, expected, "{settings:?}: {requests:?}");
    stats
}

#[test]
fn latency_is_that_of_each_operation() {
    let slow = StorageSettings { latency_us: 100, ..StorageSettings::OFF };
    check(&slow, &[], &[]);
    check(&slow, &[(5, Read, 0, 128)], &[(5, 105)]);
    check(&slow, &[(0, Read, 0, 4), (0, Write, 0, 1024), (50, Read, 4, 4)], &[(0, 100), (0, 100), (50, 150)]);
}

#[test]
fn parallel_makes_operations_wait_in_order() {
    let three = [(0, Read, 0, 4), (0, Read, 4, 4), (10, Write, 0, 4)];
    let slow = |parallel| StorageSettings { latency_us: 100, parallel, ..StorageSettings::OFF };
    check(&slow(1), &three, &[(0, 100), (100, 200), (200, 300)]);
    check(&slow(2), &three, &[(0, 100), (0, 100), (100, 200)]);
    check(&slow(3), &three, &[(0, 100), (0, 100), (10, 110)]);
    check(&slow(65_535), &three, &[(0, 100), (0, 100), (10, 110)]);
    // A place that was free for a while is taken at once.
    check(&slow(1), &[(0, Read, 0, 4), (250, Read, 4, 4)], &[(0, 100), (250, 350)]);
    check(&slow(1), &[(0, Read, 0, 4), (100, Read, 4, 4)], &[(0, 100), (100, 200)]);
    check(&StorageSettings { latency_us: 0, ..slow(1) }, &three, &[(0, 0), (0, 0), (10, 10)]);
}

#[test]
fn n_operations_take_as_many_rounds_as_there_are() {
    for (n, parallel) in [(1, 1), (4, 1), (4, 2), (4, 4), (5, 2), (16, 12), (16, 3), (12, 12), (100, 7)] {
        let settings = StorageSettings { latency_us: 1_000, parallel, ..StorageSettings::OFF };
        let requests: Vec<Request> = (0..n).map(|index| (0, Read, index * 128, 128)).collect();
        let (served, stats) = run(&settings, &requests, Looks::WhenDue);
        let last = served.iter().map(|it| it.end).max().unwrap();
        let rounds = n.div_ceil(u64::from(parallel));
        assert_eq!((last, stats.busy_ns), (rounds * 1_000_000, last), "{n} {parallel}");
        assert_eq!(stats.most_at_once, parallel.min(n as u32), "{n} {parallel}");
    }
}

#[test]
fn bandwidth_is_shared() {
    // 1024 KiB take 1000 us.
    let narrow = StorageSettings { mib_per_s: 1_000, ..StorageSettings::OFF };
    let three = [(0, Read, 0, 1024), (0, Write, 0, 512), (2_000, Read, 0, 2048)];
    check(&narrow, &three, &[(0, 1_000), (0, 1_500), (2_000, 4_000)]);
    // The latency of one runs while the next is transferred.
    let both = StorageSettings { latency_us: 300, ..narrow };
    check(&both, &three, &[(0, 1_300), (0, 1_800), (2_000, 4_300)]);
    // But not if there is one place only.
    let one = StorageSettings { parallel: 1, ..both };
    check(&one, &three, &[(0, 1_300), (1_300, 2_100), (2_100, 4_400)]);
    let uneven = StorageSettings { mib_per_s: 3, ..StorageSettings::OFF };
    let (served, _) = run(&uneven, &[(0, Read, 0, 1024)], Looks::WhenDue);
    assert_eq!(served[0].end, 333_333_334, "rounded up");
}

#[test]
fn disorder_costs() {
    let picky = StorageSettings { latency_us: 10, disorder_us: 1_000, parallel: 1, ..StorageSettings::OFF };
    let at = |offsets: [u64; 4]| offsets.map(|offset| (0, Read, offset, 4));
    let in_order = [(0, 10), (10, 20), (20, 30), (30, 40)];
    assert_eq!(check(&picky, &at([0, 4, 8, 12]), &in_order).out_of_order, 0);
    // The first is in order wherever it is.
    assert_eq!(check(&picky, &at([40, 44, 48, 52]), &in_order).out_of_order, 0);
    let swapped = [(0, 10), (10, 1_020), (1_020, 2_030), (2_030, 3_040)];
    assert_eq!(check(&picky, &at([0, 8, 4, 12]), &swapped).out_of_order, 3);
    // The same place again is not where the last one ended, but a gap in time is none.
    assert_eq!(
        check(&picky, &at([0, 0, 4, 8]), &[(0, 10), (10, 1_020), (1_020, 1_030), (1_030, 1_040)])
            .out_of_order,
        1
    );
    check(&picky, &[(0, Read, 0, 4), (5_000, Read, 4, 4)], &[(0, 10), (5_000, 5_010)]);
    // Each direction has its own order.
    let mixed = [(0, Read, 0, 4), (0, Write, 100, 4), (0, Read, 4, 4), (0, Write, 104, 4)];
    assert_eq!(check(&picky, &mixed, &in_order).out_of_order, 0);
    // Counted also where it costs nothing.
    let easy = StorageSettings { disorder_us: 0, ..picky };
    assert_eq!(check(&easy, &at([0, 8, 4, 12]), &in_order).out_of_order, 3);
}

#[test]
fn each_file_has_its_own_order_and_operations() {
    let settings = StorageSettings {
        latency_us: 10,
        disorder_us: 1_000,
        merge_kib: 64,
        parallel: 1,
        ..StorageSettings::OFF
    };
    let mut queue = Queue::new(&settings, 1);
    let access = |inode, offset| Access { inode, direction: Read, offset, size: 4096 };
    for (inode, offset) in [(1, 0), (2, 4096), (1, 4096), (2, 8192)] {
        queue.enqueue(0, &access(inode, offset));
    }
    queue.advance(1_000_000_000);
    let stats = queue.take();
    assert_eq!((stats.operations, stats.merged, stats.out_of_order), (3, 1, 0));
    // A new reading of the counters forgets the order.
    queue.enqueue(2_000_000_000, &access(1, 65_536));
    assert_eq!(queue.take().out_of_order, 0);
}

#[test]
fn requests_merge_while_they_wait() {
    let settings = StorageSettings { latency_us: 100, parallel: 1, merge_kib: 64, ..StorageSettings::OFF };
    let reads =
        |offsets: &[u64]| offsets.iter().map(|offset| (0, Read, *offset, 4)).collect::<Vec<Request>>();
    let first_alone = [(0, 100), (100, 200), (100, 200), (100, 200)];
    // The first begins at once; the others become one operation, at its end, at its begin, or where they fill a gap.
    for offsets in
        [[0, 4, 8, 12], [0, 12, 8, 4], [0, 4, 12, 8], [0, 12, 4, 8], [0, 40, 48, 44], [0, 48, 40, 44]]
    {
        let stats = check(&settings, &reads(&offsets), &first_alone);
        assert_eq!((stats.operations, stats.merged, stats.largest_bytes), (2, 2, 12 << 10), "{offsets:?}");
        assert_eq!(stats.bytes, 16 << 10, "{offsets:?}");
    }
    // What is not adjacent does not merge, nor what overlaps.
    check(&settings, &reads(&[0, 8, 16]), &[(0, 100), (100, 200), (200, 300)]);
    check(&settings, &reads(&[0, 8, 8]), &[(0, 100), (100, 200), (200, 300)]);
    check(&settings, &reads(&[0, 8, 10]), &[(0, 100), (100, 200), (200, 300)]);
    // Nor reads with writes.
    check(
        &settings,
        &[(0, Read, 0, 4), (0, Read, 4, 4), (0, Write, 8, 4)],
        &[(0, 100), (100, 200), (200, 300)],
    );
    // What has begun takes nothing in, what begins at that very time included.
    let late = [(0, Read, 0, 4), (50, Read, 4, 4), (100, Read, 8, 4), (101, Read, 12, 4)];
    check(&settings, &late, &[(0, 100), (100, 200), (200, 300), (200, 300)]);
}

#[test]
fn merging_has_a_limit() {
    let limited =
        |merge_kib| StorageSettings { latency_us: 100, parallel: 1, merge_kib, ..StorageSettings::OFF };
    let requests: Vec<Request> = (0..5).map(|index| (0, Read, index * 4, 4)).collect();
    let spans = |ends: [u64; 5]| ends.map(|end| (end - 100, end));
    check(&limited(0), &requests, &spans([100, 200, 300, 400, 500]));
    check(&limited(4), &requests, &spans([100, 200, 300, 400, 500]));
    check(&limited(7), &requests, &spans([100, 200, 300, 400, 500]));
    check(&limited(8), &requests, &spans([100, 200, 200, 300, 300]));
    check(&limited(12), &requests, &spans([100, 200, 200, 200, 300]));
    assert_eq!(check(&limited(16), &requests, &spans([100, 200, 200, 200, 200])).largest_bytes, 16 << 10);
    // A gap is filled from the earlier side if the whole would be too large, and from the later if that is full.
    let gap: Vec<Request> = [0, 8, 16, 12].map(|offset| (0, Read, offset, 4)).into();
    check(&limited(8), &gap, &[(0, 100), (100, 200), (200, 300), (100, 200)]);
    let full: Vec<Request> = [0, 8, 12, 20, 16].map(|offset| (0, Read, offset, 4)).into();
    check(&limited(8), &full, &spans([100, 200, 200, 300, 300]));
}

#[test]
fn nothing_merges_without_something_to_wait_for() {
    let settings = StorageSettings { latency_us: 100, merge_kib: 64, ..StorageSettings::OFF };
    let requests: Vec<Request> = (0..4).map(|index| (0, Read, index * 4, 4)).collect();
    assert_eq!(check(&settings, &requests, &[(0, 100); 4]).merged, 0);
    let instant = StorageSettings { latency_us: 0, parallel: 1, ..settings };
    assert_eq!(check(&instant, &requests, &[(0, 0); 4]).merged, 0);
}

#[test]
fn a_plug_holds_operations_back() {
    let plugged = StorageSettings { plug_us: 50, merge_kib: 64, ..StorageSettings::OFF };
    check(&plugged, &[(7, Read, 0, 4)], &[(57, 57)]);
    // From the first request on, not from the last.
    let requests = [(0, Read, 0, 4), (30, Read, 4, 4), (49, Read, 8, 4), (50, Read, 12, 4)];
    let stats = check(&plugged, &requests, &[(50, 50), (50, 50), (50, 50), (100, 100)]);
    assert_eq!((stats.operations, stats.merged), (2, 2));
    // An operation that has become as large as it may waits nevertheless, and one that cannot merge at all.
    check(&StorageSettings { merge_kib: 8, ..plugged }, &requests[..2], &[(50, 50), (50, 50)]);
    check(
        &StorageSettings { merge_kib: 0, ..plugged },
        &requests,
        &[(50, 50), (80, 80), (99, 99), (100, 100)],
    );
    // A place is not held by those that are plugged, but by those that are served; what is plugged and late for its
    // turn does not wait twice.
    let busy = StorageSettings { latency_us: 100, parallel: 1, ..plugged };
    check(&busy, &[(0, Read, 0, 4), (10, Write, 0, 4)], &[(50, 150), (150, 250)]);
    check(&busy, &[(0, Read, 0, 4), (140, Write, 0, 4)], &[(50, 150), (190, 290)]);
}

#[test]
fn merging_sorts_and_so_avoids_disorder() {
    let picky = StorageSettings { latency_us: 100, disorder_us: 1_000, parallel: 1, ..StorageSettings::OFF };
    let shuffled: Vec<Request> = [0, 12, 4, 8, 16].map(|offset| (0, Read, offset, 4)).into();
    assert_eq!(run(&picky, &shuffled, Looks::WhenDue).1.out_of_order, 3);
    let merging = StorageSettings { merge_kib: 1024, ..picky };
    let sorted = [(0, 100), (100, 200), (100, 200), (100, 200), (100, 200)];
    assert_eq!(check(&merging, &shuffled, &sorted).out_of_order, 0);
}

#[test]
fn what_waits_can_end_earlier_than_it_seemed() {
    // At first 8 is the third operation, out of order and so to be served from 1200 to 2300; then 4 fills the gap.
    let settings = StorageSettings {
        latency_us: 100,
        disorder_us: 1_000,
        parallel: 1,
        merge_kib: 8,
        ..StorageSettings::OFF
    };
    let requests = [(0, Read, 0, 4), (1, Write, 40, 4), (2, Read, 8, 4), (3, Read, 4, 4)];
    check(&settings, &requests, &[(0, 100), (100, 200), (200, 300), (200, 300)]);
}

#[test]
fn latencies_are_drawn_in_the_order_of_begin() {
    let random =
        StorageSettings { latency_us: 100, distribution: Distribution::Exponential, ..StorageSettings::OFF };
    let one = StorageSettings { parallel: 1, ..random.clone() };
    let requests: Vec<Request> = (0..50).map(|index| (index, Read, index * 4, 4)).collect();
    let took = |settings| {
        run(settings, &requests, Looks::WhenDue).0.iter().map(|it| it.end - it.begin).collect::<Vec<_>>()
    };
    // The n-th operation takes what it takes, when it comes and however long it waits.
    assert_eq!(took(&random), took(&one));
    assert!(took(&one).windows(2).all(|pair| pair[0] != pair[1]));
    // Draws start again with a reading of the counters.
    let mut queue = Queue::new(&one, 1);
    let access = Access { inode: 1, direction: Write, offset: 0, size: 4096 };
    let mut begin_again = |now| {
        let Fate::Served(span) = queue.enqueue(now, &access) else { panic!("nothing merges") };
        queue.take();
        span.end - span.begin
    };
    assert_eq!(begin_again(0), begin_again(1_000_000_000));
}

#[test]
fn busy_time_is_counted_once() {
    let slow = StorageSettings { latency_us: 100, ..StorageSettings::OFF };
    let requests = [(0, Read, 0, 4), (50, Read, 4, 4), (400, Read, 8, 4)];
    let stats = check(&slow, &requests, &[(0, 100), (50, 150), (400, 500)]);
    assert_eq!((stats.busy_ns, stats.service_ns, stats.most_at_once), (250_000, 300_000, 2));
    assert_eq!(stats.mean_at_once(), Some(1.2));
    assert_eq!(
        check(
            &StorageSettings { parallel: 4, ..StorageSettings::OFF },
            &requests,
            &[(0, 0), (50, 50), (400, 400)]
        )
        .mean_at_once(),
        None
    );
}

mod properties;
