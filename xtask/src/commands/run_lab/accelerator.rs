//! The accelerator of a plan, with the guest that tests it.

use anyhow::Context as _;
use lab_core::campaign::Host;
use lab_core::plan::{Plan, Variant};
use lab_protocol::Assignment;
use xshell::Shell;

use crate::build::image::Image;
use crate::build::kernel::Kernel;
use crate::build::kernels;
use crate::lab::Lab;
use crate::machine::accel::{self, Choice, MachineIdentity, TestGuest};
use crate::machine::guest;

/// Chooses the accelerator of `plan`, of which these are the kernels.
///
/// # Errors
/// If KVM is demanded and does not work, or a guest to test it cannot be made.
pub(super) fn choose(
    sh: &Shell,
    lab: &Lab,
    plan: &Plan,
    host: &Host,
    qemu_version: &str,
    kernels: &[Kernel],
    image: &Image,
) -> anyhow::Result<Choice> {
    let scratch = lab.cache.temporary_folder("accelerator-")?;
    let test_guest = || -> anyhow::Result<TestGuest> {
        let kernel = unpatched(sh, lab, plan, kernels)?;
        let (initramfs, nonce) = (scratch.path().join("initramfs"), guest::random_nonce()?);
        guest::write_initramfs(&image.path, &assignment(plan, nonce)?, None, &initramfs)?;
        Ok(TestGuest { kernel_image: kernel.kernel_image, kernel: kernel.digest, initramfs, nonce })
    };
    let identity = MachineIdentity { cpu: &host.cpu, kernel: &host.kernel, qemu_version };
    accel::choose(&lab.cache, plan.machine.accel, plan.machine.arch, identity, &test_guest, &lab.interrupt)
}

/// The kernel of the source as it is, so that no patch has a part in what the test shows: the plan's, or one that is built
/// for this.
fn unpatched(sh: &Shell, lab: &Lab, plan: &Plan, kernels: &[Kernel]) -> anyhow::Result<Kernel> {
    if let Some(kernel) = unpatched_place(&plan.variants).and_then(|place| kernels.get(place)) {
        return Ok(kernel.clone());
    }
    let variant = Variant::new("unpatched", Vec::new());
    let kernels = kernels::ensure(sh, lab, &plan.kernel, &[variant]).context("a kernel to test KVM with")?;
    kernels.into_iter().next().context("a kernel to test KVM with")
}

fn unpatched_place(variants: &[Variant]) -> Option<usize> {
    variants.iter().position(Variant::is_unpatched)
}

/// What the test guest does: it mounts what the first scenario has, and ends.
fn assignment(plan: &Plan, nonce: lab_protocol::Nonce) -> anyhow::Result<Assignment> {
    let scenario = plan.scenarios.first().context("a plan has at least one scenario")?;
    Ok(Assignment {
        nonce,
        server: scenario.server.clone(),
        foreign: scenario.foreign.clone(),
        // Enough for the journal of a file system.
        filesystem: scenario.filesystem.clone(),
        storage_mib: if scenario.filesystem.is_some() { 64 } else { 16 },
        workloads: Vec::new(),
        workload_limit_s: plan.machine.workload_limit_s,
        phase_us: 0,
        sampling: lab_protocol::Sampling::plain(),
        shell: None,
        failure: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever stands first in the plan may be what a patch has broken.
    #[test]
    fn kvm_is_tested_with_no_patch() {
        let variant =
            |series: &[&str]| Variant::new("x", series.iter().map(|&name| name.to_owned()).collect());
        assert_eq!(unpatched_place(&[variant(&["broken"]), variant(&[]), variant(&[])]), Some(1));
        assert_eq!(unpatched_place(&[variant(&["sync-dio"]), variant(&["async-dio"])]), None);
    }
}
