//! Starts the server as a program, on folders of its own, and talks to it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use aio_stress::aio::{Batch, Context, IoRequest, Transfer};
use lab_protocol::log::RequestLog;
use lab_protocol::random::splitmix64;
use lab_protocol::{
    ControlCommand, ControlReply, Effect, Fault, FaultOperation, Negotiated, RequestStats, ServerSettings,
    Times,
};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::mount::UnmountFlags;
use tempfile::TempDir;

/// The largest request in most tests, bytes.
pub(crate) const REQUEST: usize = 128 << 10;

/// How long anything may take that takes no time.
const LIMIT: Duration = Duration::from_secs(10);

/// The settings of the 2012 mail, without storage latency.
pub(crate) fn settings() -> ServerSettings {
    ServerSettings::example()
}

/// A mounted server.
pub(crate) struct Served {
    pub(crate) negotiated: Negotiated,
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    storage: PathBuf,
    /// Removed with the server, if it is its own.
    _folder: Option<TempDir>,
    mount: TempDir,
}

/// The server's program with `arguments` and pipes for all that it says and hears.
#[expect(clippy::disallowed_methods, reason = "xshell cannot talk to a running program")]
pub(crate) fn start(arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_passthrough"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

impl Served {
    /// On storage in memory.
    pub(crate) fn new(settings: &ServerSettings) -> Self {
        Served::on(tempfile::tempdir_in("/dev/shm").unwrap(), settings)
    }

    /// On this folder.
    pub(crate) fn on(folder: TempDir, settings: &ServerSettings) -> Self {
        Served::at(folder.path().to_owned(), Some(folder), settings)
    }

    /// On the mount of another server, which is to outlive it.
    pub(crate) fn above(lower: &Served, settings: &ServerSettings) -> Self {
        Served::at(lower.mount().to_owned(), None, settings)
    }

    /// On this path; `folder` is removed with the server.
    pub(crate) fn at(storage: PathBuf, folder: Option<TempDir>, settings: &ServerSettings) -> Self {
        let mount = tempfile::tempdir().unwrap();
        let settings = serde_json::to_string(settings).unwrap();
        let folders = [&storage, mount.path()].map(|folder: &Path| folder.to_str().unwrap());
        let mut child = start(&["--control", "--settings", &settings, folders[0], folders[1]]);
        let input = child.stdin.take();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let reply = read_reply(&mut output);
        let ControlReply::Mounted(negotiated) = reply else {
            panic!("not mounted (root and /dev/fuse are needed): {reply:?}");
        };
        Served { negotiated, child, input, output, storage, _folder: folder, mount }
    }

    /// A path on the mount.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.mount.path().join(name)
    }

    /// The same object on the storage.
    pub(crate) fn stored(&self, name: &str) -> PathBuf {
        self.storage.join(name)
    }

    /// Puts a file of position-dependent bytes on the storage, behind the server's back, and gives them.
    pub(crate) fn store(&self, name: &str, length: usize) -> Vec<u8> {
        let bytes = bytes(length, 1);
        std::fs::write(self.stored(name), &bytes).unwrap();
        bytes
    }

    /// What the server counted since the last call.
    pub(crate) fn take(&mut self) -> RequestStats {
        let reply = self.ask(ControlCommand::Take);
        let ControlReply::Stats(stats) = reply else { panic!("{reply:?}") };
        *stats
    }

    /// The log of what was answered since the last [`Served::take`].
    pub(crate) fn log(&mut self, workload: u32) -> RequestLog {
        let reply = self.ask(ControlCommand::Log { workload });
        let ControlReply::Log { bytes } = reply else { panic!("{reply:?}") };
        let mut log = vec![0; bytes as usize];
        self.output.read_exact(&mut log).unwrap();
        let [log] = <[RequestLog; 1]>::try_from(lab_protocol::log::decode(&log).unwrap()).unwrap();
        log
    }

    /// Sends a command and waits for a reply.
    pub(crate) fn ask(&mut self, command: impl ToString) -> ControlReply {
        self.send(command);
        self.reply()
    }

    pub(crate) fn send(&mut self, command: impl ToString) {
        writeln!(self.input.as_mut().unwrap(), "{}", command.to_string()).unwrap();
    }

    pub(crate) fn reply(&mut self) -> ControlReply {
        read_reply(&mut self.output)
    }

    /// Ends the server's input.
    pub(crate) fn close_input(&mut self) {
        self.input = None;
    }

    /// Waits for the end of the server.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(begin.elapsed() < LIMIT, "the server does not end");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn mount(&self) -> &Path {
        self.mount.path()
    }

    pub(crate) fn is_mounted(&self) -> bool {
        let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
        let mount = self.mount.path().to_str().unwrap();
        mounts.lines().any(|line| line.split(' ').nth(1) == Some(mount))
    }

    /// How many descriptors the server has on objects of the storage, removed ones too.
    pub(crate) fn held(&self) -> usize {
        self.descriptors().iter().filter(|(target, _)| target.starts_with(&self.storage)).count()
    }

    /// What the server's descriptors refer to, and their flags of open(2).
    pub(crate) fn descriptors(&self) -> Vec<(PathBuf, OFlags)> {
        let process = format!("/proc/{}", self.process());
        let entries = std::fs::read_dir(format!("{process}/fd")).unwrap();
        let describe = |name: &str| {
            let target = std::fs::read_link(format!("{process}/fd/{name}")).ok()?;
            let info = std::fs::read_to_string(format!("{process}/fdinfo/{name}")).ok()?;
            let flags = info.lines().find_map(|line| line.strip_prefix("flags:"))?.trim();
            Some((target, OFlags::from_bits_retain(u32::from_str_radix(flags, 8).unwrap())))
        };
        entries.filter_map(|entry| describe(entry.unwrap().file_name().to_str()?)).collect()
    }
}

