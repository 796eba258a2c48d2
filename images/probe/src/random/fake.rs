//! A file in memory that does one thing wrong, to see whether it is found.

use super::check::check;
use super::content;
use super::draw;
use super::history::{Completion, History, Seen, View};
use super::operation::{Action, By, DrawnOperation, FileName, Step};
use super::profile::Profile;
use super::sequence::Sequence;
use super::shrink::Budget;
use super::subject::Subject;
use super::violation::Kind;
use std::time::Duration;

/// Until nothing becomes simpler any more.
const WHOLE: Budget = Budget { runs: 2000, time: Duration::MAX };

/// What it does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// Writes to this byte are forgotten, once it has been written.
    DropsSecondWrite(usize),
    /// Buffered reads of this page give what the first one found.
    StalePage(usize),
    /// A file that was cut off has a byte more.
    WrongSize,
    /// Writes of more than this complete twice.
    CompletesTwice(u64),
    /// Reads of more than this come short.
    ShortRead(u64),
    /// Truncation leaves old bytes that an extension shows again.
    KeepsTail,
    /// A punched hole ends a byte early.
    ShortHole,
    /// fstat says an error.
    FailingStat,
    /// io_uring leaves out the last bytes of each write, and counts them.
    UringLosesEnd(usize),
    /// io_uring reads from a page earlier.
    UringReadsBefore,
}

struct Fake(Fault);

/// One file of a run, in which everything happens one after the other.
#[derive(Default)]
struct Content {
    /// Beyond `size` are the bytes that were cut off.
    bytes: Vec<u8>,
    size: usize,
    written: Vec<usize>,
    page: Option<Vec<u8>>,
    has_lost_byte: bool,
}

impl Subject for Fake {
    fn run(&mut self, sequence: &Sequence) -> anyhow::Result<History> {
        let mut files = [Content::default(), Content::default()];
        let mut history = History::default();
        for (step, what) in sequence.0.iter().enumerate() {
            let time = 2 * step as u64 + 1;
            let result = match what {
                Step::DrawnOperation(operation) => {
                    let file = &mut files[usize::from(operation.file == FileName::B)];
                    self.perform(file, step, operation)
                }
                Step::Compare => Seen::Compared(vec![files[0].view(FileName::A), files[1].view(FileName::B)]),
                Step::Behave(_) | Step::Reap(_) | Step::Wait => Seen::Done,
            };
            let completion = Completion { step, begin: time, end: time + 1, result };
            if let (Fault::CompletesTwice(more), Seen::Wrote { count, .. }) = (self.0, &completion.result)
                && *count > more
            {
                history.completions.push(completion.clone());
            }
            history.completions.push(completion);
        }
        Ok(history)
    }

    fn can_go_on(&self) -> bool {
        true
    }
}

impl Fake {
    fn perform(&self, file: &mut Content, step: usize, operation: &DrawnOperation) -> Seen {
        let range = operation.range();
        let (at, end) = (range.start as usize, range.end as usize);
        match operation.action {
            Action::Read | Action::Load => {
                let mut found = file.visible()[at.min(file.size)..end.min(file.size)].to_vec();
                if self.0 == Fault::UringReadsBefore && operation.by == By::Uring && at >= 4096 {
                    let before = (at - 4096).min(file.size);
                    let length = found.len();
                    found.copy_from_slice(&file.visible()[before..before + length]);
                }
                if let Fault::ShortRead(more) = self.0
                    && operation.length > more
                {
                    found.truncate(found.len() / 2);
                }
                if let Fault::StalePage(page) = self.0
                    && !operation.way.is_direct()
                    && at <= page
                    && at + found.len() >= page + 4096
                {
                    let place = page - at..page - at + 4096;
                    let old = file.page.get_or_insert(found[place.clone()].to_vec());
                    found[place].copy_from_slice(old);
                }
                let count = found.len() as u64;
                Seen::Read { range, count, runs: content::decode(&found, at as u64, &file.written) }
            }
            Action::Write | Action::Append | Action::Store => {
                let at = if operation.action == Action::Append { file.size } else { at };
                let end = at + operation.length as usize;
                if operation.action == Action::Store && end > file.size {
                    return Seen::Done;
                }
                file.grow(end);
                file.written.push(step);
                let drops = matches!(self.0, Fault::DropsSecondWrite(byte) if (at..end).contains(&byte));
                let lost = drops && std::mem::replace(&mut file.has_lost_byte, true);
                let mut left = end;
                if let Fault::UringLosesEnd(bytes) = self.0
                    && operation.by == By::Uring
                {
                    left = end.saturating_sub(bytes).max(at);
                }
                if !lost {
                    content::fill(&mut file.bytes[at..left], at as u64, step);
                }
                Seen::Wrote { range: at as u64..end as u64, count: operation.length }
            }
            Action::Truncate => {
                if at < file.size && self.0 == Fault::WrongSize {
                    file.size = at + 1;
                    file.bytes.truncate(at);
                    file.bytes.resize(at + 1, 0);
                } else if self.0 == Fault::KeepsTail {
                    file.size = at;
                    file.bytes.resize(file.bytes.len().max(at), 0);
                } else {
                    file.bytes.truncate(at);
                    file.bytes.resize(at, 0);
                    file.size = at;
                }
                Seen::Done
            }
            Action::Allocate => {
                file.grow(end);
                Seen::Done
            }
            Action::Punch => {
                let end = if self.0 == Fault::ShortHole { end - 1 } else { end };
                let (at, end) = (at.min(file.size), end.min(file.size));
                file.bytes[at..end].fill(0);
                Seen::Done
            }
            Action::Stat if self.0 == Fault::FailingStat => Seen::Failed(libc::EIO),
            Action::Stat | Action::Seek => Seen::Size(file.size as u64),
            Action::Msync | Action::Fsync | Action::Drop => Seen::Done,
        }
    }
}

