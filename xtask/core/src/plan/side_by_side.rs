//! How many boots run at a time.

use crate::plan::Clock;

/// What QEMU takes beside the guest's memory, MiB: its translations of guest code, its own memory, and what the lab keeps
/// of the boot. A boot of some seconds took 94; translations grow with the code that runs.
const QEMU_MIB: u64 = 256;

/// What a host has for boots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// CPUs that the lab may use.
    pub cpus: u32,
    /// Memory that can be had without swapping, MiB; none if the host does not tell.
    pub available_mib: Option<u64>,
}

/// How many boots run at a time, and what keeps them from being more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SideBySide {
    /// At least one.
    pub boots: u32,
    /// If memory is what keeps them from being one per CPU.
    short: Option<Short>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Short {
    cpus: u32,
    available_mib: u64,
    need_mib: u64,
}

/// How many boots of guests with `memory_mib` run at a time. With the virtual clock the host's load does not show in the
/// guest: one per CPU, as far as they have memory, since a guest that is swapped out looks as if its kernel hung. Real
/// time is shared: one.
///
/// # Errors
/// If not even one has memory, with what to do.
pub fn side_by_side(clock: Clock, memory_mib: u32, room: Room) -> Result<SideBySide, String> {
    let wanted = match clock {
        Clock::Virtual => room.cpus.max(1),
        Clock::Wall => 1,
    };
    let need_mib = u64::from(memory_mib) + QEMU_MIB;
    let Some(available_mib) = room.available_mib else {
        return Ok(SideBySide { boots: wanted, short: None });
    };
    let fit = u32::try_from(available_mib / need_mib).unwrap_or(u32::MAX);
    if fit == 0 {
        return Err(format!(
            "a boot needs {need_mib} MiB of memory ({memory_mib} for the guest, {QEMU_MIB} for QEMU), and {available_mib} MiB are \
             available here; end other programs, or lower memory-mib of the plan's machine in lab.toml"
        ));
    }
    let short = (fit < wanted).then_some(Short { cpus: room.cpus, available_mib, need_mib });
    Ok(SideBySide { boots: wanted.min(fit), short })
}

impl SideBySide {
    /// In words, with the reason if memory sets the limit.
    pub fn line(&self) -> String {
        let boots = match self.boots {
            1 => "one after the other".to_owned(),
            count => format!("{count} side by side"),
        };
        let why = self.short.map(|short| {
            format!(
                " and not {}, since each needs {} MiB of memory and {} MiB are available",
                short.cpus, short.need_mib, short.available_mib
            )
        });
        boots + &why.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_as_memory_allows() {
        for (clock, memory_mib, cpus, available_mib, expected) in [
            (Clock::Virtual, 768, 2, Some(24_000), Ok("2 side by side")),
            (
                Clock::Virtual,
                768,
                64,
                Some(24_000),
                Ok(
                    "23 side by side and not 64, since each needs 1024 MiB of memory and 24000 MiB are available",
                ),
            ),
            (Clock::Virtual, 768, 64, Some(65_536), Ok("64 side by side")),
            (
                Clock::Virtual,
                768,
                64,
                Some(65_535),
                Ok(
                    "63 side by side and not 64, since each needs 1024 MiB of memory and 65535 MiB are available",
                ),
            ),
            (
                Clock::Virtual,
                768,
                2,
                Some(2047),
                Ok(
                    "one after the other and not 2, since each needs 1024 MiB of memory and 2047 MiB are available",
                ),
            ),
            (Clock::Virtual, 768, 1, Some(1024), Ok("one after the other")),
            (
                Clock::Virtual,
                768,
                2,
                Some(1023),
                Err(
                    "a boot needs 1024 MiB of memory (768 for the guest, 256 for QEMU), and 1023 MiB are available here; end \
                     other programs, or lower memory-mib of the plan's machine in lab.toml",
                ),
            ),
            // A host that does not tell is believed to have enough.
            (Clock::Virtual, 768, 8, None, Ok("8 side by side")),
            (Clock::Wall, 768, 64, Some(1 << 20), Ok("one after the other")),
            (
                Clock::Wall,
                4096,
                64,
                Some(4000),
                Err(
                    "a boot needs 4352 MiB of memory (4096 for the guest, 256 for QEMU), and 4000 MiB are available here; end \
                     other programs, or lower memory-mib of the plan's machine in lab.toml",
                ),
            ),
        ] {
            let found = side_by_side(clock, memory_mib, Room { cpus, available_mib });
            let found = found.map(|found| found.line());
            assert_eq!(
                found.as_deref().map_err(String::as_str),
                expected,
                "{cpus} CPUs, {available_mib:?} MiB"
            );
        }
    }
}
