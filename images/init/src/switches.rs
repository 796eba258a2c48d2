//! Context switches of programs, as the kernel counts them for each thread.

use std::collections::BTreeMap;
use std::fs;

use anyhow::Context as _;
use lab_protocol::ContextSwitches;

/// What the threads of a process have done so far, by the number of the thread.
pub(crate) type ByThread = BTreeMap<u32, ContextSwitches>;

/// Reads `/proc/PID/task/*/status`. The file of the process itself has those of its first thread only. A thread
/// that ends meanwhile is left out.
///
/// # Errors
/// If there is no such process, or the kernel writes something else.
pub(crate) fn by_thread(pid: u32) -> anyhow::Result<ByThread> {
    let folder = format!("/proc/{pid}/task");
    let purpose = || format!("reading {folder}");
    let mut found = ByThread::new();
    for entry in fs::read_dir(&folder).with_context(purpose)? {
        let entry = entry.with_context(purpose)?;
        let Some(thread) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let Ok(status) = fs::read_to_string(entry.path().join("status")) else { continue };
        found.insert(thread, parse(&status).with_context(purpose)?);
    }
    Ok(found)
}

/// The two lines of a `status` file.
fn parse(status: &str) -> anyhow::Result<ContextSwitches> {
    let of = |name: &str| -> anyhow::Result<u64> {
        let value = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let value = value.with_context(|| format!("no line `{name}`"))?.trim();
        value.parse().with_context(|| format!("`{value}` {name}"))
    };
    Ok(ContextSwitches {
        voluntary: of("voluntary_ctxt_switches")?,
        involuntary: of("nonvoluntary_ctxt_switches")?,
    })
}

/// What came on between two readings, over all threads; a thread that began meanwhile counts from zero.
pub(crate) fn between(before: &ByThread, after: &ByThread) -> ContextSwitches {
    let mut sum = ContextSwitches::default();
    for (thread, now) in after {
        let then = before.get(thread).copied().unwrap_or_default();
        sum.voluntary += now.voluntary.saturating_sub(then.voluntary);
        sum.involuntary += now.involuntary.saturating_sub(then.involuntary);
    }
    sum
}

/// Those of a process and its threads as `wait4(2)` gives them.
pub(crate) fn of_rusage(rusage: &libc::rusage) -> ContextSwitches {
    ContextSwitches { voluntary: rusage.ru_nvcsw as u64, involuntary: rusage.ru_nivcsw as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_status_file() {
        for (status, expected) in [
            ("Name:\tx\nvoluntary_ctxt_switches:\t12\nnonvoluntary_ctxt_switches:\t3\n", Ok((12, 3))),
            ("voluntary_ctxt_switches:\t12\n", Err("no line `nonvoluntary_ctxt_switches`")),
            ("nonvoluntary_ctxt_switches:\t12\n", Err("no line `voluntary_ctxt_switches`")),
            ("voluntary_ctxt_switches:\t-1\n", Err("`-1` voluntary_ctxt_switches")),
            ("", Err("no line `voluntary_ctxt_switches`")),
        ] {
            let found = parse(status).map(|of| (of.voluntary, of.involuntary));
            assert_eq!(found.map_err(|error| error.to_string()), expected.map_err(str::to_owned), "{status}");
        }
    }

    #[test]
    fn only_what_came_between_counts() {
        let of = |threads: &[(u32, u64, u64)]| -> ByThread {
            threads
                .iter()
                .map(|&(thread, voluntary, involuntary)| (thread, ContextSwitches { voluntary, involuntary }))
                .collect()
        };
        let before = of(&[(1, 10, 1), (2, 20, 2), (3, 30, 3)]);
        // The third thread has ended, the fourth is new.
        let after = of(&[(1, 15, 1), (2, 20, 4), (4, 7, 8)]);
        assert_eq!(between(&before, &after), ContextSwitches { voluntary: 12, involuntary: 10 });
    }

    #[test]
    fn each_thread_has_its_own_and_an_absent_process_has_none() {
        let own = std::process::id();
        let before = by_thread(own).unwrap();
        let sleeper = || (0..20).for_each(|_| std::thread::sleep(std::time::Duration::from_micros(50)));
        std::thread::scope(|scope| {
            let thread = scope.spawn(move || {
                sleeper();
                by_thread(own).unwrap()
            });
            let after = thread.join().unwrap();
            assert!(between(&before, &after).voluntary >= 20, "{before:?} {after:?}");
            assert!(after.len() > 1, "{after:?}");
        });
        assert!(by_thread(1 << 23).is_err());
    }
}
