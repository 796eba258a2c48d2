//! `lab.toml` as it is written: every table read, checked and named.
//!
//! [`Config::parse`] is pure and gives either a sound configuration or the first mistake with its line, column,
//! key and remedy. Sound means that every plan in it resolves, not only the one that is about to run; what can
//! be wrong afterwards is the command line ([`crate::plan::resolve()`]) or the checkout ([`Inventory`], and the job
//! files of [`Config::with_jobs`]).

mod action;
mod args;
mod check;
mod comment;
mod cpus;
mod debug;
pub mod error;
mod fault;
mod filesystem;
mod inventory;
mod job;
mod kernel;
mod known;
mod named;
mod reader;
mod scenario;
mod sections;
mod server;
mod source;
mod sweep;

use std::collections::BTreeMap;

use lab_protocol::{Job, ProbeSet, WorkloadTask};

pub(crate) use args::{dd_block_bytes, is_direct};
pub use check::BOOTS;
pub(crate) use check::baseline_among_variants;
pub(crate) use check::boots_fit;
pub(crate) use check::compared_scenarios;
pub(crate) use check::control_arm;
pub(crate) use check::data_is_kept;
pub(crate) use check::enough_variants;
pub(crate) use check::not_empty;
pub(crate) use check::precision_fits;
pub(crate) use check::probes_fit;
pub(crate) use check::probes_have_a_server;
pub(crate) use check::users_are_let_in;
pub(crate) use check::workload_fits;
pub(crate) use check::workload_suits;
pub(crate) use debug::never_timed;
pub use debug::{DebugOption, why_debug};
pub use error::ConfigError;
pub use inventory::{EXPECTED_DIR, FRAGMENT_DIR, Inventory, SERIES_DIR};
pub use sweep::SweepEntry;
pub(crate) use sweep::with_job_option;

use crate::evidence::known::Known;
use crate::evidence::metric::Thresholds;
use crate::plan::{KernelSettings, MachineSettings, Scenario, Source, Variant};
use error::Document;
use inventory::Reference;
use job::JobFile;

/// A sound `lab.toml`. Each map is keyed by the name that the file gives.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the kernel comes from and how it is configured.
    pub kernel: KernelSettings,
    /// The kernels that can be built.
    pub variants: BTreeMap<String, Variant>,
    /// What workloads can have their files on, `like` followed.
    pub scenarios: BTreeMap<String, Scenario>,
    /// The load tools with their arguments, `like` followed.
    pub workloads: BTreeMap<String, WorkloadTask>,
    /// The virtual machines, `like` followed.
    pub machines: BTreeMap<String, MachineSettings>,
    /// From which change on a difference counts.
    pub thresholds: Thresholds,
    /// Findings that count for nothing, in the order of the file.
    pub known: Vec<Known>,
    /// The plans, `like` followed.
    pub plans: BTreeMap<String, PlanEntry>,
    /// The files and folders of the checkout that it names.
    references: Vec<Reference>,
    /// The job files that its workloads name, by workload.
    jobs: BTreeMap<String, JobFile>,
    /// Where the CPUs of each machine are written.
    cpus: BTreeMap<String, reader::OptionPlace>,
    /// Where the workloads of each plan are written.
    timed: BTreeMap<String, reader::OptionPlace>,
    /// Name and text of the file, for the places of these.
    file: String,
    text: String,
}

