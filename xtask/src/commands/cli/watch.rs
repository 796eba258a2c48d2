//! The arguments of `watch`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Arguments of `watch`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask watch --git ~/linux --ref fuse-next --once
  cargo xtask watch --git ~/linux --since v6.12 --tags 'v6.*' --once
  cargo xtask watch --git ~/linux --ref fuse-next --every 5 --interval 3600")]
pub struct Watch {
    /// The kernel tree: a git repository on this machine. Nothing in it is changed.
    #[arg(long, value_name = "TREE")]
    pub git: PathBuf,
    /// The branch that is watched, along the first parents of its commits.
    #[arg(long = "ref", value_name = "BRANCH", default_value = "HEAD")]
    pub branch: String,
    /// Measure only commits of the branch that have a tag like this, e.g. 'v6.*'. The commits between two of them are still measured
    /// if a step lies there.
    #[arg(long, value_name = "PATTERN", conflicts_with = "every")]
    pub tags: Option<String>,
    /// The commit to begin with, which is measured, too. Without it the series begins with the newest commit of the first look.
    #[arg(long, value_name = "COMMIT")]
    pub since: Option<String>,
    /// The plan of lab.toml that says what each kernel runs. Its variants play no part. It needs the virtual clock.
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub plan: String,
    /// Only these scenarios of the plan.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub scenarios: Vec<String>,
    /// Only these workloads of the plan.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub workloads: Vec<String>,
    /// Boots of each kernel in each scenario, instead of the plan's number: more of them make intervals narrower.
    #[arg(long, value_name = "N")]
    pub boots: Option<u32>,
    /// Hold the probes of all kernels against this table of expected results, a file of images/probe/expected/ without .toml.
    /// Without one each probe that says something else than before is a step.
    #[arg(long, value_name = "TABLE")]
    pub behaviour: Option<String>,
    /// Measure each N-th commit, and the newest one. The others are measured if a step lies around them.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub every: u32,
    /// Measure at most so many kernels in a look; the next one goes on.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
    /// Look once, measure what is missing, and end.
    #[arg(long, conflicts_with = "interval")]
    pub once: bool,
    /// How long to wait between two looks.
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..))]
    pub interval: u64,
    /// Say that there is a step, and leave the commits inside it alone.
    #[arg(long)]
    pub no_bisect: bool,
    /// How the series is printed.
    #[arg(long, value_enum, value_name = "FORM", default_value = "table")]
    pub format: WatchFormat,
}

/// How a series of commits is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WatchFormat {
    /// For a terminal.
    Table,
    /// A line for each commit and row.
    Csv,
    /// A page with pictures.
    Html,
}
