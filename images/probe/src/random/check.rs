//! A sequence is run, judged, and shrunk if it fails.

use std::fmt;

use super::judge::judge;
use super::operation::Step;
use super::sequence::Sequence;
use super::shrink::{Budget, Shrunk, shrink};
use super::subject::Subject;
use super::violation::{Kind, Violation};

/// A sequence that failed, and what is left of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// As it was drawn.
    pub(crate) sequence: Sequence,
    pub(crate) violation: Violation,
    pub(crate) shrunk: Shrunk,
}

/// Runs a sequence, with a comparison at its end; if it fails it is shrunk.
///
/// # Errors
/// If it cannot be run.
pub(crate) fn check(
    subject: &mut dyn Subject,
    sequence: &Sequence,
    budget: Budget,
) -> anyhow::Result<Option<Failure>> {
    let mut sequence = sequence.clone();
    if sequence.0.last() != Some(&Step::Compare) {
        sequence.0.push(Step::Compare);
    }
    let history = subject.run(&sequence)?;
    let Some(violation) = judge(&sequence, &history) else { return Ok(None) };
    let shrunk = shrink(subject, &sequence, violation.clone(), budget)?;
    Ok(Some(Failure { sequence, violation, shrunk }))
}

impl Failure {
    /// The way in which it fails.
    pub(crate) fn kind(&self) -> Kind {
        self.violation.kind
    }

    /// The shrunk sequence as it can be run again, with numbers for its steps as remarks.
    pub(crate) fn lines(&self) -> Vec<String> {
        (1..).zip(&self.shrunk.sequence.0).map(|(number, step)| format!("{step}  # {number}")).collect()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure { sequence, violation, shrunk } = self;
        let done = sequence.operations().filter(|(place, _)| *place <= violation.step).count();
        let left = shrunk.sequence.operations().count();
        let operations = if done == 1 { "operation" } else { "operations" };
        write!(f, "after {done} {operations} (shrunk to {left}): ")?;
        let Violation { kind, step, text, .. } = &shrunk.violation;
        match kind {
            Kind::Byte | Kind::StalePage => f.write_str(text),
            Kind::Count | Kind::Size | Kind::Split | Kind::Error | Kind::Twice | Kind::Never => {
                let what = shrunk.sequence.0.get(*step).map(ToString::to_string).unwrap_or_default();
                write!(f, "step {}, `{what}`, {text}", step + 1)
            }
        }
    }
}
