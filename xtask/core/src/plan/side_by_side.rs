//! How many boots run at a time.

use std::collections::BTreeSet;

use lab_protocol::{ProbeSet, Tool, WorkloadTask};

use crate::plan::{Carried, Clock, Plan};

/// What QEMU takes beside the guest's memory, MiB: its translations of guest code, which have a limit with the virtual clock,
/// its own memory, and what the lab keeps of the boot.
const fn qemu_mib(clock: Clock) -> u64 {
    match clock {
        Clock::Virtual => 96,
        Clock::Wall => 256,
    }
}

/// What a guest touches of its memory, MiB, beside the files of its workloads: kernel, image, quick probes. A boot
/// of the plan `ci` took 165 in all, of which 72 are files and translations.
const GUEST_MIB: u64 = 96;

/// How much more an image with programs of the host takes, MiB: 80 as an archive and as much unpacked.
const LIBRARIES_MIB: u64 = 160;

/// What a host has for boots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// CPUs that the lab may use.
    pub cpus: u32,
    /// Memory that can be had without swapping, MiB; none if the host does not tell.
    pub available_mib: Option<u64>,
    /// Memory and swap space in all, MiB: what is larger cannot be asked for, however little of it is touched.
    pub total_mib: Option<u64>,
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

/// How many boots of a plan run at a time. With the virtual clock the host's load does not show in the guest: one per CPU, as
/// far as they have memory, since a guest that is swapped out looks as if its kernel hung. Real time is shared: one.
///
/// # Errors
/// If not even one has memory, with what to do.
pub fn side_by_side(plan: &Plan, room: Room) -> Result<SideBySide, String> {
    let clock = plan.machine.clock;
    let wanted = match clock {
        Clock::Virtual => room.cpus.max(1),
        Clock::Wall => 1,
    };
    let memory_mib = u64::from(plan.machine.memory_mib);
    if let Some(total_mib) = room.total_mib.filter(|total_mib| *total_mib < memory_mib) {
        return Err(format!(
            "the guest is to have {memory_mib} MiB of memory, and this host has {total_mib}; lower memory-mib of the machine of \
             plan {} in lab.toml",
            plan.name
        ));
    }
    let (guest_mib, qemu_mib) = (touched_mib(plan), qemu_mib(clock));
    let need_mib = guest_mib + qemu_mib;
    let Some(available_mib) = room.available_mib else {
        return Ok(SideBySide { boots: wanted, short: None });
    };
    let fit = u32::try_from(available_mib / need_mib).unwrap_or(u32::MAX);
    if fit == 0 {
        return Err(format!(
            "a boot needs {need_mib} MiB of memory ({guest_mib} for the guest, {qemu_mib} for QEMU), and {available_mib} MiB are \
             available here; end other programs, or take workloads with smaller files (file-mib of those of plan {} in lab.toml)",
            plan.name
        ));
    }
    let short = (fit < wanted).then_some(Short { cpus: room.cpus, available_mib, need_mib });
    Ok(SideBySide { boots: wanted.min(fit), short })
}

/// How much of its memory a guest of this plan touches, MiB: that is what the host has to have.
fn touched_mib(plan: &Plan) -> u64 {
    let memory_mib = u64::from(plan.machine.memory_mib);
    // All probes may touch all of it, as may a kernel that is told something or checks itself, which runs no workloads. In
    // real time a guess that is too low costs too much.
    let may_touch_all = plan.machine.clock == Clock::Wall
        || plan.probes == Some(ProbeSet::All)
        || !plan.machine.kernel_parameters.is_empty();
    if may_touch_all { memory_mib } else { memory_mib.min(GUEST_MIB + libraries_mib(plan) + files_mib(plan)) }
}

fn libraries_mib(plan: &Plan) -> u64 {
    let is_large = |program: &Carried| matches!(program, Carried::Tool(Tool::Fio | Tool::StressNg));
    if plan.programs().iter().any(is_large) { LIBRARIES_MIB } else { 0 }
}

