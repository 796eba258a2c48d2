//! What the kernel warned of in this boot. A serial console does not show levels, and so the log itself is read.

use std::fs::File;
use std::io::{ErrorKind, Read as _};

use anyhow::Context as _;
use lab_protocol::{KernelMessage, KernelWarnings, WARNING_LEVEL};
use rustix::fs::{Mode, OFlags};

const DEVICE: &str = "/dev/kmsg";

/// The most messages that are kept, and the most bytes of one.
const MOST: usize = 500;
const LONGEST: usize = 1000;

/// Larger than any record: PRINTK_MESSAGE_MAX of kernel/printk/internal.h is 2,048.
const RECORD: usize = 8 << 10;

/// Reads the log from its beginning. This is done when nothing is measured any more.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn read() -> anyhow::Result<KernelWarnings> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = rustix::fs::open(DEVICE, flags, Mode::empty());
    let mut device = File::from(opened.with_context(|| format!("opening {DEVICE}"))?);
    let mut warnings = KernelWarnings::default();
    let mut record = vec![0; RECORD];
    loop {
        match device.read(&mut record) {
            Ok(0) => return Ok(warnings),
            Ok(length) => match message(&record[..length]) {
                Some(message) if warnings.messages.len() < MOST => warnings.messages.push(message),
                Some(_) => warnings.left_out += 1,
                None => {}
            },
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(warnings),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // Records were overwritten; the next one is the oldest that is left.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => warnings.left_out += 1,
            Err(error) => return Err(error).with_context(|| format!("reading {DEVICE}")),
        }
    }
}

/// The message of a record, if it is a warning or worse, and the kernel's own: `FACILITY*8+LEVEL,NUMBER,TIME,FLAGS[,...];TEXT`, then
/// lines about the device (Documentation/ABI/testing/dev-kmsg). What programs write has another facility.
fn message(record: &[u8]) -> Option<KernelMessage> {
    let text = String::from_utf8_lossy(record);
    let (prefix, rest) = text.split_once(';')?;
    let number: u32 = prefix.split(',').next()?.parse().ok()?;
    let level = u8::try_from(number).ok().filter(|level| *level <= WARNING_LEVEL)?;
    let line = rest.split('\n').next()?.trim_end();
    let text: String = line.chars().take(LONGEST).collect();
    (!text.is_empty()).then_some(KernelMessage { level, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records of a 6.12 kernel, and what a program wrote.
    #[test]
    fn only_warnings_of_the_kernel_itself_count() {
        let warning = |level, text: &str| Some(KernelMessage { level, text: text.to_owned() });
        for (record, expected) in [
            ("4,120,58389,-,caller=T1;slow: a; b\n", warning(4, "slow: a; b")),
            ("3,120,58389,-;bad\n SUBSYSTEM=pci\n DEVICE=+pci:0000:00:01.0\n", warning(3, "bad")),
            ("0,1,2,-;x\n", warning(0, "x")),
            ("5,120,58389,-;a notice\n", None),
            ("6,120,58389,c;goes on\n", None),
            ("12,339,5140900,-,caller=T1;patchlab: a program's warning\n", None),
            ("4,120,58389,-;\n", None),
            ("four,1;x\n", None),
            ("4,1,2,-\n", None),
            ("", None),
        ] {
            assert_eq!(message(record.as_bytes()), expected, "{record:?}");
        }
        let long = format!("4,1,2,-;{}\n", "ä".repeat(3000));
        assert_eq!(message(long.as_bytes()).map(|message| message.text.chars().count()), Some(LONGEST));
    }
}
