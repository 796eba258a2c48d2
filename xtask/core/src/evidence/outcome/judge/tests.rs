//! Outcomes of boots by their evidence.

use super::*;
use crate::evidence::capture::{CappedBuffer, Capture};

const NONCE: Nonce = Nonce([1; 16]);
const SHUTDOWN: &str = r#"{"event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-shutdown"}}"#;
const RESET: &str = r#"{"event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-reset"}}"#;
const PANICKED: &str = r#"{"event": "GUEST_PANICKED", "data": {"action": "poweroff"}}"#;

fn capture(console: &str, qmp: &[&str], end: End) -> Capture {
    let mut buffer = CappedBuffer::new(1 << 20);
    buffer.push(console.as_bytes());
    Capture {
        console: buffer,
        qmp: qmp.iter().map(|&line| line.to_owned()).collect(),
        qemu_stderr: "qemu: cannot do it\n".to_owned(),
        end,
        ..Capture::empty(0)
    }
}

fn report(tainted_after: u64) -> Report {
    Report {
        kernel_release: "6.12.117".to_owned(),
        kernel_version: "#1".to_owned(),
        kernel_command_line: String::new(),
        build_id: None,
        tainted_before: 0,
        tainted_after,
        negotiated: None,
        workloads: Vec::new(),
        probes: None,
        leaks: None,
        warnings: None,
        shell: None,
        problems: Vec::new(),
        server_peak_kib: None,
        uptime_us: 1,
    }
}

fn good_console() -> String {
    format!("[    0.000000] Linux version 6.12\r\n[    1.000000] {} {NONCE}\r\n", lab_protocol::END_MARK)
}

fn judge(capture: &Capture, report: Option<&Report>, nonce: Nonce, build_id: Option<&str>) -> Outcome {
    let known = &[];
    super::judge(&BootEvidence {
        console: &capture.console.bytes(),
        qmp: &capture.qmp,
        report,
        watched: &capture.watched(),
        nonce,
        build_id,
        known,
    })
}

#[track_caller]
fn check(capture: &Capture, report: Option<&Report>, expected: &str) {
    let outcome = judge(capture, report, NONCE, None);
    assert_eq!(format!("{}: {}", outcome.word(), outcome.reason()), expected);
}

#[test]
fn only_the_whole_proof_is_a_good_end() {
    let console = good_console();
    let good = capture(&console, &[SHUTDOWN], End::returned(0));
    check(&good, Some(&report(0)), "finished: ");
    check(
        &capture(&console, &[], End::returned(0)),
        Some(&report(0)),
        "lost: QEMU ended without giving a reason; QEMU returned 0: qemu: cannot do it",
    );
    check(
        &capture("[    0.000000] Linux version 6.12\r\n", &[SHUTDOWN], End::returned(0)),
        Some(&report(0)),
        "lost: the end mark is not on the console; QEMU returned 0: qemu: cannot do it",
    );
    check(
        &good,
        None,
        &format!(
            "broken: the guest ended without a whole report, QEMU's reason is guest-shutdown; the last line on \
             the console is `[    1.000000] {} {NONCE}`",
            lab_protocol::END_MARK
        ),
    );
}

#[test]
fn taint_and_panic_device_count_without_text() {
    let console = good_console();
    let good = capture(&console, &[SHUTDOWN], End::returned(0));
    assert_eq!(judge(&good, Some(&report(512)), NONCE, None).word(), "broken");
    check(
        &capture(&console, &[PANICKED, RESET], End::returned(0)),
        None,
        "broken: the panic device was rung, though the console shows no panic",
    );
}

/// Log and list are written by one function of the kernel: the list is that of a boot whose log was kept.
#[test]
fn leaked_memory_counts_though_its_log_was_lost() {
    let log = include_str!("../../../../tests/data/console/debug-leak.log");
    let told = log.lines().filter_map(|line| Some(line.split_once("kmemleak: ")?.1));
    let entries = told.skip_while(|line| !line.starts_with("unreferenced object"));
    let list: String = entries.map(|line| format!("{line}\n")).collect();
    let good = capture(&good_console(), &[SHUTDOWN], End::returned(0));
    for (leaks, expected) in [
        (None, "finished: "),
        (Some(String::new()), "finished: "),
        (Some(list), "broken: the kernel lists 4 leaked objects, though its log shows none"),
    ] {
        let outcome = judge(&good, Some(&Report { leaks, ..report(0) }), NONCE, None);
        assert_eq!(format!("{}: {}", outcome.word(), outcome.reason()), expected);
    }
}

