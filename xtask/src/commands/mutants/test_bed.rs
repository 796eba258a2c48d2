//! Where the kernels of a run are booted, and where what came of it is kept.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use lab_core::campaign::{BootData, CampaignFile, CampaignKernel};
use lab_core::comparison::mutants::control_failures;
use lab_core::evidence::outcome::Outcome;
use lab_core::plan::{BootStep, SideBySide, Variant};
use lab_core::text::digest::Parts;
use xshell::Shell;

use super::kept::{Came, Kept};
use crate::build::image::Image;
use crate::build::kernel::Kernel;
use crate::campaign::execute::{self, BootContext, Neighbours, TypicalTimes};
use crate::campaign::{CampaignFolder, folder_name};
use crate::commands::run_lab::boots_side_by_side;
use crate::lab::interrupt::Interrupted;
use crate::lab::{Lab, digest, files, output};
use crate::machine::boot::{Machine, Pinning};

/// What all boots of a run have in common.
pub(super) struct TestBed<'a> {
    pub(super) lab: &'a Lab,
    folder: CampaignFolder,
    /// As of a campaign whose one boot is that of the right kernel.
    file: CampaignFile,
    machine: Machine,
    image: PathBuf,
    pub(super) side_by_side: SideBySide,
    neighbours: Neighbours,
}

/// The boot of the right kernel.
pub(super) struct Control {
    pub(super) boot: BootData,
}

impl Control {
    /// When the boot of a mutant is over at the latest.
    pub(super) fn limits(&self) -> Limits {
        let known = control_failures(&self.boot).map_or(0, |failures| failures.len());
        Limits {
            seconds: limit_s(self.boot.record.wall_s),
            failures: Some(u32::try_from(known).unwrap_or(u32::MAX).saturating_add(ENOUGH)),
        }
    }
}

/// When a boot is over at the latest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Real time: some faults make a kernel turn in circles, and talk meanwhile.
    seconds: u32,
    /// Probes that fail; none if all are to run.
    failures: Option<u32>,
}

/// What is caught needs no more than these to show what is wrong. A kernel in which every call fails takes several times as
/// long as the right one otherwise, since so many probes wait for what never comes.
const ENOUGH: u32 = 5;

fn limit_s(right_s: f64) -> u32 {
    ((right_s * LONGER) as u32).max(SHORTEST_LIMIT_S)
}

/// How many times as long as the right kernel a mutant may take: it runs the same probes, so what takes much longer has hung.
const LONGER: f64 = 10.0;

/// The shortest limit, seconds: what a host that is busy for a moment does to a short boot.
const SHORTEST_LIMIT_S: u32 = 180;

