//! The structures that requests and answers are made of, as `include/uapi/linux/fuse.h` lays them out (protocol 7.46).

use std::mem::size_of;

use zerocopy::{FromBytes, Immutable, IntoBytes};

/// The major version of the protocol.
pub(crate) const MAJOR: u32 = 7;

/// The minor version up to which this server knows the protocol: that of Linux 7.3.
pub(crate) const MINOR: u32 = 46;

/// The node of the root.
pub(crate) const ROOT: u64 = 1;

/// What can be read off the front of bytes.
pub(crate) trait Take: FromBytes + Sized {
    /// Takes one off the front of `bytes`; none if they are too few, which are left as they are then.
    fn take(bytes: &mut &[u8]) -> Option<Self> {
        let (value, rest) = Self::read_from_prefix(bytes).ok()?;
        *bytes = rest;
        Some(value)
    }
}

impl<T: FromBytes> Take for T {}

macro_rules! wire {
    ($($(#[$about:meta])* $name:ident $size:literal { $($field:ident: $kind:ty,)* })*) => {$(
        $(#[$about])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, Immutable, IntoBytes)]
        pub(crate) struct $name { $(pub(crate) $field: $kind,)* }

        const _: () = assert!(size_of::<$name>() == $size, "the size in fuse.h");
    )*};
}

wire! {
    /// Before every request.
    InHeader 40 {
        len: u32, opcode: u32, unique: u64, nodeid: u64, uid: u32, gid: u32, pid: u32,
        // In units of 8 bytes, at the end of the request.
        total_extlen: u16,
        padding: u16,
    }

    /// Before every answer.
    OutHeader 16 { len: u32, error: i32, unique: u64, }

    Attr 88 {
        ino: u64, size: u64, blocks: u64, atime: u64, mtime: u64, ctime: u64,
        atimensec: u32, mtimensec: u32, ctimensec: u32,
        mode: u32, nlink: u32, uid: u32, gid: u32, rdev: u32, blksize: u32, flags: u32,
    }

    EntryOut 128 {
        nodeid: u64, generation: u64, entry_valid: u64, attr_valid: u64, entry_valid_nsec: u32, attr_valid_nsec: u32,
        attr: Attr,
    }

    AttrOut 104 { attr_valid: u64, attr_valid_nsec: u32, dummy: u32, attr: Attr, }

    /// The last is that of a passthrough file.
    OpenOut 16 { fh: u64, open_flags: u32, backing_id: i32, }

    /// The answer to CREATE and TMPFILE.
    CreateOut 144 { entry: EntryOut, open: OpenOut, }

    WriteOut 8 { size: u32, padding: u32, }

    StatfsOut 80 {
        blocks: u64, bfree: u64, bavail: u64, files: u64, ffree: u64, bsize: u32, namelen: u32, frsize: u32,
        padding: u32,
        spare: [u32; 6],
    }

    GetxattrOut 8 { size: u32, padding: u32, }

    LseekOut 8 { offset: u64, }

    CopyFileRangeOut 8 { bytes_copied: u64, }
    /// What follows the header of an answer to IOCTL, before the data.
    IoctlOut 16 { result: i32, flags: u32, in_iovs: u32, out_iovs: u32, }

    SxTime 16 { seconds: i64, nanoseconds: u32, reserved: i32, }

    /// What statx(2) says.
    Statx 256 {
        mask: u32, blksize: u32, attributes: u64, nlink: u32, uid: u32, gid: u32, mode: u16, spare0: u16, ino: u64,
        size: u64, blocks: u64, attributes_mask: u64, atime: SxTime, btime: SxTime, ctime: SxTime, mtime: SxTime,
        rdev_major: u32, rdev_minor: u32, dev_major: u32, dev_minor: u32,
        spare2: [u64; 14],
    }

    StatxOut 288 { attr_valid: u64, attr_valid_nsec: u32, flags: u32, spare: [u64; 2], stat: Statx, }

    /// The entry of a READDIR; its name follows, and zeros up to a multiple of 8 bytes.
    Dirent 24 { ino: u64, off: u64, namelen: u32, kind: u32, }

    /// Before the entry of a READDIRPLUS.
    Direntplus 152 { entry: EntryOut, dirent: Dirent, }

    /// The part that has been there from the begin.
    InitIn 16 { major: u32, minor: u32, max_readahead: u32, flags: u32, }

    InitOut 64 {
        major: u32, minor: u32, max_readahead: u32, flags: u32, max_background: u16, congestion_threshold: u16,
        max_write: u32, time_gran: u32, max_pages: u16, map_alignment: u16, flags2: u32, max_stack_depth: u32,
        request_timeout: u16,
        unused: [u16; 11],
    }

    /// `struct fuse_uring_cmd_req`: what a command says in the additional part of its submission.
    /// `address` and `length` are those of a pool; for an entry without copying `address` is the index of its pages.
    RingCommand 40 {
        flags: u64, commit_id: u64, qid: u16, padding: [u8; 6], address: u64, length: u32, reserved: u32,
    }

    /// `struct fuse_uring_ent_in_out`: what an entry says of the request or answer in it.
    RingEntry 32 { flags: u64, commit_id: u64, payload_sz: u32, offset: u32, reserved: u64, }

    ForgetOne 16 { nodeid: u64, nlookup: u64, }

    BatchForgetIn 8 { count: u32, dummy: u32, }

    MknodIn 16 { mode: u32, rdev: u32, umask: u32, padding: u32, }

    MkdirIn 8 { mode: u32, umask: u32, }

    Rename2In 16 { newdir: u64, flags: u32, padding: u32, }

    SetattrIn 88 {
        valid: u32, padding: u32, fh: u64, size: u64, lock_owner: u64, atime: u64, mtime: u64, ctime: u64,
        atimensec: u32, mtimensec: u32, ctimensec: u32, mode: u32, unused4: u32, uid: u32, gid: u32, unused5: u32,
    }

    OpenIn 8 { flags: u32, open_flags: u32, }

    CreateIn 16 { flags: u32, mode: u32, umask: u32, open_flags: u32, }

    ReleaseIn 24 { fh: u64, flags: u32, release_flags: u32, lock_owner: u64, }

    FlushIn 24 { fh: u64, unused: u32, padding: u32, lock_owner: u64, }

    /// READ, READDIR and READDIRPLUS.
    ReadIn 40 { fh: u64, offset: u64, size: u32, read_flags: u32, lock_owner: u64, flags: u32, padding: u32, }

    WriteIn 40 { fh: u64, offset: u64, size: u32, write_flags: u32, lock_owner: u64, flags: u32, padding: u32, }

    FsyncIn 16 { fh: u64, fsync_flags: u32, padding: u32, }

    /// As it is without FUSE_SETXATTR_EXT.
    SetxattrIn 8 { size: u32, flags: u32, }

    /// GETXATTR and LISTXATTR.
    GetxattrIn 8 { size: u32, padding: u32, }

    FallocateIn 32 { fh: u64, offset: u64, length: u64, mode: u32, padding: u32, }

    AccessIn 8 { mask: u32, padding: u32, }

    IoctlIn 32 { fh: u64, flags: u32, cmd: u32, arg: u64, in_size: u32, out_size: u32, }

    StatxIn 24 { getattr_flags: u32, reserved: u32, fh: u64, sx_flags: u32, sx_mask: u32, }

    LseekIn 24 { fh: u64, offset: u64, whence: u32, padding: u32, }

    CopyFileRangeIn 56 {
        fh_in: u64, off_in: u64, nodeid_out: u64, fh_out: u64, off_out: u64, len: u64, flags: u64,
    }

    NotifyInvalInodeOut 24 { ino: u64, off: i64, len: i64, }

    NotifyInvalEntryOut 16 { parent: u64, namelen: u32, flags: u32, }

    NotifyDeleteOut 24 { parent: u64, child: u64, namelen: u32, padding: u32, }

    NotifyStoreOut 24 { nodeid: u64, offset: u64, size: u32, padding: u32, }

    NotifyRetrieveOut 32 { notify_unique: u64, nodeid: u64, offset: u64, size: u32, padding: u32, }

    /// NOTIFY_REPLY, as large as WriteIn.
    NotifyRetrieveIn 40 { dummy1: u64, offset: u64, size: u32, dummy2: u32, dummy3: u64, dummy4: u64, }

    NotifyPruneOut 16 { count: u32, padding: u32, spare: u64, }
}

/// What notifications are told by, in the place of an error.
pub(crate) mod notify {
    pub(crate) const INVAL_INODE: i32 = 2;
    pub(crate) const INVAL_ENTRY: i32 = 3;
    pub(crate) const STORE: i32 = 4;
    pub(crate) const RETRIEVE: i32 = 5;
    pub(crate) const DELETE: i32 = 6;
    pub(crate) const RESEND: i32 = 7;
    pub(crate) const INC_EPOCH: i32 = 8;
    pub(crate) const PRUNE: i32 = 9;
}

/// FUSE_EXPIRE_ONLY, of FUSE_NOTIFY_INVAL_ENTRY.
pub(crate) const EXPIRE_ONLY: u32 = 1 << 0;

/// Flags of FUSE_INIT that mean something to this server; all of them are in [`lab_protocol::InitFlag`].
pub(crate) mod init {
    pub(crate) const DONT_MASK: u64 = 1 << 6;
    pub(crate) const AUTO_INVAL_DATA: u64 = 1 << 12;
    pub(crate) const ASYNC_DIO: u64 = 1 << 15;
    pub(crate) const WRITEBACK_CACHE: u64 = 1 << 16;
    pub(crate) const NO_OPEN_SUPPORT: u64 = 1 << 17;
    pub(crate) const HANDLE_KILLPRIV: u64 = 1 << 19;
    pub(crate) const POSIX_ACL: u64 = 1 << 20;
    pub(crate) const MAX_PAGES: u64 = 1 << 22;
    pub(crate) const NO_OPENDIR_SUPPORT: u64 = 1 << 24;
    pub(crate) const HANDLE_KILLPRIV_V2: u64 = 1 << 28;
    pub(crate) const SETXATTR_EXT: u64 = 1 << 29;
    /// There are more than 32 of them.
    pub(crate) const INIT_EXT: u64 = 1 << 30;
    pub(crate) const DIRECT_IO_ALLOW_MMAP: u64 = 1 << 36;
    pub(crate) const PASSTHROUGH: u64 = 1 << 37;
    pub(crate) const OVER_IO_URING: u64 = 1 << 41;
    pub(crate) const REQUEST_TIMEOUT: u64 = 1 << 42;
    pub(crate) const HAS_IO_URING_BUFPOOL: u64 = 1 << 43;
}

/// What SETATTR changes.
pub(crate) mod fattr {
    pub(crate) const MODE: u32 = 1 << 0;
    pub(crate) const UID: u32 = 1 << 1;
    pub(crate) const GID: u32 = 1 << 2;
    pub(crate) const SIZE: u32 = 1 << 3;
    pub(crate) const ATIME: u32 = 1 << 4;
    pub(crate) const MTIME: u32 = 1 << 5;
    pub(crate) const FH: u32 = 1 << 6;
    pub(crate) const ATIME_NOW: u32 = 1 << 7;
    pub(crate) const MTIME_NOW: u32 = 1 << 8;
    /// Who truncates may not leave the set-user-ID and set-group-ID bits.
    pub(crate) const KILL_SUIDGID: u32 = 1 << 11;
}

/// In the answer to OPEN: reads and writes do not use the page cache.
pub(crate) const FOPEN_DIRECT_IO: u32 = 1 << 0;

/// In the answer to OPEN: the kernel reads and writes the backing file by itself.
pub(crate) const FOPEN_PASSTHROUGH: u32 = 1 << 7;

/// In the answer to OPEN: with io_uring, READ and WRITE are not copied.
pub(crate) const FOPEN_IO_URING_ZERO_COPY: u32 = 1 << 8;

/// FUSE_OPEN_KILL_SUIDGID: who truncates may not leave the set-user-ID and set-group-ID bits.
pub(crate) const OPEN_KILL_SUIDGID: u32 = 1 << 0;

/// FUSE_WRITE_CACHE: the data comes from the page cache.
pub(crate) const WRITE_CACHE: u32 = 1 << 0;

/// FUSE_WRITE_KILL_SUIDGID: the writer may not leave the set-user-ID and set-group-ID bits.
pub(crate) const WRITE_KILL_SUIDGID: u32 = 1 << 2;

/// FUSE_FSYNC_FDATASYNC
pub(crate) const FSYNC_FDATASYNC: u32 = 1 << 0;
