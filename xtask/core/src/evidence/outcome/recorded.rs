//! What an older record lets one conclude about the watch over its boot.
//!
//! Records say how the watch ended since outcomes are judged anew when they are read. Before that, only the outcome
//! was kept, with its reason in words that the lab itself wrote.

use super::Outcome;
use super::judge::shutdown_reason;
use crate::evidence::capture::{End, Watched};

const NO_REPORT: &str = "the guest ended without a whole report (";
const RETURNED: &str = "; QEMU returned ";
const SIGNALLED: &str = "; QEMU was ended by a signal";

/// How the watch ended, by an outcome and what the monitor said; none if the boot never came as far as to be judged.
pub(crate) fn watched_of(outcome: &Outcome, qmp: &[String]) -> Option<Watched> {
    let reason = outcome.reason();
    let end = match outcome {
        Outcome::Finished => End::returned(0),
        Outcome::Hung { .. } if reason.starts_with("did not end within the wall limit") => End::WallLimit,
        Outcome::Hung { .. } => End::Silence,
        // Who breaks is asked nothing; a guest that was asked and then ended by the lab had hung on top of it.
        Outcome::Broken { .. }
            if was_questioned(qmp) && shutdown_reason(qmp).as_deref() != Some("guest-shutdown") =>
        {
            End::Silence
        }
        Outcome::Broken { .. } => End::returned(0),
        Outcome::Lost { .. } => lost(reason)?,
    };
    Some(Watched { end, frame_error: frame_error(reason), qemu_said: qemu_said(reason), hang: None })
}

fn lost(reason: &str) -> Option<End> {
    if reason == "interrupted by the user" {
        return Some(End::Interrupted);
    }
    if reason.contains(SIGNALLED) {
        return Some(End::Exited { code: None, signal: None });
    }
    let of_another_kernel = ["the guest ran the kernel with", "the guest does not know its kernel's"];
    if of_another_kernel.iter().any(|start| reason.starts_with(start)) {
        return Some(End::returned(0));
    }
    let (_, rest) = reason.split_once(RETURNED)?;
    let code = rest.split(':').next()?.parse().ok()?;
    Some(End::returned(code))
}

fn frame_error(reason: &str) -> Option<String> {
    let (_, rest) = reason.split_once(NO_REPORT)?;
    let ends =
        ["), QEMU's reason is ", "); QEMU ", "); the last line on the console ", "); the console is empty"];
    let end = ends.iter().filter_map(|end| rest.find(end)).min()?;
    Some(rest[..end].to_owned())
}

fn qemu_said(reason: &str) -> String {
    let place = [RETURNED, SIGNALLED].iter().filter_map(|words| reason.find(words)).min();
    let said = place.and_then(|place| reason[place..].split_once(": "));
    said.map(|(_, said)| said.to_owned()).unwrap_or_default()
}

/// Whether the watch asked the guest where it is, as it does before it ends one that hangs.
fn was_questioned(qmp: &[String]) -> bool {
    qmp.iter().any(|line| line.contains("\"return\"") && line.contains("\"running\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(outcome: &Outcome, qmp: &[&str]) -> Option<Watched> {
        watched_of(outcome, &qmp.iter().map(|&line| line.to_owned()).collect::<Vec<_>>())
    }

    /// Reasons as the lab wrote them.
    #[test]
    fn words_tell_how_the_watch_ended() {
        let watched = |end, frame_error: Option<&str>, said: &str| {
            Some(Watched {
                end,
                frame_error: frame_error.map(str::to_owned),
                qemu_said: said.to_owned(),
                hang: None,
            })
        };
        let exited = |code| End::Exited { code, signal: None };
        let lost = |reason: &str| Outcome::Lost { reason: reason.to_owned() };
        for (outcome, qmp, expected) in [
            (Outcome::Finished, &[][..], watched(exited(Some(0)), None, "")),
            (lost("interrupted by the user"), &[], watched(End::Interrupted, None, "")),
            (lost("the lab ended before the boot did"), &[], None),
            (lost("starting qemu-system-x86_64: No such file or directory"), &[], None),
            (
                lost("the guest ended without a whole report; QEMU returned 1: qemu: cannot do it"),
                &[],
                watched(exited(Some(1)), None, "qemu: cannot do it"),
            ),
            (
                lost("the guest ended without a whole report (7 bytes (of 9)), QEMU's reason is x; QEMU was ended by a signal"),
                &[],
                watched(exited(None), Some("7 bytes (of 9)"), ""),
            ),
            (
                lost("the guest ran the kernel with build id bb22, not aa11"),
                &[],
                watched(exited(Some(0)), None, ""),
            ),
            (
                Outcome::Hung { reason: "did not end within the wall limit; the console is empty".to_owned() },
                &[],
                watched(End::WallLimit, None, ""),
            ),
            (
                Outcome::Hung { reason: "nothing was heard within the silence limit; the console is empty".to_owned() },
                &[],
                watched(End::Silence, None, ""),
            ),
            (
                Outcome::Broken { reason: "oops: in f".to_owned() },
                &[r#"{"return": {"status": "running", "singlestep": false, "running": true}}"#],
                watched(End::Silence, None, ""),
            ),
            (
                Outcome::Broken { reason: "oops: in f".to_owned() },
                &[r#"{"return": {}}"#],
                watched(exited(Some(0)), None, ""),
            ),
            (
                Outcome::Broken {
                    reason: "the guest ended without a whole report (BadMagic), QEMU's reason is guest-reset; the \
                             last line on the console is `x: y`"
                        .to_owned(),
                },
                &[],
                watched(exited(Some(0)), Some("BadMagic"), ""),
            ),
        ] {
            assert_eq!(ended(&outcome, qmp), expected, "{outcome:?}");
        }
    }
}
