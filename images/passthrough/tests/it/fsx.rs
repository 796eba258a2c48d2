//! Random operations on one file, each checked against the same one in memory.

use std::collections::VecDeque;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::OnceLock;

use lab_protocol::random::splitmix64;
use lab_protocol::{OpenMode, ServerSettings};
use rustix::fs::{Advice, FallocateFlags};
use rustix::io::Errno;

use crate::harness::{Served, bytes, settings};

/// The file grows no larger.
const LARGEST: usize = 1 << 20;

/// Operations of one run.
const STEPS: usize = 2_000;

/// The numbers of a seed, one after the other.
struct Random {
    seed: u64,
    drawn: u64,
}

impl Random {
    fn new(seed: u64) -> Self {
        Random { seed, drawn: 0 }
    }

    fn next(&mut self) -> u64 {
        self.drawn += 1;
        splitmix64(self.seed, self.drawn - 1)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Read,
    Write,
    /// By a handle that is open for writing only.
    WriteOnly,
    Append,
    MapRead,
    MapWrite,
    Truncate,
    Allocate,
    Reserve,
    Punch,
    Zero,
    ZeroKeep,
    Copy,
    Reopen,
    DropCache,
    Sync,
}

/// Each as often as it stands here.
const ACTIONS: &[Action] = {
    use Action::{
        Allocate, Append, Copy, DropCache, MapRead, MapWrite, Punch, Read, Reopen, Reserve, Sync, Truncate,
        Write, WriteOnly, Zero, ZeroKeep,
    };
    &[
        Read, Read, Read, Read, Read, Write, Write, Write, Write, Write, WriteOnly, WriteOnly, Append,
        MapRead, MapRead, MapRead, MapWrite, MapWrite, MapWrite, Truncate, Truncate, Allocate, Reserve,
        Punch, Punch, Zero, ZeroKeep, Copy, Copy, Copy, Reopen, Reopen, DropCache, Sync,
    ]
};

/// One operation: `length` bytes at `at`, and for a copy to `to`.
#[derive(Clone, Copy, Debug)]
struct Step {
    action: Action,
    at: usize,
    length: usize,
    to: usize,
    /// What is written depends on it.
    seed: u64,
}

impl Step {
    /// One that makes sense for a file of `size` bytes.
    fn draw(random: &mut Random, size: usize) -> Step {
        let mut action = random.one_of(ACTIONS);
        let inside = matches!(action, Action::MapRead | Action::MapWrite | Action::Copy);
        if inside && size == 0 {
            action = Action::Truncate;
        }
        // Half of them at the borders of pages.
        let page = random.one_of(&[1, 4096]);
        let limit = if inside && size > 0 { size } else { LARGEST };
        let at = if action == Action::Append { size } else { random.below(limit) / page * page };
        let longest = random.one_of(&[16, 5_000, 70_000, 300_000]);
        let length = (1 + random.below(longest)).min(limit - at);
        let mut step = Step { action, at, length, to: 0, seed: random.next() };
        if action == Action::Copy {
            step.to = random.below(LARGEST);
            let apart = step.at.abs_diff(step.to);
            // The kernel refuses to copy a range onto itself.
            step.length = step.length.min(LARGEST - step.to).min(apart);
        }
        step
    }

    /// A piece of a pattern without repetition: to make new bytes each time would take most of the test's time.
    fn content(&self) -> &'static [u8] {
        static PATTERN: OnceLock<Vec<u8>> = OnceLock::new();
        let pattern = PATTERN.get_or_init(|| bytes(4 * LARGEST, 1));
        let begin = self.seed as usize % (3 * LARGEST);
        &pattern[begin..begin + self.length]
    }
}

/// What a step reads.
type Found = Option<Vec<u8>>;

/// The step in memory.
fn expect(model: &mut Vec<u8>, step: &Step) -> Found {
    let (at, end) = (step.at, step.at + step.length);
    match step.action {
        Action::Read | Action::MapRead => {
            return Some(model.get(at..end.min(model.len())).unwrap_or_default().to_vec());
        }
        Action::Write | Action::WriteOnly | Action::Append | Action::MapWrite => {
            put(model, at, step.content());
        }
        Action::Truncate => model.resize(at, 0),
        Action::Allocate => grow(model, end),
        Action::Punch | Action::ZeroKeep => {
            let end = end.min(model.len());
            model.get_mut(at..end).unwrap_or_default().fill(0);
        }
        Action::Zero => put(model, at, &vec![0; step.length]),
        Action::Copy => {
            let copied = model[at..end].to_vec();
            put(model, step.to, &copied);
        }
        Action::Reserve | Action::Reopen | Action::DropCache | Action::Sync => {}
    }
    None
}

