//! The picture: a line for each request, with a bar from when it was sent to when it came back.

use lab_protocol::Operation;
use lab_protocol::log::LogRecord;

use super::Timeline;
use super::acted::{self, Acted};
use super::group::RequestGroup;
use crate::text::layout::{WIDTH, longest, wrap};

/// The most requests of a group that are drawn.
const MOST_LINES: usize = 40;

/// Columns between the marks of the axis, at least.
const MARKS_APART: u64 = 11;

/// The requests of one boot.
#[derive(Debug)]
pub(in crate::report) struct Lane {
    pub(in crate::report) variant: String,
    /// The boot's number in the plan.
    pub(in crate::report) boot: u32,
    /// None if nothing was read or written.
    pub(in crate::report) group: Option<RequestGroup>,
    /// All of the log.
    pub(in crate::report) records: Vec<LogRecord>,
    /// Requests that the log had no room for.
    pub(in crate::report) dropped: u64,
    /// What the server did by itself.
    pub(in crate::report) acted: Vec<Acted>,
}

/// How time becomes columns; the same for all lanes.
#[derive(Clone, Copy, Debug)]
struct TimeScale {
    /// What the longest group takes, at least 1.
    total_ns: u64,
    /// Width of the bars.
    columns: u64,
    /// Width of the names of operations.
    name_columns: usize,
}

/// Draws the lanes below each other.
pub(super) fn render(timeline: &Timeline) -> String {
    let Timeline { lead, lanes, without_log, .. } = timeline;
    let scale = TimeScale::of(lanes);
    let mut parts = vec![wrap("", lead, WIDTH, 2), wrap("", &legend(lanes, scale), WIDTH, 0)];
    parts.extend(lanes.iter().map(|lane| draw(lane, scale)));
    if !without_log.is_empty() {
        parts.push(wrap("", &format!("Without a request log: {}.", without_log.join(", ")), WIDTH, 2));
    }
    parts.join("\n\n") + "\n"
}

fn legend(lanes: &[Lane], scale: TimeScale) -> String {
    let mut kinds: Vec<String> =
        lanes.iter().filter_map(|lane| Some(lane.group.as_ref()?.kind.to_string())).collect();
    kinds.dedup();
    let has_failed =
        lanes.iter().filter_map(|lane| lane.group.as_ref()).flat_map(|it| &it.requests).any(is_error);
    format!(
        "Shown: {}. A request counts as sent when the server has received it, and as back when the server answers it, \
         in us of guest time since the first was sent. One scale for all: a column is {:.1} us.{}",
        if kinds.is_empty() { "nothing".to_owned() } else { kinds.join("; ") },
        us(scale.total_ns) / scale.columns as f64,
        if has_failed { " x: answered with an error." } else { "" }
    )
}

fn draw(lane: &Lane, scale: TimeScale) -> String {
    let name = format!("{}, boot {}", lane.variant, lane.boot);
    let kept = lane.records.len();
    let full = match lane.dropped {
        0 => String::new(),
        dropped => {
            format!(" (the log was full: it has {kept} of {} requests)", kept as u64 + dropped)
        }
    };
    let Some(group) = &lane.group else { return format!("{name}: no READ or WRITE was logged{full}") };
    let (read, write) = (count(group, Operation::Read), count(group, Operation::Write));
    let counts = [(read, "READ"), (write, "WRITE")].into_iter().filter(|(count, _)| *count > 0);
    let counts: Vec<String> =
        counts.map(|(count, name)| format!("{count} {name}{}", if count == 1 { "" } else { "s" })).collect();
    let summary = format!(
        "{name}: {}, at most {} in flight, {:.0} us in all{full}",
        counts.join(" and "),
        group.most_in_flight(),
        us(group.total_ns())
    );
    let mut lines = vec![wrap("", &summary, WIDTH, 2), scale.axis()];
    let drawn = group.requests.iter().take(MOST_LINES);
    lines.extend(drawn.map(|record| scale.line(record, group.begin_ns())));
    let left = group.requests.len().saturating_sub(MOST_LINES);
    lines.extend((left > 0).then(|| format!("... and {left} more")));
    let acted = acted::lines(&lane.acted, &lane.records, lane.dropped);
    lines.extend(acted.iter().map(|line| wrap("", line, WIDTH, 2)));
    lines.join("\n")
}

fn count(group: &RequestGroup, operation: Operation) -> usize {
    group.data().filter(|record| record.operation == operation).count()
}

fn is_error(record: &LogRecord) -> bool {
    record.result < 0
}

fn us(ns: u64) -> f64 {
    ns as f64 / 1000.0
}

impl TimeScale {
    fn of(lanes: &[Lane]) -> Self {
        let groups = || lanes.iter().filter_map(|lane| lane.group.as_ref());
        let names = groups().flat_map(|group| &group.requests).map(|record| record.operation.name());
        let mut scale = TimeScale {
            total_ns: groups().map(RequestGroup::total_ns).max().unwrap_or(0).max(1),
            columns: 0,
            name_columns: longest(names),
        };
        // What comes before a bar, and the mark at its begin.
        let before = scale.before("", "", "", "").chars().count() + 1;
        scale.columns = WIDTH.saturating_sub(before).max(1) as u64;
        scale
    }

    fn before(self, name: &str, kib: &str, sent: &str, back: &str) -> String {
        format!("{name:<width$} {kib:>7} {sent:>7} {back:>7}  ", width = self.name_columns)
    }

    /// The column of a time, rounded: bars that follow each other do not overlap.
    fn column(self, ns: u64) -> u64 {
        let column =
            u128::from(ns.min(self.total_ns)) * u128::from(self.columns) * 2 + u128::from(self.total_ns);
        (column / (2 * u128::from(self.total_ns))) as u64
    }

    fn line(self, record: &LogRecord, begin_ns: u64) -> String {
        let (sent, back) =
            (record.arrival_ns.saturating_sub(begin_ns), record.answer_ns.saturating_sub(begin_ns));
        let from = self.column(sent).min(self.columns - 1);
        let to = self.column(back).max(from + 1);
        let kib = if record.size == 0 { String::new() } else { (record.offset / 1024).to_string() };
        let bar = if is_error(record) { "x" } else { "=" }.repeat((to - from) as usize);
        let [sent, back] = [sent, back].map(|ns| self.time(ns));
        let space = " ".repeat(from as usize);
        format!("{}|{space}{bar}", self.before(record.operation.name(), &kib, &sent, &back))
    }

    /// Whole microseconds, unless all of it is shorter than a millisecond.
    fn time(self, ns: u64) -> String {
        if self.total_ns < 1_000_000 { format!("{:.1}", us(ns)) } else { format!("{:.0}", us(ns)) }
    }

    /// The line above the bars.
    fn axis(self) -> String {
        let mut axis = String::new();
        let step_ns = self.step_ns();
        for mark in 0.. {
            let ns = step_ns.saturating_mul(mark);
            let column = self.column(ns);
            let label = format!("|{}", self.time(ns));
            if ns >= self.total_ns || column + label.len() as u64 > self.columns {
                break;
            }
            axis.push_str(&" ".repeat((column as usize).saturating_sub(axis.len())));
            axis.push_str(&label);
        }
        format!("{}{axis}", self.before("", "KiB", "sent", "back"))
    }

    /// The smallest of 1, 2, 5, 10, ... that keeps the marks apart.
    fn step_ns(self) -> u64 {
        let steps = (2..19).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_u64.pow(power)));
        let mut steps = steps.filter(|step| self.column(*step) >= MARKS_APART);
        steps.next().unwrap_or(u64::MAX)
    }
}
