//! What this stage knows of an architecture: how its kernels and programs are made, and where they are found.

use lab_core::plan::Arch;
use object::elf::{EM_AARCH64, EM_X86_64, Machine};

use crate::machine::host;

/// What an architecture is for the compilers.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) arch: Arch,
    /// `ARCH` of the kernel's build.
    pub(super) kernel_arch: &'static str,
    /// Where its build puts the kernel, below the object directory.
    pub(super) kernel_folder: &'static str,
    /// The name of rustc for the guest's programs.
    pub(super) triple: &'static str,
    /// That of GNU's tools and of folders for libraries.
    pub(super) gnu: &'static str,
    /// That of Debian.
    pub(super) debian: &'static str,
    /// That of ELF files.
    pub(super) elf: Machine,
}

const X86_64: Target = Target {
    arch: Arch::X86_64,
    kernel_arch: "x86_64",
    kernel_folder: "arch/x86/boot",
    triple: "x86_64-unknown-linux-gnu",
    gnu: "x86_64-linux-gnu",
    debian: "amd64",
    elf: EM_X86_64,
};

const ARM64: Target = Target {
    arch: Arch::Arm64,
    kernel_arch: "arm64",
    kernel_folder: "arch/arm64/boot",
    triple: "aarch64-unknown-linux-gnu",
    gnu: "aarch64-linux-gnu",
    debian: "arm64",
    elf: EM_AARCH64,
};

impl Target {
    /// That of an architecture.
    pub(super) fn of(arch: Arch) -> &'static Self {
        match arch {
            Arch::X86_64 => &X86_64,
            Arch::Arm64 => &ARM64,
        }
    }

    /// What the kernel's build makes, and the kernel's name in the cache.
    pub(super) fn kernel_name(&self) -> &'static str {
        self.arch.kernel_image()
    }

    /// Whether programs for it do not run on this machine.
    ///
    /// # Errors
    /// If this machine is of no architecture that the lab knows.
    pub(super) fn is_foreign(&self) -> anyhow::Result<bool> {
        Ok(host::arch()? != self.arch)
    }

    /// What stands in front of the names of its compiler and its linker on this machine: nothing, if they are its own.
    ///
    /// # Errors
    /// As [`Target::is_foreign`].
    pub(super) fn prefix(&self) -> anyhow::Result<String> {
        Ok(if self.is_foreign()? { format!("{}-", self.gnu) } else { String::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::machine::need::What;
    use crate::machine::platform::Platform;

    /// The packages that are asked for are those of the compilers that are run.
    #[test]
    fn compilers_for_another_machine_are_those_that_are_installed() {
        for (arch, host) in [(Arch::X86_64, Arch::Arm64), (Arch::Arm64, Arch::X86_64)] {
            let needs = Platform::of(arch).needs(host);
            let programs = needs.iter().map(|need| need.what.name());
            let gnu = Target::of(arch).gnu;
            for program in [format!("{gnu}-gcc"), format!("{gnu}-ld")] {
                assert!(programs.clone().any(|name| name == program), "{program}");
            }
            assert!(needs.iter().any(|need| matches!(need.what, What::File(path) if path.contains(gnu))));
            assert_eq!(Platform::of(arch).needs(arch).len(), 1);
        }
    }
}
