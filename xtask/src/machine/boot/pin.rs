//! The CPUs of the host that a QEMU is bound to: taken from other runs of the lab, and given to its threads.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Context as _;
use lab_core::plan::{Binding, HostCpu, Unbound, bind};
use rustix::process::Pid;
use rustix::thread::CpuSet;

use crate::lab::cache::Cache;
use crate::lab::lock::Lock;

/// Which CPUs a run of the lab has, as long as this is held.
#[derive(Debug, Default)]
pub(crate) struct Pinning {
    /// Nothing if QEMU is not to be bound.
    pub(crate) binding: Binding,
    /// Why not; none if it is.
    pub(crate) why_not: Option<String>,
    _locks: Vec<Lock>,
}

impl Pinning {
    /// QEMU runs where the host lets it run.
    pub(crate) fn none(why: impl Into<String>) -> Self {
        Pinning { why_not: Some(why.into()), ..Pinning::default() }
    }
}

/// Takes cores for a guest with so many CPUs, which no other run with this cache gets meanwhile. If others have too many of
/// them, `wait` is told which, again and again, until it says that the user does not want to wait any longer.
///
/// # Errors
/// If a lock cannot be opened.
pub(crate) fn take(
    cache: &Cache,
    guest_cpus: u32,
    wait: &mut dyn FnMut(&str) -> bool,
) -> anyhow::Result<Pinning> {
    match host_cpus() {
        Ok(cpus) => take_among(cache, guest_cpus, &cpus, wait),
        Err(error) => Ok(Pinning::none(format!("{error:#}"))),
    }
}

fn take_among(
    cache: &Cache,
    guest_cpus: u32,
    cpus: &[HostCpu],
    wait: &mut dyn FnMut(&str) -> bool,
) -> anyhow::Result<Pinning> {
    loop {
        match try_to_take(cache, guest_cpus, cpus)? {
            Ok(pinning) => return Ok(pinning),
            Err(Unbound::Never(why)) => return Ok(Pinning::none(why)),
            Err(Unbound::Now(why)) if !wait(&why) => return Ok(Pinning::none(why)),
            Err(Unbound::Now(_)) => {}
        }
    }
}

fn try_to_take(cache: &Cache, guest_cpus: u32, cpus: &[HostCpu]) -> anyhow::Result<Result<Pinning, Unbound>> {
    // Two that look at the same time would each find that the other has some.
    let _choosing = cache.lock("cpus", |_| ())?;
    let mut free = Vec::new();
    let mut taken = BTreeSet::new();
    for cpu in cpus {
        match cache.try_lock(&format!("cpu-{}", cpu.number))? {
            Some(lock) => free.push((cpu.number, lock)),
            None => drop(taken.insert(cpu.number)),
        }
    }
    Ok(bind(guest_cpus, cpus, &taken).map(|binding| {
        free.retain(|(number, _)| binding.own.contains(number));
        let locks = free.into_iter().map(|(_, lock)| lock).collect();
        Pinning { binding, why_not: None, _locks: locks }
    }))
}

/// The CPUs that the lab may use.
fn host_cpus() -> anyhow::Result<Vec<HostCpu>> {
    let set = rustix::thread::sched_getaffinity(None).context("asking which CPUs the lab may use")?;
    let numbers = (0..CpuSet::MAX_CPU).filter(|cpu| set.is_set(*cpu));
    Ok(numbers.map(|cpu| host_cpu(Path::new("/sys/devices/system/cpu"), cpu as u32)).collect())
}

/// A CPU as the files below `folder` host_cpu it. What they do not tell stays open.
fn host_cpu(folder: &Path, number: u32) -> HostCpu {
    let folder = folder.join(format!("cpu{number}"));
    let siblings = std::fs::read_to_string(folder.join("topology/thread_siblings_list")).unwrap_or_default();
    let entries = std::fs::read_dir(&folder).into_iter().flatten();
    let mut names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let node = names.find_map(|name| name.strip_prefix("node")?.parse().ok());
    HostCpu { number, siblings, node }
}

/// The set for the system call; none if no CPU is named.
pub(super) fn cpu_set<'a>(cpus: impl IntoIterator<Item = &'a u32>) -> Option<CpuSet> {
    let mut set = CpuSet::new();
    cpus.into_iter().for_each(|cpu| set.set(*cpu as usize));
    (set.count() > 0).then_some(set)
}

