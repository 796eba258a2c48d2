//! The FUSE server: started, asked over its standard input and output, and stopped.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use lab_protocol::frame::MAX_PAYLOAD;
use lab_protocol::{Behaviour, ControlCommand, ControlReply, Negotiated, RequestStats, ServerSettings};

use crate::capture::Capture;
use crate::process::{Process, command};
use crate::wait;

/// Where the server lies in the image.
pub const PROGRAM: &str = "/bin/passthrough";
const STDERR_LIMIT: usize = 64 << 10;
/// The longest reply that is accepted, bytes.
const REPLY_LIMIT: usize = 16 << 20;
/// How long any answer of the server may take, guest time.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a server is, and what it stands between.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its program.
    pub program: PathBuf,
    /// The folder that is passed through.
    pub storage: PathBuf,
    /// The folder that is mounted on.
    pub mount: PathBuf,
    /// What takes its standard error. A file and not a pipe: what the server says is never in its way, and nobody wakes up
    /// for it.
    pub stderr: PathBuf,
}

/// The running server.
#[derive(Debug)]
pub struct ServerProcess {
    place: Place,
    process: Process,
    commands: ChildStdin,
    replies: ChildStdout,
    unread: Vec<u8>,
}

impl ServerProcess {
    /// Starts the server.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(settings: &ServerSettings, place: &Place) -> anyhow::Result<Self> {
        let start = || -> anyhow::Result<Self> {
            let settings = serde_json::to_string(settings)?;
            let mut child = command(&place.program, &["--settings", &settings, "--control"])
                .args([&place.storage, &place.mount])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(File::options().create(true).append(true).open(&place.stderr)?)
                .spawn()?;
            let (Some(commands), Some(replies)) = (child.stdin.take(), child.stdout.take()) else {
                bail!("no pipes");
            };
            let (place, process) = (place.clone(), Process::new(child)?);
            Ok(ServerProcess { place, process, commands, replies, unread: Vec::new() })
        };
        start().with_context(|| format!("starting {}", place.program.display()))
    }

    /// Its process number.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Waits until the file system is mounted.
    ///
    /// # Errors
    /// If the server ends or does not answer in time.
    pub fn wait_mounted(&mut self) -> anyhow::Result<Negotiated> {
        match self.reply().context("waiting for the mount")? {
            ControlReply::Mounted(negotiated) => Ok(negotiated),
            other @ (ControlReply::Stats(_)
            | ControlReply::Log { .. }
            | ControlReply::Behaving
            | ControlReply::Acting
            | ControlReply::Refused(_)
            | ControlReply::Error(_)) => {
                bail!("waiting for the mount: the server said {other:?}")
            }
        }
    }

    /// What it has counted since the last call.
    ///
    /// # Errors
    /// If the server has ended or does not answer in time.
    pub fn take(&mut self) -> anyhow::Result<RequestStats> {
        let mut ask = || -> anyhow::Result<ControlReply> {
            writeln!(self.commands, "{}", ControlCommand::Take)?;
            self.reply()
        };
        match ask().context("asking the server for its counts")? {
            ControlReply::Stats(stats) => Ok(*stats),
            other @ (ControlReply::Mounted(_)
            | ControlReply::Log { .. }
            | ControlReply::Behaving
            | ControlReply::Acting
            | ControlReply::Refused(_)
            | ControlReply::Error(_)) => {
                bail!("asking the server for its counts: it said {other:?}")
            }
        }
    }

    /// The log of the requests since the last [`ServerProcess::take`], as it goes to the host.
    ///
    /// # Errors
    /// If the server has ended or does not answer in time.
    pub fn request_log(&mut self, workload: u32) -> anyhow::Result<Vec<u8>> {
        let mut ask = || -> anyhow::Result<Vec<u8>> {
            writeln!(self.commands, "{}", ControlCommand::Log { workload })?;
            match self.reply()? {
                ControlReply::Log { bytes } => self.bytes(usize::try_from(bytes)?),
                other @ (ControlReply::Mounted(_)
                | ControlReply::Stats(_)
                | ControlReply::Behaving
                | ControlReply::Acting
                | ControlReply::Refused(_)
                | ControlReply::Error(_)) => {
                    bail!("it said {other:?}")
                }
            }
        };
        ask().context("asking the server for its request log")
    }

    /// Has it behave like this from now on.
    ///
    /// # Errors
    /// If the server refuses, has ended, or does not answer in time.
    pub fn behave(&mut self, behaviour: &Behaviour) -> anyhow::Result<()> {
        let mut ask = || -> anyhow::Result<ControlReply> {
            writeln!(self.commands, "{}", ControlCommand::Behave(Box::new(behaviour.clone())))?;
            self.reply()
        };
        match ask().context("having the server behave in another way")? {
            ControlReply::Behaving => Ok(()),
            other @ (ControlReply::Mounted(_)
            | ControlReply::Stats(_)
            | ControlReply::Log { .. }
            | ControlReply::Acting
            | ControlReply::Refused(_)
            | ControlReply::Error(_)) => bail!("having the server behave in another way: it said {other:?}"),
        }
    }

    /// Has the actions of its settings become due from now on, until the next [`ServerProcess::take`]; `file` is that of the
    /// workload, below the mount.
    ///
    /// # Errors
    /// If the server has ended or does not answer in time.
    pub fn act(&mut self, file: &str) -> anyhow::Result<()> {
        let mut ask = || -> anyhow::Result<ControlReply> {
            writeln!(self.commands, "{}", ControlCommand::Act { file: file.to_owned() })?;
            self.reply()
        };
        match ask().context("having the server act")? {
            ControlReply::Acting => Ok(()),
            other @ (ControlReply::Mounted(_)
            | ControlReply::Stats(_)
            | ControlReply::Log { .. }
            | ControlReply::Behaving
            | ControlReply::Refused(_)
            | ControlReply::Error(_)) => bail!("having the server act: it said {other:?}"),
        }
    }

    /// Its peak resident memory, KiB.
    pub fn peak_kib(&self) -> Option<u64> {
        peak_kib(&fs::read_to_string(format!("/proc/{}/status", self.pid())).ok()?)
    }

    /// How it ended, if it ends within `limit`.
    pub fn end_within(&self, limit: Duration) -> Option<String> {
        let ended = self.process.collect(Instant::now() + limit).ok()??;
        Some(describe_end(ended.status, &self.stderr()))
    }

    /// Ends it without asking; its mount is the caller's to take away.
    pub fn kill(self, limit: Duration) {
        self.process.kill();
        // One that hangs in the kernel is left behind.
        let _ = self.process.collect(Instant::now() + limit);
    }

    /// Has it unmount and end; kills it if it does not.
    ///
    /// # Errors
    /// If it does not end, ends with an error, or leaves the mount behind.
    pub fn quit(mut self) -> anyhow::Result<()> {
        // A server that has ended already is noticed below.
        let _ = writeln!(self.commands, "{}", ControlCommand::Quit);
        drop(self.commands);
        let Some(ended) = self.process.collect(Instant::now() + PATIENCE)? else {
            self.process.kill();
            bail!("the server did not end within {} s of `quit`", PATIENCE.as_secs());
        };
        if !ended.status.success() {
            bail!(describe_end(ended.status, &stderr(&self.place.stderr)));
        }
        let mounts = fs::read_to_string("/proc/self/mounts").context("reading the mounts")?;
        let mount = self.place.mount.display().to_string();
        if is_mounted(&mounts, &mount) {
            bail!("the server ended and left {mount} mounted");
        }
        Ok(())
    }

    /// What it has written to its standard error so far.
    pub fn stderr(&self) -> String {
        stderr(&self.place.stderr)
    }

    fn reply(&mut self) -> anyhow::Result<ControlReply> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(reply) = take_reply(&mut self.unread)? {
                return Ok(reply);
            }
            self.hear(deadline)?;
        }
    }

    /// What follows a reply.
    fn bytes(&mut self, count: usize) -> anyhow::Result<Vec<u8>> {
        if count > MAX_PAYLOAD {
            bail!("{count} bytes are announced, more than {MAX_PAYLOAD}");
        }
        let deadline = Instant::now() + PATIENCE;
        while self.unread.len() < count {
            self.hear(deadline)?;
        }
        let rest = self.unread.split_off(count);
        Ok(std::mem::replace(&mut self.unread, rest))
    }

    fn hear(&mut self, deadline: Instant) -> anyhow::Result<()> {
        let [readable] = wait::readable([Some(self.replies.as_fd())], deadline)?;
        if !readable {
            bail!("no answer within {} s", PATIENCE.as_secs());
        }
        let mut buffer = [0; 4096];
        match self.replies.read(&mut buffer)? {
            0 => Err(anyhow!("the server closed its output")),
            n => {
                self.unread.extend(&buffer[..n]);
                Ok(())
            }
        }
    }
}

