//! Data, and what is counted while it moves.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;

use rustix::fs::{FallocateFlags, OFlags};
use rustix::io::Errno;

use crate::harness::{
    REQUEST, Served, SmallStorage, bytes, open_direct, read_direct, settings, write_direct,
};

const MIB: usize = 1 << 20;

/// Counts by size, as the server reports them.
fn sizes(expected: &[(usize, u64)]) -> BTreeMap<u32, u64> {
    expected.iter().map(|(size, count)| (*size as u32, *count)).collect()
}

#[test]
fn direct_io_arrives_in_requests_of_128_kib() {
    let mut served = Served::new(&settings());
    let content = served.store("file", 4 * MIB);
    served.take();
    assert!(read_direct(&served.path("file"), MIB as u64, 2 * MIB) == content[MIB..3 * MIB]);
    let stats = served.take();
    assert_eq!(stats.by_operation["READ"], 16);
    assert_eq!(stats.read_sizes, sizes(&[(REQUEST, 16)]));
    assert_eq!((stats.write_sizes, stats.failed), (sizes(&[]), 0));

    let content = bytes(2 * MIB, 7);
    assert_eq!(write_direct(&served.path("file"), 0, &content), Ok(2 * MIB));
    let stats = served.take();
    assert_eq!(stats.by_operation["WRITE"], 16);
    assert_eq!(stats.write_sizes, sizes(&[(REQUEST, 16)]));
    assert_eq!((stats.read_sizes, stats.failed), (sizes(&[]), 0));
    assert!(std::fs::read(served.stored("file")).unwrap()[..2 * MIB] == content);
}

#[test]
fn a_read_at_the_end_is_trimmed() {
    let mut served = Served::new(&settings());
    let content = served.store("file", 3 * REQUEST + 4096 + 300);
    served.take();
    assert!(read_direct(&served.path("file"), 0, 2 * MIB) == content);
    let stats = served.take();
    let total: u64 = stats.read_sizes.iter().map(|(size, count)| u64::from(*size) * count).sum();
    assert!(total >= content.len() as u64, "{:?}", stats.read_sizes);
    assert_eq!(read_direct(&served.path("file"), 2 * MIB as u64, 4096), b"");
    assert_eq!(served.take().by_operation.get("READ"), None);
}

#[test]
fn data_is_the_same_on_both_sides() {
    let served = Served::new(&settings());
    let file = File::options().create_new(true).read(true).write(true).open(served.path("file")).unwrap();
    let mut expected = Vec::new();
    // Overlapping and leaving holes, around the sizes of pages and requests.
    let lengths = [1, 511, 4095, 4097, REQUEST - 1, REQUEST, REQUEST + 1, 3 * REQUEST + 17];
    for (seed, length) in (0u64..).zip(lengths.repeat(3)) {
        let offset = (seed * 0x3_9d17 % 0x18_0000) as usize;
        let content = bytes(length, seed);
        file.write_all_at(&content, offset as u64).unwrap();
        if expected.len() < offset + length {
            expected.resize(offset + length, 0);
        }
        expected[offset..offset + length].copy_from_slice(&content);
    }
    file.sync_all().unwrap();
    let mut found = Vec::new();
    (&file).seek(SeekFrom::Start(0)).and_then(|_| (&file).read_to_end(&mut found)).unwrap();
    assert!(found == expected, "through the mount");
    assert!(std::fs::read(served.stored("file")).unwrap() == expected, "on the storage");
}

#[test]
fn appended_records_follow_each_other() {
    let served = Served::new(&settings());
    let path = served.path("log");
    // The server must not open with O_APPEND: chunks of one write may arrive in any order.
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND;
    let mut expected = Vec::new();
    for seed in 0..8 {
        let content = bytes(2 * MIB, seed);
        let mut memory = crate::harness::Aligned::new(&content);
        open_direct(&path, flags).write_all(memory.bytes()).unwrap();
        expected.extend(content);
    }
    assert!(std::fs::read(served.stored("log")).unwrap() == expected);
}

#[test]
fn places_are_counted_against_the_request_before() {
    let mut served = Served::new(&lab_protocol::ServerSettings { async_dio: false, ..settings() });
    served.store("file", 2 * MIB);
    served.store("other", 2 * MIB);
    let mut out_of_order = |reads: &[(&str, usize)]| {
        served.take();
        for (name, request) in reads {
            read_direct(&served.path(name), (request * REQUEST) as u64, REQUEST);
        }
        served.take().out_of_order
    };
    assert_eq!(out_of_order(&[("file", 3), ("file", 4), ("file", 5)]), 0);
    assert_eq!(out_of_order(&[("file", 0), ("file", 2), ("file", 3), ("file", 0)]), 2);
    assert_eq!(out_of_order(&[("file", 0), ("other", 7), ("file", 1), ("other", 8)]), 0);
    // Directions do not mix.
    served.take();
    let (path, content) = (served.path("file"), bytes(REQUEST, 3));
    for request in 0..4 {
        read_direct(&path, request * REQUEST as u64, REQUEST);
        write_direct(&path, (8 + request) * REQUEST as u64, &content).unwrap();
    }
    assert_eq!(served.take().out_of_order, 0);
}

#[test]
fn failures_are_passed_on_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let _small = SmallStorage::new(folder.path(), "size=128k");
    let mut served = Served::on(folder, &settings());
    let file = File::create(served.path("file")).unwrap();
    assert_eq!(rustix::io::pwrite(&file, &bytes(REQUEST, 0), 0), Ok(REQUEST));
    assert_eq!(served.take().failed, 0);
    assert_eq!(rustix::io::pwrite(&file, &bytes(REQUEST, 0), MIB as u64), Err(Errno::NOSPC));
    let stats = served.take();
    assert_eq!((stats.failed, &stats.by_operation["WRITE"]), (1, &1));
}

#[test]
fn space_is_allocated_punched_found_and_copied() {
    let mut served = Served::new(&settings());
    let file = File::options().create_new(true).read(true).write(true).open(served.path("file")).unwrap();
    rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, MIB as u64).unwrap();
    assert_eq!(std::fs::metadata(served.stored("file")).unwrap().len(), MIB as u64);
    file.write_all_at(&bytes(MIB, 5), 0).unwrap();
    let punch = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    rustix::fs::fallocate(&file, punch, 65536, 65536).unwrap();
    assert_eq!(rustix::fs::seek(&file, rustix::fs::SeekFrom::Hole(0)), Ok(65536));
    assert_eq!(rustix::fs::seek(&file, rustix::fs::SeekFrom::Data(65536)), Ok(131_072));
    let end = rustix::fs::SeekFrom::Data(2 * MIB as u64);
    assert_eq!(rustix::fs::seek(&file, end), Err(Errno::NXIO));

    let copy = File::create(served.path("copy")).unwrap();
    let (mut from, mut to) = (1000, 0);
    let copied = rustix::fs::copy_file_range(&file, Some(&mut from), &copy, Some(&mut to), 50_000);
    assert_eq!(copied, Ok(50_000));
    assert!(std::fs::read(served.stored("copy")).unwrap() == bytes(MIB, 5)[1000..51_000]);
    let stats = served.take();
    for operation in ["FALLOCATE", "LSEEK"] {
        assert!(stats.by_operation.contains_key(operation), "{operation} in {:?}", stats.by_operation);
    }
    // The kernel decides in which of its two forms.
    assert!(stats.by_operation.keys().any(|name| name.starts_with("COPY_FILE_RANGE")), "{stats:?}");
}
