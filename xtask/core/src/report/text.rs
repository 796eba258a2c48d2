//! Numbers and lists as the reports write them.

use crate::campaign::{KernelBase, Setup};
use crate::comparison::{
    BootCounts, Cell, Change, Comparison, MinMax, Row, VariantSummary, Verdict, statistics,
};
use crate::evidence::metric::{Metric, at_most, ruled_out};
use crate::plan::Clock;
use crate::text::digest;
pub(super) use crate::text::layout::wrap;

/// As [`wrap`], and what needs more than `most` lines ends with dots.
pub(super) fn cut(prefix: &str, text: &str, width: usize, indent: usize, most: usize) -> String {
    cut_after(&wrap(prefix, text, width, indent), width, most)
}

/// Lines of at most `width` characters without those behind the first `most`, for which there are dots.
pub(super) fn cut_after(text: &str, width: usize, most: usize) -> String {
    if text.lines().count() <= most {
        return text.to_owned();
    }
    let mut lines: Vec<&str> = text.lines().take(most).collect();
    if let Some(last) = lines.last_mut() {
        // There is room for the dots behind the last word that stays.
        while last.chars().count() + 4 > width {
            *last = last.trim_end().rsplit_once(' ').map_or("", |(kept, _)| kept);
        }
    }
    lines.join("\n") + " ..."
}

/// A rate with four significant digits, or with all digits before the point.
pub(super) fn rate(value: f64) -> String {
    match value {
        value if value >= 1000.0 => format!("{value:.0}"),
        value if value >= 100.0 => format!("{value:.1}"),
        value if value >= 10.0 => format!("{value:.2}"),
        value => format!("{value:.3}"),
    }
}

/// A value; whole counts, which have no unit, without a point.
pub(super) fn figure(unit: &str, value: f64) -> String {
    if unit.is_empty() && value.fract() == 0.0 { format!("{value:.0}") } else { rate(value) }
}

/// The row's workload, with its unit.
pub(super) fn label(row: &Row) -> String {
    if row.unit.is_empty() { row.workload.clone() } else { format!("{} {}", row.workload, row.unit) }
}

/// What follows the name of a scenario: nothing if throughput is all that is shown.
pub(super) fn metric_suffix(comparison: &Comparison, metric: Metric) -> String {
    match comparison.metrics[..] {
        [Metric::Throughput] => String::new(),
        _ => format!(", {}", metric.name()),
    }
}

/// A ratio as a change: `+7.9 %`, and from twice or half on as a factor, `x4.56`.
pub(super) fn change(ratio: f64) -> String {
    if (0.5..2.0).contains(&ratio) {
        format!("{:+.1} %", (ratio - 1.0) * 100.0)
    } else {
        format!("x{}", factor(ratio))
    }
}

fn factor(ratio: f64) -> String {
    if ratio >= 100.0 {
        format!("{ratio:.0}")
    } else if ratio >= 1.0 {
        format!("{ratio:.2}")
    } else {
        format!("{ratio:.3}")
    }
}

/// A share as a percentage.
pub(super) fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

/// `16`, or `12-16` if the boots differ.
pub(super) fn range(range: MinMax) -> String {
    from_to(range, |value| value.to_string())
}

/// Bytes in KiB.
pub(super) fn kib(bytes: MinMax) -> String {
    from_to(bytes, |bytes| match bytes.is_multiple_of(1024) {
        true => (bytes / 1024).to_string(),
        false => format!("{:.1}", bytes as f64 / 1024.0),
    })
}

/// A mean with two digits behind the point.
pub(super) fn mean(range: MinMax<f64>) -> String {
    from_to(range, |mean| format!("{mean:.2}"))
}

/// Nanoseconds in microseconds: whole ones from 100 on.
pub(super) fn us(ns: MinMax) -> String {
    from_to(ns, |ns| match ns {
        100_000.. => format!("{:.0}", ns as f64 / 1000.0),
        _ => format!("{:.1}", ns as f64 / 1000.0),
    })
}

/// One value if both ends read alike.
fn from_to<T>(range: MinMax<T>, show: impl Fn(T) -> String) -> String {
    let (least, most) = (show(range.least), show(range.most));
    if least == most { most } else { format!("{least}-{most}") }
}

