//! Pages on their way between the device and a file, without being copied to this process.
//!
//! The device takes an answer as a whole, with its header in front, but how much a READ gets is known only when its data
//! is in the pipe. So the header goes into the pipe first by vmsplice(2), as a reference to a page of this process, and
//! is written into that page when the length is known: three calls for a READ, whether it is short or not.
//!
//! Pages are not offered to the kernel for good (SPLICE_F_MOVE): it would try, page by page, to take them away from the
//! storage's cache, which fails for storage in memory and leaves other storage with nothing cached.

use std::mem::size_of;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::{Errno, Result};
use rustix::pipe::{IoSliceRaw, PipeFlags, SpliceFlags};
use zerocopy::IntoBytes;

use super::memory::{Pages, Sharing, page_size};
use super::wire::OutHeader;
use super::{Device, Receipt};

/// A pipe that is empty between two requests.
#[derive(Debug)]
pub(crate) struct Pipe {
    ends: PipeEnds,
    /// Bytes that it must be able to hold.
    capacity: usize,
    /// Where the header of an answer is.
    header: Pages,
    filled: usize,
}

#[derive(Debug)]
struct PipeEnds {
    reader: OwnedFd,
    writer: OwnedFd,
}

impl PipeEnds {
    fn new(capacity: usize) -> Result<Self> {
        let (reader, writer) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
        rustix::pipe::fcntl_setpipe_size(&writer, capacity)?;
        Ok(PipeEnds { reader, writer })
    }
}

impl Pipe {
    /// A pipe for requests and answers with as much data as this.
    ///
    /// # Errors
    /// EPERM if it is larger than this process may have.
    pub(crate) fn new(data: usize) -> Result<Self> {
        // A pipe holds a number of pages, however few bytes of each are used: one for the header, and one more if the data
        // does not begin where a page does.
        let capacity = data.next_multiple_of(page_size()) + 2 * page_size();
        let header = Pages::new(size_of::<OutHeader>(), Sharing::Shared)?;
        Ok(Pipe { ends: PipeEnds::new(capacity)?, capacity, header, filled: 0 })
    }

