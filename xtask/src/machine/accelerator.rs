//! What QEMU runs a guest with.

use serde::{Deserialize, Serialize};

/// What executes the guest's instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Accelerator {
    /// The host's CPU.
    Kvm,
    /// QEMU's translator.
    Tcg,
}

impl Accelerator {
    /// The one of this word.
    pub(crate) fn named(word: &str) -> Option<Self> {
        [Accelerator::Kvm, Accelerator::Tcg].into_iter().find(|accelerator| accelerator.word() == word)
    }

    /// The word for QEMU, tables and records.
    pub fn word(self) -> &'static str {
        match self {
            Accelerator::Kvm => "kvm",
            Accelerator::Tcg => "tcg",
        }
    }
}
