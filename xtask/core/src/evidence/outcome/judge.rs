//! From everything that was received to the one outcome.

use lab_protocol::{Nonce, Report};

use super::Outcome;
use crate::evidence::capture::{End, QmpEvent, Watched, parse_event};
use crate::evidence::klog;

/// The longest reason, characters: what a guest says of itself must not fill a record.
const LONGEST_REASON: usize = 1000;

/// What a boot is judged by: all of it is kept, so that it can be judged again.
#[derive(Clone, Copy, Debug)]
pub struct BootEvidence<'a> {
    /// The console, raw.
    pub console: &'a [u8],
    /// What the monitor said, one JSON object a line.
    pub qmp: &'a [String],
    /// The report, if a whole one came.
    pub report: Option<&'a Report>,
    /// How the watch ended.
    pub watched: &'a Watched,
    /// The nonce of the boot.
    pub nonce: Nonce,
    /// That of the kernel that was to be booted, if it is known. A boot of another one says nothing about it.
    pub build_id: Option<&'a str>,
}

/// Decides how a boot ended. The first cause wins: what the kernel said before it stopped explains the stop.
pub(crate) fn judge(evidence: &BootEvidence<'_>) -> Outcome {
    let shorten = |reason: String| reason.chars().take(LONGEST_REASON).collect();
    match decide(evidence) {
        Outcome::Finished => Outcome::Finished,
        Outcome::Broken { reason } => Outcome::Broken { reason: shorten(reason) },
        Outcome::Hung { reason } => Outcome::Hung { reason: shorten(reason) },
        Outcome::Lost { reason } => Outcome::Lost { reason: shorten(reason) },
    }
}

