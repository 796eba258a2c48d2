//! Locks: the kernel keeps them for the mount, and the server has nothing to do with them.

use std::fs::{File, TryLockError};
use std::os::fd::AsRawFd;
use std::time::Duration;

use rustix::io::Errno;

use crate::harness::{Served, settings};

/// A lock for fcntl(2): `kind` from `from` on, `length` bytes.
fn record(kind: i32, from: i64, length: i64) -> libc::flock {
    let (l_type, l_whence) = (kind as i16, libc::SEEK_SET as i16);
    libc::flock { l_type, l_whence, l_start: from, l_len: length, l_pid: 0 }
}

/// fcntl(2) with a lock; gives it back as the kernel left it.
fn fcntl(file: &File, command: i32, mut lock: libc::flock) -> Result<libc::flock, Errno> {
    // SAFETY: the lock is valid for the call.
    match unsafe { libc::fcntl(file.as_raw_fd(), command, &mut lock) } {
        0 => Ok(lock),
        _ => Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap()),
    }
}

/// A process of its own that has run `action` for its exit code. Dropping it ends it.
struct Child(libc::pid_t);

impl Child {
    /// `action` makes nothing but system calls: another thread may have held a lock of the library.
    fn run(action: impl FnOnce() -> i32) -> Child {
        // SAFETY: the child keeps to what the comment above asks for, and never returns from here.
        match unsafe { libc::fork() } {
            // SAFETY: ends the process and nothing else.
            0 => unsafe { libc::_exit(action()) },
            process => {
                assert!(process > 0, "{}", std::io::Error::last_os_error());
                Child(process)
            }
        }
    }

    /// Its exit code, or the negated signal that ended it.
    fn wait(self) -> i32 {
        let mut status = 0;
        // SAFETY: the status is valid for the call.
        assert_eq!(unsafe { libc::waitpid(self.0, &mut status, 0) }, self.0);
        std::mem::forget(self);
        if libc::WIFEXITED(status) { libc::WEXITSTATUS(status) } else { -libc::WTERMSIG(status) }
    }

    fn signal(&self, signal: i32) {
        // SAFETY: a child that was not waited for has its number still.
        unsafe { libc::kill(self.0, signal) };
    }

    /// Waits until it sleeps in the kernel, waiting for a lock.
    fn await_block(&self) {
        let process = self.0;
        crate::harness::eventually("the process waits for the lock", || {
            let waits = std::fs::read_to_string("/proc/locks").unwrap();
            waits
                .lines()
                .any(|line| line.contains("->") && line.split(' ').any(|it| it == process.to_string()))
        });
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.signal(libc::SIGKILL);
        // SAFETY: no status is asked for.
        unsafe { libc::waitpid(self.0, std::ptr::null_mut(), 0) };
    }
}

/// 0, or the number of the error.
fn code<T>(result: Result<T, Errno>) -> i32 {
    result.map_or_else(|error| error.raw_os_error(), |_| 0)
}

fn open(served: &Served) -> File {
    File::options().read(true).write(true).create(true).truncate(false).open(served.path("file")).unwrap()
}

const AGAIN: i32 = libc::EAGAIN;

#[test]
fn records_belong_to_processes() {
    let mut served = Served::new(&settings());
    let file = open(&served);
    fcntl(&file, libc::F_SETLK, record(libc::F_WRLCK, 0, 100)).unwrap();
    let tries = |kind, from, length| {
        Child::run(|| code(fcntl(&file, libc::F_SETLK, record(kind, from, length)))).wait()
    };
    assert_eq!(tries(libc::F_WRLCK, 50, 100), AGAIN);
    assert_eq!(tries(libc::F_RDLCK, 99, 1), AGAIN);
    assert_eq!(tries(libc::F_WRLCK, 100, 0), 0);
    // Beyond 32 bits.
    fcntl(&file, libc::F_SETLK, record(libc::F_WRLCK, 1 << 40, 1)).unwrap();
    assert_eq!(tries(libc::F_WRLCK, 100, 0), AGAIN);
    let me = std::process::id() as i32;
    let asked = Child::run(|| {
        let Ok(found) = fcntl(&file, libc::F_GETLK, record(libc::F_RDLCK, 10, 20)) else { return 2 };
        let told = (i32::from(found.l_type), found.l_start, found.l_len, found.l_pid);
        i32::from(told != (libc::F_WRLCK, 0, 100, me))
    });
    assert_eq!(asked.wait(), 0);
    // A hole in the middle, and a lock to read.
    fcntl(&file, libc::F_SETLK, record(libc::F_UNLCK, 40, 20)).unwrap();
    fcntl(&file, libc::F_SETLK, record(libc::F_RDLCK, 60, 40)).unwrap();
    assert_eq!(tries(libc::F_WRLCK, 40, 20), 0);
    assert_eq!(tries(libc::F_WRLCK, 39, 1), AGAIN);
    assert_eq!((tries(libc::F_RDLCK, 60, 1), tries(libc::F_WRLCK, 60, 1)), (0, AGAIN));
    // Any close(2) of the file by the owner ends them all.
    drop(open(&served));
    assert_eq!(tries(libc::F_WRLCK, 0, 0), 0);
    let counted = served.take().by_operation;
    assert!(!counted.contains_key("SETLK") && !counted.contains_key("GETLK"), "{counted:?}");
}

