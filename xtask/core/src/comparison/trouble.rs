//! Boots that did not end well, and workloads that did not do their work.

use serde::Serialize;

/// A boot that did not end well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Trouble {
    /// Its number in the plan.
    pub boot: u32,
    /// The scenario that ran in it.
    pub scenario: String,
    /// `broken`, `hung`, `lost` or `missing`; `problem` for what went wrong in a guest beside the workloads.
    pub outcome: &'static str,
    /// Why.
    pub reason: String,
}

/// A workload that did not do its work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Failure {
    /// The boot's number in the plan.
    pub boot: u32,
    /// How it ended, with the last line of its standard error; or which of its bytes are wrong.
    pub reason: String,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "FailureKind::is_not_done")]
    pub kind: FailureKind,
}

/// What is wrong with a workload that did not do its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// It ended with an error, or did not say what it did.
    NotDone,
    /// Bytes that it read or wrote were wrong, however fast and well it ended.
    WrongData,
}

impl FailureKind {
    /// For serde: what was the only kind once is not written.
    fn is_not_done(&self) -> bool {
        *self == FailureKind::NotDone
    }
}
