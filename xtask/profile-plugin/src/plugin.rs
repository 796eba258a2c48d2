//! What QEMU calls: at the start, for each block that it translates, at each mark, and at the end.

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use crate::counts::Counts;
use crate::qemu;
use lab_protocol::profile::{self, Mark};

/// The version of QEMU's plugin interface that this is written for; QEMU refuses one that it does not know.
#[unsafe(no_mangle)]
pub static qemu_plugin_version: c_int = 1;

/// What one run of QEMU collects. QEMU calls from the thread of the guest's CPUs, and at the end from another one.
static STATE: Mutex<State> = Mutex::new(State { counts: Counts::new(), output: None });

struct State {
    counts: Counts,
    output: Option<PathBuf>,
}

fn with_state<T>(act: impl FnOnce(&mut State) -> T) -> T {
    act(&mut STATE.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Called by QEMU when it loads the plugin, with `out=PATH` as the argument.
///
/// # Safety
/// `argv` must point to `argc` strings, as it does when QEMU calls.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn qemu_plugin_install(
    id: u64,
    _info: *const c_void,
    argc: c_int,
    argv: *const *const c_char,
) -> c_int {
    let mut arguments = (0..usize::try_from(argc).unwrap_or(0)).map(|at| {
        // SAFETY: the caller promises so many pointers to strings.
        unsafe { CStr::from_ptr(*argv.add(at)) }.to_string_lossy().into_owned()
    });
    let output = arguments.find_map(|argument| argument.strip_prefix("out=").map(PathBuf::from));
    let Some(output) = output else {
        tell("the profile plugin needs out=PATH");
        return 1;
    };
    with_state(|state| state.output = Some(output));
    // SAFETY: the id is the one that QEMU gave, and the functions have the form that it asks for.
    unsafe {
        qemu::qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
        qemu::qemu_plugin_register_atexit_cb(id, ended, std::ptr::null_mut());
    }
    0
}

/// QEMU has translated a block: each instruction of it gets its counter.
extern "C" fn translated(_id: u64, block: *mut qemu::Block) {
    with_state(|state| {
        // SAFETY: the block is QEMU's, and valid until this function returns.
        let instructions = unsafe { qemu::instructions(block) };
        let Some(first) = instructions.first() else { return };
        let space = state.counts.space(first.address, &|| first.page());
        for instruction in &instructions {
            let counter = state.counts.counter(space, instruction.address);
            // SAFETY: the counter is never moved or freed, and QEMU adds to it from one thread.
            unsafe { instruction.add_one(counter) };
            if let Some(mark) = profile::mark_of(instruction.code()) {
                let number = match mark {
                    Mark::Begin => 0,
                    Mark::End => 1,
                };
                // SAFETY: the function has the form that QEMU asks for.
                unsafe { instruction.call(marked, number) };
            }
        }
    });
}

/// The guest executes a mark.
extern "C" fn marked(_cpu: c_uint, number: *mut c_void) {
    let mark = if number.is_null() { Mark::Begin } else { Mark::End };
    with_state(|state| state.counts.mark(mark));
}

/// Says it on QEMU's standard error, if that is open: a panic would end QEMU.
fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// QEMU ends.
extern "C" fn ended(_id: u64, _data: *mut c_void) {
    with_state(|state| {
        let Some(output) = &state.output else { return };
        if let Err(error) = std::fs::write(output, state.counts.to_text()) {
            tell(&format!("writing the profile {}: {error}", output.display()));
        }
    });
}