/// Takes one line off the front of what was read; none if there is no whole line yet.
fn take_reply(unread: &mut Vec<u8>) -> anyhow::Result<Option<ControlReply>> {
    let Some(end) = unread.iter().position(|&byte| byte == b'\n') else {
        return match unread.len() {
            0..REPLY_LIMIT => Ok(None),
            length => bail!("an answer of more than {length} bytes"),
        };
    };
    let line: Vec<u8> = unread.drain(..=end).collect();
    let reply = serde_json::from_slice(&line).with_context(|| {
        format!("understanding the answer `{}`", String::from_utf8_lossy(&line).trim_end())
    })?;
    match reply {
        ControlReply::Error(text) => bail!("the server failed: {text}"),
        reply @ (ControlReply::Mounted(_)
        | ControlReply::Stats(_)
        | ControlReply::Log { .. }
        | ControlReply::Behaving
        | ControlReply::Acting
        | ControlReply::Refused(_)) => Ok(Some(reply)),
    }
}

/// Whether something is mounted on `target`, by the text of `/proc/self/mounts`.
fn is_mounted(mounts: &str, target: &str) -> bool {
    mounts.lines().any(|line| line.split(' ').nth(1) == Some(target))
}

pub(crate) fn stderr(file: &Path) -> String {
    let mut capture = Capture::new(STDERR_LIMIT);
    match fs::read(file) {
        Ok(bytes) => capture.push(&bytes),
        Err(error) => return format!("(cannot be read: {error})"),
    }
    capture.into_text()
}

