//! Whether a boot of a faulty kernel shows that it is one: held against a boot of the right kernel, whatever a table says.

use crate::campaign::BootData;
use crate::comparison::cells;
use crate::evidence::outcome::Outcome;
use crate::evidence::probes::{Probed, Standing, not_probed, probed};
use crate::series::mutants::Mutant;
use crate::text::escape::escape_for_terminal;

#[cfg(test)]
mod tests;

/// A mutant and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The mutant.
    pub mutant: Mutant,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a mutant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Something told it from the right kernel: what, at least one.
    Caught(Vec<Notice>),
    /// Nothing did.
    Survived,
    /// No function and no data of its kernel differs from the right one.
    Equal,
    /// Somebody found out that nothing could tell it from the right one.
    Equivalent,
    /// Its kernel does not build, and why.
    DoesNotBuild(String),
    /// Its boot was lost each time, and why: says nothing.
    Lost(String),
}

impl Fate {
    /// A few words for tables.
    pub fn word(&self) -> &'static str {
        match self {
            Fate::Caught(_) => "caught",
            Fate::Survived => "survived",
            Fate::Equal => "equal",
            Fate::Equivalent => "equivalent",
            Fate::DoesNotBuild(_) => "does not build",
            Fate::Lost(_) => "lost",
        }
    }
}

/// What told a faulty kernel from the right one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// A probe, a workload, or the boot as a whole.
    pub by: String,
    /// What it saw, a sentence without full stop that can be shown on a terminal.
    pub text: String,
}

impl Notice {
    fn new(by: &str, text: &str) -> Self {
        Notice { by: by.to_owned(), text: escape_for_terminal(text).replace('\n', " ") }
    }
}

/// What the right kernel's own boot says against it: its probes that fail.
///
/// # Errors
/// If nothing can be held against it, since it did not end well or saw nothing.
pub fn control_failures(control: &BootData) -> Result<Vec<Notice>, String> {
    match &control.record.outcome {
        Outcome::Finished => {}
        Outcome::Broken { reason } | Outcome::Hung { reason } | Outcome::Lost { reason } => {
            return Err(format!(
                "its boot is {}: {}",
                control.record.outcome.word(),
                escape_for_terminal(reason)
            ));
        }
    }
    let Some(report) = &control.report else { return Err("its boot has no report".to_owned()) };
    if let Some(problem) = report.problems.first() {
        return Err(format!("its guest had a problem: {}", escape_for_terminal(problem)));
    }
    if let Some(reason) = report.probes.as_ref().and_then(not_probed) {
        return Err(format!("its probes could not do their work: {reason}"));
    }
    let all = probes(control);
    if all.is_empty() && report.workloads.is_empty() {
        return Err("its boot ran no probe and no workload".to_owned());
    }
    let failing = all.iter().filter(|probe| probe.observation.standing.is_failure());
    let probes = failing.map(|probe| Notice::new(&probe.name, &sentence(probe)));
    let workloads = report
        .workloads
        .iter()
        .filter_map(|workload| Some(Notice::new(&workload.name, &cells::trouble(workload)?)));
    Ok(probes.chain(workloads).collect())
}

/// What became of a mutant with this boot, if the right kernel had that one. One that is marked as equivalent is held to it:
/// if something tells it from the right kernel after all, either the mark is wrong or what told it.
pub fn fate(mutant: &Mutant, control: &BootData, boot: &BootData) -> Fate {
    if let Outcome::Lost { reason } = &boot.record.outcome {
        return Fate::Lost(escape_for_terminal(reason));
    }
    let all = notices(control, boot);
    match (all.is_empty(), &mutant.equivalent) {
        (false, _) => Fate::Caught(all),
        (true, Some(_)) => Fate::Equivalent,
        (true, None) => Fate::Survived,
    }
}