/// The files of the workloads, each size once, in the storage and maybe in the page cache. What a suite writes is its own
/// matter.
fn files_mib(plan: &Plan) -> u64 {
    if plan.workloads.iter().any(WorkloadTask::is_suite) {
        return 2 * u64::from(plan.machine.storage_mib);
    }
    let sizes: BTreeSet<u32> = plan.workloads.iter().map(|workload| workload.file_mib).collect();
    2 * sizes.into_iter().map(u64::from).sum::<u64>()
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
    use crate::fixtures::{campaign, two_arms};
    use crate::plan::MachineSettings;

    /// A plan of a guest of 768 MiB, of which its workloads touch no more than 224, and one that may touch all of it.
    fn plans(clock: Clock) -> [Plan; 2] {
        let plan = campaign(clock, &two_arms()).file.plan;
        let machine = MachineSettings { memory_mib: 768, storage_mib: 320, ..plan.machine };
        let workloads = plan.workloads.into_iter().map(|workload| WorkloadTask { file_mib: 64, ..workload });
        let plan = Plan { machine, workloads: workloads.collect(), ..plan };
        [plan.clone(), Plan { probes: Some(ProbeSet::All), ..plan }]
    }

    #[track_caller]
    fn check(plan: &Plan, cpus: u32, available_mib: Option<u64>, expected: Result<&str, &str>) {
        let room = Room { cpus, available_mib, total_mib: available_mib.map(|mib| mib.max(768)) };
        let found = side_by_side(plan, room).map(|found| found.line());
        assert_eq!(found.as_deref().map_err(String::as_str), expected);
    }

    #[test]
    fn as_many_as_memory_allows() {
        let [some, all] = plans(Clock::Virtual);
        check(&all, 2, Some(24_000), Ok("2 side by side"));
        check(
            &all,
            64,
            Some(24_000),
            Ok("27 side by side and not 64, since each needs 864 MiB of memory and 24000 MiB are available"),
        );
        check(&some, 64, Some(64 * 320), Ok("64 side by side"));
        check(
            &some,
            64,
            Some(64 * 320 - 1),
            Ok("63 side by side and not 64, since each needs 320 MiB of memory and 20479 MiB are available"),
        );
        check(
            &some,
            2,
            Some(639),
            Ok("one after the other and not 2, since each needs 320 MiB of memory and 639 MiB are available"),
        );
        check(&some, 1, Some(320), Ok("one after the other"));
        check(
            &some,
            2,
            Some(319),
            Err(
                "a boot needs 320 MiB of memory (224 for the guest, 96 for QEMU), and 319 MiB are available here; end other \
                 programs, or take workloads with smaller files (file-mib of those of plan built in lab.toml)",
            ),
        );
        // A host that does not tell is believed to have enough.
        check(&all, 8, None, Ok("8 side by side"));
        let [wall, _] = plans(Clock::Wall);
        check(&wall, 64, Some(1 << 20), Ok("one after the other"));
        check(
            &wall,
            64,
            Some(1000),
            Err(
                "a boot needs 1024 MiB of memory (768 for the guest, 256 for QEMU), and 1000 MiB are available here; end other \
                 programs, or take workloads with smaller files (file-mib of those of plan built in lab.toml)",
            ),
        );
    }

    #[test]
    fn what_cannot_be_asked_for() {
        let [some, _] = plans(Clock::Virtual);
        let room = |total_mib| Room { cpus: 2, available_mib: Some(700), total_mib };
        assert!(side_by_side(&some, room(Some(768))).is_ok());
        assert!(side_by_side(&some, room(None)).is_ok());
        assert_eq!(
            side_by_side(&some, room(Some(767))).unwrap_err(),
            "the guest is to have 768 MiB of memory, and this host has 767; lower memory-mib of the machine of plan built in lab.toml"
        );
    }

    #[test]
    fn what_a_guest_touches() {
        let [some, _] = plans(Clock::Virtual);
        let with = |change: &dyn Fn(&mut Plan)| {
            let mut plan = some.clone();
            change(&mut plan);
            touched_mib(&plan)
        };
        assert_eq!(with(&|_| ()), 224);
        // Files of one size are one file.
        assert_eq!(with(&|plan| plan.workloads[0].file_mib = 8), 96 + 2 * 72);
        assert_eq!(with(&|plan| plan.workloads[0].tool = Tool::Fio), 224 + 160);
        assert_eq!(with(&|plan| plan.workloads[0].tool = Tool::Fsx), 96 + 2 * 320);
        assert_eq!(with(&|plan| plan.workloads[0].file_mib = 1024), 768);
        assert_eq!(with(&|plan| plan.machine.kernel_parameters = "init_on_free=1".to_owned()), 768);
    }
}
