//! Each setting does what it says: every test here fails if the setting is ignored.

use std::fs::{File, Permissions};
use std::os::unix::fs::{FileExt, PermissionsExt as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use lab_protocol::{Getxattr, OpenMode, RequestStats, ServerSettings};
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::Uid;

use crate::harness::{
    FuseControl, Served, bytes, death_after, eventually, reaches, read_direct, settings, write_direct,
};

const MIB: usize = 1 << 20;

/// Long enough for all threads to have a request in hand, on a machine that does other things as well.
const LATENCY_US: u64 = 20_000;

/// What the server counts while 2 MiB are read directly.
fn observe_read(served: &mut Served) -> RequestStats {
    served.take();
    read_direct(&served.path("file"), 0, 2 * MIB);
    served.take()
}

/// The same while they are written.
fn observe_write(served: &mut Served) -> RequestStats {
    served.take();
    assert_eq!(write_direct(&served.path("file"), 0, &bytes(2 * MIB, 2)), Ok(2 * MIB));
    served.take()
}

fn check_in_flight(settings: &ServerSettings, expected: u32) {
    let mut served = Served::new(settings);
    served.store("file", 2 * MIB);
    reaches(expected, &format!("reading with {settings:?}"), || observe_read(&mut served).most_in_flight);
    reaches(expected, &format!("writing with {settings:?}"), || observe_write(&mut served).most_in_flight);
}

#[test]
fn async_dio_decides_how_many_are_in_flight() {
    let slow = settings().with_latency_us(LATENCY_US);
    check_in_flight(&slow, 12);
    check_in_flight(&ServerSettings { async_dio: false, ..slow }, 1);
}

#[test]
fn without_latency_all_that_is_outstanding_is_seen_on_one_cpu() {
    // As in a guest with one CPU; the server is started from this thread and inherits its CPU.
    let _pinned = Pinned::new();
    check_in_flight(&settings(), 12);
    check_in_flight(&ServerSettings { max_background: 5, ..settings() }, 5);
    check_in_flight(&ServerSettings { clone_fd: false, ..settings() }, 12);
    check_in_flight(&ServerSettings { async_dio: false, ..settings() }, 1);
}

#[test]
fn max_background_caps_what_is_in_flight() {
    let slow = settings().with_latency_us(LATENCY_US);
    check_in_flight(&ServerSettings { max_background: 4, ..slow.clone() }, 4);
    check_in_flight(&ServerSettings { max_background: 1, ..slow.clone() }, 1);
    check_in_flight(&ServerSettings { max_background: 64, ..slow }, 16);
}

#[test]
fn threads_cap_what_is_in_flight() {
    let slow = settings().with_latency_us(LATENCY_US);
    check_in_flight(&ServerSettings { threads: 3, ..slow.clone() }, 3);
    check_in_flight(&ServerSettings { threads: 1, ..slow }, 1);
}

#[test]
fn requests_have_the_size_that_was_set() {
    for request_kib in [4, 64, 128, 256, 1024] {
        let mut served = Served::new(&ServerSettings { request_kib, ..settings() });
        served.store("file", 2 * MIB);
        let expected = [(request_kib * 1024, 2048 / u64::from(request_kib))].into();
        assert_eq!(observe_read(&mut served).read_sizes, expected, "{request_kib}");
        assert_eq!(observe_write(&mut served).write_sizes, expected, "{request_kib}");
    }
}

#[test]
fn reads_can_have_a_smaller_size_than_writes() {
    let mut served = Served::new(&ServerSettings { request_kib: 128, max_read_kib: 32, ..settings() });
    served.store("file", 2 * MIB);
    assert_eq!(observe_read(&mut served).read_sizes, [(32 << 10, 64)].into());
    assert_eq!(observe_write(&mut served).write_sizes, [(128 << 10, 16)].into());
}

#[test]
fn each_read_and_write_takes_the_storage_latency() {
    let slow = ServerSettings { async_dio: false, ..settings().with_latency_us(5_000) };
    let served = Served::new(&slow);
    served.store("file", 2 * MIB);
    let took = |action: &dyn Fn()| {
        let begin = Instant::now();
        action();
        begin.elapsed()
    };
    let expected = Duration::from_millis(16 * 5);
    let read = took(&|| drop(read_direct(&served.path("file"), 0, 2 * MIB)));
    assert!(read >= expected, "{read:?}");
    let write = took(&|| assert_eq!(write_direct(&served.path("file"), 0, &bytes(2 * MIB, 2)), Ok(2 * MIB)));
    assert!(write >= expected, "{write:?}");
    // Other requests take none.
    let served = Served::new(&slow.with_latency_us(200_000));
    let others = took(&|| (0..20).for_each(|n| drop(File::create(served.path(&n.to_string())).unwrap())));
    assert!(others < 20 * Duration::from_millis(200), "{others:?}");
}

#[test]
fn sleeping_threads_wake_up_exactly() {
    let served = Served::new(&settings());
    let slacks = || -> Vec<String> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", served.process())).unwrap();
        let threads = tasks.map(|task| task.unwrap().file_name().into_string().unwrap());
        threads.map(|it| std::fs::read_to_string(format!("/proc/{it}/timerslack_ns")).unwrap()).collect()
    };
    eventually("all threads run", || slacks().len() > 16);
    let slacks = slacks();
    assert!(slacks.iter().all(|slack| slack.trim() == "1"), "{slacks:?}");
}

