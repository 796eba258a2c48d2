//! What was done with a guest that hung before it was ended, and where its CPUs were meanwhile.

mod dump;
mod registers;
mod words;

use serde::{Deserialize, Serialize};

use super::profile::Functions;

pub use dump::Dump;
pub use registers::places;

/// What is done with a guest that hangs, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// QEMU is asked whether its CPUs run.
    Status,
    /// The registers of each CPU.
    Registers,
    /// The same a little later: they tell a loop from a standstill.
    RegistersAgain,
    /// The kernel is asked for its tasks, by a break on the serial port and a key (sysrq).
    TaskDump,
    /// An NMI, which also reaches a CPU that takes no interrupts; the lab's kernels panic at it and say where they were.
    Nmi,
    /// QEMU is asked to end, by SIGTERM.
    Terminate,
    /// QEMU is ended, by SIGKILL.
    Kill,
}

impl Step {
    /// The id of its question on the monitor.
    pub fn id(self) -> &'static str {
        match self {
            Step::Status => "lab-status",
            Step::Registers => "lab-registers",
            Step::RegistersAgain => "lab-registers-again",
            Step::TaskDump => "lab-task-dump",
            Step::Nmi => "lab-nmi",
            Step::Terminate => "lab-terminate",
            Step::Kill => "lab-kill",
        }
    }
}

/// What came of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub enum Came {
    /// This.
    Answer {
        /// In a few words.
        said: String,
    },
    /// Nothing.
    Nothing {
        /// How long it was waited for, milliseconds of real time.
        within_ms: u64,
    },
    /// It was refused.
    Refused {
        /// By QEMU, in its words.
        why: String,
    },
    /// It was not tried.
    NotTried {
        /// The reason.
        why: String,
    },
}

/// One step that was due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Tried {
    /// Which.
    pub step: Step,
    /// When it was begun, milliseconds of real time since the limit had passed.
    pub after_ms: u64,
    /// What came of it.
    pub came: Came,
}

/// What a CPU was doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doing {
    /// It executed the kernel.
    Kernel,
    /// It executed a program.
    Program,
    /// It waited for an interrupt.
    Idle,
}

/// Where a CPU was at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Place {
    /// Its program counter, hexadecimal.
    pub address: String,
    /// What it did.
    pub doing: Doing,
    /// The function of the kernel, with the offset, as `fuse_dev_read+0x1c`; none if it has no name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
}

/// A CPU, asked twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Cpu {
    /// Its number.
    pub cpu: u32,
    /// Where it was at first.
    pub first: Place,
    /// Where it was a little later; none if that was not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub later: Option<Place>,
}

/// How a guest that hung was asked, and what it was found at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Hang {
    /// The steps that were due, in order.
    pub steps: Vec<Tried>,
    /// From the first look at the registers to the second, milliseconds of real time.
    pub apart_ms: u64,
    /// The CPUs, in the order of their numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cpus: Vec<Cpu>,
}

impl Hang {
    /// Notes what the monitor answered to the question for registers, at first and later.
    pub fn note_registers(&mut self, first: &str, later: Option<&str>) {
        let later = later.map(places).unwrap_or_default();
        let of = |cpu| later.iter().find(|(number, _)| *number == cpu).map(|(_, place)| place.clone());
        let cpus = places(first).into_iter();
        self.cpus = cpus.map(|(cpu, first)| Cpu { cpu, first, later: of(cpu) }).collect();
    }

    /// Gives the places in the kernel the names of its functions.
    pub fn name(&mut self, functions: &Functions) {
        let places = self.cpus.iter_mut().flat_map(|cpu| [Some(&mut cpu.first), cpu.later.as_mut()]);
        for place in places.flatten().filter(|place| place.doing != Doing::Program) {
            let address = u64::from_str_radix(&place.address, 16).unwrap_or_default();
            place.function = functions.place(address).map(|(name, offset)| format!("{name}+{offset:#x}"));
        }
    }

    /// What came of a step, if it was due.
    pub fn came(&self, step: Step) -> Option<&Came> {
        self.steps.iter().find(|tried| tried.step == step).map(|tried| &tried.came)
    }
}

/// The lines of the monitor that the lab has not provoked: what follows the last harmless question may be the guest's answer to
/// what it was made to do.
pub(crate) fn unprovoked(qmp: &[String]) -> &[String] {
    let mark = format!(r#""id": "{}""#, Step::RegistersAgain.id());
    match qmp.iter().position(|line| line.contains(&mark)) {
        Some(end) => &qmp[..end],
        None => qmp,
    }
}

#[cfg(test)]
mod tests;
