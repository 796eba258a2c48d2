//! Random operations on files, checked against what a kernel owes its callers.
//!
//! From a seed comes a [`sequence`] of operations on two files: read(2), write(2) and their vectored forms, direct and
//! buffered, from several threads; libaio; io_uring; shared mappings; truncation, allocation, holes, appends, fsync, dropped caches; and
//! changes of how the server behaves, with storage latency, replies out of order, and requests that fail. A run notes when each
//! operation began and ended and what it saw (the `history`); that is held against rules when it is over (`judge`). A
//! sequence that fails is made as short as it can be (`shrink`), and can be run again by itself.
//!
//! # Rules
//!
//! Only what is guaranteed is asked for; everything else may come out either way.
//!
//! **Each byte by itself.** POSIX makes a write visible to every read that begins after it has returned, and says nothing of
//! what runs at the same time. Linux does not make large transfers atomic, least of all FUSE, which cuts them into requests. So
//! a byte that is read must be that of a write which began before the read ended, and which was not overwritten for sure:
//! no other write of this byte began after that one had ended and ended before the read began. Cutting a file off and making a hole
//! are writes of zeros. Two writes of a byte at the same time may leave either, until a comparison of the quiet file has shown which.
//!
//! **Direct writes, then direct reads.** Both ask the server; a write has ended when the server has answered all of its requests.
//! An asynchronous request has ended when its completion was returned, not when it was submitted.
//!
//! **Buffered writes, then direct reads.** Without FUSE_WRITEBACK_CACHE a buffered write has ended when the server has it. What was
//! stored to a mapping is in the page cache only, and a direct read writes it back first (`filemap_write_and_wait_range()`
//! in `generic_file_read_iter()`).
//!
//! **Direct writes, then buffered reads and mappings.** The kernel drops the cached pages of what it writes, before and after
//! (`generic_file_direct_write()`), and takes them out of page tables; so who reads after the write has ended sees it. This holds for
//! asynchronous writes too, but stock kernels do not keep it: the second dropping is left out when a write of FUSE completes
//! later, and a page that was read meanwhile stays old. Sequences with both are a profile of their own, `random-coherence`.
//! So where io_uring reads through the page cache it makes no direct writes.
//!
//! **io_uring.** Its requests keep the rules of libaio's. FUSE cannot begin a request without waiting (it does not set
//! `FMODE_NOWAIT`), so threads of the kernel make these calls, and may begin them in any order.
//!
//! **Stores to mappings.** A page is written back as a whole. A store beside a direct write to other bytes of the same page may
//! therefore undo it, and no kernel promises otherwise. So nothing else is under way while memory of a mapping is written.
//! Memory behind the end of a file raises SIGBUS: mappings are used, and files cut, in one thread only.
//!
//! **Sizes.** A write that extends a file does so at some time before its end, maybe bit by bit. fstat(2), lseek(2) and reads
//! may see any size between, and the new one after its end. A write that runs beside a truncation may extend the file
//! again or not; then any size between is taken, until somebody has looked while nothing was under way. A read ends early only at
//! the end of the file.
//!
//! **Truncation beside asynchronous writes.** File systems with blocks wait for direct I/O before they cut a file
//! (`inode_dio_wait()`). FUSE does not: a write that is under way may extend the server's file again, and the kernel does not
//! take notice. So truncation waits for asynchronous requests, but for a profile of its own, `random-cut`.
//!
//! **Appends.** Where an append goes is known only while nothing else changes the size; so it waits for everything else.
//!
//! **Faults.** While the server has a fault an operation may fail with EIO or come short. Of a write that failed, each byte may
//! be new or old, as the kernel may have sent all of its requests before one failed; of one that came short the bytes
//! that were counted are new. Bytes that a read has counted are right. Everything outside is untouched, and what has not failed
//! is whole. Buffered reads are left out: a server that answers a READ short says that the file ends there, and the kernel
//! believes it.
//!
//! **Comparisons.** When nothing is under way, the file below the server and direct reads have the same bytes, the page cache has
//! allowed ones, and all have the size that fstat(2) says.
//!
//! **Completions.** Each operation ends once.
//!
//! # Running again
//!
//! Under the virtual clock a boot is a function of its input: a seed that failed fails each time, on this kernel
//! with this image. Elsewhere threads run as they like, and a sequence that needs a race may have to be run more than once.

mod check;
pub mod command;
mod conditions;
mod content;
mod draw;
#[cfg(test)]
mod fake;
mod history;
mod judge;
mod operation;
mod perform;
mod probe;
mod profile;
mod ranges;
mod sequence;
mod shrink;
mod subject;
mod violation;

pub(crate) use probe::probes;