#[test]
fn a_waiting_process_gets_the_lock_when_it_is_free() {
    let served = Served::new(&settings());
    let file = open(&served);
    fcntl(&file, libc::F_SETLK, record(libc::F_WRLCK, 0, 0)).unwrap();
    let waiting = Child::run(|| code(fcntl(&file, libc::F_SETLKW, record(libc::F_WRLCK, 0, 10))));
    waiting.await_block();
    fcntl(&file, libc::F_SETLK, record(libc::F_UNLCK, 0, 0)).unwrap();
    assert_eq!(waiting.wait(), 0);
    // The end of the process has freed it.
    fcntl(&file, libc::F_SETLK, record(libc::F_WRLCK, 0, 0)).unwrap();
}

#[test]
fn waiting_can_be_interrupted_and_keeps_no_thread() {
    extern "C" fn nothing(_: i32) {}
    let served = Served::new(&lab_protocol::ServerSettings { threads: 1, ..settings() });
    let file = open(&served);
    fcntl(&file, libc::F_SETLK, record(libc::F_WRLCK, 0, 0)).unwrap();
    let wait = || {
        // SAFETY: a zeroed action is valid, and the handler does nothing; without SA_RESTART the call ends.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = nothing as extern "C" fn(i32) as usize;
            libc::sigaction(libc::SIGUSR1, &action, std::ptr::null_mut());
        }
        code(fcntl(&file, libc::F_SETLKW, record(libc::F_WRLCK, 0, 0)))
    };
    for (signal, expected) in [(libc::SIGUSR1, libc::EINTR), (libc::SIGKILL, -libc::SIGKILL)] {
        let waiting = Child::run(wait);
        waiting.await_block();
        // The server's one thread serves others meanwhile.
        std::fs::write(served.path("other"), "text").unwrap();
        waiting.signal(signal);
        assert_eq!(waiting.wait(), expected);
    }
}

#[test]
fn a_deadlock_is_refused() {
    let served = Served::new(&settings());
    let file = open(&served);
    fcntl(&file, libc::F_SETLK, record(libc::F_WRLCK, 0, 1)).unwrap();
    let other = Child::run(|| {
        if fcntl(&file, libc::F_SETLK, record(libc::F_WRLCK, 1, 1)).is_err() {
            return 255;
        }
        code(fcntl(&file, libc::F_SETLKW, record(libc::F_WRLCK, 0, 1)))
    });
    other.await_block();
    assert_eq!(code(fcntl(&file, libc::F_SETLKW, record(libc::F_WRLCK, 1, 1))), libc::EDEADLK);
    fcntl(&file, libc::F_SETLK, record(libc::F_UNLCK, 0, 1)).unwrap();
    assert_eq!(other.wait(), 0);
}

#[test]
fn locks_of_descriptions_outlive_other_closes() {
    let served = Served::new(&settings());
    let (one, two) = (open(&served), open(&served));
    fcntl(&one, libc::F_OFD_SETLK, record(libc::F_WRLCK, 0, 0)).unwrap();
    assert_eq!(code(fcntl(&two, libc::F_OFD_SETLK, record(libc::F_RDLCK, 0, 1))), AGAIN);
    drop(open(&served));
    assert_eq!(code(fcntl(&two, libc::F_OFD_SETLK, record(libc::F_RDLCK, 0, 1))), AGAIN);
    drop(one);
    assert_eq!(code(fcntl(&two, libc::F_OFD_SETLK, record(libc::F_RDLCK, 0, 1))), 0);
}

#[test]
fn whole_files_are_locked_by_flock() {
    let mut served = Served::new(&settings());
    let (one, two) = (open(&served), open(&served));
    let refused = |result| matches!(result, Err(TryLockError::WouldBlock));
    one.try_lock_shared().unwrap();
    two.try_lock_shared().unwrap();
    assert!(refused(one.try_lock()));
    two.unlock().unwrap();
    one.try_lock().unwrap();
    assert!(refused(two.try_lock_shared()));
    // It has nothing to do with records, nor with who locks the file of the storage.
    assert_eq!(code(fcntl(&two, libc::F_OFD_SETLK, record(libc::F_WRLCK, 0, 0))), 0);
    File::open(served.stored("file")).unwrap().try_lock().unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| two.lock());
        std::thread::sleep(Duration::from_millis(20));
        assert!(!waiting.is_finished());
        drop(one);
        waiting.join().unwrap().unwrap();
    });
    let counted = served.take().by_operation;
    assert!(!counted.contains_key("SETLK"), "{counted:?}");
}
