//! The flags of FUSE_INIT and of the answer to OPEN, by the names of `include/uapi/linux/fuse.h`.
//!
//! A scenario names what it wants otherwise than usual: `NAME` is asked for, `-NAME` is not. What else has a key of its
//! own, or cannot be had from this server, and says so.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A flag of FUSE_INIT.
#[derive(Debug, PartialEq, Eq)]
pub struct InitFlag {
    /// Its name without `FUSE_`.
    pub name: &'static str,
    /// Its bit in the 64 bits of `flags` and `flags2`.
    pub bit: u64,
    /// The minor version of the protocol that brought it.
    pub minor: u32,
    /// Who asks for it.
    pub asked: Asked,
}

/// A flag of the answer to OPEN and OPENDIR.
#[derive(Debug, PartialEq, Eq)]
pub struct OpenFlag {
    /// Its name without `FOPEN_`.
    pub name: &'static str,
    /// Its bit.
    pub bit: u32,
    /// The minor version of the protocol that brought it.
    pub minor: u32,
    /// What it is for, files or directories.
    pub of: Opened,
    /// Who sets it.
    pub asked: Asked,
}

/// What is opened with a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// By OPEN and CREATE.
    File,
    /// By OPENDIR.
    Directory,
}

/// Who asks for a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The server does, wherever it is offered, unless a scenario says `-NAME`.
    Always,
    /// A scenario, by its name.
    ByName,
    /// A scenario, by this key, which does more than the flag alone.
    ByKey(&'static str),
    /// The server does together with this key, and a scenario can say otherwise either way.
    With(&'static str),
    /// The server by itself: the protocol cannot do without it.
    BySelf,
    /// Nobody: this is why.
    Never(&'static str),
}

const fn init(name: &'static str, bit: u32, minor: u32, asked: Asked) -> InitFlag {
    InitFlag { name, bit: 1 << bit, minor, asked }
}

const LOCKS: &str = "the server keeps no locks: without it the kernel keeps them for the mount";
const DAX: &str = "it is about DAX, which only virtio-fs has";

impl InitFlag {
    /// All that protocol 7.46 (Linux 7.3) knows, in the order of their bits.
    pub const ALL: [InitFlag; 43] = [
        init("ASYNC_READ", 0, 6, Asked::Always),
        init("POSIX_LOCKS", 1, 7, Asked::Never(LOCKS)),
        init("FILE_OPS", 2, 9, Asked::ByName),
        init("ATOMIC_O_TRUNC", 3, 9, Asked::ByName),
        init("EXPORT_SUPPORT", 4, 10, Asked::ByName),
        init("BIG_WRITES", 5, 9, Asked::Always),
        init("DONT_MASK", 6, 12, Asked::With("default-permissions or posix-acl")),
        init("SPLICE_WRITE", 7, 20, Asked::ByName),
        init("SPLICE_MOVE", 8, 20, Asked::ByName),
        init("SPLICE_READ", 9, 20, Asked::ByName),
        init("FLOCK_LOCKS", 10, 17, Asked::Never(LOCKS)),
        init("HAS_IOCTL_DIR", 11, 18, Asked::ByName),
        init("AUTO_INVAL_DATA", 12, 20, Asked::ByKey("auto-inval-data")),
        init("DO_READDIRPLUS", 13, 21, Asked::Always),
        init("READDIRPLUS_AUTO", 14, 21, Asked::Always),
        init("ASYNC_DIO", 15, 22, Asked::ByKey("async-dio")),
        init("WRITEBACK_CACHE", 16, 23, Asked::ByKey("writeback-cache")),
        init("NO_OPEN_SUPPORT", 17, 23, Asked::ByName),
        init("PARALLEL_DIROPS", 18, 25, Asked::Always),
        init("HANDLE_KILLPRIV", 19, 26, Asked::ByName),
        init("POSIX_ACL", 20, 26, Asked::ByKey("posix-acl")),
        init("ABORT_ERROR", 21, 27, Asked::Always),
        init("MAX_PAGES", 22, 28, Asked::Always),
        init("CACHE_SYMLINKS", 23, 28, Asked::ByName),
        init("NO_OPENDIR_SUPPORT", 24, 29, Asked::ByName),
        init("EXPLICIT_INVAL_DATA", 25, 30, Asked::ByName),
        init("MAP_ALIGNMENT", 26, 31, Asked::Never(DAX)),
        init("SUBMOUNTS", 27, 32, Asked::Never("only virtio-fs mounts what lies below by itself")),
        init("HANDLE_KILLPRIV_V2", 28, 33, Asked::With("default-permissions")),
        init("SETXATTR_EXT", 29, 33, Asked::ByName),
        init("INIT_EXT", 30, 36, Asked::BySelf),
        init("SECURITY_CTX", 32, 36, Asked::Never("the guest has no security module that would label files")),
        init("HAS_INODE_DAX", 33, 36, Asked::Never(DAX)),
        init("CREATE_SUPP_GROUP", 34, 38, Asked::ByName),
        init("HAS_EXPIRE_ONLY", 35, 38, Asked::ByName),
        init("DIRECT_IO_ALLOW_MMAP", 36, 39, Asked::With("direct-io")),
        init("PASSTHROUGH", 37, 40, Asked::ByKey("passthrough")),
        init("NO_EXPORT_SUPPORT", 38, 40, Asked::ByName),
        init("HAS_RESEND", 39, 40, Asked::ByName),
        init("ALLOW_IDMAP", 40, 41, Asked::ByName),
        init("OVER_IO_URING", 41, 42, Asked::ByKey("transport")),
        init("REQUEST_TIMEOUT", 42, 43, Asked::ByKey("request-timeout-s")),
        init("HAS_IO_URING_BUFPOOL", 43, 46, Asked::ByKey("ring-buffers")),
    ];

    /// The flag with this name.
    pub fn named(name: &str) -> Option<&'static InitFlag> {
        const ALL: &[InitFlag] = &InitFlag::ALL;
        ALL.iter().find(|flag| flag.name == name)
    }

    /// The names of the flags in `bits`; a bit without a name is written as `bit N`.
    pub fn names_of(bits: u64) -> Vec<String> {
        (0..u64::BITS)
            .filter(|place| bits & 1 << place != 0)
            .map(|place| {
                let known = InitFlag::ALL.iter().find(|flag| flag.bit == 1 << place);
                known.map_or_else(|| format!("bit {place}"), |flag| flag.name.to_owned())
            })
            .collect()
    }
}

impl OpenFlag {
    /// All that protocol 7.46 knows, in the order of their bits.
    pub const ALL: [OpenFlag; 9] = {
        use Opened::{Directory, File};
        const fn open(name: &'static str, bit: u32, minor: u32, of: Opened, asked: Asked) -> OpenFlag {
            OpenFlag { name, bit: 1 << bit, minor, of, asked }
        }
        [
            open("DIRECT_IO", 0, 1, File, Asked::ByKey("direct-io")),
            open("KEEP_CACHE", 1, 1, File, Asked::ByName),
            open("NONSEEKABLE", 2, 10, File, Asked::ByName),
            open("CACHE_DIR", 3, 28, Directory, Asked::ByName),
            open("STREAM", 4, 31, File, Asked::ByName),
            open("NOFLUSH", 5, 35, File, Asked::ByName),
            open("PARALLEL_DIRECT_WRITES", 6, 38, File, Asked::ByName),
            open("PASSTHROUGH", 7, 40, File, Asked::ByKey("passthrough")),
            open("IO_URING_ZERO_COPY", 8, 46, File, Asked::ByKey("ring-buffers")),
        ]
    };

    /// The flag with this name.
    pub fn named(name: &str) -> Option<&'static OpenFlag> {
        const ALL: &[OpenFlag] = &OpenFlag::ALL;
        ALL.iter().find(|flag| flag.name == name)
    }
}

