//! The requests that a FUSE library would hide, and the ways in which data passes the device.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::os::unix::thread::JoinHandleExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use lab_protocol::{
    Behaviour, ControlCommand, ControlReply, Effect, Fault, Operation, ReplyOrder, ServerSettings, Splicing,
    Times,
};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, StatxFlags, XattrFlags};

use crate::harness::{Aligned, REQUEST, Served, bytes, eventually, read_direct, settings, write_direct};

const MIB: usize = 1 << 20;

fn count(served: &mut Served, name: &str) -> u64 {
    served.take().by_operation.get(name).copied().unwrap_or_default()
}

/// The minor version of the protocol that the kernel speaks.
fn minor(served: &Served) -> u32 {
    let (major, minor) = served.negotiated.kernel_protocol.split_once('.').unwrap();
    assert_eq!(major, "7");
    minor.parse().unwrap()
}

/// What happens to all operations of this kind.
fn always(operation: &str, effect: Effect) -> Fault {
    let operation = operation.parse().unwrap();
    Fault { operation, offset_kib: None, after: 0, times: Times::Always, effect }
}

/// With operations of this kind delayed so much.
fn delayed(operation: &str, delay: Duration, settings: ServerSettings) -> ServerSettings {
    let delay = Effect::Delay { us: delay.as_micros() as u64 };
    ServerSettings { faults: vec![always(operation, delay)], ..settings }
}

/// Lets a signal interrupt whoever waits, and do nothing else.
fn handle_signal(signal: i32) {
    extern "C" fn nothing(_: i32) {}
    // SAFETY: a zeroed sigaction is one without flags, and the handler may run at any time.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = nothing as extern "C" fn(i32) as usize;
        assert_eq!(libc::sigaction(signal, &action, std::ptr::null_mut()), 0);
    }
}

#[test]
fn interrupts_are_counted_and_change_nothing_for_the_caller() {
    handle_signal(libc::SIGUSR2);
    // With one thread it would come when the request is answered, and there is nothing to interrupt any more.
    for threads in [2, 4] {
        let delay = Duration::from_millis(500);
        let settings = ServerSettings { threads, request_log: 100, ..settings() };
        let mut served = Served::new(&delayed("mkdir", delay, settings));
        served.take();
        for round in 0..2 {
            let path = served.path(&format!("folder-{round}"));
            let caller = std::thread::spawn(move || std::fs::create_dir(path));
            eventually("MKDIR arrives", || count(&mut served, "MKDIR") == 1);
            // SAFETY: the thread has not been joined.
            assert_eq!(unsafe { libc::pthread_kill(caller.as_pthread_t(), libc::SIGUSR2) }, 0);
            let interrupted = |served: &mut Served| {
                served.log(0).records.iter().any(|it| it.operation == Operation::Interrupt)
            };
            eventually("INTERRUPT arrives", || interrupted(&mut served));
            caller.join().unwrap().unwrap();
            let records = served.log(0).records;
            let one = |operation| *records.iter().find(|it| it.operation == operation).unwrap();
            let (interrupt, mkdir) = (one(Operation::Interrupt), one(Operation::Mkdir));
            assert!((mkdir.arrival_ns..mkdir.answer_ns).contains(&interrupt.arrival_ns), "{records:?}");
            assert_eq!((interrupt.answer_ns, interrupt.result), (interrupt.arrival_ns, 0));
            assert_eq!(count(&mut served, "INTERRUPT"), 1);
            assert!(served.stored(&format!("folder-{round}")).is_dir(), "{threads}");
        }
    }
}

