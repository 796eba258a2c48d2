//! What follows from a comparison, in a status and a few sentences.

use serde::Serialize;

use super::{
    Behaviour, FindingRow, ProbedVariant, Row, SuiteRow, VariantSummary, Verdict, behaviour, check, sweep,
};
use crate::evidence::metric::{Metric, ruled_out};
use crate::plan::Sweep;

/// The answer of a campaign; its number is the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Nothing speaks against any variant.
    NoFinding = 0,
    /// A variant is slower, broken, hung, has new findings, fails at a workload, gives wrong bytes or behaves in a way that
    /// nobody expects, against the baseline. Where scenarios are compared a slower one is none.
    Worse = 1,
    /// Boots were lost, or the data is too little or too noisy.
    CannotTell = 2,
}

impl Status {
    /// The exit code of the lab.
    pub fn exit_code(self) -> u8 {
        self as u8
    }
}

/// What follows from a comparison.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Conclusion {
    /// The answer.
    pub status: Status,
    /// It in words: one sentence for each variant but the baseline, one for the campaign if boots are missing.
    pub sentences: Vec<String>,
}

/// What a slower variant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compared {
    /// A kernel that is worse.
    Kernels,
    /// Another thing than the baseline on one kernel, and no finding about anything.
    Scenarios,
}

/// What is known of the variants.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said<'a> {
    pub(super) rows: &'a [Row],
    /// What the plan varies.
    pub(super) sweep: Option<&'a Sweep>,
    pub(super) suites: &'a [SuiteRow],
    pub(super) findings: &'a [FindingRow],
    pub(super) behaviour: Option<&'a Behaviour>,
}

pub(super) fn conclude(variants: &[VariantSummary], said: Said<'_>, damaged: &[String]) -> Conclusion {
    let mut worse = false;
    let mut unknown = !damaged.is_empty();
    let mut sentences = Vec::new();
    let same_kernel = check::same_kernel_as_baseline(variants);
    let compared = match variants.iter().any(|variant| variant.scenario.is_some()) {
        true => Compared::Scenarios,
        false => Compared::Kernels,
    };
    for place in 1..variants.len() {
        let judged = Judged::new(variants, place, said);
        // The baseline under another label shows the noise; it has no verdict of its own.
        if !same_kernel[place] {
            worse |= judged.is_worse(compared);
            unknown |= judged.is_unknown(compared);
        } else {
            // But bytes that are wrong are no noise, nor is what no table says: if only sometimes, then maybe in the
            // baseline too.
            unknown |= judged.wrong_data > 0 || judged.misbehaves();
        }
        sentences.push(judged.sentence(&variants[place].name, &variants[0].name, compared));
    }
    if compared == Compared::Scenarios {
        sentences.push(
            "Scenarios are compared on one kernel: a slower one is no verdict about a series.".to_owned(),
        );
    }
    let incomplete: u32 = variants.iter().map(|variant| variant.boots.lost + variant.boots.missing).sum();
    if incomplete > 0 {
        unknown = true;
        let planned: u32 = variants.iter().map(|variant| variant.boots.planned).sum();
        sentences.push(format!("{incomplete} of {planned} boots were lost or have no record."));
    }
    if let Some(baseline) = variants.first()
        && baseline.boots.broken + baseline.boots.hung > 0
    {
        unknown |= variants.len() == 1;
        sentences.push(format!(
            "The baseline {} itself broke or hung in {} of {} boots.",
            baseline.name,
            baseline.boots.broken + baseline.boots.hung,
            baseline.boots.planned
        ));
    }
    unknown |= said.behaviour.is_some_and(|behaviour| behaviour.baseline_otherwise() > 0);
    sentences.extend(said.behaviour.and_then(|behaviour| baseline_behaviour(behaviour, &variants[0].name)));
    let is_measured = said.rows.iter().flat_map(|row| &row.cells).any(|cell| cell.mean.is_some());
    let has_passed = said.suites.iter().flat_map(|row| &row.cells).any(|cell| cell.passed > 0);
    let has_data = is_measured || has_passed || said.behaviour.is_some_and(Behaviour::has_data);
    let status = match (worse, unknown || !has_data) {
        (true, _) => Status::Worse,
        (false, true) => Status::CannotTell,
        (false, false) => Status::NoFinding,
    };
    Conclusion { status, sentences }
}

fn baseline_behaviour(behaviour: &Behaviour, name: &str) -> Option<String> {
    let probes = behaviour.probes.len();
    let failures = behaviour.baseline_failures().count();
    (failures > 0).then(|| format!("The baseline {name} itself fails {failures} of {probes} probes."))
}

