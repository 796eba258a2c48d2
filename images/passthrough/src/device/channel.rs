//! What one thread receives requests and sends answers with.

pub(crate) mod data;
mod unusual;

use std::io::IoSlice;
use std::mem::size_of;

use rustix::io::Result;
use zerocopy::IntoBytes;

use self::data::{Payload, ReadAnswer};
use super::answer::Answer;
use super::memory::{Pages, Sharing, page_size};
use super::pipe::Pipe;
use super::request::{WRITE_HEAD, parse_write_head};
use super::wire::{InHeader, OutHeader, WriteIn};
use super::{Device, Receipt};
use crate::stats::Moved;

/// What is smaller than this is copied even if the settings say splice, because of the additional calls. On storage in
/// memory, a spliced READ took 9 % more CPU time than a copied one at 4 KiB, 5 % less at 16 KiB, 18 % less at 32 KiB; a
/// spliced WRITE 9 % more, 2 % more, 4 % less.
const SPLICE_FROM: usize = 32 << 10;

/// Requests other than WRITE have at most as much as SETXATTR: a value of 64 KiB and its name.
pub(crate) const OTHER_REQUESTS: usize = 68 << 10;

/// How data moves between the device and the backing files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Through memory of this process.
    Copy,
    /// Through a pipe, where that is possible.
    Splice,
}

/// The device, and the memory and the pipe of one thread.
#[derive(Debug)]
pub(crate) struct Channel {
    device: Device,
    buffer: Buffer,
    /// The way that was asked for.
    way: Way,
    /// Empty but for a WRITE that was received through it, and for the answer to a READ.
    pipe: Option<Pipe>,
    expected: Expected,
}

/// What the next request is taken for. A request that comes through the pipe has to be taken out of it if it is not a
/// WRITE: one call more. Whoever writes a lot does so in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    LargeWrite,
    Other,
}

/// A request that has come.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Received {
    /// It is in the buffer with all of its bytes, so many.
    Whole(usize),
    /// A WRITE whose data is in the pipe.
    Spliced(InHeader, WriteIn),
}

impl Channel {
    /// For requests of at most `request_bytes`.
    ///
    /// # Errors
    /// If there is no memory.
    pub(crate) fn new(device: Device, request_bytes: usize, way: Way) -> Result<Self> {
        let pipe = match way {
            Way::Copy => None,
            // Copied instead if there may be no pipe of that size.
            Way::Splice => Pipe::new(request_bytes.max(OTHER_REQUESTS)).ok(),
        };
        let buffer = Buffer::new(request_bytes)?;
        Ok(Channel { device, buffer, way, pipe, expected: Expected::Other })
    }

    /// Waits for a request; none if the file system is unmounted.
    ///
    /// # Errors
    /// If the connection broke.
    pub(crate) fn receive(&mut self) -> Result<Option<Received>> {
        self.empty_pipe();
        loop {
            let (receipt, way) = match (&mut self.pipe, self.expected) {
                (Some(pipe), Expected::LargeWrite) => {
                    (pipe.receive(&self.device, self.buffer.incoming().len())?, Way::Splice)
                }
                _ => (super::receipt(rustix::io::read(&self.device, self.buffer.incoming()))?, Way::Copy),
            };
            match receipt {
                Receipt::Request(bytes) => return self.sort(bytes, way).map(Some),
                Receipt::Again => {}
                Receipt::End => return Ok(None),
            }
        }
    }

    /// Sees to it that no request meets what the one before has left in the pipe: one that failed, or was served in part.
    fn empty_pipe(&mut self) {
        if self.pipe.as_mut().is_some_and(|pipe| pipe.clear().is_err()) {
            // There can be no other, so that this thread copies from now on.
            self.pipe = None;
        }
    }