fn decide(evidence: &BootEvidence<'_>) -> Outcome {
    let BootEvidence { console, report, build_id, .. } = *evidence;
    let fault = other_kernel(report, build_id)
        .map(|reason| Outcome::Lost { reason })
        .or_else(|| kernel_fault(evidence).map(|reason| Outcome::Broken { reason }));
    let last = || match klog::last_line(console).as_str() {
        "" => "; the console is empty".to_owned(),
        line => format!("; the last line on the console is `{line}`"),
    };
    match (&evidence.watched.end, fault) {
        // What a boot had said until it was cut short is not its result.
        (End::Interrupted, _) => Outcome::Lost { reason: "interrupted by the user".to_owned() },
        (End::Exited { .. } | End::Silence | End::WallLimit, Some(outcome)) => outcome,
        (End::Silence, None) => {
            Outcome::Hung { reason: format!("nothing was heard within the silence limit{}", last()) }
        }
        (End::WallLimit, None) => {
            Outcome::Hung { reason: format!("did not end within the wall limit{}", last()) }
        }
        (End::Exited { code, signal }, None) => match missing_proof(evidence) {
            None => Outcome::Finished,
            Some(missing) if *code == Some(0) && is_the_guests_doing(evidence) => {
                Outcome::Broken { reason: format!("{missing}{}", last()) }
            }
            Some(missing) => Outcome::Lost {
                reason: format!(
                    "{missing}; QEMU {}{}",
                    exit_text(*code, *signal),
                    last_stderr_line(&evidence.watched.qemu_said)
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
fn kernel_fault(evidence: &BootEvidence<'_>) -> Option<String> {
    if let Some(finding) = klog::findings(evidence.console).into_iter().next() {
        return Some(format!("{}: {}", finding.kind, finding.title));
    }
    if evidence.qmp.iter().any(|line| parse_event(line) == Some(QmpEvent::GuestPanicked)) {
        return Some("the panic device was rung, though the console shows no panic".to_owned());
    }
    if let Some(leaked) = evidence.report.and_then(leaked) {
        return Some(leaked);
    }
    let tainted = evidence.report.map_or(0, |report| report.tainted_after);
    (tainted != 0).then(|| format!("the kernel tainted itself: {}", klog::taint_flags(tainted).join(", ")))
}

/// Memory that the kernel lists as leaked. Its log shows the same, and more of it, unless lines of it were lost.
fn leaked(report: &Report) -> Option<String> {
    let list = report.leaks.as_deref().unwrap_or_default();
    let objects = list.lines().filter(|line| line.starts_with("unreferenced object")).count();
    (objects > 0).then(|| format!("the kernel lists {objects} leaked objects, though its log shows none"))
}

/// Whether the guest itself ended the machine in a way that it must not: without a report, or by anything but a
/// shutdown. QEMU returns 0 as well when the host ends it, be it by a signal or over the monitor: only the reason tells.
fn is_the_guests_doing(evidence: &BootEvidence<'_>) -> bool {
    match shutdown_reason(evidence.qmp).as_deref() {
        Some("guest-shutdown") => evidence.report.is_none(),
        Some(reason) => reason.starts_with("guest-"),
        None => false,
    }
}

/// Why the machine stopped, in QEMU's words; none if the monitor did not say.
pub(super) fn shutdown_reason(qmp: &[String]) -> Option<String> {
    qmp.iter().find_map(|line| match parse_event(line) {
        Some(QmpEvent::Shutdown { reason }) => Some(reason),
        Some(QmpEvent::GuestPanicked | QmpEvent::Other) | None => None,
    })
}

/// Which part of the three-fold proof of a good end is missing: the framed report, the end mark on the console,
/// the monitor's word that the guest shut down.
fn missing_proof(evidence: &BootEvidence<'_>) -> Option<String> {
    let shutdown = shutdown_reason(evidence.qmp);
    if evidence.report.is_none() {
        let why =
            evidence.watched.frame_error.as_ref().map(|error| format!(" ({error})")).unwrap_or_default();
        let how = shutdown.map(|reason| format!(", QEMU's reason is {reason}")).unwrap_or_default();
        return Some(format!("the guest ended without a whole report{why}{how}"));
    }
    if !klog::end_mark(evidence.console, evidence.nonce) {
        return Some("the end mark is not on the console".to_owned());
    }
    match shutdown.as_deref() {
        Some("guest-shutdown") => None,
        Some(reason) => Some(format!("QEMU gives {reason} as its reason to end, not guest-shutdown")),
        None => Some("QEMU ended without giving a reason".to_owned()),
    }
}

fn exit_text(code: Option<i32>, signal: Option<i32>) -> String {
    match (code, signal) {
        (Some(code), _) => format!("returned {code}"),
        (None, None) => "was ended by a signal".to_owned(),
        // Of those that end a process at once only this one comes from a kernel that has no memory left.
        (None, Some(9)) => "was ended by SIGKILL, most likely since this machine, or what it lets the lab have of it, ran out \
                            of memory"
            .to_owned(),
        (None, Some(signal)) => format!("was ended by {}", signal_name(signal)),
    }
}

/// As kill(1) names those that end a program.
fn signal_name(signal: i32) -> String {
    const NAMES: [(i32, &str); 9] = [
        (1, "SIGHUP"),
        (2, "SIGINT"),
        (4, "SIGILL"),
        (6, "SIGABRT"),
        (7, "SIGBUS"),
        (8, "SIGFPE"),
        (11, "SIGSEGV"),
        (15, "SIGTERM"),
        (25, "SIGXFSZ"),
    ];
    let known = NAMES.iter().find(|(number, _)| *number == signal);
    known.map_or_else(|| format!("signal {signal}"), |(_, name)| (*name).to_owned())
}

fn last_stderr_line(said: &str) -> String {
    match said {
        "" => String::new(),
        said => format!(": {said}"),
    }
}

#[cfg(test)]
mod tests {

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
            problems: Vec::new(),
            server_peak_kib: None,
            uptime_us: 1,
        }
    }

    fn good_console() -> String {
        format!("[    0.000000] Linux version 6.12\r\n[    1.000000] {} {NONCE}\r\n", lab_protocol::END_MARK)
    }

    fn judge(capture: &Capture, report: Option<&Report>, nonce: Nonce, build_id: Option<&str>) -> Outcome {
        super::judge(&BootEvidence {
            console: &capture.console.bytes(),
            qmp: &capture.qmp,
            report,
            watched: &capture.watched(),
            nonce,
            build_id,
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
        let log = include_str!("../../../tests/data/console/debug-leak.log");
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
            (
                9,
                "SIGKILL, most likely since this machine, or what it lets the lab have of it, ran out of memory",
            ),
            (15, "SIGTERM"),
            (64, "signal 64"),
        ] {
            let expected = format!(
                "lost: the guest ended without a whole report; QEMU was ended by {expected}: qemu: cannot do it"
            );
            check(&capture("", &[], End::killed(signal)), None, &expected);
        }
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
        assert!(
            outcome.reason().starts_with("QEMU gives guest-reset as its reason to end, not guest-shutdown")
        );
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
}
