//! With whose rights a request is served.
//!
//! This process is root, and so are its callers as a rule: then nothing is to be done. For others there are two ways.
//!
//! With `default_permissions` the kernel has decided by owner, group and mode that the caller may do what it asks for.
//! What is made is made with the caller's user and group, so that it belongs to the caller, and with the capabilities of
//! this process: the storage has nothing to say any more.
//!
//! Without, the kernel asks the server for all but the execution of files. Then the storage decides, as it does for any
//! process: the thread takes the caller's user, group and supplementary groups, and gives up what capabilities the kernel
//! takes from somebody who is not root any more (setfsuid(2)). That the caller has capabilities of its own does not count,
//! as with NFS. The groups are read from `/proc`; a caller that is not seen there - it is of another PID namespace - has
//! none.
//!
//! What works on a handle is not asked again: open(2) was the place for that.

use lab_protocol::ServerSettings;
use rustix::fs::Gid;
use rustix::io::Result;

use crate::device::request::{Body, File, Tree};
use crate::device::wire::{InHeader, fattr};
use crate::privileges::Acting;

/// The attribute by which a list of who may access a file is set, and with it the file's mode.
const ACCESS_LIST: &str = "system.posix_acl_access";

/// Who sends a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) user: u32,
    pub(crate) group: u32,
    /// 0 if this process cannot see it.
    pub(crate) process: u32,
}

/// With whose rights a request is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rights {
    /// Those of this process.
    Own,
    /// The same, but what is made belongs to the caller.
    OwnInTheNameOf(Caller),
    /// Those of the caller.
    Of(Caller),
}

impl Rights {
    pub(crate) fn of(header: &InHeader, body: &Body<'_>, settings: &ServerSettings) -> Self {
        // First, since it is what most are.
        if header.uid | header.gid == 0 {
            return Rights::Own;
        }
        let caller = Caller { user: header.uid, group: header.gid, process: header.pid };
        match settings.default_permissions {
            true => by_kernel(body, caller),
            false => by_storage(body, caller),
        }
    }

    /// Takes them until the result is dropped.
    ///
    /// # Errors
    /// If this process may not.
    pub(crate) fn take(self) -> Result<Option<Acting>> {
        match self {
            Rights::Own => Ok(None),
            Rights::OwnInTheNameOf(Caller { user, group, .. }) => {
                Acting::in_the_name_of(user, group).map(Some)
            }
            Rights::Of(Caller { user, group, process }) => {
                Acting::of(user, group, &groups_of(process)).map(Some)
            }
        }
    }
}

/// When the kernel has decided that the caller may.
fn by_kernel(body: &Body<'_>, caller: Caller) -> Rights {
    match body {
        Body::Tree(Tree::Mknod { .. } | Tree::Mkdir { .. } | Tree::Symlink { .. })
        | Body::File(File::Create { .. } | File::Tmpfile(_)) => Rights::OwnInTheNameOf(caller),
        // The storage takes the set-group-ID bit off if the caller is not of the file's group. It is the owner, or the
        // kernel would have said no.
        Body::Tree(Tree::Setxattr { name, .. }) if *name == ACCESS_LIST => Rights::Of(caller),
        Body::Tree(_)
        | Body::File(_)
        | Body::Read(_)
        | Body::Write { .. }
        | Body::Forget { .. }
        | Body::BatchForget(_)
        | Body::Init { .. }
        | Body::NotifyReply { .. }
        | Body::Other(_)
        | Body::Unknown => Rights::Own,
    }
}