    /// Puts what has come this way where it belongs, and draws a conclusion from it.
    fn sort(&mut self, bytes: usize, way: Way) -> Result<Received> {
        let buffer = &mut self.buffer.incoming()[..bytes];
        let head = bytes.min(WRITE_HEAD);
        let mut pipe = self.pipe.as_mut().filter(|_| way == Way::Splice);
        if let Some(pipe) = &mut pipe {
            pipe.take(&mut buffer[..head])?;
        }
        let write = parse_write_head(&buffer[..head]).filter(|_| bytes - head >= SPLICE_FROM);
        self.expected = if write.is_some() { Expected::LargeWrite } else { Expected::Other };
        match (pipe, write) {
            (Some(_), Some((header, asked))) => return Ok(Received::Spliced(header, asked)),
            (Some(pipe), None) => pipe.take(&mut buffer[head..])?,
            (None, _) => {}
        }
        Ok(Received::Whole(bytes))
    }

    /// The bytes of a request that was received whole.
    pub(crate) fn request(&self, bytes: usize) -> &[u8] {
        &self.buffer.pages[self.buffer.request..][..bytes]
    }

    /// What answers are sent to.
    pub(crate) fn device(&self) -> &Device {
        &self.device
    }

    /// The data of a WRITE that was received whole.
    pub(crate) fn whole<'a>(&self, bytes: &'a [u8]) -> Payload<'a> {
        Payload::Bytes { bytes, moved: self.copied(bytes.len()) }
    }

    /// The data of a WRITE that was spliced, and what its answer is sent to.
    pub(crate) fn spliced(&mut self, bytes: usize) -> (Payload<'_>, &Device) {
        let payload = match &mut self.pipe {
            Some(pipe) => Payload::Pipe { pipe, left: bytes, buffer: &mut self.buffer },
            None => Payload::Bytes { bytes: &[], moved: Moved::FellBack },
        };
        (payload, &self.device)
    }

    /// Where the data of a READ goes.
    pub(crate) fn read_answer(&mut self, unique: u64) -> ReadAnswer<'_> {
        let way = self.way;
        ReadAnswer { channel: self, unique, way, moved: Moved::Copied, zeros: None }
    }

    /// Why so many bytes are copied.
    fn copied(&self, bytes: usize) -> Moved {
        match (self.way, &self.pipe) {
            (Way::Splice, None) if bytes >= SPLICE_FROM => Moved::FellBack,
            _ => Moved::Copied,
        }
    }
}

impl Device {
    /// Answers a request.
    ///
    /// # Errors
    /// If the kernel does not take the answer.
    pub(crate) fn answer(&self, unique: u64, result: Result<&Answer>) -> Result<()> {
        let (error, bytes) = match result {
            Ok(answer) => (0, answer.as_bytes()),
            Err(error) => (-error.raw_os_error(), &[][..]),
        };
        let header = OutHeader { len: (size_of::<OutHeader>() + bytes.len()) as u32, error, unique };
        super::sent(rustix::io::writev(self, &[IoSlice::new(header.as_bytes()), IoSlice::new(bytes)]))
    }
}

/// Memory for a request or the answer to a READ. The head of a WRITE and that of an answer lie at the end of a page, so
/// that the data behind them begins where a page does: the kernel then copies whole pages to whole pages.
#[derive(Debug)]
pub(crate) struct Buffer {
    pages: Pages,
    /// Where data begins.
    data: usize,
    /// Where requests begin.
    request: usize,
}

impl Buffer {
    fn new(request_bytes: usize) -> Result<Self> {
        let data = page_size();
        let pages = Pages::new(data + request_bytes.max(OTHER_REQUESTS), Sharing::Private)?;
        Ok(Buffer { pages, data, request: data - WRITE_HEAD })
    }

    fn incoming(&mut self) -> &mut [u8] {
        &mut self.pages[self.request..]
    }

    fn data(&mut self) -> &mut [u8] {
        &mut self.pages[self.data..]
    }

    /// So many bytes of data with a header in front, which announces `announced` of them.
    fn outgoing(&mut self, unique: u64, bytes: usize, announced: usize) -> &[u8] {
        let begin = self.data - size_of::<OutHeader>();
        let whole = &mut self.pages[begin..self.data + bytes];
        let header = OutHeader { len: (size_of::<OutHeader>() + announced) as u32, error: 0, unique };
        whole[..size_of::<OutHeader>()].copy_from_slice(header.as_bytes());
        whole
    }
}

#[cfg(test)]
mod tests;
