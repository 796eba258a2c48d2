//! Requests as the kernel writes them, taken apart.

use std::ffi::OsStr;
use std::fmt;
use std::mem::size_of;
use std::os::unix::ffi::OsStrExt;

use lab_protocol::Operation;

use super::wire::{
    AccessIn, BatchForgetIn, CopyFileRangeIn, CreateIn, FallocateIn, FlushIn, ForgetOne, FsyncIn, GetxattrIn,
    InHeader, InitIn, IoctlIn, LseekIn, MkdirIn, MknodIn, NotifyRetrieveIn, OpenIn, ReadIn, ReleaseIn,
    Rename2In, SetattrIn, SetxattrIn, StatxIn, Take, WriteIn, init,
};

/// The bytes of a WRITE before its data.
pub(crate) const WRITE_HEAD: usize = size_of::<InHeader>() + size_of::<WriteIn>();

/// A request with all that it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Request<'a> {
    pub(crate) header: InHeader,
    pub(crate) body: Body<'a>,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body<'a> {
    Tree(Tree<'a>),
    File(File<'a>),
    Read(ReadIn),
    Write {
        asked: WriteIn,
        data: &'a [u8],
    },
    Forget {
        lookups: u64,
    },
    BatchForget(Forgets<'a>),
    /// What a FUSE_NOTIFY_RETRIEVE has asked for.
    NotifyReply {
        offset: u64,
        data: &'a [u8],
    },
    Init {
        asked: InitIn,
        capabilities: u64,
    },
    /// An operation that this server does not serve, so that nothing more of it is looked at.
    Other(Operation),
    /// One that it does not know.
    Unknown,
}

/// About names and attributes. The node in the header is the inode, for names the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tree<'a> {
    Lookup {
        name: &'a OsStr,
    },
    Getattr,
    Statx(StatxIn),
    Access(AccessIn),
    Setattr(SetattrIn),
    Readlink,
    Symlink {
        name: &'a OsStr,
        target: &'a OsStr,
    },
    Mknod {
        asked: MknodIn,
        name: &'a OsStr,
    },
    Mkdir {
        asked: MkdirIn,
        name: &'a OsStr,
    },
    Unlink {
        name: &'a OsStr,
    },
    Rmdir {
        name: &'a OsStr,
    },
    /// RENAME, which has no flags, and RENAME2.
    Rename {
        asked: Rename2In,
        name: &'a OsStr,
        new_name: &'a OsStr,
    },
    Link {
        node: u64,
        name: &'a OsStr,
    },
    Statfs,
    Setxattr {
        asked: SetxattrIn,
        name: &'a OsStr,
        value: &'a [u8],
    },
    Getxattr {
        asked: GetxattrIn,
        name: &'a OsStr,
    },
    Listxattr(GetxattrIn),
    Removexattr {
        name: &'a OsStr,
    },
}

/// What opens files and directories, and is about open ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum File<'a> {
    Open(OpenIn),
    Create {
        asked: CreateIn,
        name: &'a OsStr,
    },
    Tmpfile(CreateIn),
    Flush(FlushIn),
    Release(ReleaseIn),
    Fsync(FsyncIn),
    Fallocate(FallocateIn),
    Lseek(LseekIn),
    CopyFileRange(CopyFileRangeIn),
    /// The same, and the answer has room for more than 32 bits.
    CopyFileRange64(CopyFileRangeIn),
    Ioctl {
        asked: IoctlIn,
        data: &'a [u8],
    },
    Opendir,
    Readdir(ReadIn),
    Readdirplus(ReadIn),
    Releasedir(ReleaseIn),
    Fsyncdir(FsyncIn),
}

impl<'a> From<Tree<'a>> for Body<'a> {
    fn from(tree: Tree<'a>) -> Self {
        Body::Tree(tree)
    }
}

impl<'a> From<File<'a>> for Body<'a> {
    fn from(file: File<'a>) -> Self {
        Body::File(file)
    }
}

/// Nodes and how many lookups of each are to be forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Forgets<'a>(&'a [u8]);

