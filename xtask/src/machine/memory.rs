//! How much memory boots may take: what the host has, or less if a control group allows less.

use std::path::{Path, PathBuf};

use lab_core::plan::Room;

/// What this machine has for boots.
pub(crate) fn room() -> Room {
    Room {
        cpus: std::thread::available_parallelism().map_or(1, |count| count.get() as u32),
        available_mib: available_mib(Path::new("/")),
        total_mib: total_mib(Path::new("/")),
    }
}

/// Memory and swap space, MiB, by the files below `root`.
fn total_mib(root: &Path) -> Option<u64> {
    let meminfo = std::fs::read_to_string(root.join("proc/meminfo")).ok()?;
    Some((kib(&meminfo, "MemTotal:")? + kib(&meminfo, "SwapTotal:").unwrap_or(0)) >> 10)
}

/// What can be had without swapping, MiB, by the files below `root`; none if there is no `/proc/meminfo`.
fn available_mib(root: &Path) -> Option<u64> {
    let read = |path: &Path| std::fs::read_to_string(root.join(path)).ok();
    let host = kib(&read(Path::new("proc/meminfo"))?, "MemAvailable:")? << 10;
    let groups = read(Path::new("proc/self/cgroup")).map(|text| groups(&text)).unwrap_or_default();
    let left = groups.iter().filter_map(|group| left_in(group, &read));
    Some(left.fold(host, u64::min) >> 20)
}

fn kib(meminfo: &str, key: &str) -> Option<u64> {
    meminfo.lines().find_map(|line| line.strip_prefix(key))?.split_whitespace().next()?.parse().ok()
}

/// A control group that limits memory, in the files of version 1 or 2 of the interface.
#[derive(Debug, PartialEq, Eq)]
struct ControlGroup {
    folder: PathBuf,
    limit: &'static str,
    usage: &'static str,
    /// In front of the names in `memory.stat` that count the groups below as well.
    total: &'static str,
}

/// The groups that this process is in, each with those above it: every one of them may set a limit.
fn groups(cgroup: &str) -> Vec<ControlGroup> {
    let of_line = |line: &str| {
        let mut fields = line.splitn(3, ':');
        let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        let (mount, limit, usage, total) = if controllers.is_empty() {
            ("sys/fs/cgroup", "memory.max", "memory.current", "")
        } else if controllers.split(',').any(|name| name == "memory") {
            ("sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_")
        } else {
            return None;
        };
        // In a container the path may be that of the host, of which only the top is there.
        let path = Path::new(path.trim_start_matches('/'));
        let folders = path.ancestors().map(|path| Path::new(mount).join(path)).collect::<Vec<_>>();
        Some(folders.into_iter().map(move |folder| ControlGroup { folder, limit, usage, total }))
    };
    cgroup.lines().filter_map(of_line).flatten().collect()
}

/// Bytes that are left in a group; none if it sets no limit. The file cache counts as usage and gives way.
fn left_in(group: &ControlGroup, read: &dyn Fn(&Path) -> Option<String>) -> Option<u64> {
    let number = |name: &str| read(&group.folder.join(name))?.trim().parse::<u64>().ok();
    let (limit, usage) = (number(group.limit)?, number(group.usage)?);
    let stat = read(&group.folder.join("memory.stat")).unwrap_or_default();
    let of_stat = |name: &str| {
        let lines = stat.lines().filter_map(|line| line.strip_prefix(group.total)?.strip_prefix(name));
        lines.filter_map(|value| value.strip_prefix(' ')?.parse::<u64>().ok()).next().unwrap_or(0)
    };
    let cache = of_stat("inactive_file") + of_stat("active_file");
    Some(limit.saturating_sub(usage.saturating_sub(cache)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMINFO: &str = "MemTotal:       24684084 kB\nMemFree:        12014736 kB\nMemAvailable:   21607004 kB\n\
         SwapTotal:       1048576 kB\n";

    /// What is available by these files.
    fn available(files: &[(&str, &str)]) -> Option<u64> {
        available_mib(root(files).path())
    }

    fn root(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn of_a_host() {
        assert_eq!(total_mib(root(&[("proc/meminfo", MEMINFO)]).path()), Some(24_105 + 1024));
        assert_eq!(total_mib(root(&[]).path()), None);
        assert_eq!(available(&[("proc/meminfo", MEMINFO)]), Some(21_100));
        assert_eq!(available(&[]), None);
        assert!(room().available_mib.is_some_and(|mib| mib > 0) && room().cpus > 0, "{:?}", room());
    }

    #[test]
    fn of_control_groups() {
        let host = ("proc/meminfo", MEMINFO);
        let two = ("proc/self/cgroup", "0::/user.slice/session\n");
        let one = ("proc/self/cgroup", "8:pids:/\n4:cpu,memory:/docker/7f\n0::/\n");
        for (files, expected) in [
            // No limit, or one that is larger than what the host has.
            (&[two, ("sys/fs/cgroup/user.slice/session/memory.max", "max\n")][..], 21_100),
            (
                &[
                    one,
                    ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
                    ("sys/fs/cgroup/memory/memory.usage_in_bytes", "11248070656\n"),
                ],
                21_100,
            ),
            // 4 GiB, of which 1 GiB is in use, half of that as file cache.
            (
                &[
                    two,
                    ("sys/fs/cgroup/user.slice/memory.max", "4294967296\n"),
                    ("sys/fs/cgroup/user.slice/memory.current", "1073741824\n"),
                    (
                        "sys/fs/cgroup/user.slice/memory.stat",
                        "anon 1\ninactive_anon 7\ninactive_file 268435456\nactive_file 268435456\n",
                    ),
                ],
                3584,
            ),
            // The same in version 1, seen from inside a container.
            (
                &[
                    one,
                    ("sys/fs/cgroup/memory/memory.limit_in_bytes", "4294967296\n"),
                    ("sys/fs/cgroup/memory/memory.usage_in_bytes", "1073741824\n"),
                    ("sys/fs/cgroup/memory/memory.stat", "inactive_file 5\ntotal_inactive_file 536870912\n"),
                ],
                3584,
            ),
            // Full.
            (
                &[
                    two,
                    ("sys/fs/cgroup/user.slice/session/memory.max", "1048576\n"),
                    ("sys/fs/cgroup/user.slice/session/memory.current", "2097152\n"),
                ],
                0,
            ),
        ] {
            assert_eq!(available(&[&[host], files].concat()), Some(expected), "{files:?}");
        }
    }
}
