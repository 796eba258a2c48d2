//! Where CPUs are, in what QEMU's monitor says to `info registers -a`.

use std::sync::LazyLock;

use regex::Regex;

use super::{Doing, Place};

/// The most CPUs that are looked at: no machine of the lab has more, and the text of a monitor is none of the lab's.
const MOST_CPUS: usize = 64;

/// Each CPU with its place, in the order of the text; what has another form is left out.
pub fn places(registers: &str) -> Vec<(u32, Place)> {
    let cpus = registers.split("CPU#").skip(1).take(MOST_CPUS);
    cpus.filter_map(|text| {
        let (number, rest) = text.split_once(['\r', '\n'])?;
        Some((number.trim().parse().ok()?, place(rest)?))
    })
    .collect()
}

/// x86_cpu_dump_state() of target/i386/cpu-dump.c: `RIP=... CPL=0 ... HLT=1`, EIP before 64-bit mode;
/// aarch64_cpu_dump_state() of target/arm/cpu.c: ` PC=...` and `PSTATE=... EL1h`.
fn place(registers: &str) -> Option<Place> {
    static COUNTER: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b(?:RIP|EIP|PC)=([0-9a-f]{8,16})\b"));
    static IN_A_PROGRAM: LazyLock<Regex> = LazyLock::new(|| pattern(r"\bCPL=3\b|\bPSTATE=.*\bEL0t"));
    static HALTED: LazyLock<Regex> = LazyLock::new(|| pattern(r"\bHLT=1\b"));
    let address = COUNTER.captures(registers)?.get(1)?.as_str().to_owned();
    let doing = if HALTED.is_match(registers) {
        Doing::Idle
    } else if IN_A_PROGRAM.is_match(registers) {
        Doing::Program
    } else {
        Doing::Kernel
    };
    Some(Place { address, doing, function: None })
}

/// Compiles a pattern of this module's own code.
#[expect(clippy::unwrap_used, reason = "the patterns are constants, and every one is compiled by a test")]
fn pattern(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap()
}
