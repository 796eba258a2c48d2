//! QEMU tried with the machine of a plan, before a kernel is fetched or built for it: without a device, a CPU model or a file
//! of its own it makes none, and says so.

use std::path::Path;

use anyhow::{Context as _, ensure};
use xshell::{Shell, cmd};

use super::Machine;
use super::command::{Channels, GuestFiles, qemu_command, write_firmware};
use crate::lab::process;

/// What the monitor is told: that is all.
const QUIT: &str = "{\"execute\":\"qmp_capabilities\"}\n{\"execute\":\"quit\"}\n";

/// Flags with what is not there yet.
const OF_THE_KERNEL: [&str; 3] = ["-kernel", "-initrd", "-append"];

/// Lets QEMU make the machine, and end.
///
/// # Errors
/// If it does not, with what it says.
pub(crate) fn try_machine(sh: &Shell, machine: &Machine) -> anyhow::Result<()> {
    let folder = tempfile::tempdir().context("making a folder for the firmware")?;
    let firmware = folder.path().join("firmware");
    write_firmware(machine, &firmware)?;
    let arguments = arguments(machine, &firmware);
    let qemu = machine.platform().qemu;
    let output = process::output_of_input(cmd!(sh, "{qemu} {arguments...}"), QUIT)
        .context("trying QEMU with the machine of the boots")?;
    ensure!(
        output.status.success(),
        "QEMU does not make the machine that is to be booted: {}; install QEMU with all its parts, or correct the machine of \
         the plan in lab.toml",
        process::messages(&output.stderr)
    );
    Ok(())
}

/// Those of a boot, but the machine is stopped, has no kernel, and is connected to nothing but its monitor, which is on QEMU's
/// standard input and output.
fn arguments(machine: &Machine, firmware: &Path) -> Vec<String> {
    let nowhere = Path::new("");
    let files = GuestFiles { kernel_image: nowhere, initramfs: nowhere, firmware };
    let channels = Channels { port: nowhere, monitor: nowhere };
    let mut words = qemu_command(machine, files, channels).into_iter();
    let mut arguments = vec!["-S".to_owned()];
    while let Some(word) = words.next() {
        if OF_THE_KERNEL.contains(&word.as_str()) {
            drop(words.next());
        } else if word == "-chardev" {
            let channel = words.next().unwrap_or_default();
            arguments.extend([word, unconnected(&channel)]);
        } else {
            arguments.push(word);
        }
    }
    arguments
}

fn unconnected(channel: &str) -> String {
    let id = channel.split(',').find(|part| part.starts_with("id=")).unwrap_or_default();
    let kind = if id == "id=monitor" { "stdio" } else { "null" };
    format!("{kind},{id}")
}

#[cfg(test)]
mod tests {
    use lab_core::fixtures::{campaign, two_arms};
    use lab_core::plan::{Clock, MachineSettings};

    use super::*;
    use crate::machine::accelerator::Accelerator;

    #[test]
    fn nothing_is_connected_but_the_monitor() {
        for (channel, expected) in [
            ("stdio,id=console,signal=off,mux=off", "null,id=console"),
            ("pipe,id=port,path=", "null,id=port"),
            ("socket,id=monitor,path=", "stdio,id=monitor"),
        ] {
            assert_eq!(unconnected(channel), expected);
        }
    }

    /// The QEMU of this machine, with what it has and what no QEMU has.
    #[test]
    fn a_machine_that_qemu_cannot_make_is_named_in_its_words() {
        let sh = Shell::new().unwrap();
        for (clock, cpus) in [(Clock::Virtual, 1), (Clock::Virtual, 2), (Clock::Wall, 1)] {
            let settings = campaign(clock, &two_arms()).file.plan.machine;
            let settings = MachineSettings { cpus, ..settings };
            try_machine(&sh, &Machine::new(&settings, Accelerator::Tcg)).unwrap();
            let unknown = MachineSettings { cpu_model: "no-such-model".to_owned(), ..settings };
            let error = try_machine(&sh, &Machine::new(&unknown, Accelerator::Tcg)).unwrap_err().to_string();
            assert!(error.contains("no-such-model"), "{error}");
            assert!(error.ends_with("or correct the machine of the plan in lab.toml"), "{error}");
        }
    }
}
