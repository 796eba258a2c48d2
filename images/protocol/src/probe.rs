//! Behaviour probes: what a boot is asked to probe, and what each probe says.
//!
//! The program `probe` of the image runs them. It writes a [`ProbeLine`] to its standard output for each, one JSON object a
//! line, as soon as it knows; so what came before a crash is not lost.

use serde::{Deserialize, Serialize};

use crate::EndOfProgram;

/// Which probes a boot runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ProbeTask {
    /// Which of them.
    pub set: ProbeSet,
    /// The table of expected results that this kernel is held against, by the name of its file in `images/probe/expected/`
    /// without `.toml`; none if nothing is said of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What random probes are drawn from.
    pub seed: u64,
    /// How many times longer delays and limits are: more than 1 on a kernel that is slow itself.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub delay_factor: u32,
    /// After so many probes that speak against the kernel no further one begins; none to run all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enough_failures: Option<u32>,
}

impl ProbeTask {
    /// All probes of a set, on a kernel of which nothing is said.
    pub fn new(set: ProbeSet, seed: u64) -> Self {
        ProbeTask { set, expected: None, seed, delay_factor: 1, enough_failures: None }
    }
}

fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_one(factor: &u32) -> bool {
    *factor == 1
}

/// A set of probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProbeSet {
    /// The most telling ones, in some seconds.
    Quick,
    /// All of them.
    All,
}

impl ProbeSet {
    /// One word.
    pub fn word(self) -> &'static str {
        match self {
            ProbeSet::Quick => "quick",
            ProbeSet::All => "all",
        }
    }
}

/// How a probe begins that this kernel cannot be asked: `is not probed: no fault injection`. It says nothing, and is in no
/// table.
pub const NOT_PROBED: &str = "is not probed: ";

/// A line of the program's standard output, `{"begins": "read-eio"}` or `{"result": {...}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProbeLine {
    /// A probe begins: if nothing follows, this one ended the boot.
    Begins(String),
    /// What it saw.
    Result(ProbeResult),
}

/// What one probe saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ProbeResult {
    /// Its name: lower case, digits and dashes, unique among all probes.
    pub name: String,
    /// What is done, as the start of a sentence: `read of 2 MiB with EIO in chunk 5`.
    pub title: String,
    /// What came of it, with a verb, as the end of that sentence: `returns EIO, 16 READs, several at once`. Equal kernels say
    /// the same: what varies from run to run is put into classes or counted over repetitions.
    pub observed: String,
    /// What the table of expected results says, any of which is right; empty if it says nothing of this probe, or there is no
    /// table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expected: Vec<String>,
    /// What no kernel may do, whatever a table says: a wrong byte, a request that never ends, a page that stays pinned. One
    /// line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// More for whoever looks closer: the requests that the server saw, the shortest failing sequence of operations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
    /// How long it took, microseconds of guest time.
    pub elapsed_us: u64,
}

impl ProbeResult {
    /// Whether it speaks against the kernel, whatever others do: it is a fault, or the table says something else.
    pub fn is_failure(&self) -> bool {
        let is_stated = !self.expected.is_empty() && !self.observed.starts_with(NOT_PROBED);
        self.fault.is_some() || is_stated && !self.expected.contains(&self.observed)
    }
}

/// What came of the probes of a boot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ProbeReport {
    /// What was asked for.
    pub task: ProbeTask,
    /// In the order in which they ran.
    pub results: Vec<ProbeResult>,
    /// The probe that began and did not end; none if all did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfinished: Option<String>,
    /// How the program ended: 0 whatever the probes saw, anything else if it could not do its work.
    pub end: EndOfProgram,
    /// What it wrote to standard error, cut in the middle if it is long.
    pub stderr: String,
    /// How long it took, nanoseconds of guest time.
    pub elapsed_ns: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_speaks_against_a_kernel() {
        let result = |observed: &str, expected: &[&str], fault: Option<&str>| ProbeResult {
            name: "read".to_owned(),
            title: "read".to_owned(),
            observed: observed.to_owned(),
            expected: expected.iter().map(|&one| one.to_owned()).collect(),
            fault: fault.map(str::to_owned),
            details: Vec::new(),
            elapsed_us: 1,
        };
        for (observed, expected, fault, is_failure) in [
            ("a", &["a"][..], None, false),
            ("a", &["b", "a"], None, false),
            ("a", &["b"], None, true),
            // No table says anything of it.
            ("a", &[], None, false),
            ("is not probed: no io_uring", &["a"], None, false),
            ("a", &["a"], Some("8 pages stay pinned"), true),
            ("a", &[], Some("8 pages stay pinned"), true),
        ] {
            assert_eq!(result(observed, expected, fault).is_failure(), is_failure, "{observed} {expected:?}");
        }
    }
}
