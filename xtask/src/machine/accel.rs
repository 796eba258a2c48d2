//! Which accelerator executes the guest. KVM is believed only after a guest has booted under it.
//!
//! That `/dev/kvm` exists, opens and creates a virtual machine proves nothing: there are machines where all of
//! that works and a kernel never starts.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use lab_core::evidence::capture::{Capture, End};
use lab_core::plan::{AccelChoice, Binding, Clock};
use serde::{Deserialize, Serialize};

use crate::lab::cache::Cache;
use crate::lab::interrupt::Interrupt;
use crate::lab::{digest, files};
use crate::machine::boot::{Accelerator, BootRequest, Machine, boot};

/// How long the test guest may take; under a KVM that works it takes a second.
const TEST_LIMIT: Duration = Duration::from_secs(20);

/// The accelerator and why it is this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// What executes the guest.
    pub accelerator: Accelerator,
    /// One sentence.
    pub reason: String,
}

/// What a test boot under KVM showed, as remembered per machine and QEMU version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct TestResult {
    works: bool,
    detail: String,
    tested: String,
}

/// What identifies a machine for the memory of test results.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity<'a> {
    /// The host's CPU model.
    pub cpu: &'a str,
    /// The host's kernel.
    pub kernel: &'a str,
    /// QEMU's version.
    pub qemu_version: &'a str,
}

/// The guest for the test: any kernel and image of the lab.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TestGuest<'a> {
    /// The kernel.
    pub bzimage: &'a Path,
    /// The initramfs with an assignment that runs nothing.
    pub initramfs: &'a Path,
    /// The nonce of that assignment.
    pub nonce: lab_protocol::Nonce,
}

/// Chooses the accelerator; boots the test guest under KVM if nothing is remembered.
///
/// # Errors
/// If KVM is demanded and does not work.
pub(crate) fn choose(
    cache: &Cache,
    wanted: AccelChoice,
    identity: Identity<'_>,
    guest: TestGuest<'_>,
    interrupt: &Interrupt,
) -> anyhow::Result<Choice> {
    let kvm = || kvm_works(cache, identity, guest, interrupt);
    match wanted {
        AccelChoice::Tcg => {
            Ok(Choice { accelerator: Accelerator::Tcg, reason: "lab.toml asks for it".to_owned() })
        }
        AccelChoice::Auto => Ok(match kvm()? {
            Ok(reason) => Choice { accelerator: Accelerator::Kvm, reason },
            Err(reason) => Choice { accelerator: Accelerator::Tcg, reason },
        }),
        AccelChoice::Kvm => match kvm()? {
            Ok(reason) => Ok(Choice { accelerator: Accelerator::Kvm, reason }),
            Err(reason) => bail!("{reason}; set accel = \"auto\" or \"tcg\" in lab.toml"),
        },
    }
}

/// Whether KVM works, either way with the reason.
fn kvm_works(
    cache: &Cache,
    identity: Identity<'_>,
    guest: TestGuest<'_>,
    interrupt: &Interrupt,
) -> anyhow::Result<Result<String, String>> {
    if let Err(error) = File::options().read(true).write(true).open("/dev/kvm") {
        return Ok(Err(format!("/dev/kvm does not open: {error}")));
    }
    let memory = cache.join(format!("machine/kvm-{}.toml", digest::short(&key(identity))));
    let result = match recall(&memory) {
        Some(result) => {
            TestResult { detail: format!("{}, tested {}", result.detail, result.tested), ..result }
        }
        None => {
            eprintln!("testing KVM with a small guest, at most {} s", TEST_LIMIT.as_secs());
            let result = test(guest, interrupt)?;
            files::write_atomically(&memory, toml::to_string(&result)?.as_bytes())?;
            result
        }
    };
    Ok(if result.works { Ok(result.detail) } else { Err(result.detail) })
}

fn key(identity: Identity<'_>) -> String {
    digest::Parts::default()
        .with("cpu", identity.cpu)
        .with("kernel", identity.kernel)
        .with("qemu", identity.qemu_version)
        .finish()
}

