//! What a test of KVM showed, kept in the cache: a success for as long as machine and QEMU stay, a failure for a day.
//!
//! A failure may have another cause than KVM - a host that was busy or short of memory - and a user who mended it must
//! not have to know that there is a memory.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::lab::cache::Cache;
use crate::lab::{digest, files};

/// How long a failure is believed.
const FAILURE_BELIEVED: SignedDuration = SignedDuration::from_hours(24);

/// What identifies a machine for the memory of test results.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MachineIdentity<'a> {
    /// The host's CPU model.
    pub cpu: &'a str,
    /// The host's kernel.
    pub kernel: &'a str,
    /// QEMU's version.
    pub qemu_version: &'a str,
}

/// What a test boot under KVM showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct TestResult {
    pub(super) works: bool,
    pub(super) detail: String,
    /// RFC 3339.
    pub(super) tested: String,
    /// The digest of the kernel that was booted.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) kernel: String,
}

impl TestResult {
    /// Until when it is believed; none if for ever. Of a failure without a time that can be read: not any more.
    fn believed_until(&self) -> Option<Timestamp> {
        (!self.works).then(|| self.tested().map_or(Timestamp::MIN, |tested| tested + FAILURE_BELIEVED))
    }

    fn tested(&self) -> Option<Timestamp> {
        self.tested.parse().ok()
    }

    /// A time to come is one of a clock that was set since.
    fn is_believed(&self, now: Timestamp) -> bool {
        self.works || (self.tested().is_some_and(|tested| tested <= now) && self.believed_until() > Some(now))
    }

    /// What it showed and when.
    pub(super) fn line(&self) -> String {
        let tested = self.tested().map_or(self.tested.clone(), minutes);
        format!("{}, tested {tested}", self.detail)
    }
}

fn minutes(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// The file that remembers a test on a machine.
pub(super) fn file(cache: &Cache, identity: MachineIdentity<'_>) -> PathBuf {
    cache.join(format!("machine/kvm-{}.toml", digest::short(&key(identity))))
}

fn key(identity: MachineIdentity<'_>) -> String {
    digest::Parts::default()
        .with("cpu", identity.cpu)
        .with("kernel", identity.kernel)
        .with("qemu", identity.qemu_version)
        .finish()
}

/// The result that is still believed. One that cannot be read counts as none: the test is run again.
pub(super) fn recall(path: &Path, now: Timestamp) -> Option<TestResult> {
    read(path).filter(|result| result.is_believed(now))
}

fn read(path: &Path) -> Option<TestResult> {
    toml::from_str(&std::fs::read_to_string(path).ok()?).ok()
}

/// Keeps a result.
///
/// # Errors
/// If it cannot be written.
pub(super) fn keep(path: &Path, result: &TestResult) -> anyhow::Result<()> {
    files::write_atomically(path, toml::to_string(result)?.as_bytes())
}

/// What is remembered of KVM on this machine, for people.
pub(crate) fn remembered_text(cache: &Cache, identity: MachineIdentity<'_>, now: Timestamp) -> String {
    let Some(result) = recall(&file(cache, identity), now) else {
        return "not tested yet; it is when a plan asks for accel = \"auto\" or \"kvm\"".to_owned();
    };
    match result.believed_until() {
        None => result.line(),
        Some(until) => format!(
            "{}; believed until {}, or forgotten with: cargo xtask doctor --forget",
            result.line(),
            minutes(until)
        ),
    }
}

/// Forgets the results of all machines that use this cache; how many there were.
///
/// # Errors
/// If one cannot be removed.
pub(crate) fn forget(cache: &Cache) -> anyhow::Result<usize> {
    let folder = cache.join("machine");
    let entries = match std::fs::read_dir(&folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        entries => entries.with_context(|| format!("reading {}", folder.display()))?,
    };
    let is_result = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("kvm-") && name.ends_with(".toml")
    };
    let results: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_result).collect();
    for path in &results {
        std::fs::remove_file(path).with_context(|| format!("removing {}", path.display()))?;
    }
    Ok(results.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(works: bool, tested: &str) -> TestResult {
        TestResult { works, detail: "x".into(), tested: tested.into(), kernel: "5e".into() }
    }

    #[test]
    fn results_are_remembered_for_one_machine() {
        let identity = MachineIdentity { cpu: "a", kernel: "b", qemu_version: "c" };
        for other in [
            MachineIdentity { cpu: "x", ..identity },
            MachineIdentity { kernel: "x", ..identity },
            MachineIdentity { qemu_version: "x", ..identity },
        ] {
            assert_ne!(key(identity), key(other));
        }
    }

    #[test]
    fn a_failure_is_believed_for_a_day() {
        let now: Timestamp = "2026-11-26T12:00:00Z".parse().unwrap();
        for (works, tested, believed) in [
            (false, "2026-11-26T11:59:59Z", true),
            (false, "2026-11-25T12:00:01Z", true),
            (false, "2026-11-25T12:00:00Z", false),
            (false, "2026-11-26T12:00:01Z", false),
            // As labs wrote it that believed a failure for ever.
            (false, "2026-11-26 11:59 UTC", false),
            (true, "2026-11-26 11:59 UTC", true),
            (true, "2020-01-01T00:00:00Z", true),
        ] {
            assert_eq!(result(works, tested).is_believed(now), believed, "{works} at {tested}");
        }
    }

    #[test]
    fn a_result_that_cannot_be_read_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let (path, now) = (folder.path().join("kvm.toml"), Timestamp::now());
        assert_eq!(recall(&path, now), None);
        let result = result(true, "2026-11-26T11:59:59Z");
        keep(&path, &result).unwrap();
        assert_eq!(recall(&path, now), Some(result));
        std::fs::write(&path, "works = maybe").unwrap();
        assert_eq!(recall(&path, now), None);
        // As written before the kernel was.
        std::fs::write(&path, "works = true\ndetail = \"x\"\ntested = \"2026-11-22 22:18 UTC\"\n").unwrap();
        assert_eq!(recall(&path, now).unwrap().line(), "x, tested 2026-11-22 22:18 UTC");
    }

    #[test]
    fn what_is_remembered_is_shown_and_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path()).unwrap();
        let identity = MachineIdentity { cpu: "a", kernel: "b", qemu_version: "c" };
        let now: Timestamp = "2026-11-26T12:00:00Z".parse().unwrap();
        let shown = || remembered_text(&cache, identity, now);
        let nothing = "not tested yet; it is when a plan asks for accel = \"auto\" or \"kvm\"";
        assert_eq!(shown(), nothing);
        keep(&file(&cache, identity), &result(false, "2026-11-26T09:30:00Z")).unwrap();
        assert_eq!(
            shown(),
            "x, tested 2026-11-26 09:30 UTC; believed until 2026-11-27 09:30 UTC, or forgotten with: cargo xtask \
             doctor --forget"
        );
        std::fs::write(cache.join("machine/other.toml"), "").unwrap();
        assert_eq!((forget(&cache).unwrap(), forget(&cache).unwrap()), (1, 0));
        assert_eq!(shown(), nothing);
        assert!(cache.join("machine/other.toml").exists());
        keep(&file(&cache, identity), &result(true, "2026-11-26T09:30:00Z")).unwrap();
        assert_eq!(shown(), "x, tested 2026-11-26 09:30 UTC");
    }
}
