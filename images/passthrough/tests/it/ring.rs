//! FUSE over io_uring on real mounts. The kernel has it since Linux 6.14, switched off unless somebody switches it on.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lab_protocol::{
    Action, ActionResult, ByTransport, ControlCommand, ControlReply, Deed, Effect, Fault, Moment, ReplyOrder,
    RingBuffers, ServerSettings, Times, Transport,
};
use rustix::fs::OFlags;

use crate::harness::{Aligned, Served, bytes, in_time, open_direct, reaches, settings, start};

const SWITCH: &str = "/sys/module/fuse/parameters/enable_uring";
const MIB: usize = 1 << 20;

/// The kernel's switch, on as long as this lives. It is one for all mounts, so that these tests run one after the other.
struct Enabled {
    before: String,
    _one_at_a_time: MutexGuard<'static, ()>,
}

impl Enabled {
    fn new(on: bool) -> Self {
        static ONE: Mutex<()> = Mutex::new(());
        let one_at_a_time = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let before = fs::read_to_string(SWITCH).unwrap();
        fs::write(SWITCH, if on { "Y" } else { "N" }).unwrap();
        Enabled { before, _one_at_a_time: one_at_a_time }
    }
}

impl Drop for Enabled {
    fn drop(&mut self) {
        fs::write(SWITCH, &self.before).unwrap();
    }
}

fn by_ring() -> ServerSettings {
    ServerSettings { transport: Transport::IoUring, ring_depth: 1, ..settings() }
}

/// What is left of requests from the device when those are taken away that always come from there.
fn past_the_ring(served: &mut Served) -> (u64, u64) {
    let stats = served.take();
    let ByTransport { ring, device, .. } = stats.transport.unwrap();
    let always = ["FORGET", "BATCH_FORGET", "INTERRUPT"];
    let always: u64 = always.iter().filter_map(|name| stats.by_operation.get(*name)).sum();
    assert_eq!(ring + device, stats.by_operation.values().sum::<u64>(), "{stats:?}");
    (ring, device - always)
}

#[test]
fn every_request_comes_by_the_ring() {
    let _enabled = Enabled::new(true);
    for depth in [1, 8] {
        let mut served = Served::new(&ServerSettings { ring_depth: depth, ..by_ring() });
        // INIT came before there was a ring.
        assert!(served.negotiated.flags_in_force.iter().any(|flag| flag == "OVER_IO_URING"));
        assert!(served.negotiated.ring_queues > 0);
        served.take();
        let content = served.store("file", 3 * MIB + 5);
        let path = served.path("file");
        let found = in_time("reading", move || fs::read(path).unwrap());
        assert!(found == content);
        fs::write(served.path("new"), &content).unwrap();
        assert!(fs::read(served.stored("new")).unwrap() == content);
        let direct = open_direct(&served.path("new"), OFlags::RDWR);
        let mut data = Aligned::new(&bytes(MIB, 7));
        direct.write_all_at(data.bytes(), 4096).unwrap();
        data.bytes().fill(0);
        direct.read_exact_at(data.bytes(), 4096).unwrap();
        assert!(data.bytes() == bytes(MIB, 7));
        fs::create_dir(served.path("folder")).unwrap();
        let names: Vec<String> =
            (0..200).map(|number| format!("a-name-of-some-length-{number:03}")).collect();
        names.iter().for_each(|name| fs::write(served.path("folder").join(name), name).unwrap());
        fs::rename(served.path("folder"), served.path("other-folder")).unwrap();
        let mut listed: Vec<_> = (fs::read_dir(served.path("other-folder")).unwrap())
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        listed.sort();
        assert!(listed == names);
        std::os::unix::fs::symlink("a/longer/target", served.path("link")).unwrap();
        assert_eq!(fs::read_link(served.path("link")).unwrap().to_str(), Some("a/longer/target"));
        let flags = rustix::fs::XattrFlags::empty();
        rustix::fs::setxattr(served.path("file"), "user.large", &bytes(60_000, 2), flags).unwrap();
        assert!(fs::metadata(served.path("missing")).is_err());
        let (ring, past) = past_the_ring(&mut served);
        assert!(ring > 400 && past == 0, "{ring} {past}");
    }
}

