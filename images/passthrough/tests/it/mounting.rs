//! The flags of the mount.

use std::os::unix::fs::PermissionsExt;

use lab_protocol::{MountOption, ServerSettings};
use rustix::fs::{CWD, FileType, Mode, OFlags};
use rustix::io::Errno;

use crate::harness::{Served, settings};

fn served(mount_options: &[MountOption]) -> Served {
    Served::new(&ServerSettings { mount_options: mount_options.to_vec(), ..settings() })
}

/// The flags that the kernel says a mount has.
fn flags(served: &Served) -> Vec<String> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let mount = served.mount().to_str().unwrap();
    let line = mounts.lines().find(|line| line.split(' ').nth(4) == Some(mount)).unwrap();
    line.split(' ').nth(5).unwrap().split(',').map(str::to_owned).collect()
}

#[test]
fn the_kernel_says_what_was_set() {
    assert_eq!(flags(&Served::new(&settings())), ["rw", "nosuid", "nodev", "relatime"]);
    assert_eq!(flags(&served(&[])), ["rw", "relatime"]);
    for option in MountOption::ALL {
        let found = flags(&served(&[*option]));
        match option {
            // The kernel shows it by nothing.
            MountOption::Strictatime => assert_eq!(found, ["rw"]),
            MountOption::Ro
            | MountOption::Nodev
            | MountOption::Nosuid
            | MountOption::Noexec
            | MountOption::Noatime
            | MountOption::Nodiratime
            | MountOption::Relatime
            | MountOption::Nosymfollow => assert!(found.iter().any(|it| it == option.name()), "{found:?}"),
        }
    }
}

#[test]
fn the_kernel_keeps_to_it() {
    let open = |served: &Served, name: &str, flags| {
        rustix::fs::openat(CWD, served.path(name), flags | OFlags::CLOEXEC, Mode::from_raw_mode(0o644))
            .map(drop)
    };
    for (options, expected) in [(&[][..], Ok(())), (&[MountOption::Ro], Err(Errno::ROFS))] {
        let served = served(options);
        assert_eq!(open(&served, "file", OFlags::CREATE | OFlags::WRONLY), expected);
    }
    for (options, expected) in [(&[][..], Ok(())), (&[MountOption::Nodev], Err(Errno::ACCESS))] {
        let served = served(options);
        let null = rustix::fs::makedev(1, 3);
        let mode = Mode::from_raw_mode(0o666);
        rustix::fs::mknodat(CWD, served.stored("null"), FileType::CharacterDevice, mode, null).unwrap();
        assert_eq!(open(&served, "null", OFlags::RDONLY), expected);
    }
    for (options, expected) in [(&[][..], Ok(())), (&[MountOption::Nosymfollow], Err(Errno::LOOP))] {
        let served = served(options);
        std::fs::write(served.stored("file"), "").unwrap();
        std::os::unix::fs::symlink("file", served.stored("link")).unwrap();
        assert_eq!(open(&served, "link", OFlags::RDONLY), expected);
    }
    for (options, expected) in [(&[][..], None), (&[MountOption::Noexec], Some(libc::EACCES))] {
        let served = served(options);
        std::fs::copy("/bin/true", served.stored("true")).unwrap();
        std::fs::set_permissions(served.stored("true"), std::fs::Permissions::from_mode(0o755)).unwrap();
        #[expect(clippy::disallowed_methods, reason = "whether it can be started is the question")]
        let found = std::process::Command::new(served.path("true")).status();
        assert_eq!(found.err().and_then(|error| error.raw_os_error()), expected);
    }
}

/// A program that is root's with the set-user-ID bit on makes its caller root, unless the mount says no.
#[test]
fn set_user_id_counts_if_it_may() {
    for (options, expected) in [(&[][..], "0"), (&[MountOption::Nosuid], "1002")] {
        let settings = ServerSettings { allow_other: true, mount_options: options.to_vec(), ..settings() };
        let served = Served::new(&settings);
        std::fs::set_permissions(served.mount(), std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::copy("/usr/bin/id", served.stored("id")).unwrap();
        std::fs::set_permissions(served.stored("id"), std::fs::Permissions::from_mode(0o4755)).unwrap();
        let program = served.path("id");
        #[expect(clippy::disallowed_methods, reason = "started by another user's thread")]
        let output =
            crate::users::BOB.does(|| std::process::Command::new(&program).arg("-u").output()).unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), expected, "{options:?}");
    }
}
