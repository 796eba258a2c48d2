//! What actions may be, and how they are written.

use super::*;

fn check(deed: Deed, expected: &str) {
    let action = Action { at: Moment::Time { us: 0 }, deed };
    let found = action.check().err().map(|mistake| format!("{}: {mistake}", mistake.key));
    assert_eq!(found.unwrap_or_default(), expected, "{action}");
}

#[test]
fn knobs_have_limits() {
    for knob in Knob::ALL {
        let range = knob.range();
        check(Deed::Set { knob: *knob, value: *range.start() }, "");
        check(Deed::Set { knob: *knob, value: *range.end() }, "");
        let value = range.end() + 1;
        assert!(
            Action { at: Moment::Time { us: 0 }, deed: Deed::Set { knob: *knob, value } }.check().is_err()
        );
        assert_eq!(knob.file().1, knob.name().replace('-', "_"));
        assert_eq!(serde_json::to_string(knob).unwrap(), format!("\"{}\"", knob.name()));
    }
    check(
        Deed::Set { knob: Knob::MaxBackground, value: 0 },
        "value: 0 is no value of max-background; use a number from 1 to 65535",
    );
}

#[test]
fn paths_stay_below_the_mount() {
    let attr = |path: &str| Deed::InvalAttr { path: path.to_owned() };
    for good in [".", "file", "folder/file", "{file}", "folder/{file}", ".hidden", "a..b"] {
        check(attr(good), "");
    }
    for bad in ["", "/file", "folder/", "a//b", "..", "a/../b", "./a", "a\0b"] {
        let shown = bad.escape_debug();
        let expected = format!(
            "path: `{shown}` is no path below the mount; use one such as \"folder/file\" or \"{{file}}\", or \".\" for \
             the root"
        );
        check(attr(bad), &expected);
    }
    check(
        Deed::Delete { path: ".".to_owned() },
        "path: `.` is no path below the mount; use one such as \"folder/file\" or \"{file}\"",
    );
}

#[test]
fn data_has_a_length() {
    let path = || "file".to_owned();
    for length_bytes in [1, 4096, 1 << 20] {
        check(Deed::Store { path: path(), offset_bytes: 5, length_bytes }, "");
    }
    for length_bytes in [0, (1 << 20) + 1] {
        let expected =
            format!("length-bytes: {length_bytes} bytes cannot be moved; use a number from 1 to 1048576");
        check(Deed::Retrieve { path: path(), offset_bytes: 0, length_bytes }, &expected);
    }
}

#[test]
fn actions_are_their_own_json() {
    let at = Moment::Request { operation: FaultOperation::DATA, after: 99 };
    let path = "{file}".to_owned();
    for (deed, shown) in [
        (Deed::Set { knob: Knob::MaxBackground, value: 100 }, "at data 100 max-background = 100"),
        (Deed::Abort, "at data 100 abort"),
        (
            Deed::InvalInode { path: path.clone(), offset_bytes: 0, length_bytes: 0 },
            "at data 100 inval-inode {file} from 0",
        ),
        (
            Deed::Retrieve { path, offset_bytes: 4096, length_bytes: 512 },
            "at data 100 retrieve {file}, 512 bytes from 4096",
        ),
    ] {
        let action = Action { at, deed };
        assert_eq!(action.to_string(), shown);
        let json = serde_json::to_string(&action).unwrap();
        assert_eq!(serde_json::from_str::<Action>(&json).unwrap(), action, "{json}");
    }
}

#[test]
fn a_mishap_is_told_from_a_success() {
    for (result, shown, is_mishap) in [
        (ActionResult::NeverDue, "it never came due", true),
        (ActionResult::Unfinished, "it had not ended when the workload had", true),
        (ActionResult::Done, "done", false),
        (ActionResult::Changed { from: 12, to: 100 }, "12 -> 100", false),
        (ActionResult::Stored { bytes: 5 }, "5 bytes taken", false),
        (ActionResult::Retrieved { bytes: 7, wrong_at: None }, "7 bytes came back", false),
        (
            ActionResult::Retrieved { bytes: 7, wrong_at: Some(3) },
            "what came back differs from the storage at offset 3",
            true,
        ),
        (ActionResult::Failed { why: "ENOENT".to_owned() }, "ENOENT", true),
    ] {
        assert_eq!((result.to_string().as_str(), result.mishap().is_some()), (shown, is_mishap));
    }
}
