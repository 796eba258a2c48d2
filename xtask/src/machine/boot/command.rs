//! QEMU's command line and the kernel's, each argument with its reason.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use lab_core::plan::{Arch, Clock, MachineSettings};

use super::TerminalSockets;
use crate::machine::accelerator::Accelerator;
use crate::machine::firmware;
use crate::machine::platform::Platform;

/// A virtual machine with nothing left to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Which instructions it has.
    pub arch: Arch,
    /// What executes it.
    pub accelerator: Accelerator,
    /// How its time passes.
    pub clock: Clock,
    /// QEMU's `-cpu`.
    pub cpu_model: String,
    /// What the kernel is told beside what the lab has to tell it.
    pub kernel_parameters: String,
    /// Virtual CPUs.
    pub cpus: u32,
    /// Memory, MiB.
    pub memory_mib: u32,
    /// Where the kernel's log goes.
    pub console: ConsoleDevice,
    /// The library that QEMU is started with, so that its main thread does not run beside the guest; none if none is needed.
    pub turns: Option<PathBuf>,
}

/// The device behind the kernel's console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsoleDevice {
    /// A serial port, which is there from the first line on and takes a byte at a time.
    Serial,
    /// One of virtio, for a guest that says more than a serial port takes. Needs the wall clock.
    Virtio,
}

impl Machine {
    /// The machine of a plan under the accelerator that was chosen.
    pub fn new(settings: &MachineSettings, accelerator: Accelerator) -> Self {
        let cpu_model = match accelerator {
            Accelerator::Tcg => settings.cpu_model.clone(),
            // Under KVM a model other than the host's own would be emulated in part.
            Accelerator::Kvm => "host".to_owned(),
        };
        Machine {
            arch: settings.arch,
            accelerator,
            clock: settings.clock,
            cpu_model,
            kernel_parameters: settings.kernel_parameters.clone(),
            cpus: settings.cpus,
            memory_mib: settings.memory_mib,
            console: ConsoleDevice::Serial,
            turns: None,
        }
    }

    /// Whether QEMU itself lets its main thread run beside a guest that has the virtual clock.
    pub(crate) fn needs_turns(&self) -> bool {
        self.clock == Clock::Virtual && self.cpus > 1
    }

    /// The firmware, if the guest has one of the lab.
    pub(crate) fn firmware(&self) -> Option<Vec<u8>> {
        match (self.arch, self.clock) {
            (Arch::X86_64, Clock::Virtual) => Some(firmware::rom(self.memory_mib, self.cpus)),
            // QEMU starts the kernel itself, and has a device tree for it that belongs to the machine's version.
            (Arch::Arm64, Clock::Virtual) | (_, Clock::Wall) => None,
        }
    }

    /// What QEMU is for it.
    pub(crate) fn platform(&self) -> &'static Platform {
        Platform::of(self.arch)
    }
}

/// Writes the firmware to `path`, if the guest has one of the lab.
///
/// # Errors
/// If it cannot be written.
pub(super) fn write_firmware(machine: &Machine, path: &Path) -> anyhow::Result<()> {
    match machine.firmware() {
        Some(rom) => std::fs::write(path, rom).with_context(|| format!("writing {}", path.display())),
        None => Ok(()),
    }
}

/// The files that a guest boots from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GuestFiles<'a> {
    /// The kernel.
    pub kernel_image: &'a Path,
    /// The initramfs.
    pub initramfs: &'a Path,
    /// Where the firmware is, if the guest has one of the lab.
    pub firmware: &'a Path,
}

/// The ways between the lab and QEMU that are there before QEMU starts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Channels<'a> {
    /// The report port: two pipes, with `.in` and `.out` behind this.
    pub port: &'a Path,
    /// The monitor: a socket on which the lab listens.
    pub monitor: &'a Path,
}

