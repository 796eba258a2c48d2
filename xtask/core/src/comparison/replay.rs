//! A boot that was run again, held against the first time.
//!
//! With the virtual clock a boot follows from its input, so that all of it has to be equal: how it ended, each figure, each line of
//! the console, each field of the report. What the lab cuts short at a limit of real time is equal up to that.

use lab_protocol::{Report, WorkloadTask};
use serde_json::Value;

use crate::campaign::{BootData, Record};
use crate::evidence::capture::End;
use crate::evidence::outcome::Outcome;
use crate::evidence::output;
use crate::plan::Clock;
use crate::text::escape::escape_for_terminal;

/// How many differences of a kind are shown.
const MOST_SHOWN: usize = 12;

/// The longest value that is shown, characters.
const LONGEST_VALUE: usize = 80;

/// Who watched the boot that was run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watched {
    /// As at the first time.
    OnlyByTheLab,
    /// Somebody could stop it.
    ByADebugger,
}

/// What a boot did that was run again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// Whether it did the same.
    pub is_same: bool,
    /// What was compared, a line each.
    pub lines: Vec<String>,
}

impl Replay {
    /// Holds the boot of now against that of then. `tasks` are the workloads of both.
    ///
    /// # Errors
    /// If a report cannot be written as JSON.
    pub fn of(
        then: &BootData,
        now: &BootData,
        tasks: &[WorkloadTask],
        watched: Watched,
    ) -> anyhow::Result<Self> {
        let mut replay = Replay { is_same: true, lines: Vec::new() };
        replay.outcome(&then.record, &now.record);
        match (then.record.setup.clock, watched) {
            (Clock::Virtual, Watched::OnlyByTheLab) => {
                replay.figures(then, now, tasks);
                replay.console(then, now);
                replay.report(then.report.as_ref(), now.report.as_ref())?;
                replay.requests(&then.record, &now.record);
            }
            (Clock::Virtual, Watched::ByADebugger) => replay.tell(
                "under a debugger: the guest's time goes on where it stops, so that figures, console and report are not compared",
            ),
            (Clock::Wall, _) => {
                replay.tell("real time: figures, console and report never repeat, and are not compared")
            }
        }
        Ok(replay)
    }

    /// What is printed.
    pub fn text(&self) -> String {
        let verdict = match self.is_same {
            true => "the same (exit code 0)",
            false => "different (exit code 1)",
        };
        let lines = self.lines.iter().map(|line| format!("  {line}\n"));
        std::iter::once(format!("{verdict}:\n")).chain(lines).collect()
    }

