//! What the lab says of a boot that was to fail, against what it is to say.

use crate::evidence::klog;
use crate::evidence::outcome::Outcome;
use crate::plan::fault_suite::Fault;

/// What a boot of the suite came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The word of its outcome, or `error`.
    pub outcome: String,
    /// Its findings, each its kind and its title, each once: a task that hangs is told again and again.
    pub findings: Vec<String>,
    /// Why it did not end well.
    pub reason: String,
}

impl Found {
    /// Of a boot that was recorded.
    pub fn of(outcome: &Outcome, console: &[u8]) -> Self {
        let mut findings = Vec::new();
        for found in klog::findings(console) {
            let line = format!("{}: {}", found.kind, found.title);
            if !findings.contains(&line) {
                findings.push(line);
            }
        }
        Found { outcome: outcome.word().to_owned(), findings, reason: outcome.reason().to_owned() }
    }

    /// Of a boot that could not be recorded.
    pub fn error(error: &anyhow::Error) -> Self {
        Found { outcome: "error".to_owned(), findings: Vec::new(), reason: format!("{error:#}") }
    }

    /// Whether it is what was expected.
    pub fn is(&self, expected: &Fault) -> bool {
        self.outcome == expected.outcome
            && self.findings == expected.findings
            && self.reason.contains(&expected.reason)
    }
}

/// A fault, and what became of its boot.
#[derive(Clone, Debug)]
pub struct Booted {
    /// What was expected.
    pub fault: Fault,
    /// What was found.
    pub found: Found,
    /// How long the boot took, seconds.
    pub seconds: f64,
}

impl Booted {
    /// Whether the lab said what it is to say.
    pub fn is_as_expected(&self) -> bool {
        self.found.is(&self.fault)
    }
}
