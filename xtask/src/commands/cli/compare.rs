//! The arguments of `compare`.

use clap::Args;
use lab_core::comparison::Question;
use lab_core::evidence::metric::Metric;
use lab_core::report::Format;

use super::values::formats;

/// Arguments of `compare`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask compare
  cargo xtask compare reference-default --evidence
  cargo xtask compare reference-default --metrics latency-p99,server-cpu --scenarios remote
  cargo xtask compare reference-ci reference-ci-busy")]
pub struct Compare {
    /// A campaign below results/, by name or path; the newest if none is named.
    pub campaign: Option<String>,
    /// A second campaign, to be put beside the first one: of another machine, another kernel version, a busy host. Both
    /// have to be of the virtual clock. The exit code is 0 if both say the same of every variant, 1 if they do not.
    pub other: Option<String>,
    /// What is compared, instead of throughput: latency-p99, server-cpu and so on, as in the table `metrics` of lab.toml.
    /// With several of them all decide about the exit code.
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = Metric::parse)]
    pub metrics: Vec<Metric>,
    /// The variant that the others are compared with, instead of the plan's baseline.
    #[arg(long, value_name = "NAME")]
    pub baseline: Option<String>,
    /// Show and judge only these variants, beside the baseline.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub variants: Vec<String>,
    /// Show and judge only these scenarios.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub scenarios: Vec<String>,
    /// Show and judge only these workloads.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub workloads: Vec<String>,
    /// How it is printed.
    #[arg(long, value_name = "FORM", value_parser = formats(), default_value = "table")]
    pub format: Format,
    /// Not only the answer, but all that it rests on: kernels, machine, scenarios, samples, requests, behaviour, costs.
    #[arg(long, conflicts_with_all = ["format", "other"])]
    pub evidence: bool,
    /// Instead: in which functions of the kernel the variants differ. Needs a campaign of `run-lab --profile`.
    #[arg(
        long,
        conflicts_with_all = ["format", "evidence", "other", "metrics", "baseline", "variants", "scenarios", "workloads"]
    )]
    pub profile: bool,
}

impl Compare {
    /// What is asked of the campaign.
    pub(crate) fn question(&self) -> Question {
        let Compare { metrics, baseline, variants, scenarios, workloads, .. } = self.clone();
        Question { metrics, baseline, variants, scenarios, workloads }
    }
}
