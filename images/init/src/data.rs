//! Whether the data of a workload was right: what it wrote lies in the storage, and the same kind of access, made once
//! more, moves each byte to its place.
//!
//! Between the workloads only the storage is looked at, and the size of the file on the mount. What goes through the
//! file system under test comes after the last workload, so that it does not shift their figures.

use std::fs::{self, File, Metadata};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use lab_protocol::{
    DataCheck, Deed, Effect, EndOfProgram, Fault, LOCAL_DIR, MOUNT_DIR, STORAGE_DIR, ServerSettings,
    WorkloadTask,
};

use crate::access::{self, Access, Again, Extent};
use crate::again::{self, Order};
use crate::content::{self, Content};
use crate::stamp::changed;
use crate::system;
use crate::workload::{self, Outcome};

/// This program, as the image has it.
const PROGRAM: &str = "/init";

/// Where the files of workloads are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Folders {
    /// Where programs see them.
    pub(crate) mount: &'static str,
    /// Where their bytes lie, past the file system under test if that can be.
    pub(crate) storage: &'static str,
}

/// Behind a FUSE server.
pub(crate) const SERVED: Folders = Folders { mount: MOUNT_DIR, storage: STORAGE_DIR };

/// On a file system of this kernel: there is one way to their bytes.
pub(crate) const LOCAL: Folders = Folders { mount: LOCAL_DIR, storage: LOCAL_DIR };

impl Folders {
    /// The file of a workload below the mount.
    pub(crate) fn storage_path(self, task: &WorkloadTask) -> PathBuf {
        [self.storage, &workload::file_name(task)].iter().collect()
    }

    fn mount_path(self, task: &WorkloadTask) -> PathBuf {
        [self.mount, &workload::file_name(task)].iter().collect()
    }

    /// Both, as texts.
    fn paths(self, task: &WorkloadTask) -> (String, String) {
        (self.mount_path(task).display().to_string(), self.storage_path(task).display().to_string())
    }
}

/// What is left of a file that was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// All of it.
    Data,
    /// Its size: the storage is there to see how requests come and go, and nothing else.
    Size,
}

impl Kept {
    /// What is left behind a server.
    pub(crate) fn by(settings: &ServerSettings) -> Self {
        if settings.storage_null { Kept::Size } else { Kept::Data }
    }
}

/// What is known of the file before the workload.
///
/// # Errors
/// If there is no file.
pub(crate) fn before(task: &WorkloadTask, folders: Folders) -> anyhow::Result<Metadata> {
    let path = folders.storage_path(task);
    fs::metadata(&path).with_context(|| format!("looking at {}", path.display()))
}

/// What can be said right after the workload has ended well.
///
/// # Errors
/// If the files cannot be read.
pub(crate) fn after(
    task: &WorkloadTask,
    folders: Folders,
    kept: Kept,
    before: &Metadata,
    limit: Duration,
) -> anyhow::Result<DataCheck> {
    let mut check = DataCheck { compared_bytes: 0, wrong: Vec::new() };
    let access = access::of(task);
    let below = File::open(folders.storage_path(task))?;
    let found = below.metadata()?;
    let mount = folders.mount_path(task);
    let seen = fs::metadata(&mount).with_context(|| format!("looking at {}", mount.display()))?;
    check.wrong.extend(sizes(access.as_ref(), before.len(), found.len(), seen.len()));
    if kept == Kept::Size {
        return Ok(check);
    }
    check.wrong.extend(times(access.as_ref(), changed(before) != changed(&found)));
    match access {
        Some(Access::Write { range, written, extent, .. }) => {
            content::compare(&below, 0..range.start.min(found.len()), Content::Stamps, &mut check)?;
            content::compare(&below, range.clone(), Content::Written(written, extent), &mut check)?;
            content::compare(&below, range.end..found.len(), Content::Stamps, &mut check)?;
        }
        // Of its own the storage says nothing about a read.
        Some(Access::Read(_)) => {}
        None => {
            let (path, storage) = folders.paths(task);
            merge(&mut check, own_program(&Order::Same { path, storage }, limit)?);
        }
    }
    Ok(check)
}

/// Whether the file has the size that it must have, below and as it is seen through the mount.
fn sizes(access: Option<&Access>, before: u64, below: u64, seen: u64) -> Option<String> {
    let expected = match access {
        Some(Access::Write { bytes_after, .. }) => *bytes_after,
        Some(Access::Read(_)) => before,
        // Whatever it did, both have to be the same.
        None => below,
    };
    let is_right = below == expected && seen == expected;
    let text = || format!("size: {seen} bytes on the mount, {below} in the storage, instead of {expected}");
    (!is_right).then(text)
}

/// Whether the time of the last change tells of a write, and of nothing else.
fn times(access: Option<&Access>, has_changed: bool) -> Option<String> {
    match (access, has_changed) {
        (Some(Access::Write { extent: Extent::Whole, .. }), false) => {
            Some("time of the last change: as before the write".to_owned())
        }
        (Some(Access::Read(_)), true) => Some("time of the last change: a read has changed it".to_owned()),
        _ => None,
    }
}

