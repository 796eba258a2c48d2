//! Two campaigns side by side: the same figures from another machine, of another kernel version, or under load.

use anyhow::bail;
use serde::Serialize;
use serde_json::Value;

use super::statistics::ratio;
use super::{Change, Comparison, NoAnswer, Question, Row, SCHEMA, Status, Verdict, answer};
use crate::campaign::Campaign;
use crate::evidence::metric::Metric;
use crate::plan::{Clock, Variant, why_versions_differ};
use crate::text::fields::pair_fields;

/// What has to be equal, as the record calls it: these decide what an instruction is and how many there are of it.
/// Everything else may differ, and is said.
const EQUAL: [&str; 5] = ["accelerator", "machine", "cpu-model", "cpus", "memory-mib"];

/// What two campaigns say of the same rows.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Across {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The two.
    pub campaigns: [ComparedCampaign; 2],
    /// What is equal and has to be: names and values.
    pub equal: Vec<(String, String)>,
    /// What differs beside the figures.
    pub differences: Vec<Unlike>,
    /// Rows that both have, in the order of the first.
    pub rows: Vec<PairRow>,
    /// What is not compared, and why.
    pub left_out: Vec<String>,
    /// What speaks against putting the two side by side.
    pub doubts: Vec<String>,
    /// The largest difference of each metric.
    pub largest: Vec<Largest>,
    /// What follows.
    pub status: Agreement,
}

/// One of the two campaigns.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct ComparedCampaign {
    /// Its folder.
    pub campaign: String,
    /// Its plan.
    pub plan: String,
    /// When it was begun, RFC 3339 in UTC.
    pub begun: String,
    /// The variant that its others are compared with.
    pub baseline: String,
    /// What it says by itself.
    pub status: Status,
}

/// Something beside the figures that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Unlike {
    /// What.
    pub name: String,
    /// In the first and in the second.
    pub values: [String; 2],
}

/// One metric of one workload in one scenario.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PairRow {
    /// The scenario's name.
    pub scenario: String,
    /// The workload's name.
    pub workload: String,
    /// What was measured.
    pub metric: Metric,
    /// The unit of the values.
    pub unit: &'static str,
    /// Variants that both have.
    pub cells: Vec<Pair>,
}

/// One variant in a row.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Pair {
    /// The variant's name.
    pub variant: String,
    /// The means of the two campaigns.
    pub values: [Option<f64>; 2],
    /// The second by the first.
    pub ratio: Option<f64>,
    /// What the variant does against the baseline in each; none for the baseline.
    pub effects: [Option<Change>; 2],
    /// Whether both say the same of it; none for the baseline, and where nobody measured it.
    pub agreement: Option<Agreement>,
}

/// Whether two campaigns say the same; its number is the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Agreement {
    /// They do, or one finds a difference that the other does not rule out.
    Agree = 0,
    /// They do not.
    Disagree = 1,
    /// One of them says nothing.
    CannotTell = 2,
}

impl Agreement {
    /// The exit code of the lab.
    pub fn exit_code(self) -> u8 {
        self as u8
    }
}

/// The largest difference of a metric between the two campaigns.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Largest {
    /// What was measured.
    pub metric: Metric,
    /// Ratio minus one, the larger by the smaller.
    pub share: f64,
    /// Where: variant, scenario, workload.
    pub place: String,
}

/// Puts two campaigns side by side.
///
/// # Errors
/// If one of them has no boots, is not of the virtual clock, or differs from the other in what makes figures comparable.
/// If they have no row in common.
pub fn across(campaigns: [&Campaign; 2], question: &Question) -> anyhow::Result<Across> {
    let [left, right] = campaigns;
    let purpose = || format!("comparing {} and {}", left.name, right.name);
    let sides = [answer(left, question)?, answer(right, question)?];
    let setups = sides.each_ref().map(|side| side.setup.as_ref());
    let [Some(left_setup), Some(right_setup)] = setups else {
        let name = if setups[0].is_none() { &left.name } else { &right.name };
        bail!(NoAnswer(format!("{}: {name} has no boots", purpose())));
    };
    if [left_setup, right_setup].iter().any(|setup| setup.clock == Clock::Wall) {
        bail!(
            "{}: the wall clock: real time of different hosts or days cannot be compared; put all variants into one \
             campaign, or use a plan with the virtual clock",
            purpose()
        );
    }
    let (mut equal, mut differences) = (Vec::new(), Vec::new());
    for (name, values) in fields(left_setup, right_setup)? {
        let [a, b] = &values;
        if a != b && EQUAL.contains(&name.as_str()) {
            bail!(
                "{}: {name} is {a} and {b}; figures are comparable only if {} are equal: run one of the plans again",
                purpose(),
                EQUAL.join(", ")
            );
        }
        if a != b {
            differences.push(Unlike { name, values });
        } else if EQUAL.contains(&name.as_str()) {
            equal.push((name, a.clone()));
        }
    }
    differences.extend(unlike_campaigns(left, right)?);
    if let Some(only_probes) = campaigns.iter().find(|campaign| campaign.file.plan.workloads.is_empty()) {
        bail!(
            "{}: {} only probed, and figures are what two campaigns are compared by; look at each with `compare NAME`",
            purpose(),
            only_probes.name
        );
    }
    let qemus = [&left_setup.qemu_version, &right_setup.qemu_version].map(String::as_str);
    let doubts = why_versions_differ(&left_setup.machine, &left_setup.cpu_model, qemus).into_iter().collect();
    let (rows, left_out) = pair_rows(campaigns, &sides);
    if rows.is_empty() {
        bail!("{}: no row in common: {}", purpose(), left_out.join("; "));
    }
    Ok(Across {
        schema: SCHEMA,
        campaigns: sides.map(|side| ComparedCampaign {
            campaign: side.campaign,
            plan: side.plan,
            begun: side.begun,
            baseline: side.baseline,
            status: side.conclusion.status,
        }),
        equal,
        differences,
        largest: largest(&rows),
        status: status(&rows),
        rows,
        left_out,
        doubts,
    })
}