impl<'a> TestBed<'a> {
    /// The folder of the run, held: that of an earlier one which booted the same in the same way.
    ///
    /// # Errors
    /// If it cannot be made, or another process runs the same.
    pub(super) fn open(
        sh: &Shell,
        lab: &'a Lab,
        series: &str,
        file: CampaignFile,
        machine: Machine,
        image: &Image,
        jobs: Option<u32>,
    ) -> anyhow::Result<Self> {
        let path = lab.results(sh)?.join(format!("mutants-{series}-{}", digest::short(&key(&file)?)));
        let Some(folder) = CampaignFolder::at(&path)? else {
            bail!("{} is in use by {}; wait until it ends", path.display(), CampaignFolder::holder(&path));
        };
        let text = toml::to_string_pretty(&file).context("writing what is booted as TOML")?;
        files::write_atomically(&path.join("mutants.toml"), text.as_bytes())?;
        let mut side_by_side = boots_side_by_side(&file.plan)?;
        side_by_side.boots = jobs.unwrap_or(side_by_side.boots);
        let (image, neighbours) = (image.path.clone(), Neighbours::default());
        Ok(TestBed { lab, folder, file, machine, image, side_by_side, neighbours })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The boot of the right kernel, run or found.
    ///
    /// # Errors
    /// If the user stops it, or it cannot be written.
    pub(super) fn control(&self, right: &Kernel) -> anyhow::Result<Control> {
        if let Some(boot) = self.kept_boot(&right.digest) {
            return Ok(Control { boot });
        }
        let name = self.file.plan.baseline.clone();
        let Some((folder, boot)) =
            self.boot((&name, 0), right, Limits { seconds: u32::MAX, failures: None })?
        else {
            return Err(Interrupted.into());
        };
        Kept::of_right(&name, &right.digest, Came::Booted(folder)).write(self.path())?;
        output::tell(&format!(
            "the kernel {name} without a fault: {} in {:.0} s",
            boot.record.outcome.word(),
            boot.record.wall_s
        ));
        Ok(Control { boot })
    }

    /// The boot of a kernel that is kept and was not lost.
    fn kept_boot(&self, kernel: &str) -> Option<BootData> {
        match Kept::read(self.path(), kernel)?.came {
            Came::Booted(folder) => self.read(&folder).ok().filter(|boot| !is_lost(boot)),
            Came::DoesNotBuild(_) | Came::Equal => None,
        }
    }

    /// The boot in this folder; none if it is lost, or cannot be read.
    pub(super) fn boot_in(&self, folder: &str) -> Option<BootData> {
        self.read(folder).ok().filter(|boot| !is_lost(boot))
    }

    fn read(&self, folder: &str) -> anyhow::Result<BootData> {
        self.folder.boot(folder, &self.file.plan.known)
    }

    /// Boots a kernel within these limits: the folder of the boot, and what it showed; none if the user stopped it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn boot(
        &self,
        (name, number): (&str, u32),
        kernel: &Kernel,
        limits: Limits,
    ) -> anyhow::Result<Option<(String, BootData)>> {
        let (mut file, step) = self.of_kernel(name, number, kernel)?;
        let machine = &mut file.plan.machine;
        machine.wall_limit_s = machine.wall_limit_s.min(limits.seconds);
        machine.silence_limit_s = machine.silence_limit_s.min(limits.seconds);
        let context = BootContext {
            cache: &self.lab.cache,
            folder: &self.folder,
            file: &file,
            machine: self.machine.clone(),
            side_by_side: self.side_by_side,
            typical: TypicalTimes::new(),
            pinning: Pinning::default(),
            image: self.image.clone(),
            kernel_images: vec![kernel.kernel_image.clone()],
            profiler: None,
            enough_failures: limits.failures,
            again: None,
            failure: None,
            interrupt: &self.lab.interrupt,
        };
        let Some(record) = execute::run_one(&context, &self.neighbours, &step)? else { return Ok(None) };
        let folder = folder_name(&step, record.attempt);
        let boot = self.read(&folder)?;
        Ok(Some((folder, boot)))
    }

    /// The campaign of this kernel alone, and its boot.
    fn of_kernel(
        &self,
        name: &str,
        number: u32,
        kernel: &Kernel,
    ) -> anyhow::Result<(CampaignFile, BootStep)> {
        let mut file = self.file.clone();
        let first = file.plan.boots.first().context("a plan has at least one boot")?;
        let step = BootStep { number, variant: name.to_owned(), ..first.clone() };
        let rename = |variant: Variant| Variant { name: name.to_owned(), ..variant };
        file.plan.variants = file.plan.variants.into_iter().map(rename).collect();
        let kernel = kernel.metadata.identity();
        file.kernels = vec![CampaignKernel {
            variant: name.to_owned(),
            kernel,
            symbol_bytes: None,
            not_built: Vec::new(),
            turned_on: Vec::new(),
            options: None,
        }];
        Ok((file, step))
    }
}

fn is_lost(boot: &BootData) -> bool {
    matches!(boot.record.outcome, Outcome::Lost { .. })
}

/// Over everything that shapes a boot but the fault: plan, image, machine, right kernel.
fn key(file: &CampaignFile) -> anyhow::Result<String> {
    let text = |value: Result<String, toml::ser::Error>| value.context("writing what is booted as TOML");
    let mut parts = Parts::default()
        .with("plan", text(toml::to_string(&file.plan))?)
        .with("setup", text(toml::to_string(&file.setup))?);
    for kernel in &file.kernels {
        parts = parts.with("kernel", &kernel.kernel.digest);
    }
    Ok(parts.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mutant_gets_ten_times_as_long() {
        assert_eq!((limit_s(5.0), limit_s(30.0), limit_s(60.5)), (180, 300, 605));
    }
}
