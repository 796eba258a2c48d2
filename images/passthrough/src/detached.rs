//! Serving in the background: the program ends when the mount is there, as mount(8) expects of its helpers.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::fd::OwnedFd;

use anyhow::{Context, anyhow, bail};
use lab_protocol::ControlReply;
use rustix::pipe::PipeFlags;

use crate::session::{self, Control, Mounting};

/// Mounts, and leaves a process behind that serves.
///
/// To be called while this process has a single thread.
///
/// # Errors
/// What is in the way of the mount. Nothing is left behind then.
pub fn run(mounting: Mounting) -> anyhow::Result<()> {
    let (heard, said) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).context("making a pipe")?;
    // SAFETY: there is no other thread whose locks the child could miss.
    match unsafe { libc::fork() } {
        -1 => Err(std::io::Error::last_os_error()).context("starting the process that serves"),
        0 => {
            drop(heard);
            let code = match serve(said, Mounting { control: Control::Starter, ..mounting }) {
                Ok(()) => 0,
                Err(error) => {
                    // Where nobody listens any more, there is nobody to tell.
                    let _ = session::say(&ControlReply::Error(format!("{error:#}")));
                    1
                }
            };
            std::process::exit(code)
        }
        _ => {
            drop(said);
            wait(heard)
        }
    }
}

fn serve(said: OwnedFd, mounting: Mounting) -> anyhow::Result<()> {
    rustix::process::setsid().context("leaving the terminal")?;
    rustix::stdio::dup2_stdout(&said)?;
    drop(said);
    session::run(&mounting)
}

/// Waits for what the child says first.
fn wait(heard: OwnedFd) -> anyhow::Result<()> {
    let mut line = String::new();
    BufReader::new(File::from(heard)).read_line(&mut line).context("hearing from the process that serves")?;
    match serde_json::from_str(&line) {
        Ok(ControlReply::Mounted(_)) => Ok(()),
        Ok(ControlReply::Error(text)) => Err(anyhow!(text)),
        Ok(_) | Err(_) => {
            bail!("the process that serves ended without a word; its end may be in the kernel log")
        }
    }
}
