//! One start of one kernel in QEMU, from the command line to everything that was received.

mod command;
mod pin;
mod process;
mod qmp;
mod received;
mod stopped;
mod streams;
mod timers;
mod trial;
mod watch;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lab_core::plan::Binding;
use lab_protocol::Nonce;

pub(crate) use command::kernel_command_line;
pub use command::{ConsoleDevice, Machine};
pub(crate) use pin::{Pinning, take};
pub(crate) use trial::try_machine;
pub use watch::boot;
#[cfg(test)]
pub(crate) use watch::tests::ended_by_limits;
pub(crate) use watch::{names_cpu_threads, qemu_command_text};

/// How many bytes of a console are kept; the middle of a longer one is cut out.
pub(crate) const CONSOLE_KEPT_BYTES: usize = 32 << 20;

/// What to start and how long to wait for it.
#[derive(Clone, Debug)]
pub struct BootRequest {
    /// The virtual machine.
    pub machine: Machine,
    /// The kernel.
    pub kernel_image: PathBuf,
    /// The initramfs, with the assignment appended.
    pub initramfs: PathBuf,
    /// What the frames of this boot carry.
    pub nonce: Nonce,
    /// The CPUs of the host that QEMU's threads are bound to; of none if it may use all.
    pub host_cpus: Binding,
    /// Where the console is written while it comes, for a look from outside; none for a test boot.
    pub live_console: Option<PathBuf>,
    /// What counts the guest's instructions; none for a boot that is not profiled.
    pub profile: Option<Profile>,
    /// The socket on which QEMU waits for a debugger before the first instruction; none to start at once.
    pub debugger: Option<PathBuf>,
    /// The terminal of somebody who works in the guest; none for a boot that runs by itself. For machines with the wall clock.
    pub terminal: Option<TerminalSockets>,
    /// How long QEMU may run, real time.
    pub wall_limit: Duration,
    /// How long neither console nor report port may give a byte, real time.
    pub silence_limit: Duration,
}

impl BootRequest {
    /// The library that QEMU is started with. Not for a debugger: at a breakpoint the main thread is to stop the other CPUs at
    /// once, whether or not they sleep.
    fn library(&self) -> Option<&Path> {
        self.machine.turns.as_deref().filter(|_| self.debugger.is_none())
    }
}

/// The sockets, on which somebody listens, of a second terminal of the guest.
#[derive(Clone, Debug)]
pub struct TerminalSockets {
    /// What is typed and shown.
    pub bytes: PathBuf,
    /// How large it is, a line for each change.
    pub sizes: PathBuf,
}

/// What counts the guest's instructions.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The plugin of QEMU.
    pub plugin: PathBuf,
    /// Where it writes what it counted.
    pub counts: PathBuf,
}

/// Time that is left until `limit` after `since`, zero if it has passed.
fn remaining(since: Instant, limit: Duration) -> Duration {
    limit.saturating_sub(since.elapsed())
}
