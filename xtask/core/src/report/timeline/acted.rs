//! What the server did by itself while the requests came, and how many were in flight before and after.

use lab_protocol::ActionReport;
use lab_protocol::log::LogRecord;

use super::group::is_data;

/// An action in the run that was logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::report) struct Acted {
    /// What was to be done when.
    pub(in crate::report) action: String,
    pub(in crate::report) report: ActionReport,
}

/// How many READs and WRITEs were in flight in a part of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
struct InFlight {
    least: u32,
    most: u32,
    mean: f64,
}

/// A line for each action, in the order in which they were begun, and one for the time before; none if nothing was done. What
/// the log had no room for would be missing in what was in flight, so that `dropped` leaves that out.
pub(super) fn lines(acted: &[Acted], records: &[LogRecord], dropped: u64) -> Vec<String> {
    let mut begun: Vec<(u64, &Acted)> =
        acted.iter().filter_map(|acted| Some((acted.report.begin_ns?, acted))).collect();
    begun.sort_by_key(|(begin_ns, _)| *begin_ns);
    let data: Vec<&LogRecord> = records.iter().filter(|record| is_data(record)).collect();
    let first_ns = data.iter().map(|record| record.arrival_ns).min().unwrap_or(0);
    let answered = data.iter().filter(|record| record.is_answered());
    let last_ns = answered.map(|record| record.answer_ns).max().unwrap_or(0);
    let since = |from_ns: u64, place: usize| {
        let to_ns = begun.get(place).map_or(last_ns, |(begin_ns, _)| *begin_ns).min(last_ns);
        in_flight(&data, from_ns.max(first_ns), to_ns).filter(|_| dropped == 0)
    };
    let before = since(0, 0).map(|found| format!("Before the first action: {}", found.text()));
    let line = |(place, (begin_ns, acted)): (usize, &(u64, &Acted))| {
        let after = since(*begin_ns, place + 1).map(|found| format!("; from then on {}", found.text()));
        format!(
            "After {:.2} ms, {}, with {} in flight: {}{}",
            *begin_ns as f64 / 1e6,
            acted.action,
            acted.report.in_flight,
            acted.report.result,
            after.unwrap_or_default()
        )
    };
    let not_begun = acted.iter().filter(|acted| acted.report.begin_ns.is_none());
    let not_begun = not_begun.map(|acted| format!("Not begun, {}: {}", acted.action, acted.report.result));
    let before = before.filter(|_| !begun.is_empty());
    before.into_iter().chain(begun.iter().enumerate().map(line)).chain(not_begun).collect()
}

impl InFlight {
    fn text(self) -> String {
        let InFlight { least, most, mean } = self;
        format!("{least} to {most} in flight, {mean:.2} on average")
    }
}

/// In flight from one time to another; none if that is no time.
fn in_flight(data: &[&LogRecord], from_ns: u64, to_ns: u64) -> Option<InFlight> {
    let duration_ns = to_ns.checked_sub(from_ns).filter(|ns| *ns > 0)?;
    let inside = data.iter().filter(|record| record.arrival_ns < to_ns && record.answer_ns > from_ns);
    // An answer makes room for the request that comes at the same time.
    let mut steps: Vec<(u64, i64)> = inside
        .flat_map(|record| [(record.arrival_ns.max(from_ns), 1), (record.answer_ns.min(to_ns), -1)])
        .collect();
    steps.sort_unstable();
    let (mut level, mut since_ns, mut sum) = (0_i64, from_ns, 0_u128);
    let (mut least, mut most) = (i64::MAX, 0);
    for (at_ns, change) in steps {
        if at_ns > since_ns {
            (least, most) = (least.min(level), most.max(level));
            sum += u128::from(at_ns - since_ns) * level as u128;
            since_ns = at_ns;
        }
        level += change;
    }
    if to_ns > since_ns {
        (least, most) = (least.min(level), most.max(level));
    }
    let mean = sum as f64 / duration_ns as f64;
    Some(InFlight { least: least as u32, most: most as u32, mean })
}

#[cfg(test)]
mod tests {
    use lab_protocol::log::UNANSWERED;
    use lab_protocol::{ActionResult, Operation};

    use super::*;

    fn request(operation: Operation, arrival_ns: u64, answer_ns: u64) -> LogRecord {
        LogRecord {
            arrival_ns,
            answer_ns,
            offset: 0,
            inode: 1,
            size: 4096,
            result: 4096,
            in_flight: 1,
            operation,
            thread: 0,
        }
    }

    fn read(arrival_ns: u64, answer_ns: u64) -> LogRecord {
        request(Operation::Read, arrival_ns, answer_ns)
    }

    #[test]
    fn what_is_in_flight_in_a_part() {
        let records = [read(0, 100), read(50, 150), read(150, 250), read(200, UNANSWERED)];
        let data: Vec<&LogRecord> = records.iter().collect();
        for (from_ns, to_ns, expected) in [
            (0, 100, Some((1, 2, 1.5))),
            (0, 50, Some((1, 1, 1.0))),
            (60, 90, Some((2, 2, 2.0))),
            // One goes and one comes.
            (100, 200, Some((1, 1, 1.0))),
            (200, 300, Some((1, 2, 1.5))),
            (300, 300, None),
            (300, 200, None),
        ] {
            let found = in_flight(&data, from_ns, to_ns).map(|it| (it.least, it.most, it.mean));
            assert_eq!(found, expected, "{from_ns} to {to_ns}");
        }
        let none = in_flight(&[], 0, 10).map(|it| it.most);
        assert_eq!(none, Some(0));
    }

    #[test]
    fn each_action_parts_the_run() {
        let acted = |action: &str, begin_ns, result| Acted {
            action: action.to_owned(),
            report: ActionReport { begin_ns, end_ns: begin_ns, in_flight: 1, result },
        };
        let all = [
            acted("at 2000 us resend", Some(2_000_000), ActionResult::Done),
            acted("at read 2 max-background = 4", Some(1_000_000), ActionResult::Changed { from: 1, to: 4 }),
            acted("at read 9 abort", None, ActionResult::NeverDue),
        ];
        let records = [
            read(0, 1_500_000),
            read(1_000_000, 3_000_000),
            request(Operation::Getattr, 0, 9_000_000),
            read(2_500_000, 4_000_000),
        ];
        assert_eq!(
            lines(&all, &records, 0),
            [
                "Before the first action: 1 to 1 in flight, 1.00 on average",
                "After 1.00 ms, at read 2 max-background = 4, with 1 in flight: 1 -> 4; from then on 1 to 2 in flight, 1.50 on \
                 average",
                "After 2.00 ms, at 2000 us resend, with 1 in flight: done; from then on 1 to 2 in flight, 1.25 on average",
                "Not begun, at read 9 abort: it never came due",
            ]
        );
        assert_eq!(
            lines(&all[..1], &records, 5),
            ["After 2.00 ms, at 2000 us resend, with 1 in flight: done"]
        );
        assert_eq!(lines(&[], &records, 0), [""; 0]);
    }
}
