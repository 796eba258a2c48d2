//! `replay`: one boot of a campaign once more, and whether it does the same.

mod debugger;

use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use lab_core::campaign::{BootData, CampaignFile, CampaignKernel, Record, Setup};
use lab_core::comparison::replay::{Replay, Watched};
use xshell::Shell;

use self::debugger::Debugger;
use crate::build::again;
use crate::build::image::Image;
use crate::build::kernel::Kernel;
use crate::build::library;
use crate::campaign::execute::{self, Again, BootContext, Neighbours, TypicalTimes};
use crate::campaign::{self, CampaignFolder, folder_name};
use crate::commands::run_lab::boots_side_by_side;
use crate::commands::{cli, preflight};
use crate::lab::digest::short;
use crate::lab::interrupt::Interrupted;
use crate::lab::{Lab, output};
use crate::machine::accel;
use crate::machine::accelerator::Accelerator;
use crate::machine::boot::{Machine, kernel_command_line};
use crate::machine::host;

/// Boots one boot of a campaign again and says whether it did the same; the exit code is 1 if not. Nothing is written into the
/// campaign.
///
/// # Errors
/// If there is no such boot, or its kernel, image or machine cannot be had here.
pub fn replay(sh: &Shell, options: &cli::Replay) -> anyhow::Result<ExitCode> {
    preflight::machine()?;
    let lab = Lab::open()?;
    let results = lab.results(sh)?;
    let path = campaign::find(&results, Some(&options.campaign))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let file = campaign::file(&path)?;
    let then = campaign::boot(&path, &options.boot)?;
    preflight::packages(sh, &lab, &file.plan)?;
    let machine = library::with_turns(sh, &lab.cache, lab.checkout.root(), machine(sh, &file, &then)?)?;
    let kernel = again::kernel(sh, &lab, &file, &then.record)?;
    let image = again::image(sh, &lab, &file, &then.record)?;
    output::tell(&format!("kernel {}  image {}", short(&kernel.digest), short(&image.sha256)));

    let folder = results.join("replay").join(&name);
    let Some(folder) = CampaignFolder::at(&folder)? else {
        bail!("{} is in use by {}; wait until it ends", folder.display(), CampaignFolder::holder(&folder));
    };
    let debugger = options.gdb.then(|| Debugger::new(sh, &lab, &kernel)).transpose()?;
    let bed = Bed { lab: &lab, folder: &folder, kernel: &kernel, image: &image, machine };
    let now = bed.boot(sh, file.clone(), &then, debugger.as_ref())?;
    output::tell(&format!("kept in {}", folder.path().join("boots").join(&now.folder).display()));
    let watched = if debugger.is_some() { Watched::ByADebugger } else { Watched::OnlyByTheLab };
    let replay = Replay::of(&then, &now, &file.plan.workloads, watched)?;
    output::print(&replay.text())?;
    Ok(ExitCode::from(u8::from(!replay.is_same)))
}

/// The machine of the boot, if this lab still makes it.
fn machine(sh: &Shell, file: &CampaignFile, then: &BootData) -> anyhow::Result<Machine> {
    let (setup, number) = (&then.record.setup, then.record.boot.number);
    let accelerator = Accelerator::named(&setup.accelerator).with_context(|| {
        format!("boot {number} ran under `{}`, which this lab does not know", setup.accelerator)
    })?;
    if accelerator == Accelerator::Kvm {
        accel::open_device()
            .with_context(|| format!("boot {number} ran under KVM, and /dev/kvm does not open here"))?;
    }
    host::require_machine_type(sh, setup.arch, setup.clock)?;
    let machine = Machine::new(&file.plan.machine, accelerator);
    let kind = machine.platform().machine_type(machine.clock);
    for (what, then, here) in [
        ("machine", &setup.machine, kind.to_owned()),
        ("kernel command line", &setup.kernel_command_line, kernel_command_line(&machine)),
    ] {
        ensure!(
            *then == here,
            "boot {number} had the {what} `{then}`, and this lab gives it `{here}`; run this in a checkout of the lab at {}",
            file.lab_commit
        );
    }
    Ok(machine)
}

/// What the boot needs.
struct Bed<'a> {
    lab: &'a Lab,
    folder: &'a CampaignFolder,
    kernel: &'a Kernel,
    image: &'a Image,
    machine: Machine,
}

impl Bed<'_> {
    /// Boots, and gives what was recorded.
    fn boot(
        self,
        sh: &Shell,
        mut file: CampaignFile,
        then: &BootData,
        debugger: Option<&Debugger>,
    ) -> anyhow::Result<BootData> {
        let Record { boot: step, setup, kernel, nonce, .. } = &then.record;
        let qemu_version = host::qemu_version(sh, setup.arch)?;
        if qemu_version != setup.qemu_version {
            output::tell(&format!("QEMU is {qemu_version}, then {}", setup.qemu_version));
        }
        file.setup = Setup { qemu_version, ..setup.clone() };
        file.kernels = vec![CampaignKernel {
            variant: step.variant.clone(),
            kernel: kernel.clone(),
            symbol_bytes: None,
            not_built: Vec::new(),
            turned_on: Vec::new(),
            options: None,
        }];
        let context = BootContext {
            cache: &self.lab.cache,
            folder: self.folder,
            side_by_side: boots_side_by_side(&file.plan)?,
            pinning: execute::take_cpus(&self.lab.cache, &file.plan.machine, &self.lab.interrupt)?,
            file: &file,
            machine: self.machine,
            image: self.image.path.clone(),
            kernel_images: vec![self.kernel.kernel_image.clone()],
            profiler: None,
            enough_failures: None,
            typical: TypicalTimes::new(),
            failure: None,
            again: Some(Again { nonce: *nonce, debugger: debugger.map(Debugger::socket) }),
            interrupt: &self.lab.interrupt,
        };
        output::tell(&format!("boot {}  {} / {}", step.number, step.variant, step.scenario));
        let record = match debugger {
            // A machine that whoever debugs has ended is not to wait for him once more.
            Some(debugger) => {
                debugger.tell(sh);
                execute::run_once(&context, step)?
            }
            None => execute::run_one(&context, &Neighbours::default(), step)?,
        };
        let record = record.ok_or(Interrupted)?;
        output::tell(&format!("{} in {:.1} s", record.outcome.word(), record.wall_s));
        self.folder.boot(&folder_name(step, record.attempt), &file.plan.known)
    }
}
