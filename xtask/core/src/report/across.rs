//! Two campaigns side by side, as text.

use super::text;
use crate::comparison::across::{Across, Agreement, Largest, Pair, PairRow, Unlike};
use crate::comparison::{Change, Status};
use crate::text::escape::escape_for_terminal;
use crate::text::layout::{align_right, new_table};

/// The whole text; what is no table is in lines of at most `width` characters.
pub fn render(across: &Across, width: usize) -> String {
    let mut parts = vec![header(across, width)];
    parts.extend(tables(across));
    parts.push(text::wrap(
        "",
        "B by A: the second campaign's value by the first one's. Effects are those of the variant against the baseline \
         within each campaign; they agree if both find the same, or one finds a difference that the other does not \
         rule out.",
        width,
        0,
    ));
    for (title, points) in [("Not compared:", &across.left_out), ("Doubts:", &across.doubts)] {
        parts.extend((!points.is_empty()).then(|| {
            let lines = points.iter().map(|what| text::wrap("- ", what, width, 2));
            format!("{title}\n{}", lines.collect::<Vec<_>>().join("\n"))
        }));
    }
    parts.push(conclusion(across, width));
    escape_for_terminal(&parts.join("\n\n")) + "\n"
}

fn header(across: &Across, width: usize) -> String {
    let side = |(name, place): (&str, usize)| {
        let side = &across.campaigns[place];
        let status = match side.status {
            Status::NoFinding => "nothing speaks against a variant",
            Status::Worse => "a variant is worse",
            Status::CannotTell => "cannot tell",
        };
        let line = format!(
            "{} (plan {}, begun {}, baseline {}); by itself: {status}",
            side.campaign, side.plan, side.begun, side.baseline
        );
        text::wrap(&format!("{name}: "), &line, width, 3)
    };
    let equal = across.equal.iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>();
    let mut lines: Vec<String> = [("A", 0), ("B", 1)].map(side).to_vec();
    lines.push(text::wrap("equal: ", &format!("clock virtual, {}", equal.join(", ")), width, 7));
    if across.differences.is_empty() {
        lines.push("differs: nothing that is recorded".to_owned());
    } else {
        lines.push("differs (A / B):".to_owned());
        lines.extend(across.differences.iter().map(|unlike| text::wrap("- ", &difference(unlike), width, 2)));
    }
    lines.join("\n")
}

/// Digests are cut: all that matters is that they differ.
fn difference(Unlike { name, values: [a, b] }: &Unlike) -> String {
    let is_digest = |text: &str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let shown = |text: &str| if is_digest(text) { text[..12].to_owned() } else { text.to_owned() };
    format!("{name}: {} / {}", shown(a), shown(b))
}

/// One for each scenario and metric, with a line for each row and variant.
fn tables(across: &Across) -> Vec<String> {
    let mut parts: Vec<(String, Vec<&PairRow>)> = Vec::new();
    for row in &across.rows {
        let title = format!("scenario {}, {}", row.scenario, row.metric.name());
        match parts.iter_mut().find(|(known, _)| *known == title) {
            Some((_, rows)) => rows.push(row),
            None => parts.push((title, vec![row])),
        }
    }
    let table = |(title, rows): (String, Vec<&PairRow>)| {
        let mut table =
            new_table(&["workload", "variant", "A", "B", "B by A", "effect A", "effect B", "agree"]);
        for row in rows {
            for (place, pair) in row.cells.iter().enumerate() {
                let workload = format!("{} {}", row.workload, row.unit);
                let workload = if place == 0 { workload.trim_end() } else { "" };
                let start = [workload.to_owned(), pair.variant.clone()];
                table.add_row(start.into_iter().chain(line(row, pair)));
            }
        }
        align_right(&mut table, 2..8);
        format!("{title}\n{table}")
    };
    parts.into_iter().map(table).collect()
}

fn line(row: &PairRow, pair: &Pair) -> Vec<String> {
    let value = |value: Option<f64>| value.map_or("-".to_owned(), |value| text::figure(row.unit, value));
    let agree = match pair.agreement {
        None => "",
        Some(Agreement::Agree) => "yes",
        Some(Agreement::Disagree) => "NO",
        Some(Agreement::CannotTell) => "?",
    };
    vec![
        value(pair.values[0]),
        value(pair.values[1]),
        pair.ratio.map_or("-".to_owned(), |ratio| format!("{:+.2} %", (ratio - 1.0) * 100.0)),
        effect(pair.effects[0]),
        effect(pair.effects[1]),
        agree.to_owned(),
    ]
}

fn effect(change: Option<Change>) -> String {
    match change {
        None => String::new(),
        Some(change) if change.verdict.has_no_value() => change.verdict.word().to_owned(),
        Some(change) => text::effect(&change),
    }
}

fn conclusion(across: &Across, width: usize) -> String {
    let pairs = || across.rows.iter().flat_map(|row| &row.cells);
    let count = |agreement| pairs().filter(|pair| pair.agreement == Some(agreement)).count();
    let judged = pairs().filter(|pair| pair.agreement.is_some()).count();
    let said = match across.status {
        Agreement::Agree => format!("both say the same of all {judged} effects"),
        Agreement::Disagree => {
            format!("they DISAGREE about {} of {judged} effects", count(Agreement::Disagree))
        }
        Agreement::CannotTell if judged == 0 => "no effect to compare".to_owned(),
        Agreement::CannotTell => {
            format!("CANNOT TELL: {} of {judged} effects have no verdict", count(Agreement::CannotTell))
        }
    };
    let first = format!("Conclusion: {said} (exit code {}).", across.status.exit_code());
    let largest = across.largest.iter().map(|Largest { metric, share, place }| {
        // Rounded up: it says "within".
        let percent = (share * 1e4 - 1e-6).ceil().abs() / 100.0;
        format!("Every {} within {percent:.2} % (largest: {place}).", metric.name())
    });
    let lines: Vec<String> =
        std::iter::once(first).chain(largest).map(|line| text::wrap("", &line, width, 2)).collect();
    lines.join("\n")
}