/// Whether something is to be made once more of which nothing is kept, or that goes wrong by intention: then it says nothing.
pub(crate) fn spoils(settings: &ServerSettings) -> bool {
    let aborts = settings.actions.iter().any(|action| action.deed == Deed::Abort);
    Kept::by(settings) == Kept::Size || aborts || spoil(&settings.faults)
}

fn spoil(faults: &[Fault]) -> bool {
    let is_harmless = |fault: &Fault| match fault.effect {
        Effect::Delay { .. } => true,
        Effect::Eio
        | Effect::Errno { .. }
        | Effect::Short { .. }
        | Effect::Oversize { .. }
        | Effect::Hang
        | Effect::Die => false,
    };
    !faults.iter().all(is_harmless)
}

/// The order in which it is done once more: writes leave the stamps behind that reads need.
pub(crate) fn order(tasks: &[WorkloadTask]) -> Vec<usize> {
    let is_write = |place: &usize| {
        tasks.get(*place).and_then(access::of).is_some_and(|access| matches!(access, Access::Write { .. }))
    };
    let (writes, reads): (Vec<_>, Vec<_>) = (0..tasks.len()).partition(is_write);
    writes.into_iter().chain(reads).collect()
}

/// Makes the same kind of access once more, with bytes that tell their place; none if nobody knows what that is. The
/// file is stamped.
///
/// # Errors
/// If the files cannot be read or the program not be started.
pub(crate) fn again(
    task: &WorkloadTask,
    folders: Folders,
    limit: Duration,
) -> anyhow::Result<Option<DataCheck>> {
    let (path, storage) = folders.paths(task);
    let check = match access::of(task) {
        None => return Ok(None),
        Some(Access::Read(Again::Blocks(parts))) => own_program(&Order::Read { path, parts }, limit)?,
        Some(Access::Write { again: Again::Blocks(parts), .. }) => {
            own_program(&Order::Write { path, storage, parts }, limit)?
        }
        Some(Access::Read(Again::Tool { limit: less, .. })) => tool(task, folders, &less, limit)?,
        Some(Access::Write { extent, again: Again::Tool { limit: less, range }, .. }) => {
            // What is written at random places is not all of it: a byte at the wrong place shows, a missing one does not.
            if extent == Extent::Whole {
                content::poison(&File::options().write(true).open(&storage)?, range.clone())?;
            }
            let mut check = tool(task, folders, &less, limit)?;
            if check.wrong.is_empty() {
                check.compared_bytes = 0;
                content::compare(&File::open(&storage)?, range, Content::Stamps, &mut check)?;
            }
            check
        }
    };
    Ok(Some(check))
}

/// Adds what another look has found.
pub(crate) fn merge(check: &mut DataCheck, more: DataCheck) {
    check.compared_bytes += more.compared_bytes;
    check.wrong.extend(more.wrong);
}

/// Has this program, in a process of its own, follow the order.
fn own_program(order: &Order, limit: Duration) -> anyhow::Result<DataCheck> {
    let argv = [PROGRAM.to_owned(), again::WORD.to_owned(), serde_json::to_string(order)?];
    let outcome = run_first(&argv, &[], limit)?;
    if let EndOfProgram::Exit(0) = outcome.end {
        return serde_json::from_str(&outcome.stdout)
            .context("understanding what the check of the data found");
    }
    Ok(DataCheck { compared_bytes: 0, wrong: vec![once_more(&outcome)] })
}

/// Has the tool check its own data: it stops at the first wrong byte.
fn tool(
    task: &WorkloadTask,
    folders: Folders,
    less: &[String],
    limit: Duration,
) -> anyhow::Result<DataCheck> {
    let own = ["--check-stamps", "--json=-"].map(str::to_owned);
    let argv = [&workload::argv(task, folders.mount)[..], less, &own].concat();
    let outcome = run_first(&argv, &workload::environment(task, folders.mount), limit)?;
    let wrong = if outcome.end == EndOfProgram::Exit(0) { Vec::new() } else { vec![once_more(&outcome)] };
    Ok(DataCheck { compared_bytes: moved_bytes(&outcome.stdout), wrong })
}

/// Runs a program that gets the CPU before the server: where there is only one, nothing that comes late is there by accident
/// when a call returns.
fn run_first(argv: &[String], environment: &[(&str, String)], limit: Duration) -> anyhow::Result<Outcome> {
    system::first_of_all(|| workload::run(argv, environment, limit))
}

/// The bytes of all stages in a document of `aio-stress`.
fn moved_bytes(document: &str) -> u64 {
    let document: serde_json::Value = serde_json::from_str(document).unwrap_or_default();
    let stages = document["stages"].as_array().map(Vec::as_slice).unwrap_or_default();
    stages.iter().filter_map(|stage| stage["total"]["bytes"].as_u64()).sum()
}

