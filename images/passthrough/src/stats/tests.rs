//! What is counted, by one thread and by several.

use Direction::{Read, Write};
use Place::{InOrder, OutOfOrder};

use super::*;

#[test]
fn counts_what_arrived_and_starts_again() {
    let stats = Stats::default();
    stats.count(Operation::Lookup);
    let first = stats.count_arrival(Read, 131072, InOrder, 100);
    let second = stats.count_arrival(Read, 4096, OutOfOrder, 200);
    stats.answer(&second, Answered::Failed, 260);
    let third = stats.count_arrival(Write, 131072, InOrder, 300);
    assert_eq!(third.most_in_flight, 2);
    stats.answer(&third, Answered::Good, 420);
    assert_eq!(stats.in_flight(), 1);
    assert_eq!([first, second, third].map(|it| (it.number, it.in_flight)), [(0, 1), (1, 2), (2, 2)]);
    let taken = stats.take();
    let expected = [("LOOKUP", 1), ("READ", 2), ("WRITE", 1)];
    assert_eq!(taken.by_operation, expected.map(|(name, count)| (name.to_string(), count)).into());
    assert_eq!(taken.read_sizes, [(4096, 1), (131072, 1)].into());
    assert_eq!(taken.write_sizes, [(131072, 1)].into());
    assert_eq!((taken.most_in_flight, taken.out_of_order, taken.failed), (2, 1, 1));
    let mean = |times: Option<ServiceTimes>| times.map(|times| (times.count, times.mean_ns));
    assert_eq!(mean(taken.read_service), Some((1, 60)));
    assert_eq!(mean(taken.write_service), Some((1, 120)));
    // One is still in flight.
    assert_eq!(stats.take(), RequestStats { most_in_flight: 1, ..RequestStats::default() });
    stats.answer(&first, Answered::Good, 500);
    stats.take();
    assert_eq!(stats.take(), RequestStats::default());
    let next = stats.count_arrival(Read, 1, InOrder, 600);
    assert_eq!((next.number, next.most_in_flight), (0, 1));
}

#[test]
fn each_way_of_data_is_counted() {
    let stats = Stats::default();
    let ways =
        [Moved::FellBack, Moved::Spliced, Moved::Copied, Moved::FellBack, Moved::Spliced, Moved::FellBack];
    ways.into_iter().for_each(|moved| stats.count_way(moved));
    assert_eq!(stats.take_ways(), Splicing { spliced: 2, copied: 1, fell_back: 3 });
    assert_eq!(stats.take_ways(), Splicing::default());
}

#[test]
fn a_report_of_a_time_before_ways_were_counted_is_read() {
    let (none, splicing) = (RequestStats::default(), Some(Splicing { spliced: 5, copied: 6, fell_back: 7 }));
    let json = serde_json::to_string(&none).unwrap();
    assert!(!json.contains("splicing"), "{json}");
    assert_eq!(serde_json::from_str::<RequestStats>(&json).unwrap(), none);
    let counted = RequestStats { splicing, ..none };
    let json = serde_json::to_string(&counted).unwrap();
    assert!(json.ends_with(r#""splicing":{"spliced":5,"copied":6,"fell-back":7}}"#), "{json}");
    assert_eq!(serde_json::from_str::<RequestStats>(&json).unwrap(), counted);
}

#[test]
fn what_has_no_name_is_counted_by_number() {
    let stats = Stats::default();
    [54, 4096, 54].into_iter().for_each(|opcode| stats.count_unknown(opcode));
    stats.count(Operation::Interrupt);
    let expected = [("INTERRUPT", 1), ("OPCODE_4096", 1), ("OPCODE_54", 2)];
    assert_eq!(stats.take().by_operation, expected.map(|(name, count)| (name.to_owned(), count)).into());
    assert_eq!(stats.take(), RequestStats::default());
}

#[test]
fn the_mean_in_flight_follows_from_the_service_times() {
    for (requests, span_ns, mean_in_flight) in [
        // One at a time, with gaps.
        (vec![(0, 100), (150, 250), (300, 400)], 400, 0.75),
        // Twelve at a time, without.
        (vec![(1000, 2000); 12], 1000, 12.0),
        (vec![(1000, 2000), (1500, 3000)], 2000, 1.25),
        // No time at all.
        (vec![(7, 7)], 0, 0.0),
        (vec![], 0, 0.0),
    ] {
        let stats = Stats::default();
        let arrived: Vec<_> =
            requests.iter().map(|(at, end)| (stats.count_arrival(Read, 1, InOrder, *at), *end)).collect();
        arrived.iter().for_each(|(arrival, end)| stats.answer(arrival, Answered::Good, *end));
        let taken = stats.take();
        assert_eq!((taken.span_ns, taken.mean_in_flight), (span_ns, mean_in_flight), "{requests:?}");
    }
}

#[test]
fn threads_that_count_apart_number_together() {
    let threads = 2 * SHARES;
    let (stats, all_are_in_flight) = (Stats::default(), std::sync::Barrier::new(threads));
    let serve = || {
        let arrival = stats.count_arrival(Read, 1, OutOfOrder, 5);
        all_are_in_flight.wait();
        stats.answer(&arrival, Answered::Failed, 9);
        arrival.number
    };
    let mut numbers: Vec<u64> = std::thread::scope(|scope| {
        let serving: Vec<_> = (0..threads).map(|_| scope.spawn(serve)).collect();
        serving.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    numbers.sort_unstable();
    assert_eq!(numbers, (0..threads as u64).collect::<Vec<_>>());
    assert!(stats.used().count() > 1);
    let taken = stats.take();
    assert_eq!((taken.most_in_flight, taken.span_ns), (threads as u32, 4));
    assert_eq!((taken.out_of_order, taken.failed), (threads as u64, threads as u64));
    assert_eq!(stats.count_arrival(Read, 1, InOrder, 0).number, 0);
}

#[test]
fn no_count_is_lost_between_threads() {
    let stats = Stats::default();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for size in 0..40_000 {
                    let arrival = stats.count_arrival(Write, size % 32, InOrder, size.into());
                    stats.answer(&arrival, Answered::Good, u64::from(size) + 10);
                }
            });
        }
    });
    let taken = stats.take();
    assert_eq!(taken.write_sizes, (0..32).map(|size| (size, 5_000)).collect());
    assert_eq!(taken.by_operation["WRITE"], 160_000);
    assert_eq!(taken.write_service.map(|times| (times.count, times.mean_ns)), Some((160_000, 10)));
    assert_eq!(taken.span_ns, 40_009);
    assert_eq!(stats.take().most_in_flight, 0);
}
