//! From everything that was received to the one outcome.

use lab_protocol::{Nonce, Report};

use super::Outcome;
use crate::evidence::capture::{End, QmpEvent, Watched, parse_event};
use crate::evidence::hang::{Hang, unprovoked};
use crate::evidence::klog::{self, Finding, Kind};
use crate::evidence::known::{self, Known};

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
    /// Findings that do not count, nor what they explain.
    pub known: &'a [Known],
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
    // Where it was, and how far the lab came with it.
    let found = || match evidence.watched.hang.as_ref().map(Hang::sentence).unwrap_or_default().as_str() {
        "" => String::new(),
        found => format!("; {found}"),
    };
    match (&evidence.watched.end, fault) {
        // What a boot had said until it was cut short is not its result.
        (End::Interrupted, _) => Outcome::Lost { reason: "interrupted by the user".to_owned() },
        (End::Exited { .. } | End::Silence | End::WallLimit, Some(outcome)) => outcome,
        (End::Silence, None) => Outcome::Hung {
            reason: format!("nothing was heard within the silence limit{}{}", found(), last()),
        },
        (End::WallLimit, None) => {
            Outcome::Hung { reason: format!("did not end within the wall limit{}{}", found(), last()) }
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
    let (known, new): (Vec<Finding>, Vec<Finding>) = klog::findings(evidence.console)
        .into_iter()
        .partition(|finding| known::find(evidence.known, finding).is_some());
    if let Some(finding) = new.first() {
        return Some(format!("{}: {}", finding.kind, finding.title));
    }
    if unprovoked(evidence.qmp).iter().any(|line| parse_event(line) == Some(QmpEvent::GuestPanicked)) {
        // A kernel that is known to panic has shown nothing all the same.
        let panicked = known.iter().find(|finding| finding.text.contains("Kernel panic"));
        return Some(panicked.map_or_else(
            || "the panic device was rung, though the console shows no panic".to_owned(),
            |finding| format!("it ended with a known finding, {}: {}", finding.kind, finding.title),
        ));
    }
    if let Some(leaked) = evidence.report.and_then(|report| leaked(report, &known)) {
        return Some(leaked);
    }
    let explained = known.iter().fold(0, |flags, finding| flags | klog::set_by(finding));
    let tainted = evidence.report.map_or(0, |report| report.tainted_after) & !explained;
    (tainted != 0).then(|| format!("the kernel tainted itself: {}", klog::taint_flags(tainted).join(", ")))
}

/// Memory that the kernel lists as leaked. Its log shows the same, and more of it, unless lines of it were lost.
fn leaked(report: &Report, known: &[Finding]) -> Option<String> {
    let list = report.leaks.as_deref().unwrap_or_default();
    let objects = |text: &str| text.matches("unreferenced object").count();
    let (listed, known): (usize, usize) = (
        objects(list),
        known.iter().filter(|it| it.kind == Kind::Leak).map(|finding| objects(&finding.text)).sum(),
    );
    (listed > known).then(|| match known {
        0 => format!("the kernel lists {listed} leaked objects, though its log shows none"),
        _ => format!("the kernel lists {listed} leaked objects, of which {known} are known"),
    })
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

/// Why the machine stopped, in QEMU's words; none if the monitor did not say, or said it only after the lab had made the guest
/// panic.
pub(crate) fn shutdown_reason(qmp: &[String]) -> Option<String> {
    unprovoked(qmp).iter().find_map(|line| match parse_event(line) {
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
        // The lab ended it, since it said nothing any more.
        (None, Some(19)) => "was stopped by SIGSTOP, by whoever may do so on this machine".to_owned(),
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
mod tests;