/// The verdict in words. Where there is no difference: which one is ruled out.
pub(super) fn verdict(change: &Change) -> String {
    match (change.verdict, change.limit) {
        (Verdict::Same, Some(0.0)) => ruled_out(0.0),
        (Verdict::Same, Some(limit)) => format!("same {}", ruled_out(limit)),
        (verdict, _) => verdict.word().to_owned(),
    }
}

/// A change with its verdict; of kernels that do not differ only how far that is sure.
pub(super) fn effect(change: &Change) -> String {
    match change.ratio {
        Some(ratio) if change.verdict != Verdict::Same => {
            format!("{} {}", self::change(ratio), verdict(change))
        }
        _ => verdict(change),
    }
}

/// Whether speed was asked for: not in a plan that only probes, or has only suites.
pub(super) fn is_measured(comparison: &Comparison) -> bool {
    !comparison.rows.is_empty() || (comparison.behaviour.is_none() && comparison.suites.is_empty())
}

/// What stands in place of a value that is missing.
pub(super) fn no_value(cell: &Cell) -> String {
    if cell.is_not_given() {
        return "not given".to_owned();
    }
    let boots = cell.boots;
    match (cell.wrong_data(), cell.failures.len()) {
        (0, 0) => "no data".to_owned(),
        (0, failed) => format!("FAILED {failed}/{boots}"),
        (wrong, _) => format!("WRONG DATA {wrong}/{boots}"),
    }
}

/// How boots ended, e.g. `2 boots: 1 finished, 1 broken`.
pub(super) fn boots(counts: &BootCounts) -> String {
    let named = [
        (counts.finished, "finished"),
        (counts.broken, "BROKEN"),
        (counts.hung, "HUNG"),
        (counts.lost, "lost"),
        (counts.missing, "missing"),
    ];
    let parts: Vec<_> =
        named.iter().filter(|(count, _)| *count > 0).map(|(count, name)| format!("{count} {name}")).collect();
    let warm_up = match counts.warm_up {
        0 => String::new(),
        count => format!(" ({count} to warm up, not compared)"),
    };
    format!(
        "{} boot{}: {}{warm_up}",
        counts.planned,
        if counts.planned == 1 { "" } else { "s" },
        if parts.is_empty() { "none run".to_owned() } else { parts.join(", ") }
    )
}

/// The kernel of a variant: its series and digest.
pub(super) fn kernel(comparison: &Comparison, variant: &VariantSummary) -> String {
    let Some(kernel) = &variant.kernel else { return "not booted".to_owned() };
    let applied = kernel.series.iter().map(|series| {
        format!("{} ({} patches, {})", series.name, series.patches, digest::short(&series.digest))
    });
    let applied: Vec<_> = applied.collect();
    let series = if applied.is_empty() { "no series".to_owned() } else { applied.join(" + ") };
    let planted = variant.planted.map(|planted| format!("; {} PLANTED {}", planted.size(), planted.place()));
    let image = comparison.setup.as_ref().map(|setup| setup.arch).unwrap_or_default().kernel_image();
    let digest = digest::short(&kernel.bzimage_sha256);
    format!("{series}; {image} {digest}{}", planted.unwrap_or_default())
}

/// The kernels' sources; of several each with the variants that are built from it.
pub(super) fn sources(comparison: &Comparison, setup: &Setup) -> Vec<String> {
    by_base(comparison, setup, |base| base.source.clone())
}

/// The kernels' configurations and compilers; if they have several sources each with the variants that have it.
pub(super) fn configurations(comparison: &Comparison, setup: &Setup) -> Vec<String> {
    by_base(comparison, setup, |base| {
        format!("{}, built with {}", digest::short(&base.config_sha256), base.compiler)
    })
}

fn by_base(comparison: &Comparison, setup: &Setup, text: impl Fn(&KernelBase) -> String) -> Vec<String> {
    let mut said: Vec<(String, Vec<&str>)> = Vec::new();
    for variant in &comparison.variants {
        let Some(base) = variant.kernel.as_ref().and_then(|kernel| kernel.base.as_ref()) else { continue };
        let text = text(base);
        match said.iter_mut().find(|(known, _)| *known == text) {
            Some((_, names)) => names.push(&variant.name),
            None => said.push((text, vec![&variant.name])),
        }
    }
    if said.is_empty() {
        let Setup { kernel_source, kernel_config_sha256, compiler, .. } = setup.clone();
        return vec![text(&KernelBase {
            source: kernel_source,
            config_sha256: kernel_config_sha256,
            compiler,
        })];
    }
    said.into_iter().map(|(text, names)| format!("{text} ({})", names.join(", "))).collect()
}

