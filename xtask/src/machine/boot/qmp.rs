//! What QEMU's monitor is asked (QMP, one JSON object a line).

/// Leaves the negotiation mode in which QMP starts.
pub(super) const CAPABILITIES: &str = r#"{"execute":"qmp_capabilities"}"#;

/// Whether the virtual CPUs run at all.
pub(super) const STATUS: &str = r#"{"execute":"query-status"}"#;

/// The registers of every virtual CPU; asked twice, they tell a loop from a standstill.
pub(super) const REGISTERS: &str =
    r#"{"execute":"human-monitor-command","arguments":{"command-line":"info registers -a"}}"#;

/// Makes the kernel say where it is, if it still can.
pub(super) const NMI: &str = r#"{"execute":"inject-nmi"}"#;

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn questions_are_json() {
        for question in [CAPABILITIES, STATUS, REGISTERS, NMI] {
            let value: Value = serde_json::from_str(question).unwrap();
            assert!(value.get("execute").is_some());
        }
    }
}
