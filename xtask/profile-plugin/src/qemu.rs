//! What is used of QEMU's plugin interface, `qemu-plugin.h` of its version 1. QEMU has the functions; they are found when it
//! loads the plugin.

use std::ffi::{c_int, c_uint, c_void};

/// A translated block.
#[repr(C)]
pub(crate) struct Block {
    _opaque: [u8; 0],
}

#[repr(C)]
struct Instruction {
    _opaque: [u8; 0],
}

/// `QEMU_PLUGIN_INLINE_ADD_U64`.
const ADD_U64: c_int = 0;
/// `QEMU_PLUGIN_CB_NO_REGS`: what is called looks at no register.
const NO_REGISTERS: c_int = 0;

/// Where the guest's pages end at the latest: a host address within one belongs to no other.
const PAGE_BYTES: usize = 4096;

unsafe extern "C" {
    pub(crate) fn qemu_plugin_register_vcpu_tb_trans_cb(id: u64, call: extern "C" fn(u64, *mut Block));
    pub(crate) fn qemu_plugin_register_atexit_cb(
        id: u64,
        call: extern "C" fn(u64, *mut c_void),
        data: *mut c_void,
    );
    fn qemu_plugin_register_vcpu_insn_exec_inline(
        instruction: *mut Instruction,
        operation: c_int,
        counter: *mut c_void,
        number: u64,
    );
    fn qemu_plugin_register_vcpu_insn_exec_cb(
        instruction: *mut Instruction,
        call: extern "C" fn(c_uint, *mut c_void),
        flags: c_int,
        data: *mut c_void,
    );
    fn qemu_plugin_tb_n_insns(block: *const Block) -> usize;
    fn qemu_plugin_tb_get_insn(block: *const Block, at: usize) -> *mut Instruction;
    fn qemu_plugin_insn_vaddr(instruction: *const Instruction) -> u64;
    fn qemu_plugin_insn_haddr(instruction: *const Instruction) -> *const u8;
    fn qemu_plugin_insn_data(instruction: *const Instruction) -> *const u8;
    fn qemu_plugin_insn_size(instruction: *const Instruction) -> usize;
}

/// An instruction of a block that QEMU is translating.
pub(crate) struct Translated {
    handle: *mut Instruction,
    /// Its address in the guest.
    pub(crate) address: u64,
}

/// The instructions of a block, in order.
///
/// # Safety
/// The block must be the one that QEMU has just handed over; the instructions are valid as long as it is.
pub(crate) unsafe fn instructions(block: *const Block) -> Vec<Translated> {
    // SAFETY: the block is valid, as the caller promises.
    let count = unsafe { qemu_plugin_tb_n_insns(block) };
    let one = |at| {
        // SAFETY: the block has so many.
        let handle = unsafe { qemu_plugin_tb_get_insn(block, at) };
        // SAFETY: the handle is one that QEMU gave for this block.
        Translated { handle, address: unsafe { qemu_plugin_insn_vaddr(handle) } }
    };
    (0..count).map(one).collect()
}

impl Translated {
    /// Its bytes.
    pub(crate) fn code(&self) -> &[u8] {
        // SAFETY: the handle is valid, and QEMU keeps as many bytes as it says for as long as the block.
        unsafe {
            std::slice::from_raw_parts(qemu_plugin_insn_data(self.handle), qemu_plugin_insn_size(self.handle))
        }
    }

    /// The guest's page in which it lies, if that is memory.
    pub(crate) fn page(&self) -> Option<[u8; PAGE_BYTES]> {
        // SAFETY: the handle is valid.
        let within = unsafe { qemu_plugin_insn_haddr(self.handle) };
        if within.is_null() {
            return None;
        }
        let start = within.wrapping_sub(within.addr() % PAGE_BYTES);
        // SAFETY: QEMU maps the guest's memory in whole pages, and the guest executes nothing while it is being translated.
        Some(unsafe { start.cast::<[u8; PAGE_BYTES]>().read() })
    }

    /// Has one added to the counter each time the guest executes it.
    ///
    /// # Safety
    /// The counter must live as long as QEMU.
    pub(crate) unsafe fn add_one(&self, counter: *mut u64) {
        // SAFETY: the handle is valid, and the counter as the caller promises.
        unsafe { qemu_plugin_register_vcpu_insn_exec_inline(self.handle, ADD_U64, counter.cast(), 1) }
    }

    /// Has `call` called with `number` each time before the guest executes it.
    ///
    /// # Safety
    /// The function must not unwind.
    pub(crate) unsafe fn call(&self, call: extern "C" fn(c_uint, *mut c_void), number: usize) {
        let data = std::ptr::without_provenance_mut(number);
        // SAFETY: the handle is valid, and the number is only a number.
        unsafe { qemu_plugin_register_vcpu_insn_exec_cb(self.handle, call, NO_REGISTERS, data) }
    }
}
