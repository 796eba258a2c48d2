//! A server as a running program: started, asked, and ended with its mount whatever happens.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use lab_protocol::{ControlCommand, ControlReply, RequestStats};
use xtask::lab::process::tied;

use super::contender::CommandLine;
use super::cpu;
use super::ground::{Ground, detach};
use super::proc::kib;

/// How long a server may take to mount, and to end after the unmount.
const LIMIT: Duration = Duration::from_secs(10);

/// `FUSE_SUPER_MAGIC` of `fs/fuse/inode.c`.
const FUSE: i64 = 0x6573_5546;

/// A mounted server; ended on drop.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    mount: PathBuf,
    said: PathBuf,
}

impl Server {
    /// Starts it and waits for the mount.
    ///
    /// # Errors
    /// If it does not mount; with the last thing that it said.
    pub(super) fn start(line: &CommandLine, ground: &Ground) -> anyhow::Result<Self> {
        let (mount, said) = (ground.mount(), ground.said());
        let stderr = File::create(&said).with_context(|| format!("making {}", said.display()))?;
        let mut command = tied::command(&line.program);
        command.args(&line.arguments).envs(line.environment.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(stderr);
        let mut child = command.spawn().with_context(|| format!("starting {}", line.program.display()))?;
        let input = child.stdin.take().context("taking the server's input")?;
        let output = BufReader::new(child.stdout.take().context("taking the server's output")?);
        let mut server = Server { child, input, output, mount, said };
        server.await_mount().with_context(|| format!("mounting with {}", line.program.display()))?;
        Ok(server)
    }

    fn await_mount(&mut self) -> anyhow::Result<()> {
        let begin = Instant::now();
        while !rustix::fs::statfs(&self.mount).is_ok_and(|found| found.f_type == FUSE) {
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended with {status}: {}", self.last_words());
            }
            if begin.elapsed() > LIMIT {
                bail!("no mount after {} s: {}", LIMIT.as_secs(), self.last_words());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    fn last_words(&self) -> String {
        let text = std::fs::read_to_string(&self.said).unwrap_or_default();
        lab_core::evidence::output::last_line(&text).to_owned()
    }

    /// What our server counted since the last call.
    ///
    /// # Errors
    /// If it does not answer, as libfuse's servers do not.
    pub(super) fn take(&mut self) -> anyhow::Result<RequestStats> {
        writeln!(self.input, "{}", ControlCommand::Take).context("asking the server for its counters")?;
        loop {
            let mut line = String::new();
            self.output.read_line(&mut line).context("reading the server's counters")?;
            match serde_json::from_str(&line).with_context(|| format!("the server said `{}`", line.trim()))? {
                ControlReply::Stats(stats) => return Ok(*stats),
                ControlReply::Mounted(_) => {}
                reply @ (ControlReply::Log { .. }
                | ControlReply::Behaving
                | ControlReply::Acting
                | ControlReply::Refused(_)) => {
                    bail!("the server sent what nobody asked for: {reply:?}")
                }
                ControlReply::Error(error) => bail!("the server failed: {error}"),
            }
        }
    }

    /// CPU time that it has used so far, microseconds.
    ///
    /// # Errors
    /// If it has ended.
    pub(super) fn cpu_us(&self) -> anyhow::Result<f64> {
        cpu::of_process_us(self.child.id())
    }

    /// The most memory that it had resident so far, KiB.
    ///
    /// # Errors
    /// If it has ended.
    pub(super) fn peak_kib(&self) -> anyhow::Result<u64> {
        let path = format!("/proc/{}/status", self.child.id());
        let text = std::fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
        kib(&text, "VmHWM:").with_context(|| format!("no VmHWM in {path}"))
    }

    /// Unmounts, waits for its end, and gives what it wrote to standard error.
    ///
    /// # Errors
    /// If it does not end.
    pub(super) fn stop(mut self) -> anyhow::Result<String> {
        detach(&self.mount);
        let begin = Instant::now();
        while self.child.try_wait()?.is_none() {
            if begin.elapsed() > LIMIT {
                bail!("the server is still there {} s after the unmount", LIMIT.as_secs());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        read(&self.said)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        detach(&self.mount);
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
