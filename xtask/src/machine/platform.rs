//! What this stage knows of an architecture: QEMU's machine for it, what the kernel is told there, and which packages it takes.

use lab_core::plan::{Arch, Clock, fixed_machine};

use super::accelerator::Accelerator;
use super::need::{Need, What, need};

/// What an architecture is for QEMU, and on another one's host for the compilers.
#[derive(Debug)]
pub(crate) struct Platform {
    arch: Arch,
    /// The program that runs the guest.
    pub(crate) qemu: &'static str,
    /// Debian's package of it.
    pub(crate) qemu_package: &'static str,
    /// QEMU's `-machine` in real time: that of whatever version there is.
    wall_machine: &'static str,
    /// Where the kernel's log goes: the first serial port.
    pub(crate) console: &'static str,
    /// QEMU's device for that, with the chardev `console` behind it.
    pub(crate) console_device: [&'static str; 2],
    /// What has a kernel say where it is when it gets an NMI: only the lab sends one, to a guest that hangs.
    pub(crate) at_nmi: &'static [&'static str],
    /// The device by which a kernel says that it panics. The guest reads what it can report; newer versions of QEMU add to that.
    pub(crate) panic_device: &'static str,
    /// What makes programs and kernels for it elsewhere.
    cross: [Need; 3],
}

const NEEDED: &str = "kernels and programs of machines with another arch than this one";

const X86_64: Platform = Platform {
    arch: Arch::X86_64,
    qemu: "qemu-system-x86_64",
    qemu_package: "qemu-system-x86",
    // Of those that have an ACPI power-off and a PCI bus, the one that boots quickest.
    wall_machine: "pc",
    console: "ttyS0,115200",
    // The same device as that of -serial; but what is typed on that one waits for a replay while QEMU records for one.
    console_device: ["-device", "isa-serial,chardev=console"],
    // It prints the trace of the CPU, and panics. Without it there are two lines that do not say where the kernel is.
    at_nmi: &["unknown_nmi_panic"],
    panic_device: "pvpanic,events=3",
    cross: [
        need(What::Program("x86_64-linux-gnu-gcc"), "gcc-x86-64-linux-gnu", NEEDED),
        need(What::Program("x86_64-linux-gnu-ld"), "binutils-x86-64-linux-gnu", NEEDED),
        need(What::File("/usr/x86_64-linux-gnu/lib/libc.a"), "libc6-dev-amd64-cross", NEEDED),
    ],
};

const ARM64: Platform = Platform {
    arch: Arch::Arm64,
    qemu: "qemu-system-aarch64",
    qemu_package: "qemu-system-arm",
    // The interrupt controller that the host has, or the newest that is emulated.
    wall_machine: "virt,gic-version=max",
    console: "ttyAMA0",
    console_device: ["-serial", "chardev:console"],
    // QEMU's machine has none.
    at_nmi: &[],
    panic_device: "pvpanic-pci,addr=3,events=3",
    cross: [
        need(What::Program("aarch64-linux-gnu-gcc"), "gcc-aarch64-linux-gnu", NEEDED),
        need(What::Program("aarch64-linux-gnu-ld"), "binutils-aarch64-linux-gnu", NEEDED),
        need(What::File("/usr/aarch64-linux-gnu/lib/libc.a"), "libc6-dev-arm64-cross", NEEDED),
    ],
};

impl Platform {
    /// That of an architecture.
    pub(crate) fn of(arch: Arch) -> &'static Self {
        match arch {
            Arch::X86_64 => &X86_64,
            Arch::Arm64 => &ARM64,
        }
    }

    /// QEMU's `-machine`.
    pub(crate) fn machine_type(&self, clock: Clock) -> &'static str {
        match clock {
            // The same devices in each QEMU, and none whose timing differs.
            Clock::Virtual => fixed_machine(self.arch),
            Clock::Wall => self.wall_machine,
        }
    }

    /// What is needed to build for it on a machine of the architecture `host`, and to boot it.
    pub(crate) fn needs(&self, host: Arch) -> Vec<Need> {
        let qemu = need(What::Program(self.qemu), self.qemu_package, "the boots");
        let cross: &[Need] = if self.arch == host { &[] } else { &self.cross };
        [&[qemu], cross].concat()
    }

    /// What the kernel is told of its clocks, beside what is told to all.
    pub(crate) fn clock_parameters(
        &self,
        clock: Clock,
        accelerator: Accelerator,
        cpus: u32,
    ) -> &'static [&'static str] {
        match (self.arch, clock, accelerator, cpus) {
            // The TSC counts instructions, exactly. Without the kernel's trust in it there are no high-resolution timers for the
            // first second, and each sleep of microseconds takes a tick of 4 ms. Calibrating the APIC timer polls the clock
            // for 0.1 s of guest time, some seconds of real time. With one CPU the PIT does its work. With several each
            // needs a timer of its own.
            (Arch::X86_64, Clock::Virtual, _, 1) => {
                &["tsc=reliable", "tsc_early_khz=1000000", "noapictimer", "no_timer_check"]
            }
            (Arch::X86_64, Clock::Virtual, ..) => {
                &["tsc=reliable", "tsc_early_khz=1000000", "no_timer_check"]
            }
            // A busy host stops the guest in the middle of calibrating the TSC; one boot came out 35 times too fast.
            (Arch::X86_64, Clock::Wall, Accelerator::Tcg, _) => &["tsc=unstable", "no_timer_check"],
            (Arch::X86_64, Clock::Wall, Accelerator::Kvm, _) => &[],
            // Its timer says by itself how fast it runs.
            (Arch::Arm64, ..) => &[],
        }
    }
}
