//! The arguments of `run-lab`.

use std::path::PathBuf;

use clap::Args;

use super::values::{Choice, permille};

/// Arguments of `run-lab`.
#[derive(Debug, Default, Args)]
#[command(after_help = "Examples:
  cargo xtask run-lab
  cargo xtask run-lab --dry-run
  cargo xtask run-lab --plan ci --scenarios local --boots 1
  cargo xtask run-lab --each-patch async-dio --workloads dd-read
  cargo xtask run-lab --fault-suite
  cargo xtask run-lab --fault-suite --only sysrq-crash,soft-lockup --plan faults-7-3")]
pub struct RunLab {
    /// The plan of lab.toml to run.
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub plan: String,
    /// What the run is about.
    #[arg(skip)]
    pub subject: Subject,
    /// Counts the guest's instructions while the workloads run, and says in which functions of the kernel each variant differs
    /// from the baseline. One boot of each variant in each scenario, in a campaign of its own. Needs the virtual clock.
    #[arg(long, conflicts_with_all = ["boots", "add_boots"])]
    pub profile: bool,
    /// Boots per variant and scenario, instead of the plan's number.
    #[arg(long, value_name = "N")]
    pub boots: Option<u32>,
    /// Instead of a new campaign: so many more boots per variant and scenario for the newest campaign of the plan, which
    /// must have been made with the same kernels, image and settings.
    #[arg(long, value_name = "N", conflicts_with_all = ["boots", "dry_run"])]
    pub add_boots: Option<u32>,
    /// Takes more samples until half of each 95 % interval is no wider than this, e.g. 0.5%, instead of what the plan says; or
    /// says which row will not get there. For the virtual clock.
    #[arg(long, value_name = "PERCENT", value_parser = permille, conflicts_with_all = ["add_boots", "dry_run"])]
    pub precision: Option<u32>,
    /// Only say what would be done: every boot in order, what would be built, how long the boots take by the records of
    /// earlier ones. Nothing is started, installed, built or written.
    #[arg(long)]
    pub dry_run: bool,
    /// Only these variants of the plan; the baseline has to be among them.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub variants: Vec<String>,
    /// The variant that the others are compared with, instead of the plan's baseline. It has to be one of those that are run.
    #[arg(long, value_name = "NAME", conflicts_with = "each_patch")]
    pub baseline: Option<String>,
    /// Instead of the plan's variants: the series patch by patch, each step compared with the one before it. A
    /// variant of lab.toml has to list the series; what stands before it there is applied first.
    #[arg(long, value_name = "SERIES", conflicts_with = "variants")]
    pub each_patch: Option<String>,
    /// Tests the lab with kernels that fail in known ways: boots each fault, and says whether outcome, kind and title are what they
    /// should be. The exit code is 0 if all are, 1 if not. Without --plan the kernels are those of the plan `faults`.
    #[arg(long, conflicts_with_all = ["profile", "boots", "add_boots", "precision", "dry_run", "variants", "baseline", "each_patch"])]
    pub fault_suite: bool,
    /// Only these faults of the suite.
    #[arg(long, value_name = "NAME", value_delimiter = ',', requires = "fault_suite")]
    pub only: Vec<String>,
    /// Where the consoles of the suite are kept as test data.
    #[arg(long, value_name = "FOLDER", requires = "fault_suite", hide = true)]
    pub captures: Option<PathBuf>,
    /// What of the plan, and in which form.
    #[command(flatten)]
    pub choice: Choice,
}

/// What a run says something about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Subject {
    /// The kernels of a plan.
    #[default]
    Kernels,
    /// The lab itself: the plan's baseline in all arms, with slowdowns of known size.
    Lab,
}