/// How a program ended that did it once more, in its own words.
fn once_more(outcome: &Outcome) -> String {
    let words = outcome.stderr.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    match &outcome.end {
        EndOfProgram::Exit(_) if !words.is_empty() => words.to_owned(),
        EndOfProgram::Exit(code) => format!("once more: exit code {code}"),
        EndOfProgram::Signal(signal) => format!("once more: signal {signal}"),
        EndOfProgram::TimedOut => format!("once more: no end within {} s", outcome.elapsed.as_secs()),
        EndOfProgram::Unkillable => "once more: it hangs and cannot be killed".to_owned(),
        EndOfProgram::NotStarted(reason) => format!("once more: {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use lab_protocol::{Action, Moment, Times, Tool};

    use super::*;

    fn task(tool: Tool, line: &str) -> WorkloadTask {
        let args = line.split_whitespace().map(str::to_owned).collect();
        WorkloadTask { name: "w".to_owned(), tool, args, file_mib: 64, samples: 1, job: None }
    }

    fn tasks() -> [WorkloadTask; 4] {
        [
            task(Tool::Dd, "if={file} of=/dev/null bs=2M count=32 iflag=direct"),
            task(Tool::Dd, "if=/dev/zero of={file} bs=2M count=32 conv=notrunc"),
            task(Tool::Fio, ""),
            task(Tool::AioStress, "-s 8 -o 0 {file}"),
        ]
    }

    #[test]
    fn writes_come_before_reads() {
        assert_eq!(order(&tasks()), [1, 3, 0, 2]);
    }

    #[test]
    fn sizes_and_times_that_cannot_be() {
        let [read, write, job, _] = tasks().map(|task| access::of(&task));
        let mib = 1 << 20;
        for (access, before, below, seen, is_right) in [
            (&read, 64 * mib, 64 * mib, 64 * mib, true),
            (&read, 64 * mib, 64 * mib, 63 * mib, false),
            (&read, 64 * mib, 65 * mib, 65 * mib, false),
            (&write, 64 * mib, 64 * mib, 64 * mib, true),
            (&write, 64 * mib, 64 * mib, 62 * mib, false),
            (&job, 64 * mib, 63 * mib, 63 * mib, true),
            (&job, 64 * mib, 63 * mib, 64 * mib, false),
        ] {
            let found = sizes(access.as_ref(), before, below, seen);
            assert_eq!(found.is_none(), is_right, "{access:?} {below} {seen}: {found:?}");
        }
        for (access, has_changed, is_right) in [
            (&read, false, true),
            (&read, true, false),
            (&write, true, true),
            (&write, false, false),
            (&job, false, true),
            (&job, true, true),
        ] {
            assert_eq!(times(access.as_ref(), has_changed).is_none(), is_right, "{access:?} {has_changed}");
        }
    }

    #[test]
    fn faults_that_are_planted_are_no_finding() {
        let fault = |effect| Fault {
            operation: "data".parse().unwrap(),
            offset_kib: None,
            after: 0,
            times: Times::Once,
            effect,
        };
        let check = |faults: &[Fault], expected| {
            let settings = ServerSettings { faults: faults.to_vec(), ..ServerSettings::example() };
            assert_eq!(spoils(&settings), expected, "{faults:?}");
        };
        check(&[], false);
        check(&[fault(Effect::Delay { us: 5 })], false);
        check(&[fault(Effect::Delay { us: 5 }), fault(Effect::Eio)], true);
        check(&[fault(Effect::Short { bytes: 1 })], true);
    }

    #[test]
    fn what_is_not_kept_is_not_looked_at() {
        let kept = ServerSettings::example();
        let null = ServerSettings { storage_null: true, ..kept.clone() };
        assert_eq!(
            [&kept, &null].map(|settings| (Kept::by(settings), spoils(settings))),
            [(Kept::Data, false), (Kept::Size, true)]
        );
        for (deed, expected) in [(Deed::Resend, false), (Deed::Abort, true)] {
            let actions = vec![Action { at: Moment::Time { us: 0 }, deed }];
            assert_eq!(spoils(&ServerSettings { actions, ..kept.clone() }), expected);
        }
    }

    #[test]
    fn programs_that_fail_say_why() {
        let outcome = |end, stderr: &str| Outcome {
            end,
            stderr: stderr.to_owned(),
            ..Outcome::not_started(String::new())
        };
        for (end, stderr, expected) in [
            (
                EndOfProgram::Exit(1),
                "x
aio-stress: wrong data at offset 5: zeros

",
                "aio-stress: wrong data at offset 5: zeros",
            ),
            (EndOfProgram::Exit(1), "", "once more: exit code 1"),
            (EndOfProgram::Signal(7), "words", "once more: signal 7"),
            (EndOfProgram::TimedOut, "words", "once more: no end within 0 s"),
            (EndOfProgram::NotStarted("no such file".to_owned()), "", "once more: no such file"),
        ] {
            assert_eq!(once_more(&outcome(end, stderr)), expected);
        }
    }

    #[test]
    fn bytes_of_a_document() {
        assert_eq!(moved_bytes(r#"{"stages": [{"total": {"bytes": 5}}, {"total": {"bytes": 7}}]}"#), 12);
        assert_eq!(moved_bytes("nothing"), 0);
    }
}
