//! Which CPUs of the host a guest's are bound to: whole cores, which no other run of the lab has.

use std::collections::{BTreeMap, BTreeSet};

/// A CPU of the host that the lab may use, as the host's files describe it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostCpu {
    /// Its number.
    pub number: u32,
    /// `topology/thread_siblings_list`: the CPUs of its core, itself among them, such as `1,5` or `2-3`; empty if the host
    /// does not tell, which then counts as a core of one CPU.
    pub siblings: String,
    /// The memory node that it belongs to; none if the host does not tell.
    pub node: Option<u32>,
}

/// Where the threads of a QEMU run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Binding {
    /// A CPU for each CPU of the guest, in their order, each on a core of its own; none if nothing is bound.
    pub vcpus: Vec<u32>,
    /// For all other threads of QEMU: a core of their own, or what the guest's leave.
    pub others: Vec<u32>,
    /// The CPUs of all cores that are the guest's own, those included that are left idle.
    pub own: Vec<u32>,
}

/// Why a guest is not bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unbound {
    /// The host has too few cores.
    Never(String),
    /// Other runs of the lab have them.
    Now(String),
}

/// Cores for a guest with so many CPUs, out of those of `cpus` that others have not `taken`.
///
/// Two siblings of a core share its units: a guest's CPU gets a core of its own, and the other siblings stay idle. The core of
/// CPU 0, which serves most interrupts, is left to the host. QEMU's other threads get one core more if there is one. If one
/// memory node has cores enough, all are of one.
///
/// # Errors
/// If there are too few.
pub fn bind(guest_cpus: u32, cpus: &[HostCpu], taken: &BTreeSet<u32>) -> Result<Binding, Unbound> {
    let cores = whole_cores(cpus);
    let wanted = guest_cpus as usize;
    let is_hosts = |core: &&Core| core.cpus.contains(&0);
    if cores.len() <= wanted {
        return Err(Unbound::Never(format!(
            "the guest has {guest_cpus} CPUs and the lab may use {} cores of the host's; one more than the guest has is needed",
            cores.len()
        )));
    }
    let is_free = |core: &&Core| core.cpus.iter().all(|cpu| !taken.contains(cpu));
    let free: Vec<&Core> = cores.iter().filter(|core| !is_hosts(core)).filter(is_free).collect();
    // In this order: a node with room for all, one with room for the guest, whatever there is.
    let chosen = [wanted + 1, wanted].into_iter().find_map(|room| on_one_node(&free, room)).unwrap_or(free);
    let (vcpus, rest) = chosen.split_at_checked(wanted).unwrap_or((&[], &chosen));
    let own: Vec<&Core> = vcpus.iter().chain(rest.first()).copied().collect();
    let own: Vec<u32> = own.iter().flat_map(|core| core.cpus.clone()).collect();
    let is_left = |cpu: &u32| !own.contains(cpu) && !taken.contains(cpu);
    let others: Vec<u32> = match rest.first() {
        Some(core) => core.cpus.clone(),
        None => cpus.iter().map(|cpu| cpu.number).filter(is_left).collect(),
    };
    if vcpus.len() < wanted || others.is_empty() {
        let names: Vec<String> = taken.iter().map(u32::to_string).collect();
        return Err(Unbound::Now(format!(
            "other runs of the lab have CPU {} of this host",
            names.join(", ")
        )));
    }
    Ok(Binding { vcpus: vcpus.iter().map(|core| core.cpus[0]).collect(), others, own })
}

/// A core all of whose CPUs may be used.
#[derive(Debug)]
struct Core {
    /// Ascending, never empty.
    cpus: Vec<u32>,
    node: Option<u32>,
}

fn whole_cores(cpus: &[HostCpu]) -> Vec<Core> {
    let numbers: BTreeSet<u32> = cpus.iter().map(|cpu| cpu.number).collect();
    let mut cores = BTreeMap::new();
    for cpu in cpus {
        let siblings = parse_list(&cpu.siblings).filter(|list| list.contains(&cpu.number));
        let siblings = siblings.unwrap_or_else(|| BTreeSet::from([cpu.number]));
        if let Some(&first) = siblings.first()
            && siblings.is_subset(&numbers)
        {
            cores.insert(first, Core { cpus: siblings.into_iter().collect(), node: cpu.node });
        }
    }
    cores.into_values().collect()
}