#[test]
fn many_inodes_are_forgotten_with_one_request() {
    let hang = always("mkdir", Effect::Hang);
    let mut served = Served::new(&ServerSettings { threads: 1, faults: vec![hang], ..settings() });
    let hold = |name: &String| -> OwnedFd {
        std::fs::write(served.path(name), "").unwrap();
        // It keeps the inode, and nothing is sent when it is closed. The servers of other tests must not get it.
        let fd = rustix::fs::openat(CWD, served.path(name), OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
            .unwrap();
        std::fs::remove_file(served.path(name)).unwrap();
        fd
    };
    let names: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    let before = served.held();
    let held: Vec<OwnedFd> = names.iter().map(hold).collect();
    eventually("files are released", || served.held() == before + 20);
    served.take();
    let path = served.path("folder");
    let busy = std::thread::spawn(move || std::fs::create_dir(path));
    eventually("the only thread is busy", || count(&mut served, "MKDIR") == 1);
    // All of it waits for the thread when this is done.
    drop(held);
    assert_eq!(served.ask(ControlCommand::Behave(Box::new(Behaviour::plain()))), ControlReply::Behaving);
    assert_eq!(busy.join().unwrap().unwrap_err().raw_os_error(), Some(libc::EIO));
    eventually("they are forgotten", || served.held() == before);
    let counts = served.take().by_operation;
    let of = |name: &str| counts.get(name).copied().unwrap_or_default();
    assert!(of("BATCH_FORGET") >= 1 && of("BATCH_FORGET") + of("FORGET") < 20, "{counts:?}");
}

#[test]
fn what_is_not_served_is_counted_and_the_kernel_does_without() {
    let mut served = Served::new(&settings());
    let content = served.store("file", 3 * 4096);
    for _ in 0..2 {
        let mask = StatxFlags::BASIC_STATS | StatxFlags::BTIME;
        let found = rustix::fs::statx(CWD, served.path("file"), AtFlags::empty(), mask).unwrap();
        assert_eq!(found.stx_size, content.len() as u64);
    }
    // It is asked for once by kernels that know it.
    assert_eq!(count(&mut served, "STATX"), u64::from(minor(&served) >= 39));
    for name in ["one", "two"] {
        let (from, to) = (File::open(served.path("file")).unwrap(), File::create(served.path(name)).unwrap());
        assert_eq!(rustix::fs::copy_file_range(&from, None, &to, None, content.len()), Ok(content.len()));
        assert_eq!(std::fs::read(served.stored(name)).unwrap(), content);
    }
    // The longer form by kernels that know it, without a try of the other.
    let (asked, other) = match minor(&served) {
        45.. => ("COPY_FILE_RANGE_64", "COPY_FILE_RANGE"),
        _ => ("COPY_FILE_RANGE", "COPY_FILE_RANGE_64"),
    };
    let counts = served.take().by_operation;
    assert_eq!((counts.get(asked), counts.get(other)), (Some(&2), None), "{counts:?}");
    assert_eq!(served.take().failed, 0);
}

/// Writes and reads at places and with lengths around the ends of pages and requests, buffered and directly.
fn check_integrity(settings: &ServerSettings) {
    let served = Served::new(settings);
    let request = settings.request_kib as usize * 1024;
    let file = File::options().create_new(true).read(true).write(true).open(served.path("file")).unwrap();
    let mut expected = Vec::new();
    let lengths = [1, 4095, 4096, 4097, request - 1, request, request + 1, 2 * request + 17, MIB];
    for (seed, length) in (0..).zip(lengths) {
        for offset in [0, 1, 4095, request - 1, request, 3 * request + 4097] {
            let content = bytes(length, seed);
            assert_eq!(rustix::io::pwrite(&file, &content, offset as u64), Ok(length));
            expected.resize(expected.len().max(offset + length), 0);
            expected[offset..offset + length].copy_from_slice(&content);
        }
    }
    file.sync_all().unwrap();
    assert!(std::fs::read(served.stored("file")).unwrap() == expected, "on the storage: {settings:?}");
    let direct = bytes(2 * MIB, 99);
    assert_eq!(write_direct(&served.path("direct"), 0, &direct), Ok(2 * MIB));
    assert!(std::fs::read(served.stored("direct")).unwrap() == direct, "{settings:?}");
    // Nothing of it is in the cache of the mount.
    std::fs::rename(served.stored("file"), served.stored("other")).unwrap();
    let other = File::open(served.path("other")).unwrap();
    for length in lengths {
        for offset in [0, 1, 4096, request - 1, 3 * request + 4097, expected.len() - 1, expected.len()] {
            let end = expected.len().min(offset + length);
            let mut found = vec![0; length];
            let read = other.read_at(&mut found, offset as u64).unwrap();
            assert!(found[..read] == expected[offset..end], "{length} at {offset}: {settings:?}");
            if offset % 4096 == 0 {
                let found = read_direct(&served.path("other"), offset as u64, length.next_multiple_of(4096));
                let end = expected.len().min(offset + length.next_multiple_of(4096));
                assert!(found == expected[offset..end], "{length} at {offset} directly: {settings:?}");
            }
        }
    }
}

#[test]
fn data_is_the_same_whichever_way_it_takes() {
    for splice in [false, true] {
        for request_kib in [4, 32, 128, 1024] {
            check_integrity(&ServerSettings { splice, request_kib, threads: 4, ..settings() });
        }
        for (threads, clone_fd) in [(1, true), (1, false), (3, false), (64, true), (64, false)] {
            check_integrity(&ServerSettings { splice, threads, clone_fd, ..settings() });
        }
        check_integrity(&ServerSettings { splice, writeback_cache: true, ..settings() });
        check_integrity(&ServerSettings { splice, direct_io: true, ..settings() });
        let (reply_order, reply_window_us) = (ReplyOrder::Reversed, 200);
        check_integrity(&ServerSettings { splice, reply_order, reply_window_us, ..settings() });
    }
}

/// Bytes that the server has moved by reading and writing calls.
fn copied(served: &Served) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{}/io", served.process())).unwrap();
    let of = |key: &str| -> u64 {
        text.lines().find_map(|line| line.strip_prefix(key)).unwrap().trim().parse().unwrap()
    };
    of("rchar:") + of("wchar:")
}