/// The kernel's command line.
pub(crate) fn kernel_command_line(machine: &Machine) -> String {
    let console = match machine.console {
        // The kernel's log is read from the first serial port.
        ConsoleDevice::Serial => format!("console={}", machine.platform().console),
        ConsoleDevice::Virtio => "console=hvc0".to_owned(),
    };
    let always = [
        console.as_str(),
        // Everything but debug messages reaches the console; findings are read from there.
        "loglevel=7",
        // Only lines with a time count as the kernel's own.
        "printk.time=1",
        // A panic resets at once, and QEMU's -no-reboot makes an exit of that.
        "panic=-1",
        // Addresses at random make boots differ in instructions executed. The kernel's own are fixed by its
        // configuration, and so is that it works around no CPU bugs.
        "norandmaps",
    ];
    let patience: &[&str] = match (machine.clock, machine.accelerator) {
        (Clock::Virtual, _) => &[],
        // The kernel's own watchdogs get limits that a guest whose host is busy does not reach, here and in its configuration.
        (Clock::Wall, Accelerator::Tcg) => &["watchdog_thresh=60"],
        // A third of that, as long as a busy host may stop a guest that it does not emulate. A soft lockup is twice the
        // threshold: the kernel's own of 10 s would take a host that swaps for a broken kernel after 20 s.
        (Clock::Wall, Accelerator::Kvm) => &[
            "rcupdate.rcu_cpu_stall_timeout=100",
            "watchdog_thresh=55",
            "sysctl.kernel.hung_task_timeout_secs=140",
        ],
    };
    let of_clock = machine.platform().clock_parameters(machine.clock, machine.accelerator, machine.cpus);
    let at_nmi = machine.platform().at_nmi;
    let own = always.iter().chain(of_clock).chain(patience).chain(at_nmi).copied();
    let asked_for = machine.kernel_parameters.split(' ').filter(|word| !word.is_empty());
    own.chain(asked_for).collect::<Vec<_>>().join(" ")
}

/// QEMU's arguments, without the program.
pub(crate) fn qemu_command(machine: &Machine, files: GuestFiles<'_>, channels: Channels<'_>) -> Vec<String> {
    let mut command = Vec::new();
    // Each call has the reason for its flags above it.
    let mut add = |flags: &[&str]| command.extend(flags.iter().map(|&flag| flag.to_owned()));

    // Nothing that a distribution or user configured, no default devices, no window.
    add(&["-no-user-config", "-nodefaults", "-display", "none"]);
    add(&["-machine", machine.platform().machine_type(machine.clock), "-accel", &accel_argument(machine)]);
    add(&["-cpu", &machine.cpu_model, "-smp", &machine.cpus.to_string()]);
    add(&["-m", &format!("{}M", machine.memory_mib)]);
    match machine.clock {
        Clock::Virtual => {
            // One nanosecond per instruction; time jumps over idle phases instead of sleeping. Nobody reads the recording:
            // while it records, QEMU's main thread never runs beside the guest. It moves the clock of a guest that sleeps,
            // and takes one for asleep whose last instructions are not counted yet. On a busy host boots differed by that.
            // QEMU does not record several CPUs; a library does the same for them (xtask/qemu-turns).
            match machine.needs_turns() {
                false => add(&["-icount", "shift=0,sleep=off,rr=record,rrfile=/dev/null"]),
                true => add(&["-icount", "shift=0,sleep=off"]),
            }
            // The same date in every boot, running with guest time.
            add(&["-rtc", "base=2020-01-01T00:00:00,clock=vm"]);
        }
        Clock::Wall => add(&["-rtc", "base=utc,clock=host"]),
    }
    if machine.firmware().is_some() {
        add(&["-bios", &files.firmware.to_string_lossy()]);
    }
    // The seed that QEMU hands to the kernel's random generator is the same in every boot.
    add(&["-seed", "1"]);
    // A reset or a panic ends QEMU instead of starting over; the reason comes over the monitor.
    add(&["-no-reboot"]);
    add(&["-kernel", &files.kernel_image.to_string_lossy(), "-initrd", &files.initramfs.to_string_lossy()]);
    add(&["-append", &kernel_command_line(machine)]);
    // The console is QEMU's standard output, read by the lab itself: a file would lose bytes on a full disk.
    // Its standard input is the keys by which a kernel that hangs is asked for its tasks.
    add(&["-chardev", "stdio,id=console,signal=off,mux=off"]);
    if machine.console == ConsoleDevice::Serial {
        add(&machine.platform().console_device);
    }
    // The report has a port of its own.
    add(&["-chardev", &format!("pipe,id=port,path={}", channels.port.display())]);
    match machine.clock {
        // The plainest device that there is: its registers are the same in every QEMU, and what is written to them leaves the
        // guest at that instruction.
        Clock::Virtual => add(&["-device", "pci-serial,addr=2,chardev=port"]),
        // Each byte for that device would stop a guest under KVM. This one takes a message at once.
        Clock::Wall => {
            add(&["-device", "virtio-serial-pci,id=serial,ioeventfd=off"]);
            let port = format!("virtserialport,bus=serial.0,chardev=port,name={}", lab_protocol::PORT_NAME);
            add(&["-device", &port]);
        }
    }
    if machine.console == ConsoleDevice::Virtio {
        add(&["-device", "virtconsole,bus=serial.0,chardev=console"]);
    }
    // The monitor tells why QEMU ends, and answers questions about a guest that hangs. QEMU connects to the lab, so that the
    // socket is there before it.
    add(&["-chardev", &format!("socket,id=monitor,path={}", channels.monitor.display())]);
    add(&["-mon", "chardev=monitor,mode=control"]);
    // A panic is reported by a device, not only in text that anyone can write.
    add(&["-device", machine.platform().panic_device]);
    // At that moment the kernel has not yet flushed its console: QEMU goes on until the reset that follows.
    add(&["-action", "panic=none"]);
    command
}