/// The cores of the first node that has so many.
fn on_one_node<'a>(cores: &[&'a Core], room: usize) -> Option<Vec<&'a Core>> {
    let nodes: BTreeSet<u32> = cores.iter().filter_map(|core| core.node).collect();
    let of_node =
        |node: u32| cores.iter().filter(|core| core.node == Some(node)).copied().collect::<Vec<_>>();
    nodes.into_iter().map(of_node).find(|cores| cores.len() >= room)
}

/// The numbers of a list of the kernel's, such as `0-2,7`; none if it is none, or of more than a host can have.
fn parse_list(text: &str) -> Option<BTreeSet<u32>> {
    const MOST: u32 = 8192;
    let mut numbers = BTreeSet::new();
    for part in text.trim().split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        (first <= last && last < MOST).then(|| numbers.extend(first..=last))?;
    }
    Some(numbers)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    /// So many CPUs without siblings.
    fn plain(count: u32) -> Vec<HostCpu> {
        (0..count).map(|number| HostCpu { number, siblings: format!("{number}\n"), node: None }).collect()
    }

    /// Cores of two CPUs: neighbours, as some hosts number them, or half of all apart, as most do.
    fn paired(count: u32, are_neighbours: bool) -> Vec<HostCpu> {
        let siblings = |number: u32| match are_neighbours {
            true => format!("{}-{}\n", number & !1, number | 1),
            false => format!("{},{}\n", number % (count / 2), number % (count / 2) + count / 2),
        };
        (0..count).map(|number| HostCpu { number, siblings: siblings(number), node: None }).collect()
    }

    fn shown(guest_cpus: u32, cpus: &[HostCpu], taken: &[u32]) -> String {
        match bind(guest_cpus, cpus, &taken.iter().copied().collect()) {
            Ok(Binding { vcpus, others, own }) => format!("{vcpus:?}, others {others:?}, own {own:?}"),
            Err(Unbound::Never(why)) => format!("never: {why}"),
            Err(Unbound::Now(why)) => format!("now: {why}"),
        }
    }

    #[test]
    fn a_guest_gets_cores_of_its_own_or_none() {
        let hosts = [1, 2, 4, 8, 20].map(|count| (format!("{count}"), plain(count)));
        let neighbours =
            [2, 4, 8, 20].map(|count| (format!("{count}, pairs of neighbours"), paired(count, true)));
        let halves = [2, 4, 8, 20].map(|count| (format!("{count}, pairs of halves"), paired(count, false)));
        let lines = hosts.into_iter().chain(neighbours).chain(halves).flat_map(|(name, cpus)| {
            [1, 2, 9].map(|guest| format!("{guest} on {name}: {}\n", shown(guest, &cpus, &[])))
        });
        expect![[r#"
            1 on 1: never: the guest has 1 CPUs and the lab may use 1 cores of the host's; one more than the guest has is needed
            2 on 1: never: the guest has 2 CPUs and the lab may use 1 cores of the host's; one more than the guest has is needed
            9 on 1: never: the guest has 9 CPUs and the lab may use 1 cores of the host's; one more than the guest has is needed
            1 on 2: [1], others [0], own [1]
            2 on 2: never: the guest has 2 CPUs and the lab may use 2 cores of the host's; one more than the guest has is needed
            9 on 2: never: the guest has 9 CPUs and the lab may use 2 cores of the host's; one more than the guest has is needed
            1 on 4: [1], others [2], own [1, 2]
            2 on 4: [1, 2], others [3], own [1, 2, 3]
            9 on 4: never: the guest has 9 CPUs and the lab may use 4 cores of the host's; one more than the guest has is needed
            1 on 8: [1], others [2], own [1, 2]
            2 on 8: [1, 2], others [3], own [1, 2, 3]
            9 on 8: never: the guest has 9 CPUs and the lab may use 8 cores of the host's; one more than the guest has is needed
            1 on 20: [1], others [2], own [1, 2]
            2 on 20: [1, 2], others [3], own [1, 2, 3]
            9 on 20: [1, 2, 3, 4, 5, 6, 7, 8, 9], others [10], own [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
            1 on 2, pairs of neighbours: never: the guest has 1 CPUs and the lab may use 1 cores of the host's; one more than the guest has is needed
            2 on 2, pairs of neighbours: never: the guest has 2 CPUs and the lab may use 1 cores of the host's; one more than the guest has is needed
            9 on 2, pairs of neighbours: never: the guest has 9 CPUs and the lab may use 1 cores of the host's; one more than the guest has is needed
            1 on 4, pairs of neighbours: [2], others [0, 1], own [2, 3]
            2 on 4, pairs of neighbours: never: the guest has 2 CPUs and the lab may use 2 cores of the host's; one more than the guest has is needed
            9 on 4, pairs of neighbours: never: the guest has 9 CPUs and the lab may use 2 cores of the host's; one more than the guest has is needed
            1 on 8, pairs of neighbours: [2], others [4, 5], own [2, 3, 4, 5]
            2 on 8, pairs of neighbours: [2, 4], others [6, 7], own [2, 3, 4, 5, 6, 7]
            9 on 8, pairs of neighbours: never: the guest has 9 CPUs and the lab may use 4 cores of the host's; one more than the guest has is needed
            1 on 20, pairs of neighbours: [2], others [4, 5], own [2, 3, 4, 5]
            2 on 20, pairs of neighbours: [2, 4], others [6, 7], own [2, 3, 4, 5, 6, 7]
            9 on 20, pairs of neighbours: [2, 4, 6, 8, 10, 12, 14, 16, 18], others [0, 1], own [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]
            1 on 2, pairs of halves: never: the guest has 1 CPUs and the lab may use 1 cores of the host's; one more than the guest has is needed
            2 on 2, pairs of halves: never: the guest has 2 CPUs and the lab may use 1 cores of the host's; one more than the guest has is needed
            9 on 2, pairs of halves: never: the guest has 9 CPUs and the lab may use 1 cores of the host's; one more than the guest has is needed
            1 on 4, pairs of halves: [1], others [0, 2], own [1, 3]
            2 on 4, pairs of halves: never: the guest has 2 CPUs and the lab may use 2 cores of the host's; one more than the guest has is needed
            9 on 4, pairs of halves: never: the guest has 9 CPUs and the lab may use 2 cores of the host's; one more than the guest has is needed
            1 on 8, pairs of halves: [1], others [2, 6], own [1, 5, 2, 6]
            2 on 8, pairs of halves: [1, 2], others [3, 7], own [1, 5, 2, 6, 3, 7]
            9 on 8, pairs of halves: never: the guest has 9 CPUs and the lab may use 4 cores of the host's; one more than the guest has is needed
            1 on 20, pairs of halves: [1], others [2, 12], own [1, 11, 2, 12]
            2 on 20, pairs of halves: [1, 2], others [3, 13], own [1, 11, 2, 12, 3, 13]
            9 on 20, pairs of halves: [1, 2, 3, 4, 5, 6, 7, 8, 9], others [0, 10], own [1, 11, 2, 12, 3, 13, 4, 14, 5, 15, 6, 16, 7, 17, 8, 18, 9, 19]
        "#]].assert_eq(&lines.collect::<String>());
    }

    /// No two CPUs of a guest share a core, nor does one with QEMU's other threads, and the host keeps CPU 0.
    #[test]
    fn cores_are_not_shared() {
        let mut bound = 0;
        for count in [1, 2, 4, 8, 20] {
            for cpus in [plain(count), paired(count.max(2), true), paired(count.max(2), false)] {
                let core = |cpu: u32| cpus[cpu as usize].siblings.clone();
                for guest in 1..=20 {
                    let Ok(binding) = bind(guest, &cpus, &BTreeSet::new()) else { continue };
                    let of_guest: BTreeSet<String> = binding.vcpus.iter().map(|cpu| core(*cpu)).collect();
                    assert_eq!(of_guest.len(), guest as usize, "{binding:?}");
                    assert!(!of_guest.contains(&core(0)), "{binding:?}");
                    assert!(binding.others.iter().all(|cpu| !of_guest.contains(&core(*cpu))), "{binding:?}");
                    bound += 1;
                }
            }
        }
        assert!(bound > 50, "{bound}");
    }

    #[test]
    fn what_others_have_is_left_to_them() {
        let lines = [
            (1, plain(4), &[1, 2][..]),
            (1, plain(4), &[1, 2, 3]),
            (2, plain(8), &[1, 2, 3]),
            (2, paired(8, false), &[1, 5]),
            (2, paired(8, false), &[1, 5, 2, 6]),
            // One sibling is enough to disturb the other.
            (1, paired(8, false), &[5]),
        ]
        .map(|(guest, cpus, taken)| format!("{}\n", shown(guest, &cpus, taken)));
        expect![[r#"
            [3], others [0], own [3]
            now: other runs of the lab have CPU 1, 2, 3 of this host
            [4, 5], others [6], own [4, 5, 6]
            [2, 3], others [0, 4], own [2, 6, 3, 7]
            now: other runs of the lab have CPU 1, 2, 5, 6 of this host
            [2], others [3, 7], own [2, 6, 3, 7]
        "#]]
        .assert_eq(&lines.concat());
    }

    /// A run in a container: CPU 0 is not there, of a core only one half is, or nothing is told.
    #[test]
    fn part_of_a_host() {
        let some = |cpus: Vec<HostCpu>, numbers: &[u32]| {
            cpus.into_iter().filter(|cpu| numbers.contains(&cpu.number)).collect::<Vec<_>>()
        };
        let untold = plain(4).into_iter().map(|cpu| HostCpu { siblings: String::new(), ..cpu }).collect();
        let lines = [
            (2, some(plain(8), &[5, 6, 7])),
            (2, some(plain(8), &[5, 6])),
            (1, some(paired(8, false), &[0, 1, 2, 4, 5, 6])),
            (2, some(paired(8, false), &[0, 1, 2, 3, 4, 5])),
            (2, untold),
        ]
        .map(|(guest, cpus)| format!("{}\n", shown(guest, &cpus, &[])));
        expect![[r#"
            [5, 6], others [7], own [5, 6, 7]
            never: the guest has 2 CPUs and the lab may use 2 cores of the host's; one more than the guest has is needed
            [1], others [2, 6], own [1, 5, 2, 6]
            never: the guest has 2 CPUs and the lab may use 2 cores of the host's; one more than the guest has is needed
            [1, 2], others [3], own [1, 2, 3]
        "#]].assert_eq(&lines.concat());
    }

    #[test]
    fn the_cores_are_of_one_memory_node() {
        // Two nodes that take turns, as some hosts number them.
        let cpus: Vec<HostCpu> =
            plain(8).into_iter().map(|cpu| HostCpu { node: Some(cpu.number % 2), ..cpu }).collect();
        let lines = [(2, &[][..]), (2, &[1]), (3, &[]), (3, &[1, 3]), (5, &[])]
            .map(|(guest, taken)| format!("{guest}, {taken:?}: {}\n", shown(guest, &cpus, taken)));
        expect![[r#"
            2, []: [2, 4], others [6], own [2, 4, 6]
            2, [1]: [2, 4], others [6], own [2, 4, 6]
            3, []: [1, 3, 5], others [7], own [1, 3, 5, 7]
            3, [1, 3]: [2, 4, 6], others [0, 5, 7], own [2, 4, 6]
            5, []: [1, 2, 3, 4, 5], others [6], own [1, 2, 3, 4, 5, 6]
        "#]]
        .assert_eq(&lines.concat());
    }

    #[test]
    fn lists_of_the_kernel() {
        for (text, expected) in [
            ("3\n", Some(&[3][..])),
            ("0-2,7\n", Some(&[0, 1, 2, 7])),
            ("", None),
            ("x", None),
            ("2-1", None),
            ("0-4000000000", None),
        ] {
            assert_eq!(
                parse_list(text).map(|list| list.into_iter().collect::<Vec<_>>()).as_deref(),
                expected
            );
        }
    }
}
