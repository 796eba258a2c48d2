//! Scenarios on one kernel: servers beside each other.

use super::*;
use crate::comparison::precision;
use crate::fixtures::servers::{of_scenarios, three_servers};

fn verdict(comparison: &Comparison, metric: Metric, place: usize) -> Verdict {
    let mut rows = comparison.rows.iter().chain(&comparison.other_metrics);
    let row = rows.find(|row| row.metric == metric).unwrap();
    row.cells[place].change.unwrap().verdict
}

#[test]
fn a_slower_server_is_no_verdict_about_a_kernel() {
    let campaign = three_servers();
    let comparison = compare(&campaign).unwrap();
    let names: Vec<_> = comparison.variants.iter().map(|variant| variant.name.as_str()).collect();
    assert_eq!(names, ["own", "hp", "ll"]);
    assert_eq!(comparison.baseline, "own");
    assert!(comparison.rows.iter().all(|row| row.scenario == "stock"), "rows are called by the kernel");
    assert_eq!(verdict(&comparison, Metric::Throughput, 1), Verdict::Better);
    assert_eq!(verdict(&comparison, Metric::Throughput, 2), Verdict::Worse);
    assert_eq!(comparison.conclusion.status, Status::NoFinding);
    assert_eq!(comparison.doubts.iter().filter(|doubt| doubt.contains("same kernel")).count(), 0);
}

/// No difference and a difference would be as good as each other.
#[test]
fn what_is_unclear_is_no_doubt_about_the_answer() {
    let arms =
        [arm("own", &[], &[(1.0, 50.0), (1.0, 50.0)], 1), arm("hp", &[], &[(1.0, 50.0), (1.02, 50.0)], 1)];
    let campaign = of_scenarios(campaign(Clock::Virtual, &arms));
    assert_eq!(verdict(&compare(&campaign).unwrap(), Metric::Throughput, 1), Verdict::Unclear);
    assert_eq!(status(&campaign), Status::NoFinding);
}

#[test]
fn what_a_server_does_not_tell_is_not_given() {
    let comparison = compare(&three_servers()).unwrap();
    assert_eq!(verdict(&comparison, Metric::Requests, 1), Verdict::NotGiven);
    let row = comparison.other_metrics.iter().find(|row| row.metric == Metric::Requests).unwrap();
    assert!(row.cells[0].mean.is_some());
    assert_eq!(
        (row.cells[1].mean, row.cells[1].not_given.as_deref()),
        (None, Some("not told by the server"))
    );
    // Asked for, it decides nothing that more boots would tell.
    let question = Question { metrics: vec![Metric::Requests], ..Question::default() };
    assert_eq!(answer(&three_servers(), &question).unwrap().conclusion.status, Status::NoFinding);
}

/// A file system of the kernel beside a server uses none of its CPU time, which is not zero of it.
#[test]
fn without_a_server_nothing_of_it_is_zero() {
    let mut campaign = three_servers();
    campaign.file.plan.scenarios[1].foreign = None;
    let comparison = compare(&campaign).unwrap();
    let row = comparison.other_metrics.iter().find(|row| row.metric == Metric::ServerCpu).unwrap();
    assert_eq!(
        (row.cells[1].mean, row.cells[1].not_given.as_deref()),
        (None, Some("there is no FUSE server"))
    );
    assert!(row.cells[2].mean.is_some());
}

#[test]
fn a_server_that_fails_is_worse() {
    let mut campaign = three_servers();
    let boot = campaign.boots.iter_mut().find(|boot| boot.record.boot.scenario == "hp").unwrap();
    boot.report.as_mut().unwrap().workloads[0].end = EndOfProgram::Exit(1);
    assert_eq!(status(&campaign), Status::Worse);
}

/// The baseline's scenario under another name shows the noise, as its kernel does elsewhere.
#[test]
fn the_same_scenario_again_is_a_control() {
    let mut campaign = three_servers();
    let own = campaign.file.plan.scenarios[0].clone();
    campaign.file.plan.scenarios[2] = plan::Scenario { name: "ll".to_owned(), ..own };
    let doubts = compare(&campaign).unwrap().doubts;
    assert!(doubts.iter().any(|doubt| doubt.starts_with("own and ll are the same kernel")), "{doubts:?}");
}

#[test]
fn another_baseline_and_fewer_scenarios() {
    let question =
        Question { baseline: Some("hp".to_owned()), scenarios: vec!["ll".to_owned()], ..Question::default() };
    let comparison = answer(&three_servers(), &question).unwrap();
    let names: Vec<_> = comparison.variants.iter().map(|variant| variant.name.as_str()).collect();
    assert_eq!(names, ["hp", "ll"]);
    assert_eq!(verdict(&comparison, Metric::Throughput, 1), Verdict::Worse);
}

/// Another sample of a pair takes a boot of each scenario.
#[test]
fn precision_is_that_of_all_scenarios() {
    let arms = [arm("own", &[], &[(1.0, 50.0); 2], 1), arm("hp", &[], &[(0.9995, 50.0), (1.0005, 50.0)], 1)];
    let mut campaign = of_scenarios(campaign(Clock::Virtual, &arms));
    campaign.file.plan.precision_permille = 5;
    let next = precision::next(&compare(&campaign).unwrap(), &campaign.file.plan);
    assert_eq!((next.scenarios, next.rounds), (vec!["own".to_owned(), "hp".to_owned()], 2));
}
