//! What a thread does when splicing fails.

use std::fs::File;
use std::os::fd::AsFd;
use std::sync::Arc;

use super::*;
use crate::device::transfer::ReadReply;

/// A file in place of the device. splice(2) refuses to append to a file, which write(2) does.
fn device() -> (Device, File) {
    let written = tempfile::NamedTempFile::new().unwrap();
    let file = File::options().read(true).append(true).open(written.path()).unwrap();
    (Device(Arc::new(file.into())), written.reopen().unwrap())
}

fn content(length: usize) -> File {
    let file = tempfile::tempfile_in("/dev/shm").unwrap();
    rustix::fs::ftruncate(&file, length as u64).unwrap();
    file
}

fn left(channel: &Channel) -> Option<usize> {
    channel.pipe.as_ref().map(Pipe::filled)
}

#[test]
fn an_answer_that_cannot_be_spliced_is_given_as_an_error() {
    let (device, mut answers) = device();
    let mut channel = Channel::new(device, 128 << 10, Way::Splice).unwrap();
    let file = content(128 << 10);
    for unique in [7, 8] {
        let mut answer = channel.read_answer(unique);
        let loaded = answer.load(file.as_fd(), 0, 128 << 10);
        assert_eq!((loaded, answer.moved()), (Ok(128 << 10), Moved::Spliced));
        assert_eq!(answer.send(loaded), Ok(()));
        let mut found = Vec::new();
        std::io::Read::read_to_end(&mut answers, &mut found).unwrap();
        let expected = OutHeader { len: 16, error: -libc::EIO, unique };
        assert_eq!(found, expected.as_bytes(), "{unique}");
        // There is nothing more to read from the file, but the pipe is empty before it is tried.
        assert!(matches!(channel.receive(), Ok(Some(Received::Whole(0)))));
        assert_eq!(left(&channel), Some(0));
    }
}
