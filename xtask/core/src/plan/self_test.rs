//! A plan turned into a test of the lab: its baseline against itself, against itself with planted slowdowns, and against
//! kernels with changes that mean nothing.

use super::resolve::{Overrides, resolve};
use super::{Clock, Plan, Planted, Variant};
use crate::evidence::metric::Thresholds;
use crate::plan::config::{Config, ConfigError};
use crate::text::suggest;

/// What is planted in each READ and WRITE, nanoseconds: about 0.5, 1, 5 and 20 % of the 126 us that a direct read of `dd`
/// takes for each 128 KiB in guest time without storage latency (`results/reference-default`: 1040 MB/s).
const PLANTED_NS: [u64; 4] = [655, 1310, 6550, 26_200];

/// What is planted in the storage's latency with the virtual clock, thousandths: about half a percent of a request of the scenario
/// `remote`, and five. Where storage has none, nothing is.
const PLANTED_LATENCY_PERMILLE: [u32; 2] = [6, 50];

/// From which change on a difference counts with the virtual clock, percent: half of the smallest planted one. What the
/// placebos do is at most a tenth of a percent.
const VIRTUAL_THRESHOLD_PERCENT: f64 = 0.25;

/// The arm that the others are compared with.
const BASE: &str = "base";

/// The same again.
const AGAIN: &str = "again";

/// How often each arm is booted in each scenario at least, unless the command line says otherwise. With the virtual clock
/// that is twelve samples of each default workload; of six against six in real time the smallest p is 0.0022,
/// which stays significant when it is corrected for twenty cells: five arms, four workloads.
fn repetitions(clock: Clock) -> u32 {
    match clock {
        Clock::Virtual => 2,
        Clock::Wall => 6,
    }
}

/// The arms: the baseline, the same again, the same with each of the planted slowdowns, and its placebos.
fn arms(baseline: &Variant, clock: Clock, placebos: &[String]) -> Vec<Variant> {
    // Nothing is probed: what is planted moves times, not behaviour.
    let base = Variant { behaviour: None, ..baseline.clone() };
    let plain = [BASE, AGAIN].map(|name| Variant { name: name.to_owned(), ..base.clone() });
    let latency = match clock {
        Clock::Virtual => &PLANTED_LATENCY_PERMILLE[..],
        Clock::Wall => &[],
    };
    let all = PLANTED_NS.into_iter().map(Planted::WorkNs);
    let all = all.chain(latency.iter().copied().map(Planted::LatencyPermille));
    let planted = all.map(|planted| match planted {
        Planted::WorkNs(ns) => {
            Variant { name: format!("planted-{ns}ns"), planted_ns: Some(ns), ..base.clone() }
        }
        Planted::LatencyPermille(permille) => Variant {
            name: format!("planted-latency-{permille}"),
            planted_latency_permille: Some(permille),
            ..base.clone()
        },
    });
    let placebos = placebos.iter().map(|placebo| Variant {
        name: format!("placebo-{placebo}"),
        placebo: Some(placebo.clone()),
        ..base.clone()
    });
    plain.into_iter().chain(planted).chain(placebos).collect()
}

