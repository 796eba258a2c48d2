//! The self-test for a terminal.

use std::collections::BTreeSet;

use crate::comparison::self_test::{Judgement, Reach, SelfTest, SelfTestRow};
use crate::comparison::statistics::Method;
use crate::comparison::{Status, Verdict};
use crate::plan::{Clock, Planted};
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
    parts.extend(placebos(test).map(|text| wrap("", &text, WIDTH, 0)));
    parts.extend(smallest(test).map(|text| wrap("", &text, WIDTH, 0)));
    parts.extend(coverage(test).map(|text| wrap("", &text, WIDTH, 0)));
    parts.push(wrap("", &summary(test), WIDTH, 2));
    escape_for_terminal(&parts.join("\n\n")) + "\n"
}

fn heading(test: &SelfTest) -> String {
    let clock = match test.clock {
        Clock::Virtual => "virtual",
        Clock::Wall => "wall",
    };
    format!(
        "{}, {clock} clock. The arms boot one kernel; in some of them the server works longer at each READ and WRITE, or \
         storage takes longer. Placebos are kernels with a change that means nothing. A difference counts from {} % on. \
         Predicted is what the baseline's time and number of requests come to.",
        test.campaign,
        test.threshold * 100.0,
    )
}

fn is_bound(row: &SelfTestRow) -> bool {
    row.prediction.is_some_and(|prediction| prediction.reach == Reach::AtMost)
}

fn table(test: &SelfTest, scenario: &str) -> String {
    let left = ["workload", "arm", "planted", "predicted", "found", "95 % interval"];
    let wall: &[&str] = match test.clock {
        Clock::Virtual => &["n"],
        Clock::Wall => &["p", "n"],
    };
    let columns: Vec<&str> = left.iter().chain(wall).chain(&["verdict", ""]).copied().collect();
    let mut table = new_table(&columns);
    let mut last = "";
    // Of placebos the table has what is not as it should be.
    let is_shown = |row: &&SelfTestRow| !row.is_placebo || row.judgement != Judgement::AsItShouldBe;
    for row in test.rows.iter().filter(|row| row.scenario == scenario).filter(is_shown) {
        let workload = if row.workload == last { String::new() } else { row.workload.clone() };
        last = &row.workload;
        let statistics = statistics(row, test.clock);
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
        match row.planted {
            None => "none".to_owned(),
            Some(planted @ Planted::WorkNs(_)) => planted.size(),
            Some(planted @ Planted::LatencyPermille(_)) => format!("{} latency", planted.size()),
        },
        row.prediction.map_or("-".to_owned(), |prediction| match prediction.reach {
            Reach::AtMost => format!("<= {}", percent(prediction.ratio)),
            Reach::Whole => percent(prediction.ratio),
        }),
        found.map_or("-".to_owned(), percent),
    ]
}

/// What was planted in a row, predicted and found, and what is said of it.
pub(super) fn line(row: &SelfTestRow) -> String {
    let [_, _, planted, predicted, found] = first_cells(row, String::new());
    let [verdict, judgement] = said(row);
    format!("planted {planted}, predicted {predicted}, found {found}, {verdict}: {judgement}")
}

fn statistics(row: &SelfTestRow, clock: Clock) -> Vec<String> {
    let change = row.change;
    let interval = change.and_then(|change| change.interval);
    let interval =
        interval.map_or("-".to_owned(), |(low, high)| format!("{} to {}", percent(low), percent(high)));
    let p = change.and_then(|change| change.p).map_or("-".to_owned(), |p| format!("{p:.3}"));
    let p = (clock == Clock::Wall).then_some(p);
    [interval].into_iter().chain(p).chain([row.samples.to_string()]).collect()
}