/// A flag of FUSE_INIT that a scenario wants otherwise than usual, as `NAME` or `-NAME`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InitWish {
    /// Which.
    pub flag: &'static InitFlag,
    /// Whether it is asked for.
    pub wanted: bool,
}

/// A flag of OPEN or OPENDIR that a scenario wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OpenWish(pub &'static OpenFlag);

/// Why a flag cannot be wished for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlagError {
    /// There is none with this name.
    Unknown(String),
    /// There is, but it is not set so; this says what to do instead.
    NotSo {
        /// Its name.
        name: &'static str,
        /// What to do.
        remedy: String,
    },
}

impl fmt::Display for FlagError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FlagError::Unknown(name) => write!(f, "there is no flag `{name}`; use a name of linux/fuse.h"),
            FlagError::NotSo { name, remedy } => write!(f, "{name}: {remedy}"),
        }
    }
}

impl std::error::Error for FlagError {}

impl Asked {
    /// What speaks against naming a flag.
    fn refusal(self, wanted: bool) -> Option<String> {
        match (self, wanted) {
            (Asked::Always, false) | (Asked::ByName, true) | (Asked::With(_), _) => None,
            (Asked::Always, true) => Some("the server asks for it anyway; leave it out".to_owned()),
            (Asked::ByName, false) => Some("it is asked for only by its name; leave it out".to_owned()),
            (Asked::ByKey(key), _) => Some(format!("it has a key of its own; use `{key}`")),
            (Asked::BySelf, _) => Some("the server decides about it by itself; leave it out".to_owned()),
            (Asked::Never(why), _) => Some(format!("{why}; leave it out")),
        }
    }
}