/// The clock with what it cannot say.
pub(super) fn clock(setup: &Setup) -> String {
    match (setup.clock, setup.accelerator.as_str(), setup.cpus) {
        (Clock::Virtual, _, 1) => {
            "virtual: counts instructions, not cycles; one vCPU; no caches, no parallel copying".to_owned()
        }
        (Clock::Virtual, _, cpus) => format!(
            "virtual: counts instructions, not cycles; {cpus} vCPUs, one clock for the instructions of all CPUs: order, \
             contention, wake-ups and migrations are seen, parallel speed is not; no caches"
        ),
        (Clock::Wall, "kvm", _) => "wall, under KVM".to_owned(),
        (Clock::Wall, _, _) => "wall, EMULATED: order of magnitude only".to_owned(),
    }
}

/// What the words in the verdicts mean for this clock.
pub(super) fn rules(comparison: &Comparison) -> String {
    let criterion = criterion(comparison);
    format!("{criterion} `same within X`: no difference larger than X was found: the end of the interval.")
}

/// From when on a change counts, in a sentence.
pub(super) fn criterion(comparison: &Comparison) -> String {
    let effect = thresholds(comparison);
    match comparison.setup.as_ref().map(|setup| setup.clock) {
        Some(Clock::Wall) => format!(
            "A change, the median ratio of all pairs of boots, counts if it exceeds {effect} and what the baseline shows against \
             itself under another label, if the {} p is below 0.05 after the correction for all cells of other kernels \
             (Holm), and if its 95 % interval excludes 1.",
            if is_exact(comparison) { "exact Mann-Whitney" } else { "approximate Mann-Whitney" }
        ),
        Some(Clock::Virtual) | None => format!(
            "A change, the mean ratio of equal samples, counts if it exceeds {effect} and its 95 % interval excludes 1."
        ),
    }
}

/// Whether every p and every interval is that of the exact distribution.
pub(super) fn is_exact(comparison: &Comparison) -> bool {
    comparison.rows.iter().all(|row| {
        let mut counts = row.cells.iter().map(|cell| cell.samples.len());
        let baseline = counts.next().unwrap_or(0);
        counts.all(|count| statistics::is_exact(baseline, count))
    })
}

/// `1 %`, or of several metrics `1 % (throughput), 2 % (latency-mean)`.
fn thresholds(comparison: &Comparison) -> String {
    let of = |metric: Metric| at_most(comparison.thresholds.of(metric));
    match comparison.metrics[..] {
        [only] => of(only),
        _ => comparison
            .metrics
            .iter()
            .map(|metric| format!("{} ({})", of(*metric), metric.name()))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

/// Where nothing could be said, and how many samples would tell: a line for each variant, which names the most.
pub(super) fn samples_needed(comparison: &Comparison) -> Vec<String> {
    let of_variant = |place: usize| {
        let cells = comparison.rows.iter().filter_map(|row| Some((row, row.cells.get(place)?)));
        let needed = cells.filter_map(|(row, cell)| Some((cell.change?.samples_needed?, row, cell)));
        let (most, row, cell) = needed.max_by_key(|(needed, ..)| *needed)?;
        Some(format!(
            "{}: {}, {} has {} samples, and would take about {most} to tell; --add-boots adds some",
            cell.variant,
            row.scenario,
            row.workload,
            cell.samples.len()
        ))
    };
    (1..comparison.variants.len()).filter_map(of_variant).collect()
}

/// Why cells hold no figure: each reason once, with the rows that it is true of.
pub(super) fn not_given(comparison: &Comparison) -> Vec<String> {
    let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
    for row in &comparison.rows {
        let why = row.cells.iter().find_map(|cell| cell.not_given.as_ref());
        let Some(why) = why.map(|why| format!("{}: {why}", row.metric.name())) else { continue };
        match reasons.iter_mut().find(|(known, _)| *known == why) {
            Some((_, workloads)) if workloads.contains(&row.workload.as_str()) => {}
            Some((_, workloads)) => workloads.push(&row.workload),
            None => reasons.push((why, vec![&row.workload])),
        }
    }
    reasons.into_iter().map(|(why, workloads)| format!("{why} ({})", workloads.join(", "))).collect()
}
