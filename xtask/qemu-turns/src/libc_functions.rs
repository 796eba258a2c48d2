//! The functions of the C library that ours stand before.

use std::ffi::{CStr, c_int, c_void};
use std::mem::transmute;
use std::sync::LazyLock;

use libc::{nfds_t, pollfd, pthread_cond_t, pthread_mutex_t, sigset_t, timespec};

type Ppoll = unsafe extern "C" fn(*mut pollfd, nfds_t, *const timespec, *const sigset_t) -> c_int;
type Wait = unsafe extern "C" fn(*mut pthread_cond_t, *mut pthread_mutex_t) -> c_int;
type Wake = unsafe extern "C" fn(*mut pthread_cond_t) -> c_int;

/// As the C library has them.
pub(crate) struct Functions {
    pub(crate) ppoll: Ppoll,
    pub(crate) wait: Wait,
    pub(crate) signal: Wake,
    pub(crate) broadcast: Wake,
}

/// Found at the first call.
pub(crate) static FUNCTIONS: LazyLock<Functions> = LazyLock::new(|| {
    // SAFETY: the name is a string; the library is there already, so that nothing of it is run.
    let library = unsafe { libc::dlopen(c"libc.so.6".as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD) };
    // Asked of its library, a function is that of the newest version; the next one would be the oldest with a C library before
    // 2.36. One that has another name has no versions.
    let library = if library.is_null() { libc::RTLD_NEXT } else { library };
    // SAFETY: each has the form that POSIX, and for ppoll its manual page, gives it.
    unsafe {
        Functions {
            ppoll: transmute::<*mut c_void, Ppoll>(find(library, c"ppoll")),
            wait: transmute::<*mut c_void, Wait>(find(library, c"pthread_cond_wait")),
            signal: transmute::<*mut c_void, Wake>(find(library, c"pthread_cond_signal")),
            broadcast: transmute::<*mut c_void, Wake>(find(library, c"pthread_cond_broadcast")),
        }
    }
});

/// Each C library has them. Without one of them there is nothing that QEMU could do.
fn find(library: *mut c_void, name: &CStr) -> *mut c_void {
    // SAFETY: the library is one that dlopen gave or a name for one, and the name a string.
    let function = unsafe { libc::dlsym(library, name.as_ptr()) };
    if function.is_null() {
        std::process::abort();
    }
    function
}
