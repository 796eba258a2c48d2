//! Which accelerator executes the guest. KVM is believed only after a guest has booted under it.
//!
//! That `/dev/kvm` exists, opens and creates a virtual machine proves nothing: there are machines where all of
//! that works and a kernel never starts. And that a guest does not boot under KVM proves nothing against KVM, unless the
//! same guest boots without it, and then again does not under KVM: a busy host may stop a guest once.

mod remembered;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use lab_core::evidence::capture::{Capture, End};
use lab_core::plan::{AccelChoice, Arch, Binding, Clock};

use crate::lab::cache::Cache;
use crate::lab::interrupt::Interrupt;
use crate::lab::output::{self, progress::Step};
use crate::machine::accelerator::Accelerator;
use crate::machine::boot::{BootRequest, ConsoleDevice, Machine, boot};
use crate::machine::host;
pub(crate) use remembered::{MachineIdentity, forget, remembered_text};
use remembered::{TestResult, file, keep, recall};

/// How long the test guest may say nothing under KVM: where that does not work it never says a word. One that works prints
/// its first line within a second, or after five if the host is emulated itself.
const KVM_SILENCE: Duration = Duration::from_secs(30);

/// How long the test guest may take: under KVM a second, or ten if the host is emulated itself, and under emulation some;
/// more if the host is busy.
const TEST_LIMIT: Duration = Duration::from_secs(180);

/// The accelerator and why it is this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// What executes the guest.
    pub accelerator: Accelerator,
    /// One sentence.
    pub reason: String,
}

/// The guest for the test: a kernel that no patch can have broken, and the lab's image.
#[derive(Debug)]
pub(crate) struct TestGuest {
    /// The kernel.
    pub kernel_image: PathBuf,
    /// Its digest.
    pub kernel: String,
    /// The initramfs with an assignment that runs nothing.
    pub initramfs: PathBuf,
    /// The nonce of that assignment.
    pub nonce: lab_protocol::Nonce,
}

/// Chooses the accelerator for guests of `arch`; boots the test guest under KVM if nothing is remembered. `guest` makes it, and is
/// called only then.
///
/// # Errors
/// If KVM is demanded and does not work, or the test guest cannot be made.
pub(crate) fn choose(
    cache: &Cache,
    wanted: AccelChoice,
    arch: Arch,
    identity: MachineIdentity<'_>,
    guest: &dyn Fn() -> anyhow::Result<TestGuest>,
    interrupt: &Interrupt,
) -> anyhow::Result<Choice> {
    let run = |guest: &TestGuest, accelerator| {
        let capture = boot(&request(guest, arch, accelerator), interrupt).context("testing KVM")?;
        interrupt.check()?;
        Ok(capture)
    };
    let test = Test {
        foreign: foreign(arch)?,
        memory: &file(cache, identity),
        now: Timestamp::now(),
        device: &open_device,
        guest,
        run: &run,
    };
    test.choose(wanted)
}

/// Why KVM cannot run guests of `arch` here, whatever a test would show; none if it may.
///
/// # Errors
/// If this machine is of no architecture that the lab knows.
pub(crate) fn foreign(arch: Arch) -> anyhow::Result<Option<String>> {
    let own = host::arch()?;
    let (guest, host) = (arch.name(), own.name());
    Ok((arch != own).then(|| format!("KVM runs no guests of {guest} on a machine that is {host}")))
}

/// Whether `/dev/kvm` can be used, as far as opening it shows.
pub(crate) fn open_device() -> std::io::Result<()> {
    File::options().read(true).write(true).open("/dev/kvm").map(drop)
}

fn request(guest: &TestGuest, arch: Arch, accelerator: Accelerator) -> BootRequest {
    let (cpu_model, silence_limit) = match accelerator {
        Accelerator::Kvm => ("host", KVM_SILENCE),
        Accelerator::Tcg => ("max", TEST_LIMIT),
    };
    BootRequest {
        machine: Machine {
            arch,
            accelerator,
            clock: Clock::Wall,
            cpu_model: cpu_model.to_owned(),
            kernel_parameters: String::new(),
            cpus: 1,
            memory_mib: 512,
            console: ConsoleDevice::Serial,
            turns: None,
        },
        kernel_image: guest.kernel_image.clone(),
        initramfs: guest.initramfs.clone(),
        nonce: guest.nonce,
        host_cpus: Binding::default(),
        live_console: None,
        profile: None,
        debugger: None,
        terminal: None,
        wall_limit: TEST_LIMIT,
        silence_limit,
    }
}

