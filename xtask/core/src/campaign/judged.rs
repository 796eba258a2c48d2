//! The outcome of a boot by what was kept of it: decided when it is read, so that a rule that was mended counts for old
//! campaigns as for new ones.

use lab_protocol::Report;

use super::Record;
use crate::evidence::known::Known;
use crate::evidence::outcome::{BootEvidence, Outcome, judge, watched_of};

/// How the boot ended by the rules of this lab. A boot that never came as far as to be judged stays as it was recorded.
///
/// `qmp` has the lines of `qmp.jsonl`, `report` is that of `report.json`, if there is one, and what is `known` in the logs is that of
/// the plan.
pub fn judged(
    record: &Record,
    console: &[u8],
    qmp: &[String],
    report: Option<&Report>,
    known: &[Known],
) -> Outcome {
    let watched = record.watched.clone().or_else(|| watched_of(&record.outcome, qmp));
    let Some(watched) = watched else { return record.outcome.clone() };
    judge(&BootEvidence {
        console,
        qmp,
        report,
        watched: &watched,
        nonce: record.nonce,
        build_id: record.kernel.build_id.as_deref(),
        known,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::capture::{End, Watched};
    use crate::fixtures::{self, campaign, two_arms};
    use crate::plan::Clock;

    const PANIC: &str = "[    1.000000][    T1] Kernel panic - not syncing: test\r\n";

    /// The outcome of a boot that ended well but for what is given, recorded as `outcome`.
    fn again(outcome: Outcome, watched: Option<Watched>, console: &str, reason: &str) -> String {
        let boot = campaign(Clock::Virtual, &two_arms()).boots.swap_remove(0);
        let record = Record { outcome, watched, ..boot.record };
        let console = [console.as_bytes(), &fixtures::console(record.nonce)].concat();
        let qmp = [fixtures::shutdown(reason)];
        let outcome = judged(&record, &console, &qmp, boot.report.as_ref(), &[]);
        format!("{}: {}", outcome.word(), outcome.reason())
    }

    #[test]
    fn a_rule_that_was_mended_counts_for_old_records() {
        let broken = |reason: &str| Outcome::Broken { reason: reason.to_owned() };
        // What was taken for a finding, by a rule that is gone.
        assert_eq!(again(broken("warning: harmless"), None, "", "guest-shutdown"), "finished: ");
        // What is one today, and was none.
        assert_eq!(
            again(Outcome::Finished, None, PANIC, "guest-shutdown"),
            "broken: panic: Kernel panic - not syncing: test"
        );
        let no_report = broken(
            "the guest ended without a whole report, QEMU's reason is host-signal; the console is empty",
        );
        assert_eq!(
            again(no_report, None, "", "host-signal"),
            "lost: QEMU gives host-signal as its reason to end, not guest-shutdown; QEMU returned 0"
        );
    }

    #[test]
    fn what_the_watch_saw_comes_before_what_was_recorded() {
        let watched =
            Watched { end: End::Interrupted, frame_error: None, qemu_said: String::new(), hang: None };
        assert_eq!(
            again(Outcome::Finished, Some(watched), "", "guest-shutdown"),
            "lost: interrupted by the user"
        );
    }

    #[test]
    fn a_boot_that_was_never_judged_stays_lost() {
        let reason = "the lab ended before the boot did".to_owned();
        assert_eq!(
            again(Outcome::Lost { reason }, None, "", "guest-shutdown"),
            "lost: the lab ended before the boot did"
        );
    }
}
