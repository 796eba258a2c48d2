//! A debugger for a boot: where QEMU waits for it, and how it is started.

use std::path::PathBuf;

use lab_core::plan::Arch;
use lab_core::text::escape::escape_for_terminal;
use xshell::Shell;

use crate::build::kernel::{Kernel, vmlinux};
use crate::lab::scratch::ScratchFolder;
use crate::lab::{Lab, output, sockets_folder};
use crate::machine::host;
use crate::machine::need::{Need, What, need};

const GDB: Need = need(What::Program("gdb"), "gdb", "a boot with --gdb");

/// It knows all architectures.
const GDB_MULTIARCH: Need =
    need(What::Program("gdb-multiarch"), "gdb-multiarch", "a boot with --gdb of another arch");

/// What a debugger needs of a boot.
pub(super) struct Debugger {
    folder: ScratchFolder,
    vmlinux: PathBuf,
    gdb: Need,
}

impl Debugger {
    /// One for this kernel.
    ///
    /// # Errors
    /// If `vmlinux` cannot be made.
    pub(super) fn new(sh: &Shell, lab: &Lab, kernel: &Kernel) -> anyhow::Result<Self> {
        let vmlinux = vmlinux::ensure(sh, &lab.cache, kernel)?;
        let gdb = if is_own(kernel.metadata.arch)? { GDB } else { GDB_MULTIARCH };
        Ok(Debugger { folder: sockets_folder()?, vmlinux, gdb })
    }

    /// Where QEMU waits.
    pub(super) fn socket(&self) -> PathBuf {
        self.folder.path().join("debugger")
    }

    /// Says how a debugger is attached.
    pub(super) fn tell(&self, sh: &Shell) {
        if self.gdb.what.find().is_none() {
            let missing = [self.gdb.package].into();
            output::tell(&format!(
                "{} is not there; {}",
                self.gdb.what.name(),
                host::system(sh).remedy(&missing)
            ));
        }
        let (vmlinux, socket) = (self.vmlinux.display(), self.socket());
        output::tell("QEMU waits for a debugger; in another terminal:");
        output::tell(&escape_for_terminal(&format!(
            "  {} {vmlinux} -ex 'target remote {}' -ex 'hbreak FUNCTION' -ex continue",
            self.gdb.what.name(),
            socket.display()
        )));
    }
}

fn is_own(arch: Arch) -> anyhow::Result<bool> {
    Ok(host::arch()? == arch)
}
