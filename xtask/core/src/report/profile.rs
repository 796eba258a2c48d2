//! Where the instructions of two kernels went: the functions and programs that differ most.

mod picture;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

pub use picture::{Picture, pictures};

use crate::evidence::profile::Places;
use crate::text::escape::escape_for_terminal;
use crate::text::layout::{align_right, new_table};

/// How many rows a table has; the rest is summed up.
const ROWS: usize = 20;

/// What one boot of a variant did.
#[derive(Clone, Debug)]
pub struct Profiled {
    /// The variant.
    pub variant: String,
    /// The scenario.
    pub scenario: String,
    /// By workload.
    pub workloads: BTreeMap<String, Places>,
}

/// For each scenario and workload a table of each variant against the baseline, which is the first one of the scenario.
pub fn render(profiles: &[Profiled]) -> String {
    let mut text = String::new();
    for pair in pairs(profiles) {
        let _ = writeln!(text, "scenario {}, workload {}: instructions", pair.scenario, pair.workload);
        let _ = writeln!(text, "{}\n", table((pair.base_name, pair.base), (pair.other_name, pair.other)));
    }
    text
}

/// A workload of two variants.
struct Pair<'a> {
    scenario: &'a str,
    workload: &'a str,
    base_name: &'a str,
    base: &'a Places,
    other_name: &'a str,
    other: &'a Places,
}

/// Each variant against the baseline, which is the first one of its scenario.
fn pairs(profiles: &[Profiled]) -> Vec<Pair<'_>> {
    let scenarios: BTreeSet<&str> = profiles.iter().map(|profile| profile.scenario.as_str()).collect();
    let mut pairs = Vec::new();
    for scenario in scenarios {
        let mut of_scenario = profiles.iter().filter(|profile| profile.scenario == scenario);
        let Some(base) = of_scenario.next() else { continue };
        let mut seen = BTreeSet::from([base.variant.as_str()]);
        for other in of_scenario.filter(|profile| seen.insert(profile.variant.as_str())) {
            for (workload, places) in &base.workloads {
                let Some(others) = other.workloads.get(workload) else { continue };
                pairs.push(Pair {
                    scenario,
                    workload,
                    base_name: &base.variant,
                    base: places,
                    other_name: &other.variant,
                    other: others,
                });
            }
        }
    }
    pairs
}

fn table((base_name, base): (&str, &Places), (other_name, other): (&str, &Places)) -> String {
    let names: BTreeSet<&String> = base.keys().chain(other.keys()).collect();
    let count = |places: &Places, name: &String| places.get(name).copied().unwrap_or(0);
    let mut rows: Vec<(&str, u64, u64)> =
        names.into_iter().map(|name| (name.as_str(), count(base, name), count(other, name))).collect();
    rows.sort_by_key(|(_, base, other)| std::cmp::Reverse(base.abs_diff(*other)));
    let (shown, rest) = rows.split_at(rows.len().min(ROWS));
    let sum = |of: &dyn Fn(&str) -> bool| {
        let chosen = rows.iter().filter(|(name, ..)| of(name));
        chosen.fold((0, 0), |(base, other), row| (base + row.1, other + row.2))
    };
    let mut table = new_table(&["where", base_name, other_name, "difference"]);
    align_right(&mut table, 1..4);
    let mut add = |name: &str, base: u64, other: u64| {
        let difference = other as i128 - base as i128;
        table.add_row([
            escape_for_terminal(&name.replace(';', " ")),
            base.to_string(),
            other.to_string(),
            format!("{difference:+}"),
        ]);
    };
    shown.iter().for_each(|(name, base, other)| add(name, *base, *other));
    if !rest.is_empty() {
        let (base, other) = rest.iter().fold((0, 0), |(base, other), row| (base + row.1, other + row.2));
        add(&format!("{} more", rest.len()), base, other);
    }
    let kernel = sum(&|name| name.starts_with("kernel;"));
    add("all of the kernel", kernel.0, kernel.1);
    let all = sum(&|_| true);
    add("all", all.0, all.1);
    table.to_string()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn profiled(variant: &str, scenario: &str, places: &[(&str, u64)]) -> Profiled {
        let places = places.iter().map(|(place, count)| ((*place).to_owned(), *count)).collect();
        Profiled {
            variant: variant.to_owned(),
            scenario: scenario.to_owned(),
            workloads: BTreeMap::from([("dd-read".to_owned(), places)]),
        }
    }

    #[test]
    fn what_differs_most_comes_first() {
        let many: Vec<(String, u64)> = (1..=21).map(|n| (format!("kernel;same_{n:02}"), n)).collect();
        let with = |more: &[(&'static str, u64)]| {
            let many = many.iter().map(|(name, count)| (name.as_str(), *count));
            many.chain(more.iter().copied()).collect::<Vec<_>>()
        };
        let profiles = [
            profiled("original", "local", &with(&[("kernel;wait", 1000), ("user;/bin/dd", 50)])),
            profiled(
                "stock",
                "local",
                &with(&[("kernel;wait", 10), ("kernel;\u{1b}new", 70), ("user;/bin/dd", 49)]),
            ),
            profiled("original", "remote", &[("kernel;wait", 1)]),
        ];
        expect![[r#"
            scenario local, workload dd-read: instructions
            | where             | original | stock | difference |
            |-------------------|----------|-------|------------|
            | kernel wait       |     1000 |    10 |       -990 |
            | kernel \x1bnew    |        0 |    70 |        +70 |
            | user /bin/dd      |       50 |    49 |         -1 |
            | kernel same_01    |        1 |     1 |         +0 |
            | kernel same_02    |        2 |     2 |         +0 |
            | kernel same_03    |        3 |     3 |         +0 |
            | kernel same_04    |        4 |     4 |         +0 |
            | kernel same_05    |        5 |     5 |         +0 |
            | kernel same_06    |        6 |     6 |         +0 |
            | kernel same_07    |        7 |     7 |         +0 |
            | kernel same_08    |        8 |     8 |         +0 |
            | kernel same_09    |        9 |     9 |         +0 |
            | kernel same_10    |       10 |    10 |         +0 |
            | kernel same_11    |       11 |    11 |         +0 |
            | kernel same_12    |       12 |    12 |         +0 |
            | kernel same_13    |       13 |    13 |         +0 |
            | kernel same_14    |       14 |    14 |         +0 |
            | kernel same_15    |       15 |    15 |         +0 |
            | kernel same_16    |       16 |    16 |         +0 |
            | kernel same_17    |       17 |    17 |         +0 |
            | 4 more            |       78 |    78 |         +0 |
            | all of the kernel |     1231 |   311 |       -920 |
            | all               |     1281 |   360 |       -921 |

        "#]]
        .assert_eq(&render(&profiles));
    }
}
