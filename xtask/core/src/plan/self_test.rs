//! A plan turned into a test of the lab: its baseline against itself, and against itself with planted slowdowns.

use super::resolve::{Overrides, resolve};
use super::{Clock, Plan, Variant};
use crate::evidence::metric::Thresholds;
use crate::plan::config::{Config, ConfigError};

/// What is planted in each READ and WRITE, nanoseconds: about 0.5, 1, 5 and 20 % of the 131 us that a direct read of `dd`
/// takes for each 128 KiB in guest time without storage latency (`results/reference-default`: 1001 MB/s).
const PLANTED_NS: [u64; 4] = [655, 1310, 6550, 26_200];

/// From which change on a difference counts with the virtual clock, percent: a fifth of the smallest planted one.
const VIRTUAL_THRESHOLD_PERCENT: f64 = 0.1;

/// The arm that the others are compared with.
const BASE: &str = "base";

/// The same again.
const AGAIN: &str = "again";

/// How often each arm is booted in each scenario, unless the command line says otherwise. With the virtual clock the
/// second boot starts like the first and shows that it repeats; of six against six in real time the smallest p is 0.0022,
/// which stays significant when it is corrected for twenty cells: five arms, four workloads.
fn repetitions(clock: Clock) -> u32 {
    match clock {
        Clock::Virtual => 2,
        Clock::Wall => 6,
    }
}

/// The arms: the baseline, the same again, and the same with each of the planted slowdowns.
fn arms(baseline: &Variant) -> Vec<Variant> {
    // They are one kernel, and nothing is probed: what is planted moves times, not behaviour.
    let arm = |name: String, planted_ns| Variant { name, planted_ns, behaviour: None, ..baseline.clone() };
    let planted = PLANTED_NS.map(|ns| arm(format!("planted-{ns}ns"), Some(ns)));
    [arm(BASE.to_owned(), None), arm(AGAIN.to_owned(), None)].into_iter().chain(planted).collect()
}

/// The self-test with machine, baseline, scenarios and workloads of the plan of this name.
///
/// Of the plan's scenarios those without modelled storage, unless the command line names some: where many requests wait
/// for storage at once, what is planted can hide behind the waiting, and a figure is as jagged as what is planted is small.
///
/// # Errors
/// If there is no such plan, or what the overrides make of it cannot be run.
pub fn self_test(config: &Config, name: &str, overrides: &Overrides) -> Result<Plan, ConfigError> {
    let plan = resolve(config, name, &Overrides { variants: None, steps: None, ..overrides.clone() })?;
    let scenarios = match &overrides.scenarios {
        Some(names) => names.clone(),
        None => without_storage(&plan)?,
    };
    let baseline = &config.variants[&plan.baseline];
    let overrides = Overrides {
        variants: None,
        steps: Some(arms(baseline)),
        scenarios: Some(scenarios),
        workloads: overrides.workloads.clone(),
        boots: Some(overrides.boots.unwrap_or_else(|| repetitions(plan.machine.clock))),
    };
    let mut plan = resolve(config, name, &overrides)?;
    plan.name = format!("self-test-{name}");
    if plan.machine.clock == Clock::Virtual {
        plan.thresholds = Thresholds::uniform(VIRTUAL_THRESHOLD_PERCENT);
    }
    Ok(plan)
}

fn without_storage(plan: &Plan) -> Result<Vec<String>, ConfigError> {
    let fast = plan.scenarios.iter().filter(|scenario| scenario.server.storage.is_off());
    let names: Vec<String> = fast.map(|scenario| scenario.name.clone()).collect();
    if names.is_empty() {
        let message = format!(
            "each scenario of the plan {} models storage, which may hide what is planted; name one that does not, such as \
             --scenarios local",
            plan.name
        );
        return Err(ConfigError::new("--self-test", message));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::fixtures::lab;

    fn list(names: &[&str]) -> Option<Vec<String>> {
        Some(names.iter().map(|name| (*name).to_owned()).collect())
    }

    fn shown(name: &str, overrides: &Overrides) -> String {
        let config = lab();
        let plan = match self_test(&config, name, overrides) {
            Ok(plan) => plan,
            Err(error) => return error.to_string(),
        };
        let arm = |arm: &Variant| format!("{} {:?} {:?}", arm.name, arm.series, arm.planted_ns);
        let arms: Vec<_> = plan.variants.iter().map(arm).collect();
        let names = |names: Vec<&String>| names.into_iter().cloned().collect::<Vec<_>>().join(" ");
        format!(
            "{}, baseline {}, {} x {} boots, threshold {}\n{}\n{}\n{}",
            plan.name,
            plan.baseline,
            plan.variants.len() * plan.scenarios.len(),
            plan.boots.len() / plan.variants.len() / plan.scenarios.len(),
            plan.thresholds.of(crate::evidence::metric::Metric::Throughput),
            names(plan.scenarios.iter().map(|scenario| &scenario.name).collect()),
            names(plan.workloads.iter().map(|workload| &workload.name).collect()),
            arms.join("\n"),
        )
    }

    #[test]
    fn plans() {
        let as_written = Overrides::default();
        expect![[r#"
            self-test-default, baseline base, 6 x 2 boots, threshold 0.001
            local
            dd-read dd-write aio-read aio-write
            base ["sync-dio"] None
            again ["sync-dio"] None
            planted-655ns ["sync-dio"] Some(655)
            planted-1310ns ["sync-dio"] Some(1310)
            planted-6550ns ["sync-dio"] Some(6550)
            planted-26200ns ["sync-dio"] Some(26200)"#]]
        .assert_eq(&shown("default", &as_written));
        expect![[r#"
            self-test-mail, baseline base, 6 x 6 boots, threshold 0.01
            fusexmp
            mail-dd-read mail-dd-write mail-aio-read mail-aio-write
            base ["sync-dio"] None
            again ["sync-dio"] None
            planted-655ns ["sync-dio"] Some(655)
            planted-1310ns ["sync-dio"] Some(1310)
            planted-6550ns ["sync-dio"] Some(6550)
            planted-26200ns ["sync-dio"] Some(26200)"#]]
        .assert_eq(&shown("mail", &as_written));
        expect!["--self-test: each scenario of the plan in-order models storage, which may hide what is planted; name one that does not, such as --scenarios local"]
            .assert_eq(&shown("in-order", &as_written));
        expect!["--plan: there is no plan `defualt`; did you mean `default`? there are: behaviour, ci, default, fio, in-order, mail, merging, storage-model, timeline"]
            .assert_eq(&shown("defualt", &as_written));
    }

    #[test]
    fn overrides() {
        let named = Overrides {
            scenarios: list(&["remote"]),
            workloads: list(&["small-dd-read"]),
            boots: Some(4),
            ..Overrides::default()
        };
        expect![[r#"
            self-test-in-order, baseline base, 6 x 4 boots, threshold 0.001
            remote
            small-dd-read
            base ["sync-dio"] None
            again ["sync-dio"] None
            planted-655ns ["sync-dio"] Some(655)
            planted-1310ns ["sync-dio"] Some(1310)
            planted-6550ns ["sync-dio"] Some(6550)
            planted-26200ns ["sync-dio"] Some(26200)"#]]
        .assert_eq(&shown("in-order", &named));
    }
}
