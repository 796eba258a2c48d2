//! What the host does while a guest runs.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use lab_core::plan::fault_suite::HostFault;
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{UnshareFlags, unshare_unsafe};

/// How often it is looked whether the guest has spoken.
const LOOK: Duration = Duration::from_millis(20);

/// Room for the record that a boot begins with, and not for a console.
const SMALL_DISK: &std::ffi::CStr = c"size=36k";

/// Boots, and does it meanwhile. `boots` has the folders of all boots, and `folder` is that of this one.
///
/// # Errors
/// Those of `boot`, and if this host cannot be made to fail like that.
pub(super) fn during<T: Send>(
    fault: HostFault,
    boots: &Path,
    folder: &Path,
    boot: impl FnOnce() -> anyhow::Result<T> + Send,
) -> anyhow::Result<T> {
    match fault {
        HostFault::None => boot(),
        HostFault::KillQemu => once_it_speaks(folder, || signal_machines(Signal::KILL), boot),
        HostFault::StopQemu => once_it_speaks(folder, || signal_machines(Signal::STOP), boot),
        HostFault::RemoveResults => {
            let remove = || fs::remove_dir_all(folder).context("removing the results");
            once_it_speaks(folder, remove, boot)
        }
        HostFault::FullDisk => with_small_disk(boots, boot),
    }
}

/// Boots, and acts as soon as the guest has said something.
fn once_it_speaks<T>(
    folder: &Path,
    act: impl FnOnce() -> anyhow::Result<()> + Send,
    boot: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let live = folder.join("console.live");
    let has_ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let acting = scope.spawn(|| {
            while !has_ended.load(Ordering::Relaxed) {
                if fs::metadata(&live).is_ok_and(|live| live.len() > 0) {
                    return act();
                }
                thread::sleep(LOOK);
            }
            anyhow::bail!("the guest ended before it spoke")
        });
        let booted = boot();
        has_ended.store(true, Ordering::Relaxed);
        let acted = acting.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a thread of the lab panicked")));
        acted.and(booted)
    })
}

/// Signals each QEMU that this process has started; the boot runs alone, so it is its own.
fn signal_machines(signal: Signal) -> anyhow::Result<()> {
    for entry in fs::read_dir("/proc").context("reading /proc")?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let status = fs::read_to_string(entry.path().join("status")).unwrap_or_default();
        let of =
            |key: &str| status.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default().trim();
        let is_ours = of("PPid:") == std::process::id().to_string();
        if is_ours
            && of("Name:").starts_with("qemu-system")
            && let Some(pid) = Pid::from_raw(pid)
        {
            kill_process(pid, signal).context("signalling QEMU")?;
        }
    }
    Ok(())
}

/// Boots in a thread that sees a small disk at `boots`, and nobody else does. It is gone with the thread.
fn with_small_disk<T: Send>(
    boots: &Path,
    boot: impl FnOnce() -> anyhow::Result<T> + Send,
) -> anyhow::Result<T> {
    let on_it = || {
        // SAFETY: what this thread shares with others no more are mounts and its working folder.
        unsafe { unshare_unsafe(UnshareFlags::NEWNS | UnshareFlags::FS) }
            .context("leaving the mounts of other threads, which needs root")?;
        mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
            .context("keeping mounts to one thread")?;
        mount("tmpfs", boots, "tmpfs", MountFlags::empty(), Some(SMALL_DISK))
            .with_context(|| format!("mounting a small disk at {}", boots.display()))?;
        boot()
    };
    thread::scope(|scope| {
        let thread = scope.spawn(on_it);
        thread.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a thread of the lab panicked")))
    })
}