/// How many descriptors the server has on the backing file, other than for naming it.
fn open_backing_files(served: &Served, name: &str) -> usize {
    let path = served.stored(name);
    served.descriptors().iter().filter(|(at, flags)| *at == path && !flags.contains(OFlags::PATH)).count()
}

#[test]
fn the_backing_file_is_open_as_long_as_was_set() {
    for (open, expected) in [(OpenMode::Kept, 1), (OpenMode::PerRequest, 0)] {
        let served = Served::new(&ServerSettings { open, ..settings() });
        let content = served.store("file", MIB);
        let file = File::options().read(true).write(true).open(served.path("file")).unwrap();
        let mut found = vec![0; MIB];
        file.read_exact_at(&mut found, 0).unwrap();
        assert!(found == content);
        assert_eq!(open_backing_files(&served, "file"), expected, "{open:?}");
        file.write_all_at(b"new", 0).unwrap();
        file.sync_all().unwrap();
        file.set_len(5).unwrap();
        assert_eq!(std::fs::read(served.stored("file")).unwrap(), [b"new", &content[3..5]].concat());
        // Also without a name.
        std::fs::remove_file(served.path("file")).unwrap();
        file.write_all_at(b"more", 5).unwrap();
        file.read_exact_at(&mut found[..9], 0).unwrap();
        assert_eq!(found[5..9], *b"more", "{open:?}");
    }
}

#[test]
fn each_thread_has_its_own_device_if_so_set() {
    for (clone_fd, expected) in [(true, 16), (false, 1)] {
        let served = Served::new(&ServerSettings { clone_fd, ..settings() });
        let devices = || served.descriptors().iter().filter(|(at, _)| at == Path::new("/dev/fuse")).count();
        eventually("all threads have their device", || devices() >= expected);
        assert_eq!(devices(), expected, "{clone_fd}");
    }
}

#[test]
fn getxattr_is_answered_as_was_set() {
    let get = |served: &Served| {
        let mut value = [0; 16];
        rustix::fs::getxattr(served.path("file"), "user.test", &mut value[..])
            .map(|length| value[..length].to_vec())
    };
    for (getxattr, expected, requests) in [
        (Getxattr::Passthrough, Ok(b"value".to_vec()), 3),
        (Getxattr::Enosys, Err(rustix::io::Errno::OPNOTSUPP), 1),
    ] {
        let mut served = Served::on(tempfile::tempdir().unwrap(), &ServerSettings { getxattr, ..settings() });
        served.store("file", 1);
        let flags = rustix::fs::XattrFlags::empty();
        rustix::fs::setxattr(served.stored("file"), "user.test", b"value", flags).unwrap();
        for _ in 0..3 {
            assert_eq!(get(&served), expected, "{getxattr:?}");
        }
        assert_eq!(served.take().by_operation["GETXATTR"], requests, "{getxattr:?}");
    }
}

#[test]
fn attributes_are_trusted_as_long_as_was_set() {
    for (attribute_timeout_ms, asked_again) in [(0, true), (3_600_000, false)] {
        let mut served = Served::new(&ServerSettings { attribute_timeout_ms, ..settings() });
        served.store("file", 1);
        std::fs::metadata(served.path("file")).unwrap();
        served.take();
        std::fs::write(served.stored("file"), "longer").unwrap();
        let length = std::fs::metadata(served.path("file")).unwrap().len();
        assert_eq!(length, if asked_again { 6 } else { 1 }, "{attribute_timeout_ms}");
        let asked = served.take().by_operation;
        assert_eq!(!asked.is_empty(), asked_again, "{attribute_timeout_ms}: {asked:?}");
    }
}