impl Content {
    fn visible(&self) -> &[u8] {
        &self.bytes[..self.size]
    }

    fn grow(&mut self, size: usize) {
        self.size = self.size.max(size);
        self.bytes.resize(self.bytes.len().max(size), 0);
    }

    fn view(&self, file: FileName) -> View {
        let runs = content::decode(self.visible(), 0, &self.written);
        let size = self.size as u64;
        View { file, size, direct: runs.clone(), buffered: runs.clone(), stored: runs, lengths: [size; 3] }
    }
}

/// The first seed that finds the fault, and all that is said of it.
fn find(fault: Fault, profile: Profile) -> (Kind, String, Vec<String>) {
    for seed in 0..50 {
        let sequence = draw::sequence(profile, seed, 120);
        if let Some(failure) = check(&mut Fake(fault), &sequence, WHOLE).unwrap() {
            return (failure.kind(), failure.to_string(), failure.lines());
        }
    }
    panic!("{fault:?} is not found");
}

#[test]
fn a_file_without_fault_is_right() {
    for profile in Profile::ALL {
        for seed in 0..100 {
            let sequence = draw::sequence(profile, seed, 100);
            let failure = check(&mut Fake(Fault::None), &sequence, WHOLE).unwrap();
            assert!(
                failure.is_none(),
                "{profile:?}, seed {seed}: {0} {1:?}",
                failure.as_ref().unwrap(),
                failure.as_ref().unwrap().lines()
            );
        }
    }
}

#[test]
fn faults_are_found_and_shrunk() {
    let mut text = String::new();
    for (fault, profile) in [
        (Fault::DropsSecondWrite(131_072), Profile::Direct),
        (Fault::StalePage(131_072), Profile::Mixed),
        (Fault::WrongSize, Profile::Truncate),
        (Fault::CompletesTwice(262_144), Profile::Aio),
        (Fault::ShortRead(65_536), Profile::Direct),
        (Fault::KeepsTail, Profile::Truncate),
        (Fault::ShortHole, Profile::Truncate),
        (Fault::FailingStat, Profile::Direct),
        (Fault::UringLosesEnd(512), Profile::Uring),
        (Fault::UringLosesEnd(512), Profile::UringCached),
        (Fault::UringReadsBefore, Profile::Uring),
    ] {
        let (kind, line, lines) = find(fault, profile);
        text.push_str(&format!("{fault:?}: {kind:?}\n{line}\n"));
        lines.iter().for_each(|line| text.push_str(&format!("    {line}\n")));
    }
    expect_test::expect![[r#"
        DropsSecondWrite(131072): Byte
        after 31 operations (shrunk to 3): byte 135168 of file a is that of write 1, must be that of write 2
            main write a buffered 0+163840  # 1
            main write a direct 0+159744  # 2
            main read a direct 135168+4096  # 3
        StalePage(131072): StalePage
        after 117 operations (shrunk to 4): byte 131072 of file a through the page cache is 0x00, must be that of write 3
            main write a direct 327680+512  # 1
            main load a 4096+131072  # 2
            main write a direct 4096+131072  # 3
            main read a buffered 0+163840  # 4
        WrongSize: Size
        after 48 operations (shrunk to 2): step 3, `compare`, finds 851969 bytes in file b, which has 851968
            main truncate b 917504  # 1
            main truncate b 851968  # 2
            compare  # 3
        CompletesTwice(262144): Twice
        after 1 operation (shrunk to 1): step 1, `main write a buffered 0+327680`, completes twice
            main write a buffered 0+327680  # 1
        ShortRead(65536): Count
        after 18 operations (shrunk to 2): step 2, `main read a direct 1441792+98304`, reads 49152 of 98304 bytes of file a, which has at least 1703936
            main write a direct 1048576+655360  # 1
            main read a direct 1441792+98304  # 2
        KeepsTail: Byte
        after 36 operations (shrunk to 4): byte 655360 of file a is that of write 1, must be 0x00
            main write a buffered 0+655872  # 1
            main truncate a 262144  # 2
            main write a direct 1441792+4096  # 3
            main read a direct 655360+4096  # 4
        ShortHole: Byte
        after 63 operations (shrunk to 2): byte 1183743 of file b in the storage is 0xff, must be 0x00
            main write b direct 917504+524288  # 1
            main punch b 1179648+4096  # 2
            compare  # 3
        FailingStat: Error
        after 15 operations (shrunk to 1): step 1, `main stat a`, fails: Input/output error (os error 5)
            main stat a  # 1
        UringLosesEnd(512): Byte
        after 56 operations (shrunk to 1): byte 790016 of file b in the storage is 0x00, must be that of write 1
            uring write b direct 786432+4096  # 1
            compare  # 2
        UringLosesEnd(512): StalePage
        after 40 operations (shrunk to 2): byte 262144 of file b through the page cache is 0x00, must be that of write 1
            uring write b buffered 262144+512  # 1
            main load b 262144+4096  # 2
        UringReadsBefore: Byte
        after 12 operations (shrunk to 3): byte 524288 of file a is 0x00, must be that of write 2
            main truncate a 524288  # 1
            main append a direct-append +4096  # 2
            uring read a direct 266752+258048  # 3
    "#]].assert_eq(&text);
}