impl Drop for Served {
    /// Leaves neither a process nor a mount behind, whatever became of the test.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = rustix::mount::unmount(self.mount.path(), UnmountFlags::DETACH);
    }
}

fn read_reply(output: &mut BufReader<ChildStdout>) -> ControlReply {
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("`{line}` is no reply: {error}"))
}

/// Bytes that depend on their position and on `seed`.
pub(crate) fn bytes(length: usize, seed: u64) -> Vec<u8> {
    let word = |index: u64| splitmix64(seed, index).to_le_bytes();
    (0..length.div_ceil(8) as u64).flat_map(word).take(length).collect()
}

/// Waits until `condition` holds: for what the kernel does after the call that caused it has returned.
pub(crate) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !condition() {
        assert!(begin.elapsed() < LIMIT, "{what}: never");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What comes of an action that may never end if the server is at fault.
pub(crate) fn in_time<T: Send + 'static>(what: &str, action: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, result) = mpsc::channel();
    std::thread::spawn(move || sender.send(action()));
    result.recv_timeout(LIMIT).unwrap_or_else(|error| panic!("{what}: never ends ({error})"))
}

/// Asserts that a measurement of most requests in flight comes to `expected`, and never to more. A machine
/// that is busy with other things may not give every thread the CPU in time, so it may take several attempts.
pub(crate) fn reaches(expected: u32, what: &str, mut measure: impl FnMut() -> u32) {
    let mut found = Vec::new();
    while found.last() != Some(&expected) {
        assert!(found.len() < 20, "{what}: {found:?} instead of {expected}");
        found.push(measure());
        assert!(found.last() <= Some(&expected), "{what}: {found:?} instead of {expected}");
    }
}

/// Opens a file as dd does with `iflag=direct` or `oflag=direct`.
pub(crate) fn open_direct(path: &Path, flags: OFlags) -> File {
    let fd =
        rustix::fs::openat(CWD, path, flags | OFlags::DIRECT | OFlags::CLOEXEC, Mode::from_raw_mode(0o644))
            .unwrap();
    File::from(fd)
}