#[test]
fn the_limits_are_those_of_the_connection() {
    let control = FuseControl::new();
    // A threshold above the limit is sent as the limit.
    for (max_background, congestion_threshold, sent) in [(12, 9, 9), (40, 33, 33), (7, 100, 7)] {
        let served = Served::new(&ServerSettings { max_background, congestion_threshold, ..settings() });
        let told = (served.negotiated.max_background, served.negotiated.congestion_threshold);
        assert_eq!(told, (max_background, sent));
        assert_eq!(control.read(&served, "max_background"), max_background.to_string());
        assert_eq!(control.read(&served, "congestion_threshold"), sent.to_string());
    }
}

#[test]
fn files_are_opened_past_the_page_cache_if_so_set() {
    let slow = settings().with_latency_us(LATENCY_US);
    check_in_flight(&ServerSettings { direct_io: true, ..slow }, 1);
    for (direct_io, reads_again) in [(false, false), (true, true)] {
        let mut served = Served::new(&ServerSettings { direct_io, ..settings() });
        let content = served.store("file", MIB);
        // Created and opened ones alike.
        std::fs::copy(served.path("file"), served.path("copy")).unwrap();
        let options = File::options().read(true).write(true).clone();
        let create = options.clone().create_new(true).open(served.path("new")).unwrap();
        create.write_all_at(&content, 0).unwrap();
        for file in [options.open(served.path("file")).unwrap(), create] {
            let mut found = vec![0; MIB];
            file.read_exact_at(&mut found, 0).unwrap();
            served.take();
            file.read_exact_at(&mut found, 0).unwrap();
            assert!(found == content);
            let reads = served.take().by_operation.get("READ").copied().unwrap_or_default();
            assert_eq!(reads > 0, reads_again, "{reads} with {direct_io}");
        }
    }
}

#[test]
fn cached_pages_go_with_changed_attributes_if_so_set() {
    for (auto_inval_data, getattrs, seen) in [(false, 0, b"old"), (true, 3, b"new")] {
        let trusting = ServerSettings { attribute_timeout_ms: 0, auto_inval_data, ..settings() };
        let mut served = Served::new(&trusting);
        std::fs::write(served.stored("file"), b"old").unwrap();
        let old = std::fs::FileTimes::new().set_modified(std::time::UNIX_EPOCH);
        File::options().write(true).open(served.stored("file")).unwrap().set_times(old).unwrap();
        // Kept open: to open it again drops the cached pages as well.
        let file = File::open(served.path("file")).unwrap();
        let read = || {
            let mut found = [0; 3];
            file.read_exact_at(&mut found, 0).unwrap();
            found
        };
        assert_eq!(read(), *b"old");
        served.take();
        for _ in 0..3 {
            assert_eq!(read(), *b"old", "{auto_inval_data}");
        }
        let asked = served.take().by_operation;
        assert_eq!(asked.get("GETATTR").copied().unwrap_or_default(), getattrs, "{asked:?}");
        // Of the same length, so that only the time of the change tells.
        std::fs::write(served.stored("file"), b"new").unwrap();
        assert_eq!(read(), *seen, "{auto_inval_data}");
    }
}

/// Does something in a thread of another user.
pub(crate) fn as_nobody<T: Send>(action: impl FnOnce() -> T + Send) -> T {
    let nobody = Uid::from_raw(65534);
    let switched = || {
        // The kernel looks at all three.
        rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
        action()
    };
    std::thread::scope(|scope| scope.spawn(switched).join().unwrap())
}

/// The kernel asks for the user before it asks the server for anything.
#[test]
fn other_users_are_let_in_if_so_set() {
    for (allow_other, seen) in [(false, Err(Errno::ACCESS)), (true, Ok(3))] {
        let served = Served::new(&ServerSettings { allow_other, ..settings() });
        // The folder is the test's own.
        std::fs::set_permissions(served.path(""), Permissions::from_mode(0o755)).unwrap();
        let file = served.path("file");
        std::fs::write(&file, b"new").unwrap();
        assert_eq!(as_nobody(|| rustix::fs::stat(&file).map(|stat| stat.st_size)), seen, "{allow_other}");
    }
}

