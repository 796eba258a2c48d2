//! A plan turned into one that says where the instructions go.

use lab_protocol::WorkloadTask;

use super::{Clock, Plan};

/// One boot of each variant in each scenario, without probes, under a name of its own: its figures stay apart from others.
///
/// # Errors
/// If the plan cannot be profiled.
pub fn profiled(plan: Plan) -> Result<Plan, String> {
    let Plan { name, workloads, machine, .. } = &plan;
    if machine.clock == Clock::Wall {
        return Err(format!(
            "--profile: plan {name} has the wall clock, which does not count instructions; name one with the virtual clock"
        ));
    }
    if workloads.is_empty() {
        return Err(format!(
            "--profile: plan {name} has no workload, during which instructions are counted; name another plan"
        ));
    }
    let name = format!("profile-{name}");
    // One run of each workload: what a second one executes says little more, and takes as long.
    let workloads = plan.workloads.into_iter().map(|task| WorkloadTask { samples: 1, ..task }).collect();
    let plan = Plan { name, probes: None, workloads, precision_permille: 0, ..plan };
    Ok(plan.with_repetitions(1).without_repeats())
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::fixtures::lab;
    use crate::plan::{Overrides, resolve};

    fn shown(name: &str) -> String {
        let plan = resolve(&lab(), name, &Overrides::default()).unwrap();
        match profiled(plan) {
            Ok(plan) => {
                let boots: Vec<String> =
                    plan.boots.iter().map(|boot| format!("{} {:?}", boot.folder(), boot.probes)).collect();
                format!("{}\n{}\n", plan.name, boots.join("\n"))
            }
            Err(error) => error + "\n",
        }
    }

    #[test]
    fn one_boot_of_each() {
        expect![[r#"
            profile-ci
            001-original-local-1 None
            002-stock-local-1 None
            003-original-remote-1 None
            004-stock-remote-1 None
            --profile: plan mail has the wall clock, which does not count instructions; name one with the virtual clock
            --profile: plan behaviour has no workload, during which instructions are counted; name another plan
        "#]].assert_eq(&["ci", "mail", "behaviour"].map(shown).concat());
    }
}