/// The self-test with machine, scenarios and workloads of the plan of this name, and with these placebos, of its baseline or of
/// the variant that the overrides name.
///
/// # Errors
/// If there is no such plan, or what the overrides make of it cannot be run.
pub fn self_test(
    config: &Config,
    name: &str,
    overrides: &Overrides,
    placebos: &[String],
) -> Result<Plan, ConfigError> {
    let plan = resolve(
        config,
        name,
        &Overrides { variants: None, baseline: None, steps: None, ..overrides.clone() },
    )?;
    let other = plan.scenarios.iter().find(|scenario| scenario.server.is_none());
    if let Some(scenario) = other {
        let message = format!(
            "slowdowns are planted in the FUSE server and its storage, and the scenario {} has none; use scenarios that have",
            suggest::quoted(&scenario.name)
        );
        return Err(ConfigError::new("--plan", message));
    }
    let clock = plan.machine.clock;
    let kernel = match overrides.variants.as_deref() {
        None => &plan.baseline,
        Some([one]) => one,
        Some(_) => {
            let message = "a self-test boots one kernel; name one variant";
            return Err(ConfigError::new("--variants", message));
        }
    };
    let known: Vec<&str> = config.variants.keys().map(String::as_str).collect();
    let Some(kernel) = config.variants.get(kernel) else {
        return Err(ConfigError::new("--variants", suggest::unknown("variant", kernel, &known)));
    };
    let overrides =
        Overrides { variants: None, steps: Some(arms(kernel, clock, placebos)), ..overrides.clone() };
    let mut plan = resolve(config, name, &overrides)?;
    plan.name = format!("self-test-{name}");
    if overrides.boots.is_none() {
        plan = plan.with_repetitions(repetitions(clock));
    }
    if clock == Clock::Virtual {
        plan.thresholds = Thresholds::uniform(VIRTUAL_THRESHOLD_PERCENT);
    }
    Ok(plan)
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
        let clock = config.plans.get(name).map(|plan| config.machines[&plan.machine].clock);
        let placebos = match clock.unwrap_or(Clock::Virtual) {
            Clock::Virtual => &["moved-fuse_copy_args".to_owned()][..],
            Clock::Wall => &[],
        };
        let plan = match self_test(&config, name, overrides, placebos) {
            Ok(plan) => plan,
            Err(error) => return error.to_string(),
        };
        let arm =
            |arm: &Variant| format!("{} {:?} {:?} {:?}", arm.name, arm.series, arm.planted(), arm.placebo);
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
            self-test-default, baseline base, 18 x 2 boots, threshold 0.0025
            local remote
            dd-read dd-write aio-read aio-write
            base ["sync-dio"] None None
            again ["sync-dio"] None None
            planted-655ns ["sync-dio"] Some(WorkNs(655)) None
            planted-1310ns ["sync-dio"] Some(WorkNs(1310)) None
            planted-6550ns ["sync-dio"] Some(WorkNs(6550)) None
            planted-26200ns ["sync-dio"] Some(WorkNs(26200)) None
            planted-latency-6 ["sync-dio"] Some(LatencyPermille(6)) None
            planted-latency-50 ["sync-dio"] Some(LatencyPermille(50)) None
            placebo-moved-fuse_copy_args ["sync-dio"] None Some("moved-fuse_copy_args")"#]]
        .assert_eq(&shown("default", &as_written));
        expect![[r#"
            self-test-mail, baseline base, 6 x 6 boots, threshold 0.01
            fusexmp
            mail-dd-read mail-dd-write mail-aio-read mail-aio-write
            base ["sync-dio"] None None
            again ["sync-dio"] None None
            planted-655ns ["sync-dio"] Some(WorkNs(655)) None
            planted-1310ns ["sync-dio"] Some(WorkNs(1310)) None
            planted-6550ns ["sync-dio"] Some(WorkNs(6550)) None
            planted-26200ns ["sync-dio"] Some(WorkNs(26200)) None"#]]
        .assert_eq(&shown("mail", &as_written));
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
            self-test-in-order, baseline base, 9 x 5 boots, threshold 0.0025
            remote
            small-dd-read
            base ["sync-dio"] None None
            again ["sync-dio"] None None
            planted-655ns ["sync-dio"] Some(WorkNs(655)) None
            planted-1310ns ["sync-dio"] Some(WorkNs(1310)) None
            planted-6550ns ["sync-dio"] Some(WorkNs(6550)) None
            planted-26200ns ["sync-dio"] Some(WorkNs(26200)) None
            planted-latency-6 ["sync-dio"] Some(LatencyPermille(6)) None
            planted-latency-50 ["sync-dio"] Some(LatencyPermille(50)) None
            placebo-moved-fuse_copy_args ["sync-dio"] None Some("moved-fuse_copy_args")"#]]
        .assert_eq(&shown("in-order", &named));
        let of = |variants: &[&str]| Overrides { variants: list(variants), ..named.clone() };
        let stock = shown("in-order", &of(&["stock"]));
        assert!(stock.contains("\nbase [] None None\n"), "{stock}");
        assert_eq!(
            shown("in-order", &of(&["stock", "patched"])),
            "--variants: a self-test boots one kernel; name one variant"
        );
        assert!(shown("in-order", &of(&["stokc"])).starts_with("--variants: there is no variant `stokc`"));
    }
}
