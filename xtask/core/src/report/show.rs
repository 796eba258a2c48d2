//! The boots of a campaign, one by one: each in a line, or all that is known of one.

use lab_protocol::{Report, WorkloadReport};

use crate::campaign::{BootData, Campaign};
use crate::comparison::came_to;
use crate::evidence::klog::{self, Finding};
use crate::evidence::known::{self, Known};
use crate::evidence::outcome::{Outcome, shutdown_reason};
use crate::evidence::probes::{Probed, Standing, probed};
use crate::evidence::source_lines::{Lines, has_sites};
use crate::plan::{BootStep, Plan};
use crate::text::escape::escape_for_terminal;
use crate::text::layout::{WIDTH, longest, wrap};

/// Lines of a finding that are shown, unless all are asked for.
const MOST_LINES: usize = 25;

/// How findings are shown.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// How much of each.
    pub length: Length,
    /// The lines of the kernel's source.
    pub lines: &'a Lines<'a>,
}

/// How much of a finding is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// The first lines of each.
    Short,
    /// All lines.
    Full,
}

/// A line for each boot of the plan, in its order. Nothing in it that came from a guest can act on a terminal.
pub fn boots(campaign: &Campaign) -> String {
    let plan = &campaign.file.plan;
    let head = ["boot", "variant", "scenario", "outcome", "findings", "guest time", ""].map(str::to_owned);
    let rows: Vec<[String; 7]> = [head]
        .into_iter()
        .chain(plan.boots.iter().map(|step| row(step, boot_of(campaign, step), &plan.known)))
        .collect();
    let widths: Vec<usize> =
        (0..6).map(|place| longest(rows.iter().map(|row| row[place].as_str()))).collect();
    let line = |row: &[String; 7]| {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}  "));
        let before = cells.collect::<String>();
        let indent = before.chars().count().min(WIDTH / 2);
        wrap(&before, &row[6], WIDTH, indent).trim_end().to_owned()
    };
    let damaged = campaign.damaged.iter().map(|damaged| format!("cannot be read: {damaged}"));
    let lines: Vec<String> = rows.iter().map(line).chain(damaged).collect();
    let more = format!("What happened in one of them: cargo xtask show {} NUMBER", campaign.name);
    escape_for_terminal(&format!("{}\n\n{more}\n", lines.join("\n")))
}

fn boot_of<'a>(campaign: &'a Campaign, step: &BootStep) -> Option<&'a BootData> {
    campaign.boots.iter().find(|boot| boot.record.boot == *step)
}

fn row(step: &BootStep, boot: Option<&BootData>, known: &[Known]) -> [String; 7] {
    let name = |outcome: &str, findings: String, time: String, why: String| {
        let outcome = if step.is_warm_up() { format!("{outcome}, warm-up") } else { outcome.to_owned() };
        let (variant, scenario) = (step.variant.clone(), step.scenario.clone());
        [step.number.to_string(), variant, scenario, outcome, findings, time, why]
    };
    let Some(boot) = boot else {
        return name("missing", String::new(), String::new(), String::new());
    };
    let outcome = &boot.record.outcome;
    name(
        outcome.word(),
        counted(&klog::findings(&boot.console), known),
        guest_time(boot.report.as_ref()),
        first_line(outcome.reason()),
    )
}

/// How many there are, and how many of them count for nothing.
fn counted(findings: &[Finding], known: &[Known]) -> String {
    let of_known = findings.iter().filter(|finding| known::find(known, finding).is_some()).count();
    match (findings.len(), of_known) {
        (all, 0) => all.to_string(),
        (all, known) => format!("{all}, {known} known"),
    }
}

fn guest_time(report: Option<&Report>) -> String {
    report.map_or("not told".to_owned(), |report| seconds(report.uptime_us as f64 / 1e6))
}

