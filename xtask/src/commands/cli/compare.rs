//! The arguments of `compare`.

use clap::Args;
use lab_core::evidence::metric::Metric;
use lab_core::report::Format;

use super::values::formats;

/// Arguments of `compare`.
#[derive(Clone, Debug, Args)]
pub struct Compare {
    /// A campaign below results/, by name or path; the newest if none is named.
    pub campaign: Option<String>,
    /// A second campaign, to be put beside the first one: of another machine, another kernel version, a busy host. Both
    /// have to be of the virtual clock. The exit code is 0 if both say the same of every variant, 1 if they do not.
    pub other: Option<String>,
    /// What is compared, instead of throughput: latency-p99, server-cpu and so on, as in the table `metrics` of lab.toml.
    /// With several of them all decide about the exit code.
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = Metric::parse)]
    pub metric: Vec<Metric>,
    /// The variant that the others are compared with, instead of the plan's baseline.
    #[arg(long, value_name = "VARIANT")]
    pub against: Option<String>,
    /// How it is printed.
    #[arg(long, value_name = "FORM", value_parser = formats(), default_value = "table")]
    pub format: Format,
    /// Not only the answer, but all that it rests on: kernels, machine, scenarios, samples, requests, behaviour, costs.
    #[arg(long, conflicts_with_all = ["format", "other"])]
    pub evidence: bool,
    /// Instead: when the requests of one read or write went out and came back, kernel by kernel. Needs a scenario
    /// with a request log, such as that of the plan `timeline`.
    #[arg(long, conflicts_with_all = ["format", "evidence", "other", "metric", "against"])]
    pub timeline: bool,
    /// Instead: in which functions of the kernel the variants differ. Needs a campaign of `run-lab --profile`.
    #[arg(long, conflicts_with_all = ["format", "evidence", "other", "metric", "against", "timeline"])]
    pub profile: bool,
    /// The scenario of the timeline; the first one with a request log if none is named.
    #[arg(long, value_name = "NAME", requires = "timeline")]
    pub scenario: Option<String>,
    /// The workload of the timeline; the first one if none is named.
    #[arg(long, value_name = "NAME", requires = "timeline")]
    pub workload: Option<String>,
    /// Only this boot; otherwise the first one of each variant.
    #[arg(long, value_name = "N", requires = "timeline")]
    pub boot: Option<u32>,
}