fn grow(model: &mut Vec<u8>, size: usize) {
    model.resize(model.len().max(size), 0);
}

fn put(model: &mut Vec<u8>, at: usize, content: &[u8]) {
    if !content.is_empty() {
        grow(model, at + content.len());
        model[at..at + content.len()].copy_from_slice(content);
    }
}

/// The step on the file.
fn perform(file: &mut File, path: &Path, step: &Step) -> std::io::Result<Found> {
    let (at, length) = (step.at as u64, step.length as u64);
    let allocate = |file: &File, flags| rustix::fs::fallocate(file, flags, at, length);
    match step.action {
        Action::Read => return read(file, step.at, step.length).map(Some),
        Action::MapRead => return Mapping::new(file, step.at + step.length)?.read(step.at).map(Some),
        Action::Write => file.write_all_at(step.content(), at)?,
        Action::WriteOnly => {
            File::options().write(true).open(path)?.write_all_at(step.content(), at)?;
        }
        Action::Append => {
            use std::io::Write as _;
            File::options().append(true).open(path)?.write_all(step.content())?;
        }
        Action::MapWrite => Mapping::new(file, step.at + step.length)?.write(step.at, step.content()),
        Action::Truncate => file.set_len(at)?,
        Action::Allocate => allocate(file, FallocateFlags::empty())?,
        Action::Reserve => allocate(file, FallocateFlags::KEEP_SIZE)?,
        Action::Punch => allocate(file, FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE)?,
        Action::Zero => allocate(file, FallocateFlags::ZERO_RANGE)?,
        Action::ZeroKeep => allocate(file, FallocateFlags::ZERO_RANGE | FallocateFlags::KEEP_SIZE)?,
        Action::Copy => copy(file, step)?,
        Action::Reopen => *file = File::options().read(true).write(true).open(path)?,
        Action::DropCache => rustix::fs::fadvise(&*file, 0, None, Advice::DontNeed)?,
        Action::Sync => file.sync_all()?,
    }
    Ok(None)
}

fn read(file: &File, at: usize, length: usize) -> std::io::Result<Vec<u8>> {
    let mut found = vec![0; length];
    let mut filled = 0;
    while let 1.. = {
        let read = file.read_at(&mut found[filled..], (at + filled) as u64)?;
        filled += read;
        read
    } {}
    found.truncate(filled);
    Ok(found)
}

