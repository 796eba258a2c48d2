//! What a plan cannot tell, whatever its boots show: known before the first of them.

use lab_protocol::{Tool, WorkloadTask};

use super::statistics::smallest_p;
use super::{FEWEST_PAIRS, FEWEST_WALL_BOOTS, SIGNIFICANCE};
use crate::plan::{Clock, Plan, Scenario, Variant};

/// What is to be said before the first boot, a line each.
pub fn beforehand(plan: &Plan) -> Vec<String> {
    too_few_boots(plan).into_iter().chain(unfelt(plan)).collect()
}

/// Why the boots of a plan are too few for verdicts on its figures, if they are. What fails, and what probes see, is judged all
/// the same.
fn too_few_boots(plan: &Plan) -> Option<String> {
    let measured: Vec<&WorkloadTask> =
        plan.workloads.iter().filter(|workload| !workload.is_suite()).collect();
    if measured.is_empty() || plan.variants.len() < 2 {
        return None;
    }
    match plan.machine.clock {
        Clock::Wall => too_few_in_real_time(plan, measured.len()),
        Clock::Virtual => too_few_samples(plan, &measured),
    }
}

fn too_few_in_real_time(plan: &Plan, workloads: usize) -> Option<String> {
    let name = &plan.name;
    let boots = plan.repetitions as usize;
    // There are more rows than throughput, so that it may take even more boots.
    let compared = compared_with_the_baseline(plan) * plan.scenarios.len() * workloads;
    let needed = fewest_wall_boots(compared);
    if boots >= needed {
        None
    } else if boots < FEWEST_WALL_BOOTS {
        Some(format!(
            "plan {name}: in real time figures of fewer than {FEWEST_WALL_BOOTS} boots of each kernel have no verdict, and it \
             has {}; take --boots {needed} or more",
            counted(plan.repetitions)
        ))
    } else {
        Some(format!(
            "plan {name}: in real time {boots} boots of each kernel cannot show a difference where {compared} figures are \
             compared, since chance may make one of so many; take --boots {needed} or more"
        ))
    }
}

fn too_few_samples(plan: &Plan, measured: &[&WorkloadTask]) -> Option<String> {
    let boots = plan.repetitions as usize;
    let is_short = |workload: &&&WorkloadTask| boots * (workload.samples as usize) < FEWEST_PAIRS;
    let short: Vec<&str> = measured.iter().filter(is_short).map(|workload| workload.name.as_str()).collect();
    (!short.is_empty()).then(|| {
        format!(
            "plan {}: with {} of each kernel these workloads have one sample, which has no interval and so no verdict: {}; take \
             --boots {FEWEST_PAIRS} or more, or set their samples in lab.toml to {FEWEST_PAIRS} or more",
            plan.name,
            counted(plan.repetitions),
            short.join(", ")
        )
    })
}

fn counted(boots: u32) -> String {
    if boots == 1 { "1 boot".to_owned() } else { format!("{boots} boots") }
}

/// Arms that do not boot the baseline's kernel a second time.
fn compared_with_the_baseline(plan: &Plan) -> usize {
    let kernel = |variant: &Variant| {
        (variant.series.clone(), variant.prefix.clone(), variant.placebo.clone(), variant.planted())
    };
    let baseline = plan.variants.iter().find(|variant| variant.name == plan.baseline).map(kernel);
    plan.variants.iter().filter(|variant| Some(kernel(variant)) != baseline).count()
}

/// How many boots of each of two kernels have a p that counts after the correction for so many comparisons.
fn fewest_wall_boots(compared: usize) -> usize {
    let counts = |boots: &usize| smallest_p(*boots, *boots) * (compared as f64) < SIGNIFICANCE;
    // The smallest p halves at least with each boot more.
    (FEWEST_WALL_BOOTS..=usize::BITS as usize).find(counts).unwrap_or(FEWEST_WALL_BOOTS)
}