/// One variant against the baseline, counted.
struct Judged<'a> {
    rows: usize,
    /// Whether throughput is all that decides: then better is faster.
    is_speed: bool,
    /// Ratios of the rows that are better, and of those that are worse.
    better: Vec<f64>,
    worse: Vec<f64>,
    /// Ratios of the rows that differ to neither side's credit.
    more: Vec<f64>,
    less: Vec<f64>,
    /// Rows without a difference, each with the largest one that it does not rule out.
    same: Vec<(String, f64)>,
    failed: usize,
    wrong_data: usize,
    unknown: usize,
    /// Those of them whose figures are there and do not tell.
    unclear: usize,
    not_given: usize,
    suites: usize,
    suites_fine: usize,
    suites_failed: usize,
    suites_unknown: usize,
    new_findings: usize,
    broken: u32,
    hung: u32,
    /// Whether the baseline broke or hung as well, which makes the same in the variant no finding about it.
    baseline_troubled: bool,
    /// What its probes say, and of how many; none if nothing was probed.
    probed: Option<(&'a ProbedVariant, usize)>,
}

impl<'a> Judged<'a> {
    fn new(variants: &[VariantSummary], place: usize, said: Said<'a>) -> Self {
        let Said { rows, suites, findings, behaviour, .. } = said;
        let changes: Vec<_> = rows.iter().filter_map(|row| row.cells.get(place)?.change).collect();
        let count = |verdict| changes.iter().filter(|change| change.verdict == verdict).count();
        let ratios = |verdict| {
            changes
                .iter()
                .filter(|change| change.verdict == verdict)
                .filter_map(|change| change.ratio)
                .collect()
        };
        let (baseline, boots) = (variants[0].boots, variants[place].boots);
        Judged {
            rows: changes.len(),
            is_speed: rows.iter().all(|row| row.metric == Metric::Throughput),
            better: ratios(Verdict::Better),
            worse: ratios(Verdict::Worse),
            more: ratios(Verdict::More),
            less: ratios(Verdict::Less),
            same: rows.iter().filter_map(|row| same_row(row, place, said)).collect(),
            failed: count(Verdict::Failed),
            wrong_data: count(Verdict::WrongData),
            unknown: changes.iter().filter(|change| change.verdict.is_unknown()).count(),
            unclear: count(Verdict::Unclear),
            not_given: count(Verdict::NotGiven),
            suites: suites.len(),
            suites_fine: suites
                .iter()
                .filter(|row| !row.is_worse(place) && !row.cells[place].is_unknown())
                .count(),
            suites_failed: suites.iter().filter(|row| row.is_worse(place)).count(),
            suites_unknown: suites.iter().filter(|row| row.cells[place].is_unknown()).count(),
            new_findings: findings.iter().filter(|row| row.is_new_with(place)).count(),
            broken: boots.broken,
            hung: boots.hung,
            baseline_troubled: baseline.broken + baseline.hung > 0,
            probed: behaviour
                .and_then(|behaviour| Some((behaviour.variants.get(place)?, behaviour.probes.len()))),
        }
    }

    fn is_worse(&self, compared: Compared) -> bool {
        let troubled = self.broken + self.hung > 0 && !self.baseline_troubled;
        let slower = match compared {
            Compared::Kernels => self.worse.len(),
            Compared::Scenarios => 0,
        };
        let counted = slower + self.failed + self.wrong_data + self.suites_failed + self.new_findings;
        counted > 0 || troubled || self.misbehaves()
    }

    fn misbehaves(&self) -> bool {
        self.probed.is_some_and(|(probed, _)| probed.unexpected > 0)
    }

    fn is_unknown(&self, compared: Compared) -> bool {
        let is_badly_probed = |probed: &ProbedVariant| {
            probed.unknown > 0 || probed.probed < probed.planned || !probed.not_probed.is_empty()
        };
        let open = match compared {
            Compared::Kernels => self.unknown,
            // Neither way would it be a finding.
            Compared::Scenarios => self.unknown - self.unclear,
        };
        open + self.suites_unknown > 0
            || self.broken + self.hung > 0
            || self.probed.is_some_and(|(probed, _)| is_badly_probed(probed))
    }

