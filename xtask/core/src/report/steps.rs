//! A series patch by patch: a compact list of what each patch changes.

use super::text;
use crate::comparison::{Comparison, PatchEffect, RowDifference, Verdict};
use crate::evidence::metric::Metric;

/// The list, in lines of at most `width` characters; none if no series was booted patch by patch.
pub(super) fn render(comparison: &Comparison, width: usize) -> Option<String> {
    let steps = &comparison.steps;
    let lead = "Patch by patch, each against the step before it:";
    let lines: Vec<String> =
        [lead.to_owned()].into_iter().chain(steps.iter().map(|of| step(of, width))).collect();
    (!steps.is_empty()).then(|| lines.join("\n"))
}

fn step(step: &PatchEffect, width: usize) -> String {
    let heading = text::wrap("", &format!("{} {}", step.patch, step.subject), width, 4);
    let lines = said(step).into_iter().map(|line| text::wrap("    ", &line, width, 8));
    [heading].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
}

/// What a patch changes; that it changes nothing if so.
pub(super) fn said(step: &PatchEffect) -> Vec<String> {
    let mut lines = Vec::new();
    let mut say = |line: String| lines.push(line);
    step.differences.iter().map(difference).for_each(&mut say);
    match step.troubled_boots {
        0 => {}
        1 => say("1 boot BROKEN or HUNG".to_owned()),
        boots => say(format!("{boots} boots BROKEN or HUNG")),
    }
    step.new_findings.iter().map(|title| format!("NEW in the kernel log: {title}")).for_each(&mut say);
    step.gone_findings.iter().map(|title| format!("gone from the kernel log: {title}")).for_each(&mut say);
    if step.unknown > 0 {
        say(format!("no statement possible in {} rows", step.unknown));
    }
    if lines.is_empty() {
        lines.push("no change".to_owned());
    }
    lines
}

fn difference(difference: &RowDifference) -> String {
    let change = &difference.change;
    let is_speed = difference.metric == Metric::Throughput;
    let said = match (change.verdict, change.ratio) {
        (verdict, Some(ratio)) if verdict.is_difference() => {
            format!("{} {}", text::change(ratio), text::verdict(change))
        }
        (Verdict::Failed, _) => "FAILS".to_owned(),
        (Verdict::WrongData, _) => "WRONG DATA".to_owned(),
        (Verdict::Same, _) if is_speed => "as fast".to_owned(),
        (Verdict::Same, _) => "the same".to_owned(),
        _ => "cannot tell".to_owned(),
    };
    let moved = [
        (difference.requests, "requests"),
        (difference.most_in_flight, "most in flight"),
        (difference.largest_bytes, "largest in bytes"),
    ];
    let moved = moved.into_iter().filter_map(|(ranges, what)| {
        let (before, after) = ranges?;
        Some(format!("{what} {} -> {}", text::range(before), text::range(after)))
    });
    let parts: Vec<String> = [said].into_iter().chain(moved).collect();
    let metric = if is_speed { String::new() } else { format!(" {}", difference.metric.name()) };
    format!("{}/{}{metric}: {}", difference.scenario, difference.workload, parts.join(", "))
}