#[test]
fn small_writes_are_kept_back_and_merged_if_so_set() {
    // What is kept back is one WRITE in the end, or some if the kernel's flusher, or anybody's sync(2), comes in between.
    for (writeback_cache, in_all) in [(false, 256..=256), (true, 1..=8)] {
        let mut served = Served::new(&ServerSettings { writeback_cache, ..settings() });
        let content = bytes(64 << 10, 3);
        let file = File::create(served.path("file")).unwrap();
        let mut writes = || served.take().by_operation.get("WRITE").copied().unwrap_or_default();
        let write = || {
            for (index, record) in content.chunks(256).enumerate() {
                file.write_all_at(record, index as u64 * 256).unwrap();
            }
        };
        write();
        let at_once = writes();
        assert!(writeback_cache || at_once == 256, "{at_once}");
        file.sync_all().unwrap();
        let synced = at_once + writes();
        assert!(in_all.contains(&synced), "fsync: {writeback_cache} {synced}");
        write();
        drop(file);
        let closed = writes();
        assert!(in_all.contains(&closed), "close: {writeback_cache} {closed}");
        assert!(std::fs::read(served.stored("file")).unwrap() == content);
    }
}

#[test]
fn a_page_that_is_written_in_part_is_read_by_a_handle_for_writing() {
    for open in [OpenMode::Kept, OpenMode::PerRequest] {
        let mut served = Served::new(&ServerSettings { writeback_cache: true, open, ..settings() });
        let mut expected = served.store("file", 8192);
        let file = File::options().write(true).open(served.path("file")).unwrap();
        served.take();
        file.write_all_at(b"new", 5000).unwrap();
        assert_eq!(served.take().by_operation.get("READ"), Some(&1), "{open:?}");
        file.sync_all().unwrap();
        expected[5000..5003].copy_from_slice(b"new");
        assert!(std::fs::read(served.stored("file")).unwrap() == expected, "{open:?}");
        // A created file too.
        let file = File::options().write(true).create_new(true).open(served.path("made")).unwrap();
        file.write_all_at(b"some", 0).unwrap();
        file.sync_all().unwrap();
        rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
        file.write_all_at(b"text", 2).unwrap();
        file.sync_all().unwrap();
        assert_eq!(std::fs::read(served.stored("made")).unwrap(), b"sotext", "{open:?}");
    }
}

#[test]
fn what_was_negotiated_is_told() {
    let wanted = ServerSettings { request_kib: 64, ..settings() };
    let served = Served::new(&wanted);
    let told = &served.negotiated;
    assert_eq!((told.max_write, told.max_readahead), (65536, 65536));
    assert!(told.kernel_protocol.starts_with("7."), "{}", told.kernel_protocol);
    let features = |settings: &ServerSettings| {
        let served = Served::new(settings);
        let told = &served.negotiated;
        let offered = [
            told.async_dio_offered,
            told.direct_io_allow_mmap_offered,
            told.auto_inval_data_offered,
            told.writeback_cache_offered,
        ];
        assert_eq!(offered, [true; 4]);
        assert_eq!(told.direct_io_allow_mmap_in_force, told.direct_io_in_force);
        [
            told.async_dio_in_force,
            told.direct_io_in_force,
            told.auto_inval_data_in_force,
            told.writeback_cache_in_force,
        ]
    };
    let none = ServerSettings { async_dio: false, ..settings() };
    for (settings, expected) in [
        (ServerSettings { async_dio: true, ..none.clone() }, [true, false, false, false]),
        (ServerSettings { direct_io: true, ..none.clone() }, [false, true, false, false]),
        (ServerSettings { auto_inval_data: true, ..none.clone() }, [false, false, true, false]),
        (ServerSettings { writeback_cache: true, ..none.clone() }, [false, false, false, true]),
        (none, [false; 4]),
    ] {
        assert_eq!(features(&settings), expected, "{settings:?}");
    }
}

/// This thread, and what it starts, on the first CPU that it may use.
pub(crate) struct Pinned(rustix::thread::CpuSet);

impl Pinned {
    pub(crate) fn new() -> Self {
        let before = rustix::thread::sched_getaffinity(None).unwrap();
        let first = (0..rustix::thread::CpuSet::MAX_CPU).find(|cpu| before.is_set(*cpu)).unwrap();
        let mut one = rustix::thread::CpuSet::new();
        one.set(first);
        rustix::thread::sched_setaffinity(None, &one).unwrap();
        Pinned(before)
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        let _ = rustix::thread::sched_setaffinity(None, &self.0);
    }
}

#[test]
fn the_server_dies_at_the_request_that_it_is_told_to_die_at() {
    let mut served = Served::new(&ServerSettings { faults: vec![death_after(19)], ..settings() });
    served.store("file", 4 * MIB);
    // 16 requests each: the 20th is in the second write.
    assert_eq!(write_direct(&served.path("file"), 0, &bytes(2 * MIB, 1)), Ok(2 * MIB));
    assert!(write_direct(&served.path("file"), 2 * MIB as u64, &bytes(2 * MIB, 2)).is_err());
    assert_eq!(served.wait().signal(), Some(libc::SIGABRT));
}
