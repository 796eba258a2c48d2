//! From everything that was received to the one outcome.

use lab_protocol::{Nonce, Report};

use super::Outcome;
use crate::evidence::capture::{Capture, End, QmpEvent, parse_event};
use crate::evidence::klog;

/// Decides how a boot ended. The first cause wins: what the kernel said before it stopped explains the stop.
///
/// `build_id` is that of the kernel that was to be booted. A boot of another one says nothing about it.
pub fn judge(capture: &Capture, report: Option<&Report>, nonce: Nonce, build_id: Option<&str>) -> Outcome {
    let console = capture.console.bytes();
    let fault = other_kernel(report, build_id)
        .map(|reason| Outcome::Lost { reason })
        .or_else(|| kernel_fault(capture, &console, report).map(|reason| Outcome::Broken { reason }));
    let last = || match klog::last_line(&console).as_str() {
        "" => "; the console is empty".to_owned(),
        line => format!("; the last line on the console is `{line}`"),
    };
    match (&capture.end, fault) {
        // What a boot had said until it was cut short is not its result.
        (End::Interrupted, _) => Outcome::Lost { reason: "interrupted by the user".to_owned() },
        (End::Exited(_) | End::Silence | End::WallLimit, Some(outcome)) => outcome,
        (End::Silence, None) => {
            Outcome::Hung { reason: format!("nothing was heard within the silence limit{}", last()) }
        }
        (End::WallLimit, None) => {
            Outcome::Hung { reason: format!("did not end within the wall limit{}", last()) }
        }
        (End::Exited(code), None) => match missing_proof(capture, &console, report, nonce) {
            None => Outcome::Finished,
            Some(missing) if *code == Some(0) && report.is_none() && !console.is_empty() => {
                Outcome::Broken { reason: format!("{missing}{}", last()) }
            }
            Some(missing) => Outcome::Lost {
                reason: format!(
                    "{missing}; QEMU {}{}",
                    exit_text(*code),
                    last_stderr_line(&capture.qemu_stderr)
                ),
            },
        },
    }
}

/// Whether the guest ran on another kernel than it was to: what the report says of itself against what is stored.
fn other_kernel(report: Option<&Report>, build_id: Option<&str>) -> Option<String> {
    let (report, expected) = (report?, build_id?);
    match report.build_id.as_deref() {
        Some(booted) if booted == expected => None,
        Some(booted) => Some(format!("the guest ran the kernel with build id {booted}, not {expected}")),
        None => Some(format!("the guest does not know its kernel's build id, which should be {expected}")),
    }
}

/// What proves a fault of the kernel, whatever happened afterwards.
fn kernel_fault(capture: &Capture, console: &[u8], report: Option<&Report>) -> Option<String> {
    if let Some(finding) = klog::findings(console).into_iter().next() {
        return Some(format!("{}: {}", finding.kind, finding.title));
    }
    if capture.qmp.iter().any(|line| parse_event(line) == Some(QmpEvent::GuestPanicked)) {
        return Some("the panic device was rung, though the console shows no panic".to_owned());
    }
    let tainted = report.map_or(0, |report| report.tainted_after);
    (tainted != 0).then(|| format!("the kernel tainted itself: {}", klog::taint_flags(tainted).join(", ")))
}

/// Which part of the three-fold proof of a good end is missing: the framed report, the end mark on the console,
/// the monitor's word that the guest shut down.
fn missing_proof(capture: &Capture, console: &[u8], report: Option<&Report>, nonce: Nonce) -> Option<String> {
    let events: Vec<QmpEvent> = capture.qmp.iter().filter_map(|line| parse_event(line)).collect();
    let shutdown = events.iter().find_map(|event| match event {
        QmpEvent::Shutdown { reason } => Some(reason.as_str()),
        QmpEvent::GuestPanicked | QmpEvent::Other => None,
    });
    if report.is_none() {
        let why = capture.frame_error.as_ref().map(|error| format!(" ({error})")).unwrap_or_default();
        let how = shutdown.map(|reason| format!(", QEMU's reason is {reason}")).unwrap_or_default();
        return Some(format!("the guest ended without a whole report{why}{how}"));
    }
    if !klog::end_mark(console, nonce) {
        return Some("the end mark is not on the console".to_owned());
    }
    match shutdown {
        Some("guest-shutdown") => None,
        Some(reason) => Some(format!("QEMU gives {reason} as its reason to end, not guest-shutdown")),
        None => Some("QEMU ended without giving a reason".to_owned()),
    }
}

fn exit_text(code: Option<i32>) -> String {
    match code {
        Some(code) => format!("returned {code}"),
        None => "was ended by a signal".to_owned(),
    }
}

fn last_stderr_line(stderr: &str) -> String {
    match stderr.trim() {
        "" => String::new(),
        text => format!(": {}", text.lines().last().unwrap_or(text)),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::evidence::capture::CappedBuffer;

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
            wall: Duration::from_secs(1),
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
            problems: Vec::new(),
            server_peak_kib: None,
            uptime_us: 1,
        }
    }

    fn good_console() -> String {
        format!("[    0.000000] Linux version 6.12\r\n[    1.000000] {} {NONCE}\r\n", lab_protocol::END_MARK)
    }

    #[track_caller]
    fn check(capture: &Capture, report: Option<&Report>, expected: &str) {
        let outcome = judge(capture, report, NONCE, None);
        assert_eq!(format!("{}: {}", outcome.word(), outcome.reason()), expected);
    }

    #[test]
    fn only_the_whole_proof_is_a_good_end() {
        let console = good_console();
        let good = capture(&console, &[SHUTDOWN], End::Exited(Some(0)));
        check(&good, Some(&report(0)), "finished: ");
        check(
            &capture(&console, &[], End::Exited(Some(0))),
            Some(&report(0)),
            "lost: QEMU ended without giving a reason; QEMU returned 0: qemu: cannot do it",
        );
        check(
            &capture("[    0.000000] Linux version 6.12\r\n", &[SHUTDOWN], End::Exited(Some(0))),
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
        let good = capture(&console, &[SHUTDOWN], End::Exited(Some(0)));
        assert_eq!(judge(&good, Some(&report(512)), NONCE, None).word(), "broken");
        check(
            &capture(&console, &[PANICKED, RESET], End::Exited(Some(0))),
            None,
            "broken: the panic device was rung, though the console shows no panic",
        );
    }

    #[test]
    fn a_qemu_that_fails_says_nothing_about_the_kernel() {
        check(
            &capture("", &[], End::Exited(Some(1))),
            None,
            "lost: the guest ended without a whole report; QEMU returned 1: qemu: cannot do it",
        );
        check(
            &capture("", &[], End::Exited(None)),
            None,
            "lost: the guest ended without a whole report; QEMU was ended by a signal: qemu: cannot do it",
        );
    }

    #[test]
    fn a_boot_of_another_kernel_does_not_count() {
        let good = capture(&good_console(), &[SHUTDOWN], End::Exited(Some(0)));
        let of = |build_id: Option<&str>| Report { build_id: build_id.map(str::to_owned), ..report(0) };
        for (booted, expected) in [
            (Some("aa11"), "finished: "),
            (Some("bb22"), "lost: the guest ran the kernel with build id bb22, not aa11"),
            (None, "lost: the guest does not know its kernel's build id, which should be aa11"),
        ] {
            let outcome = judge(&good, Some(&of(booted)), NONCE, Some("aa11"));
            assert_eq!(format!("{}: {}", outcome.word(), outcome.reason()), expected);
        }
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
}