/// What differs between two boots, in the order of what happened in them.
fn notices(control: &BootData, boot: &BootData) -> Vec<Notice> {
    let mut all = Vec::new();
    let outcome = &boot.record.outcome;
    match outcome {
        Outcome::Finished => {}
        Outcome::Broken { reason } | Outcome::Hung { reason } | Outcome::Lost { reason } => {
            all.push(Notice::new("boot", &format!("is {}: {reason}", outcome.word())));
        }
    }
    let Some(report) = &boot.report else { return all };
    let of_control = control.report.as_ref();
    let is_known = |name: &str| {
        let earlier = of_control.and_then(|report| report.workloads.iter().find(|known| known.name == name));
        earlier.is_some_and(|known| cells::trouble(known).is_some())
    };
    let workloads = report.workloads.iter().filter(|workload| !is_known(&workload.name));
    all.extend(
        workloads.filter_map(|workload| Some(Notice::new(&workload.name, &cells::trouble(workload)?))),
    );
    all.extend(probe_notices(&probes(control), &probes(boot)));
    let reason = report.probes.as_ref().and_then(not_probed);
    all.extend(
        reason.map(|reason| Notice::new("probes", &format!("did not do all of their work: {reason}"))),
    );
    all.extend(report.problems.iter().map(|problem| Notice::new("guest", problem)));
    all
}

/// The probes that do not see what they saw of the right kernel. One that was not come to says nothing by itself, nor does one
/// whose table has both as right: what happens there is a race, which a change of a few instructions decides otherwise.
fn probe_notices(control: &[Probed], of_mutant: &[Probed]) -> Vec<Notice> {
    let differing = of_mutant.iter().filter_map(|seen| {
        let right = control.iter().find(|right| right.name == seen.name)?;
        let text =
            format!("{}; the right kernel: {}", sentence_with(right, seen), right.observation.observed);
        let are_right =
            [&seen.observation, &right.observation].map(|one| one.standing) == [Standing::AsExpected; 2];
        let is_told = !are_right && !seen.observation.is_like(&right.observation);
        is_told.then(|| Notice::new(&seen.name, &text))
    });
    differing.collect()
}

fn probes(boot: &BootData) -> Vec<Probed> {
    let report = boot.report.as_ref().and_then(|report| report.probes.as_ref());
    report.map(probed).unwrap_or_default()
}

fn sentence(probe: &Probed) -> String {
    sentence_with(probe, probe)
}

/// What was done, by whoever came to say it, and what came of it.
fn sentence_with(right: &Probed, seen: &Probed) -> String {
    let title = seen.title.as_ref().or(right.title.as_ref()).unwrap_or(&seen.name);
    format!("{title} {}", seen.observation.observed)
}

/// How many mutants came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Told from the right kernel.
    pub caught: usize,
    /// Not.
    pub survived: usize,
    /// With a kernel that is the same.
    pub equal: usize,
    /// Marked as such.
    pub equivalent: usize,
    /// Without a kernel.
    pub does_not_build: usize,
    /// Without a boot.
    pub lost: usize,
}

impl Tally {
    /// Of these mutants.
    pub fn of<'a>(tried: impl IntoIterator<Item = &'a Tried>) -> Self {
        let mut tally = Tally::default();
        for tried in tried {
            let count = match tried.fate {
                Fate::Caught(_) => &mut tally.caught,
                Fate::Survived => &mut tally.survived,
                Fate::Equal => &mut tally.equal,
                Fate::Equivalent => &mut tally.equivalent,
                Fate::DoesNotBuild(_) => &mut tally.does_not_build,
                Fate::Lost(_) => &mut tally.lost,
            };
            *count += 1;
        }
        tally
    }

    /// Those that count: a boot could have told them from the right kernel.
    pub fn counted(&self) -> usize {
        self.caught + self.survived
    }

    /// All of them.
    pub fn total(&self) -> usize {
        self.counted() + self.equal + self.equivalent + self.does_not_build + self.lost
    }
}
