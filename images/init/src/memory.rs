//! Memory that a workload needs beside its own: the server's, and that of the kernel's objects.

use std::fs;

use anyhow::Context as _;
use lab_protocol::MemoryInUse;

/// What is in use now, with the most that the server with this process id has had so far.
///
/// # Errors
/// If `/proc` cannot be read, or does not say.
pub(crate) fn in_use(server: u32) -> anyhow::Result<MemoryInUse> {
    Ok(MemoryInUse {
        server_peak_kib: kib_in(&format!("/proc/{server}/status"), "VmHWM:")?,
        slab_kib: kib_in("/proc/meminfo", "Slab:")?,
    })
}

/// The same without a server.
///
/// # Errors
/// If `/proc` cannot be read, or does not say.
pub(crate) fn of_the_kernel() -> anyhow::Result<MemoryInUse> {
    Ok(MemoryInUse { server_peak_kib: 0, slab_kib: kib_in("/proc/meminfo", "Slab:")? })
}

fn kib_in(path: &str, name: &str) -> anyhow::Result<u64> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {path}"))?;
    kib(&text, name).with_context(|| format!("{path} has no {name}"))
}

/// The number in a line such as `Slab:    8124 kB`.
fn kib(text: &str, name: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    value.trim().strip_suffix(" kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_kib() {
        let text = "MemTotal:  757096 kB\nSlab:              8124 kB\nHugePages_Total:       3\n";
        assert_eq!(kib(text, "Slab:"), Some(8124));
        assert_eq!(kib(text, "SReclaimable:"), None);
        assert_eq!(kib(text, "HugePages_Total:"), None);
    }

    #[test]
    fn a_process_has_memory() {
        let found = in_use(std::process::id()).unwrap();
        assert!(found.server_peak_kib > 100 && found.slab_kib > 100, "{found:?}");
        assert!(in_use(u32::MAX).is_err());
    }
}