/// When nobody has decided yet.
fn by_storage(body: &Body<'_>, caller: Caller) -> Rights {
    match body {
        // ftruncate(2), and nothing else, comes with a handle.
        Body::Tree(Tree::Setattr(asked)) if asked.valid & fattr::FH != 0 => Rights::Own,
        // Whoever found a file may see them.
        Body::Tree(Tree::Getattr | Tree::Statx(_) | Tree::Readlink | Tree::Statfs) => Rights::Own,
        Body::Tree(_) => Rights::Of(caller),
        Body::File(
            File::Open(_)
            | File::Create { .. }
            | File::Tmpfile(_)
            | File::Ioctl { .. }
            | File::Opendir
            | File::Readdirplus(_),
        ) => Rights::Of(caller),
        Body::File(
            File::Flush(_)
            | File::Release(_)
            | File::Fsync(_)
            | File::Fallocate(_)
            | File::Lseek(_)
            | File::CopyFileRange(_)
            | File::CopyFileRange64(_)
            | File::Readdir(_)
            | File::Releasedir(_)
            | File::Fsyncdir(_),
        )
        | Body::Read(_)
        | Body::Write { .. }
        | Body::Forget { .. }
        | Body::BatchForget(_)
        | Body::Init { .. }
        | Body::NotifyReply { .. }
        | Body::Other(_)
        | Body::Unknown => Rights::Own,
    }
}

/// The supplementary groups of a process; none if there is no such process.
fn groups_of(process: u32) -> Vec<Gid> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let groups = status.lines().find_map(|line| line.strip_prefix("Groups:")).unwrap_or_default();
    groups.split_whitespace().filter_map(|group| group.parse().ok()).map(Gid::from_raw).collect()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;
    use crate::device::wire::{GetxattrIn, MkdirIn, OpenIn, SetattrIn, SetxattrIn};

    #[test]
    fn root_is_served_as_ever() {
        let body = Tree::Mkdir { asked: MkdirIn::default(), name: OsStr::new("new") }.into();
        for default_permissions in [true, false] {
            let settings = ServerSettings { default_permissions, ..ServerSettings::example() };
            let header = InHeader { pid: 7, ..InHeader::default() };
            assert_eq!(Rights::of(&header, &body, &settings), Rights::Own);
            for (uid, gid) in [(0, 5), (5, 0)] {
                assert_ne!(Rights::of(&InHeader { uid, gid, ..header }, &body, &settings), Rights::Own);
            }
        }
        assert!(Rights::Own.take().unwrap().is_none());
    }

    #[test]
    fn others_get_what_the_request_is_about() {
        let (own, made, theirs) = (Rights::Own, Rights::OwnInTheNameOf, Rights::Of);
        let caller = Caller { user: 5, group: 6, process: 7 };
        let header = InHeader { uid: 5, gid: 6, pid: 7, ..InHeader::default() };
        let name = OsStr::new("name");
        let list = |name| Tree::Setxattr { asked: SetxattrIn::default(), name, value: b"" }.into();
        let setattr = |valid| Tree::Setattr(SetattrIn { valid, ..SetattrIn::default() }).into();
        let cases: [(Body<'_>, Rights, Rights); 10] = [
            (Tree::Mkdir { asked: MkdirIn::default(), name }.into(), made(caller), theirs(caller)),
            (Tree::Symlink { name, target: name }.into(), made(caller), theirs(caller)),
            (Tree::Unlink { name }.into(), own, theirs(caller)),
            (File::Open(OpenIn::default()).into(), own, theirs(caller)),
            (list(OsStr::new(ACCESS_LIST)), theirs(caller), theirs(caller)),
            (list(OsStr::new("user.name")), own, theirs(caller)),
            (setattr(fattr::SIZE), own, theirs(caller)),
            (setattr(fattr::SIZE | fattr::FH), own, own),
            (Tree::Listxattr(GetxattrIn::default()).into(), own, theirs(caller)),
            (Tree::Getattr.into(), own, own),
        ];
        for (body, by_kernel, by_storage) in cases {
            for (default_permissions, expected) in [(true, by_kernel), (false, by_storage)] {
                let settings = ServerSettings { default_permissions, ..ServerSettings::example() };
                assert_eq!(Rights::of(&header, &body, &settings), expected, "{body:?}");
            }
        }
    }

    #[test]
    fn groups_are_those_of_the_process() {
        assert_eq!(groups_of(std::process::id()), rustix::process::getgroups().unwrap());
        assert_eq!(groups_of(0), []);
    }
}