/// Memory for direct I/O.
pub(crate) struct Aligned {
    memory: Vec<u8>,
    first: usize,
    length: usize,
}

impl Aligned {
    pub(crate) fn new(content: &[u8]) -> Self {
        let memory = vec![0; content.len() + 4096];
        let first = memory.as_ptr().align_offset(4096);
        let mut aligned = Aligned { memory, first, length: content.len() };
        aligned.bytes().copy_from_slice(content);
        aligned
    }

    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        &mut self.memory[self.first..self.first + self.length]
    }
}

/// One read(2) with O_DIRECT.
pub(crate) fn read_direct(path: &Path, offset: u64, length: usize) -> Vec<u8> {
    let mut memory = Aligned::new(&vec![0; length]);
    let read = rustix::io::pread(open_direct(path, OFlags::RDONLY), memory.bytes(), offset).unwrap();
    memory.bytes()[..read].to_vec()
}

/// One write(2) with O_DIRECT.
pub(crate) fn write_direct(path: &Path, offset: u64, content: &[u8]) -> rustix::io::Result<usize> {
    let mut memory = Aligned::new(content);
    rustix::io::pwrite(open_direct(path, OFlags::WRONLY | OFlags::CREATE), memory.bytes(), offset)
}

/// Submits one asynchronous read; its completion carries `number`.
///
/// # Safety
/// Nobody may use the memory until the completion was returned or the context is dropped.
pub(crate) unsafe fn submit_read(
    context: &Context,
    file: &File,
    memory: &mut [u8],
    offset: u64,
    number: u64,
) {
    let mut batch = Batch::new(1);
    batch.push(IoRequest {
        transfer: Transfer::Read,
        file: file.as_fd(),
        memory: memory.as_mut_ptr(),
        length: memory.len(),
        offset,
        data: number,
    });
    // SAFETY: what the caller promises.
    assert_eq!(unsafe { context.submit(&mut batch) }.unwrap(), 0..1);
}

/// The server's death at the READ or WRITE that comes after so many.
pub(crate) fn death_after(requests: u64) -> Fault {
    Fault {
        operation: FaultOperation::DATA,
        offset_kib: None,
        after: requests,
        times: Times::Once,
        effect: Effect::Die,
    }
}

/// The control file system of FUSE connections, for as long as this lives.
pub(crate) struct FuseControl(TempDir);

impl FuseControl {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let flags = rustix::mount::MountFlags::empty();
        rustix::mount::mount("none", folder.path(), "fusectl", flags, None).unwrap();
        FuseControl(folder)
    }

    /// The file of the connection that is called `name`.
    pub(crate) fn file(&self, served: &Served, name: &str) -> PathBuf {
        let device = rustix::fs::stat(served.mount()).unwrap().st_dev;
        self.0.path().join(rustix::fs::minor(device).to_string()).join(name)
    }

    pub(crate) fn read(&self, served: &Served, name: &str) -> String {
        std::fs::read_to_string(self.file(served, name)).unwrap().trim().to_owned()
    }
}

impl Drop for FuseControl {
    fn drop(&mut self) {
        let _ = rustix::mount::unmount(self.0.path(), UnmountFlags::DETACH);
    }
}

/// A tmpfs of its own, for as long as this lives.
pub(crate) struct SmallStorage(PathBuf);

impl SmallStorage {
    /// Mounts it on `folder`; `options` are those of tmpfs.
    pub(crate) fn new(folder: &Path, options: &str) -> Self {
        let options = std::ffi::CString::new(options).unwrap();
        let flags = rustix::mount::MountFlags::empty();
        rustix::mount::mount("test", folder, "tmpfs", flags, Some(options.as_c_str())).unwrap();
        SmallStorage(folder.to_owned())
    }
}

impl Drop for SmallStorage {
    fn drop(&mut self) {
        let _ = rustix::mount::unmount(&self.0, UnmountFlags::DETACH);
    }
}