#[test]
fn requests_in_flight_are_as_many_as_threads() {
    let _enabled = Enabled::new(true);
    let slow = ServerSettings { threads: 6, max_background: 64, ..by_ring() }.with_latency_us(20_000);
    let mut served = Served::new(&slow);
    served.store("file", 8 * MIB);
    let direct = open_direct(&served.path("file"), OFlags::RDONLY);
    let mut data = Aligned::new(&vec![0; 8 * MIB]);
    reaches(threads_of_one_queue(6), "READs in flight", || {
        served.take();
        // The kernel puts them into the queue of the CPU on which it was asked.
        rustix::thread::sched_setaffinity(None, &first_cpu()).unwrap();
        direct.read_exact_at(data.bytes(), 0).unwrap();
        served.take().most_in_flight
    });
}

fn first_cpu() -> rustix::thread::CpuSet {
    let mut cpus = rustix::thread::CpuSet::new();
    cpus.set(0);
    cpus
}

/// How many of so many threads serve the queue of the first CPU.
fn threads_of_one_queue(threads: u32) -> u32 {
    let possible = fs::read_to_string("/sys/devices/system/cpu/possible").unwrap();
    let last: u32 = possible.trim().rsplit(['-', ',']).next().unwrap().parse().unwrap();
    threads.div_ceil(last + 1)
}

#[test]
fn the_order_of_answers_and_faults_are_the_same_as_from_the_device() {
    let _enabled = Enabled::new(true);
    let eio = Fault {
        operation: "read".parse().unwrap(),
        offset_kib: Some(256),
        after: 0,
        times: Times::Always,
        effect: Effect::Eio,
    };
    let reversed = ServerSettings {
        reply_order: ReplyOrder::Reversed,
        reply_window_us: 2000,
        faults: vec![eio],
        ..by_ring()
    };
    let mut served = Served::new(&reversed);
    let content = served.store("file", MIB);
    let path = served.path("file");
    let direct = open_direct(&path, OFlags::RDONLY);
    let mut data = Aligned::new(&vec![0; 128 << 10]);
    direct.read_exact_at(data.bytes(), 0).unwrap();
    assert!(data.bytes() == &content[..128 << 10]);
    let error = direct.read_exact_at(data.bytes(), 256 << 10).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EIO));
    assert!(served.take().failed > 0);
}

#[test]
fn a_mount_goes_away_and_is_aborted_as_any_other() {
    let _enabled = Enabled::new(true);
    for _ in 0..5 {
        let mut served = Served::new(&by_ring());
        served.store("file", 1);
        File::open(served.path("file")).unwrap();
        served.close_input();
        assert!(served.wait().success());
        assert!(!served.is_mounted());
    }
    // Killed: whoever waits gets an error, and nothing is left.
    let slow = by_ring().with_latency_us(5_000_000);
    let mut served = Served::new(&slow);
    served.store("file", MIB);
    let path = served.path("file");
    let reader = std::thread::spawn(move || fs::read(path));
    std::thread::sleep(std::time::Duration::from_millis(100));
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(served.process() as i32).unwrap(),
        rustix::process::Signal::KILL,
    )
    .unwrap();
    served.wait();
    assert!(in_time("the reader", move || reader.join().unwrap()).is_err());
}

#[test]
fn a_kernel_without_it_is_done_without_only_if_so_set() {
    let _disabled = Enabled::new(false);
    let mut served = Served::new(&ServerSettings { transport: Transport::IoUringOrDevFuse, ..by_ring() });
    let refused = ["OVER_IO_URING is not offered by this kernel as it is configured"];
    assert_eq!(
        (served.negotiated.refused.as_slice(), served.negotiated.ring_queues),
        (&refused.map(String::from)[..], 0)
    );
    served.store("file", MIB);
    fs::read(served.path("file")).unwrap();
    let (ring, past) = past_the_ring(&mut served);
    assert!(ring == 0 && past > 0, "{ring} {past}");
    drop(served);
    let message = refusal(&by_ring());
    assert!(message.contains("the kernel does not offer FUSE over io_uring"), "{message}");
    assert!(message.contains("enable_uring"), "{message}");
}

