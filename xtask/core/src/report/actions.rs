//! What the servers did by themselves: a table for each action.

use super::text;
use crate::comparison::{ActionRow, Comparison, MinMax};
use crate::text::layout::{WIDTH, align_right, new_table, wrap};

const LEAD: &str = "What the server did by itself in each run of a workload: in how many runs, when after the begin in ms, READs \
                    and WRITEs in flight at that moment, what came of it.";

/// None if no scenario has an action.
pub(super) fn render(comparison: &Comparison) -> Option<String> {
    let mut parts = vec![wrap("", LEAD, WIDTH, 0)];
    let same = |a: &ActionRow, b: &ActionRow| (&a.scenario, &a.action) == (&b.scenario, &b.action);
    parts.extend(comparison.actions.chunk_by(same).map(table));
    (parts.len() > 1).then(|| parts.join("\n"))
}

fn table(rows: &[ActionRow]) -> String {
    let columns = ["workload", "variant", "runs", "at", "in flight", "came to"];
    let mut table = new_table(&columns);
    let mut last = "";
    for row in rows {
        let workload = if row.workload == last { "" } else { &row.workload };
        last = &row.workload;
        let results: Vec<String> = row
            .results
            .iter()
            .map(|(text, runs)| if *runs == row.runs { text.clone() } else { format!("{runs} x {text}") })
            .collect();
        table.add_row([
            workload.to_owned(),
            row.variant.clone(),
            row.runs.to_string(),
            row.begin_ns.map_or("-".to_owned(), milliseconds),
            row.in_flight.map_or("-".to_owned(), text::range),
            results.join("\n"),
        ]);
    }
    align_right(&mut table, 2..columns.len() - 1);
    let named = rows.first().map(|row| format!("scenario {}, {}", row.scenario, row.action));
    format!("{}\n{table}", wrap("", &named.unwrap_or_default(), WIDTH, 2))
}

fn milliseconds(ns: MinMax) -> String {
    let [least, most] = [ns.least, ns.most].map(|ns| format!("{:.2}", ns as f64 / 1e6));
    if least == most { least } else { format!("{least}-{most}") }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use lab_protocol::ActionResult;

    use super::*;
    use crate::comparison::compare;
    use crate::fixtures::{acted, campaign, two_arms};
    use crate::plan::Clock;

    /// The tables and the doubts, with what came of the second action in each boot.
    fn check(results: &[ActionResult], expected: Expect) {
        let mut campaign = campaign(Clock::Virtual, &two_arms());
        acted(&mut campaign, results);
        let comparison = compare(&campaign).unwrap();
        let doubts = comparison.doubts.iter().filter(|doubt| doubt.contains("action")).cloned();
        let parts: Vec<_> = render(&comparison).into_iter().chain(doubts).collect();
        expected.assert_eq(&parts.join("\n"));
    }

    #[test]
    fn each_action_has_a_table() {
        let good = || ActionResult::Retrieved { bytes: 4096, wrong_at: None };
        check(
            &[good(), good(), good(), good()],
            expect![[r#"
            What the server did by itself in each run of a workload: in how many runs, when after the begin in
            ms, READs and WRITEs in flight at that moment, what came of it.
            scenario slow, at data 100 max-background = 64
            | workload | variant  | runs |        at | in flight | came to  |
            |----------|----------|------|-----------|-----------|----------|
            | dd-read  | original |    2 | 1.23-2.00 |       2-9 | 12 -> 64 |
            |          | patched  |    2 |      0.00 |       3-4 | 12 -> 64 |
            | aio-read | original |    2 | 1.23-2.00 |       2-9 | 12 -> 64 |
            |          | patched  |    2 |      0.00 |       3-4 | 12 -> 64 |
            scenario slow, at 40000 us retrieve {file}, 4096 bytes from 0
            | workload | variant  | runs |    at | in flight | came to              |
            |----------|----------|------|-------|-----------|----------------------|
            | dd-read  | original |    2 | 40.00 |         1 | 4096 bytes came back |
            |          | patched  |    2 | 40.00 |         1 | 4096 bytes came back |
            | aio-read | original |    2 | 40.00 |         1 | 4096 bytes came back |
            |          | patched  |    2 | 40.00 |         1 | 4096 bytes came back |"#]],
        );
        let failed = || ActionResult::Failed { why: "No such file or directory (os error 2)".to_owned() };
        check(
            &[good(), ActionResult::NeverDue, failed(), failed()],
            expect![[r#"
            What the server did by itself in each run of a workload: in how many runs, when after the begin in
            ms, READs and WRITEs in flight at that moment, what came of it.
            scenario slow, at data 100 max-background = 64
            | workload | variant  | runs |        at | in flight | came to  |
            |----------|----------|------|-----------|-----------|----------|
            | dd-read  | original |    2 | 1.23-2.00 |       2-9 | 12 -> 64 |
            |          | patched  |    2 |      0.00 |       3-4 | 12 -> 64 |
            | aio-read | original |    2 | 1.23-2.00 |       2-9 | 12 -> 64 |
            |          | patched  |    2 |      0.00 |       3-4 | 12 -> 64 |
            scenario slow, at 40000 us retrieve {file}, 4096 bytes from 0
            | workload | variant  | runs |    at | in flight | came to                                |
            |----------|----------|------|-------|-----------|----------------------------------------|
            | dd-read  | original |    2 | 40.00 |         1 | 1 x 4096 bytes came back               |
            |          |          |      |       |           | 1 x it never came due                  |
            |          | patched  |    2 | 40.00 |         1 | No such file or directory (os error 2) |
            | aio-read | original |    2 | 40.00 |         1 | 1 x 4096 bytes came back               |
            |          |          |      |       |           | 1 x it never came due                  |
            |          | patched  |    2 | 40.00 |         1 | No such file or directory (os error 2) |
            slow: the action `at 40000 us retrieve {file}, 4096 bytes from 0` did not do what it was to do in 6 of 8 runs (dd-read with original, dd-read with patched, aio-read with original, aio-read with patched): No such file or directory (os error 2); it never came due"#]],
        );
        check(&[], expect![""]);
    }
}