#[test]
fn splicing_copies_no_data() {
    let mut pipes = Vec::new();
    for splice in [false, true] {
        let served = Served::new(&ServerSettings { splice, threads: 2, ..settings() });
        let is_pipe = |path: &Path| path.to_str().unwrap().starts_with("pipe:");
        pipes.push(served.descriptors().iter().filter(|(path, _)| is_pipe(path)).count());
        let content = served.store("file", 4 * MIB);
        let before = copied(&served);
        assert!(read_direct(&served.path("file"), 0, 4 * MIB) == content);
        let read = copied(&served) - before;
        assert_eq!(write_direct(&served.path("new"), 0, &content), Ok(4 * MIB));
        let written = copied(&served) - before - read;
        assert!(std::fs::read(served.stored("new")).unwrap() == content);
        let (data, little) = (2 * 4 * MIB as u64, 64 << 10);
        if splice {
            // The first WRITE of each thread is not expected, and copied.
            assert!(read < little && written < 4 * REQUEST as u64 + little, "{read}, {written}");
        } else {
            assert!(read >= data && written >= data, "{read}, {written}");
        }
    }
    // Both ends for each thread.
    assert_eq!(pipes[1] - pipes[0], 4);
}

#[test]
fn the_ways_of_data_are_counted_where_splicing_is_asked_for() {
    let mut served = Served::new(&ServerSettings { splice: true, threads: 1, ..settings() });
    let content = served.store("file", 4 * MIB);
    let path = served.path("file");
    served.take();
    assert!(read_direct(&path, 0, 4 * MIB) == content);
    assert_eq!(served.take().splicing, Some(Splicing { spliced: 32, copied: 0, fell_back: 0 }));
    // The first one is not expected.
    assert_eq!(write_direct(&path, 0, &content), Ok(4 * MIB));
    assert_eq!(served.take().splicing, Some(Splicing { spliced: 31, copied: 1, fell_back: 0 }));
    assert_eq!(write_direct(&path, 0, &content[..28 << 10]), Ok(28 << 10));
    assert!(read_direct(&path, 0, 28 << 10) == content[..28 << 10]);
    assert_eq!(served.take().splicing, Some(Splicing { spliced: 0, copied: 2, fell_back: 0 }));
    assert_eq!(served.take().splicing, Some(Splicing::default()));
    let mut copying = Served::new(&settings());
    copying.store("file", MIB);
    read_direct(&copying.path("file"), 0, MIB);
    assert_eq!(copying.take().splicing, None);
}