    /// Puts the place of a header and the file's data into the pipe, less than `size` at the end of the file only.
    ///
    /// # Errors
    /// EINVAL if the file cannot be spliced; those of reading. The pipe has to be cleared then: it holds the header, and what
    /// was read before the error.
    pub(crate) fn load(&mut self, file: BorrowedFd<'_>, offset: u64, size: usize) -> Result<usize> {
        let header = [IoSliceRaw::from_slice(&self.header[..size_of::<OutHeader>()])];
        // SAFETY: the memory lives as long as the pipe. That it changes until the pipe is read is intended.
        self.filled += unsafe { rustix::pipe::vmsplice(&self.ends.writer, &header, SpliceFlags::empty())? };
        let mut loaded = 0;
        while loaded < size {
            let mut position = offset + loaded as u64;
            // The pipe has room for all, so that a full one is a mistake, and not to be waited for.
            let flags = SpliceFlags::NONBLOCK;
            let writer = &self.ends.writer;
            match rustix::pipe::splice(file, Some(&mut position), writer, None, size - loaded, flags) {
                Ok(0) => break,
                Ok(more) => {
                    loaded += more;
                    self.filled += more;
                }
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(loaded)
    }

    /// Puts the place of a header and these bytes into the pipe: as references, so that they must not change, and must live until
    /// the pipe is empty.
    ///
    /// # Errors
    /// Those of vmsplice(2). The pipe has to be cleared then.
    pub(crate) fn load_memory(&mut self, bytes: &[u8]) -> Result<()> {
        let both = [&self.header[..size_of::<OutHeader>()], bytes].map(IoSliceRaw::from_slice);
        // SAFETY: the header is that of `load`; the bytes are the caller's to keep as they are.
        let loaded = unsafe { rustix::pipe::vmsplice(&self.ends.writer, &both, SpliceFlags::empty())? };
        self.filled += loaded;
        if loaded == size_of::<OutHeader>() + bytes.len() { Ok(()) } else { Err(Errno::IO) }
    }

    /// Sends what was loaded as the answer to a request.
    ///
    /// # Errors
    /// Those of the device, and of the file if its data was not there yet. The pipe has to be cleared then.
    pub(crate) fn send(&mut self, device: &Device, unique: u64) -> Result<usize> {
        self.address(unique);
        let sent = rustix::pipe::splice(
            &self.ends.reader,
            None,
            device.as_fd(),
            None,
            self.filled,
            SpliceFlags::empty(),
        )?;
        self.filled -= sent;
        Ok(sent)
    }

    /// Makes what was loaded the answer to a request.
    fn address(&mut self, unique: u64) {
        let header = OutHeader { len: self.filled as u32, error: 0, unique };
        self.header[..size_of::<OutHeader>()].copy_from_slice(header.as_bytes());
    }

    /// Waits for a request; `room` is that of a request with the most data.
    pub(crate) fn receive(&mut self, device: &Device, room: usize) -> Result<Receipt> {
        let writer = &self.ends.writer;
        let result = rustix::pipe::splice(device.as_fd(), None, writer, None, room, SpliceFlags::empty());
        self.filled = result.unwrap_or(0);
        super::receipt(result)
    }

    /// Takes bytes out of the pipe.
    ///
    /// # Errors
    /// EIO if there are not as many: nobody would put in the rest, and this thread would wait for it.
    pub(crate) fn take(&mut self, bytes: &mut [u8]) -> Result<()> {
        if bytes.len() > self.filled {
            return Err(Errno::IO);
        }
        let mut taken = 0;
        while taken < bytes.len() {
            match rustix::io::read(&self.ends.reader, &mut bytes[taken..]) {
                Ok(0) => return Err(Errno::IO),
                Ok(more) => taken += more,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
        self.filled -= taken;
        Ok(())
    }

    /// Writes at most so many bytes of what is in the pipe to a file, once, as write(2) does.
    ///
    /// # Errors
    /// EINVAL if the file cannot be spliced; those of writing.
    pub(crate) fn store(&mut self, file: BorrowedFd<'_>, offset: u64, most: usize) -> Result<usize> {
        let most = most.min(self.filled);
        if most == 0 {
            return Ok(0);
        }
        let mut position = offset;
        let (reader, flags) = (&self.ends.reader, SpliceFlags::empty());
        let stored = rustix::io::retry_on_intr(|| {
            rustix::pipe::splice(reader, None, file, Some(&mut position), most, flags)
        })?;
        self.filled -= stored;
        Ok(stored)
    }

    /// Bytes in the pipe.
    #[cfg(test)]
    pub(crate) fn filled(&self) -> usize {
        self.filled
    }

    /// Gets rid of what is left in the pipe.
    ///
    /// # Errors
    /// If there can be no other pipe.
    pub(crate) fn clear(&mut self) -> Result<()> {
        if self.filled > 0 {
            self.ends = PipeEnds::new(self.capacity)?;
            self.filled = 0;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::super::wire::Take;
    use super::*;

    const HEADER: usize = size_of::<OutHeader>();

    fn file(content: &[u8]) -> File {
        let file = tempfile::tempfile_in("/dev/shm").unwrap();
        assert_eq!(rustix::io::pwrite(&file, content, 0), Ok(content.len()));
        file
    }

    fn content(length: usize) -> Vec<u8> {
        (0..length).map(|position| (position * 31 / 7) as u8).collect()
    }

    #[test]
    fn the_header_says_what_was_loaded() {
        let all = content(150_000);
        let file = file(&all);
        let mut pipe = Pipe::new(131_072).unwrap();
        for (offset, size, expected) in [
            (0, 131_072, 131_072),
            (1, 131_072, 131_072),
            (4095, 70_000, 70_000),
            (131_072, 131_072, 18_928),
            (149_999, 40_000, 1),
            (150_000, 40_000, 0),
            (1 << 40, 40_000, 0),
        ] {
            assert_eq!(pipe.load(file.as_fd(), offset, size), Ok(expected), "{offset}");
            assert_eq!(pipe.filled(), HEADER + expected);
            pipe.address(9);
            let mut bytes = vec![0; HEADER + expected];
            pipe.take(&mut bytes).unwrap();
            let header = OutHeader { len: (HEADER + expected) as u32, error: 0, unique: 9 };
            assert_eq!(OutHeader::take(&mut &bytes[..]), Some(header));
            let begin = (offset as usize).min(all.len());
            assert!(bytes[HEADER..] == all[begin..begin + expected], "{offset}");
            assert_eq!(pipe.filled(), 0);
        }
    }

    #[test]
    fn what_is_in_the_pipe_goes_to_the_file_or_is_cleared() {
        let all = content(100_000);
        let (source, target) = (file(&all), file(b""));
        let mut pipe = Pipe::new(131_072).unwrap();
        pipe.load(source.as_fd(), 0, 100_000).unwrap();
        pipe.take(&mut [0; HEADER]).unwrap();
        assert_eq!(pipe.store(target.as_fd(), 10, 60_001), Ok(60_001));
        let mut some = vec![0; 9];
        pipe.take(&mut some).unwrap();
        assert!(some == all[60_001..60_010]);
        assert_eq!(pipe.filled(), 100_000 - 60_010);
        pipe.clear().unwrap();
        assert_eq!((pipe.filled(), pipe.store(target.as_fd(), 0, 5)), (0, Ok(0)));
        // As good as new.
        assert_eq!(pipe.load(source.as_fd(), 0, 131_072), Ok(100_000));
        let mut found = vec![0; 60_011];
        rustix::io::pread(&target, &mut found, 0).unwrap();
        assert!(found[10..] == all[..60_001]);
    }

    #[test]
    fn nothing_is_waited_for_that_is_not_there() {
        let mut pipe = Pipe::new(65_536).unwrap();
        pipe.load(file(&content(100)).as_fd(), 0, 100).unwrap();
        let (sender, result) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let more = pipe.take(&mut [0; HEADER + 101]);
            // What is there can be taken all the same.
            sender.send((more, pipe.take(&mut [0; HEADER + 100])))
        });
        let limit = std::time::Duration::from_secs(10);
        assert_eq!(result.recv_timeout(limit), Ok((Err(Errno::IO), Ok(()))));
    }

    #[test]
    fn what_cannot_be_spliced_says_so() {
        let event = rustix::event::eventfd(0, rustix::event::EventfdFlags::empty()).unwrap();
        let mut pipe = Pipe::new(65_536).unwrap();
        assert_eq!(pipe.load(event.as_fd(), 0, 65_536), Err(Errno::INVAL));
        pipe.clear().unwrap();
        pipe.load(file(&content(65_536)).as_fd(), 0, 65_536).unwrap();
        assert_eq!(pipe.store(event.as_fd(), 0, 65_536), Err(Errno::INVAL));
        assert_eq!(pipe.filled(), HEADER + 65_536);
    }
}