/// A result that cannot be read counts as none: the test is run again.
fn recall(path: &Path) -> Option<TestResult> {
    toml::from_str(&std::fs::read_to_string(path).ok()?).ok()
}

fn test(guest: TestGuest<'_>, interrupt: &Interrupt) -> anyhow::Result<TestResult> {
    let machine = Machine {
        accelerator: Accelerator::Kvm,
        clock: Clock::Wall,
        cpu_model: "host".to_owned(),
        cpus: 1,
        memory_mib: 512,
    };
    let request = BootRequest {
        machine,
        bzimage: guest.bzimage.to_owned(),
        initramfs: guest.initramfs.to_owned(),
        nonce: guest.nonce,
        host_cpus: Binding::default(),
        live_console: None,
        wall_limit: TEST_LIMIT,
        silence_limit: TEST_LIMIT,
    };
    let capture = boot(&request, interrupt).context("testing KVM")?;
    if interrupt.is_set() {
        bail!("testing KVM: interrupted");
    }
    let (works, detail) = describe(&capture);
    Ok(TestResult {
        works,
        detail,
        tested: jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string(),
    })
}

/// What the test boot showed: process 1 has to speak up.
fn describe(capture: &Capture) -> (bool, String) {
    if let Some((_, after)) = &capture.hello {
        return (true, format!("a test guest booted under KVM in {:.1} s", after.as_secs_f64()));
    }
    let why = match &capture.end {
        End::Exited(_) => {
            let said = capture.qemu_stderr.trim().lines().last().unwrap_or("nothing");
            format!("QEMU ended and said: {said}")
        }
        End::WallLimit | End::Silence | End::Interrupted => {
            let (time_s, bytes) = (capture.wall.as_secs_f64(), capture.console.received_bytes());
            format!("after {time_s:.0} s its console had {bytes} bytes and process 1 did not run")
        }
    };
    (false, format!("/dev/kvm opens, but a test guest did not boot under KVM: {why}"))
}

#[cfg(test)]
mod tests {
    use lab_core::evidence::capture::CappedBuffer;

    use super::*;

    fn capture(end: End, stderr: &str) -> Capture {
        Capture {
            console: CappedBuffer::new(16),
            hello: None,
            progress: Vec::new(),
            report: None,
            requests: Vec::new(),
            requests_received_bytes: 0,
            frame_error: None,
            qmp: Vec::new(),
            qemu_stderr: stderr.to_owned(),
            end,
            wall: Duration::from_secs(20),
        }
    }

    #[test]
    fn why_kvm_is_not_believed() {
        let refused = "qemu-system-x86_64: failed to initialize kvm: Permission denied\n";
        for (capture, expected) in [
            (
                capture(End::Exited(Some(1)), refused),
                "QEMU ended and said: qemu-system-x86_64: failed to initialize kvm: Permission denied",
            ),
            (
                capture(End::WallLimit, "terminating on signal 15"),
                "after 20 s its console had 0 bytes and process 1 did not run",
            ),
        ] {
            let opens = "/dev/kvm opens, but a test guest did not boot under KVM: ";
            assert_eq!(describe(&capture), (false, format!("{opens}{expected}")));
        }
    }

    #[test]
    fn results_are_remembered_for_one_machine() {
        let identity = Identity { cpu: "a", kernel: "b", qemu_version: "c" };
        for other in [
            Identity { cpu: "x", ..identity },
            Identity { kernel: "x", ..identity },
            Identity { qemu_version: "x", ..identity },
        ] {
            assert_ne!(key(identity), key(other));
        }
    }

    #[test]
    fn a_result_that_cannot_be_read_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kvm.toml");
        assert_eq!(recall(&path), None);
        let result = TestResult { works: false, detail: "no".to_owned(), tested: "today".to_owned() };
        std::fs::write(&path, toml::to_string(&result).unwrap()).unwrap();
        assert_eq!(recall(&path), Some(result));
        std::fs::write(&path, "works = maybe").unwrap();
        assert_eq!(recall(&path), None);
    }
}