/// Settings of the scenarios that no workload can feel, so that figures say nothing about them.
pub(super) fn unfelt(plan: &Plan) -> Option<String> {
    if plan.workloads.is_empty() || plan.workloads.iter().any(may_write_to_the_cache) {
        return None;
    }
    let asks = |scenario: &&Scenario| scenario.server.as_ref().is_some_and(|server| server.writeback_cache);
    let names: Vec<&str> =
        plan.scenarios.iter().filter(asks).map(|scenario| scenario.name.as_str()).collect();
    (!names.is_empty()).then(|| {
        format!(
            "{}: writeback-cache is about writes to the page cache, and no workload of plan {} makes one: its figures say \
             nothing about that setting",
            names.join(", "),
            plan.name
        )
    })
}

/// Whether a workload may write without direct I/O. What is not known may.
fn may_write_to_the_cache(workload: &WorkloadTask) -> bool {
    // Of two words for one thing the later one counts.
    let value = |name: &str| workload.args.iter().filter_map(|word| word.strip_prefix(name)).next_back();
    match workload.tool {
        Tool::Dd => {
            let is_written = value("of=").is_some_and(|file| file.contains("{file}"));
            is_written && !value("oflag=").unwrap_or_default().split(',').any(|flag| flag == "direct")
        }
        Tool::AioStress => !workload.args.iter().any(|word| word == "-O"),
        Tool::Fio => !workload.job.as_ref().is_some_and(|job| is_direct(&job.text)),
        Tool::Socket => false,
        Tool::StressNg | Tool::Fsx | Tool::Pjdfstest => true,
    }
}

