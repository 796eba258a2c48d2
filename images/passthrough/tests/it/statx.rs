//! What the kernel asks for beside the attributes that every file has: the time of its birth, and what chattr(1) sets.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, IFlags, Statx, StatxFlags};
use rustix::io::Errno;

use crate::harness::{Served, settings};
use crate::users::{ALICE, BOB, by_kernel, by_storage, plant};

fn statx(path: &Path) -> Statx {
    let mask = StatxFlags::BASIC_STATS | StatxFlags::BTIME;
    rustix::fs::statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, mask).unwrap()
}

/// The kernel sends STATX since protocol 7.39 (Linux 6.6).
#[test]
fn the_time_of_birth_is_that_of_the_storage() {
    for storage in [tempfile::tempdir_in("/dev/shm").unwrap(), tempfile::tempdir().unwrap()] {
        let mut served = Served::on(storage, &settings());
        std::fs::write(served.path("file"), "content").unwrap();
        std::fs::create_dir(served.path("folder")).unwrap();
        std::os::unix::fs::symlink("file", served.path("link")).unwrap();
        served.take();
        for name in ["file", "folder", "link"] {
            let (mounted, stored) = (statx(&served.path(name)), statx(&served.stored(name)));
            let birth = |it: &Statx| {
                (it.stx_mask & StatxFlags::BTIME.bits(), it.stx_btime.tv_sec, it.stx_btime.tv_nsec)
            };
            assert_ne!(birth(&stored).0, 0, "the storage knows it");
            let all = |it: &Statx| {
                let times =
                    [it.stx_atime, it.stx_mtime, it.stx_ctime].map(|time| (time.tv_sec, time.tv_nsec));
                let owner = (it.stx_uid, it.stx_gid, it.stx_mode, it.stx_nlink);
                (it.stx_ino, it.stx_size, it.stx_blocks, owner, times)
            };
            let knows =
                served.negotiated.kernel_protocol.trim_start_matches("7.").parse::<u32>().unwrap() >= 39;
            assert_eq!(birth(&mounted), if knows { birth(&stored) } else { (0, 0, 0) }, "{name}");
            assert_eq!(all(&mounted), all(&stored), "{name}");
            let asked = served.take().by_operation.get("STATX").copied().unwrap_or_default();
            assert_eq!(asked, u64::from(knows), "{name}");
        }
    }
}

/// `struct fsxattr`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
struct Extended {
    flags: u32,
    extent_size: u32,
    extents: u32,
    project: u32,
    cow_extent_size: u32,
    padding: [u8; 8],
}

/// FS_IOC_FSGETXATTR
const GET_EXTENDED: libc::Ioctl = 0x801c_581f;

/// FS_IOC_FSSETXATTR
const SET_EXTENDED: libc::Ioctl = 0x401c_5820;

fn extended(path: &Path, call: libc::Ioctl, mut value: Extended) -> rustix::io::Result<Extended> {
    let file = File::open(path).unwrap();
    // SAFETY: both calls are about one such structure, which is there.
    match unsafe { libc::ioctl(file.as_raw_fd(), call, &raw mut value) } {
        0 => Ok(value),
        _ => Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap()),
    }
}

fn flags(path: &Path) -> rustix::io::Result<IFlags> {
    rustix::fs::ioctl_getflags(File::open(path).unwrap())
}

fn set_flags(path: &Path, flags: IFlags) -> rustix::io::Result<()> {
    rustix::fs::ioctl_setflags(File::open(path).unwrap(), flags)
}

#[test]
fn file_attributes_are_passed_to_the_storage() {
    // ext4 or another file system of a disk, and memory.
    for storage in [tempfile::tempdir().unwrap(), tempfile::tempdir_in("/dev/shm").unwrap()] {
        let served = Served::on(storage, &settings());
        std::fs::write(served.path("file"), "content").unwrap();
        std::fs::create_dir(served.path("folder")).unwrap();
        for name in ["file", "folder"] {
            let (mounted, stored) = (served.path(name), served.stored(name));
            let before = flags(&stored).unwrap();
            assert_eq!(flags(&mounted), Ok(before), "{name}");
            set_flags(&mounted, before | IFlags::NODUMP).unwrap();
            assert_eq!(flags(&stored), Ok(before | IFlags::NODUMP), "{name}");
            let found = extended(&stored, GET_EXTENDED, Extended::default());
            assert_eq!(extended(&mounted, GET_EXTENDED, Extended::default()), found, "{name}");
            let found = found.unwrap();
            // FS_XFLAG_NODUMP
            assert_eq!(found.flags & 0x80, 0x80, "{name}");
            extended(&mounted, SET_EXTENDED, Extended { flags: found.flags & !0x80, ..found }).unwrap();
            assert_eq!(flags(&stored), Ok(before), "{name}");
        }
        // What the flags say is kept.
        set_flags(&served.path("file"), flags(&served.path("file")).unwrap() | IFlags::IMMUTABLE).unwrap();
        assert_eq!(
            File::options().write(true).open(served.stored("file")).unwrap_err().raw_os_error(),
            Some(libc::EPERM)
        );
        assert_eq!(rustix::fs::unlink(served.path("file")), Err(Errno::PERM));
        set_flags(&served.path("file"), flags(&served.path("file")).unwrap() - IFlags::IMMUTABLE).unwrap();
        rustix::fs::unlink(served.path("file")).unwrap();
    }
}

#[test]
fn file_attributes_are_the_owners() {
    for settings in [by_kernel(), by_storage()] {
        let served = Served::new(&settings);
        rustix::fs::chmod(served.mount(), rustix::fs::Mode::from_raw_mode(0o755)).unwrap();
        let path = served.path("file");
        plant(&path, ALICE.user, ALICE.group, 0o666);
        let before = flags(&path).unwrap();
        assert_eq!(BOB.does(|| flags(&path)), Ok(before));
        assert_eq!(BOB.does(|| set_flags(&path, before | IFlags::NODUMP)), Err(Errno::PERM));
        assert_eq!(ALICE.does(|| set_flags(&path, before | IFlags::IMMUTABLE)), Err(Errno::PERM));
        ALICE.does(|| set_flags(&path, before | IFlags::NODUMP)).unwrap();
        assert_eq!(flags(&served.stored("file")), Ok(before | IFlags::NODUMP));
    }
}

#[test]
fn other_calls_are_not_known() {
    let served = Served::new(&settings());
    std::fs::write(served.path("file"), "").unwrap();
    let file = File::open(served.path("file")).unwrap();
    let mut number: libc::c_int = 0;
    // SAFETY: the call would write one number, which is there.
    let result = unsafe { libc::ioctl(file.as_raw_fd(), libc::TIOCGPGRP, &raw mut number) };
    assert_eq!((result, std::io::Error::last_os_error().raw_os_error()), (-1, Some(libc::ENOTTY)));
}
