//! A self-test as JUnit XML: a case for each row, red if the lab was wrong about it.

use super::{Case, Result, case, xml};
use crate::comparison::Status;
use crate::comparison::self_test::{Judgement, SelfTest, SelfTestRow};
use crate::report::self_test;

/// The whole document.
///
/// # Errors
/// None that a self-test can cause; kept for the writer's sake.
pub(in crate::report) fn render(test: &SelfTest) -> anyhow::Result<String> {
    let rows = test.rows.iter().map(|row| {
        case(&row.scenario, &format!("{} {}", row.workload, row.arm), result(row), &self_test::line(row))
    });
    let summary = self_test::summary(test);
    let passed = match test.status() {
        Status::NoFinding => Result::Passed,
        Status::Worse => Result::Failed(summary.clone()),
        Status::CannotTell => Result::CannotTell(summary.clone()),
    };
    let conclusion = case("conclusion", "self-test", passed, &summary);
    let suites: [(&str, Vec<Case>); 2] = [("self-test", rows.collect()), ("conclusion", vec![conclusion])];
    xml::document(&test.campaign, &suites)
}

/// Some false alarms are bound to be: whether they are too many is the conclusion's.
fn result(row: &SelfTestRow) -> Result {
    match &row.judgement {
        _ if row.is_false_alarm() => Result::Skipped("a false alarm, which the conclusion counts".to_owned()),
        Judgement::AsItShouldBe => Result::Passed,
        Judgement::Wrong(why) => Result::Failed(why.clone()),
        Judgement::CannotTell(why) => Result::CannotTell(why.clone()),
    }
}
