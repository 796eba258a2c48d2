//! The kernel's taint flags.

use super::body::{is_cut, is_death};
use super::{Finding, Kind};

/// Letter and meaning by bit, from Documentation/admin-guide/tainted-kernels.rst of Linux 6.12 and, for bit 19,
/// `taint_flags` in kernel/panic.c of later kernels.
const FLAGS: [&str; 20] = [
    "P: proprietary module was loaded",
    "F: module was force loaded",
    "S: kernel running on an out of specification system",
    "R: module was force unloaded",
    "M: processor reported a machine check exception",
    "B: bad page referenced or some unexpected page flags",
    "U: taint requested by userspace application",
    "D: kernel died recently, there was an oops or BUG",
    "A: ACPI table overridden by user",
    "W: kernel issued warning",
    "C: staging driver was loaded",
    "I: workaround for bug in platform firmware applied",
    "O: externally-built (out-of-tree) module was loaded",
    "E: unsigned module was loaded",
    "L: soft lockup occurred",
    "K: kernel has been live patched",
    "X: auxiliary taint, defined for and used by distributions",
    "T: kernel was built with the struct randomisation plugin",
    "N: an in-kernel test has been run",
    "J: userspace used a mutating debug operation in fwctl",
];

/// What the bits of `/proc/sys/kernel/tainted` mean: the letter that the kernel prints, a colon, the meaning.
/// Bits that nobody has named yet are given as `?`.
pub(crate) fn taint_flags(bits: u64) -> Vec<&'static str> {
    (0..64)
        .filter(|bit| bits & (1 << bit) != 0)
        .map(|bit| FLAGS.get(bit).copied().unwrap_or("?: unknown taint flag"))
        .collect()
}

const MACHINE_CHECK: u64 = 1 << 4;
const BAD_PAGE: u64 = 1 << 5;
const DIED: u64 = 1 << 7;
const WARNED: u64 = 1 << 9;
const SOFT_LOCKUP: u64 = 1 << 14;

/// The reports of kernel/sched/core.c that set the flag of a WARN(): __schedule_bug(), schedule_debug(), __might_resched(),
/// __cant_sleep(), __cant_migrate().
const WARNED_BY: [&str; 5] = [
    "BUG: scheduling while atomic",
    "BUG: scheduling in a non-blocking section",
    "BUG: sleeping function called from invalid context",
    "BUG: assuming atomic context",
    "BUG: assuming non migratable context",
];

/// The flags that the kernel sets with a report such as this one: what calls add_taint() in Linux 6.12 and 7.3.
pub(crate) fn set_by(finding: &Finding) -> u64 {
    let says = |words: &str| finding.text.contains(words);
    let died = finding.text.lines().any(is_death);
    // A BUG() has this line as well, and ends in an exception.
    let warned = !died && finding.text.lines().any(is_cut);
    let bad_page = matches!(finding.kind, Kind::Kasan | Kind::Kmsan | Kind::Kfence | Kind::Slab);
    let flags = [
        (finding.kind == Kind::MachineCheck, MACHINE_CHECK),
        (bad_page || says("BUG: Bad page"), BAD_PAGE),
        (died, DIED),
        (warned || WARNED_BY.iter().any(|words| says(words)), WARNED),
        (finding.kind == Kind::SoftLockup, SOFT_LOCKUP),
    ];
    flags.into_iter().filter(|(is_set, _)| *is_set).fold(0, |all, (_, flag)| all | flag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_stand_at_their_bits() {
        let letters = |bits| taint_flags(bits).iter().map(|flag| &flag[..1]).collect::<Vec<_>>().concat();
        for (bits, expected) in [
            (0, ""),
            (1, "P"),
            (512, "W"),
            (128 + 512, "DW"),
            (1 << 5, "B"),
            (1 << 14, "L"),
            (1 << 18, "N"),
            (1 << 63, "?"),
            ((1 << 20) - 1, "PFSRMBUDAWCIOELKXTNJ"),
        ] {
            assert_eq!(letters(bits), expected, "{bits}");
        }
    }
}
