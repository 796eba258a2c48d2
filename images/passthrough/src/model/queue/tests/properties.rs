//! What has to hold for any settings and any requests, over many of them at random.

use std::collections::BTreeMap;

use super::*;

/// Numbers for making cases; any sequence would do.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    fn settings(&mut self) -> StorageSettings {
        StorageSettings {
            dither_permille: 0,
            latency_us: self.one_of(&[0, 1, 10, 50]),
            distribution: self.one_of(&[
                Distribution::Fixed,
                Distribution::Uniform,
                Distribution::Exponential,
            ]),
            parallel: self.one_of(&[0, 1, 1, 2, 3, 8]),
            mib_per_s: self.one_of(&[0, 0, 300, 4_000]),
            jitter_us: 0,
            disorder_us: self.one_of(&[0, 0, 7, 40]),
            merge_kib: self.one_of(&[0, 4, 8, 20, 1024]),
            plug_us: self.one_of(&[0, 0, 5, 30]),
        }
    }

    /// Some sequential streams, torn here and there, as a kernel sends them.
    fn requests(&mut self) -> Vec<Request> {
        let mut now = 0;
        let pace = self.one_of(&[1, 10, 60]);
        let count = 1 + self.below(24);
        (0..count)
            .map(|index| {
                now += self.below(pace);
                let place = if self.below(3) == 0 { self.below(count) } else { index };
                (now, self.one_of(&[Read, Read, Read, Write]), place * 4, self.one_of(&[4, 4, 4, 8]))
            })
            .collect()
    }
}

const CASES: u64 = 2_000;

fn each_case(mut check: impl FnMut(&StorageSettings, &[Request])) {
    for seed in 0..CASES {
        let mut dice = Dice(seed);
        check(&dice.settings(), &dice.requests());
    }
}

/// Operations without merging, by the rules as they are written, in the slowest way.
fn by_the_book(settings: &StorageSettings, requests: &[Request]) -> Vec<Served> {
    let latencies = crate::random::Draws::new(1, settings.latency_us * 1_000, settings.distribution);
    let mut served: Vec<Served> = Vec::new();
    let mut transferred = 0;
    for (index, (arrival, direction, offset, kib)) in requests.iter().enumerate() {
        let mut begin = (arrival + settings.plug_us) * 1_000;
        begin = begin.max(served.last().map_or(0, |it| it.begin));
        let at_work = |time| served.iter().filter(|it| it.begin <= time && time < it.end).count();
        while settings.parallel > 0 && at_work(begin) >= settings.parallel as usize {
            begin = served.iter().map(|it| it.end).filter(|end| *end > begin).min().unwrap();
        }
        let before = requests[..index].iter().rfind(|other| other.1 == *direction);
        let disorder = before.is_some_and(|other| other.2 + u64::from(other.3) != *offset);
        let bytes = f64::from(*kib) * 1024.0;
        let transfer = match settings.mib_per_s {
            0 => 0,
            rate => (bytes * 1e9 / (f64::from(rate) * 1_048_576.0)).ceil() as u64,
        };
        transferred = begin.max(transferred) + transfer;
        let penalty = if disorder { settings.disorder_us * 1_000 } else { 0 };
        served.push(Served { begin, end: transferred + latencies.of(index as u64) + penalty });
    }
    served
}

#[test]
fn without_merging_every_time_is_that_of_the_rules() {
    each_case(|settings, requests| {
        let settings = StorageSettings { merge_kib: 0, ..settings.clone() };
        let (served, stats) = run(&settings, requests, Looks::WhenDue);
        assert_eq!(served, by_the_book(&settings, requests), "{settings:?} {requests:?}");
        assert_eq!((stats.operations, stats.merged), (requests.len() as u64, 0));
    });
}

#[test]
fn looking_changes_nothing() {
    each_case(|settings, requests| {
        let [calm, nervous] = [Looks::WhenDue, Looks::AllTheTime].map(|looks| run(settings, requests, looks));
        assert_eq!(calm, nervous, "{settings:?} {requests:?}");
    });
}