#[test]
fn what_cannot_be_spliced_is_copied_and_counted() {
    // The memory of this process can be read and written as a file, and not be spliced.
    static MEMORY: [AtomicU64; REQUEST / 8] = [const { AtomicU64::new(0) }; REQUEST / 8];
    MEMORY.iter().zip(1..).for_each(|(word, number)| word.store(number, Relaxed));
    let (settings, threads, direct_io) = (settings(), 1, true);
    let processes = Path::new("/proc").join(std::process::id().to_string());
    let mut served =
        Served::at(processes, None, &ServerSettings { splice: true, threads, direct_io, ..settings });
    let file = File::options().read(true).write(true).open(served.path("mem")).unwrap();
    let place = MEMORY.as_ptr() as u64;
    served.take();
    let mut memory = Aligned::new(&vec![0; REQUEST]);
    for round in 0..2 {
        file.read_exact_at(memory.bytes(), place).unwrap();
        let numbers = (1..=REQUEST as u64 / 8).flat_map(u64::to_ne_bytes);
        assert!(memory.bytes().iter().copied().eq(numbers), "{round}");
    }
    // Splicing was tried for the first only.
    assert_eq!(served.take().splicing, Some(Splicing { spliced: 0, copied: 0, fell_back: 2 }));
    memory.bytes().reverse();
    file.write_all_at(memory.bytes(), place).unwrap();
    assert_eq!(served.take().splicing, Some(Splicing { spliced: 0, copied: 0, fell_back: 1 }));
    let found = MEMORY.iter().flat_map(|word| word.load(Relaxed).to_ne_bytes());
    assert!(found.eq(memory.bytes().iter().copied()));
}

/// What comes of a write(2) and a read(2) of 1 MiB whose third request meets a fault: the bytes that each says.
fn struck(effect: Effect, splice: bool) -> [usize; 2] {
    let fault = |operation: &str| Fault {
        operation: operation.parse().unwrap(),
        offset_kib: Some(2 * REQUEST as u64 / 1024),
        after: 0,
        times: Times::Once,
        effect,
    };
    let faults = vec![fault("write"), fault("read")];
    let (threads, attribute_timeout_ms) = (1, 0);
    let mut served = Served::new(&ServerSettings {
        splice,
        threads,
        attribute_timeout_ms,
        async_dio: false,
        faults,
        ..settings()
    });
    let content = bytes(MIB, 4);
    let path = served.path("file");
    let written = write_direct(&path, 0, &content).unwrap();
    assert!(std::fs::read(served.stored("file")).unwrap() == content[..written], "{splice}, {effect:?}");
    // Nothing is left behind that a later WRITE would meet.
    assert_eq!(write_direct(&path, 0, &content), Ok(MIB), "{splice}, {effect:?}");
    assert!(std::fs::read(served.stored("file")).unwrap() == content, "{splice}, {effect:?}");
    let found = read_direct(&path, 0, MIB);
    assert!(found == content[..found.len()], "{splice}, {effect:?}");
    assert!(read_direct(&path, 0, MIB) == content, "{splice}, {effect:?}");
    assert_eq!(served.take().failed, if effect == Effect::Eio { 2 } else { 0 });
    [written, found.len()]
}

#[test]
fn faults_strike_what_is_spliced() {
    for effect in [Effect::Short { bytes: 70_001 }, Effect::Short { bytes: 0 }, Effect::Eio] {
        assert_eq!(struck(effect, true), struck(effect, false), "{effect:?}");
    }
}

#[test]
fn many_threads_need_little_memory() {
    for splice in [false, true] {
        let served = Served::new(&ServerSettings { splice, threads: 64, max_background: 64, ..settings() });
        let content = served.store("file", 16 * MIB);
        for _ in 0..4 {
            assert!(read_direct(&served.path("file"), 0, 16 * MIB) == content);
            assert_eq!(write_direct(&served.path("file"), 0, &content), Ok(16 * MIB));
        }
        let status = std::fs::read_to_string(format!("/proc/{}/status", served.process())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let peak_kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
        assert!(peak_kib < 20 << 10, "{peak_kib} KiB, splice: {splice}");
    }
}

#[test]
fn large_values_fit_into_small_requests() {
    let served = Served::new(&ServerSettings { request_kib: 4, ..settings() });
    served.store("file", 1);
    // The most that Linux allows.
    let (name, value) = ("trusted.value", bytes(64 << 10, 8));
    rustix::fs::setxattr(served.path("file"), name, &value, XattrFlags::empty()).unwrap();
    let mut found = vec![0; value.len()];
    assert_eq!(rustix::fs::getxattr(served.stored("file"), name, &mut found[..]), Ok(value.len()));
    assert!(found == value);
}
