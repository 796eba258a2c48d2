//! Histories that a kernel may give, and such that it may not.

use super::judge;
use crate::random::content::{Run, Source};
use crate::random::history::{Completion, History, Seen};
use crate::random::sequence::Sequence;
use crate::random::violation::Kind;

/// What a step came to.
enum Came {
    Wrote(u64),
    /// All bytes that were asked for, from this step; none for zeros.
    Read(Option<usize>),
    /// So many bytes of this step.
    Short(u64, usize),
    Size(u64),
    Failed(i32),
    Done,
}

/// The sequence with a begin, an end and a result for each step.
fn seen(text: &str, results: &[(u64, u64, Came)]) -> Option<(Kind, String)> {
    let sequence: Sequence = text.parse().unwrap();
    let completion = |(step, (begin, end, came)): (usize, &(u64, u64, Came))| {
        let range = sequence.operation(step).map(|operation| operation.range()).unwrap_or_default();
        let length = range.end - range.start;
        let read = |count, source| {
            let runs = vec![Run { range: range.start..range.start + count, source }];
            Seen::Read { range: range.clone(), count, runs }
        };
        let result = match came {
            Came::Wrote(count) => Seen::Wrote { range: range.clone(), count: *count },
            Came::Read(from) => read(length, from.map_or(Source::Zero, Source::Step)),
            Came::Short(count, from) => read(*count, Source::Step(*from)),
            Came::Size(size) => Seen::Size(*size),
            Came::Failed(errno) => Seen::Failed(*errno),
            Came::Done => Seen::Done,
        };
        Completion { step, begin: *begin, end: *end, result }
    };
    let completions = results.iter().enumerate().map(completion).collect();
    judge(&sequence, &History { completions }).map(|violation| (violation.kind, violation.text))
}

const TWO_WRITES: &str = "main write a direct 0+4096\naio write a direct 0+4096\nmain read a direct 0+4096";

/// Of two writes, the second of which runs from 3 to `ended`, a read from `begun` on finds one.
fn read_after_two(ended: u64, begun: u64, found: Option<usize>) -> Option<Kind> {
    let results =
        [(1, 2, Came::Wrote(4096)), (3, ended, Came::Wrote(4096)), (begun, begun + 1, Came::Read(found))];
    seen(TWO_WRITES, &results).map(|(kind, _)| kind)
}

#[test]
fn who_reads_after_a_write_sees_it() {
    assert_eq!(read_after_two(4, 5, Some(1)), None);
    assert_eq!(read_after_two(4, 5, Some(0)), Some(Kind::Byte));
    assert_eq!(read_after_two(4, 5, None), Some(Kind::Byte));
}

#[test]
fn who_reads_beside_a_write_sees_either() {
    assert_eq!(read_after_two(10, 5, Some(1)), None);
    assert_eq!(read_after_two(10, 5, Some(0)), None);
    // But not what was gone before.
    assert_eq!(read_after_two(10, 5, None), Some(Kind::Byte));
}

#[test]
fn two_writes_at_once_leave_either() {
    for (found, expected) in [(Some(0), None), (Some(1), None), (None, Some(Kind::Byte))] {
        let results = [(1, 5, Came::Wrote(4096)), (3, 6, Came::Wrote(4096)), (8, 9, Came::Read(found))];
        assert_eq!(seen(TWO_WRITES, &results).map(|(kind, _)| kind), expected, "{found:?}");
    }
}

#[test]
fn nobody_sees_a_write_before_it_begins() {
    let text = "main write a direct 0+4096\nmain read a direct 0+4096\nmain write a direct 0+4096";
    let results = |found| [(1, 2, Came::Wrote(4096)), (3, 4, Came::Read(found)), (5, 6, Came::Wrote(4096))];
    assert_eq!(seen(text, &results(Some(0))), None);
    assert_eq!(seen(text, &results(Some(2))).unwrap().0, Kind::Byte);
}

#[test]
fn a_stale_page_is_told_apart() {
    let text = "main write a direct 0+4096\nmain write a direct 0+4096\nmain read a buffered 0+4096";
    let results = [(1, 2, Came::Wrote(4096)), (3, 4, Came::Wrote(4096)), (5, 6, Came::Read(Some(0)))];
    let (kind, text) = seen(text, &results).unwrap();
    assert_eq!(kind, Kind::StalePage);
    assert_eq!(text, "byte 0 of file a through the page cache is that of write 1, must be that of write 2");
}