/// What was merged, put together again from what became of the requests: an operation is known by its span and direction,
/// unless it took no time or others were served alike; then this says nothing, and is none.
fn operations(served: &[Served], requests: &[Request], stats: &StorageStats) -> Option<Vec<Vec<usize>>> {
    let mut groups: BTreeMap<(u64, u64, bool), Vec<usize>> = BTreeMap::new();
    for (index, it) in served.iter().enumerate() {
        groups.entry((it.begin, it.end, requests[index].1 == Read)).or_default().push(index);
    }
    (groups.len() as u64 == stats.operations).then(|| groups.into_values().collect())
}

#[test]
fn merged_operations_are_whole_runs_within_the_limit() {
    let (mut known, mut merged) = (0, 0);
    each_case(|settings, requests| {
        let (served, stats) = run(settings, requests, Looks::WhenDue);
        let asked = || requests.iter().map(|request| u64::from(request.3) << 10);
        assert_eq!(stats.bytes, asked().sum::<u64>());
        assert_eq!(stats.operations + stats.merged, requests.len() as u64);
        let limit = u64::from(settings.merge_kib << 10).max(asked().max().unwrap());
        assert!(stats.largest_bytes <= limit, "{settings:?} {requests:?}");
        let Some(operations) = operations(&served, requests, &stats) else { return };
        known += 1;
        for operation in operations.iter().filter(|operation| operation.len() > 1) {
            merged += 1;
            let mut parts: Vec<_> = operation.iter().map(|index| requests[*index]).collect();
            parts.sort_by_key(|part| part.2);
            let whole = parts.windows(2).all(|pair| pair[0].2 + u64::from(pair[0].3) == pair[1].2);
            assert!(whole, "{settings:?} {requests:?} {parts:?}");
            let begin = served[operation[0]].begin;
            assert!(parts.iter().all(|part| part.0 * 1_000 < begin), "{settings:?} {requests:?}");
        }
    });
    // Else this would have tested nothing.
    assert!(known > CASES / 2 && merged > CASES / 4, "{known} {merged}");
}

#[test]
fn no_more_is_served_at_once_and_no_faster_than_set() {
    each_case(|settings, requests| {
        let (served, stats) = run(settings, requests, Looks::WhenDue);
        if settings.parallel > 0 {
            assert!(stats.most_at_once <= settings.parallel);
            assert!(stats.service_ns <= stats.busy_ns * u64::from(settings.parallel));
        }
        let first = served.iter().map(|it| it.begin).min().unwrap();
        let last = served.iter().map(|it| it.end).max().unwrap();
        assert!(stats.busy_ns <= last - first && stats.busy_ns <= stats.service_ns);
        // Of any stretch of time: what began and ended in it was transferred in it.
        for from in &served {
            let inside = |it: &&Served| it.begin >= from.begin;
            let until = served.iter().filter(inside).map(|it| it.end).max().unwrap();
            let bytes: u64 = (served.iter().zip(requests))
                .filter(|(it, _)| it.begin >= from.begin)
                .map(|(_, request)| u64::from(request.3) << 10)
                .sum();
            let capacity = (until - from.begin) as f64 * 1e-9 * f64::from(settings.mib_per_s) * 1_048_576.0;
            let exceeded = settings.mib_per_s > 0 && bytes as f64 > capacity + 1.0;
            assert!(!exceeded, "{settings:?} {requests:?}");
        }
    });
}

#[test]
fn requests_begin_in_the_order_of_arrival_but_for_merging() {
    each_case(|settings, requests| {
        let (served, stats) = run(settings, requests, Looks::WhenDue);
        let ready = |request: &Request| (request.0 + settings.plug_us) * 1_000;
        let in_time = served.iter().zip(requests).all(|(it, request)| it.begin >= request.0 * 1_000);
        assert!(in_time, "{settings:?} {requests:?}");
        // What merged joined an operation that had arrived before it: then it may pass others, and its plug is shorter.
        if stats.merged == 0 {
            assert!(served.windows(2).all(|pair| pair[0].begin <= pair[1].begin));
            assert!(served.iter().zip(requests).all(|(it, request)| it.begin >= ready(request)));
        }
        // Nobody waits while there is a place: each begins when it is ready or when something else ends or begins.
        let excused = |time: u64| served.iter().any(|it| it.end == time || it.begin == time);
        for (it, request) in served.iter().zip(requests) {
            assert!(it.begin <= ready(request) || excused(it.begin), "{settings:?} {requests:?}");
        }
    });
}