/// Tells how the server ended, with what it last said.
pub(crate) fn describe_end(status: ExitStatus, stderr: &str) -> String {
    let how = match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => format!("{status}"),
    };
    match stderr.trim_end() {
        "" => format!("the server ended with {how} and said nothing"),
        text => format!("the server ended with {how}; its standard error:\n{text}"),
    }
}

/// `VmHWM` of `/proc/PID/status`.
fn peak_kib(status: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    value.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_taken_line_by_line() {
        let mut unread = Vec::new();
        assert_eq!(take_reply(&mut unread).unwrap(), None);
        let stats = serde_json::to_string(&ControlReply::Stats(Box::default())).unwrap();
        unread.extend(stats.as_bytes());
        assert_eq!(take_reply(&mut unread).unwrap(), None);
        unread.extend(b"\n{\"er");
        assert_eq!(take_reply(&mut unread).unwrap(), Some(ControlReply::Stats(Box::default())));
        assert_eq!(unread, b"{\"er");
        unread.extend(b"ror\":\"no /dev/fuse\"}\n");
        assert_eq!(take_reply(&mut unread).unwrap_err().to_string(), "the server failed: no /dev/fuse");
        unread = b"hello\n".to_vec();
        assert!(
            format!("{:#}", take_reply(&mut unread).unwrap_err())
                .starts_with("understanding the answer `hello`: ")
        );
        unread = vec![b'x'; REPLY_LIMIT];
        assert!(take_reply(&mut unread).is_err());
    }

    #[test]
    fn ends_are_described() {
        for (raw, stderr, expected) in [
            (1 << 8, "", "the server ended with exit code 1 and said nothing"),
            (9, "late\n", "the server ended with signal 9; its standard error:\nlate"),
            (6, "a\nb\n", "the server ended with signal 6; its standard error:\na\nb"),
        ] {
            assert_eq!(describe_end(ExitStatus::from_raw(raw), stderr), expected);
        }
    }

    #[test]
    fn peak_memory_is_found() {
        for (status, expected) in [
            ("Name:\tpassthrough\nVmPeak:\t  9000 kB\nVmHWM:\t   1234 kB\n", Some(1234)),
            ("Name:\tVmHWM:\n", None),
            ("VmHWM:\t12 MB\n", None),
            ("", None),
        ] {
            assert_eq!(peak_kib(status), expected, "{status}");
        }
    }

    #[test]
    fn mounts_are_found_by_their_whole_path() {
        let mounts = "proc /proc proc rw 0 0\nlab /mnt/fuse fuse rw,user_id=0 0 0\n";
        for (target, expected) in [("/mnt/fuse", true), ("/mnt", false), ("/proc", true), ("lab", false)] {
            assert_eq!(is_mounted(mounts, target), expected, "{target}");
        }
    }
}
