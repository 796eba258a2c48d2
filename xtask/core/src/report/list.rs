//! What there is to name on the command line, for a terminal and for programs.

use serde::{Deserialize, Serialize};

use crate::text::escape::escape_for_terminal;
use crate::text::layout::{WIDTH, longest, wrap};

/// The version of the form that programs read.
const SCHEMA: u32 = 1;

/// What is listed: of each kind all, or nothing if it was not asked for.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct List {
    /// [`SCHEMA`].
    schema: u32,
    /// The plans of `lab.toml`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plans: Option<Vec<PlanLine>>,
    /// Its variants.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variants: Option<Vec<VariantLine>>,
    /// Its scenarios.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scenarios: Option<Vec<NamedLine>>,
    /// Its workloads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workloads: Option<Vec<NamedLine>>,
    /// The campaigns, newest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaigns: Option<Vec<CampaignLine>>,
}

impl Default for List {
    fn default() -> Self {
        List {
            schema: SCHEMA,
            plans: None,
            variants: None,
            scenarios: None,
            workloads: None,
            campaigns: None,
        }
    }
}

/// A plan.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PlanLine {
    /// Its name.
    pub name: String,
    /// What `lab.toml` says above it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// How many boots it has; more are added if it asks for precision.
    pub boots: u32,
    /// Its kernels.
    pub kernels: u32,
    /// How many of them are in the cache; none if that cannot be told without fetching something.
    pub cached: Option<u32>,
}

/// A variant.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct VariantLine {
    /// Its name.
    pub name: String,
    /// The series that it is made of.
    pub series: Vec<String>,
    /// Where its kernel comes from.
    pub source: String,
}

/// A scenario or workload.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct NamedLine {
    /// Its name.
    pub name: String,
    /// What it is, in a few words.
    pub kind: String,
    /// What `lab.toml` says above it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
}

/// A campaign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CampaignLine {
    /// Its folder below `results/`.
    pub name: String,
    /// When it was begun, RFC 3339 in UTC.
    pub begun: String,
    /// Its plan.
    pub plan: String,
    /// How many boots it has a result of.
    pub done: u32,
    /// How many it is to have.
    pub boots: u32,
    /// The exit code of `compare`; none if it cannot be compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<u8>,
    /// What `compare` says first.
    pub headline: String,
}

impl CampaignLine {
    fn state(&self) -> String {
        match self.done == self.boots {
            true => "complete".to_owned(),
            false => format!("{} of {} boots", self.done, self.boots),
        }
    }
}

/// All of it, plain text. Nothing in it that came from a file can act on a terminal.
pub fn render(list: &List) -> String {
    let mut parts = Vec::new();
    let mut part = |title: &str, rows: Option<Vec<Vec<String>>>| {
        let Some(rows) = rows else { return };
        let rows = if rows.is_empty() { "  none".to_owned() } else { lines(&rows) };
        parts.push(format!("{title}\n{rows}"));
    };
    part("Plans", list.plans.as_ref().map(|all| all.iter().map(plan).collect()));
    part("Variants", list.variants.as_ref().map(|all| all.iter().map(variant).collect()));
    part("Scenarios", list.scenarios.as_ref().map(|all| all.iter().map(named).collect()));
    part("Workloads", list.workloads.as_ref().map(|all| all.iter().map(named).collect()));
    part("Campaigns", list.campaigns.as_ref().map(|all| all.iter().map(campaign).collect()));
    escape_for_terminal(&parts.join("\n\n")) + "\n"
}

fn plan(plan: &PlanLine) -> Vec<String> {
    let kernels = match (plan.kernels, plan.cached) {
        (all, Some(cached)) if all == cached => format!("{}, built", counted(all, "kernel")),
        (all, Some(cached)) => format!("{}, {} to build", counted(all, "kernel"), all - cached),
        (all, None) => format!("{}, to fetch", counted(all, "kernel")),
    };
    vec![plan.name.clone(), counted(plan.boots, "boot"), kernels, plan.about.clone().unwrap_or_default()]
}

fn variant(variant: &VariantLine) -> Vec<String> {
    let series = if variant.series.is_empty() { "no series".to_owned() } else { variant.series.join(" + ") };
    vec![variant.name.clone(), variant.source.clone(), series]
}

fn named(named: &NamedLine) -> Vec<String> {
    vec![named.name.clone(), named.kind.clone(), named.about.clone().unwrap_or_default()]
}

fn campaign(campaign: &CampaignLine) -> Vec<String> {
    let date = campaign.begun.get(..16).unwrap_or(&campaign.begun).replace('T', " ");
    vec![campaign.name.clone(), date, campaign.plan.clone(), campaign.state(), campaign.headline.clone()]
}

fn counted(count: u32, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// The rows in columns, two blanks between them; the last one is wrapped where it begins.
fn lines(rows: &[Vec<String>]) -> String {
    let last = rows.iter().map(Vec::len).max().unwrap_or(1) - 1;
    let widths: Vec<usize> = (0..last)
        .map(|place| longest(rows.iter().filter_map(|row| row.get(place)).map(String::as_str)))
        .collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}  "));
        let before = format!("  {}", cells.collect::<String>());
        // What leaves no room for the text gets lines of its own.
        let indent = before.chars().count().min(WIDTH / 2);
        let text = row.get(last).map_or("", String::as_str);
        wrap(&before, text, WIDTH, indent).trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn everything_that_has_a_name() {
        let plan = |name: &str, boots, kernels, cached, about: Option<&str>| PlanLine {
            name: name.to_owned(),
            about: about.map(str::to_owned),
            boots,
            kernels,
            cached,
        };
        let campaign = |name: &str, done, headline: &str| CampaignLine {
            name: name.to_owned(),
            begun: "2026-01-02T03:04:05.123Z".to_owned(),
            plan: "default".to_owned(),
            done,
            boots: 45,
            exit_code: Some(0),
            headline: headline.to_owned(),
        };
        let all = List {
            plans: Some(vec![
                plan(
                    "ci",
                    5,
                    2,
                    Some(2),
                    Some("The default plan with small files: shows that the whole lab works, in little time"),
                ),
                plan("default", 45, 6, Some(4), None),
                plan("versions", 1, 1, None, Some("Several versions?")),
            ]),
            variants: Some(vec![
                VariantLine { name: "stock".into(), series: Vec::new(), source: "linux-source-6.12".into() },
                VariantLine {
                    name: "mine".into(),
                    series: vec!["a".into(), "b".into()],
                    source: "/src/linux".into(),
                },
            ]),
            workloads: Some(Vec::new()),
            campaigns: Some(vec![
                campaign("2026-01-02-default-1", 45, "nothing speaks against a variant (exit code 0)"),
                campaign("\u{1b}[2J", 3, "CANNOT TELL (exit code 2)"),
            ]),
            ..List::default()
        };
        expect![[r#"
            Plans
              ci        5 boots   2 kernels, built       The default plan with small files: shows that the whole
                                                         lab works, in little time
              default   45 boots  6 kernels, 2 to build
              versions  1 boot    1 kernel, to fetch     Several versions?

            Variants
              stock  linux-source-6.12  no series
              mine   /src/linux         a + b

            Workloads
              none

            Campaigns
              2026-01-02-default-1  2026-01-02 03:04  default  complete       nothing speaks against a variant
                                                              (exit code 0)
              \x1b[2J                  2026-01-02 03:04  default  3 of 45 boots  CANNOT TELL (exit code 2)
        "#]]
        .assert_eq(&render(&all));
    }
}
