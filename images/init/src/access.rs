//! What a workload does to its file, as far as its arguments say it.

use std::ops::Range;

use aio_stress::aio::Transfer;
use aio_stress::options::{self, Command, Options};
use aio_stress::plan::Plan;
use aio_stress::stage::Stage;
use lab_protocol::stamp::Stamp;
use lab_protocol::{Tool, WorkloadTask};
use serde::{Deserialize, Serialize};

/// How much of a file is read or written once more, bytes from the first on; of reads, the end of the file as well. All of
/// the default workloads once more would double what a boot takes.
const AGAIN_BYTES: u64 = 8 << 20;

/// One way through a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// It reads.
    Read(Again),
    /// It writes.
    Write {
        /// Where.
        range: Range<u64>,
        /// What.
        written: Written,
        /// Whether each byte of the range is written, or some of them.
        extent: Extent,
        /// The size of the file in the end.
        bytes_after: u64,
        /// How it is done once more.
        again: Again,
    },
}

/// What a tool writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// Zeros.
    Zeros,
    /// Words that follow from their place.
    Stamps(Stamp),
}

/// How much of a range is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Each byte.
    Whole,
    /// Nobody knows which.
    Some,
}

/// How the same kind of access is made once more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// By this program, block by block: a part or two.
    Blocks(Vec<Blocks>),
    /// By the tool itself, which can check stamps.
    Tool {
        /// Arguments that limit it.
        limit: Vec<String>,
        /// What it touches at most then.
        range: Range<u64>,
    },
}

/// Reads or writes of one size, one after the other, as `dd` makes them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Blocks {
    /// Bytes of each.
    pub(crate) block: usize,
    /// Offset of the first.
    pub(crate) start: u64,
    /// How many, unless the file ends before.
    pub(crate) count: u64,
    /// Flags of open(2).
    pub(crate) flags: i32,
    /// Whether the file is cut at `start` first.
    pub(crate) cut: bool,
}

/// What the workload does to a file of its size; none if that does not follow from its arguments.
pub(crate) fn of(task: &WorkloadTask) -> Option<Access> {
    let file_bytes = u64::from(task.file_mib) << 20;
    match task.tool {
        Tool::Dd => dd(&task.args, file_bytes),
        Tool::AioStress => aio_stress(&task.args, file_bytes),
        // What a job does takes more than this to know, and what a suite does it knows itself.
        Tool::Fio | Tool::StressNg | Tool::Fsx | Tool::Pjdfstest | Tool::Socket => None,
    }
}

fn dd(args: &[String], file_bytes: u64) -> Option<Access> {
    const OPERANDS: [&str; 10] =
        ["if", "of", "bs", "count", "skip", "seek", "iflag", "oflag", "conv", "status"];
    let operands: Vec<(&str, &str)> = args.iter().map(|arg| arg.split_once('=')).collect::<Option<_>>()?;
    if operands.iter().any(|(name, _)| !OPERANDS.contains(name)) {
        return None;
    }
    // Of an operand that is given twice the last one counts.
    let value = |name: &str| operands.iter().rfind(|(other, _)| *other == name).map(|(_, value)| *value);
    let number = |name: &str| value(name).map_or(Some(None), |text| number(text).map(Some));
    let block = number("bs")?.unwrap_or(512);
    let count = number("count")?;
    let conversions = value("conv").unwrap_or_default();
    let known = |word: &str| matches!(word, "" | "notrunc" | "fsync" | "fdatasync" | "nocreat");
    if block == 0 || !conversions.split(',').all(known) {
        return None;
    }
    let place = |skipped: &str| number(skipped)?.unwrap_or(0).checked_mul(block);
    let leading = AGAIN_BYTES.div_ceil(block);
    let part = |start, count, flags, cut| {
        let block = usize::try_from(block).ok()?;
        Some(Blocks { block, start, count, flags: open_flags(flags)?, cut })
    };
    if value("if") == Some("{file}") {
        let (start, flags) = (place("skip")?, value("iflag").unwrap_or_default());
        let in_file = file_bytes.saturating_sub(start).div_ceil(block);
        let count = count.unwrap_or(in_file).min(in_file);
        let mut parts = vec![part(start, count.min(leading), flags, false)?];
        if count > leading {
            parts.push(part(start + (count - 1) * block, 1, flags, false)?);
        }
        return value("seek").is_none().then_some(Access::Read(Again::Blocks(parts)));
    }
    let is_cut = !conversions.split(',').any(|word| word == "notrunc");
    let start = place("seek")?;
    // Zeros have no end.
    let count = count?;
    let end = count.checked_mul(block)?.checked_add(start)?;
    let again = part(start, count.min(leading), value("oflag").unwrap_or_default(), is_cut)?;
    Some(Access::Write {
        range: start..end,
        written: Written::Zeros,
        extent: Extent::Whole,
        bytes_after: if is_cut { end } else { file_bytes.max(end) },
        again: Again::Blocks(vec![again]),
    })
}