/// What is added to have instructions counted.
pub(crate) fn plugin_options(plugin: &Path, counts: &Path) -> [String; 2] {
    ["-plugin".to_owned(), format!("file={},out={}", escaped(plugin), escaped(counts))]
}

/// What is added to have QEMU wait for a debugger before the first instruction.
pub(crate) fn debugger_options(socket: &Path) -> [String; 3] {
    ["-S".to_owned(), "-gdb".to_owned(), format!("unix:{},server=on,wait=off", escaped(socket))]
}

/// What is added for a terminal beside the kernel's console: on the bus of the report port, which machines in real time have.
pub(crate) fn terminal_options(sockets: &TerminalSockets) -> Vec<String> {
    let connected = |id: &str, path: &Path| format!("socket,id={id},path={}", escaped(path));
    let sizes =
        format!("virtserialport,bus=serial.0,chardev=sizes,name={}", lab_protocol::TERMINAL_SIZE_PORT);
    [
        ["-chardev", &connected("terminal", &sockets.bytes)],
        ["-device", "virtconsole,bus=serial.0,chardev=terminal"],
        ["-chardev", &connected("sizes", &sockets.sizes)],
        ["-device", &sizes],
    ]
    .concat()
    .into_iter()
    .map(str::to_owned)
    .collect()
}

/// Of a comma in a path QEMU wants two.
fn escaped(path: &Path) -> String {
    path.to_string_lossy().replace(',', ",,")
}

/// QEMU's buffer for translated code, MiB.
const TRANSLATIONS_MIB: u32 = 64;

fn accel_argument(machine: &Machine) -> String {
    match (machine.accelerator, machine.clock) {
        (Accelerator::Kvm, _) => "kvm".to_owned(),
        // Instruction counting runs all virtual CPUs in one thread. QEMU would keep translations of up to 1 GiB; a boot of
        // the default plan makes some 66 MiB. When the buffer is full it begins anew, which no figure shows.
        (Accelerator::Tcg, Clock::Virtual) => {
            format!("tcg,thread=single,tb-size={TRANSLATIONS_MIB}")
        }
        (Accelerator::Tcg, Clock::Wall) => "tcg,thread=multi".to_owned(),
    }
}

#[cfg(test)]
mod tests;