fn copy(file: &File, step: &Step) -> std::io::Result<()> {
    let (mut from, mut to) = (step.at as u64, step.to as u64);
    let end = from + step.length as u64;
    while from < end {
        let left = (end - from) as usize;
        if rustix::fs::copy_file_range(file, Some(&mut from), file, Some(&mut to), left)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

/// The begin of a file, mapped and shared.
struct Mapping {
    memory: *mut u8,
    length: usize,
}

impl Mapping {
    fn new(file: &File, length: usize) -> std::io::Result<Mapping> {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping, at an address that the kernel chooses.
        let memory = unsafe {
            libc::mmap(std::ptr::null_mut(), length, access, libc::MAP_SHARED, file.as_raw_fd(), 0)
        };
        if memory == libc::MAP_FAILED {
            return Err(std::io::Error::last_os_error());
        }
        Ok(Mapping { memory: memory.cast(), length })
    }

    fn read(&self, at: usize) -> std::io::Result<Vec<u8>> {
        // SAFETY: the mapping has `length` bytes, all within the file, and nobody writes to them meanwhile.
        Ok(unsafe { std::slice::from_raw_parts(self.memory, self.length) }[at..].to_vec())
    }

    fn write(&self, at: usize, content: &[u8]) {
        // SAFETY: as above, and nobody reads them meanwhile.
        let memory = unsafe { std::slice::from_raw_parts_mut(self.memory, self.length) };
        memory[at..at + content.len()].copy_from_slice(content);
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped in `new` with this length, and not used any more.
        unsafe { libc::munmap(self.memory.cast(), self.length) };
    }
}

/// Where and how two contents differ, for people.
fn difference(found: &[u8], expected: &[u8]) -> Option<String> {
    if found == expected {
        return None;
    }
    let at = found.iter().zip(expected).position(|(found, expected)| found != expected);
    let at = at.unwrap_or(found.len().min(expected.len()));
    let (byte, wanted) = (found.get(at), expected.get(at));
    let (here, there) = (found.len(), expected.len());
    Some(format!("byte {at} is {byte:?} instead of {wanted:?}; {here} bytes, expected {there}"))
}

/// One step on both sides.
fn step(file: &mut File, path: &Path, model: &mut Vec<u8>, step: &Step) -> Result<(), String> {
    let found = match perform(file, path, step) {
        Ok(found) => found,
        // Memory has no such operation; the file must be as it was then.
        Err(error) if matches!(step.action, Action::Zero | Action::ZeroKeep) => {
            let expected = Errno::OPNOTSUPP.raw_os_error();
            return if error.raw_os_error() == Some(expected) { Ok(()) } else { Err(error.to_string()) };
        }
        Err(error) => return Err(error.to_string()),
    };
    let expected = expect(model, step);
    if let Some(text) = difference(&found.unwrap_or_default(), &expected.unwrap_or_default()) {
        return Err(text);
    }
    let size = file.metadata().map_err(|error| error.to_string())?.len();
    (size == model.len() as u64).then_some(()).ok_or(format!("{size} bytes instead of {}", model.len()))
}

/// A run of random steps on one file; all that is left of it must be equal on the mount and on the storage.
fn run(served: &Served, seed: u64) {
    let name = format!("file-{seed}");
    let (path, mut model, mut random) = (served.path(&name), Vec::new(), Random::new(seed));
    let options = File::options().read(true).write(true).clone();
    let mut file = options.clone().create_new(true).open(&path).unwrap();
    let mut last = VecDeque::new();
    for number in 0..STEPS {
        let next = Step::draw(&mut random, model.len());
        if last.len() == 25 {
            last.pop_front();
        }
        last.push_back(format!("{number}: {next:?}"));
        if let Err(text) = step(&mut file, &path, &mut model, &next) {
            let last = last.make_contiguous().join("\n");
            panic!("seed {seed}, step {number}: {text}\nthe last steps:\n{last}");
        }
    }
    let found = read(&file, 0, LARGEST).unwrap();
    assert_eq!(difference(&found, &model), None, "seed {seed}, on the mount");
    file.sync_all().unwrap();
    let stored = std::fs::read(served.stored(&name)).unwrap();
    assert_eq!(difference(&stored, &model), None, "seed {seed}, on the storage");
}

/// On memory and on a disk, which can do more.
fn check(settings: &ServerSettings, seeds: std::ops::Range<u64>) {
    for storage in [tempfile::tempdir_in("/dev/shm").unwrap(), tempfile::tempdir().unwrap()] {
        let mut served = Served::on(storage, settings);
        seeds.clone().for_each(|seed| run(&served, seed));
        let counted = served.take().by_operation;
        // Of two forms of one the kernel decides.
        for operation in ["COPY_FILE_RANGE", "FALLOCATE", "FSYNC", "READ", "SETATTR", "WRITE"] {
            assert!(
                counted.keys().any(|name| name.starts_with(operation)),
                "{operation} never came: {counted:?}"
            );
        }
    }
}

#[test]
fn buffered() {
    check(&settings(), 0..2);
    check(&ServerSettings { open: OpenMode::PerRequest, attribute_timeout_ms: 0, ..settings() }, 2..3);
    check(&ServerSettings { auto_inval_data: true, ..settings() }, 3..4);
}

#[test]
fn with_the_writeback_cache() {
    let writeback = ServerSettings { writeback_cache: true, ..settings() };
    check(&writeback, 10..12);
    check(&ServerSettings { open: OpenMode::PerRequest, ..writeback }, 12..13);
}

#[test]
fn past_the_page_cache() {
    check(&ServerSettings { direct_io: true, ..settings() }, 20..22);
    check(&ServerSettings { direct_io: true, writeback_cache: true, ..settings() }, 22..23);
}
