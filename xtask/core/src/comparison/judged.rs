//! The rows of a campaign with their verdicts.

use super::verdict::Rules;
use super::{Row, VariantSummary, cells, verdict};
use crate::campaign::Campaign;
use crate::evidence::metric::Metric;

/// The rows of the metrics that decide, judged together, and those of each other one.
pub(super) fn judged_rows(
    campaign: &Campaign,
    variants: &[VariantSummary],
    metrics: &[Metric],
    rules: Rules,
) -> (Vec<Row>, Vec<Row>) {
    let rows = cells::rows(campaign, variants, metrics[0]);
    let (mut decisive, others): (Vec<Row>, Vec<Row>) =
        rows.into_iter().partition(|row| metrics.contains(&row.metric));
    verdict::judge(&mut decisive, rules);
    let mut judged = Vec::new();
    for metric in Metric::ALL {
        let mut family: Vec<Row> = others.iter().filter(|row| row.metric == metric).cloned().collect();
        verdict::judge(&mut family, rules);
        judged.extend(family);
    }
    (decisive, judged)
}
