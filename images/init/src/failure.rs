//! Boots that are to fail, so that it is seen what the host makes of them.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use lab_guest::process::{Process, command};
use lab_protocol::frame::{Kind, MAX_PAYLOAD, encode};
use lab_protocol::{FAULT_TRIGGER, Failure, Nonce, Report};
use rustix::time::{ClockId, Timespec, clock_gettime, clock_settime};

use crate::ledger::Ledger;
use crate::{kmsg, shell, system};

/// The first argument that makes the program the child in which the kernel fails.
pub(crate) const WORD: &str = "trigger-fault";

/// How long the child may take: a task that waits for ever is noticed long before.
const CHILD_LIMIT: Duration = Duration::from_secs(40);

/// How long the kernel has to notice what came of it. While it idles no time passes for whoever waits.
const AFTERWARDS: Duration = Duration::from_secs(15);

/// What a program writes to the console at a time, bytes.
const PIECE: usize = 64 << 10;

const CONSOLE: &str = "/dev/console";

/// Does what the boot is to fail by.
///
/// # Errors
/// If it cannot be done; that the boot goes on is none.
pub(crate) fn fail(ledger: &Ledger, failure: &Failure) -> anyhow::Result<()> {
    ledger.step(&format!("this boot is to fail: {failure:?}"));
    let identity = system::identity()?;
    ledger.edit(|report| report.build_id = identity.build_id);
    match failure {
        Failure::None => Ok(()),
        Failure::Kernel(fault) => in_a_child(fault),
        Failure::Crash => crash(),
        Failure::InitExits => std::process::exit(0),
        Failure::CrashAfterReport => {
            ledger.send_instead_of_the_report(frame)?;
            crash()
        }
        Failure::CrashInReport => {
            ledger.send_instead_of_the_report(|nonce, report| {
                let mut frame = frame(nonce, report)?;
                frame.truncate(frame.len() / 2);
                Ok(frame)
            })?;
            crash()
        }
        Failure::ReportTooShort => announced(ledger, |length| length + 1000),
        Failure::ReportTooLong => announced(ledger, |_| MAX_PAYLOAD as u32 + 1),
        Failure::ReportOfAnotherBoot => {
            ledger.send_instead_of_the_report(|nonce, report| {
                frame(Nonce(nonce.0.map(|byte| !byte)), report)
            })?;
            ledger.end_without_report()
        }
        Failure::Flood { mib, line_bytes } => flood(u64::from(*mib) << 20, *line_bytes as usize),
        Failure::ClockBack => set_clock_back(),
        Failure::Busy { seconds } => {
            work_for(Duration::from_secs((*seconds).into()));
            Ok(())
        }
    }
}

fn frame(nonce: Nonce, report: &Report) -> anyhow::Result<Vec<u8>> {
    Ok(encode(Kind::Report, nonce, &serde_json::to_vec(report).context("writing JSON")?))
}

/// Sends the report in a frame whose header lies about its length.
fn announced(ledger: &Ledger, lie: impl FnOnce(u32) -> u32) -> anyhow::Result<()> {
    /// Where the length is.
    const LENGTH: std::ops::Range<usize> = 8..12;
    ledger.send_instead_of_the_report(|nonce, report| {
        let mut frame = frame(nonce, report)?;
        let length = u32::from_le_bytes(frame[LENGTH].try_into()?);
        frame[LENGTH].copy_from_slice(&lie(length).to_le_bytes());
        Ok(frame)
    })?;
    ledger.end_without_report()
}

/// The end of process 1 would be a panic: whatever the kernel does to the caller, it does it to a child.
fn in_a_child(fault: &str) -> anyhow::Result<()> {
    let child = command("/proc/self/exe", &[WORD, fault]).spawn().context("starting a child")?;
    let ended = Process::new(child)?.collect(Instant::now() + CHILD_LIMIT)?;
    kmsg::step(&match ended {
        Some(ended) => format!("the child ended: {}", ended.status),
        None => "the child does not end".to_owned(),
    });
    std::thread::sleep(AFTERWARDS);
    Ok(())
}

/// What the child does.
///
/// # Errors
/// If the kernel has no such fault.
pub(crate) fn trigger(fault: &str) -> anyhow::Result<()> {
    fs::write(FAULT_TRIGGER, fault).with_context(|| format!("writing {fault} to {FAULT_TRIGGER}"))
}

fn crash() -> anyhow::Result<()> {
    fs::write("/proc/sysrq-trigger", "c").context("asking the kernel to panic")
}

/// Writes to the console what no kernel says.
fn flood(bytes: u64, line_bytes: usize) -> anyhow::Result<()> {
    let mut console =
        File::options().write(true).open(CONSOLE).with_context(|| format!("opening {CONSOLE}"))?;
    shell::leave_output_alone(console.as_raw_fd())?;
    let mut piece = [b'x'; PIECE];
    let mut at = 0;
    let mut left = bytes;
    while left > 0 {
        let length = left.min(PIECE as u64) as usize;
        for byte in &mut piece[..length] {
            at += 1;
            *byte = if at % line_bytes == 0 { b'\n' } else { b'x' };
        }
        console.write_all(&piece[..length]).with_context(|| format!("writing {CONSOLE}"))?;
        left -= length as u64;
    }
    console.write_all(b"\n").with_context(|| format!("writing {CONSOLE}"))
}

fn set_clock_back() -> anyhow::Result<()> {
    const YEAR_S: i64 = 365 * 86_400;
    let now = clock_gettime(ClockId::Realtime);
    clock_settime(ClockId::Realtime, Timespec { tv_sec: now.tv_sec - YEAR_S, ..now })
        .context("setting the clock back")
}

fn work_for(time: Duration) {
    let since = Instant::now();
    while since.elapsed() < time {
        std::hint::spin_loop();
    }
}
