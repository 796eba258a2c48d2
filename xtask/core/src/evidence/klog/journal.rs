//! The journal as JSON: an object for each entry, as `journalctl -o json` writes it.
//!
//! systemd's "Journal JSON Format" says which fields there are: all are text, and one that is no UTF-8 is an array of bytes.

use serde::Deserialize;

use super::line::Message;

/// The fields that matter here.
#[derive(Debug, Deserialize)]
struct Entry {
    #[serde(rename = "MESSAGE")]
    message: Text,
    /// How it came to the journal; `kernel` if it was read from /dev/kmsg.
    #[serde(rename = "_TRANSPORT")]
    transport: Text,
    #[serde(rename = "PRIORITY", default)]
    level: Text,
    /// The kernel's own time, microseconds.
    #[serde(rename = "_SOURCE_MONOTONIC_TIMESTAMP", default)]
    kernel_time: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(untagged)]
enum Text {
    One(String),
    Bytes(Vec<u8>),
    #[default]
    None,
}

impl Text {
    fn as_text(&self) -> String {
        match self {
            Text::One(text) => text.clone(),
            Text::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Text::None => String::new(),
        }
    }
}

/// Whether the beginning of a line is that of an entry. The journal's own fields stand first, in no order that one can rely on.
pub(super) fn is_object(text: &str) -> bool {
    let own = [
        "\"__CURSOR\"",
        "\"__REALTIME_TIMESTAMP\"",
        "\"__MONOTONIC_TIMESTAMP\"",
        "\"_BOOT_ID\"",
        "\"_TRANSPORT\"",
    ];
    text.starts_with('{') && own.iter().any(|field| text.contains(field))
}

/// What the kernel said in an entry; nothing if another program spoke.
pub(super) fn message(text: &str, line: usize) -> Option<Message> {
    let entry: Entry = serde_json::from_str(text).ok()?;
    if entry.transport.as_text() != "kernel" {
        return None;
    }
    let seconds = entry.kernel_time.as_text().parse().ok().map(|micros: f64| micros / 1e6);
    Some(Message::new(line, entry.level.as_text().parse().ok(), seconds, "", &entry.message.as_text()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<(Option<u16>, Option<f64>, &str)>) {
        let found = message(text, 1);
        let found = found.as_ref().map(|found| (found.level, found.seconds, &*found.message));
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn an_entry_of_the_kernel_is_a_message() {
        check(
            r#"{"__CURSOR":"s=1","_TRANSPORT":"kernel","PRIORITY":"4","_SOURCE_MONOTONIC_TIMESTAMP":"1234567","MESSAGE":"a \"b\""}"#,
            Some((Some(4), Some(1.234567), "a \"b\"")),
        );
        check(r#"{"MESSAGE":[66,85,71,58,255],"_TRANSPORT":"kernel"}"#, Some((None, None, "BUG:\u{fffd}")));
        check(r#"{"MESSAGE":"BUG: x","_TRANSPORT":"stdout"}"#, None);
        check(r#"{"MESSAGE":null,"_TRANSPORT":"kernel"}"#, Some((None, None, "")));
        check(r#"{"MESSAGE":"BUG: x"}"#, None);
        check(r#"{"MESSAGE":"BUG: x","_TRANSPORT":"kernel""#, None);
    }

    #[test]
    fn other_objects_are_not_the_journals() {
        for (text, expected) in [
            (r#"{"__REALTIME_TIMESTAMP":"1793534400123456","MESSAGE":"#, true),
            (r#"{ "_BOOT_ID" : "1", "#, true),
            (r#"{"time":"2026-11-01T12:00:00Z","msg":"BUG: x"}"#, false),
            (r#"[{"__CURSOR":"#, false),
        ] {
            assert_eq!(is_object(text), expected, "{text}");
        }
    }
}
