//! What one boot is asked to do.

use serde::{Deserialize, Serialize};

use crate::{
    Failure, ForeignServer, LocalFilesystem, Nonce, Perturbation, Sampling, ServerSettings, ShellTask,
    SocketMode, SocketRun, Turn,
};

/// Everything that process 1 needs to know; the image itself is the same for every boot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Assignment {
    /// Ties the report to this boot.
    pub nonce: Nonce,
    /// How the lab's FUSE server is started; none without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<ServerSettings>,
    /// How another FUSE server is started instead; none without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foreign: Option<ForeignServer>,
    /// Without a server: the file system that workloads have their files on; none if they have no files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filesystem: Option<LocalFilesystem>,
    /// Size of the tmpfs at [`crate::STORAGE_DIR`], MiB; without a server that of the file system.
    pub storage_mib: u32,
    /// What is run, in this order, each alone; then once more from the first for the next sample.
    pub workloads: Vec<WorkloadTask>,
    /// How long one workload may take in guest time, seconds; it is killed then.
    pub workload_limit_s: u32,
    /// How long after a whole tenth of a second of guest time each workload starts, microseconds, below 100,000.
    ///
    /// With the virtual clock equal boots give equal figures to the nanosecond, and where the timer tick falls in a
    /// workload is part of what makes them. An equal phase takes that out of the difference between two kernels;
    /// boots with several phases show how much of a figure is owed to it.
    pub phase_us: u32,
    /// How often each workload is run, and what differs from one time to the next.
    pub sampling: Sampling,
    /// Instead of all that: somebody works with a shell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shell: Option<ShellTask>,
    /// Instead of all that: the boot is to fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

impl Assignment {
    /// Whether a FUSE server serves the files of workloads.
    pub fn is_served(&self) -> bool {
        self.server.is_some() || self.foreign.is_some()
    }

    /// What the boot takes, in order: see [`Sampling::turns`].
    pub fn turns(&self) -> Vec<Turn> {
        let samples: Vec<u32> = self.workloads.iter().map(|task| task.samples).collect();
        self.sampling.turns(&samples)
    }

    /// What differs in one of these: see [`Sampling::perturbation`].
    pub fn perturbation(&self, turn: Turn) -> Option<Perturbation> {
        let task = self.workloads.get(turn.workload)?;
        self.sampling.perturbation(&task.name, task.samples, turn.sample)
    }
}

/// One load tool with its arguments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct WorkloadTask {
    /// The workload's name in `lab.toml`.
    pub name: String,
    /// Which program runs.
    pub tool: Tool,
    /// Its arguments; `{file}` stands for the path of the file on the mount, `{dir}` for that of the mount.
    pub args: Vec<String>,
    /// Size of the file, MiB. It exists in full size, filled with data, before the tool starts. 0: it has none.
    pub file_mib: u32,
    /// How often a boot runs it, each time perturbed in another way.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub samples: u32,
    /// What `fio` does, or what `pjdfstest` is told; none for the other tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<Job>,
}

/// In a plan of a time before there were several.
fn one() -> u32 {
    1
}

/// For serde, which hands over a reference.
fn is_one(value: &u32) -> bool {
    *value == 1
}

impl WorkloadTask {
    /// Whether it works on a file.
    pub fn has_file(&self) -> bool {
        self.file_mib > 0
    }

    /// Whether what counts is how many round trips it makes, and not how many bytes it moves.
    pub fn counts_round_trips(&self) -> bool {
        self.tool == Tool::Socket
            && SocketRun::parse(&self.args).is_ok_and(|run| run.mode == SocketMode::PingPong)
    }

    /// Whether it passes or fails and has no figure: it looks for what is wrong, and how long it takes says nothing.
    pub fn is_suite(&self) -> bool {
        let verifies = |line: &str| {
            line.split_once('=').is_some_and(|(key, value)| key.trim() == "verify" && value.trim() != "0")
        };
        match self.tool {
            Tool::Dd | Tool::AioStress | Tool::Socket => false,
            Tool::Fio => self.job.as_ref().is_some_and(|job| job.text.lines().any(verifies)),
            Tool::StressNg | Tool::Fsx | Tool::Pjdfstest => true,
        }
    }
}

/// A file with which a tool is told what to do: a job of `fio`, or the configuration of `pjdfstest`.
///
/// In a job of `fio` `${LAB_FILE}` stands for the path of the file on the mount and `${LAB_SIZE}` for its
/// size in bytes: `fio` puts in variables of its environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Job {
    /// Its path as named in `lab.toml`.
    pub file: String,
    /// Its content.
    pub text: String,
}

/// A load tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tool {
    /// `dd` of coreutils, from the host.
    Dd,
    /// The native-AIO load tool of this project.
    AioStress,
    /// `fio`, from the host.
    Fio,
    /// `stress-ng`, from the host.
    StressNg,
    /// `fsx` of crates.io.
    Fsx,
    /// `pjdfstest` of crates.io.
    Pjdfstest,
    /// The socket load tool of this project.
    Socket,
}

impl Tool {
    /// The path of the program in the guest.
    pub fn guest_path(self) -> &'static str {
        match self {
            Tool::Dd => "/bin/dd",
            Tool::AioStress => "/bin/aio-stress",
            Tool::Fio => "/bin/fio",
            Tool::StressNg => "/bin/stress-ng",
            Tool::Fsx => "/bin/fsx",
            Tool::Pjdfstest => "/bin/pjdfstest",
            Tool::Socket => "/bin/socket-stress",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_verifies_passes_or_fails() {
        for (tool, job, expected) in [
            (Tool::Dd, None, false),
            (Tool::AioStress, None, false),
            (Tool::Socket, None, false),
            (Tool::StressNg, None, true),
            (Tool::Fsx, None, true),
            (Tool::Pjdfstest, None, true),
            (Tool::Fio, Some("[w]\nrw=write\n"), false),
            (Tool::Fio, Some("[w]\nrw=write\nverify = crc32c\n"), true),
            (Tool::Fio, Some("[w]\nverify=0\nverify_fatal=1\n# verify=md5\n"), false),
        ] {
            let job = job.map(|text| Job { file: "x.fio".to_owned(), text: text.to_owned() });
            let task =
                WorkloadTask { name: "w".to_owned(), tool, args: Vec::new(), file_mib: 1, samples: 1, job };
            assert_eq!(task.is_suite(), expected, "{task:?}");
        }
    }
}
