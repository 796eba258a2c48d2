//! FUSE_PASSTHROUGH: the kernel reads and writes the backing files by itself.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::FileExt as _;

use lab_protocol::ServerSettings;
use rustix::mm::{MapFlags, ProtFlags};

use crate::harness::{Served, bytes, eventually, settings};

const MIB: usize = 1 << 20;

fn through() -> ServerSettings {
    ServerSettings { passthrough: true, ..settings() }
}

/// READs and WRITEs since the last call.
fn data_requests(served: &mut Served) -> u64 {
    let asked = served.take().by_operation;
    ["READ", "WRITE"].iter().filter_map(|name| asked.get(*name)).sum()
}

/// Reads the begin of a file through a mapping.
fn mapped(file: &File, length: usize) -> Vec<u8> {
    // SAFETY: the kernel chooses the place, and the mapping is as long as it is read.
    unsafe {
        let begin =
            rustix::mm::mmap(std::ptr::null_mut(), length, ProtFlags::READ, MapFlags::SHARED, file, 0)
                .unwrap();
        let found = std::slice::from_raw_parts(begin.cast::<u8>(), length).to_vec();
        rustix::mm::munmap(begin, length).unwrap();
        found
    }
}

#[test]
fn nothing_is_read_or_written_through_the_server() {
    let mut served = Served::new(&through());
    assert!(
        served.negotiated.flags_in_force.iter().any(|flag| flag == "PASSTHROUGH"),
        "{:?}",
        served.negotiated
    );
    let content = served.store("file", MIB + 3);
    // read(2), pread(2), a mapping, and splice(2).
    let mut file = File::options().read(true).write(true).open(served.path("file")).unwrap();
    let mut found = Vec::new();
    file.read_to_end(&mut found).unwrap();
    assert!(found == content);
    assert!(mapped(&file, MIB) == content[..MIB]);
    let (reader, writer) = rustix::pipe::pipe().unwrap();
    let mut offset = 4096;
    let flags = rustix::pipe::SpliceFlags::empty();
    assert_eq!(rustix::pipe::splice(&file, Some(&mut offset), &writer, None, 8192, flags), Ok(8192));
    let mut spliced = vec![0; 8192];
    File::from(reader).read_exact(&mut spliced).unwrap();
    assert!(spliced == content[4096..12_288]);
    // A second one who has it open, and a third who makes one.
    let other = File::options().write(true).open(served.path("file")).unwrap();
    other.write_all_at(b"changed", 100).unwrap();
    let mut seven = [0; 7];
    file.read_exact_at(&mut seven, 100).unwrap();
    assert_eq!(&seven, b"changed");
    let mut new = File::create(served.path("new")).unwrap();
    new.write_all(&content).unwrap();
    assert!(fs::read(served.stored("new")).unwrap() == content);
    assert_eq!(fs::metadata(served.path("new")).unwrap().len(), content.len() as u64);
    assert_eq!(data_requests(&mut served), 0);
    // Without it each of them would have come.
    let mut plain = Served::new(&settings());
    plain.store("file", MIB);
    fs::read(plain.path("file")).unwrap();
    assert!(data_requests(&mut plain) > 0);
}

#[test]
fn a_backing_file_is_given_back_with_its_last_user() {
    let mut served = Served::new(&through());
    served.store("file", 1);
    for _ in 0..3 {
        let files: Vec<File> = (0..3).map(|_| File::open(served.path("file")).unwrap()).collect();
        assert_eq!(files.len(), 3);
    }
    // What is removed is gone when nobody has it open: neither server nor kernel hold it.
    fs::remove_file(served.path("file")).unwrap();
    eventually("the file is let go", || served.held() <= 1);
    let descriptors = served.descriptors();
    assert!(!descriptors.iter().any(|(target, _)| target.ends_with("file (deleted)")), "{descriptors:?}");
    served.take();
}

#[test]
fn parallel_writers_need_no_lock_of_the_server() {
    let mut served = Served::new(&ServerSettings {
        open_flags: vec!["PARALLEL_DIRECT_WRITES".parse().unwrap()],
        ..through()
    });
    let content = bytes(64 * 4096, 9);
    fs::write(served.path("file"), vec![0; content.len()]).unwrap();
    std::thread::scope(|scope| {
        for (place, part) in content.chunks(4096).enumerate() {
            let path = served.path("file");
            scope.spawn(move || {
                let file = File::options().write(true).open(path).unwrap();
                file.write_all_at(part, place as u64 * 4096).unwrap();
            });
        }
    });
    assert!(fs::read(served.stored("file")).unwrap() == content);
    assert_eq!(data_requests(&mut served), 0);
}