impl Iterator for Forgets<'_> {
    type Item = ForgetOne;

    fn next(&mut self) -> Option<ForgetOne> {
        ForgetOne::take(&mut self.0)
    }
}

/// Bytes that are no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// Fewer than a header, or another number of them than the header says.
    Length {
        /// How many there are.
        bytes: usize,
    },
    /// Something of what its operation needs is not there.
    Body {
        /// The operation's number.
        opcode: u32,
    },
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Malformed::Length { bytes } => write!(f, "{bytes} bytes are not one request"),
            Malformed::Body { opcode } => write!(f, "a request with opcode {opcode} is incomplete"),
        }
    }
}

impl std::error::Error for Malformed {}

/// What server and kernel have agreed on about the form of requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// FUSE_SETXATTR_EXT: SETXATTR has flags of its own.
    pub(crate) setxattr_ext: bool,
}

/// Takes a request apart.
///
/// # Errors
/// If the bytes are not one whole request. What a structure has behind the part that is known is not looked at: that is
/// how later versions of the protocol extend them.
pub(crate) fn parse(bytes: &[u8], dialect: Dialect) -> Result<Request<'_>, Malformed> {
    let length = Malformed::Length { bytes: bytes.len() };
    let mut rest = bytes;
    let header = InHeader::take(&mut rest).ok_or(length)?;
    let extensions = usize::from(header.total_extlen) * 8;
    if header.len as usize != bytes.len() || extensions > rest.len() {
        return Err(length);
    }
    let argument = &rest[..rest.len() - extensions];
    let body = body(header.opcode, argument, dialect).ok_or(Malformed::Body { opcode: header.opcode })?;
    Ok(Request { header, body })
}

/// The head of a WRITE whose data is elsewhere; none if it is another request.
pub(crate) fn parse_write_head(mut bytes: &[u8]) -> Option<(InHeader, WriteIn)> {
    let header = InHeader::take(&mut bytes)?;
    (operation_of(header.opcode) == Some(Operation::Write)).then_some(())?;
    Some((header, WriteIn::take(&mut bytes)?))
}

/// The operation with this number, if there is one that is known.
fn operation_of(opcode: u32) -> Option<Operation> {
    u16::try_from(opcode).ok().and_then(Operation::from_opcode)
}

