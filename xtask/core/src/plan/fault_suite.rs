//! The fault suite: boots that fail in known ways, each with what the lab is to say of it.

use lab_protocol::Failure;
use serde::Deserialize;

use crate::text::suggest;

/// The series whose kernels the suite boots.
pub const SERIES: &str = "fault-triggers";

/// The table of the faults, beside the folder of the series.
pub const TABLE: &str = "faults.toml";

/// The plan whose machine and kernel the suite has if it is told of no other.
pub const PLAN: &str = "faults";

/// A boot that fails.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Fault {
    /// Its name, that of its boot.
    pub name: String,
    /// The kernel.
    #[serde(default)]
    pub kernel: FaultKernel,
    /// What process 1 does.
    pub guest: Failure,
    /// What the host does meanwhile.
    #[serde(default)]
    pub host: HostFault,
    /// The machine's console.
    #[serde(default)]
    pub console: FaultConsole,
    /// What the kernel is told beside what the plan says.
    #[serde(default)]
    pub parameters: String,
    /// How the boot is to end: the word of an outcome, or `error` if it is not to be recorded at all.
    pub outcome: String,
    /// The findings, each its kind and its title.
    #[serde(default)]
    pub findings: Vec<String>,
    /// What the reason holds, for what has no findings.
    #[serde(default)]
    pub reason: String,
}

/// One of the two kernels of the suite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKernel {
    /// That of the plan: it notices what costs nothing to notice.
    #[default]
    Plain,
    /// That of the plan with `-debug` behind its name: it checks memory, locks and lists.
    Debug,
}

impl FaultKernel {
    /// The name of its plan, if the suite has this one.
    pub fn plan(self, plan: &str) -> String {
        match self {
            FaultKernel::Plain => plan.to_owned(),
            FaultKernel::Debug => format!("{plan}-debug"),
        }
    }

    /// For tables.
    pub fn word(self) -> &'static str {
        match self {
            FaultKernel::Plain => "plain",
            FaultKernel::Debug => "debug",
        }
    }
}

/// What the host does while the guest runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostFault {
    /// Nothing.
    #[default]
    None,
    /// It kills QEMU, as a host does that has no memory left.
    KillQemu,
    /// It stops QEMU.
    StopQemu,
    /// Its disk has no room for the results.
    FullDisk,
    /// Somebody removes the results.
    RemoveResults,
}

/// The console of a machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultConsole {
    /// That of the plan's machine.
    #[default]
    OfPlan,
    /// One of virtio, in a machine with the wall clock: it takes a page at a time.
    Virtio,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    fault: Vec<Fault>,
}

/// All faults of a table, or only those of these names.
///
/// # Errors
/// If it is no table of faults, or there is none of such a name.
pub fn faults(table: &str, only: &[String]) -> anyhow::Result<Vec<Fault>> {
    let Table { fault: all } = toml::from_str(table)?;
    let known: Vec<&str> = all.iter().map(|fault| fault.name.as_str()).collect();
    if let Some(name) = only.iter().find(|name| !known.contains(&name.as_str())) {
        anyhow::bail!("--only: {}", suggest::unknown("fault", name, &known));
    }
    Ok(all.into_iter().filter(|fault| only.is_empty() || only.contains(&fault.name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_none_is_refused() {
        let table = "[[fault]]\nname = \"sysrq-crash\"\nguest = \"crash\"\noutcome = \"broken\"\n";
        let error = faults(table, &["sysrq-crush".to_owned()]).unwrap_err().to_string();
        assert_eq!(
            error,
            "--only: there is no fault `sysrq-crush`; did you mean `sysrq-crash`? there are: sysrq-crash"
        );
        assert_eq!(faults(table, &["sysrq-crash".to_owned()]).unwrap().len(), 1);
    }
}