/// The flags of open(2) that `dd` sets for its flags; none if there is one that means more.
fn open_flags(words: &str) -> Option<i32> {
    let flag = |word: &str| match word {
        "" | "fullblock" => Some(0),
        "direct" => Some(libc::O_DIRECT),
        "dsync" => Some(libc::O_DSYNC),
        "sync" => Some(libc::O_SYNC),
        "noatime" => Some(libc::O_NOATIME),
        _ => None,
    };
    words.split(',').map(flag).try_fold(0, |flags, flag| Some(flags | flag?))
}

/// A number as `dd` reads it, without the letters that few know.
fn number(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(digits);
    let unit = match unit {
        "" => 1,
        "k" | "K" | "KiB" => 1 << 10,
        "M" | "MiB" => 1 << 20,
        "G" | "GiB" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

fn aio_stress(args: &[String], file_bytes: u64) -> Option<Access> {
    let Ok(Command::Run(options)) = options::parse(args.iter().map(Into::into)) else { return None };
    let plan = Plan::new(&options).ok()?;
    // Of several stages the figure is refused, and removing the file leaves nothing to look at.
    let ([stage], false) = (&plan.stages[..], options.unlink) else { return None };
    let Options { contexts, turns, .. } = options;
    let whole = |options: &Options| {
        let span = plan.span(options, 0).ok()?;
        Some(span.start..span.start + span.records() * span.record)
    };
    let range = whole(&options)?;
    let short = Options { file_size: AGAIN_BYTES, ..options.clone() };
    // The operations of several contexts begin at other places, and may not fit in.
    let again = match whole(&short).filter(|_| contexts == 1 && options.file_size > AGAIN_BYTES) {
        Some(range) => Again::Tool { limit: vec![format!("-s{AGAIN_BYTES}b")], range },
        None => Again::Tool { limit: Vec::new(), range: range.clone() },
    };
    if stage.transfer() == Transfer::Read {
        return Some(Access::Read(again));
    }
    // Threads that stop each other, limits, and random places: what is written then only the tool knows.
    let is_whole = *stage == Stage::Write && contexts == 1 && turns.is_none();
    Some(Access::Write {
        bytes_after: file_bytes.max(range.end),
        range: if is_whole { range } else { 0..options.file_size },
        written: options.verify.map_or(Written::Zeros, Written::Stamps),
        extent: if is_whole { Extent::Whole } else { Extent::Some },
        again,
    })
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(tool: Tool, line: &str, expected: Expect) {
        let args = line.split_whitespace().map(str::to_owned).collect();
        let task = WorkloadTask { name: "w".to_owned(), tool, args, file_mib: 64, samples: 1, job: None };
        expected.assert_eq(&of(&task).map_or("unknown".to_owned(), |access| format!("{access:?}")));
    }

    #[test]
    fn reads_and_writes_of_dd() {
        let check = |line, expected| check(Tool::Dd, line, expected);
        check(
            "if={file} of=/dev/null bs=2M count=32 iflag=direct",
            expect![
                "Read(Blocks([Blocks { block: 2097152, start: 0, count: 4, flags: 16384, cut: false }, Blocks { block: 2097152, start: 65011712, count: 1, flags: 16384, cut: false }]))"
            ],
        );
        check(
            "if={file} of=/dev/null bs=2M count=4 iflag=direct",
            expect![
                "Read(Blocks([Blocks { block: 2097152, start: 0, count: 4, flags: 16384, cut: false }]))"
            ],
        );
        check(
            "if={file} of=/dev/null bs=64K skip=3 status=none",
            expect![
                "Read(Blocks([Blocks { block: 65536, start: 196608, count: 128, flags: 0, cut: false }, Blocks { block: 65536, start: 67043328, count: 1, flags: 0, cut: false }]))"
            ],
        );
        check(
            "if=/dev/zero of={file} bs=2M count=32 oflag=direct conv=notrunc",
            expect![
                "Write { range: 0..67108864, written: Zeros, extent: Whole, bytes_after: 67108864, again: Blocks([Blocks { block: 2097152, start: 0, count: 4, flags: 16384, cut: false }]) }"
            ],
        );
        check(
            "if=/dev/zero of={file} bs=4k seek=2 count=5 conv=notrunc,fsync oflag=sync",
            expect![
                "Write { range: 8192..28672, written: Zeros, extent: Whole, bytes_after: 67108864, again: Blocks([Blocks { block: 4096, start: 8192, count: 5, flags: 1052672, cut: false }]) }"
            ],
        );
        check(
            "if=/dev/zero of={file} bs=1M count=8",
            expect![
                "Write { range: 0..8388608, written: Zeros, extent: Whole, bytes_after: 8388608, again: Blocks([Blocks { block: 1048576, start: 0, count: 8, flags: 0, cut: true }]) }"
            ],
        );
        for unknown in [
            "if={file} of=/dev/null ibs=2M",
            "if={file} of=/dev/null bs=2kB",
            "if={file} of=/dev/null bs=0",
            "if={file} of=/dev/null bs=1M iflag=skip_bytes skip=5",
            "if={file} of=/dev/null bs=1M conv=swab",
            "if=/dev/zero of={file} bs=1M",
            "if=/dev/zero of={file} bs=8G count=9999999999999",
            "nonsense",
        ] {
            check(unknown, expect!["unknown"]);
        }
    }

    #[test]
    fn stages_of_aio_stress() {
        let check = |line, expected| check(Tool::AioStress, line, expected);
        check(
            "-s 64 -a 4 -b 1 -c 1 -O -o 1 {file}",
            expect![[r#"Read(Tool { limit: ["-s8388608b"], range: 0..8388608 })"#]],
        );
        check(
            "-s 64 -a 4 -b 1 -c 1 -O -o 0 {file}",
            expect![[
                r#"Write { range: 0..67108864, written: Zeros, extent: Whole, bytes_after: 67108864, again: Tool { limit: ["-s8388608b"], range: 0..8388608 } }"#
            ]],
        );
        check(
            "-s 32 -r 96 -o 0 -v {file}",
            expect![[
                r#"Write { range: 0..33521664, written: Stamps(Spread), extent: Whole, bytes_after: 67108864, again: Tool { limit: ["-s8388608b"], range: 0..8355840 } }"#
            ]],
        );
        check(
            "-s 64 -c 2 -t 2 -o 0 {file}",
            expect![
                "Write { range: 0..67108864, written: Zeros, extent: Some, bytes_after: 67108864, again: Tool { limit: [], range: 0..67108864 } }"
            ],
        );
        check(
            "-s 64 -o 2 {file}",
            expect![[
                r#"Write { range: 0..67108864, written: Zeros, extent: Some, bytes_after: 67108864, again: Tool { limit: ["-s8388608b"], range: 0..8388608 } }"#
            ]],
        );
        check(
            "-s 64 -o 0 -I 3 {file}",
            expect![[
                r#"Write { range: 0..67108864, written: Zeros, extent: Some, bytes_after: 67108864, again: Tool { limit: ["-s8388608b"], range: 0..8388608 } }"#
            ]],
        );
        for unknown in ["-s 64 {file}", "-s 64 -o 0 -u {file}", "-s 1 -c 9 -o 0 {file}", "-s 64 -o 9 {file}"]
        {
            check(unknown, expect!["unknown"]);
        }
    }

    #[test]
    fn jobs_of_fio_are_not_looked_into() {
        check(Tool::Fio, "", expect!["unknown"]);
    }
}
