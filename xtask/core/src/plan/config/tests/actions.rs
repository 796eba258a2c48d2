//! What servers do by themselves, and storage that keeps no data.

use lab_protocol::{Action, Deed, FaultOperation, Knob, Moment};

use super::*;

#[test]
fn actions_that_cannot_be() {
    let edits = [
        "[{ operation = \"read\", after = 99, do = \"max-background\", value = 100 }]",
        "[{ at-us = 5, do = \"store\", path = \"{file}\", offset-bytes = 1, length-bytes = 4096 }]",
        "[{ at-us = 5, do = \"max-backround\", value = 100 }]",
        "[{ at-us = 5, do = \"max-background\", value = 0 }]",
        "[{ at-us = 5, do = \"strict-limit\", value = 2 }]",
        "[{ at-us = 5, do = \"max-ratio\" }]",
        "[{ at-us = 5, do = \"abort\", value = 1 }]",
        "[{ at-us = 5, do = \"read-ahead-kb\", value = 4, path = \"x\" }]",
        "[{ at-us = 5, do = \"inval-attr\", path = \"x\", offset-bytes = 0 }]",
        "[{ at-us = 5, do = \"inval-attr\", path = \"../x\" }]",
        "[{ at-us = 5, do = \"inval-entry\", path = \".\" }]",
        "[{ at-us = 5, do = \"retrieve\", path = \"x\", offset-bytes = 0, length-bytes = 0 }]",
        "[{ at-us = 5, operation = \"read\", do = \"resend\" }]",
        "[{ at-us = 5, after = 1, do = \"resend\" }]",
        "[{ operation = \"raed\", after = 1, do = \"resend\" }]",
        "[{ operation = \"read\", do = \"resend\" }]",
        "[{ do = \"resend\" }]",
        "[{ at-ms = 5, do = \"resend\" }]",
        "[\"abort\"]",
    ]
    .map(|actions| format!("actions = {actions}"));
    let edits: Vec<_> = edits.iter().map(|to| ("actions = []", to.as_str())).collect();
    check(
        &edits,
        expect![[r#"
            actions = [{ operation = "read", after = 99, do = "max-backg…
                accepted
            actions = [{ at-us = 5, do = "store", path = "{file}", offse…
                accepted
            actions = [{ at-us = 5, do = "max-backround", value = 100 }]
                lab.toml:54:30: scenarios.local.actions[1].do: `max-backround` is none of its values; use "max-background" or "congestion-threshold" or "read-ahead-kb" or "min-ratio" or "min-ratio-fine" or "max-ratio" or "max-ratio-fine" or "min-bytes" or "max-bytes" or "strict-limit" or "abort" or "inval-inode" or "inval-attr" or "inval-entry" or "expire-entry" or "delete" or "store" or "retrieve" or "resend" or "inc-epoch" or "prune"
            actions = [{ at-us = 5, do = "max-background", value = 0 }]
                lab.toml:54:56: scenarios.local.actions[1].value: 0 is out of range; use 1 to 65535
            actions = [{ at-us = 5, do = "strict-limit", value = 2 }]
                lab.toml:54:54: scenarios.local.actions[1].value: 2 is out of range; use 0 to 1
            actions = [{ at-us = 5, do = "max-ratio" }]
                lab.toml:54:12: scenarios.local.actions[1].value: missing; set it to a whole number from 0 to 100
            actions = [{ at-us = 5, do = "abort", value = 1 }]
                lab.toml:54:47: scenarios.local.actions[1].value: belongs to knobs only; remove it
            actions = [{ at-us = 5, do = "read-ahead-kb", value = 4, pat…
                lab.toml:54:65: scenarios.local.actions[1].path: belongs to deeds about a file only; remove it
            actions = [{ at-us = 5, do = "inval-attr", path = "x", offse…
                lab.toml:54:71: scenarios.local.actions[1].offset-bytes: belongs to deeds "inval-inode", "store" and "retrieve" only; remove it
            actions = [{ at-us = 5, do = "inval-attr", path = "../x" }]
                lab.toml:54:51: scenarios.local.actions[1].path: `../x` is no path below the mount; use one such as "folder/file" or "{file}", or "." for the root
            actions = [{ at-us = 5, do = "inval-entry", path = "." }]
                lab.toml:54:52: scenarios.local.actions[1].path: `.` is no path below the mount; use one such as "folder/file" or "{file}"
            actions = [{ at-us = 5, do = "retrieve", path = "x", offset-…
                lab.toml:54:87: scenarios.local.actions[1].length-bytes: 0 bytes cannot be moved; use a number from 1 to 1048576
            actions = [{ at-us = 5, operation = "read", do = "resend" }]
                lab.toml:54:37: scenarios.local.actions[1].operation: an action with at-us is due at a time; remove it, or remove at-us
            actions = [{ at-us = 5, after = 1, do = "resend" }]
                lab.toml:54:33: scenarios.local.actions[1].after: an action with at-us is due at a time; remove it, or remove at-us
            actions = [{ operation = "raed", after = 1, do = "resend" }]
                lab.toml:54:26: scenarios.local.actions[1].operation: there is no operation `raed`; did you mean `read`? there are: data, access, bmap, copy-file-range, copy-file-range-64, create, fallocate, flush, fsync, fsyncdir, getattr, getlk, getxattr, ioctl, link, listxattr, lookup, lseek, mkdir, mknod and 26 more
            actions = [{ operation = "read", do = "resend" }]
                lab.toml:54:12: scenarios.local.actions[1].after: missing; set it to a whole number from 0 to 1000000000
            actions = [{ do = "resend" }]
                lab.toml:54:19: scenarios.local.actions[1].do: an action needs a moment; add operation and after, or at-us
            actions = [{ at-ms = 5, do = "resend" }]
                lab.toml:54:14: scenarios.local.actions[1]: there is no key `at-ms`; did you mean `at-us`? there are: operation, after, at-us, do, value, path, offset-bytes, length-bytes
            actions = ["abort"]
                lab.toml:54:12: scenarios.local.actions[1]: the string `abort` is of the wrong type; use a table such as { operation = "read", ... }
        "#]],
    );
}

#[test]
fn an_action_is_read_in_full() {
    let at_read = Moment::Request { operation: "read".parse().unwrap(), after: 99 };
    let at_data = Moment::Request { operation: FaultOperation::DATA, after: 0 };
    let at_time = Moment::Time { us: 20_000 };
    let path = || "folder/{file}".to_owned();
    let (offset_bytes, length_bytes) = (4096, 8192);
    let file = "path = \"folder/{file}\"";
    let range = format!("{file}, offset-bytes = 4096, length-bytes = 8192");
    let mut all = vec![
        ("operation = \"read\", after = 99", "abort", String::new(), at_read, Deed::Abort),
        ("operation = \"data\", after = 0", "resend", String::new(), at_data, Deed::Resend),
    ];
    for (word, keys, deed) in [
        ("inval-inode", &range[..], Deed::InvalInode { path: path(), offset_bytes, length_bytes: 8192 }),
        ("inval-attr", file, Deed::InvalAttr { path: path() }),
        ("inval-entry", file, Deed::InvalEntry { path: path() }),
        ("expire-entry", file, Deed::ExpireEntry { path: path() }),
        ("delete", file, Deed::Delete { path: path() }),
        ("store", &range, Deed::Store { path: path(), offset_bytes, length_bytes }),
        ("retrieve", &range, Deed::Retrieve { path: path(), offset_bytes, length_bytes }),
        ("prune", file, Deed::Prune { path: path() }),
        ("inc-epoch", "", Deed::IncEpoch),
    ] {
        all.push(("at-us = 20000", word, keys.to_owned(), at_time, deed));
    }
    for knob in Knob::ALL.iter().copied() {
        all.push((
            "at-us = 20000",
            knob.name(),
            "value = 1".to_owned(),
            at_time,
            Deed::Set { knob, value: 1 },
        ));
    }
    for (when, word, keys, at, deed) in all {
        assert_eq!(deed.name(), word);
        let comma = if keys.is_empty() { "" } else { ", " };
        let text = edited("actions = []", &format!("actions = [{{ {when}, do = \"{word}\"{comma}{keys} }}]"));
        let config = Config::parse("lab.toml", &text).unwrap();
        assert_eq!(
            config.scenarios["remote"].server.as_ref().unwrap().actions,
            [Action { at, deed }],
            "{word}"
        );
    }
}

#[test]
fn a_suite_needs_data_that_is_kept() {
    let suite = edited(
        "tool = \"dd\"\nargs = [\"if={file}\", \"of=/dev/null\"]\nfile-mib = 64\nsamples = 5",
        "tool = \"fsx\"\nargs = [\"-N\", \"9\", \"-S\", \"1\", \"-P\", \"/tmp\", \"{file}\"]\nfile-mib = 64\nsamples = 1",
    );
    assert_eq!(error(&suite), "");
    expect!["lab.toml:119:14: plans.default.workloads: `dd-read` checks what it reads, and the scenario `local` keeps no data; use one with storage-null = false"].assert_eq(&error(&suite.replace("storage-null = false", "storage-null = true")));
    // What measures does not mind.
    assert_eq!(error(&edited("storage-null = false", "storage-null = true")), "");
}
