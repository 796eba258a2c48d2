//! What throughput is paid with: a line for each kernel, of all costs that changed.

use super::text;
use crate::comparison::{Comparison, Row};
use crate::evidence::metric::Metric;
use crate::text::layout::wrap;

/// In lines of at most `width` characters, for each variant the costs that changed by more than their thresholds, over all scenarios and workloads; none if nothing is
/// compared. A metric that was asked for has a table of its own.
pub(super) fn render(comparison: &Comparison, width: usize) -> Option<String> {
    let rows = || comparison.other_metrics.iter().filter(|row| Metric::COSTS.contains(&row.metric));
    rows().find(|row| row.cells.len() > 1)?;
    let baseline_bytes = comparison.variants.first().and_then(|variant| variant.symbol_bytes);
    let mut lines = Vec::new();
    for (place, variant) in comparison.variants.iter().enumerate().skip(1) {
        let of = |metric: Metric| rows().filter(move |row| row.metric == metric);
        let parts = Metric::COSTS
            .into_iter()
            .filter_map(|metric| Some(format!("{} {}", metric.name(), changes(of(metric), place)?)));
        let grown = baseline_bytes.zip(variant.symbol_bytes).filter(|(before, after)| before != after);
        let size = grown.map(|(before, after)| {
            format!("functions and data of the kernel {:+} bytes", i128::from(after) - i128::from(before))
        });
        let parts: Vec<String> = parts.chain(size).collect();
        if !parts.is_empty() {
            lines.push(wrap("  ", &format!("{}: {}", variant.name, parts.join("; ")), width, 4));
        }
    }
    let looked_at = |metric: &Metric| rows().any(|row| row.metric == *metric);
    let names: Vec<&str> = Metric::COSTS.into_iter().filter(looked_at).map(Metric::name).collect();
    let names = names.join(", ");
    let (lead, end) = match lines.is_empty() {
        true => {
            (format!("Costs: no change by more than the thresholds was found of {names}."), String::new())
        }
        false => (
            format!("Costs that changed by more than their thresholds, of {names} (--metrics shows them):"),
            format!("\n{}", lines.join("\n")),
        ),
    };
    Some(wrap("", &lead, width, 2) + &end)
}

/// `+2.0 % to +5.3 % in 5 of 8 rows`; none if no row has changed.
pub(super) fn changes<'a>(rows: impl Iterator<Item = &'a Row>, place: usize) -> Option<String> {
    let (mut found, mut all) = (Vec::new(), 0);
    for row in rows {
        all += 1;
        let change = row.cells.get(place).and_then(|cell| cell.change);
        found.extend(change.filter(|change| change.verdict.is_difference()).and_then(|change| change.ratio));
    }
    let least = found.iter().copied().reduce(f64::min)?;
    let most = found.iter().copied().reduce(f64::max)?;
    let (least, most) = (text::change(least), text::change(most));
    let range = if least == most { least } else { format!("{least} to {most}") };
    Some(format!("{range} in {} of {all} rows", found.len()))
}
