//! What this machine lacks for a job, found before anything is fetched or built.

use std::path::Path;

use anyhow::{bail, ensure};
use lab_core::plan::{self, AccelChoice, Arch, Clock, Plan};
use xshell::Shell;

use crate::build::{image, kernels};
use crate::lab::cache::Cache;
use crate::lab::{self, Lab, files};
use crate::machine::accelerator::Accelerator;
use crate::machine::boot::{Machine, try_machine};
use crate::machine::{accel, firmware, host, memory};

/// The guest's programs while they are compiled: measured 168 MiB, rounded up.
const PROGRAMS_BYTES: u64 = 256 << 20;

/// The records of a campaign, but for logs of requests: the largest of the lab's own plans has 9 MiB.
const RECORDS_BYTES: u64 = 64 << 20;

/// That this machine can build and boot at all: of an architecture that the lab knows, with a folder for sockets and one for the
/// cache.
///
/// # Errors
/// If not, with what to do.
pub(super) fn machine() -> anyhow::Result<()> {
    host::arch()?;
    if let Some(fault) = lab::fault_of_temporary_folder(&std::env::temp_dir()) {
        bail!("the temporary folder {fault}");
    }
    Cache::to_look_at()?.check()
}

/// That memory and disks have room for a plan, that its source and its accelerator can be had here, and that results can be
/// written.
///
/// # Errors
/// If not, with what to do.
pub(super) fn plan(sh: &Shell, lab: &Lab, plan: &Plan) -> anyhow::Result<()> {
    plan::side_by_side(plan, memory::room()).map_err(anyhow::Error::msg)?;
    if plan.machine.accel == AccelChoice::Kvm
        && let Some(reason) = accel::foreign(plan.machine.arch)?
    {
        bail!("{reason}; set accel = \"auto\" or \"tcg\" in lab.toml");
    }
    if plan.machine.accel == AccelChoice::Kvm
        && let Err(error) = accel::open_device()
    {
        bail!("/dev/kvm does not open: {error}; set accel = \"auto\" or \"tcg\" in lab.toml");
    }
    ensure!(
        firmware::IS_THERE || plan.machine.arch != Arch::X86_64 || plan.machine.clock == Clock::Wall,
        "the firmware of {} guests with the virtual clock is made on {0} machines only; take a machine of lab.toml with another \
         arch or with the wall clock",
        Arch::X86_64.name()
    );
    kernels::ensure_possible(sh, lab, &plan.kernel, &plan.variants)?;
    let checkout = lab.checkout.root();
    let results = lab.checkout.join("results");
    ensure!(
        files::is_writable(if results.is_dir() { &results } else { checkout }),
        "the checkout {} cannot be written to, where results and the guest's programs go; clone the repository to a folder of \
         your own",
        checkout.display()
    );
    let free_bytes = files::free_bytes(checkout)?;
    let needed_bytes =
        |has_image: bool| if has_image { RECORDS_BYTES } else { RECORDS_BYTES + PROGRAMS_BYTES };
    if free_bytes >= needed_bytes(false) {
        return Ok(());
    }
    let has_image = image::is_cached(sh, &lab.cache, checkout, &image::Contents::of(plan)).unwrap_or(false);
    match shortage(checkout, free_bytes, needed_bytes(has_image)) {
        Some(why) => bail!(why),
        None => Ok(()),
    }
}

fn shortage(checkout: &Path, free_bytes: u64, needed_bytes: u64) -> Option<String> {
    (free_bytes < needed_bytes).then(|| {
        format!(
            "not enough space in {}, where results and the guest's programs go: {} MiB free, {} MiB needed; make room, or \
             clone the repository to a larger disk",
            checkout.display(),
            free_bytes >> 20,
            needed_bytes >> 20
        )
    })
}

/// Installs and fetches what a plan needs and this machine lacks.
///
/// # Errors
/// If it cannot be had here, with what to do.
pub(super) fn packages(sh: &Shell, lab: &Lab, plan: &Plan) -> anyhow::Result<()> {
    host::require(sh, plan.machine.arch, &plan.programs())?;
    image::prepare(sh, &lab.cache, lab.checkout.root(), &image::Contents::of(plan))
}

/// That QEMU makes the plan's machine, and that the guest's image can be made; the packages have to be there. Whether a guest runs
/// under KVM is tested later.
///
/// # Errors
/// If not, with what QEMU says or what is missing.
pub(super) fn programs(sh: &Shell, lab: &Lab, plan: &Plan) -> anyhow::Result<()> {
    let accelerator = match plan.machine.accel {
        AccelChoice::Kvm => Accelerator::Kvm,
        AccelChoice::Auto | AccelChoice::Tcg => Accelerator::Tcg,
    };
    if let Err(error) = try_machine(sh, &Machine::new(&plan.machine, accelerator)) {
        // Of that lack there is more to say than QEMU does.
        host::require_machine_type(sh, plan.machine.arch, plan.machine.clock)?;
        return Err(error.context(format!("plan {}", plan.name)));
    }
    image::ensure_possible(sh, &lab.cache, lab.checkout.root(), &image::Contents::of(plan))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkout_on_a_full_disk() {
        assert_eq!(shortage(Path::new("/c"), RECORDS_BYTES, RECORDS_BYTES), None);
        assert_eq!(
            shortage(Path::new("/c"), 63 << 20, RECORDS_BYTES).unwrap(),
            "not enough space in /c, where results and the guest's programs go: 63 MiB free, 64 MiB needed; make room, or clone \
             the repository to a larger disk"
        );
    }
}