fn seconds(seconds: f64) -> String {
    format!("{seconds:.3} s")
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// All that is known of one boot. `qmp` has the lines of its `qmp.jsonl`, `folder` is where its files lie. Nothing in it that came
/// from a guest can act on a terminal.
pub fn boot(plan: &Plan, boot: &BootData, qmp: &[String], folder: &str, shown: Shown<'_>) -> String {
    let parts = [
        heading(boot, qmp),
        asked(boot),
        findings(&klog::findings(&boot.console), &plan.known, shown),
        workloads(plan, boot.report.as_ref()),
        problems(boot.report.as_ref()),
        probes(boot.report.as_ref()),
        format!("Files: {folder}"),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    escape_for_terminal(&parts.join("\n\n")) + "\n"
}

fn heading(boot: &BootData, qmp: &[String]) -> String {
    let record = &boot.record;
    let step = &record.boot;
    let nth = if record.attempt > 1 { format!(", try {}", record.attempt) } else { String::new() };
    let kind = if step.is_warm_up() { ", to warm the host up" } else { "" };
    let mut lines = vec![
        format!(
            "boot {}: {} in {}, repetition {}{kind}{nth}",
            step.number, step.variant, step.scenario, step.repetition
        ),
        wrap("  outcome   ", &outcome(&record.outcome), WIDTH, 12),
    ];
    let recorded = boot.recorded.as_ref().map(|old| format!("{}, by the rules of that day", outcome(old)));
    lines.extend(recorded.map(|old| wrap("  recorded  ", &old, WIDTH, 12)));
    lines.push(wrap("  witnesses ", &witnesses(boot, qmp), WIDTH, 12));
    let to_init =
        record.to_init_s.map(|time| format!(", {time:.1} s of it until process 1")).unwrap_or_default();
    let guest = guest_time(boot.report.as_ref());
    lines.push(format!(
        "  time      guest {guest}; real {:.1} s{to_init}; begun {}",
        record.wall_s, record.started
    ));
    let disturbed = record.disturbances();
    lines.extend((!disturbed.is_empty()).then(|| wrap("  disturbed ", &disturbed.join("; "), WIDTH, 12)));
    lines.join("\n")
}

fn outcome(outcome: &Outcome) -> String {
    match outcome.reason() {
        "" => outcome.word().to_owned(),
        reason => format!("{}: {reason}", outcome.word()),
    }
}

/// What a good end takes three of.
fn witnesses(boot: &BootData, qmp: &[String]) -> String {
    let report = if boot.report.is_some() { "the report is whole" } else { "there is no whole report" };
    let mark = match klog::end_mark(&boot.console, boot.record.nonce) {
        true => "the end mark is on the console",
        false => "there is no end mark on the console",
    };
    let monitor = match shutdown_reason(qmp) {
        Some(reason) => format!("the monitor says {reason}"),
        None => "the monitor says nothing of a shutdown".to_owned(),
    };
    [report, mark, &monitor].join("; ")
}

/// What was done with a guest that hung, and what came of it.
fn asked(boot: &BootData) -> String {
    let watched = boot.record.watched.as_ref();
    let Some(hang) = watched.and_then(|watched| watched.hang.as_ref()) else { return String::new() };
    format!("Asked where it is, after the limit:\n{}", hang.lines().join("\n"))
}

fn findings(all: &[Finding], known: &[Known], Shown { length, lines: source }: Shown<'_>) -> String {
    if all.is_empty() {
        return "Findings: none in the kernel's log.".to_owned();
    }
    let shown = all.iter().map(|finding| {
        let title = format!("{}: {}  (line {} of the console)", finding.kind, finding.title, finding.line);
        let known = known::find(known, finding);
        let known = known.map(|known| format!("known, and counts for nothing: {}", known.reason));
        let known = known.map(|known| wrap("    ", &known, WIDTH, 6));
        let with_lines = source.written_into(&finding.text).ok();
        let lines: Vec<&str> = with_lines.as_deref().unwrap_or(&finding.text).lines().collect();
        let most = match length {
            Length::Short => MOST_LINES,
            Length::Full => lines.len(),
        };
        let rest = lines.len().saturating_sub(most);
        let rest = (rest > 0).then(|| format!("    and {rest} more lines: --full shows them"));
        let text = lines.iter().take(most).map(|line| format!("    {line}"));
        let title = [format!("  {title}")].into_iter().chain(known);
        title.chain(text).chain(rest).collect::<Vec<_>>().join("\n")
    });
    let missing = match source {
        Lines::Missing(why) if all.iter().any(|finding| has_sites(&finding.text)) => {
            Some(wrap("  ", why, WIDTH, 4))
        }
        Lines::Missing(_) | Lines::Known(_) => None,
    };
    format!("Findings:\n{}", shown.chain(missing).collect::<Vec<_>>().join("\n"))
}

fn workloads(plan: &Plan, report: Option<&Report>) -> String {
    let Some(report) = report.filter(|report| !report.workloads.is_empty()) else { return String::new() };
    let name = |workload: &WorkloadReport| format!("{} {}", workload.name, workload.sample);
    let names: Vec<String> = report.workloads.iter().map(name).collect();
    let width = longest(names.iter().map(String::as_str));
    let lines = report.workloads.iter().zip(&names).map(|(workload, name)| {
        let task = plan.workloads.iter().find(|task| task.name == workload.name);
        let said = match task.map(|task| came_to(workload, task)) {
            Some(Ok(said)) => said,
            Some(Err(trouble)) => format!("FAILED: {trouble}"),
            None => "is not of the plan".to_owned(),
        };
        let time = seconds(workload.elapsed_ns as f64 / 1e9);
        wrap(&format!("  {name:<width$}  "), &format!("{said}, in {time} of guest time"), WIDTH, width + 4)
    });
    format!("Workloads, by sample:\n{}", lines.collect::<Vec<_>>().join("\n"))
}

fn problems(report: Option<&Report>) -> String {
    let problems = report.map(|report| &report.problems[..]).unwrap_or_default();
    let lines = problems.iter().map(|problem| wrap("  ", problem, WIDTH, 4));
    let lines: Vec<String> = lines.collect();
    if lines.is_empty() { String::new() } else { format!("Problems in the guest:\n{}", lines.join("\n")) }
}

fn probes(report: Option<&Report>) -> String {
    let Some(report) = report.and_then(|report| report.probes.as_ref()) else { return String::new() };
    let all = probed(report);
    let (unexpected, fine): (Vec<_>, Vec<_>) =
        all.iter().partition(|probed| probed.observation.standing.is_failure());
    let stated = fine.iter().filter(|probed| probed.observation.standing == Standing::AsExpected).count();
    let heading = format!("Probes: {stated} of {} as expected, {} unexpected.", all.len(), unexpected.len());
    let lines = unexpected.into_iter().map(|probed| wrap("  ", &unlike(probed), WIDTH, 4));
    [heading].into_iter().chain(lines).collect::<Vec<_>>().join("\n")
}

fn unlike(probed: &Probed) -> String {
    let title = probed.title.as_ref().unwrap_or(&probed.name);
    let expected = match &probed.observation.expected[..] {
        [] => String::new(),
        expected => format!("; expected: {}", expected.join(", or: ")),
    };
    format!("{}: {title} {}{expected}", probed.name, probed.observation.observed)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use lab_protocol::EndOfProgram;

    use super::*;
    use crate::fixtures::{campaign, console, shutdown, two_arms};
    use crate::plan::Clock;

    #[test]
    fn boots_one_by_one() {
        let mut campaign = campaign(Clock::Virtual, &two_arms());
        let title = "\u{1b}]0;x\u{7}";
        campaign.boots[1].record.outcome = Outcome::Hung { reason: format!("nothing was heard {title}") };
        campaign.boots[1].report = None;
        campaign.boots.truncate(3);
        campaign.damaged.push("reading boot 4: cut".to_owned());
        expect![[r#"
            boot  variant   scenario  outcome   findings  guest time
            1     original  slow      finished  0         0.000 s
            2     original  slow      hung      0         not told    nothing was heard \x1b]0;x\x07
            3     patched   slow      finished  0         0.000 s
            4     patched   slow      missing
            cannot be read: reading boot 4: cut

            What happened in one of them: cargo xtask show 2026-01-02-built NUMBER
        "#]]
        .assert_eq(&boots(&campaign));
    }

    #[test]
    fn all_that_is_known_of_a_boot() {
        let campaign = campaign(Clock::Virtual, &two_arms());
        let mut one = campaign.boots[0].clone();
        let report = one.report.as_mut().unwrap();
        report.workloads[1].end = EndOfProgram::Exit(1);
        report.workloads[1].stderr = "aio-stress: \u{1b}[2J\n".to_owned();
        report.problems.push("the server died".to_owned());
        let warning =
            "[    1.000000][    T1] WARNING: CPU: 0 PID: 1 at fs/fuse/file.c:10 fuse_one+0x1/0x2\r\n";
        one.console = [warning.as_bytes(), &console(one.record.nonce)].concat();
        one.record.outcome = Outcome::Broken { reason: "warning: fuse_one".to_owned() };
        one.recorded = Some(Outcome::Finished);
        expect![[r#"
            boot 1: original in slow, repetition 1
              outcome   broken: warning: fuse_one
              recorded  finished, by the rules of that day
              witnesses the report is whole; the end mark is on the console; the monitor says guest-shutdown
              time      guest 0.000 s; real 5.0 s, 1.0 s of it until process 1; begun 2026-01-02T03:04:05Z

            Findings:
              warning: WARNING in fuse_one  (line 1 of the console)
                WARNING: CPU: 0 PID: 1 at fs/fuse/file.c:10 fuse_one+0x1/0x2
              There are no lines.

            Workloads, by sample:
              dd-read 1   111.8 MB/s, in 0.000 s of guest time
              aio-read 1  FAILED: exit code 1: aio-stress: \x1b[2J, in 0.000 s of guest time

            Problems in the guest:
              the server died

            Files: results/x/boots/boot-001
        "#]]
        .assert_eq(&boot(
            &campaign.file.plan,
            &one,
            &[shutdown("guest-shutdown")],
            "results/x/boots/boot-001",
            Shown { length: Length::Short, lines: &Lines::Missing("There are no lines.".into()) },
        ));
    }

    /// What is known is shown with the reason; a long report is cut, and shown whole if that is asked for.
    #[test]
    fn findings_that_are_known_or_long() {
        let log = include_bytes!("../../tests/data/console/debug-two-findings.log");
        let all = klog::findings(log);
        let known =
            [Known { title: all[1].title.clone(), kind: None, reason: "a driver that is not ours".into() }];
        let heads = |length| {
            let lines = &Lines::Missing("There are no lines.".into());
            let text = findings(&all, &known, Shown { length, lines });
            let is_head = |line: &&str| {
                !line.starts_with("    ") || line.contains("more lines") || line.contains("known")
            };
            text.lines().filter(is_head).map(|line| format!("{line}\n")).collect::<String>()
        };
        expect![[r#"
            Findings:
              warning: WARNING in lkdtm_WARNING  (line 230 of the console)
                and 21 more lines: --full shows them
              kasan: BUG: KASAN: slab-use-after-free in lkdtm_WRITE_AFTER_FREE  (line 279 of the console)
                known, and counts for nothing: a driver that is not ours
                and 68 more lines: --full shows them
              There are no lines.
        "#]]
        .assert_eq(&heads(Length::Short));
        expect![[r#"
            Findings:
              warning: WARNING in lkdtm_WARNING  (line 230 of the console)
              kasan: BUG: KASAN: slab-use-after-free in lkdtm_WRITE_AFTER_FREE  (line 279 of the console)
                known, and counts for nothing: a driver that is not ours
              There are no lines.
        "#]]
        .assert_eq(&heads(Length::Full));
        assert_eq!(counted(&all, &known), "2, 1 known");
        assert_eq!(counted(&all, &[]), "2");
    }
}