/// Each field of two values with both contents, as they are said.
fn fields<T: Serialize>(left: &T, right: &T) -> anyhow::Result<Vec<(String, [String; 2])>> {
    let text = |value: Option<Value>| match value {
        Some(Value::String(text)) => text,
        Some(other) => other.to_string(),
        None => "none".to_owned(),
    };
    let pairs = pair_fields(left, right)?.into_iter();
    Ok(pairs.map(|pair| (pair.name, pair.values.map(text))).collect())
}

/// Series and what is planted, in words.
fn made_of(variant: &Variant) -> String {
    let series = if variant.series.is_empty() { "no series".to_owned() } else { variant.series.join(" + ") };
    let placebo = variant.placebo.iter().map(|name| format!("the placebo {name}"));
    let planted = variant.planted().map(|planted| format!("{} planted {}", planted.size(), planted.place()));
    [series].into_iter().chain(placebo).chain(planted).collect::<Vec<_>>().join(" and ")
}

/// What differs in the campaigns themselves: host, lab, phases of the boots, what the variants are made of.
fn unlike_campaigns(left: &Campaign, right: &Campaign) -> anyhow::Result<Vec<Unlike>> {
    let (a, b) = (&left.file, &right.file);
    let mut pairs = vec![("lab commit".to_owned(), [a.lab_commit.clone(), b.lab_commit.clone()])];
    pairs
        .extend(fields(&a.host, &b.host)?.into_iter().map(|(name, values)| (format!("host {name}"), values)));
    let phases = |campaign: &Campaign| {
        let mut phases: Vec<u32> = campaign.file.plan.boots.iter().map(|step| step.phase_us).collect();
        phases.sort_unstable();
        phases.dedup();
        phases.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
    };
    pairs.push(("phases of boots, us".to_owned(), [phases(left), phases(right)]));
    pairs.push((
        "boots of each kernel".to_owned(),
        [&a.plan, &b.plan].map(|plan| plan.repetitions.to_string()),
    ));
    for variant in &a.plan.variants {
        let Some(other) = b.plan.variants.iter().find(|other| other.name == variant.name) else { continue };
        let made_of = [variant, other].map(made_of);
        pairs.push((format!("variant {}", variant.name), made_of));
        let kernel = |campaign: &Campaign| {
            let boots = &campaign.boots;
            let boot = boots.iter().find(|boot| boot.record.boot.variant == variant.name);
            boot.map_or("not booted".to_owned(), |boot| boot.record.kernel.bzimage_sha256.clone())
        };
        pairs.push((format!("kernel {}", variant.name), [kernel(left), kernel(right)]));
        pairs.push((format!("source {}", variant.name), sources([left, right], &variant.name)));
    }
    let unlike = pairs.into_iter().filter(|(_, [a, b])| a != b);
    Ok(unlike.map(|(name, values)| Unlike { name, values }).collect())
}

/// Where the kernels of a variant come from, if one of the campaigns has several sources; of all others the setup says it.
fn sources(campaigns: [&Campaign; 2], variant: &str) -> [String; 2] {
    let boots = campaigns.map(|campaign| {
        campaign.boots.iter().find(|boot| boot.record.boot.variant == variant).map(|it| &it.record)
    });
    match boots {
        [Some(a), Some(b)] if a.kernel.base.is_some() || b.kernel.base.is_some() => [a, b].map(|record| {
            record.kernel.base.as_ref().map_or(&record.setup.kernel_source, |base| &base.source).clone()
        }),
        _ => Default::default(),
    }
}

