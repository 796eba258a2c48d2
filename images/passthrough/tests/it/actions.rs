//! Notifications and knobs: each has an effect that is seen in the kernel.
//!
//! Actions are due at a STATFS, which nothing else sends.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};

use lab_protocol::{
    Action, ActionReport, ActionResult, ControlCommand, ControlReply, Deed, Effect, Fault, Knob, KnobPlace,
    Moment, RequestStats, ServerSettings, Times,
};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;

use crate::harness::{FuseControl, Served, bytes, eventually, in_time, settings};

const PAGE: usize = 4096;

fn path() -> String {
    "file".to_owned()
}

/// Notifications have an effect only where the kernel does not look by itself.
fn trusting(deeds: Vec<Deed>) -> ServerSettings {
    let operation = "statfs".parse().unwrap();
    let actions =
        (0..).zip(deeds).map(|(after, deed)| Action { at: Moment::Request { operation, after }, deed });
    ServerSettings { attribute_timeout_ms: 3_600_000, actions: actions.collect(), ..settings() }
}

/// One of these at each [`step`].
fn served(deeds: Vec<Deed>) -> Served {
    Served::new(&trusting(deeds))
}

/// Starts a turn: what was counted before is gone.
fn begin(served: &mut Served) {
    served.take();
    let command = ControlCommand::Act { file: "file".to_owned() };
    assert_eq!(served.ask(command), ControlReply::Acting);
}

/// Has the next action become due.
fn step(served: &Served) {
    rustix::fs::statvfs(served.mount()).unwrap();
}

/// A turn with one action: what it came to, and all that was counted.
fn act(served: &mut Served) -> (ActionResult, RequestStats) {
    begin(served);
    step(served);
    let stats = served.take();
    (stats.actions[0].result.clone(), stats)
}

fn count(stats: &RequestStats, name: &str) -> u64 {
    stats.by_operation.get(name).copied().unwrap_or_default()
}

/// The minor version of the protocol that the kernel speaks.
fn minor(served: &Served) -> u32 {
    served.negotiated.kernel_protocol.strip_prefix("7.").unwrap().parse().unwrap()
}

/// What a kernel answers that is older than this notification; none if it is not.
fn too_old(served: &Served, since: u32) -> Option<ActionResult> {
    let why = format!("{}", std::io::Error::from_raw_os_error(Errno::INVAL.raw_os_error()));
    (minor(served) < since).then_some(ActionResult::Failed { why })
}