#[test]
fn each_queue_needs_a_thread() {
    let _enabled = Enabled::new(true);
    if threads_of_one_queue(2) == 2 {
        // One CPU, so that one thread is enough.
        return;
    }
    let message = refusal(&ServerSettings { threads: 1, ..by_ring() });
    assert!(message.contains("`threads` is 1, and this machine has"), "{message}");
}

/// What the server says that does not mount.
fn refusal(settings: &ServerSettings) -> String {
    let folders = [tempfile::tempdir_in("/dev/shm").unwrap(), tempfile::tempdir().unwrap()];
    let json = serde_json::to_string(settings).unwrap();
    let [storage, mount] = [&folders[0], &folders[1]].map(|folder| folder.path().to_str().unwrap());
    let output = start(&["--settings", &json, storage, mount]).wait_with_output().unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

/// Where the kernel has pools of buffers, each way of having them carries every byte; where it has none, the server does
/// with memory of its own, and says so.
#[test]
fn buffers_are_where_they_are_to_be() {
    let _enabled = Enabled::new(true);
    for ring_buffers in [RingBuffers::Pool, RingBuffers::RegisteredPool, RingBuffers::ZeroCopy] {
        let mut served = Served::new(&ServerSettings { ring_buffers, ring_depth: 4, ..by_ring() });
        let minor: u32 = served.negotiated.kernel_protocol.strip_prefix("7.").unwrap().parse().unwrap();
        let refused = format!("HAS_IO_URING_BUFPOOL came with protocol 7.46; this kernel speaks 7.{minor}");
        let expected = if minor < 46 { vec![refused] } else { Vec::new() };
        assert_eq!(served.negotiated.refused, expected);
        served.take();
        let content = served.store("file", 3 * MIB + 5);
        assert!(fs::read(served.path("file")).unwrap() == content);
        let direct = open_direct(&served.path("new"), OFlags::RDWR | OFlags::CREATE);
        let mut data = Aligned::new(&bytes(MIB, 7));
        direct.write_all_at(data.bytes(), 4096).unwrap();
        data.bytes().fill(0);
        direct.read_exact_at(data.bytes(), 4096).unwrap();
        assert!(data.bytes() == bytes(MIB, 7));
        let transport = served.take().transport.unwrap();
        assert_eq!(
            transport.zero_copy > 0,
            minor >= 46 && ring_buffers == RingBuffers::ZeroCopy,
            "{transport:?}"
        );
    }
}

#[test]
fn retrieved_bytes_and_storage_without_data_work_by_the_ring() {
    let _enabled = Enabled::new(true);
    let path = || "file".to_owned();
    let operation = "statfs".parse().unwrap();
    let deed = Deed::Retrieve { path: path(), offset_bytes: 0, length_bytes: 8192 };
    let actions = vec![Action { at: Moment::Request { operation, after: 0 }, deed }];
    for storage_null in [false, true] {
        let settings = ServerSettings { storage_null, actions: actions.clone(), ..by_ring() };
        let mut served = Served::new(&settings);
        let content = served.store("file", 3 * MIB);
        let file = File::open(served.path("file")).unwrap();
        let mut found = vec![1; 3 * MIB];
        // What lies in the ring from other requests does not show.
        fs::write(served.path("other"), &content).unwrap();
        for _ in 0..2 {
            file.read_exact_at(&mut found, 0).unwrap();
            assert!(if storage_null { found.iter().all(|byte| *byte == 0) } else { found == content });
            served.take();
            assert_eq!(served.ask(ControlCommand::Act { file: path() }), ControlReply::Acting);
            rustix::fs::statvfs(served.mount()).unwrap();
            let result = served.take().actions[0].result.clone();
            assert_eq!(result, ActionResult::Retrieved { bytes: 8192, wrong_at: None });
        }
    }
}