    fn sentence(&self, name: &str, baseline: &str, compared: Compared) -> String {
        let (rows, suites) = (self.rows, self.suites);
        let of_suites =
            |count: usize, text: &str| (count > 0).then(|| format!("{text} in {count} of {suites} suites"));
        let counted =
            |count: usize, text: &str| (count > 0).then(|| format!("{text} in {count} of {rows} rows"));
        let boots = |count: u32| format!("{count} boot{}", if count == 1 { "" } else { "s" });
        let new = self.new_findings;
        let moved =
            |ratios: &[f64], text: &str| counted(ratios.len(), text).map(|text| text + &range(ratios));
        let probed = self.probed.map(|(probed, probes)| behaviour::sentence_parts(probed, probes, baseline));
        let figures = [
            moved(&self.better, if self.is_speed { "faster" } else { "better" }),
            moved(
                &self.worse,
                match (compared, self.is_speed) {
                    (Compared::Kernels, true) => "SLOWER",
                    (Compared::Kernels, false) => "WORSE",
                    (Compared::Scenarios, true) => "slower",
                    (Compared::Scenarios, false) => "worse",
                },
            ),
            moved(&self.more, "more"),
            moved(&self.less, "less"),
            counted(self.same.len(), "no difference").map(|text| text + &limits(&self.same, rows)),
            counted(self.wrong_data, "WRONG DATA"),
            counted(self.failed, "FAILS where the baseline does not"),
            counted(self.unknown, "no statement possible"),
            counted(self.not_given, "not measured"),
            of_suites(self.suites_fine, "no new failure"),
            of_suites(self.suites_failed, "FAILS where the baseline passes"),
            of_suites(self.suites_unknown, "boots are missing"),
        ];
        let troubles = [
            (self.broken > 0).then(|| format!("BROKEN in {}", boots(self.broken))),
            (self.hung > 0).then(|| format!("HUNG in {}", boots(self.hung))),
            (new > 0).then(|| format!("{new} NEW in the kernel log")),
        ];
        let parts: Vec<String> = figures
            .into_iter()
            .flatten()
            .chain(probed.into_iter().flatten())
            .chain(troubles.into_iter().flatten())
            .collect();
        let said = if parts.is_empty() { "nothing measured".to_owned() } else { parts.join("; ") };
        format!("{name} against {baseline}: {said}.")
    }
}

/// A row without a difference, with what it is called beside the other rows.
fn same_row(row: &Row, place: usize, said: Said<'_>) -> Option<(String, f64)> {
    let change = row.cells.get(place)?.change.filter(|change| change.verdict == Verdict::Same)?;
    let (scenario, workload, value) = names(row, said.sweep);
    let rows = said.rows;
    let parts = [
        Some(scenario).filter(|_| rows.iter().any(|other| names(other, said.sweep).0 != scenario)),
        Some(workload),
        Some(row.metric.name()).filter(|_| rows.iter().any(|other| other.metric != row.metric)),
    ];
    let parts =
        parts.into_iter().flatten().map(str::to_owned).chain(value.map(|value| format!("at {value}")));
    Some((parts.collect::<Vec<_>>().join(" "), change.limit.unwrap_or(0.0)))
}

/// Scenario and workload of a row, and the value of what is varied if it is not in their names.
fn names<'a>(row: &'a Row, sweep: Option<&'a Sweep>) -> (&'a str, &'a str, Option<u64>) {
    match sweep.and_then(|sweep| sweep::place(sweep, row)) {
        Some((scenario, workload, value)) => (scenario, workload, Some(value)),
        None => (&row.scenario, &row.workload, None),
    }
}

/// Rows that are named one by one; the table has all of them.
const NAMED: usize = 8;

/// What each of these rows of so many rules out, in brackets; equal limits are said once, and without names if all have one.
fn limits(same: &[(String, f64)], rows: usize) -> String {
    let mut by_limit: Vec<(String, Vec<&str>)> = Vec::new();
    for (name, limit) in same {
        let limit = ruled_out(*limit);
        match by_limit.iter_mut().find(|(known, _)| *known == limit) {
            Some((_, names)) => names.push(name),
            None => by_limit.push((limit, vec![name])),
        }
    }
    if let [(limit, names)] = &by_limit[..]
        && names.len() == rows
        && rows > 1
    {
        return format!(" ({limit})");
    }
    let parts = by_limit.iter().map(|(limit, names)| match names.get(..NAMED) {
        Some(first) if names.len() > NAMED => {
            format!("{limit} {} and {} more", first.join(", "), names.len() - NAMED)
        }
        _ => format!("{limit} {}", names.join(", ")),
    });
    format!(" ({})", parts.collect::<Vec<_>>().join("; "))
}

/// From the smallest to the largest ratio, in brackets.
fn range(ratios: &[f64]) -> String {
    let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
    let most = ratios.iter().copied().fold(0.0, f64::max);
    let [least, most] = [least, most].map(|ratio| format!("x{ratio:.3}"));
    if least == most { format!(" ({least})") } else { format!(" ({least} to {most})") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(limits: &[f64]) -> Vec<(String, f64)> {
        (1..).zip(limits).map(|(number, limit): (u32, _)| (format!("row-{number}"), *limit)).collect()
    }

    #[test]
    fn what_all_rows_have_is_said_without_names() {
        assert_eq!(limits(&same(&[0.0; 20]), 20), " (equal)");
        assert_eq!(limits(&same(&[0.0, 0.0]), 3), " (equal row-1, row-2)");
        assert_eq!(limits(&same(&[0.0]), 1), " (equal row-1)");
    }

    #[test]
    fn many_names_are_cut() {
        let many = limits(&same(&[0.0; 11]), 12);
        assert_eq!(many, " (equal row-1, row-2, row-3, row-4, row-5, row-6, row-7, row-8 and 3 more)");
    }
}
