//! The operations of FUSE, by name and number.

macro_rules! operations {
    ($($variant:ident $name:literal $opcode:literal,)*) => {
        /// A request that the kernel sends, as `include/uapi/linux/fuse.h` names and numbers it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Operation {
            $(#[doc = concat!("FUSE_", $name)] $variant,)*
        }

        impl Operation {
            /// All of them, in the order of their names.
            pub const ALL: &[Operation] = &[$(Operation::$variant,)*];

            /// The name without `FUSE_`, e.g. `READ`.
            pub fn name(self) -> &'static str {
                match self { $(Operation::$variant => $name,)* }
            }

            /// The name as settings have it: in lower case and with dashes, e.g. `copy-file-range`.
            pub const fn setting(self) -> &'static str {
                match self {
                    $(Operation::$variant => {
                        const SETTING: [u8; $name.len()] = setting($name);
                        match str::from_utf8(&SETTING) { Ok(text) => text, Err(_) => $name }
                    })*
                }
            }

            /// The number in requests.
            pub fn opcode(self) -> u16 {
                match self { $(Operation::$variant => $opcode,)* }
            }

            /// The operation with this number, if it is known.
            pub fn from_opcode(opcode: u16) -> Option<Self> {
                match opcode { $($opcode => Some(Operation::$variant),)* _ => None }
            }
        }
    };
}

/// The bytes of a name in lower case and with dashes.
const fn setting<const LENGTH: usize>(name: &str) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    let mut at = 0;
    while at < LENGTH {
        bytes[at] = match name.as_bytes()[at] {
            b'_' => b'-',
            byte => byte.to_ascii_lowercase(),
        };
        at += 1;
    }
    bytes
}

operations! {
    Access "ACCESS" 34,
    BatchForget "BATCH_FORGET" 42,
    Bmap "BMAP" 37,
    CopyFileRange "COPY_FILE_RANGE" 47,
    CopyFileRange64 "COPY_FILE_RANGE_64" 53,
    Create "CREATE" 35,
    Destroy "DESTROY" 38,
    Fallocate "FALLOCATE" 43,
    Flush "FLUSH" 25,
    Forget "FORGET" 2,
    Fsync "FSYNC" 20,
    Fsyncdir "FSYNCDIR" 30,
    Getattr "GETATTR" 3,
    Getlk "GETLK" 31,
    Getxattr "GETXATTR" 22,
    Init "INIT" 26,
    Interrupt "INTERRUPT" 36,
    Ioctl "IOCTL" 39,
    Link "LINK" 13,
    Listxattr "LISTXATTR" 23,
    Lookup "LOOKUP" 1,
    Lseek "LSEEK" 46,
    Mkdir "MKDIR" 9,
    Mknod "MKNOD" 8,
    NotifyReply "NOTIFY_REPLY" 41,
    Open "OPEN" 14,
    Opendir "OPENDIR" 27,
    Poll "POLL" 40,
    Read "READ" 15,
    Readdir "READDIR" 28,
    Readdirplus "READDIRPLUS" 44,
    Readlink "READLINK" 5,
    Release "RELEASE" 18,
    Releasedir "RELEASEDIR" 29,
    Removemapping "REMOVEMAPPING" 49,
    Removexattr "REMOVEXATTR" 24,
    Rename "RENAME" 12,
    Rename2 "RENAME2" 45,
    Rmdir "RMDIR" 11,
    Setattr "SETATTR" 4,
    Setlk "SETLK" 32,
    Setlkw "SETLKW" 33,
    Setupmapping "SETUPMAPPING" 48,
    Setxattr "SETXATTR" 21,
    Statfs "STATFS" 17,
    Statx "STATX" 52,
    Symlink "SYMLINK" 6,
    Syncfs "SYNCFS" 50,
    Tmpfile "TMPFILE" 51,
    Unlink "UNLINK" 10,
    Write "WRITE" 16,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operation_is_found_by_its_number() {
        for (place, operation) in Operation::ALL.iter().enumerate() {
            assert_eq!(*operation as usize, place);
            assert_eq!(Operation::from_opcode(operation.opcode()), Some(*operation));
        }
        for unknown in [0, 7, 19, 54, 4096, u16::MAX] {
            assert_eq!(Operation::from_opcode(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn settings_have_the_same_names_in_lower_case() {
        for operation in Operation::ALL {
            assert_eq!(operation.setting(), operation.name().to_lowercase().replace('_', "-"));
        }
    }

    #[test]
    fn names_are_sorted() {
        assert!(Operation::ALL.is_sorted_by(|a, b| a.name() < b.name()));
    }
}
