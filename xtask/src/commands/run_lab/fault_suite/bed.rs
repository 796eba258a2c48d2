//! A kernel of the suite with its machine, and the boots of it.

use anyhow::{Context as _, ensure};
use lab_core::campaign::{BootData, CampaignFile, CampaignKernel};
use lab_core::plan::config::Config;
use lab_core::plan::fault_suite::{Fault, FaultConsole, SERIES};
use lab_core::plan::{self, BootStep, Clock, Overrides, Plan, SideBySide, Variant};
use xshell::Shell;

use super::{ensure_image, host};
use crate::build::image::Image;
use crate::build::kernel::Kernel;
use crate::build::kernels;
use crate::campaign::execute::{self, BootContext, TypicalTimes};
use crate::campaign::{CampaignFolder, folder_name};
use crate::commands::preflight;
use crate::commands::run_lab::{boots_side_by_side, campaign_and_machine};
use crate::lab::Lab;
use crate::lab::interrupt::Interrupted;
use crate::lab::stopwatch::Stopwatch;
use crate::machine::boot::{ConsoleDevice, Machine, Pinning, kernel_command_line};
use crate::machine::host::this_host;

/// What boots with one kernel need.
pub(super) struct Bed {
    /// As of a campaign of one kernel.
    file: CampaignFile,
    machine: Machine,
    pub(super) kernel: Kernel,
    image: Image,
    pub(super) side_by_side: SideBySide,
}

impl Bed {
    /// Builds or finds what the boots of this plan need.
    ///
    /// # Errors
    /// If there is no such plan, it has no kernel that fails, or something cannot be had.
    pub(super) fn prepare(
        sh: &Shell,
        lab: &Lab,
        config: &Config,
        name: &str,
        watch: &mut Stopwatch,
    ) -> anyhow::Result<Bed> {
        let plan = plan_of(config, name)?;
        preflight::plan(sh, lab, &plan)?;
        watch.step("packages", || preflight::packages(sh, lab, &plan))?;
        preflight::programs(sh, lab, &plan)?;
        let mut kernels = watch.step("kernels", || kernels::ensure(sh, lab, &plan.kernel, &plan.variants))?;
        let image = watch.step("image", || ensure_image(sh, lab, &plan))?;
        let side_by_side = boots_side_by_side(&plan)?;
        let (file, machine) = campaign_and_machine(sh, lab, plan, this_host(sh), &kernels, &image)?;
        let kernel = kernels.pop().context("a kernel")?;
        Ok(Bed { file, machine, kernel, image, side_by_side })
    }

    /// Boots a fault once, however it ends.
    ///
    /// # Errors
    /// If the boot cannot be recorded.
    pub(super) fn boot(
        &self,
        lab: &Lab,
        folder: &CampaignFolder,
        number: u32,
        fault: &Fault,
    ) -> anyhow::Result<BootData> {
        let machine = self.machine_for(fault);
        let file = self.file_for(fault, &machine);
        let first = file.plan.boots.first().context("a plan has at least one boot")?;
        let step = BootStep { number, variant: fault.name.clone(), probes: None, ..first.clone() };
        let context = BootContext {
            cache: &lab.cache,
            folder,
            file: &file,
            machine,
            side_by_side: self.side_by_side,
            typical: TypicalTimes::new(),
            pinning: Pinning::default(),
            image: self.image.path.clone(),
            kernel_images: vec![self.kernel.kernel_image.clone()],
            profiler: None,
            enough_failures: None,
            again: None,
            failure: Some(fault.guest.clone()),
            interrupt: &lab.interrupt,
        };
        let boots = folder.boots();
        let record = host::during(fault.host, &boots, &boots.join(step.folder()), || {
            execute::run_once(&context, &step)
        })?;
        let record = record.ok_or(Interrupted)?;
        folder.boot(&folder_name(&step, record.attempt), &[])
    }

    fn machine_for(&self, fault: &Fault) -> Machine {
        let mut machine = self.machine.clone();
        machine.kernel_parameters = format!("{} {}", machine.kernel_parameters, fault.parameters);
        if fault.console == FaultConsole::Virtio {
            (machine.clock, machine.console) = (Clock::Wall, ConsoleDevice::Virtio);
        }
        machine
    }

    fn file_for(&self, fault: &Fault, machine: &Machine) -> CampaignFile {
        let mut file = self.file.clone();
        file.plan.machine.clock = machine.clock;
        file.setup.clock = machine.clock;
        file.setup.kernel_command_line = kernel_command_line(machine);
        for variant in &mut file.plan.variants {
            variant.name.clone_from(&fault.name);
        }
        file.kernels = vec![CampaignKernel {
            variant: fault.name.clone(),
            kernel: self.kernel.metadata.identity(),
            symbol_bytes: None,
            not_built: Vec::new(),
            turned_on: Vec::new(),
            options: None,
        }];
        file
    }
}

/// The plan with the kernel that fails alone: one boot in the first scenario.
fn plan_of(config: &Config, name: &str) -> anyhow::Result<Plan> {
    let plan = plan::resolve(config, name, &Overrides::default())?;
    let fails = |variant: &&Variant| variant.series.iter().any(|series| series == SERIES);
    let variant = plan.variants.iter().find(fails).cloned();
    let variant = variant.with_context(|| {
        format!("plan {name} has no variant with the series {SERIES}; name one such as `faults` with --plan")
    })?;
    ensure!(
        plan.machine.clock == Clock::Virtual,
        "plan {name} has the wall clock, with which waiting takes its time; name one with the virtual clock"
    );
    let scenarios = plan.scenarios.iter().take(1).cloned().collect();
    let entry = config.plans.get(name).context("a plan that is resolved is there")?;
    let (kernel, variants) = config.kernel_of(entry).around(&variant.name, vec![variant.clone()]);
    Ok(Plan { baseline: variant.name, kernel, variants, scenarios, ..plan }.with_repetitions(1))
}
