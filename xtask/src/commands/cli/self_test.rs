//! The arguments of `self-test`.

use clap::Args;

use super::run_lab::{RunLab, Subject};
use super::values::{Choice, permille};

/// Arguments of `self-test`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  cargo xtask self-test
  cargo xtask self-test --variants stock --scenarios local --workloads dd-read
  cargo xtask self-test --plan mail")]
pub struct SelfTest {
    /// The plan of lab.toml whose machine, scenarios and workloads are used, and whose baseline is booted.
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub plan: String,
    /// The variant that is booted, instead of the plan's baseline. One only.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub variants: Vec<String>,
    /// Boots per arm and scenario, instead of two, and of six in real time.
    #[arg(long, value_name = "N")]
    pub boots: Option<u32>,
    /// Instead of a new campaign: so many more boots per arm and scenario for the newest self-test of the plan, which must
    /// have been made with the same kernels, image and settings.
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
    /// What of the plan, and in which form.
    #[command(flatten)]
    pub choice: Choice,
}

impl SelfTest {
    /// The run of the main job that it is.
    pub(crate) fn as_run(&self) -> RunLab {
        let SelfTest { plan, variants, boots, add_boots, precision, dry_run, choice } = self.clone();
        RunLab {
            subject: Subject::Lab,
            plan,
            variants,
            boots,
            add_boots,
            precision,
            dry_run,
            choice,
            ..RunLab::default()
        }
    }
}