fn said(row: &SelfTestRow) -> [String; 2] {
    let verdict = row.change.map_or("-", |change| change.verdict.word());
    let judgement = match &row.judgement {
        _ if row.is_false_alarm() => "false alarm".to_owned(),
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

/// How often the lab saw something where nothing was.
fn placebos(test: &SelfTest) -> Option<String> {
    let rows: Vec<&SelfTestRow> = test.placebos().collect();
    let alarms = rows.iter().filter(|row| row.is_false_alarm()).count();
    let ratios = rows.iter().filter_map(|row| row.change?.ratio);
    let largest = ratios.max_by(|left, right| left.ln().abs().total_cmp(&right.ln().abs()))?;
    let arms: BTreeSet<&str> = rows.iter().map(|row| row.arm.as_str()).collect();
    Some(format!(
        "Placebos: {alarms} false alarm{} in {} rows of {} kernels ({:.1} %); the largest change was {}.",
        if alarms == 1 { "" } else { "s" },
        rows.len(),
        arms.len(),
        alarms as f64 / rows.len() as f64 * 100.0,
        percent(largest)
    ))
}

/// How often the smallest of what was planted was found.
fn smallest(test: &SelfTest) -> Option<String> {
    let planted = || test.rows.iter().filter(|row| row.must_show());
    let size = |row: &SelfTestRow| row.prediction.map_or(0.0, |prediction| 1.0 / prediction.ratio - 1.0);
    let is_small = |row: &&SelfTestRow| (0.004..0.012).contains(&size(row));
    let small: Vec<&SelfTestRow> = planted().filter(is_small).collect();
    let is_found = |row: &&&SelfTestRow| row.change.is_some_and(|change| change.verdict == Verdict::Worse);
    (!small.is_empty()).then(|| {
        format!(
            "Planted slowdowns of 0.4 to 1.2 % that must show: {} of {} were found.",
            small.iter().filter(is_found).count(),
            small.len()
        )
    })
}

/// How often an interval had the true value in it, by each way to make one.
fn coverage(test: &SelfTest) -> Option<String> {
    let share = |method: Method, rows: &[&SelfTestRow]| {
        let held: Vec<bool> = rows.iter().filter_map(|row| row.covers(method)).collect();
        let count = held.iter().filter(|covers| **covers).count();
        let percent = count as f64 / held.len() as f64 * 100.0;
        (!held.is_empty()).then(|| format!("{} {count} of {} ({percent:.1} %)", method.name(), held.len()))
    };
    let of = |what: &str, is: fn(&SelfTestRow) -> bool| {
        let rows: Vec<&SelfTestRow> = test.rows.iter().filter(|row| is(row)).collect();
        let shares: Vec<String> = Method::ALL.into_iter().filter_map(|method| share(method, &rows)).collect();
        (!shares.is_empty()).then(|| format!("of {what} {}", shares.join(", ")))
    };
    let parts = [of("placebos", |row| row.is_placebo), of("what was planted", |row| row.planted.is_some())];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| {
        format!(
            "95 % intervals that hold the true value: {}. Verdicts follow from {}.",
            parts.join("; "),
            Method::PairedT.name()
        )
    })
}

/// What two arms that do the same come to.
fn alike(test: &SelfTest) -> String {
    let again: Vec<&SelfTestRow> = test.rows.iter().filter(|row| row.is_again()).collect();
    let alike = again.iter().filter(|row| row.alike).count();
    format!(
        "The baseline and the baseline again took the same time to the nanosecond in {alike} of {} workloads.",
        again.len()
    )
}

/// What it comes to, in a sentence.
pub fn summary(test: &SelfTest) -> String {
    let count = |is: fn(&SelfTestRow) -> bool| test.rows.iter().filter(|row| is(row)).count();
    let right = count(|row| row.judgement == Judgement::AsItShouldBe);
    let wrong = count(SelfTestRow::is_wrong);
    let alarms = count(SelfTestRow::is_false_alarm);
    let open = count(|row| matches!(row.judgement, Judgement::CannotTell(_)));
    let mut parts = vec![format!("{right} of {} rows are as they should be", test.rows.len())];
    parts.extend((wrong > 0).then(|| format!("{wrong} WRONG")));
    let too_many =
        if test.has_too_many_alarms() { "too many" } else { "no more than intervals of 95 % have" };
    parts.extend(
        (alarms > 0)
            .then(|| format!("{alarms} false alarm{}, {too_many}", if alarms == 1 { "" } else { "s" })),
    );
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