/// The rows and variants that both have, and what is left out.
fn pair_rows(campaigns: [&Campaign; 2], sides: &[Comparison; 2]) -> (Vec<PairRow>, Vec<String>) {
    let [left, right] = sides;
    let (mut rows, mut left_out) = (Vec::new(), Vec::new());
    let mut leave_out = |what: String| {
        if !left_out.contains(&what) {
            left_out.push(what);
        }
    };
    for row in &left.rows {
        if let Some(what) = unlike_rows(campaigns, row) {
            leave_out(what);
            continue;
        }
        let same = |other: &&Row| {
            (&other.scenario, &other.workload, other.metric) == (&row.scenario, &row.workload, row.metric)
        };
        let Some(other) = right.rows.iter().find(same) else { continue };
        rows.push(pair_row([row, other], [&left.baseline, &right.baseline]));
    }
    for (side, other) in [(left, right), (right, left)] {
        let missing =
            side.variants.iter().filter(|variant| other.variants.iter().all(|of| of.name != variant.name));
        missing
            .for_each(|variant| leave_out(format!("variant {} is only in {}", variant.name, side.campaign)));
    }
    for row in &right.rows {
        if let Some(what) = unlike_rows([campaigns[1], campaigns[0]], row) {
            leave_out(what);
        }
    }
    if left.baseline != right.baseline {
        leave_out(format!(
            "effects: the baselines are {} and {}; --baseline names one for both",
            left.baseline, right.baseline
        ));
    }
    (rows, left_out)
}

/// Why a row of the first campaign cannot be put beside one of the second; none if it can.
fn unlike_rows([campaign, other]: [&Campaign; 2], row: &Row) -> Option<String> {
    let (plan, of) = (&campaign.file.plan, &other.file.plan);
    let scenario = |plan: &crate::plan::Plan| match plan.baseline_scenario {
        // Where they are compared a row has all of them.
        Some(_) => Some(plan.scenarios.clone()),
        None => plan.scenarios.iter().find(|it| it.name == row.scenario).map(|it| vec![it.clone()]),
    };
    let task = |plan: &crate::plan::Plan| plan.workloads.iter().find(|it| it.name == row.workload).cloned();
    match (scenario(plan), scenario(of), task(plan), task(of)) {
        (_, None, ..) => Some(format!("scenario {} is only in {}", row.scenario, campaign.name)),
        (.., None) => Some(format!("workload {} is only in {}", row.workload, campaign.name)),
        (a, b, ..) if a != b => Some(format!("scenario {} has other settings in the two", row.scenario)),
        (_, _, a, b) if a != b => Some(format!("workload {} has other arguments in the two", row.workload)),
        _ => None,
    }
}

fn pair_row([left, right]: [&Row; 2], [baseline, other_baseline]: [&String; 2]) -> PairRow {
    let pair = |cell: &super::Cell| {
        let other = right.cells.iter().find(|other| other.variant == cell.variant)?;
        // Wrong bytes are no speed.
        let mean = |cell: &super::Cell| cell.mean.filter(|_| cell.wrong_data() == 0);
        let values = [mean(cell), mean(other)];
        let effects = if baseline == other_baseline { [cell.change, other.change] } else { [None, None] };
        Some(Pair {
            variant: cell.variant.clone(),
            values,
            ratio: values[0].zip(values[1]).and_then(|(a, b)| ratio(a, b)),
            agreement: effects[0].zip(effects[1]).and_then(|(a, b)| agreement(a, b)),
            effects,
        })
    };
    PairRow {
        scenario: left.scenario.clone(),
        workload: left.workload.clone(),
        metric: left.metric,
        unit: left.unit,
        cells: left.cells.iter().filter_map(pair).collect(),
    }
}

/// Two that find nothing agree, and two that find the same; one that finds a difference agrees with one that does
/// not, if the other's limit is no smaller than it.
fn agreement(left: Change, right: Change) -> Option<Agreement> {
    let within = |difference: Change, same: Change| {
        let size = difference.ratio.map_or(f64::INFINITY, |ratio| ratio.ln().abs().exp() - 1.0);
        same.limit.is_some_and(|limit| size <= limit)
    };
    let agree = match (left.verdict, right.verdict) {
        (Verdict::NotGiven, Verdict::NotGiven) => return None,
        (a, b) if a.is_unknown() || b.is_unknown() => return Some(Agreement::CannotTell),
        (a, b) if a == b => true,
        (a, Verdict::Same) if a.is_difference() => within(left, right),
        (Verdict::Same, b) if b.is_difference() => within(right, left),
        _ => false,
    };
    Some(if agree { Agreement::Agree } else { Agreement::Disagree })
}

fn status(rows: &[PairRow]) -> Agreement {
    let said: Vec<Agreement> =
        rows.iter().flat_map(|row| &row.cells).filter_map(|cell| cell.agreement).collect();
    if said.contains(&Agreement::Disagree) {
        Agreement::Disagree
    } else if said.is_empty() || said.contains(&Agreement::CannotTell) {
        Agreement::CannotTell
    } else {
        Agreement::Agree
    }
}

fn largest(rows: &[PairRow]) -> Vec<Largest> {
    let of = |metric: Metric| {
        let cells = rows
            .iter()
            .filter(|row| row.metric == metric)
            .flat_map(|row| row.cells.iter().map(move |cell| (row, cell)));
        let shares = cells.filter_map(|(row, cell)| {
            let place = format!("{}, {}, {}", cell.variant, row.scenario, row.workload);
            Some(Largest { metric, share: cell.ratio?.ln().abs().exp() - 1.0, place })
        });
        shares.reduce(|most, next| if next.share > most.share { next } else { most })
    };
    Metric::ALL.into_iter().filter_map(of).collect()
}

#[cfg(test)]
mod tests;