#[test]
fn a_failed_write_leaves_old_or_new() {
    let armed = "behave fault=write,eio,0\n";
    let text = "main write a direct 0+4096\nmain write a direct 0+4096\nmain read a direct 0+4096";
    let failing =
        |found| [(1, 2, Came::Wrote(4096)), (5, 6, Came::Failed(libc::EIO)), (7, 8, Came::Read(found))];
    // Without a fault in the server nothing fails.
    assert_eq!(seen(text, &failing(Some(1))).unwrap().0, Kind::Error);
    let with_fault = |found| {
        let mut results = vec![(0, 0, Came::Done)];
        results.extend(failing(found));
        seen(&format!("{armed}{text}"), &results).map(|(kind, _)| kind)
    };
    assert_eq!((with_fault(Some(1)), with_fault(Some(2))), (None, None));
    assert_eq!(with_fault(None), Some(Kind::Byte));
}

#[test]
fn a_fault_ends_with_the_next_behaviour() {
    let text = "behave fault=write,eio,0\nbehave\nmain write a direct 0+4096";
    let results = [(1, 2, Came::Done), (3, 4, Came::Done), (5, 6, Came::Failed(libc::EIO))];
    assert_eq!(seen(text, &results).unwrap().0, Kind::Error);
}

#[test]
fn reads_end_early_at_the_end_only() {
    let text = "main write a direct 0+8192\nmain read a direct 0+8192";
    let results = |count| [(1, 2, Came::Wrote(8192)), (3, 4, Came::Short(count, 0))];
    assert_eq!(seen(text, &results(8192)), None);
    let (kind, text) = seen(text, &results(4096)).unwrap();
    assert_eq!(kind, Kind::Count);
    assert_eq!(text, "reads 4096 of 8192 bytes of file a, which has at least 8192");
    // Beside the write that extends the file it may.
    let text = "aio write a direct 0+8192\nmain read a direct 0+8192";
    assert_eq!(seen(text, &[(1, 9, Came::Wrote(8192)), (3, 4, Came::Short(4096, 0))]), None);
}

#[test]
fn sizes_are_between_old_and_new_while_they_change() {
    let text = "main write a direct 0+8192\nmain stat a";
    let check = |ended, size| seen(text, &[(1, ended, Came::Wrote(8192)), (3, 4, Came::Size(size))]);
    assert_eq!(check(2, 8192), None);
    assert_eq!(check(2, 4096).unwrap().1, "finds 4096 bytes in file a, which has 8192");
    assert_eq!((check(9, 0), check(9, 4096), check(9, 8192)), (None, None, None));
    assert_eq!(check(9, 8193).unwrap().1, "finds 8193 bytes in file a, which has 0 to 8192");
}

#[test]
fn a_truncation_beside_a_write_leaves_the_size_open_until_somebody_looks() {
    let text = "aio write a direct 0+8192\nmain truncate a 100\nmain stat a\nmain stat a";
    let check = |first, second| {
        let results = [
            (1, 4, Came::Wrote(8192)),
            (2, 3, Came::Done),
            (5, 6, Came::Size(first)),
            (7, 8, Came::Size(second)),
        ];
        seen(text, &results).map(|(kind, _)| kind)
    };
    assert_eq!((check(100, 100), check(8192, 8192)), (None, None));
    assert_eq!(check(100, 8192), Some(Kind::Size));
    assert_eq!(check(9000, 9000), Some(Kind::Size));
}

#[test]
fn what_was_cut_off_is_zero_when_the_file_grows_again() {
    let text =
        "main write a direct 0+8192\nmain truncate a 0\nmain truncate a 8192\nmain read a direct 0+8192";
    let results = |found| {
        [(1, 2, Came::Wrote(8192)), (3, 4, Came::Done), (5, 6, Came::Done), (7, 8, Came::Read(found))]
    };
    assert_eq!(seen(text, &results(None)), None);
    assert_eq!(seen(text, &results(Some(0))).unwrap().0, Kind::Byte);
}

#[test]
fn what_never_ends_is_told() {
    let text = "main write a direct 0+8192\naio read a direct 0+4096";
    assert_eq!(
        seen(text, &[(1, 2, Came::Wrote(8192))]).unwrap(),
        (Kind::Never, "never completes".to_owned())
    );
}

#[test]
fn a_fault_ends_with_a_comparison() {
    let text = "behave fault=write,eio,0\ncompare\nmain write a direct 0+4096";
    let results = [(1, 2, Came::Done), (3, 4, Came::Done), (5, 6, Came::Failed(libc::EIO))];
    assert_eq!(seen(text, &results).unwrap().0, Kind::Error);
}
