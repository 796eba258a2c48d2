//! What QEMU's monitor says of its own accord (QMP, one JSON object a line).

use serde_json::Value;

/// The events that decide about a boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QmpEvent {
    /// The machine stops; the reason in QEMU's words, e.g. `guest-shutdown`, `guest-reset`, `guest-panic`.
    Shutdown {
        /// QEMU's `ShutdownCause`.
        reason: String,
    },
    /// The pvpanic device was told of a panic.
    GuestPanicked,
    /// Any other.
    Other,
}

/// The event in a line of the monitor, if it holds one.
pub(crate) fn parse_event(line: &str) -> Option<QmpEvent> {
    let value: Value = serde_json::from_str(line).ok()?;
    Some(match value.get("event")?.as_str()? {
        "SHUTDOWN" => QmpEvent::Shutdown {
            reason: value.pointer("/data/reason").and_then(Value::as_str).unwrap_or("unknown").to_owned(),
        },
        "GUEST_PANICKED" => QmpEvent::GuestPanicked,
        _ => QmpEvent::Other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events() {
        // Lines as QEMU 7.2 sends them.
        let shutdown = r#"{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-shutdown"}}"#;
        let panicked = r#"{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "GUEST_PANICKED", "data": {"action": "poweroff"}}"#;
        assert_eq!(parse_event(shutdown), Some(QmpEvent::Shutdown { reason: "guest-shutdown".into() }));
        assert_eq!(parse_event(panicked), Some(QmpEvent::GuestPanicked));
        assert_eq!(parse_event(r#"{"event": "RTC_CHANGE"}"#), Some(QmpEvent::Other));
        assert_eq!(parse_event(r#"{"return": {}}"#), None);
        assert_eq!(parse_event("not JSON"), None);
    }
}
