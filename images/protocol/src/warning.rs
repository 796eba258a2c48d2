//! What the kernel warned of in its log.

use serde::{Deserialize, Serialize};

/// The level of a warning, KERN_WARNING; worse ones have lower numbers.
pub const WARNING_LEVEL: u8 = 4;

/// The kernel's own messages of level warning or worse, as its log had them at the end of the boot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct KernelWarnings {
    /// In order; the first ones, if there are very many.
    pub messages: Vec<KernelMessage>,
    /// How many more there were, or were overwritten before they were read.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u64,
}

/// A message of the kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct KernelMessage {
    /// From 0, an emergency, to 7.
    pub level: u8,
    /// Without its time; what is no printable character is escaped by the kernel.
    pub text: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde asks for")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