/// Outcome of a boot whose console has this capture in front of a good end, with all of its findings known or not.
fn with_known(log: &str, title: &str, report: Option<&Report>, qmp: &[&str]) -> String {
    let console = log.to_owned() + &good_console().replace("Linux version", "after");
    let capture = capture(&console, qmp, End::returned(0));
    let known = [Known { title: title.to_owned(), kind: None, reason: "it is known".to_owned() }];
    let outcome = super::judge(&BootEvidence {
        console: &capture.console.bytes(),
        qmp: &capture.qmp,
        report,
        watched: &capture.watched(),
        nonce: NONCE,
        build_id: None,
        known: &known,
    });
    format!("{}: {}", outcome.word(), outcome.reason().chars().take(100).collect::<String>())
}

#[test]
fn what_is_known_counts_for_nothing_with_the_flags_that_it_sets() {
    let warning = include_str!("../../../../tests/data/console/debug-warning.log");
    let title = klog::findings(warning.as_bytes())[0].title.clone();
    let with = |title: &str, taint| with_known(warning, title, Some(&report(taint)), &[SHUTDOWN]);
    assert_eq!(with(&title, 1 << 9), "finished: ");
    assert_eq!(with(&title, 0), "finished: ");
    assert_eq!(with("WARNING in another", 1 << 9), format!("broken: warning: {title}"));
    assert_eq!(
        with(&title, 1 << 9 | 1 << 5),
        "broken: the kernel tainted itself: B: bad page referenced or some unexpected page flags"
    );
    // The other witnesses are asked for as ever.
    let without_report = with_known(warning, &title, None, &[SHUTDOWN]);
    assert!(without_report.starts_with("broken: the guest ended without a whole report"), "{without_report}");
    let log = include_str!("../../../../tests/data/console/debug-two-findings.log");
    let [first, second] = [0, 1].map(|place| klog::findings(log.as_bytes())[place].title.clone());
    let of_two = with_known(log, &first, Some(&report(u64::MAX)), &[SHUTDOWN]);
    assert!(of_two.ends_with(&second), "{of_two}");
}

#[test]
fn a_panic_that_is_known_has_ended_the_boot_all_the_same() {
    let log = include_str!("../../../../tests/data/console/debug-panic.log");
    let title = klog::findings(log.as_bytes())[0].title.clone();
    let outcome = with_known(log, "*", None, &[PANICKED, RESET]);
    assert_eq!(outcome, format!("broken: it ended with a known finding, panic: {title}"));
}

#[test]
fn leaks_that_are_known_explain_as_many_as_they_name() {
    let log = include_str!("../../../../tests/data/console/debug-leak.log");
    let with = |objects: usize| {
        let leaks = Some("unreferenced object 0xffff888001234567 (size 64):\n".repeat(objects));
        with_known(log, "*", Some(&Report { leaks, ..report(0) }), &[SHUTDOWN])
    };
    assert_eq!(with(4), "finished: ");
    assert_eq!(with(5), "broken: the kernel lists 5 leaked objects, of which 4 are known");
}

#[test]
fn a_qemu_that_fails_says_nothing_about_the_kernel() {
    check(
        &capture("", &[], End::returned(1)),
        None,
        "lost: the guest ended without a whole report; QEMU returned 1: qemu: cannot do it",
    );
    check(
        &capture("", &[], End::Exited { code: None, signal: None }),
        None,
        "lost: the guest ended without a whole report; QEMU was ended by a signal: qemu: cannot do it",
    );
    for (signal, expected) in [
        (9, "SIGKILL, most likely since this machine, or what it lets the lab have of it, ran out of memory"),
        (15, "SIGTERM"),
        (64, "signal 64"),
    ] {
        let expected = format!(
            "lost: the guest ended without a whole report; QEMU was ended by {expected}: qemu: cannot do it"
        );
        check(&capture("", &[], End::killed(signal)), None, &expected);
    }
    check(
        &capture("", &[], End::killed(19)),
        None,
        "lost: the guest ended without a whole report; QEMU was stopped by SIGSTOP, by whoever may do so on this machine: qemu: \
         cannot do it",
    );
}