/// Whether each job in a file of fio says `direct=1`, itself or in the global section before it.
fn is_direct(text: &str) -> bool {
    let mut global = false;
    let mut jobs: Vec<bool> = Vec::new();
    let mut is_in_global = true;
    for line in text.lines() {
        let line = line.replace([' ', '\t'], "");
        if line.starts_with('[') {
            is_in_global = line == "[global]";
            if !is_in_global {
                jobs.push(global);
            }
        } else if line.starts_with("direct=") || line.starts_with("buffered=") || line.starts_with("include")
        {
            let is_direct = line == "direct=1";
            match jobs.last_mut() {
                Some(job) if !is_in_global => *job = is_direct,
                _ => global = is_direct,
            }
        }
    }
    !jobs.is_empty() && jobs.into_iter().all(|is_direct| is_direct)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use lab_protocol::Job;

    use super::*;
    use crate::fixtures::{campaign, two_arms};

    fn plan(clock: Clock, boots: u32, samples: u32) -> Plan {
        let plan = campaign(clock, &two_arms()).file.plan;
        let workloads = plan.workloads.into_iter().map(|workload| WorkloadTask { samples, ..workload });
        Plan { workloads: workloads.collect(), repetitions: boots, precision_permille: 0, ..plan }
    }

    #[track_caller]
    fn check(plan: &Plan, expected: Expect) {
        expected.assert_eq(&beforehand(plan).join("\n"));
    }

    #[test]
    fn boots_that_can_tell_nothing_are_named_before_they_run() {
        check(
            &plan(Clock::Wall, 3, 1),
            expect![
                "plan built: in real time figures of fewer than 4 boots of each kernel have no verdict, and it has 3 boots; take --boots 5 or more"
            ],
        );
        check(
            &plan(Clock::Virtual, 1, 1),
            expect![
                "plan built: with 1 boot of each kernel these workloads have one sample, which has no interval and so no verdict: dd-read, aio-read; take --boots 2 or more, or set their samples in lab.toml to 2 or more"
            ],
        );
        // Boots are added for precision where there is an interval.
        let until_precise = Plan { precision_permille: 5, ..plan(Clock::Virtual, 1, 1) };
        assert_eq!(beforehand(&until_precise).len(), 1);
    }

    #[test]
    fn boots_that_can_tell() {
        let alone = plan(Clock::Wall, 1, 1);
        let alone = Plan { variants: alone.variants[..1].to_vec(), ..alone };
        for plan in [
            // One boot has several samples.
            plan(Clock::Virtual, 1, 2),
            plan(Clock::Virtual, 2, 1),
            // Nothing is compared.
            alone,
            Plan { workloads: Vec::new(), ..plan(Clock::Wall, 1, 1) },
        ] {
            assert_eq!(beforehand(&plan), [] as [String; 0]);
        }
    }

    /// The smallest p of 4 against 4 is 0.029, of 5 against 5 0.008.
    #[test]
    fn many_figures_take_more_boots_in_real_time() {
        assert_eq!([1, 2, 6, 7, 23].map(fewest_wall_boots), [4, 5, 5, 6, 6]);
        let plan = plan(Clock::Wall, 4, 1);
        let workloads = vec![plan.workloads[0].clone(); 7];
        check(
            &Plan { workloads: workloads.clone(), ..plan.clone() },
            expect![
                "plan built: in real time 4 boots of each kernel cannot show a difference where 7 figures are compared, since chance may make one of so many; take --boots 6 or more"
            ],
        );
        check(&Plan { workloads, repetitions: 6, ..plan }, expect![""]);
    }

    #[test]
    fn a_second_boot_of_the_baseline_s_kernel_is_no_comparison() {
        let mut plan = plan(Clock::Wall, 4, 1);
        let again = Variant { name: "again".to_owned(), ..plan.variants[0].clone() };
        assert_eq!(compared_with_the_baseline(&plan), 1);
        plan.variants.push(again);
        assert_eq!(compared_with_the_baseline(&plan), 1);
    }

    fn ask_for_writeback(plan: &mut Plan, asked: bool) {
        plan.scenarios[0].server.as_mut().unwrap().writeback_cache = asked;
    }

    fn with_writeback(tool: Tool, args: &[&str], job: Option<&str>) -> Plan {
        let mut plan = plan(Clock::Virtual, 1, 6);
        ask_for_writeback(&mut plan, true);
        plan.workloads.truncate(1);
        let workload = &mut plan.workloads[0];
        workload.tool = tool;
        workload.args = args.iter().map(|&word| word.to_owned()).collect();
        workload.job = job.map(|text| Job { file: "x.fio".to_owned(), text: text.to_owned() });
        plan
    }

    #[test]
    fn a_setting_that_no_workload_feels() {
        for (args, is_felt) in [
            (&["if={file}", "of=/dev/null"][..], false),
            (&["if=/dev/zero", "of={file}", "oflag=direct"], false),
            (&["if=/dev/zero", "of={file}", "oflag=sync,direct"], false),
            (&["if=/dev/zero", "of={file}"], true),
            (&["if=/dev/zero", "of={file}", "oflag=direct", "oflag=sync"], true),
        ] {
            assert_eq!(unfelt(&with_writeback(Tool::Dd, args, None)).is_none(), is_felt, "{args:?}");
        }
        check(
            &with_writeback(Tool::AioStress, &["-O", "{file}"], None),
            expect![
                "slow: writeback-cache is about writes to the page cache, and no workload of plan built makes one: its figures say nothing about that setting"
            ],
        );
        assert_eq!(unfelt(&with_writeback(Tool::AioStress, &["-o", "0", "{file}"], None)), None);
        assert_eq!(unfelt(&with_writeback(Tool::Fsx, &[], None)), None);
        let mut no_writeback = with_writeback(Tool::AioStress, &["-O", "{file}"], None);
        ask_for_writeback(&mut no_writeback, false);
        assert_eq!(unfelt(&no_writeback), None);
        let probes = Plan { workloads: Vec::new(), ..with_writeback(Tool::Dd, &[], None) };
        assert_eq!(unfelt(&probes), None, "probes feel it");
    }

    #[test]
    fn jobs_of_fio_with_direct_io() {
        for (text, expected) in [
            ("[a]\nrw=write\ndirect = 1\n", true),
            ("[a]\nrw=write\n", false),
            ("[a]\ndirect=1\n[b]\nrw=write\n", false),
            ("[a]\ndirect=1\n[b]\ndirect=1\n", true),
            ("[global]\ndirect=1\n[a]\n[b]\nrw=write\n", true),
            ("[global]\ndirect=1\n[a]\n[b]\ndirect=0\n", false),
            ("[global]\ndirect=1\n[a]\nbuffered=1\n", false),
            ("[a]\n[global]\ndirect=1\n[b]\n", false),
            ("[global]\ndirect=1\n", false),
            ("", false),
        ] {
            assert_eq!(is_direct(text), expected, "{text}");
        }
        assert!(unfelt(&with_writeback(Tool::Fio, &[], Some("[a]\ndirect=1\n"))).is_some());
        assert_eq!(unfelt(&with_writeback(Tool::Fio, &[], Some("[a]\nrw=write\n"))), None);
    }
}