    fn tell(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    fn differ(&mut self, line: impl Into<String>) {
        self.is_same = false;
        self.tell(line);
    }

    fn outcome(&mut self, then: &Record, now: &Record) {
        let shown = |outcome: &Outcome| match outcome.reason() {
            "" => outcome.word().to_owned(),
            reason => format!("{} ({})", outcome.word(), escape_for_terminal(reason)),
        };
        let line = format!("ended: {}", shown(&now.outcome));
        match kind(now) == kind(then) {
            true => self.tell(format!("{line}, as then")),
            false => self.differ(format!("{line}; then: {}", shown(&then.outcome))),
        }
    }

    fn figures(&mut self, then: &BootData, now: &BootData, tasks: &[WorkloadTask]) {
        let [then, now] = [then, now].map(|boot| figures(boot, tasks));
        let differing: Vec<String> =
            rows(&then, &now).filter(|(_, [then, now])| then != now).map(shown).collect();
        match differing.is_empty() {
            true if now.is_empty() => {}
            true => self.tell(format!("{} figures: equal to the last digit", now.len())),
            false => {
                self.differ(format!("{} of {} figures differ:", differing.len(), now.len().max(then.len())));
                self.list(differing);
            }
        }
    }

    fn console(&mut self, then: &BootData, now: &BootData) {
        let lines = |boot: &BootData| -> Vec<String> {
            String::from_utf8_lossy(&boot.console).lines().map(str::to_owned).collect()
        };
        let (old, new) = (lines(then), lines(now));
        let equal = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
        if then.console == now.console {
            self.tell(format!("console: {equal} lines, equal"));
        } else if is_cut(&then.record) && is_cut(&now.record) {
            // What it says when it is asked where it is depends on when that is.
            let (old, new) = (old.len(), new.len());
            self.tell(format!(
                "console: equal in the first {equal} lines, of {new}; then {old}; the lab ended it at a limit of real time"
            ));
        } else {
            let line = |lines: &[String]| {
                lines.get(equal).map_or_else(|| "its end".to_owned(), |line| format!("`{}`", cut(line)))
            };
            let (old, new) = (line(&old), line(&new));
            self.differ(format!("console: differs from line {} on, which is {new}; then: {old}", equal + 1));
        }
    }

    fn report(&mut self, then: Option<&Report>, now: Option<&Report>) -> anyhow::Result<()> {
        match (then, now) {
            (None, None) => {}
            (Some(_), None) => self.differ("report: there is none; then there was one"),
            (None, Some(_)) => self.differ("report: there is one; then there was none"),
            (Some(then), Some(now)) => {
                let mut differing = Vec::new();
                let [then, now] = [serde_json::to_value(then)?, serde_json::to_value(now)?];
                differences("", Some(&then), Some(&now), &mut differing);
                match differing.len() {
                    0 => self.tell("report: equal in each field"),
                    count => {
                        self.differ(format!("report: {count} fields differ:"));
                        self.list(differing);
                    }
                }
            }
        }
        Ok(())
    }

    fn requests(&mut self, then: &Record, now: &Record) {
        match (&then.requests, &now.requests) {
            (None, None) => {}
            (then, now) if then == now => self.tell("request logs: equal"),
            (_, _) => self.differ("request logs: differ"),
        }
    }

    fn list(&mut self, lines: Vec<String>) {
        let more = lines.len().saturating_sub(MOST_SHOWN);
        self.lines.extend(lines.into_iter().take(MOST_SHOWN).map(|line| format!("  {line}")));
        if more > 0 {
            self.tell(format!("  and {more} more"));
        }
    }
}

/// In which way a boot ended. That it hung is told with the last line of a console that goes on until the lab looks.
fn kind(record: &Record) -> (&'static str, &str) {
    let reason = record.outcome.reason();
    let reason = match (&record.outcome, record.setup.clock) {
        (Outcome::Hung { .. }, _) | (_, Clock::Wall) => reason.split(';').next().unwrap_or_default(),
        (Outcome::Finished | Outcome::Broken { .. } | Outcome::Lost { .. }, Clock::Virtual) => reason,
    };
    (record.outcome.word(), reason)
}

/// Whether the lab ended it.
fn is_cut(record: &Record) -> bool {
    record.watched.as_ref().is_some_and(|watched| match watched.end {
        End::Silence | End::WallLimit | End::Interrupted => true,
        End::Exited { .. } => false,
    })
}

/// The throughput of each sample that has one, by the name of its row.
fn figures(boot: &BootData, tasks: &[WorkloadTask]) -> Vec<(String, String)> {
    let reported = boot.report.iter().flat_map(|report| &report.workloads);
    let figure = |workload: &lab_protocol::WorkloadReport| {
        let task = tasks.iter().find(|task| task.name == workload.name).filter(|task| !task.is_suite())?;
        let told = output::throughput(task.tool, output::figures(task.tool, workload)).ok()?;
        let unit = output::unit_of(task).name();
        Some((format!("{} sample {}", task.name, workload.sample), format!("{} {unit}", told.value)))
    };
    reported.filter_map(figure).collect()
}

/// A row and what it had then and has now.
type Row<'a> = (&'a str, [Option<&'a str>; 2]);

fn rows<'a>(then: &'a [(String, String)], now: &'a [(String, String)]) -> impl Iterator<Item = Row<'a>> {
    let in_list = |list: &'a [(String, String)], name: &str| {
        list.iter().find(|(row, _)| row == name).map(|(_, value)| value.as_str())
    };
    let gone = then.iter().filter(move |(name, _)| in_list(now, name).is_none());
    now.iter().chain(gone).map(move |(name, _)| (name.as_str(), [in_list(then, name), in_list(now, name)]))
}

fn shown((name, [then, now]): Row<'_>) -> String {
    let [then, now] = [then, now].map(|value| value.unwrap_or("none"));
    format!("{name}: {now}; then: {then}")
}

/// Each field in which two values differ, by its path.
fn differences(path: &str, then: Option<&Value>, now: Option<&Value>, found: &mut Vec<String>) {
    match (then, now) {
        (Some(Value::Object(then)), Some(Value::Object(now))) => {
            let only_now = now.keys().filter(|key| !then.contains_key(*key));
            for key in then.keys().chain(only_now) {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                differences(&path, then.get(key), now.get(key), found);
            }
        }
        (Some(Value::Array(then)), Some(Value::Array(now))) => {
            for place in 0..then.len().max(now.len()) {
                differences(&format!("{path}[{place}]"), then.get(place), now.get(place), found);
            }
        }
        (then, now) if then == now => {}
        (then, now) => {
            let text = |value: Option<&Value>| value.map_or_else(|| "none".to_owned(), Value::to_string);
            let [now, then] = [now, then].map(text);
            let skip = before_difference(&now, &then);
            found.push(format!("{path}: {}; then: {}", cut_from(&now, skip), cut_from(&then, skip)));
        }
    }
}

/// How many characters of two texts can be left out so that a difference is seen.
fn before_difference(a: &str, b: &str) -> usize {
    let equal = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
    if equal < LONGEST_VALUE / 2 { 0 } else { equal - LONGEST_VALUE / 4 }
}

fn cut_from(text: &str, skip: usize) -> String {
    let dots = if skip > 0 { "..." } else { "" };
    format!("{dots}{}", cut(&text.chars().skip(skip).collect::<String>()))
}

fn cut(text: &str) -> String {
    let mut kept: String = text.chars().take(LONGEST_VALUE).collect();
    if kept.len() < text.len() {
        kept.push_str("...");
    }
    escape_for_terminal(&kept)
}

#[cfg(test)]
mod tests;
