//! Scenarios: storage, order of answers, and faults.

use lab_protocol::{Effect, Fault, Times};

use super::*;

#[test]
fn settings_that_contradict_each_other() {
    check(
        &[
            ("storage-merge-kib = 0", "storage-merge-kib = 64"),
            ("storage-merge-kib = 0", "storage-merge-kib = 130"),
            ("storage-merge-kib = 0", "storage-merge-kib = 128"),
            ("storage-plug-us = 0", "storage-plug-us = 50"),
            ("storage-distribution = \"fixed\"", "storage-distribution = \"uniform\""),
            ("reply-window-us = 0", "reply-window-us = 10"),
            ("reply-order = \"done\"", "reply-order = \"random\""),
            ("reply-order = \"done\"", "reply-order = \"reverse\""),
            ("seed = 1", "seed = \"1\""),
        ],
        expect![[""]],
    );
}

#[test]
fn faults_that_cannot_be() {
    let edits = [
        "[{ operation = \"read\", offset-kib = 640, after = 0, times = \"always\", effect = \"eio\" }]",
        "[{ operation = \"data\", after = 3, times = \"once\", effect = \"short\", bytes = 1024 }]",
        "[{ operation = \"getattr\", after = 0, times = \"once\", effect = \"delay\", delay-us = 5 }]",
        "[{ operation = \"raed\", after = 0, times = \"once\", effect = \"eio\" }]",
        "[{ operation = \"open\", offset-kib = 1, after = 0, times = \"once\", effect = \"eio\" }]",
        "[{ operation = \"open\", after = 0, times = \"once\", effect = \"short\", bytes = 1 }]",
        "[{ operation = \"read\", after = 0, times = \"once\", effect = \"eio\", bytes = 1 }]",
        "[{ operation = \"read\", after = 0, times = \"once\", effect = \"eio\", delay-us = 1 }]",
        "[{ operation = \"read\", after = 0, times = \"once\", effect = \"short\" }]",
        "[{ operation = \"read\", after = 0, times = \"twice\", effect = \"eio\" }]",
        "[{ operation = \"read\", after = 0, times = \"once\", effect = \"explode\" }]",
        "[{ operation = \"read\", times = \"once\", effect = \"eio\" }]",
        "[{ opcode = \"read\" }]",
        "[\"read\"]",
        "{ operation = \"read\" }",
        "none",
    ]
    .map(|faults| format!("faults = {faults}"));
    let edits: Vec<_> = edits.iter().map(|to| ("faults = []", to.as_str())).collect();
    check(&edits, expect![[""]]);
}

#[test]
fn a_fault_is_read_in_full() {
    let text = edited(
        "faults = []",
        "faults = [\n{ operation = \"read\", offset-kib = 640, after = 2, times = \"always\", effect = \"short\", bytes = 9 },\n]",
    );
    let config = Config::parse("lab.toml", &text).unwrap();
    let expected = Fault {
        operation: "read".to_owned(),
        offset_kib: Some(640),
        after: 2,
        times: Times::Always,
        effect: Effect::Short { bytes: 9 },
    };
    assert_eq!(config.scenarios["remote"].server.faults, [expected]);
}
