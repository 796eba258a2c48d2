//! The self-test for a terminal.

use crate::comparison::Status;
use crate::comparison::self_test::{Judgement, Reach, SelfTest, SelfTestRow};
use crate::plan::Clock;
use crate::text::escape::escape_for_terminal;
use crate::text::layout::{WIDTH, align_right, new_table, wrap};

/// A table for each scenario, how to read it, and what it comes to.
pub fn render(test: &SelfTest) -> String {
    let mut parts = vec![wrap("self-test: ", &heading(test), WIDTH, 2)];
    parts.extend(
        test.scenarios.iter().map(|scenario| format!("scenario {scenario}\n{}", table(test, scenario))),
    );
    parts.extend(test.rows.iter().any(is_bound).then(|| wrap("", &bound(test), WIDTH, 0)));
    parts.extend((test.clock == Clock::Virtual).then(|| wrap("", &alike(test), WIDTH, 0)));
    parts.push(wrap("", &summary(test), WIDTH, 2));
    escape_for_terminal(&parts.join("\n\n")) + "\n"
}

fn heading(test: &SelfTest) -> String {
    let clock = match test.clock {
        Clock::Virtual => "virtual",
        Clock::Wall => "wall",
    };
    format!(
        "{}, {clock} clock. All arms boot one kernel; in some of them the server works longer at each READ and WRITE. A \
         difference counts from {} % on. Predicted is what the baseline's time and number of requests come to.",
        test.campaign,
        test.threshold * 100.0,
    )
}

fn is_bound(row: &SelfTestRow) -> bool {
    row.prediction.is_some_and(|prediction| prediction.reach == Reach::AtMost && row.planted_ns.is_some())
}

fn table(test: &SelfTest, scenario: &str) -> String {
    let left = ["workload", "arm", "planted ns", "predicted", "found"];
    let wall: &[&str] = match test.clock {
        Clock::Virtual => &[],
        Clock::Wall => &["95 % interval", "p", "n"],
    };
    let columns: Vec<&str> = left.iter().chain(wall).chain(&["verdict", ""]).copied().collect();
    let mut table = new_table(&columns);
    let mut last = "";
    for row in test.rows.iter().filter(|row| row.scenario == scenario) {
        let workload = if row.workload == last { String::new() } else { row.workload.clone() };
        last = &row.workload;
        let statistics = match test.clock {
            Clock::Virtual => Vec::new(),
            Clock::Wall => statistics(row),
        };
        table.add_row(first_cells(row, workload).into_iter().chain(statistics).chain(said(row)));
    }
    align_right(&mut table, 2..columns.len() - 2);
    table.to_string()
}

fn first_cells(row: &SelfTestRow, workload: String) -> [String; 5] {
    let found = row.change.and_then(|change| change.ratio);
    [
        workload,
        row.arm.clone(),
        row.planted_ns.map_or("none".to_owned(), |ns| ns.to_string()),
        row.prediction.map_or("-".to_owned(), |prediction| match prediction.reach {
            Reach::AtMost if row.planted_ns.is_some() => format!("<= {}", percent(prediction.ratio)),
            Reach::Whole | Reach::AtMost => percent(prediction.ratio),
        }),
        found.map_or("-".to_owned(), percent),
    ]
}

fn statistics(row: &SelfTestRow) -> Vec<String> {
    let change = row.change;
    let interval = change.and_then(|change| change.interval);
    vec![
        interval.map_or("-".to_owned(), |(low, high)| format!("{} to {}", percent(low), percent(high))),
        change.and_then(|change| change.p).map_or("-".to_owned(), |p| format!("{p:.3}")),
        row.boots.to_string(),
    ]
}

fn said(row: &SelfTestRow) -> [String; 2] {
    let verdict = row.change.map_or("-", |change| change.verdict.word());
    let judgement = match &row.judgement {
        Judgement::AsItShouldBe => "as it should be".to_owned(),
        Judgement::Wrong(why) => format!("WRONG: {why}"),
        Judgement::CannotTell(why) => format!("cannot tell: {why}"),
    };
    [verdict.to_owned(), judgement]
}

/// A ratio as a change in percent, with one digit more than other tables have: half a percent is planted.
fn percent(ratio: f64) -> String {
    let text = format!("{:+.2} %", (ratio - 1.0) * 100.0);
    if text == "-0.00 %" { "+0.00 %".to_owned() } else { text }
}

/// What a prediction is that is none.
fn bound(test: &SelfTest) -> String {
    let hidden =
        "<=: at most. Some of what is planted can hide while other requests wait or run on another CPU.";
    let jagged = "Where many requests wait at once, a later answer can also put them into another order, which moves \
                  throughput by some percent in either direction: a row that is WRONG for that shows how large a \
                  difference says nothing about a kernel there.";
    match test.clock {
        Clock::Virtual => format!("{hidden} {jagged}"),
        Clock::Wall => hidden.to_owned(),
    }
}

/// What two arms that do the same come to.
fn alike(test: &SelfTest) -> String {
    let again: Vec<&SelfTestRow> = test.rows.iter().filter(|row| row.planted_ns.is_none()).collect();
    let alike = again.iter().filter(|row| row.alike).count();
    format!(
        "The baseline and the baseline again took the same time to the nanosecond in {alike} of {} workloads.",
        again.len()
    )
}

fn summary(test: &SelfTest) -> String {
    let count = |is: fn(&Judgement) -> bool| test.rows.iter().filter(|row| is(&row.judgement)).count();
    let right = count(|judgement| matches!(judgement, Judgement::AsItShouldBe));
    let wrong = count(|judgement| matches!(judgement, Judgement::Wrong(_)));
    let open = count(|judgement| matches!(judgement, Judgement::CannotTell(_)));
    let mut parts = vec![format!("{right} of {} rows are as they should be", test.rows.len())];
    parts.extend((wrong > 0).then(|| format!("{wrong} WRONG")));
    parts.extend((open > 0).then(|| format!("{open} cannot be told")));
    match test.troubled_boots {
        0 => {}
        1 => parts.push("1 boot did not end well".to_owned()),
        boots => parts.push(format!("{boots} boots did not end well")),
    }
    let status = test.status();
    let word = match status {
        Status::NoFinding => "Passed",
        Status::Worse => "FAILED",
        Status::CannotTell => "CANNOT TELL",
    };
    format!("{word} (exit code {}): {}.", status.exit_code(), parts.join("; "))
}
