//! Storage that keeps no data.

use std::os::unix::fs::{FileExt, MetadataExt};

use lab_protocol::{Effect, Fault, OpenMode, ServerSettings, Splicing, Times};
use rustix::fs::OFlags;

use crate::harness::{REQUEST, Served, bytes, open_direct, read_direct, settings, write_direct};

fn null() -> ServerSettings {
    ServerSettings { storage_null: true, ..settings() }
}

/// In each way in which data moves, and in which files are opened.
fn each_way() -> [ServerSettings; 3] {
    let splicing = ServerSettings { splice: true, ..null() };
    let per_request = ServerSettings { open: OpenMode::PerRequest, direct_io: true, ..null() };
    [null(), splicing, per_request]
}

#[test]
fn reads_get_zeros_up_to_the_end_of_the_file() {
    for settings in each_way() {
        let mut served = Served::new(&settings);
        let length = 3 * REQUEST + 5000;
        served.store("file", length);
        assert!(std::fs::read(served.path("file")).unwrap() == vec![0; length]);
        served.take();
        for (offset, asked, expected) in
            [(0, 2 * REQUEST, 2 * REQUEST), (3 * REQUEST, REQUEST, 5000), (4096, 512, 512)]
        {
            let read = read_direct(&served.path("file"), offset as u64, asked);
            assert!(read == vec![0; expected], "{} bytes at {offset}", read.len());
        }
        let stats = served.take();
        assert_eq!(stats.by_operation["READ"], 4);
        // The last two are small.
        let expected = Splicing { spliced: 2, copied: 2, fell_back: 0 };
        assert_eq!(stats.splicing, settings.splice.then_some(expected));
        assert_eq!(read_direct(&served.path("file"), 4 * REQUEST as u64, REQUEST), [0u8; 0]);
    }
}

#[test]
fn writes_leave_their_sizes_and_nothing_else() {
    for settings in each_way() {
        let mut served = Served::new(&settings);
        let content = bytes(2 * REQUEST + 4096, 3);
        let (file, below) = (served.path("file"), served.stored("file"));
        assert_eq!(write_direct(&file, 0, &content), Ok(content.len()));
        let stats = served.take();
        assert_eq!(stats.by_operation["WRITE"], 3);
        assert_eq!(stats.write_sizes, [(4096, 1), (REQUEST as u32, 2)].into());
        let before = std::fs::metadata(&below).unwrap();
        assert_eq!((before.len(), before.blocks()), (content.len() as u64, 0));
        // What does not make it longer changes nothing at all.
        assert_eq!(write_direct(&file, 4096, &content[..REQUEST]), Ok(REQUEST));
        let after = std::fs::metadata(&below).unwrap();
        let times = [&before, &after].map(|it| (it.mtime(), it.mtime_nsec(), it.ctime_nsec()));
        assert_eq!((times[0], after.blocks()), (times[1], 0));
        assert_eq!(std::fs::metadata(&file).unwrap().len(), content.len() as u64);
        assert!(std::fs::read(&file).unwrap() == vec![0; content.len()]);
    }
}

#[test]
fn the_size_is_that_of_whatever_changed_it() {
    for settings in each_way() {
        let served = Served::new(&settings);
        let file = std::fs::File::create_new(served.path("file")).unwrap();
        let check = |expected: u64| {
            let sizes = [served.path("file"), served.stored("file")].map(|it| it.metadata().unwrap().len());
            assert_eq!(sizes, [expected; 2]);
            let read = read_direct(&served.path("file"), 0, 5 * 4096);
            assert!(read == vec![0; expected as usize], "{} bytes, {expected}", read.len());
        };
        file.write_all_at(&[7; 9000], 0).unwrap();
        check(9000);
        file.set_len(100).unwrap();
        check(100);
        file.write_all_at(b"behind a hole", 10_000).unwrap();
        check(10_013);
        let more = std::fs::File::options().append(true).open(served.path("file")).unwrap();
        rustix::io::write(&more, b"at the end").unwrap();
        check(10_023);
        rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, 12_000).unwrap();
        check(12_000);
        // Nobody has to open it again for it.
        rustix::fs::ftruncate(open_direct(&served.path("file"), OFlags::WRONLY), 50).unwrap();
        check(50);
    }
}

#[test]
fn faults_work_as_with_other_storage() {
    let fault = |operation: &str, effect| Fault {
        operation: operation.parse().unwrap(),
        offset_kib: None,
        after: 0,
        times: Times::Once,
        effect,
    };
    let faults =
        vec![fault("read", Effect::Oversize { bytes: 8 }), fault("write", Effect::Short { bytes: 512 })];
    for settings in each_way() {
        let served = Served::new(&ServerSettings { faults: faults.clone(), ..settings });
        served.store("file", REQUEST);
        let file = open_direct(&served.path("file"), OFlags::RDONLY);
        let mut memory = crate::harness::Aligned::new(&vec![1; REQUEST]);
        assert_eq!(rustix::io::pread(&file, memory.bytes(), 0), Err(rustix::io::Errno::IO));
        assert_eq!(rustix::io::pread(&file, memory.bytes(), 0), Ok(REQUEST));
        assert!(memory.bytes().iter().all(|byte| *byte == 0));
        // A short WRITE of what would make the file longer.
        let other = std::fs::File::create_new(served.path("other")).unwrap();
        assert_eq!(rustix::io::pwrite(&other, &bytes(4096, 1), 0), Ok(512));
        assert_eq!(std::fs::metadata(served.stored("other")).unwrap().len(), 512);
    }
}
