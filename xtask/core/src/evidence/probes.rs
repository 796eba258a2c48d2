//! What the behaviour probes of one boot say, each held against what is expected of it.

use lab_protocol::{EndOfProgram, NOT_PROBED, ProbeReport, ProbeResult};
use serde::Serialize;

use super::output;
use crate::text::escape::escape_for_terminal;

/// The longest text of a guest that is kept, characters: a sentence takes a tenth of it.
const LONGEST_TEXT: usize = 400;

/// The longest name, characters.
const LONGEST_NAME: usize = 60;

/// What one probe saw in one boot. All texts can be shown on a terminal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Observation {
    /// What came of it, with a verb: the end of the sentence that the probe's title begins.
    pub observed: String,
    /// It against what is expected.
    pub standing: Standing,
    /// What the table of the kernel says, any of which is right; empty if it says nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub expected: Vec<String>,
}

/// What a probe saw, against what is expected of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// The table says that this is right.
    AsExpected,
    /// No table says anything of it.
    NotStated,
    /// The table says something else.
    Otherwise,
    /// No kernel may do this, whatever a table says.
    Fault,
    /// It began and did not end.
    Unfinished,
}

impl Standing {
    /// Whether it speaks against the kernel, whatever others do.
    pub fn is_failure(self) -> bool {
        match self {
            Standing::AsExpected | Standing::NotStated => false,
            Standing::Otherwise | Standing::Fault | Standing::Unfinished => true,
        }
    }
}

impl Observation {
    /// What a probe says that came to its end.
    pub fn of(result: &ProbeResult) -> Self {
        let observed = text(&result.observed);
        let expected: Vec<String> = result.expected.iter().map(|expected| text(expected)).collect();
        match &result.fault {
            Some(fault) => {
                Observation { observed: join(&observed, fault), standing: Standing::Fault, expected }
            }
            None if expected.is_empty() => Observation { observed, standing: Standing::NotStated, expected },
            None if result.expected.contains(&result.observed) => {
                Observation { observed, standing: Standing::AsExpected, expected }
            }
            None => Observation { observed, standing: Standing::Otherwise, expected },
        }
    }

    /// Whether another kernel does the same. Numbers in a fault are left out: the first wrong byte need not be the same.
    pub(crate) fn is_like(&self, other: &Observation) -> bool {
        match (self.standing, other.standing) {
            (Standing::Fault, Standing::Fault) => {
                without_numbers(&self.observed) == without_numbers(&other.observed)
            }
            (Standing::Unfinished, Standing::Unfinished) => true,
            (Standing::Fault | Standing::Unfinished, _) | (_, Standing::Fault | Standing::Unfinished) => {
                false
            }
            (
                Standing::AsExpected | Standing::NotStated | Standing::Otherwise,
                Standing::AsExpected | Standing::NotStated | Standing::Otherwise,
            ) => self.observed == other.observed,
        }
    }
}

/// A probe of one boot by its name, with its title if it came as far as to say one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Probed {
    pub(crate) name: String,
    pub(crate) title: Option<String>,
    pub(crate) observation: Observation,
}

/// What the probes of a boot saw, in the order in which they ran; of two with one name the first. Those that a kernel cannot
/// be asked are left out, but for what went wrong in them.
pub(crate) fn probed(report: &ProbeReport) -> Vec<Probed> {
    let mut all: Vec<Probed> = Vec::new();
    let is_asked = |result: &&ProbeResult| result.fault.is_some() || !result.observed.starts_with(NOT_PROBED);
    let results = report.results.iter().filter(is_asked).map(|result| Probed {
        name: name(&result.name),
        title: Some(text(&result.title)),
        observation: Observation::of(result),
    });
    for one in results.chain(unfinished(report)) {
        if all.iter().all(|known| known.name != one.name) {
            all.push(one);
        }
    }
    all
}

/// The probe that did not end. A program that gave up by itself in the middle of one says nothing of the kernel.
fn unfinished(report: &ProbeReport) -> Option<Probed> {
    let how = match &report.end {
        EndOfProgram::Exit(0) => "begins and says nothing more".to_owned(),
        EndOfProgram::Signal(signal) => format!("does not end: signal {signal} ends its program"),
        EndOfProgram::TimedOut => "does not end in time".to_owned(),
        EndOfProgram::Unkillable => "does not end in time, and its program cannot be killed".to_owned(),
        EndOfProgram::Exit(_) | EndOfProgram::NotStarted(_) => return None,
    };
    Some(Probed {
        name: name(report.unfinished.as_ref()?),
        title: None,
        observation: Observation { observed: how, standing: Standing::Unfinished, expected: Vec::new() },
    })
}

/// Why not all of a boot's probes could do their work; none if they could.
pub(crate) fn not_probed(report: &ProbeReport) -> Option<String> {
    let how = output::bad_end(&report.end)?;
    let during = report.unfinished.as_ref().map(|name| format!(", during {name}")).unwrap_or_default();
    let last = report.stderr.lines().rev().find(|line| !line.trim().is_empty());
    let said = last.map(|line| format!(": {}", line.trim())).unwrap_or_default();
    Some(text(&format!("{how}{during}{said}")))
}

fn join(observed: &str, fault: &str) -> String {
    match observed {
        "" => text(fault),
        observed => text(&format!("{observed}; {fault}")),
    }
}

fn text(of_guest: &str) -> String {
    escape_for_terminal(of_guest.trim()).replace('\n', " ").chars().take(LONGEST_TEXT).collect()
}

fn name(of_guest: &str) -> String {
    text(of_guest).chars().take(LONGEST_NAME).collect()
}

fn without_numbers(text: &str) -> String {
    let mut kept = String::new();
    for character in text.chars() {
        let is_digit = character.is_ascii_digit();
        if !is_digit {
            kept.push(character);
        } else if !kept.ends_with('#') {
            kept.push('#');
        }
    }
    kept
}