/// None if the argument is too short.
fn body(opcode: u32, argument: &[u8], dialect: Dialect) -> Option<Body<'_>> {
    let Some(operation) = operation_of(opcode) else { return Some(Body::Unknown) };
    let mut rest = argument;
    let it = &mut rest;
    Some(match operation {
        Operation::Lookup => Tree::Lookup { name: name(it)? }.into(),
        Operation::Forget => Body::Forget { lookups: u64::take(it)? },
        Operation::BatchForget => {
            let count = BatchForgetIn::take(it)?.count as usize;
            Body::BatchForget(Forgets(it.get(..count.checked_mul(size_of::<ForgetOne>())?)?))
        }
        Operation::NotifyReply => {
            let NotifyRetrieveIn { offset, size, .. } = NotifyRetrieveIn::take(it)?;
            Body::NotifyReply { offset, data: it.get(..size as usize)? }
        }
        Operation::Getattr => Tree::Getattr.into(),
        Operation::Statx => Tree::Statx(StatxIn::take(it)?).into(),
        Operation::Access => Tree::Access(AccessIn::take(it)?).into(),
        Operation::Setattr => Tree::Setattr(SetattrIn::take(it)?).into(),
        Operation::Readlink => Tree::Readlink.into(),
        Operation::Symlink => Tree::Symlink { name: name(it)?, target: name(it)? }.into(),
        Operation::Mknod => Tree::Mknod { asked: MknodIn::take(it)?, name: name(it)? }.into(),
        Operation::Mkdir => Tree::Mkdir { asked: MkdirIn::take(it)?, name: name(it)? }.into(),
        Operation::Unlink => Tree::Unlink { name: name(it)? }.into(),
        Operation::Rmdir => Tree::Rmdir { name: name(it)? }.into(),
        Operation::Rename => {
            let asked = Rename2In { newdir: u64::take(it)?, ..Rename2In::default() };
            Tree::Rename { asked, name: name(it)?, new_name: name(it)? }.into()
        }
        Operation::Rename2 => {
            Tree::Rename { asked: Rename2In::take(it)?, name: name(it)?, new_name: name(it)? }.into()
        }
        Operation::Link => Tree::Link { node: u64::take(it)?, name: name(it)? }.into(),
        Operation::Open => File::Open(OpenIn::take(it)?).into(),
        Operation::Create => File::Create { asked: CreateIn::take(it)?, name: name(it)? }.into(),
        Operation::Tmpfile => File::Tmpfile(CreateIn::take(it)?).into(),
        Operation::Read => Body::Read(ReadIn::take(it)?),
        Operation::Write => {
            let asked = WriteIn::take(it)?;
            Body::Write { asked, data: it.get(..asked.size as usize)? }
        }
        Operation::Statfs => Tree::Statfs.into(),
        Operation::Release => File::Release(ReleaseIn::take(it)?).into(),
        Operation::Fsync => File::Fsync(FsyncIn::take(it)?).into(),
        Operation::Setxattr => {
            let asked = SetxattrIn::take(it)?;
            if dialect.setxattr_ext {
                // Its only flag asks to take the set-group-ID bit off with an ACL, which the storage does by itself.
                let _flags_and_padding = u64::take(it)?;
            }
            let name = name(it)?;
            Tree::Setxattr { asked, name, value: it.get(..asked.size as usize)? }.into()
        }
        Operation::Getxattr => Tree::Getxattr { asked: GetxattrIn::take(it)?, name: name(it)? }.into(),
        Operation::Listxattr => Tree::Listxattr(GetxattrIn::take(it)?).into(),
        Operation::Removexattr => Tree::Removexattr { name: name(it)? }.into(),
        Operation::Flush => File::Flush(FlushIn::take(it)?).into(),
        Operation::Init => {
            let asked = InitIn::take(it)?;
            let extended = u64::from(asked.flags) & init::INIT_EXT != 0;
            let more = if extended { u64::from(u32::take(it)?) << 32 } else { 0 };
            Body::Init { asked, capabilities: u64::from(asked.flags) | more }
        }
        Operation::Opendir => File::Opendir.into(),
        Operation::Readdir => File::Readdir(ReadIn::take(it)?).into(),
        Operation::Readdirplus => File::Readdirplus(ReadIn::take(it)?).into(),
        Operation::Releasedir => File::Releasedir(ReleaseIn::take(it)?).into(),
        Operation::Fsyncdir => File::Fsyncdir(FsyncIn::take(it)?).into(),
        Operation::Fallocate => File::Fallocate(FallocateIn::take(it)?).into(),
        Operation::Lseek => File::Lseek(LseekIn::take(it)?).into(),
        Operation::CopyFileRange => File::CopyFileRange(CopyFileRangeIn::take(it)?).into(),
        Operation::CopyFileRange64 => File::CopyFileRange64(CopyFileRangeIn::take(it)?).into(),
        Operation::Ioctl => {
            let asked = IoctlIn::take(it)?;
            File::Ioctl { asked, data: it.get(..asked.in_size as usize)? }.into()
        }
        Operation::Bmap
        | Operation::Destroy
        | Operation::Getlk
        | Operation::Interrupt
        | Operation::Poll
        | Operation::Removemapping
        | Operation::Setlk
        | Operation::Setlkw
        | Operation::Setupmapping
        | Operation::Syncfs => Body::Other(operation),
    })
}

/// Takes a text up to its zero.
fn name<'a>(bytes: &mut &'a [u8]) -> Option<&'a OsStr> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    let (text, rest) = bytes.split_at(end);
    *bytes = &rest[1..];
    Some(OsStr::from_bytes(text))
}

#[cfg(test)]
mod tests;
