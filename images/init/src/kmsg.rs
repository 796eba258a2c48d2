//! Lines of process 1 in the kernel log, its only way to the console.

use std::fs::{self, File};
use std::io::Write as _;

use anyhow::Context as _;

const DEVICE: &str = "/dev/kmsg";
const RATE_LIMIT: &str = "/proc/sys/kernel/printk_devkmsg";

/// How the kernel ranks a line (`<n>` before it).
#[derive(Clone, Copy)]
pub(crate) enum Level {
    /// What the lab must see: shown by the default console log level.
    Notice,
    /// The steps of a boot.
    Info,
}

/// Takes away the kernel's limit of ten lines in five seconds for [`DEVICE`]: the end mark must not be lost.
///
/// # Errors
/// If the kernel has no such limit to take away.
pub(crate) fn lift_rate_limit() -> anyhow::Result<()> {
    // Without the end of line the kernel takes the word for an unknown one.
    fs::write(RATE_LIMIT, "on\n").with_context(|| format!("writing {RATE_LIMIT}"))
}

/// Writes one line. A failure is ignored: there is no other place to tell it.
pub(crate) fn write(level: Level, text: &str) {
    if let Ok(mut device) = File::options().append(true).open(DEVICE) {
        let _ = device.write_all(record(level, text).as_bytes());
    }
}

/// Writes a step of the boot.
pub(crate) fn step(text: &str) {
    write(Level::Info, &format!("patchlab: {text}"));
}

/// One record: the level, then a single line that fits the kernel's limit of 1,024 bytes with its prefix.
fn record(level: Level, text: &str) -> String {
    const LONGEST: usize = 900;
    let number = match level {
        Level::Notice => 5,
        Level::Info => 6,
    };
    let mut line = text.replace(|c: char| c.is_control(), " ");
    if line.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|&at| line.is_char_boundary(at)).unwrap_or(0);
        line.truncate(end);
        line.push_str(" [...]");
    }
    format!("<{number}>{line}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_one_short_line() {
        let long = "ä".repeat(600);
        let cut = format!("<6>{} [...]\n", "ä".repeat(450));
        for (text, expected) in [
            ("patchlab: mounted", "<6>patchlab: mounted\n"),
            ("two\nlines\twith\x1b[0m", "<6>two lines with [0m\n"),
            ("", "<6>\n"),
            (&long, &cut),
        ] {
            assert_eq!(record(Level::Info, text), expected);
        }
        assert_eq!(record(Level::Notice, "end"), "<5>end\n");
    }
}