/// Holds an inode and its name without a request when it is let go.
fn hold(served: &Served, name: &str) -> OwnedFd {
    rustix::fs::openat(CWD, served.path(name), OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap()
}

/// A file of some pages that is open, with its first content in the page cache and another one below.
fn cached(served: &Served, pages: usize) -> (File, Vec<u8>, Vec<u8>) {
    let old = served.store("file", pages * PAGE);
    let file = File::open(served.path("file")).unwrap();
    assert!(read(&file, pages) == old);
    let new = bytes(pages * PAGE, 2);
    std::fs::write(served.stored("file"), &new).unwrap();
    assert!(read(&file, pages) == old, "it was cached");
    (file, old, new)
}

fn read(file: &File, pages: usize) -> Vec<u8> {
    let mut content = vec![0; pages * PAGE];
    file.read_exact_at(&mut content, 0).unwrap();
    content
}

#[test]
fn pages_that_are_invalidated_are_read_again() {
    let deed = Deed::InvalInode { path: path(), offset_bytes: PAGE as u64, length_bytes: 2 * PAGE as u64 };
    let mut served = served(vec![deed]);
    let (file, old, new) = cached(&served, 4);
    assert_eq!(act(&mut served).0, ActionResult::Done);
    let found = read(&file, 4);
    assert!(found[PAGE..3 * PAGE] == new[PAGE..3 * PAGE]);
    assert!(found[..PAGE] == old[..PAGE] && found[3 * PAGE..] == old[3 * PAGE..]);
    assert!(count(&served.take(), "READ") >= 1);
}

#[test]
fn a_length_of_nothing_is_all_that_follows() {
    let deed = Deed::InvalInode { path: path(), offset_bytes: PAGE as u64, length_bytes: 0 };
    let mut served = served(vec![deed]);
    let (file, old, new) = cached(&served, 4);
    assert_eq!(act(&mut served).0, ActionResult::Done);
    let found = read(&file, 4);
    assert!(found[PAGE..] == new[PAGE..] && found[..PAGE] == old[..PAGE]);
}

#[test]
fn attributes_are_asked_for_again_and_pages_stay() {
    let mut served = served(vec![Deed::InvalAttr { path: path() }]);
    let (file, old, _) = cached(&served, 2);
    // Not by the standard library, which asks for more than the kernel keeps.
    let mode = |file: &File| rustix::fs::fstat(file).unwrap().st_mode & 0o777;
    let before = mode(&file);
    std::fs::set_permissions(served.stored("file"), PermissionsExt::from_mode(0o600 ^ before)).unwrap();
    assert_eq!(mode(&file), before, "they were cached");
    assert_eq!(act(&mut served).0, ActionResult::Done);
    assert_eq!(mode(&file), 0o600 ^ before);
    assert!(read(&file, 2) == old);
    let stats = served.take();
    assert_eq!((count(&stats, "GETATTR"), count(&stats, "READ")), (1, 0));
}

#[test]
fn a_name_that_is_invalidated_is_looked_up_again() {
    let deeds = [
        Deed::InvalEntry { path: "folder/file".to_owned() },
        Deed::ExpireEntry { path: "folder/file".to_owned() },
    ];
    for deed in deeds {
        let mut served = served(vec![deed.clone()]);
        let name = deed.name();
        std::fs::create_dir(served.stored("folder")).unwrap();
        served.store("folder/file", 1);
        let exists = |served: &Served| served.path("folder/file").try_exists().unwrap();
        assert!(exists(&served));
        std::fs::remove_file(served.stored("folder/file")).unwrap();
        assert!(exists(&served), "{name}: it was cached");
        let (result, stats) = act(&mut served);
        assert_eq!((result, count(&stats, "LOOKUP")), (ActionResult::Done, 0), "{name}");
        assert!(!exists(&served), "{name}");
        // Of one that has expired the kernel asks twice: whether it still holds, and what there is instead.
        assert!(count(&served.take(), "LOOKUP") >= 1, "{name}");
    }
}

#[test]
fn a_file_that_is_deleted_has_no_name_any_more() {
    let mut served = served(vec![Deed::Delete { path: path() }]);
    served.store("file", 1);
    let held = File::from(hold(&served, "file"));
    assert_eq!(held.metadata().unwrap().nlink(), 1);
    assert_eq!(act(&mut served).0, ActionResult::Done);
    assert_eq!(held.metadata().unwrap().nlink(), 0);
    served.take();
    // The storage has it still.
    assert!(served.path("file").try_exists().unwrap());
    assert_eq!(count(&served.take(), "LOOKUP"), 1);
}

#[test]
fn bytes_that_are_stored_are_read_without_a_request() {
    for splice in [false, true] {
        let store = |offset_bytes, length_bytes| Deed::Store { path: path(), offset_bytes, length_bytes };
        let mut settings = trusting(vec![store(0, 2 * PAGE as u32), store(2 * PAGE as u64, 1 << 20)]);
        settings.splice = splice;
        let mut served = Served::new(&settings);
        let content = served.store("file", 3 * PAGE + 100);
        let file = File::open(served.path("file")).unwrap();
        begin(&mut served);
        step(&served);
        step(&served);
        let stats = served.take();
        let stored = stats.actions.iter().map(|action| action.result.clone()).collect::<Vec<_>>();
        let bytes = [2 * PAGE as u64, PAGE as u64 + 100];
        assert_eq!(stored, bytes.map(|bytes| ActionResult::Stored { bytes }));
        let mut found = vec![0; content.len()];
        file.read_exact_at(&mut found, 0).unwrap();
        assert!(found == content);
        assert_eq!(count(&served.take(), "READ"), 0);
    }
}

#[test]
fn what_is_retrieved_is_what_the_page_cache_has() {
    for splice in [false, true] {
        let retrieve = || Deed::Retrieve { path: path(), offset_bytes: 0, length_bytes: 1 << 20 };
        let mut settings = trusting(vec![retrieve()]);
        settings.splice = splice;
        let mut served = Served::new(&settings);
        served.store("file", 4 * PAGE);
        let file = File::open(served.path("file")).unwrap();
        // Nothing is cached.
        let (result, stats) = act(&mut served);
        assert_eq!(result, ActionResult::Retrieved { bytes: 0, wrong_at: None });
        assert_eq!(count(&stats, "NOTIFY_REPLY"), 1);
        read(&file, 4);
        let whole = |wrong_at| ActionResult::Retrieved { bytes: 4 * PAGE as u64, wrong_at };
        assert_eq!(act(&mut served).0, whole(None));
        // It is not read from the storage.
        File::options().write(true).open(served.stored("file")).unwrap().write_all_at(b"!", 5000).unwrap();
        let (result, stats) = act(&mut served);
        assert_eq!((result, count(&stats, "READ")), (whole(Some(5000)), 0));
    }
}

#[test]
fn what_is_not_answered_is_sent_once_more() {
    let operation = "read".parse().unwrap();
    let at = Moment::Request { operation, after: 0 };
    let delay = Effect::Delay { us: 500_000 };
    let fault = Fault { operation, offset_kib: None, after: 0, times: Times::Once, effect: delay };
    let actions = vec![Action { at, deed: Deed::Resend }];
    let mut served = Served::new(&ServerSettings { actions, faults: vec![fault], ..settings() });
    let content = served.store("file", PAGE);
    begin(&mut served);
    let before = std::time::Instant::now();
    assert!(std::fs::read(served.path("file")).unwrap() == content);
    let took = before.elapsed();
    // The first answer is that to the second one, which is not delayed; the kernel does not take the other any more.
    eventually("both are answered", || std::fs::read(served.path("file")).unwrap() == content);
    let stats = served.take();
    let expected = too_old(&served, 40);
    let sent = 1 + u64::from(expected.is_none());
    assert_eq!(stats.actions[0].result, expected.unwrap_or(ActionResult::Done));
    assert!(count(&stats, "READ") >= sent, "{took:?}: {stats:?}");
}

#[test]
fn names_of_another_epoch_are_looked_up_again() {
    let mut served = served(vec![Deed::IncEpoch]);
    served.store("file", 1);
    let exists = |served: &Served| served.path("file").try_exists().unwrap();
    assert!(exists(&served) && exists(&served));
    let expected = too_old(&served, 44);
    let lookups = u64::from(expected.is_none());
    assert_eq!(act(&mut served).0, expected.unwrap_or(ActionResult::Done));
    assert!(exists(&served));
    assert_eq!(count(&served.take(), "LOOKUP"), lookups);
}

#[test]
fn an_inode_that_nobody_uses_is_pruned() {
    let mut served = served(vec![Deed::Prune { path: path() }]);
    served.store("file", 1);
    let before = served.held();
    assert!(served.path("file").try_exists().unwrap());
    assert_eq!(served.held(), before + 1);
    let expected = too_old(&served, 45);
    let result = act(&mut served).0;
    match expected {
        None => eventually("it is forgotten", || served.held() == before),
        Some(_) => assert_eq!(served.held(), before + 1),
    }
    assert_eq!(result, expected.unwrap_or(ActionResult::Done));
}

#[test]
fn what_the_kernel_does_not_know_is_told() {
    let deeds = vec![
        Deed::InvalAttr { path: path() },
        Deed::InvalEntry { path: path() },
        Deed::InvalAttr { path: "missing".to_owned() },
        Deed::InvalAttr { path: "link/file".to_owned() },
        Deed::Delete { path: path() },
    ];
    let mut served = served(deeds);
    served.store("file", 1);
    std::os::unix::fs::symlink("/", served.stored("link")).unwrap();
    begin(&mut served);
    (0..4).for_each(|_| step(&served));
    let reports = served.take().actions;
    let why: Vec<String> = reports.iter().map(|report| report.result.to_string()).collect();
    assert_eq!(
        why,
        [
            "No such file or directory (os error 2)",
            "No such file or directory (os error 2)",
            "looking for missing on the storage: No such file or directory (os error 2)",
            "looking for link/file on the storage: Too many levels of symbolic links (os error 40)",
            "it never came due",
        ]
    );
    assert!(reports[..4].iter().all(|it| it.begin_ns.is_some() && it.end_ns >= it.begin_ns), "{reports:?}");
    assert_eq!(reports[4], ActionReport::default());
}

#[test]
fn a_file_may_be_that_of_the_workload() {
    let mut served = served(vec![Deed::InvalAttr { path: "folder/{file}".to_owned() }]);
    std::fs::create_dir(served.stored("folder")).unwrap();
    served.store("folder/file", 1);
    assert!(served.path("folder/file").try_exists().unwrap());
    assert_eq!(act(&mut served).0, ActionResult::Done);
}

/// What a knob is set to here, and where its effect is seen exactly: bytes are a view of a share of memory, and change with
/// that.
fn setting(knob: Knob) -> (u64, &'static str) {
    let own = knob.file().1;
    match knob {
        Knob::MaxBackground => (77, own),
        Knob::CongestionThreshold => (33, own),
        Knob::ReadAheadKb => (64, own),
        Knob::MinRatio => (1, own),
        Knob::MinRatioFine => (5, own),
        Knob::MaxRatio => (50, own),
        Knob::MaxRatioFine => (12_345, own),
        Knob::MinBytes => (1 << 20, "min_ratio_fine"),
        Knob::MaxBytes => (1 << 30, "max_ratio_fine"),
        Knob::StrictLimit => (1, own),
    }
}

#[test]
fn each_knob_is_set_and_put_back() {
    let control = FuseControl::new();
    for knob in Knob::ALL.iter().copied() {
        let (place, own) = knob.file();
        let (value, seen) = setting(knob);
        let mut served = served(vec![Deed::Set { knob, value }]);
        let device = rustix::fs::stat(served.mount()).unwrap().st_dev;
        let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
        let file = |name: &str| match place {
            KnobPlace::Connection => control.file(&served, name),
            KnobPlace::BackingDevice => format!("/sys/class/bdi/{major}:{minor}/{name}").into(),
        };
        let (file, is_there) = (file(seen), file(own).exists());
        if !is_there {
            let result = act(&mut served).0.to_string();
            assert!(result.ends_with(&format!("{own}: No such file or directory (os error 2)")), "{result}");
            continue;
        }
        let shown = || std::fs::read_to_string(&file).unwrap().trim().parse::<u64>().unwrap();
        let before = shown();
        for _ in 0..2 {
            begin(&mut served);
            step(&served);
            eventually(own, || if seen == own { shown() == value } else { shown() != before });
            let result = served.take().actions[0].result.clone();
            let ActionResult::Changed { from, to } = result else { panic!("{own}: {result}") };
            if seen == own {
                assert_eq!((from, to), (before, value), "{own}");
            }
            assert_eq!(shown(), before, "{own} is put back");
        }
    }
}

#[test]
fn more_requests_are_in_flight_when_more_may_be() {
    let _control = FuseControl::new();
    let operation = "read".parse().unwrap();
    let at = Moment::Request { operation, after: 7 };
    let actions = vec![Action { at, deed: Deed::Set { knob: Knob::MaxBackground, value: 16 } }];
    let mut settings = ServerSettings { threads: 32, max_background: 4, actions, ..settings() };
    settings.storage.latency_us = 20_000;
    let mut served = Served::new(&settings);
    served.store("file", 8 << 20);
    let most = |served: &mut Served| {
        crate::harness::read_direct(&served.path("file"), 0, 8 << 20);
        served.take()
    };
    let before = most(&mut served);
    assert_eq!((before.most_in_flight, before.actions), (4, vec![]));
    begin(&mut served);
    let stats = most(&mut served);
    assert_eq!(stats.actions[0].result, ActionResult::Changed { from: 4, to: 16 });
    assert!(stats.actions[0].in_flight <= 4, "{stats:?}");
    assert!((5..=16).contains(&stats.most_in_flight), "{stats:?}");
    assert_eq!(most(&mut served).most_in_flight, 4);
}

#[test]
fn an_abort_ends_the_connection_and_can_be_asked_about() {
    let _control = FuseControl::new();
    let mut served = served(vec![Deed::Abort]);
    served.store("file", 1);
    begin(&mut served);
    // The STATFS itself may be answered before.
    let _ = rustix::fs::statvfs(served.mount());
    let mount = served.mount().to_owned();
    let is_gone = move || {
        let asked = rustix::fs::statvfs(&mount).map(drop);
        [Err(Errno::NOTCONN), Err(Errno::CONNABORTED)].contains(&asked)
    };
    let ends = move || eventually("it ends", is_gone);
    in_time("what is asked of it fails", ends);
    let stats = served.take();
    assert_eq!((stats.actions.len(), &stats.actions[0].result), (1, &ActionResult::Done));
    served.send(ControlCommand::Quit);
    assert!(served.wait().success());
    assert!(!served.is_mounted());
}

#[test]
fn one_that_nobody_controls_acts_from_the_mount_on() {
    let deed = Deed::InvalAttr { path: path() };
    let settings = trusting(vec![deed]);
    let storage = tempfile::tempdir_in("/dev/shm").unwrap();
    std::fs::write(storage.path().join("file"), "").unwrap();
    let mount = tempfile::tempdir().unwrap();
    let json = serde_json::to_string(&settings).unwrap();
    let folders = [&storage, &mount].map(|folder| folder.path().to_str().unwrap());
    let mut alone = Alone(crate::harness::start(&["--settings", &json, folders[0], folders[1]]));
    let file = mount.path().join("file");
    eventually("it is mounted", || file.exists());
    let mode = || file.metadata().unwrap().mode() & 0o777;
    let before = mode();
    std::fs::set_permissions(storage.path().join("file"), PermissionsExt::from_mode(0o600 ^ before)).unwrap();
    assert_eq!(mode(), before, "it was cached");
    rustix::fs::statvfs(mount.path()).unwrap();
    eventually("it is asked for again", || mode() == 0o600 ^ before);
    rustix::mount::unmount(mount.path(), rustix::mount::UnmountFlags::DETACH).unwrap();
    assert!(alone.0.wait().unwrap().success());
}

/// A server that nobody controls. It does not outlive a test that fails, and takes its mount with it.
struct Alone(std::process::Child);

impl Drop for Alone {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            let process = rustix::process::Pid::from_child(&self.0);
            let _ = rustix::process::kill_process(process, rustix::process::Signal::TERM);
            let _ = self.0.wait();
        }
    }
}
