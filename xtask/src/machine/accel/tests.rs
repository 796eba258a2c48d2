//! Which accelerator is chosen on machines that behave in every way, without a virtual one.

use std::cell::{Cell, RefCell};
use std::io;

use lab_protocol::{Hello, Nonce};

use super::*;
use crate::machine::boot::ended_by_limits;

const REFUSED: &str = "qemu-system-x86_64: failed to initialize kvm: Permission denied\n";

fn capture(end: End, stderr: &str) -> Capture {
    Capture { qemu_stderr: stderr.to_owned(), end, wall: Duration::from_secs(20), ..Capture::empty(16) }
}

fn booted() -> Capture {
    let hello = Hello { kernel_release: "6.12".into(), uptime_us: 1 };
    Capture { hello: Some((hello, Duration::from_millis(1200))), ..capture(End::returned(0), "") }
}

fn hung() -> Capture {
    capture(End::WallLimit, "terminating on signal 15")
}

fn guest() -> TestGuest {
    let (kernel_image, initramfs) = ("bzImage".into(), "initramfs".into());
    TestGuest { kernel_image, kernel: "5e5e".into(), initramfs, nonce: Nonce([1; 16]) }
}

/// A machine: what its device says, and how the guest ends under each accelerator.
struct FakeHost {
    folder: tempfile::TempDir,
    foreign: Option<&'static str>,
    device: fn() -> io::Result<()>,
    kvm: fn() -> Capture,
    tcg: fn() -> Capture,
}

impl FakeHost {
    fn new(device: fn() -> io::Result<()>, kvm: fn() -> Capture, tcg: fn() -> Capture) -> Self {
        FakeHost { folder: tempfile::tempdir().unwrap(), foreign: None, device, kvm, tcg }
    }

    /// What is chosen so many hours after the epoch, and what was made and booted for it.
    fn choose(&self, wanted: AccelChoice, hours: i64) -> (String, String) {
        let did = RefCell::new(Vec::new());
        let guest = || {
            did.borrow_mut().push("guest");
            Ok(guest())
        };
        let run = |_: &TestGuest, accelerator: Accelerator| {
            did.borrow_mut().push(accelerator.word());
            Ok(match accelerator {
                Accelerator::Kvm => (self.kvm)(),
                Accelerator::Tcg => (self.tcg)(),
            })
        };
        let memory = self.folder.path().join("kvm.toml");
        let now = Timestamp::from_second(hours * 3600).unwrap();
        let foreign = self.foreign.map(str::to_owned);
        let test = Test { foreign, memory: &memory, now, device: &self.device, guest: &guest, run: &run };
        let chosen = match test.choose(wanted) {
            Ok(choice) => format!("{}: {}", choice.accelerator.word(), choice.reason),
            Err(error) => format!("error: {error:#}"),
        };
        (chosen, did.into_inner().join(" "))
    }

    #[track_caller]
    fn check(&self, wanted: AccelChoice, hours: i64, expected: &str, did: &str) {
        let found = self.choose(wanted, hours);
        assert_eq!((found.0.as_str(), found.1.as_str()), (expected, did));
    }
}

fn missing() -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::NotFound, "No such file or directory"))
}

fn opens() -> io::Result<()> {
    Ok(())
}

#[test]
fn emulation_needs_no_test() {
    FakeHost::new(opens, booted, booted).check(AccelChoice::Tcg, 0, "tcg: lab.toml asks for it", "");
    let none = FakeHost::new(missing, booted, booted);
    none.check(AccelChoice::Auto, 0, "tcg: /dev/kvm does not open: No such file or directory", "");
    none.check(
        AccelChoice::Kvm,
        0,
        "error: /dev/kvm does not open: No such file or directory; set accel = \"auto\" or \"tcg\" in lab.toml",
        "",
    );
}

#[test]
fn a_success_is_tested_once() {
    let host = FakeHost::new(opens, booted, hung);
    host.check(AccelChoice::Auto, 0, "kvm: a test guest booted under KVM in 1.2 s", "guest kvm");
    let again = "kvm: a test guest booted under KVM in 1.2 s, tested 1970-01-01 00:00 UTC";
    host.check(AccelChoice::Kvm, 24 * 365, again, "");
}