impl FromStr for InitWish {
    type Err = FlagError;

    fn from_str(text: &str) -> Result<Self, FlagError> {
        let (name, wanted) = text.strip_prefix('-').map_or((text, true), |name| (name, false));
        let flag = InitFlag::named(name).ok_or_else(|| FlagError::Unknown(name.to_owned()))?;
        match flag.asked.refusal(wanted) {
            None => Ok(InitWish { flag, wanted }),
            Some(remedy) => Err(FlagError::NotSo { name: flag.name, remedy }),
        }
    }
}

impl FromStr for OpenWish {
    type Err = FlagError;

    fn from_str(name: &str) -> Result<Self, FlagError> {
        let flag = OpenFlag::named(name).ok_or_else(|| FlagError::Unknown(name.to_owned()))?;
        match flag.asked.refusal(true) {
            None => Ok(OpenWish(flag)),
            Some(remedy) => Err(FlagError::NotSo { name: flag.name, remedy }),
        }
    }
}

impl fmt::Display for InitWish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.wanted { "" } else { "-" }, self.flag.name)
    }
}

impl fmt::Display for OpenWish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name)
    }
}

macro_rules! as_text {
    ($($kind:ident)*) => {$(
        impl TryFrom<String> for $kind {
            type Error = FlagError;

            fn try_from(text: String) -> Result<Self, FlagError> {
                text.parse()
            }
        }

        impl From<$kind> for String {
            fn from(wish: $kind) -> String {
                wish.to_string()
            }
        }
    )*};
}

as_text! { InitWish OpenWish }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_flag_has_a_bit_and_a_name_of_its_own() {
        for (place, flag) in InitFlag::ALL.iter().enumerate() {
            assert_eq!(flag.bit.count_ones(), 1, "{}", flag.name);
            for other in &InitFlag::ALL[..place] {
                assert!(other.bit < flag.bit && other.name != flag.name, "{}", flag.name);
            }
        }
        for (place, flag) in OpenFlag::ALL.iter().enumerate() {
            assert_eq!(flag.bit, 1 << place, "{}", flag.name);
        }
    }

    #[test]
    fn names_follow_from_bits() {
        assert_eq!(
            InitFlag::names_of(1 | 1 << 15 | 1 << 31 | 1 << 63),
            ["ASYNC_READ", "ASYNC_DIO", "bit 31", "bit 63"]
        );
        assert!(InitFlag::names_of(0).is_empty());
    }

    #[test]
    fn wishes_are_read_as_they_are_written() {
        for text in ["-ASYNC_READ", "NO_OPEN_SUPPORT", "-DIRECT_IO_ALLOW_MMAP", "DIRECT_IO_ALLOW_MMAP"] {
            assert_eq!(text.parse::<InitWish>().unwrap().to_string(), text);
        }
        assert_eq!("KEEP_CACHE".parse::<OpenWish>().unwrap().to_string(), "KEEP_CACHE");
    }

    #[test]
    fn what_cannot_be_wished_for_says_what_to_do() {
        for (text, expected) in [
            ("NO_OPEN", "there is no flag `NO_OPEN`; use a name of linux/fuse.h"),
            ("ASYNC_READ", "ASYNC_READ: the server asks for it anyway; leave it out"),
            ("-NO_OPEN_SUPPORT", "NO_OPEN_SUPPORT: it is asked for only by its name; leave it out"),
            ("ASYNC_DIO", "ASYNC_DIO: it has a key of its own; use `async-dio`"),
            ("INIT_EXT", "INIT_EXT: the server decides about it by itself; leave it out"),
            ("-HAS_INODE_DAX", "HAS_INODE_DAX: it is about DAX, which only virtio-fs has; leave it out"),
        ] {
            assert_eq!(text.parse::<InitWish>().unwrap_err().to_string(), expected);
        }
        for (text, expected) in [
            ("-KEEP_CACHE", "there is no flag `-KEEP_CACHE`; use a name of linux/fuse.h"),
            ("DIRECT_IO", "DIRECT_IO: it has a key of its own; use `direct-io`"),
        ] {
            assert_eq!(text.parse::<OpenWish>().unwrap_err().to_string(), expected);
        }
    }
}