/// Every reason of QEMU 7.2 to end (`ShutdownCause`), without a report: the guest's own count against its kernel.
#[test]
fn only_what_the_guest_caused_is_broken() {
    let shutdown = |reason: &str| format!(r#"{{"event": "SHUTDOWN", "data": {{"reason": "{reason}"}}}}"#);
    let ended = |qmp: &[&str], code| {
        let capture =
            capture("[    0.000000] Linux version 6.12\r\n", qmp, End::Exited { code, signal: None });
        judge(&capture, None, NONCE, None)
    };
    for (reason, expected) in [
        ("guest-shutdown", "broken"),
        ("guest-reset", "broken"),
        ("guest-panic", "broken"),
        ("host-signal", "lost"),
        ("host-qmp-quit", "lost"),
        ("host-qmp-system-reset", "lost"),
        ("host-ui", "lost"),
        ("host-error", "lost"),
        ("subsystem-reset", "lost"),
        ("snapshot-load", "lost"),
        ("none", "lost"),
    ] {
        assert_eq!(ended(&[&shutdown(reason)], Some(0)).word(), expected, "{reason}");
        assert_eq!(ended(&[&shutdown(reason)], None).word(), "lost", "{reason}, then killed");
    }
    assert_eq!(ended(&[], Some(0)).word(), "lost", "ended before the monitor said why");
    check(
        &capture("[    0.000000] Linux version 6.12\r\n", &[&shutdown("host-signal")], End::returned(0)),
        None,
        "lost: the guest ended without a whole report, QEMU's reason is host-signal; QEMU returned 0: qemu: \
         cannot do it",
    );
    // What the kernel said before counts, whoever ended QEMU.
    let panic = "[    1.000000][    T1] Kernel panic - not syncing: test\r\n";
    let killed = capture(panic, &[&shutdown("host-signal")], End::returned(0));
    assert_eq!(judge(&killed, None, NONCE, None).word(), "broken");
}

/// A kernel that resets or dies where it is to switch the machine off has said all it had to, and is broken.
#[test]
fn a_reset_instead_of_a_shutdown_is_the_guests() {
    let reset = capture(&good_console(), &[RESET], End::returned(0));
    let outcome = judge(&reset, Some(&report(0)), NONCE, None);
    assert_eq!(outcome.word(), "broken", "{outcome:?}");
    assert!(outcome.reason().starts_with("QEMU gives guest-reset as its reason to end, not guest-shutdown"));
}

#[test]
fn a_boot_of_another_kernel_does_not_count() {
    let good = capture(&good_console(), &[SHUTDOWN], End::returned(0));
    let of = |build_id: Option<&str>| Report { build_id: build_id.map(str::to_owned), ..report(0) };
    for (booted, expected) in [
        (Some("aa11"), "finished: "),
        (Some("bb22"), "lost: the guest ran the kernel with build id bb22, not aa11"),
        (None, "lost: the guest does not know its kernel's build id, which should be aa11"),
    ] {
        let outcome = judge(&good, Some(&of(booted)), NONCE, Some("aa11"));
        assert_eq!(format!("{}: {}", outcome.word(), outcome.reason()), expected);
    }
    // A guest that is not sound cannot fill the record.
    let endless = judge(&good, Some(&of(Some(&"b".repeat(1 << 20)))), NONCE, Some("aa11"));
    assert_eq!((endless.word(), endless.reason().chars().count()), ("lost", LONGEST_REASON));
}

#[test]
fn an_interrupted_boot_is_lost_whatever_it_had_said() {
    let panic = "[    1.000000][    T1] Kernel panic - not syncing: test\r\n";
    for console in ["", panic, &good_console()] {
        check(&capture(console, &[PANICKED], End::Interrupted), None, "lost: interrupted by the user");
    }
}

#[test]
fn limits_are_hangs() {
    check(
        &capture("", &[], End::Silence),
        None,
        "hung: nothing was heard within the silence limit; the console is empty",
    );
    assert_eq!(judge(&capture(&good_console(), &[], End::WallLimit), None, NONCE, None).word(), "hung");
}
