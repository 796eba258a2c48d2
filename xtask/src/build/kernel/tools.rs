//! Compiler and linker, as far as they shape a kernel.

use anyhow::Context as _;
use lab_core::plan::Arch;
use xshell::{Shell, cmd};

use crate::build::target::Target;
use crate::lab::process;

/// The programs whose version shapes the kernel.
pub(crate) struct Tools {
    pub(super) compiler: String,
    pub(super) linker: String,
}

impl Tools {
    /// Those for kernels of `arch`.
    ///
    /// # Errors
    /// If one of them is missing.
    pub(crate) fn find(sh: &Shell, arch: Arch) -> anyhow::Result<Self> {
        let prefix = Target::of(arch).prefix()?;
        let version = |name: &str| version_line(sh, &format!("{prefix}{name}"));
        Ok(Tools { compiler: version("gcc")?, linker: version("ld")? })
    }
}

fn version_line(sh: &Shell, program: &str) -> anyhow::Result<String> {
    let text = process::read(cmd!(sh, "{program} --version").env("LC_ALL", "C")).with_context(|| {
        format!("asking {program} for its version (`cargo xtask doctor` names its package)")
    })?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
