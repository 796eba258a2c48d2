//! A probe in a process of its own, with a deadline.
//!
//! The process is a copy of this program, which has one thread; so the probe has the server's pipes, and may start threads
//! itself.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use lab_guest::process::Process;
use lab_guest::wait;
use rustix::process::{Pid, Signal};

use crate::clock;
use crate::probe::Observation;

/// How long a killed child may take to be gone, once its connection is aborted.
const KILL_LIMIT: Duration = Duration::from_secs(5);

/// How the child of a probe ended.
#[derive(Debug)]
pub enum Ended {
    /// It said what it saw.
    Observed(Observation),
    /// It did not, and why.
    Failed {
        /// One line.
        fault: String,
        /// Where its tasks were.
        details: Vec<String>,
    },
}

/// Runs `probe` in a child. If it does not end in time, `abort` is called, which is to free whatever it waits for.
///
/// # Errors
/// If there can be no child.
pub fn run(
    probe: impl FnOnce() -> anyhow::Result<Observation>,
    limit: Duration,
    abort: impl FnOnce(),
) -> anyhow::Result<Ended> {
    let (reader, writer) = io::pipe().context("making a pipe")?;
    // SAFETY: this program has one thread, so that the copy is whole.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        speak(probe, writer)
    }
    drop(writer);
    let pid = Pid::from_raw(pid).filter(|pid| pid.as_raw_nonzero().get() > 0);
    let pid = pid.with_context(|| format!("starting a child: {}", io::Error::last_os_error()))?;
    let child = Child { pid, process: Process::of(pid)?, reader, said: Vec::new() };
    child.end(limit, abort)
}

/// What the child does.
fn speak(probe: impl FnOnce() -> anyhow::Result<Observation>, mut writer: io::PipeWriter) -> ! {
    let _ = rustix::process::setpgid(None, None);
    let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
    let said: Result<Observation, String> = probe().map_err(|error| format!("{error:#}"));
    let written = serde_json::to_vec(&said).is_ok_and(|text| writer.write_all(&text).is_ok());
    // SAFETY: nothing is left to be done that another exit would do.
    unsafe { libc::_exit(if written { 0 } else { 3 }) }
}

struct Child {
    pid: Pid,
    process: Process,
    reader: io::PipeReader,
    said: Vec<u8>,
}

impl Child {
    fn end(mut self, limit: Duration, abort: impl FnOnce()) -> anyhow::Result<Ended> {
        let limit = clock::long(limit);
        let deadline = Instant::now() + limit;
        if self.hear(deadline)? {
            let ended = self.process.collect(Instant::now())?.context("a child that ended has not ended")?;
            // Whatever it started ends with it.
            self.kill_group();
            return Ok(self.judge(ended.status));
        }
        let details = tasks(self.pid);
        abort();
        self.kill_group();
        let gone = self.process.collect(Instant::now() + clock::long(KILL_LIMIT))?.is_some();
        let after = if gone { "" } else { ", and could not be killed" };
        Ok(Ended::Failed { fault: format!("did not end within {} s{after}", limit.as_secs()), details })
    }

    /// Takes what it says until it ends; says whether it did.
    fn hear(&mut self, deadline: Instant) -> anyhow::Result<bool> {
        loop {
            let fds = [Some(self.process.fd()), Some(self.reader.as_fd())];
            match wait::readable(fds, deadline).context("waiting for a probe")? {
                [false, false] => return Ok(false),
                [false, true] => {
                    if !self.take()? {
                        // It said all; it ends, or hangs in its end.
                        let [ended] = wait::readable([Some(self.process.fd())], deadline)?;
                        return Ok(ended);
                    }
                }
                [true, _] => {
                    while wait::readable([Some(self.reader.as_fd())], Instant::now())? == [true]
                        && self.take()?
                    {}
                    return Ok(true);
                }
            }
        }
    }

    /// Takes a piece; says whether there may be more.
    fn take(&mut self) -> anyhow::Result<bool> {
        let mut buffer = [0; 4096];
        let count = self.reader.read(&mut buffer).context("listening to a probe")?;
        self.said.extend(buffer.iter().take(count));
        Ok(count > 0)
    }

    fn judge(&self, status: ExitStatus) -> Ended {
        let failed = |fault: String| Ended::Failed { fault, details: Vec::new() };
        match serde_json::from_slice::<Result<Observation, String>>(&self.said) {
            Ok(Ok(observation)) if status.success() => Ended::Observed(observation),
            Ok(Err(error)) if status.success() => failed(format!("the probe could not do its work: {error}")),
            Ok(_) | Err(_) => match (status.code(), status.signal()) {
                (_, Some(signal)) => failed(format!("the probe was ended by signal {signal}")),
                (code, None) => failed(format!("the probe ended with exit code {}", code.unwrap_or(-1))),
            },
        }
    }

    fn kill_group(&self) {
        let _ = rustix::process::kill_process_group(self.pid, Signal::KILL);
        self.process.kill();
    }
}

/// Where the tasks of a process are, and of those that it started: the children of a process group are found by its number.
fn tasks(group: Pid) -> Vec<String> {
    const MOST: usize = 200;
    let group = group.as_raw_nonzero().get();
    let mut lines = Vec::new();
    for process in numbers("/proc") {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        // After the name, which may hold anything: state, parent, group.
        let after_name = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
        if after_name.split(' ').nth(2) != Some(group.to_string().as_str()) {
            continue;
        }
        for task in numbers(&format!("/proc/{process}/task")) {
            let read = |name: &str| fs::read_to_string(format!("/proc/{process}/task/{task}/{name}"));
            let state = read("status").unwrap_or_default();
            let state = state.lines().find(|line| line.starts_with("State:")).unwrap_or_default().to_owned();
            lines.push(format!(
                "task {task}: {} {}",
                state.replace('\t', " "),
                read("wchan").unwrap_or_default()
            ));
            lines.extend(read("stack").unwrap_or_default().lines().map(|line| format!("  {line}")));
        }
    }
    lines.truncate(MOST);
    lines
}

fn numbers(folder: &str) -> Vec<u32> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect()
}
