//! Several users in one process: threads that act as somebody, and what comes of it in words.

use std::fmt::Write as _;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use expect_test::Expect;
use lab_protocol::{Getxattr, OpenMode, ServerSettings};
use rustix::fs::{Gid, Mode, Uid};
use rustix::io::Errno;
use rustix::thread::{
    UnshareFlags, set_thread_groups, set_thread_res_gid, set_thread_res_uid, unshare_unsafe,
};

use crate::harness::{Served, settings};

/// Who acts: as real, effective and saved user and group.
#[derive(Clone, Copy)]
pub(crate) struct User {
    pub(crate) user: u32,
    pub(crate) group: u32,
    pub(crate) groups: &'static [u32],
    pub(crate) umask: u32,
}

/// A group that ALICE and CAROL are in besides their own.
pub(crate) const TEAM: u32 = 2000;

pub(crate) const ROOT: User = User { user: 0, group: 0, groups: &[], umask: 0o022 };
pub(crate) const ALICE: User = User { user: 1001, group: 1001, groups: &[TEAM], umask: 0o022 };
pub(crate) const BOB: User = User { user: 1002, group: 1002, groups: &[], umask: 0o022 };
pub(crate) const CAROL: User = User { user: 1003, group: 1003, groups: &[TEAM], umask: 0o027 };

impl User {
    /// Does something as this user, in a thread of its own.
    pub(crate) fn does<T: Send>(self, action: impl FnOnce() -> T + Send) -> T {
        let groups: Vec<Gid> = self.groups.iter().copied().map(Gid::from_raw).collect();
        let (user, group) = (Uid::from_raw(self.user), Gid::from_raw(self.group));
        let switched = || {
            // The umask belongs to all threads otherwise.
            // SAFETY: no descriptor is taken from anybody.
            unsafe { unshare_unsafe(UnshareFlags::FS) }.unwrap();
            rustix::process::umask(Mode::from_raw_mode(self.umask));
            set_thread_groups(&groups).unwrap();
            set_thread_res_gid(group, group, group).unwrap();
            set_thread_res_uid(user, user, user).unwrap();
            action()
        };
        std::thread::scope(|scope| scope.spawn(switched).join().unwrap())
    }
}

/// The lines that a case says.
#[derive(Default)]
pub(crate) struct Said(pub(crate) String);

impl Said {
    /// What came of something.
    pub(crate) fn tried<T>(&mut self, what: &str, result: rustix::io::Result<T>) {
        self.line(&format!("{what}: {}", outcome(&result)));
    }

    /// What came of several things that one user tried: all that came to the same in one place.
    pub(crate) fn all(&mut self, who: &str, tried: &[(&str, rustix::io::Result<()>)]) {
        let mut outcomes: Vec<(String, Vec<&str>)> = Vec::new();
        for (what, result) in tried {
            let found = outcome(result);
            match outcomes.iter_mut().find(|(known, _)| *known == found) {
                Some((_, things)) => things.push(what),
                None => outcomes.push((found, vec![what])),
            }
        }
        let outcomes = outcomes.iter().map(|(outcome, things)| format!("{outcome}: {}", things.join(", ")));
        self.line(&format!("{who}: {}", outcomes.collect::<Vec<_>>().join("; ")));
    }

    /// The same, and whose the file is then.
    pub(crate) fn tried_on(&mut self, what: &str, result: rustix::io::Result<()>, path: &Path) {
        self.owner(&format!("{what}: {}", outcome(&result)), path);
    }

    pub(crate) fn line(&mut self, line: &str) {
        writeln!(self.0, "{line}").unwrap();
    }

    /// Whose a file is, and its mode.
    pub(crate) fn owner(&mut self, what: &str, path: &Path) {
        let found = std::fs::symlink_metadata(path).unwrap();
        writeln!(self.0, "{what}: {}:{} {:o}", found.uid(), found.gid(), found.mode()).unwrap();
    }
}

fn outcome<T>(result: &rustix::io::Result<T>) -> String {
    match result {
        Ok(_) => "ok".to_owned(),
        Err(Errno::ACCESS) => "EACCES".to_owned(),
        Err(Errno::PERM) => "EPERM".to_owned(),
        Err(Errno::NODATA) => "ENODATA".to_owned(),
        Err(other) => format!("{other:?}"),
    }
}

/// Makes a file with this content, owner, group and mode.
pub(crate) fn plant(path: &Path, owner: u32, group: u32, mode: u32) {
    std::fs::write(path, "text").unwrap();
    own(path, owner, group, mode);
}

/// The same with a folder.
pub(crate) fn plant_folder(path: &Path, owner: u32, group: u32, mode: u32) {
    std::fs::create_dir(path).unwrap();
    own(path, owner, group, mode);
}

fn own(path: &Path, owner: u32, group: u32, mode: u32) {
    std::os::unix::fs::chown(path, Some(owner), Some(group)).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// The kernel decides.
pub(crate) fn by_kernel() -> ServerSettings {
    ServerSettings { allow_other: true, getxattr: Getxattr::Passthrough, ..settings() }
}

/// It decides by access control lists as well.
pub(crate) fn by_lists() -> ServerSettings {
    ServerSettings { posix_acl: true, ..by_kernel() }
}

/// The storage decides. Nothing is trusted, so that it is asked each time.
pub(crate) fn by_storage() -> ServerSettings {
    ServerSettings { default_permissions: false, attribute_timeout_ms: 0, ..by_kernel() }
}

/// A case gives the same on the storage as on each mount of it; `expected` is what it gives.
pub(crate) fn same(ways: &[ServerSettings], case: impl Fn(&Path, &mut Said), expected: Expect) {
    let on = |folder: &Path| {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut said = Said::default();
        case(folder, &mut said);
        said.0
    };
    let plain = tempfile::tempdir_in("/dev/shm").unwrap();
    let told = on(plain.path());
    expected.assert_eq(&told);
    for settings in ways {
        let served = Served::new(settings);
        assert_eq!(on(served.mount()), told, "{settings:?}");
    }
}

/// The ways that hold for everything but access control lists.
pub(crate) fn ways() -> Vec<ServerSettings> {
    vec![
        by_kernel(),
        by_lists(),
        by_storage(),
        ServerSettings { open: OpenMode::PerRequest, ..by_kernel() },
        ServerSettings { open: OpenMode::PerRequest, ..by_storage() },
        ServerSettings { writeback_cache: true, ..by_kernel() },
        ServerSettings { direct_io: true, ..by_storage() },
    ]
}

/// The ways in which access control lists are asked.
pub(crate) fn ways_with_lists() -> [ServerSettings; 2] {
    [by_lists(), by_storage()]
}