#[test]
fn a_failure_is_tested_again_after_a_day() {
    let fails = "/dev/kvm opens, but a test guest did not boot under KVM: after 20 s its console had 0 bytes and process 1 \
                 did not run; under emulation it did in 1.2 s; the second time under KVM: after 20 s its console had 0 \
                 bytes and process 1 did not run";
    let mut host = FakeHost::new(opens, hung, booted);
    host.check(AccelChoice::Auto, 0, &format!("tcg: {fails}"), "guest kvm tcg kvm");
    let remembered = format!("{fails}, tested 1970-01-01 00:00 UTC");
    host.check(AccelChoice::Auto, 23, &format!("tcg: {remembered}"), "");
    let refused = format!("error: {remembered}; set accel = \"auto\" or \"tcg\" in lab.toml");
    host.check(AccelChoice::Kvm, 23, &refused, "");
    host.kvm = booted;
    host.check(AccelChoice::Auto, 24, "kvm: a test guest booted under KVM in 1.2 s", "guest kvm");
}

/// A host that stops a guest once does not lose KVM for a day.
#[test]
fn a_failure_that_does_not_repeat_is_none() {
    thread_local!(static TRIES: Cell<u32> = const { Cell::new(0) });
    let second = || match TRIES.replace(TRIES.get() + 1) {
        0 => hung(),
        _ => booted(),
    };
    let host = FakeHost::new(opens, second, booted);
    let expected = "kvm: a test guest booted under KVM in 1.2 s, the second time";
    host.check(AccelChoice::Auto, 0, expected, "guest kvm tcg kvm");
    host.check(AccelChoice::Auto, 1, &format!("{expected}, tested 1970-01-01 00:00 UTC"), "");
}

/// A guest that boots nowhere says nothing about KVM.
#[test]
fn a_guest_that_boots_nowhere_is_not_remembered() {
    let mut host = FakeHost::new(opens, || capture(End::returned(1), REFUSED), hung);
    host.check(
        AccelChoice::Auto,
        0,
        "tcg: /dev/kvm opens, but a test guest did not boot under KVM: QEMU ended and said: qemu-system-x86_64: failed to \
         initialize kvm: Permission denied; nor did it under emulation: after 20 s its console had 0 bytes and process 1 \
         did not run",
        "guest kvm tcg",
    );
    (host.kvm, host.tcg) = (booted, booted);
    host.check(AccelChoice::Auto, 0, "kvm: a test guest booted under KVM in 1.2 s", "guest kvm");
}

/// Where KVM works but the host is emulated itself, and busy, process 1 of the test guest speaks up after 46 s.
#[test]
fn a_guest_that_is_slow_is_not_taken_for_a_silent_one() {
    let request = request(&guest(), Arch::X86_64, Accelerator::Kvm);
    let slow = [5, 20, 40, 46];
    assert_eq!(ended_by_limits(&request, &slow, 46), None);
    // Without a word it is given up long before, and with words only it is not waited for without end.
    assert_eq!(ended_by_limits(&request, &[], 600), Some((30, End::Silence)));
    let prints: Vec<u64> = (1..60).map(|tens| tens * 10).collect();
    assert_eq!(ended_by_limits(&request, &prints, 600), Some((180, End::WallLimit)));
}

#[test]
fn a_guest_that_cannot_be_made_is_an_error_and_no_verdict() {
    let memory = tempfile::tempdir().unwrap().path().join("kvm.toml");
    let test = Test {
        foreign: None,
        memory: &memory,
        now: Timestamp::UNIX_EPOCH,
        device: &opens,
        guest: &|| bail!("no compiler"),
        run: &|_, _| bail!("nothing is booted"),
    };
    assert_eq!(test.choose(AccelChoice::Auto).unwrap_err().to_string(), "no compiler");
    assert!(!memory.exists());
}

/// Nothing is tested, even where KVM works for the host's own kind.
#[test]
fn kvm_is_for_guests_of_the_host_s_architecture() {
    let host = FakeHost { foreign: Some("no"), ..FakeHost::new(opens, booted, booted) };
    assert_eq!(host.choose(AccelChoice::Auto, 0), ("tcg: no".to_owned(), String::new()));
    let refused = "error: no; set accel = \"auto\" or \"tcg\" in lab.toml";
    assert_eq!(host.choose(AccelChoice::Kvm, 0), (refused.to_owned(), String::new()));
}

#[test]
fn a_guest_of_another_architecture_is_foreign() {
    let own = host::arch().unwrap();
    for arch in Arch::ALL {
        assert_eq!(foreign(arch).unwrap().is_some(), arch != own);
    }
}