/// What the choice depends on.
struct Test<'a> {
    foreign: Option<String>,
    memory: &'a Path,
    now: Timestamp,
    device: &'a dyn Fn() -> std::io::Result<()>,
    guest: &'a dyn Fn() -> anyhow::Result<TestGuest>,
    run: &'a dyn Fn(&TestGuest, Accelerator) -> anyhow::Result<Capture>,
}

impl Test<'_> {
    fn choose(&self, wanted: AccelChoice) -> anyhow::Result<Choice> {
        match wanted {
            AccelChoice::Tcg => {
                Ok(Choice { accelerator: Accelerator::Tcg, reason: "lab.toml asks for it".to_owned() })
            }
            AccelChoice::Auto => Ok(match self.kvm_works()? {
                Ok(reason) => Choice { accelerator: Accelerator::Kvm, reason },
                Err(reason) => Choice { accelerator: Accelerator::Tcg, reason },
            }),
            AccelChoice::Kvm => match self.kvm_works()? {
                Ok(reason) => Ok(Choice { accelerator: Accelerator::Kvm, reason }),
                Err(reason) => bail!("{reason}; set accel = \"auto\" or \"tcg\" in lab.toml"),
            },
        }
    }

    /// Whether KVM works, either way with the reason.
    fn kvm_works(&self) -> anyhow::Result<Result<String, String>> {
        if let Some(reason) = &self.foreign {
            return Ok(Err(reason.clone()));
        }
        if let Err(error) = (self.device)() {
            return Ok(Err(format!("/dev/kvm does not open: {error}")));
        }
        if let Some(result) = recall(self.memory, self.now) {
            return Ok(if result.works { Ok(result.line()) } else { Err(result.line()) });
        }
        let guest = (self.guest)()?;
        let _step = Step::begin("testing KVM");
        output::tell(&format!(
            "testing KVM with a small guest; {} s of silence end it",
            KVM_SILENCE.as_secs()
        ));
        let under_kvm = test_outcome(&(self.run)(&guest, Accelerator::Kvm)?);
        let (works, detail) = match under_kvm {
            Ok(time) => (true, format!("a test guest booted under KVM in {time}")),
            Err(why) => {
                output::tell("it did not boot; testing whether it does without KVM");
                let emulated = test_outcome(&(self.run)(&guest, Accelerator::Tcg)?);
                let fails = format!("/dev/kvm opens, but a test guest did not boot under KVM: {why}");
                let emulated = match emulated {
                    Ok(time) => format!("under emulation it did in {time}"),
                    // That says nothing about KVM, and is not remembered.
                    Err(other) => return Ok(Err(format!("{fails}; nor did it under emulation: {other}"))),
                };
                output::tell("it did; testing KVM once more");
                match test_outcome(&(self.run)(&guest, Accelerator::Kvm)?) {
                    Ok(time) => (true, format!("a test guest booted under KVM in {time}, the second time")),
                    Err(again) => (false, format!("{fails}; {emulated}; the second time under KVM: {again}")),
                }
            }
        };
        let result =
            TestResult { works, detail: detail.clone(), tested: self.now.to_string(), kernel: guest.kernel };
        keep(self.memory, &result)?;
        Ok(if works { Ok(detail) } else { Err(detail) })
    }
}

/// What a test boot showed: process 1 has to speak up. After how long it did, or what happened instead.
fn test_outcome(capture: &Capture) -> Result<String, String> {
    if let Some((_, after)) = &capture.hello {
        return Ok(format!("{:.1} s", after.as_secs_f64()));
    }
    Err(match &capture.end {
        End::Exited { .. } => {
            let said = capture.qemu_stderr.trim().lines().last().unwrap_or("nothing");
            format!("QEMU ended and said: {said}")
        }
        End::WallLimit | End::Silence | End::Interrupted => {
            let (time_s, bytes) = (capture.wall.as_secs_f64(), capture.console.received_bytes());
            format!("after {time_s:.0} s its console had {bytes} bytes and process 1 did not run")
        }
    })
}

#[cfg(test)]
mod tests;