/// A plan as written: names of what the other tables define.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanEntry {
    /// Of the machines.
    pub machine: String,
    /// Where its kernels come from instead of that of all plans.
    pub source: Option<Source>,
    /// Fragments on top of those of all plans, in this order.
    pub kernel_config: Vec<String>,
    /// Which options are on beside those that fragments ask for.
    pub options: OptionChoice,
    /// What makes its kernels debug kernels; found by [`Config::with_debug_kernels`].
    pub debug: Option<DebugOption>,
    /// The variant that the others are compared with; one of `variants`.
    pub baseline: String,
    /// If scenarios are compared: the one that the others are compared with; one of `scenarios`.
    pub baseline_scenario: Option<String>,
    /// In the order of the plan, without repetition.
    pub variants: Vec<String>,
    /// Likewise.
    pub scenarios: Vec<String>,
    /// Likewise. Empty only if all probes run instead.
    pub workloads: Vec<String>,
    /// The setting that it varies.
    pub sweep: Option<SweepEntry>,
    /// Which behaviour probes run.
    pub probes: Option<ProbeSet>,
    /// How often each variant is booted in each scenario.
    pub boots: u32,
    /// How narrow intervals are to become, thousandths; 0 for no matter.
    pub precision_permille: u32,
    /// What the order of the variants is drawn from.
    pub seed: u64,
}

/// Which options are on beside those that fragments ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionChoice {
    /// None.
    AsWritten,
    /// What the series of a plan need.
    Auto,
}

impl Config {
    /// Reads the text of a `lab.toml`; `file` is its name in error messages.
    ///
    /// # Errors
    /// The first mistake, of any kind that the text alone shows.
    pub fn parse(file: &str, text: &str) -> Result<Config, ConfigError> {
        sections::parse(file, text)
    }

    /// The kernel of a plan: the source and configuration of all plans, and what the plan has of its own.
    pub fn kernel_of(&self, plan: &PlanEntry) -> KernelSettings {
        let config = self.kernel.config.iter().chain(&plan.kernel_config).cloned().collect();
        let auto = match plan.options {
            OptionChoice::AsWritten => self.kernel.auto.clone(),
            OptionChoice::Auto => Some(Vec::new()),
        };
        let source = plan.source.as_ref().unwrap_or(&self.kernel.source).clone();
        let arch = self.machines[&plan.machine].arch;
        let variants: Vec<Variant> =
            plan.variants.iter().filter_map(|name| self.variants.get(name)).cloned().collect();
        KernelSettings { source, config, auto, arch }.with_series_of(&variants)
    }

    /// The variants that are for the source of all plans: all but those with another one, and those that only plans with
    /// another one list.
    pub fn variants_of_the_source(&self) -> Vec<Variant> {
        let listed = |name: &String, is_own: bool| {
            let mut plans = self.plans.values().filter(|plan| plan.source.is_some() == is_own);
            plans.any(|plan| plan.variants.contains(name))
        };
        let is_meant = |(name, variant): &(&String, &Variant)| {
            *self.kernel.source_of(variant) == self.kernel.source
                && (listed(name, false) || !listed(name, true))
        };
        self.variants.iter().filter(is_meant).map(|(_, variant)| variant.clone()).collect()
    }

    /// Compares with what the checkout holds.
    ///
    /// # Errors
    /// The first series without folder or fragment without file.
    pub fn check_references(&self, inventory: &Inventory) -> Result<(), ConfigError> {
        let document = Document { file: &self.file, text: &self.text };
        self.references.iter().try_for_each(|reference| inventory.holds(document, reference))
    }

    /// Gives each workload the job that it names. `read` gives the content of a file beside or below `lab.toml`, or what
    /// is wrong with it.
    ///
    /// # Errors
    /// The first job file that cannot be read, or holds what would not work in the guest or measure something else.
    pub fn with_jobs(mut self, read: impl Fn(&str) -> Result<String, String>) -> Result<Config, ConfigError> {
        let document = Document { file: &self.file, text: &self.text };
        for (name, JobFile { file, span, path }) in &self.jobs {
            let Some(workload) = self.workloads.get_mut(name) else { continue };
            let wrong = |message: String| {
                document.error(span, path, format!("{}: {message}", crate::text::suggest::quoted(file)))
            };
            let text = read(file).map_err(wrong)?;
            job::check(workload, &text).map_err(wrong)?;
            workload.job = Some(Job { file: file.clone(), text });
        }
        sweep::check_jobs(&self)?;
        Ok(self)
    }
}

#[cfg(test)]
pub(super) mod tests;