/// Binds each of the threads that run the guest's CPUs to its own, in their order, and all others of the process to theirs.
/// Threads that it starts later are where those are that start them.
pub(super) fn bind_threads(pid: Pid, vcpu_threads: &[Pid], binding: &Binding) {
    let tasks = std::fs::read_dir(format!("/proc/{}/task", pid.as_raw_nonzero())).into_iter().flatten();
    let ids = tasks.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    for thread in ids.filter_map(Pid::from_raw) {
        let cpus = match vcpu_threads.iter().position(|vcpu| *vcpu == thread) {
            Some(place) => binding.vcpus.get(place..=place).unwrap_or_default(),
            None => &binding.others,
        };
        // A thread that has ended meanwhile needs no CPU.
        if let Some(set) = cpu_set(cpus) {
            let _ = rustix::thread::sched_setaffinity(Some(thread), &set);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(count: u32) -> Vec<HostCpu> {
        (0..count).map(|number| HostCpu { number, siblings: String::new(), node: None }).collect()
    }

    #[test]
    fn two_runs_never_have_the_same_cpus() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path()).unwrap();
        let never = &mut |why: &str| panic!("it waits: {why}");
        let first = take_among(&cache, 1, &plain(4), never).unwrap();
        let second = take_among(&cache, 1, &plain(4), never).unwrap();
        let own = |pinning: &Pinning| (pinning.binding.vcpus.clone(), pinning.binding.others.clone());
        assert_eq!([own(&first), own(&second)], [(vec![1], vec![2]), (vec![3], vec![0])]);

        // The third waits, and gets what the first gives back.
        let mut holder = Some(first);
        let mut told = Vec::new();
        let third = take_among(&cache, 1, &plain(4), &mut |why| {
            told.push(why.to_owned());
            drop(holder.take());
            true
        });
        assert_eq!(own(&third.unwrap()), (vec![1], vec![2]));
        assert_eq!(told, ["other runs of the lab have CPU 1, 2, 3 of this host"]);

        let third = take_among(&cache, 9, &plain(4), never).unwrap();
        assert_eq!((third.binding, third.why_not.is_some()), (Binding::default(), true));
    }

    #[test]
    fn nobody_waits_against_his_will() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path()).unwrap();
        let _first = take_among(&cache, 1, &plain(2), &mut |_| false).unwrap();
        let second = take_among(&cache, 1, &plain(2), &mut |_| false).unwrap();
        assert_eq!(second.why_not.as_deref(), Some("other runs of the lab have CPU 1 of this host"));
    }

    #[test]
    fn what_the_hosts_files_say() {
        let folder = tempfile::tempdir().unwrap();
        let topology = folder.path().join("cpu3/topology");
        std::fs::create_dir_all(&topology).unwrap();
        std::fs::create_dir_all(folder.path().join("cpu3/node1")).unwrap();
        std::fs::write(topology.join("thread_siblings_list"), "3,7\n").unwrap();
        assert_eq!(
            [3, 4].map(|cpu| host_cpu(folder.path(), cpu)),
            [
                HostCpu { number: 3, siblings: "3,7\n".to_owned(), node: Some(1) },
                HostCpu { number: 4, siblings: String::new(), node: None },
            ]
        );
        assert!(!host_cpus().unwrap().is_empty());
    }

    /// A process plays QEMU, its only thread that of a CPU and then another one.
    #[test]
    fn each_thread_goes_to_its_own_cpu() {
        let cpus: Vec<u32> = host_cpus().unwrap().iter().map(|cpu| cpu.number).collect();
        let (first, last) = (cpus[0], cpus[cpus.len() - 1]);
        let child = Sleeper::start();
        let pid = child.pid();
        let binding = Binding { vcpus: vec![last], others: vec![first], own: vec![last] };
        let affinity = || {
            let set = rustix::thread::sched_getaffinity(Some(pid)).unwrap();
            cpus.iter().copied().filter(|cpu| set.is_set(*cpu as usize)).collect::<Vec<_>>()
        };
        bind_threads(pid, &[pid], &binding);
        assert_eq!(affinity(), [last]);
        bind_threads(pid, &[], &binding);
        assert_eq!(affinity(), [first]);
    }

    /// A process that does nothing for a while.
    struct Sleeper(std::process::Child);

    impl Sleeper {
        #[expect(clippy::disallowed_methods, reason = "cmd! waits for the end")]
        fn start() -> Self {
            Sleeper(std::process::Command::new("sleep").arg("60").spawn().unwrap())
        }

        fn pid(&self) -> Pid {
            Pid::from_raw(i32::try_from(self.0.id()).unwrap()).unwrap()
        }
    }

    impl Drop for Sleeper {
        fn drop(&mut self) {
            self.0.kill().unwrap();
            self.0.wait().unwrap();
        }
    }

    #[test]
    fn sets() {
        assert!(cpu_set(&[]).is_none());
        let set = cpu_set(&[1, 3]).unwrap();
        assert_eq!([0, 1, 2, 3].map(|cpu| set.is_set(cpu)), [false, true, false, true]);
    }
}
