//! Boots that are lost before their guests start: a host that lacks something loses them all, and is not asked forty times.

use crate::campaign::Record;
use crate::evidence::outcome::Outcome;

/// Whether other boots ran beside one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Company {
    /// Others may have run meanwhile.
    Beside,
    /// None did.
    Alone,
}

/// What the boots of a run were lost for, as far as it decides whether the next one is worth a try.
#[derive(Clone, Debug, Default)]
pub struct Losses {
    /// For what the boot before was lost, before its guest started.
    last: Option<String>,
}

impl Losses {
    /// Notes how a boot ended. If it was lost before its guest started, for the same cause as the one before it: why no other
    /// is to be started, with the remedy.
    pub fn note(&mut self, record: &Record, company: Company) -> Option<String> {
        let Some(cause) = lost_before_start(record) else {
            self.last = None;
            return None;
        };
        // Boots that take memory from each other say nothing about one that has it all: it is run again alone.
        if company == Company::Beside && is_by_signal(record) {
            return None;
        }
        let is_again = self.last.as_deref().is_some_and(|last| same_cause(last, cause));
        self.last = Some(cause.to_owned());
        is_again.then(|| {
            format!(
                "boot {} and the one before it were lost before their guests started, for the same cause: {cause}; {}",
                record.boot.number,
                remedy(cause)
            )
        })
    }
}

/// Whether a signal ended the QEMU of a boot that was lost.
fn is_by_signal(record: &Record) -> bool {
    record.watched.as_ref().is_some_and(|watched| watched.end.is_by_signal())
}

/// Why; none for a boot that ended otherwise, or of whose guest something was heard.
fn lost_before_start(record: &Record) -> Option<&str> {
    let is_silent = record.to_init_s.is_none() && record.console.received_bytes == 0;
    match &record.outcome {
        Outcome::Lost { reason } if is_silent => Some(reason),
        Outcome::Lost { .. } | Outcome::Finished | Outcome::Broken { .. } | Outcome::Hung { .. } => None,
    }
}

/// Paths are left out: those of temporary folders differ from boot to boot.
fn same_cause(a: &str, b: &str) -> bool {
    let words = |text: &str| {
        let words = text.split_whitespace().filter(|word| !word.contains('/'));
        words.map(str::to_owned).collect::<Vec<_>>()
    };
    words(a) == words(b)
}

/// What most likely helps.
fn remedy(cause: &str) -> &'static str {
    const REMEDIES: [(&[&str], &str); 5] = [
        (&["No space left"], "make room on the disk"),
        (
            &["SIGKILL", "Cannot allocate memory", "cannot set up guest memory"],
            "end other programs, let the lab have more memory, or take workloads with smaller files (file-mib in lab.toml)",
        ),
        (&["listening at", "making a folder"], "set TMPDIR to the short path of a folder that is there"),
        (&["starting qemu-system-x86_64"], "install QEMU; `cargo xtask doctor` names the package"),
        (
            &["bios", "device", "-cpu", "-machine", "-accel"],
            "install QEMU with all its parts; `cargo xtask doctor` tries it",
        ),
    ];
    let fits = |(words, _): &&(&[&str], &str)| words.iter().any(|word| cause.contains(word));
    REMEDIES
        .iter()
        .find(fits)
        .map_or("`cargo xtask doctor` shows what the lab finds on this machine", |(_, remedy)| remedy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::capture::{End, Watched};
    use crate::fixtures::{campaign, two_arms};
    use crate::plan::Clock;

    fn lost(reason: &str, end: End) -> Record {
        let record = campaign(Clock::Virtual, &two_arms()).boots[0].record.clone();
        let console = crate::campaign::StoredFile::new(b"", 0);
        Record {
            outcome: Outcome::Lost { reason: reason.to_owned() },
            watched: Some(Watched { end, frame_error: None, qemu_said: String::new(), hang: None }),
            to_init_s: None,
            console,
            ..record
        }
    }

    fn finished() -> Record {
        campaign(Clock::Virtual, &two_arms()).boots[0].record.clone()
    }

    /// Whether the last of these ends the run.
    fn ends(records: &[(Record, Company)]) -> Option<String> {
        let mut losses = Losses::default();
        let mut noted =
            records.iter().map(|(record, company)| losses.note(record, *company)).collect::<Vec<_>>();
        let last = noted.pop().flatten();
        assert_eq!(noted.into_iter().flatten().next(), None, "ended early");
        last
    }

    #[test]
    fn the_second_of_two_equal_losses_ends_the_run() {
        let device = |socket: &str| {
            let reason = format!(
                "QEMU returned 1: /tmp/patchlab-{socket}: 'pvpanic' is not a valid device model name"
            );
            (lost(&reason, End::returned(1)), Company::Beside)
        };
        assert_eq!(ends(&[device("a")]), None);
        let told = ends(&[device("a"), device("b")]).unwrap();
        assert_eq!(
            told,
            "boot 1 and the one before it were lost before their guests started, for the same cause: QEMU returned 1: \
             /tmp/patchlab-b: 'pvpanic' is not a valid device model name; install QEMU with all its parts; `cargo xtask \
             doctor` tries it"
        );
        let other = (lost("QEMU returned 1: no", End::returned(1)), Company::Beside);
        assert_eq!(ends(&[device("a"), other]), None);
        assert_eq!(ends(&[device("a"), (finished(), Company::Beside), device("b")]), None);
        // Of this guest something was heard.
        let (mut late, _) = device("b");
        late.console.received_bytes = 1;
        assert_eq!(ends(&[device("a"), (late, Company::Beside)]), None);
    }

    #[test]
    fn boots_that_take_memory_from_each_other_are_no_reason_and_those_alone_are() {
        let killed = |company| (lost("QEMU was ended by SIGKILL", End::killed(9)), company);
        assert_eq!(ends(&[killed(Company::Beside), killed(Company::Beside), killed(Company::Alone)]), None);
        let told = ends(&[killed(Company::Beside), killed(Company::Alone), killed(Company::Alone)]).unwrap();
        assert!(told.contains("; end other programs, let the lab have more memory, "), "{told}");
    }
}
