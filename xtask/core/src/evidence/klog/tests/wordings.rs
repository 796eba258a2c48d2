//! The wordings of the kernel's reports, each from the function that prints it, and what is made of them.

use super::{findings, short, stamped};

/// Rows of (who prints it, the text, the findings with ` | ` between them). In a text `{trace}` stands for a stack that was
/// asked for, `{oops}` for the registers and the stack of an exception; both are those of `fuse_put`.
type Rows = &'static [(&'static str, &'static str, &'static str)];

const TRACE: &str = "CPU: 0 PID: 7 Comm: dd\nCall Trace:\n dump_stack_lvl+0x1/0x2\n fuse_put+0x1/0x2";
const OOPS: &str = "CPU: 0 PID: 7 Comm: dd Not tainted\nRIP: 0010:fuse_put+0x1/0x2\nCall Trace:\n <TASK>\n other+0x1/0x2\n \
                    </TASK>\n---[ end trace 0000000000000000 ]---";

/// Exceptions of x86.
const X86: Rows = &[
    (
        "arch/x86/mm/fault.c: show_fault_oops()",
        "BUG: kernel NULL pointer dereference, address: 0000000000000008\n\
         #PF: supervisor read access in kernel mode\nOops: Oops: 0000 [#1] SMP\n{oops}",
        "oops: BUG: kernel NULL pointer dereference in fuse_put",
    ),
    (
        "arch/x86/mm/fault.c: show_fault_oops()",
        "BUG: unable to handle page fault for address: ffff888001234567\nOops: 0002 [#1] PREEMPT SMP\n{oops}",
        "oops: BUG: unable to handle page fault in fuse_put",
    ),
    (
        "arch/x86/mm/fault.c of 4.19: show_fault_oops()",
        "BUG: unable to handle kernel NULL pointer dereference at 0000000000000008\nPGD 0 P4D 0\n\
         Oops: 0000 [#1] SMP PTI\n{oops}",
        "oops: BUG: kernel NULL pointer dereference in fuse_put",
    ),
    (
        "arch/x86/mm/fault.c of 3.10: show_fault_oops()",
        "BUG: unable to handle kernel paging request at ffff888001234567\n\
         IP: [<ffffffff81234567>] fuse_put+0x1/0x2\nOops: 0000 [#1] SMP",
        "oops: BUG: unable to handle page fault in fuse_put",
    ),
    (
        "arch/x86/mm/fault.c of 4.19: show_fault_oops()",
        "kernel tried to execute NX-protected page - exploit attempt? (uid: 0)\n\
         BUG: unable to handle kernel paging request at ffff888001234567\nOops: 0011 [#1] SMP\n{oops}",
        "oops: BUG: unable to handle page fault in fuse_put",
    ),
    (
        "arch/x86/kernel/traps.c: exc_general_protection()",
        "Oops: general protection fault, probably for non-canonical address 0xdffffc0000000000: 0000 [#1] SMP KASAN\n\
         KASAN: null-ptr-deref in range [0x0000000000000000-0x0000000000000007]\n{oops}",
        "oops: general protection fault in fuse_put",
    ),
    (
        "arch/x86/kernel/traps.c of 4.19: do_general_protection()",
        "kasan: GPF could be caused by NULL-ptr deref or user memory access\n\
         general protection fault: 0000 [#1] PREEMPT SMP KASAN\n{oops}",
        "oops: general protection fault in fuse_put",
    ),
    (
        "arch/x86/kernel/traps.c: exc_divide_error()",
        "Oops: divide error: 0000 [#1] SMP\n{oops}",
        "oops: divide error in fuse_put",
    ),
    (
        "arch/x86/kernel/traps.c of 5.15: exc_divide_error()",
        "divide error: 0000 [#1] SMP\n{oops}",
        "oops: divide error in fuse_put",
    ),
    (
        "arch/x86/kernel/traps.c: exc_stack_segment()",
        "Oops: stack segment: 0000 [#1] SMP\n{oops}",
        "oops: stack segment fault in fuse_put",
    ),
    (
        "arch/x86/kernel/traps.c: exc_alignment_check()",
        "alignment check: 0000 [#1] SMP\n{oops}",
        "oops: alignment check in fuse_put",
    ),
    (
        "arch/x86/kernel/traps.c: exc_invalid_tss()",
        "invalid TSS: 0000 [#1] SMP\n{oops}",
        "oops: invalid TSS in fuse_put",
    ),
    (
        "arch/x86/kernel/traps.c: exc_segment_not_present()",
        "segment not present: 0018 [#1] SMP\n{oops}",
        "oops: segment not present in fuse_put",
    ),
    ("arch/x86/kernel/traps.c: exc_bounds()", "bounds: 0000 [#1] SMP\n{oops}", "oops: bounds in fuse_put"),
    ("arch/x86/kernel/traps.c: exc_int3()", "int3: 0000 [#1] SMP\n{oops}", "oops: int3 in fuse_put"),
    (
        "arch/x86/kernel/traps.c: exc_double_fault()",
        "traps: PANIC: double fault, error_code: 0x0\nOops: double fault: 0000 [#1] SMP\n{oops}\n\
         Kernel panic - not syncing: Fatal exception in interrupt",
        "oops: double fault in fuse_put",
    ),
    (
        "arch/x86/kernel/traps.c of 2.6: do_double_fault()",
        "double fault: 0000 [1] SMP\n{oops}",
        "oops: double fault in fuse_put",
    ),
    (
        "arch/x86/kernel/traps.c: handle_stack_overflow()",
        "BUG: TASK stack guard page was hit at 00000000c0ffee00 (stack is 0000000000000000..0000000000004000)\n\
         Oops: stack guard page: 0000 [#1] SMP\n{oops}\nKernel panic - not syncing: TASK stack guard hit",
        "oops: BUG: stack guard page was hit in fuse_put",
    ),
    (
        "arch/x86/kernel/traps.c of 4.19: handle_stack_overflow()",
        "BUG: stack guard page was hit at 00000000c0ffee00 (stack is 0000000000000000..0000000000004000)\n\
         kernel stack overflow (double-fault): 0000 [#1] SMP\n{oops}",
        "oops: BUG: stack guard page was hit in fuse_put",
    ),
    (
        "arch/x86/kernel/traps.c: exc_invalid_op()",
        "invalid opcode: 0000 [#1] SMP\n{oops}",
        "oops: invalid opcode in fuse_put",
    ),
    (
        "arch/x86/kernel/cet.c: do_kernel_cp_fault()",
        "Missing ENDBR: fuse_get+0x0/0x2\n------------[ cut here ]------------\n\
         kernel BUG at arch/x86/kernel/cet.c:133!\nOops: invalid opcode: 0000 [#1] SMP\n{oops}",
        "oops: kernel BUG in fuse_put",
    ),
    (
        "arch/x86/mm/fault.c: pgtable_bad()",
        "dd: Corrupted page table at address 7f0000000000\nPGD 1 P4D 1\nOops: Bad pagetable: 000d [#1] SMP\n\
         {oops}",
        "oops: Oops in fuse_put",
    ),
    (
        "arch/x86/mm/extable.c: ex_handler_msr()",
        "unchecked MSR access error: WRMSR to 0x1b0 (tried to write 0x0000000000000006) at rIP: 0xffffffff81234567 (native_write_msr+0x4/0x20)\n\
         Call Trace:\n <TASK>\n fuse_put+0x1/0x2",
        "warning: unchecked MSR access error in fuse_put",
    ),
    (
        "arch/x86/mm/extable.c: early_fixup_exception()",
        "PANIC: early exception 0x0e IP 10:ffffffff81234567 error 0 cr2 0x8\nCPU: 0 PID: 0 Comm: swapper\n\
         RIP: 0010:fuse_put+0x1/0x2",
        "oops: early exception in fuse_put",
    ),
    (
        "lib/bug.c: __report_bug()",
        "------------[ cut here ]------------\nkernel BUG at fs/fuse/dev.c:77!\n\
         Oops: invalid opcode: 0000 [#1] SMP\n{oops}",
        "oops: kernel BUG in fuse_put",
    ),
    (
        "lib/bug.c: __report_bug(), without CONFIG_DEBUG_BUGVERBOSE",
        "------------[ cut here ]------------\nKernel BUG at fuse_put+0x1/0x2 [verbose debug info unavailable]\n\
         invalid opcode: 0000 [#1] SMP\n{oops}",
        "oops: kernel BUG in fuse_put",
    ),
    (
        "include/asm-generic/bug.h: BUG()",
        "BUG: failure at fs/fuse/dev.c:77/fuse_put()!\nKernel panic - not syncing: BUG!\nCPU: 0\nCall Trace:\n panic+0x1/0x2\n fuse_put+0x1/0x2",
        "oops: kernel BUG in fuse_put",
    ),
];

/// Exceptions of other architectures.
const OTHERS: Rows = &[
    (
        "arch/arm64/mm/fault.c: die_kernel_fault()",
        "Unable to handle kernel NULL pointer dereference at virtual address 0000000000000008\nMem abort info:\n  ESR = 0x0000000096000005\n\
         Internal error: Oops: 0000000096000005 [#1]  SMP\npc : fuse_put+0x1/0x2\nlr : other+0x1/0x2",
        "oops: BUG: unable to handle kernel access in fuse_put",
    ),
    (
        "arch/arm64/mm/fault.c: die_kernel_fault()",
        "Unable to handle kernel read from unreadable memory at virtual address 0000000000000008\n\
         Mem abort info:\nInternal error: Oops: 96000004 [#1] PREEMPT SMP\npc : fuse_put+0x1/0x2",
        "oops: BUG: unable to handle kernel access in fuse_put",
    ),
    (
        "arch/arm64/kernel/traps.c: bug_brk_handler()",
        "------------[ cut here ]------------\nkernel BUG at fs/fuse/dev.c:77!\n\
         Internal error: Oops - BUG: 00000000f2000800 [#1]  SMP\npc : fuse_put+0x1/0x2",
        "oops: kernel BUG in fuse_put",
    ),
    (
        "arch/arm64/kernel/traps.c: do_el1_undef()",
        "Internal error: Oops - Undefined instruction: 0000000002000000 [#1]  SMP\npc : fuse_put+0x1/0x2",
        "oops: Internal error: Oops - Undefined instruction in fuse_put",
    ),
    (
        "arch/arm64/kernel/traps.c: do_el1_bti()",
        "Internal error: Oops - BTI: 0000000036000002 [#1]  SMP\npc : fuse_put+0x1/0x2",
        "oops: Internal error: Oops - BTI in fuse_put",
    ),
    (
        "arch/arm64/kernel/traps.c of 5.10: bad_mode()",
        "Bad mode in Synchronous Abort handler detected on CPU0, code 0x86000005 -- IABT (current EL)\n\
         Internal error: Oops - bad mode: 0 [#1] PREEMPT SMP\npc : fuse_put+0x1/0x2",
        "oops: bad mode in fuse_put",
    ),
    (
        "arch/arm64/kernel/traps.c: panic_bad_stack()",
        "Insufficient stack space to handle exception!\nESR: 0x0000000096000047 -- DABT (current EL)\n\
         CPU: 0 PID: 7 Comm: dd\npc : fuse_put+0x1/0x2\nKernel panic - not syncing: kernel stack overflow\n\
         CPU: 0\nCall trace:\n dump_backtrace+0x1/0x2\n panic_bad_stack+0x1/0x2\n fuse_put+0x1/0x2",
        "panic: Kernel panic - not syncing: kernel stack overflow in fuse_put",
    ),
    (
        "arch/arm64/kernel/traps.c: arm64_serror_panic()",
        "SError Interrupt on CPU0, code 0x00000000be000011 -- SError\nCPU: 0\npc : fuse_put+0x1/0x2\n\
         Kernel panic - not syncing: Asynchronous SError Interrupt\nCPU: 0\nCall trace:\n panic+0x1/0x2\n arm64_serror_panic+0x1/0x2\n do_serror+0x1/0x2\n el1h_64_error+0x1/0x2\n fuse_put+0x1/0x2",
        "panic: Kernel panic - not syncing: Asynchronous SError Interrupt in fuse_put",
    ),
    (
        "arch/arm/mm/fault.c: die_kernel_fault()",
        "8<--- cut here ---\n\
         Unable to handle kernel NULL pointer dereference at virtual address 00000008 when read\n\
         [00000008] *pgd=00000000\nInternal error: Oops: 5 [#1] SMP ARM\nPC is at fuse_put+0x1/0x2\n\
         LR is at other+0x1/0x2",
        "oops: BUG: unable to handle kernel access in fuse_put",
    ),
    (
        "arch/arm/mm/fault.c: do_DataAbort()",
        "Unhandled fault: external abort on non-linefetch (0x008) at 0xc0123456\n\
         Internal error: : 8 [#1] SMP ARM\nPC is at fuse_put+0x1/0x2",
        "oops: Unhandled fault: external abort on non-linefetch (ADDR) at ADDR in fuse_put",
    ),
    (
        "arch/arm/mm/fault.c: do_PrefetchAbort()",
        "Unhandled prefetch abort: breakpoint debug exception (0x002) at 0x00000000\n\
         Internal error: Oops: 2 [#1]\nPC is at fuse_put+0x1/0x2",
        "oops: Unhandled prefetch abort: breakpoint debug exception (ADDR) at ADDR in fuse_put",
    ),
    (
        "arch/arm/kernel/traps.c: do_undefinstr()",
        "Internal error: Oops - undefined instruction: 0 [#1] ARM\nPC is at fuse_put+0x1/0x2",
        "oops: Internal error: Oops - undefined instruction in fuse_put",
    ),
    (
        "arch/arm/vfp/vfpmodule.c: vfp_kmode_exception()",
        "BUG: unsupported FP instruction in kernel mode\n\
         Internal error: Oops - undefined instruction: 0 [#1] ARM\nPC is at fuse_put+0x1/0x2",
        "bug: BUG: unsupported FP instruction in kernel mode in fuse_put",
    ),
    (
        "arch/riscv/mm/fault.c: die_kernel_fault()",
        "Unable to handle kernel NULL pointer dereference at virtual address 0000000000000008\nOops [#1]\n\
         epc : fuse_put+0x1/0x2\n ra : other+0x1/0x2",
        "oops: BUG: unable to handle kernel access in fuse_put",
    ),
    (
        "arch/riscv/kernel/traps.c: do_trap_break()",
        "------------[ cut here ]------------\nkernel BUG at fs/fuse/dev.c:77!\nKernel BUG [#1]\n\
         epc : fuse_put+0x1/0x2",
        "oops: kernel BUG in fuse_put",
    ),
    (
        "arch/riscv/kernel/traps.c: do_trap_insn_illegal()",
        "Oops - illegal instruction [#1]\nepc : fuse_put+0x1/0x2",
        "oops: Oops in fuse_put",
    ),
    (
        "arch/powerpc/mm/fault.c: __bad_page_fault()",
        "BUG: Kernel NULL pointer dereference on read at 0x00000008\n\
         Faulting instruction address: 0xc000000000123456\nOops: Kernel access of bad area, sig: 11 [#1]\n\
         NIP:  c000000000123456 LR: c000000000234567 CTR: 0000000000000000\n\
         NIP [c000000000123456] fuse_put+0x1/0x2\nLR [c000000000234567] other+0x1/0x2\nCall Trace:\n\
         [c000000012345678] [c000000000234567] other+0x1/0x2 (unreliable)",
        "oops: BUG: kernel NULL pointer dereference in fuse_put",
    ),
    (
        "arch/powerpc/mm/fault.c: __bad_page_fault()",
        "BUG: Unable to handle kernel data access on write at 0xdeadbeef00000000\n\
         Faulting instruction address: 0xc000000000123456\nOops: Kernel access of bad area, sig: 11 [#1]\n\
         NIP [c000000000123456] fuse_put+0x1/0x2",
        "oops: BUG: unable to handle page fault in fuse_put",
    ),
    (
        "arch/powerpc/mm/fault.c of 4.19: bad_page_fault()",
        "Unable to handle kernel paging request for data at address 0x00000008\n\
         Faulting instruction address: 0xc000000000123456\nOops: Kernel access of bad area, sig: 11 [#1]\n\
         NIP [c000000000123456] fuse_put+0x1/0x2",
        "oops: BUG: unable to handle kernel access in fuse_put",
    ),
    (
        "arch/powerpc/kernel/traps.c: program_check_exception()",
        "------------[ cut here ]------------\nkernel BUG at fs/fuse/dev.c:77!\n\
         Oops: Exception in kernel mode, sig: 5 [#1]\nNIP [c000000000123456] fuse_put+0x1/0x2",
        "oops: kernel BUG in fuse_put",
    ),
    (
        "arch/s390/mm/fault.c: do_no_context()",
        "Unable to handle kernel pointer dereference in virtual kernel address space\n\
         Failing address: 0000000000000000 TEID: 0000000000000483\n\
         Fault in home space mode while using kernel ASCE.\nOops: 0004 ilc:2 [#1] SMP\nModules linked in:\n\
         Krnl PSW : 0704c00180000000 000003ff80123456 (fuse_put+0x12/0x34 [fuse])\nCall Trace:\n [<000003ff80123456>] other+0x1/0x2",
        "oops: BUG: unable to handle kernel access in fuse_put",
    ),
    (
        "arch/s390/kernel/traps.c: illegal_op()",
        "illegal operation: 0001 ilc:1 [#1] SMP\nModules linked in:\n\
         Krnl PSW : 0704c00180000000 000003ff80123456 (fuse_put+0x12/0x34)",
        "oops: illegal operation in fuse_put",
    ),
    (
        "arch/s390/kernel/traps.c: monitor_event_exception()",
        "------------[ cut here ]------------\nkernel BUG at fs/fuse/dev.c:77!\n\
         monitor event: 0040 ilc:2 [#1] SMP\nKrnl PSW : 0704c00180000000 000003ff80123456 (fuse_put+0x12/0x34)",
        "oops: kernel BUG in fuse_put",
    ),
    (
        "arch/mips/mm/fault.c: __do_page_fault()",
        "CPU 0 Unable to handle kernel paging request at virtual address 00000008, epc == 80123456, ra == 80234567\n\
         Oops[#1]:\nCPU: 0 PID: 7 Comm: dd\nepc   : 80123456 fuse_put+0x12/0x34\nra    : 80234567 other+0x1/0x2",
        "oops: BUG: unable to handle kernel access in fuse_put",
    ),
    (
        "arch/mips/kernel/traps.c: do_trap_or_bp()",
        "Kernel bug detected[#1]:\nCPU: 0 PID: 7 Comm: dd\nepc   : 80123456 fuse_put+0x12/0x34\n\
         ra    : 80234567 other+0x1/0x2",
        "oops: kernel BUG in fuse_put",
    ),
    (
        "arch/mips/kernel/traps.c: do_ri()",
        "Reserved instruction in kernel code[#1]:\nCPU: 0 PID: 7 Comm: dd\nepc   : 80123456 fuse_put+0x12/0x34",
        "oops: Reserved instruction in kernel code in fuse_put",
    ),
    (
        "arch/loongarch/mm/fault.c: no_context()",
        "CPU 0 Unable to handle kernel paging request at virtual address 0000000000000008, era == 9000000000221234, ra == 9000000000221200\n\
         Oops[#1]:\nCPU: 0 PID: 7 Comm: dd\n   ra: 9000000000221200 other+0x1/0x2\n  ERA: 9000000000221234 fuse_put+0x12/0x34",
        "oops: BUG: unable to handle kernel access in fuse_put",
    ),
    (
        "arch/sparc/mm/fault_64.c: unhandled_fault()",
        "Unable to handle kernel NULL pointer dereference\ntsk->{mm,active_mm}->context = 0000000000000001\n\
         dd(7): Oops [#1]\nTPC: <fuse_put+0x12/0x34>\nRPC: <other+0x1/0x2>",
        "oops: BUG: unable to handle kernel access in fuse_put",
    ),
];

/// WARN(), and lines that begin as its header does.
const WARNINGS: Rows = &[
    (
        "kernel/panic.c: __warn()",
        "------------[ cut here ]------------\n\
         WARNING: CPU: 0 PID: 7 at fs/fuse/dev.c:77 fuse_put+0x1/0x2 [fuse]\nModules linked in:\n{oops}",
        "warning: WARNING in fuse_put",
    ),
    (
        "kernel/panic.c of 7.3: __warn()",
        "------------[ cut here ]------------\n\
         WARNING: fs/fuse/dev.c:77 at fuse_put+0x1/0x2 [fuse], CPU#0: dd/7\nModules linked in:\n{oops}",
        "warning: WARNING in fuse_put",
    ),
    (
        "kernel/panic.c of 7.3: __warn()",
        "------------[ cut here ]------------\nWARNING: at fuse_put+0x1/0x2, CPU#0: Web Content/7\n\
         Modules linked in:\n{oops}",
        "warning: WARNING in fuse_put",
    ),
    (
        "kernel/panic.c of 3.2: warn_slowpath_common()",
        "------------[ cut here ]------------\nWARNING: at fs/fuse/dev.c:77 fuse_put+0x1/0x2()\n\
         Hardware name: x\nPid: 7, comm: dd Not tainted 3.2.0\nCall Trace:\n [<ffffffff81234567>] warn_slowpath_common+0x1/0x2\n [<ffffffff81234567>] fuse_put+0x1/0x2\n\
         ---[ end trace 0 ]---",
        "warning: WARNING in fuse_put",
    ),
    (
        "kernel/panic.c: __warn_printk()",
        "------------[ cut here ]------------\nrefcount_t: addition on 0; use-after-free.\n\
         WARNING: CPU: 0 PID: 7 at lib/refcount.c:25 refcount_warn_saturate+0x1/0x2\nModules linked in:\n\
         RIP: 0010:refcount_warn_saturate+0x1/0x2\nCall Trace:\n fuse_put+0x1/0x2",
        "refcount: refcount_t: addition on N; use-after-free in fuse_put",
    ),
    (
        "kernel/panic.c of 4.14: __warn()",
        "------------[ cut here ]------------\n\
         WARNING: CPU: 0 PID: 7 at lib/refcount.c:153 refcount_inc+0x1/0x2\n\
         refcount_t: increment on 0; use-after-free.\nModules linked in:\nCall Trace:\n fuse_put+0x1/0x2",
        "refcount: refcount_t: increment on N; use-after-free in fuse_put",
    ),
    (
        "lib/debugobjects.c: debug_print_object()",
        "------------[ cut here ]------------\n\
         ODEBUG: free active (active state 0) object: 0000000012345678 object type: timer_list hint: f+0x0/0x1\n\
         WARNING: CPU: 0 PID: 7 at lib/debugobjects.c:612 debug_print_object+0x1/0x2\nModules linked in:\n\
         RIP: 0010:debug_print_object+0x1/0x2\nCall Trace:\n __debug_check_no_obj_freed+0x1/0x2\n kfree+0x1/0x2\n fuse_put+0x1/0x2",
        "warning: WARNING in fuse_put",
    ),
    (
        "kernel/locking/lockdep.c: DEBUG_LOCKS_WARN_ON()",
        "------------[ cut here ]------------\nDEBUG_LOCKS_WARN_ON(1)\n\
         WARNING: CPU: 0 PID: 7 at kernel/locking/lockdep.c:232 __lock_acquire+0x1/0x2\n\
         RIP: 0010:__lock_acquire+0x1/0x2\nCall Trace:\n lock_acquire+0x1/0x2\n _raw_spin_lock+0x1/0x2\n fuse_put+0x1/0x2",
        "lockdep: DEBUG_LOCKS_WARN_ON(N) in fuse_put",
    ),
    (
        "fs/dcache.c: umount_check()",
        "------------[ cut here ]------------\n\
         BUG: Dentry ffff888001234567{i=1,n=x}  still in use (1) [unmount of fuse fuse]\n\
         WARNING: CPU: 0 PID: 7 at fs/dcache.c:1640 umount_check+0x1/0x2\n{oops}",
        "bug: BUG: Dentry still in use in umount_check",
    ),
    (
        "arch/x86/kernel/unwind_frame.c: unwind_next_frame()",
        "WARNING: kernel stack regs at 00000000abcdef01 in dd:7 has bad 'bp' value 00000000abcdef02",
        "warning: WARNING: kernel stack regs have a bad value",
    ),
    ("arch/x86/kernel/dumpstack_64.c: get_stack_info()", "WARNING: stack recursion on stack type 4", ""),
    (
        "include/linux/rtnetlink.h of 4.14: ASSERT_RTNL()",
        "RTNL: assertion failed at net/core/dev.c (77)\n{trace}",
        "warning: RTNL: assertion failed in fuse_put",
    ),
    (
        "kernel/time/timekeeping.c: timekeeping_check_update()",
        "WARNING: Underflow in clocksource 'tsc' observed, time update ignored.",
        "",
    ),
    (
        "net/core/pktgen.c: pktgen_remove_device()",
        "WARNING: trying to remove a running interface, stopping it now",
        "",
    ),
    ("arch/powerpc/mm/init_64.c: early_check_vec5()", "WARNING: Ignoring cmdline option disable_radix", ""),
    (
        "arch/mips/mti-malta/malta-setup.c: pci_clock_check()",
        "WARNING: PCI clock is 33MHz, setting pci_clock",
        "",
    ),
    (
        "kernel/workqueue.c: __warn_flushing_systemwide_wq()",
        "WARNING: Flushing system-wide workqueues will be prohibited in near future.\n{trace}",
        "",
    ),
    (
        "fs/namespace.c: warn_mandlock()",
        "=======================================================\n\
         WARNING: The mand mount option has been deprecated and\n         and is ignored by this kernel. Remove the mand\n         option from the mount to silence this warning.\n\
         =======================================================",
        "",
    ),
    (
        "fs/dlm/lockspace.c: new_lockspace()",
        "===============================================================\n\
         WARNING: the dlm DLM_LSFL_TIMEWARN flag is being deprecated and\n         will be removed in v6.2!\n\
         ===============================================================",
        "",
    ),
];

/// Locking rules.
const LOCKING: Rows = &[
    (
        "kernel/locking/lockdep.c: print_circular_bug_header()",
        "======================================================\n\
         WARNING: possible circular locking dependency detected\n6.12.0 #1 Not tainted\n\
         ------------------------------------------------------\ndd/7 is trying to acquire lock:\n\
         ffff888001234567 (&a){+.+.}-{4:4}, at: fuse_put+0x1/0x2",
        "lockdep: WARNING: possible circular locking dependency detected in fuse_put",
    ),
    (
        "kernel/locking/lockdep.c of 4.9: print_circular_bug_header()",
        "======================================================\n\
         [ INFO: possible circular locking dependency detected ]\n4.9.0 #1 Not tainted\n\
         -------------------------------------------------------\ndd/7 is trying to acquire lock:\n (&a){+.+.+.}, at: [<ffffffff81234567>] fuse_put+0x1/0x2",
        "lockdep: INFO: possible circular locking dependency detected in fuse_put",
    ),
    (
        "kernel/locking/lockdep.c: print_deadlock_bug()",
        "============================================\nWARNING: possible recursive locking detected\n\
         6.12.0 #1 Not tainted\n--------------------------------------------\ndd/7 is trying to acquire lock:\n\
         ffff888001234567 (&a){+.+.}-{4:4}, at: fuse_put+0x1/0x2",
        "lockdep: WARNING: possible recursive locking detected in fuse_put",
    ),
    (
        "kernel/locking/lockdep.c: print_usage_bug()",
        "================================\nWARNING: inconsistent lock state\n6.12.0 #1 Not tainted\n\
         --------------------------------\ninconsistent {SOFTIRQ-ON-W} -> {IN-SOFTIRQ-W} usage.\n\
         dd/7 [HC0[0]:SC1[1]:HE1:SE0] takes:\nffff888001234567 (&a){+.?.}-{3:3}, at: fuse_put+0x1/0x2",
        "lockdep: WARNING: inconsistent lock state in fuse_put",
    ),
    (
        "kernel/locking/lockdep.c: print_irq_inversion_bug(), an excerpt",
        "========================================================\n\
         WARNING: possible irq lock inversion dependency detected\n\
         dd/7 just changed the state of lock:\nffff888001234567 (&a){-...}-{3:3}, at: fuse_put+0x1/0x2",
        "lockdep: WARNING: possible irq lock inversion dependency detected in fuse_put",
    ),
    (
        "kernel/locking/lockdep.c: print_bad_irq_dependency()",
        "=====================================================\n\
         WARNING: SOFTIRQ-safe -> SOFTIRQ-unsafe lock order detected\n6.12.0 #1 Not tainted\n\
         -----------------------------------------------------\n\
         dd/7 [HC0[0]:SC0[2]:HE0:SE0] is trying to acquire:\n\
         ffff888001234567 (&a){+.+.}-{3:3}, at: fuse_put+0x1/0x2\n\nand this task is already holding:\n\
         ffff888001234568 (&b){..-.}-{3:3}, at: other+0x1/0x2",
        "lockdep: WARNING: SOFTIRQ-safe -> SOFTIRQ-unsafe lock order detected in fuse_put",
    ),
    (
        "kernel/locking/lockdep.c: print_irq_inversion_bug()",
        "========================================================\n\
         WARNING: possible irq lock inversion dependency detected\n6.12.0 #1 Not tainted\n\
         --------------------------------------------------------\ndd/7 just changed the state of lock:\n\
         ffff888001234567 (&a){..-.}-{3:3}, at: fuse_put+0x1/0x2",
        "lockdep: WARNING: possible irq lock inversion dependency detected in fuse_put",
    ),
    (
        "kernel/locking/lockdep.c: lockdep_rcu_suspicious()",
        "=============================\nWARNING: suspicious RCU usage\n6.12.0 #1 Not tainted\n\
         -----------------------------\nfs/fuse/dev.c:77 suspicious rcu_dereference_check() usage!\n\
         1 lock held by dd/7:\n #0: ffff888001234567 (&b){+.+.}-{4:4}, at: other+0x1/0x2\n\nstack backtrace:\n\
         CPU: 0\nCall Trace:\n dump_stack_lvl+0x1/0x2\n lockdep_rcu_suspicious+0x1/0x2\n fuse_put+0x1/0x2",
        "lockdep: WARNING: suspicious RCU usage in fuse_put",
    ),
    (
        "kernel/lockdep.c of 2.6: lockdep_rcu_dereference()",
        "===================================================\n\
         [ INFO: suspicious rcu_dereference_check() usage. ]\n\
         ---------------------------------------------------\n\
         fs/fuse/dev.c:77 invoked rcu_dereference_check() without protection!\n{trace}",
        "lockdep: INFO: suspicious rcu_dereference_check() usage in fuse_put",
    ),
    (
        "kernel/locking/lockdep.c: print_lock_invalid_wait_context()",
        "=============================\n[ BUG: Invalid wait context ]\n6.12.0 #1 Not tainted\n\
         -----------------------------\ndd/7 is trying to lock:\n\
         ffff888001234567 (&a){....}-{3:3}, at: fuse_put+0x1/0x2",
        "lockdep: BUG: Invalid wait context in fuse_put",
    ),
    (
        "kernel/locking/lockdep.c: print_unlock_imbalance_bug()",
        "=====================================\nWARNING: bad unlock balance detected!\n6.12.0 #1 Not tainted\n\
         -------------------------------------\ndd/7 is trying to release lock (&a) at:\n\
         [<ffffffff81234567>] fuse_put+0x1/0x2\nbut there are no more locks to release!",
        "lockdep: WARNING: bad unlock balance detected in fuse_put",
    ),
    (
        "kernel/locking/lockdep.c of 4.9: print_unlock_imbalance_bug()",
        "=====================================\n[ BUG: bad unlock balance detected! ]\n4.9.0 #1 Not tainted\n\
         -------------------------------------\ndd/7 is trying to release lock (&a) at:\n\
         [<ffffffff81234567>] fuse_put+0x1/0x2\nbut there are no more locks to release!",
        "lockdep: BUG: bad unlock balance detected in fuse_put",
    ),
    (
        "kernel/locking/lockdep.c: print_lock_contention_bug()",
        "=================================\nWARNING: bad contention detected!\n6.12.0 #1 Not tainted\n\
         ---------------------------------\ndd/7 is trying to contend lock (&a) at:\n\
         [<ffffffff81234567>] fuse_put+0x1/0x2\nbut there are no locks held!",
        "lockdep: WARNING: bad contention detected in fuse_put",
    ),
    (
        "kernel/locking/lockdep.c: print_freed_lock_bug()",
        "=========================\nWARNING: held lock freed!\n6.12.0 #1 Not tainted\n-------------------------\n\
         dd/7 is freeing memory ffff888001234500-ffff8880012345ff, with a lock still held there!\n\
         ffff888001234567 (&a){+.+.}-{4:4}, at: other+0x1/0x2\n1 lock held by dd/7:\n #0: ffff888001234567 (&a){+.+.}-{4:4}, at: other+0x1/0x2\n\
         \nstack backtrace:\nCPU: 0\nCall Trace:\n dump_stack_lvl+0x1/0x2\n debug_check_no_locks_freed+0x1/0x2\n kfree+0x1/0x2\n fuse_put+0x1/0x2",
        "lockdep: WARNING: held lock freed in fuse_put",
    ),
    (
        "kernel/locking/lockdep.c: lockdep_sys_exit()",
        "================================================\nWARNING: lock held when returning to user space!\n\
         6.12.0 #1 Not tainted\n------------------------------------------------\n\
         dd/7 is leaving the kernel with locks still held!\n1 lock held by dd/7:\n #0: ffff888001234567 (&a){+.+.}-{4:4}, at: fuse_put+0x1/0x2",
        "lockdep: WARNING: lock held when returning to user space in fuse_put",
    ),
    (
        "kernel/locking/lockdep.c: print_held_locks_bug()",
        "====================================\nWARNING: Web Content/7 still has locks held!\n\
         6.12.0 #1 Not tainted\n------------------------------------\n1 lock held by Web Content/7:\n #0: ffff888001234567 (&a){+.+.}-{4:4}, at: other+0x1/0x2\n\
         \nstack backtrace:\nCPU: 0\nCall Trace:\n dump_stack_lvl+0x1/0x2\n fuse_put+0x1/0x2",
        "lockdep: WARNING: a task still has locks held in fuse_put",
    ),
    (
        "kernel/locking/lockdep.c of 4.9: print_held_locks_bug()",
        "=====================================\n[ BUG: dd/7 still has locks held! ]\n4.9.0 #1 Not tainted\n\
         -------------------------------------\n1 lock held by dd/7:\n #0:  (&a){+.+.+.}, at: [<ffffffff81234567>] other+0x1/0x2\n\
         \nstack backtrace:\nCPU: 0\nCall Trace:\n dump_stack+0x1/0x2\n fuse_put+0x1/0x2",
        "lockdep: BUG: a task still has locks held in fuse_put",
    ),
    (
        "kernel/locking/lockdep.c: print_lock_nested_lock_not_held()",
        "==================================\nWARNING: Nested lock was not taken\n6.12.0 #1 Not tainted\n\
         ----------------------------------\ndd/7 is trying to lock:\n\
         ffff888001234567 (&a){....}-{4:4}, at: fuse_put+0x1/0x2",
        "lockdep: WARNING: Nested lock was not taken in fuse_put",
    ),
    (
        "kernel/locking/lockdep.c: print_collision()",
        "======================\nWARNING: chain_key collision\n6.12.0 #1 Not tainted\n----------------------\n\
         dd/7: Hash chain already cached but the contents don't match!\nstack backtrace:\nCPU: 0\nCall Trace:\n lookup_chain_cache_add+0x1/0x2\n fuse_put+0x1/0x2",
        "lockdep: WARNING: chain_key collision in fuse_put",
    ),
    (
        "kernel/locking/lockdep.c: assign_lock_key()",
        "INFO: trying to register non-static key.\nThe code is fine but needs lockdep annotation, or maybe\n\
         you didn't initialize this object before use?\nturning off the locking correctness validator.\n{trace}",
        "lockdep: INFO: trying to register non-static key in fuse_put",
    ),
    (
        "kernel/locking/lockdep.c: print_lockdep_off()",
        "BUG: MAX_LOCKDEP_CHAINS too low!\nturning off the locking correctness validator.\n{trace}",
        "lockdep: BUG: MAX_LOCKDEP_CHAINS too low in fuse_put",
    ),
    (
        "kernel/locking/lockdep.c: lockdep_init_map_type()",
        "BUG: key ffff888001234567 has not been registered!\n------------[ cut here ]------------\n\
         DEBUG_LOCKS_WARN_ON(1)\n\
         WARNING: CPU: 0 PID: 7 at kernel/locking/lockdep.c:4928 lockdep_init_map_type+0x1/0x2\n\
         Modules linked in:\nCall Trace:\n fuse_put+0x1/0x2",
        "lockdep: BUG: key has not been registered in fuse_put",
    ),
    (
        "kernel/locking/lockdep.c: look_up_lock_class()",
        "BUG: looking up invalid subclass: 9\nturning off the locking correctness validator.\n{trace}",
        "lockdep: BUG: looking up invalid subclass: N in fuse_put",
    ),
    ("kernel/locking/lockdep.c: debug_show_all_locks()", "INFO: lockdep is turned off.", ""),
    (
        "kernel/locking/spinlock_debug.c: spin_dump()",
        "BUG: spinlock bad magic on CPU#0, Web Content/7\n lock: 0xffff888001234567, .magic: 00000000, .owner: <none>/-1, .owner_cpu: 0\n\
         CPU: 0\nCall Trace:\n spin_bug+0x1/0x2\n do_raw_spin_lock+0x1/0x2\n fuse_put+0x1/0x2",
        "bug: BUG: spinlock bad magic in fuse_put",
    ),
    (
        "kernel/locking/spinlock_debug.c: rwlock_bug()",
        "BUG: rwlock wrong CPU on CPU#0, dd/7, 0000000012345678\n{trace}",
        "bug: BUG: rwlock wrong CPU in fuse_put",
    ),
    (
        "kernel/locking/rtmutex-debug.c of 4.14: debug_rt_mutex_print_deadlock()",
        "============================================\n[ BUG: circular locking deadlock detected! ]\n\
         4.14.0 #1 Not tainted\n--------------------------------------------\n{trace}",
        "lockdep: BUG: circular locking deadlock detected in fuse_put",
    ),
    (
        "lib/smp_processor_id.c: check_preemption_disabled()",
        "BUG: using smp_processor_id() in preemptible [00000000] code: Web Content/7\n\
         caller is fuse_put+0x1/0x2\n{trace}",
        "bug: BUG: using smp_processor_id() in preemptible code in fuse_put",
    ),
    (
        "lib/smp_processor_id.c: check_preemption_disabled()",
        "BUG: using __this_cpu_add() in preemptible [00000000] code: dd/7\n{trace}",
        "bug: BUG: using __this_cpu_add() in preemptible code in fuse_put",
    ),
    (
        "kernel/sched/core.c: __schedule_bug()",
        "BUG: scheduling while atomic: Web Content/7/0x00000002\nModules linked in:\nPreemption disabled at:\n\
         [<ffffffff81234567>] other+0x1/0x2\nCPU: 0\nCall Trace:\n __schedule_bug+0x1/0x2\n __schedule+0x1/0x2\n schedule+0x1/0x2\n fuse_put+0x1/0x2",
        "bug: BUG: scheduling while atomic in fuse_put",
    ),
    (
        "kernel/sched/core.c: __might_resched()",
        "BUG: sleeping function called from invalid context at kernel/locking/mutex.c:585\n\
         in_atomic(): 1, irqs_disabled(): 0, non_block: 0, pid: 7, name: dd\n{trace}",
        "bug: BUG: sleeping function called from invalid context at kernel/locking/mutex.c in fuse_put",
    ),
    (
        "kernel/sched/core.c: __cant_sleep()",
        "BUG: assuming atomic context at fs/fuse/dev.c:77\nin_atomic(): 0, irqs_disabled(): 0, pid: 7, name: dd\n\
         {trace}",
        "bug: BUG: assuming atomic context at fs/fuse/dev.c in fuse_put",
    ),
];

/// Who does not come on.
const STALLS: Rows = &[
    (
        "kernel/watchdog.c: watchdog_timer_fn()",
        "watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [Web Content:7]\nModules linked in:\n{oops}\n\
         Kernel panic - not syncing: softlockup: hung tasks",
        "soft-lockup: soft lockup in fuse_put",
    ),
    (
        "kernel/watchdog.c of 3.10: watchdog_timer_fn()",
        "BUG: soft lockup - CPU#0 stuck for 22s! [dd:7]\n{oops}",
        "soft-lockup: soft lockup in fuse_put",
    ),
    (
        "kernel/watchdog.c: watchdog_hardlockup_check()",
        "watchdog: CPU0: Watchdog detected hard LOCKUP on cpu 0\nModules linked in:\n{oops}\n\
         Kernel panic - not syncing: Hard LOCKUP",
        "hard-lockup: hard lockup in fuse_put",
    ),
    (
        "arch/powerpc/kernel/watchdog.c: soft_nmi_interrupt()",
        "watchdog: CPU 0 self-detected hard LOCKUP @ fuse_put+0x1/0x2\n\
         watchdog: CPU 0 TB:123, last heartbeat TB:12 (1ms ago)\nNIP [c000000000123456] fuse_put+0x1/0x2",
        "hard-lockup: hard lockup in fuse_put",
    ),
    (
        "arch/powerpc/kernel/watchdog.c: watchdog_smp_panic()",
        "watchdog: CPU 0 detected hard LOCKUP on other CPUs 1\n\
         watchdog: CPU 0 TB:123, last SMP heartbeat TB:12 (1ms ago)\nwatchdog: CPU 1 Hard LOCKUP\n\
         NIP [c000000000123456] fuse_put+0x1/0x2",
        "hard-lockup: hard lockup in fuse_put",
    ),
    (
        "kernel/smp.c: csd_lock_wait_toolong()",
        "smp: csd: Detected non-responsive CSD lock (#1) on CPU#0, waiting 5000000000 ns for CPU#01 other+0x0/0x1(0x0).\n\
         smp: \tcsd: CSD lock (#1) unresponsive.\nSending NMI from CPU 0 to CPUs 1:\nNMI backtrace for cpu 1\n\
         CPU: 1 PID: 7 Comm: dd\nRIP: 0010:fuse_put+0x1/0x2",
        "hard-lockup: CPU does not answer in fuse_put",
    ),
    (
        "kernel/smp.c: csd_lock_wait_toolong()",
        "smp: csd: CSD lock (#1) got unstuck on CPU#01, CPU#00 released the lock.",
        "",
    ),
    (
        "kernel/rcu/tree_stall.h: print_cpu_stall()",
        "rcu: INFO: rcu_preempt self-detected stall on CPU\nrcu: \t0-....: (1 GPs behind) idle=1\n\
         rcu: \t(t=100 jiffies g=1 q=1 ncpus=2)\n{oops}\nKernel panic - not syncing: RCU Stall",
        "rcu-stall: rcu stall in fuse_put",
    ),
    (
        "kernel/rcu/tree_stall.h: print_other_cpu_stall()",
        "rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:\nrcu: \t0-....: (1 GPs behind) idle=1\n\
         Sending NMI from CPU 1 to CPUs 0:\nNMI backtrace for cpu 0\n{oops}",
        "rcu-stall: rcu stall in fuse_put",
    ),
    (
        "kernel/rcu/tree.c of 3.2: print_cpu_stall()",
        "INFO: rcu_sched_state detected stall on CPU 0 (t=1000 jiffies)\n{trace}",
        "rcu-stall: rcu stall in fuse_put",
    ),
    (
        "kernel/rcu/tree_stall.h: check_cpu_stall()",
        "rcu: INFO: rcu_preempt detected stall, but suppressed full report due to a stuck CSD-lock.",
        "rcu-stall: rcu stall",
    ),
    (
        "kernel/rcu/tree_stall.h: print_other_cpu_stall()",
        "rcu: INFO: Stall ended before state dump start",
        "",
    ),
    (
        "kernel/rcu/tree_stall.h: rcu_dump_cpu_stacks()",
        "rcu: INFO: Stall ended during stack backtracing.",
        "",
    ),
    (
        "kernel/rcu/tree_exp.h: synchronize_rcu_expedited_stall()",
        "rcu: INFO: Expedited stall ended before state dump start",
        "",
    ),
    (
        "kernel/rcu/tree_exp.h: synchronize_rcu_expedited_stall()",
        "rcu: INFO: rcu_preempt detected expedited stalls on CPUs/tasks: { 0-.... } 10 jiffies s: 1 root: 0x1/.\n\
         NMI backtrace for cpu 0\n{oops}",
        "rcu-stall: rcu stall in fuse_put",
    ),
    (
        "kernel/rcu/tasks.h: check_holdout_task()",
        "INFO: rcu_tasks detected stalls on tasks:\n0000000012345678: .. nvcsw: 1/1 holdout: 1 idle_cpu: -1/0\n\
         task:dd state:R\nCall Trace:\n __schedule+0x1/0x2\n fuse_put+0x1/0x2",
        "rcu-stall: rcu stall in fuse_put",
    ),
    (
        "kernel/hung_task.c: hung_task_info()",
        "INFO: task Web Content:7 blocked for more than 143 seconds.\n      Not tainted 6.12.0 #1\n\
         task:Web Content state:D\nCall Trace:\n __schedule+0x1/0x2\n schedule+0x1/0x2\n fuse_put+0x1/0x2\n\
         Kernel panic - not syncing: hung_task: blocked tasks",
        "hung-task: task hung in fuse_put",
    ),
    (
        "kernel/hung_task.c of 7.3: hung_task_info()",
        "INFO: task dd:7 blocked in I/O wait for more than 143 seconds.\ntask:dd state:D\nCall Trace:\n __schedule+0x1/0x2\n io_schedule+0x1/0x2\n folio_wait_bit_common+0x1/0x2\n fuse_put+0x1/0x2",
        "hung-task: task hung in fuse_put",
    ),
    (
        "kernel/workqueue.c: wq_watchdog_timer_fn()",
        "BUG: workqueue lockup - pool cpus=0 node=0 flags=0x0 nice=0 stuck for 31s!\n\
         Showing busy workqueues and worker pools:",
        "workqueue-lockup: workqueue lockup",
    ),
    (
        "kernel/workqueue.c: process_one_work()",
        "BUG: workqueue leaked atomic, lock or RCU: kworker/0:1[7]\n     preempt=0x00000000 lock=0->1 RCU=0->0 workfn=fuse_put\n\
         CPU: 0\nCall Trace:\n process_one_work+0x1/0x2",
        "bug: BUG: workqueue leaked atomic, lock or RCU in fuse_put",
    ),
];

/// Memory, lists, references.
const MEMORY: Rows = &[
    (
        "mm/slub.c of 3.2: slab_bug()",
        "=============================================================================\n\
         BUG kmalloc-64: Redzone overwritten\n\
         -----------------------------------------------------------------------------\n\n\
         INFO: 0xffff888001234567-0xffff88800123456f. First byte 0x0 instead of 0xcc\nINFO: Allocated in other+0x1/0x2 age=1 cpu=0 pid=7\n\
         {trace}",
        "slab: BUG kmalloc-N: Redzone overwritten in fuse_put",
    ),
    (
        "mm/kasan/report.c: print_error_description()",
        "==================================================================\n\
         BUG: KASAN: slab-use-after-free in fuse_put+0x1/0x2\n\
         Read of size 8 at addr ffff888001234567 by task dd/7\n\nCPU: 0\nCall Trace:\n dump_stack_lvl+0x1/0x2\n print_report+0x1/0x2\n kasan_report+0x1/0x2\n fuse_put+0x1/0x2\n\
         ==================================================================",
        "kasan: BUG: KASAN: slab-use-after-free in fuse_put",
    ),
    (
        "mm/kasan/report.c of 4.0: print_error_description()",
        "==================================================================\n\
         BUG: KASan: use after free in fuse_put+0x1/0x2 at addr ffff888001234567\nRead of size 8 by task dd/7\n\
         {trace}",
        "kasan: BUG: KASan: use after free in fuse_put",
    ),
    (
        "mm/kasan/report.c of 4.4: print_error_description()",
        "==================================================================\n\
         BUG: KASAN: use-after-free in fuse_put+0x1/0x2 at addr ffff888001234567\nRead of size 8 by task dd/7\n\
         {trace}",
        "kasan: BUG: KASAN: use-after-free in fuse_put",
    ),
    (
        "mm/kasan/report.c of 4.9: print_error_description()",
        "==================================================================\n\
         BUG: KASAN: slab-out-of-bounds on address ffff888001234567\nWrite of size 8 by task dd/7\n{trace}",
        "kasan: BUG: KASAN: slab-out-of-bounds in fuse_put",
    ),
    (
        "mm/kasan/report.c: print_error_description()",
        "BUG: KASAN: null-ptr-deref in instrument_atomic_read include/linux/instrumented.h:68 [inline]\n\
         BUG: KASAN: null-ptr-deref in fuse_put+0x1/0x2 fs/fuse/dev.c:77\n\
         Read of size 4 at addr 0000000000000008 by task dd/7\n{trace}",
        "kasan: BUG: KASAN: null-ptr-deref in fuse_put",
    ),
    (
        "mm/kasan/report.c: kasan_report_async()",
        "BUG: KASAN: invalid-access\nAsynchronous fault: no details available\n{trace}",
        "kasan: BUG: KASAN: invalid-access in fuse_put",
    ),
    (
        "mm/kfence/report.c: kfence_report_error()",
        "==================================================================\n\
         BUG: KFENCE: out-of-bounds read in fuse_put+0x1/0x2\n\n\
         Out-of-bounds read at 0x0000000012345678 (1B left of kfence-#1):\n fuse_put+0x1/0x2",
        "kfence: BUG: KFENCE: out-of-bounds read in fuse_put",
    ),
    (
        "mm/kfence/report.c: kfence_report_error()",
        "==================================================================\n\
         BUG: KFENCE: memory corruption in kfree+0x1/0x2\n\n\
         Corrupted memory at 0x0000000012345678 [ ! . . ] (in kfence-#1):\n kfree+0x1/0x2\n fuse_put+0x1/0x2",
        "kfence: BUG: KFENCE: memory corruption in fuse_put",
    ),
    (
        "mm/kmsan/report.c: kmsan_report()",
        "=====================================================\nBUG: KMSAN: uninit-value in fuse_put+0x1/0x2\n fuse_put+0x1/0x2\n\
         \nUninit was created at:\n other+0x1/0x2",
        "kmsan: BUG: KMSAN: uninit-value in fuse_put",
    ),
    (
        "kernel/kcsan/report.c: print_report()",
        "==================================================================\n\
         BUG: KCSAN: data-race in fuse_get / fuse_put\n\n\
         write to 0xffff888001234567 of 8 bytes by task 7 on cpu 0:\n fuse_get+0x1/0x2",
        "kcsan: BUG: KCSAN: data-race in fuse_get / fuse_put",
    ),
    (
        "lib/ubsan.c: ubsan_prologue()",
        "------------[ cut here ]------------\nUBSAN: array-index-out-of-bounds in fs/fuse/dev.c:77:7\n\
         index 8 is out of range for type 'int [8]'\nCPU: 0\nCall Trace:\n ubsan_epilogue+0x1/0x2\n __ubsan_handle_out_of_bounds+0x1/0x2\n fuse_put+0x1/0x2\n\
         ---[ end trace ]---",
        "ubsan: UBSAN: array-index-out-of-bounds in fuse_put",
    ),
    (
        "lib/ubsan.c of 4.19: ubsan_prologue()",
        "================================================================================\n\
         UBSAN: Undefined behaviour in fs/fuse/dev.c:77:7\nshift exponent 64 is too large for 32-bit type 'int'\n\
         {trace}\n================================================================================",
        "ubsan: UBSAN: Undefined behaviour in fuse_put",
    ),
    (
        "mm/slub.c: slab_bug()",
        "=============================================================================\n\
         BUG kmalloc-64 (Tainted: G    B             ): Poison overwritten\n\
         -----------------------------------------------------------------------------\n\n\
         Allocated in other+0x1/0x2 age=1 cpu=0 pid=7\n other+0x1/0x2\nSlab 0xffffea0000123456 objects=1 used=1\n\
         Object 0xffff888001234567 @offset=1\nCPU: 0\nCall Trace:\n dump_stack_lvl+0x1/0x2\n check_bytes_and_report+0x1/0x2\n check_object+0x1/0x2\n fuse_put+0x1/0x2",
        "slab: BUG kmalloc-N: Poison overwritten in fuse_put",
    ),
    (
        "mm/slub.c of 4.19: slab_bug()",
        "=============================================================================\n\
         BUG ext4_inode_cache (Not tainted): Redzone overwritten\n\
         -----------------------------------------------------------------------------\n\n\
         INFO: Allocated in other+0x1/0x2 age=1 cpu=0 pid=7\n other+0x1/0x2\n\
         INFO: Slab 0x0000000012345678 objects=1 used=1 fp=0x0 flags=0x1\n\
         INFO: Object 0x0000000012345678 @offset=1 fp=0x0\nCPU: 0\nCall Trace:\n print_trailer+0x1/0x2\n fuse_put+0x1/0x2",
        "slab: BUG ext4_inode_cache: Redzone overwritten in fuse_put",
    ),
    (
        "mm/slab.c of 6.1: __slab_error()",
        "slab error in cache_free_debugcheck(): cache `kmalloc-64': double free, or memory outside object was overwritten\n\
         {trace}",
        "slab: slab error in fuse_put",
    ),
    (
        "mm/slab.c of 4.19: check_poison_obj()",
        "Slab corruption (Not tainted): kmalloc-64 start=ffff888001234567, len=64\n000: 6b 6b 6b\n{trace}",
        "slab: slab corruption in fuse_put",
    ),
    (
        "mm/page_poison.c: check_poison_mem()",
        "pagealloc: memory corruption\n00000000: 00 00\n{trace}",
        "slab: pagealloc: memory corruption in fuse_put",
    ),
    (
        "mm/page_alloc.c: bad_page()",
        "BUG: Bad page state in process Web Content  pfn:12345\n\
         page: refcount:0 mapcount:0 mapping:0000000000000000 index:0x0 pfn:0x12345\n\
         page dumped because: nonzero mapcount\npage_owner tracks the page as allocated\n\
         page last allocated via order 0, migratetype Unmovable\n other+0x1/0x2\n\
         page last free pid 7 tgid 7 stack trace:\n other+0x1/0x2\nModules linked in:\nCPU: 0\nCall Trace:\n bad_page+0x1/0x2\n free_unref_page+0x1/0x2\n fuse_put+0x1/0x2",
        "bug: BUG: Bad page state in fuse_put",
    ),
    ("mm/page_alloc.c: bad_page()", "BUG: Bad page state: 5 messages suppressed", ""),
    (
        "mm/memory.c: print_bad_pte()",
        "BUG: Bad page map in process dd  pte:12345 pmd:12345\n\
         addr:00007f0000000000 vm_flags:1 anon_vma:0 mapping:0 index:1\nfile:x fault:f mmap:m read_folio:r\n\
         {trace}",
        "bug: BUG: Bad page map in fuse_put",
    ),
    ("mm/memory.c: print_bad_pte()", "BUG: Bad page map: 5 messages suppressed", ""),
    (
        "mm/filemap.c: filemap_unaccount_folio()",
        "BUG: Bad page cache in process dd  pfn:12345\n\
         page: refcount:1 mapcount:1 mapping:1 index:0x0 pfn:0x12345\n{trace}",
        "bug: BUG: Bad page cache in fuse_put",
    ),
    (
        "kernel/fork.c: check_mm()",
        "BUG: Bad rss-counter state mm:0000000012345678 type:MM_FILEPAGES val:1 Comm:Web Content Pid:7",
        "bug: BUG: Bad rss-counter state",
    ),
    (
        "kernel/fork.c: check_mm()",
        "BUG: non-zero pgtables_bytes on freeing mm: 4096",
        "bug: BUG: non-zero pgtables_bytes on freeing mm: N",
    ),
    (
        "mm/mempool.c: poison_error()",
        "BUG: mempool element poison mismatch\nMempool 0000000012345678 size 64\n{trace}",
        "bug: BUG: mempool element poison mismatch in fuse_put",
    ),
    (
        "mm/page_alloc.c: warn_alloc()",
        "dd: page allocation failure: order:4, mode:0xcc0(GFP_KERNEL), nodemask=(null)\nCPU: 0\nCall Trace:\n warn_alloc+0x1/0x2\n __alloc_pages_slowpath+0x1/0x2\n __alloc_pages_noprof+0x1/0x2\n kmalloc_order+0x1/0x2\n fuse_put+0x1/0x2",
        "allocation-failure: page allocation failure in fuse_put",
    ),
    (
        "mm/vmalloc.c: __vmalloc_area_node()",
        "dd: vmalloc error: size 4096, page order 0, failed to allocate pages, mode:0xcc0(GFP_KERNEL), nodemask=(null)\n\
         CPU: 0\nCall Trace:\n warn_alloc+0x1/0x2\n __vmalloc_node_range_noprof+0x1/0x2\n fuse_put+0x1/0x2",
        "allocation-failure: vmalloc allocation failure in fuse_put",
    ),
    (
        "mm/vmalloc.c of 5.4: __vmalloc_node_range()",
        "dd: vmalloc: allocation failure: 4294967296 bytes, mode:0xcc0(GFP_KERNEL), nodemask=(null)\nCPU: 0\n\
         Call Trace:\n warn_alloc+0x1/0x2\n __vmalloc_node_range+0x1/0x2\n fuse_put+0x1/0x2",
        "allocation-failure: vmalloc allocation failure in fuse_put",
    ),
    (
        "mm/oom_kill.c: dump_header()",
        "dd invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0\nCPU: 0\nCall Trace:\n dump_header+0x1/0x2\n\
         Mem-Info:\nOut of memory: Killed process 7 (dd) total-vm:1kB",
        "oom: out of memory",
    ),
    (
        "mm/oom_kill.c: dump_header()",
        "Web Content invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0\nCPU: 0\n\
         Call Trace:\n dump_header+0x1/0x2\n\
         Kernel panic - not syncing: Out of memory: compulsory panic_on_oom is enabled",
        "oom: out of memory",
    ),
    (
        "mm/kmemleak.c: print_unreferenced()",
        "unreferenced object 0xffff888001234567 (size 32):\n  comm \"dd\", pid 7, jiffies 4294937296\n  hex dump (first 32 bytes):\n    00 00\n  backtrace (crc 0):\n    [<0000000012345678>] kmemleak_alloc+0x1/0x2\n    [<0000000012345678>] __kmalloc_cache_noprof+0x1/0x2\n    [<0000000012345678>] fuse_put+0x1/0x2",
        "leak: unreferenced object in fuse_put",
    ),
    (
        "mm/kmemleak.c: kmemleak_scan()",
        "kmemleak: 5 new suspected memory leaks (see /sys/kernel/debug/kmemleak)",
        "leak: kmemleak: new suspected memory leaks",
    ),
    (
        "lib/list_debug.c: __list_add_valid_or_report()",
        "list_add corruption. prev->next should be next (ffff888001234567), but was 0000000000000000. (prev=ffff888001234568).\n\
         ------------[ cut here ]------------\nkernel BUG at lib/list_debug.c:32!\n\
         Oops: invalid opcode: 0000 [#1] SMP\nRIP: 0010:__list_add_valid_or_report+0x1/0x2\nCall Trace:\n fuse_put+0x1/0x2",
        "list-corruption: list_add corruption in fuse_put",
    ),
    (
        "lib/list_debug.c: __list_del_entry_valid_or_report()",
        "------------[ cut here ]------------\n\
         list_del corruption, ffff888001234567->next is LIST_POISON1 (dead000000000100)\n\
         WARNING: CPU: 0 PID: 7 at lib/list_debug.c:56 __list_del_entry_valid_or_report+0x1/0x2\n\
         RIP: 0010:__list_del_entry_valid_or_report+0x1/0x2\nCall Trace:\n fuse_put+0x1/0x2",
        "list-corruption: list_del corruption in fuse_put",
    ),
    (
        "mm/usercopy.c: usercopy_abort()",
        "usercopy: Kernel memory exposure attempt detected from SLUB object 'kmalloc-64' (offset 0, size 128)!\n\
         ------------[ cut here ]------------\nkernel BUG at mm/usercopy.c:102!\n\
         Oops: invalid opcode: 0000 [#1] SMP\nRIP: 0010:usercopy_abort+0x1/0x2\nCall Trace:\n __check_heap_object+0x1/0x2\n __check_object_size+0x1/0x2\n fuse_put+0x1/0x2",
        "oops: kernel BUG in fuse_put",
    ),
    (
        "net/core/skbuff.c: skb_panic()",
        "skbuff: skb_over_panic: text:ffffffff81234567 len:1 put:1 head:ffff888001234567 data:ffff888001234567 tail:0x1 end:0x1 dev:<NULL>\n\
         ------------[ cut here ]------------\nkernel BUG at net/core/skbuff.c:200!\n\
         Oops: invalid opcode: 0000 [#1] SMP\nRIP: 0010:skb_panic+0x1/0x2\nCall Trace:\n skb_put+0x1/0x2\n fuse_put+0x1/0x2",
        "oops: kernel BUG in fuse_put",
    ),
    (
        "kernel/cfi.c: report_cfi_failure()",
        "CFI failure at fuse_put+0x1/0x2 (target: other+0x0/0x1; expected type: 0x12345678)\n\
         Oops: invalid opcode: 0000 [#1] SMP\n{oops}",
        "cfi: CFI failure in fuse_put",
    ),
    (
        "net/core/dev.c: netdev_wait_allrefs_any()",
        "unregister_netdevice: waiting for veth7 to become free. Usage count = 2",
        "leak: unregister_netdevice: waiting for a device to become free",
    ),
    (
        "kernel/irq/spurious.c: __report_bad_irq()",
        "irq 16: nobody cared (try booting with the \"irqpoll\" option)\n{trace}",
        "irq: irq N: nobody cared",
    ),
    (
        "fs/super.c: generic_shutdown_super()",
        "VFS: Busy inodes after unmount of sda1 (ext4)\n------------[ cut here ]------------\n\
         kernel BUG at fs/super.c:661!\nOops: invalid opcode: 0000 [#1] SMP\n{oops}",
        "bug: VFS: Busy inodes after unmount in fuse_put",
    ),
    (
        "fs/super.c of 5.10: generic_shutdown_super()",
        "VFS: Busy inodes after unmount of sda1. Self-destruct in 5 seconds.  Have a nice day...",
        "bug: VFS: Busy inodes after unmount",
    ),
    (
        "fs/open.c: filp_flush()",
        "VFS: Close: file count is 0 (f_op=fuse_file_operations)",
        "bug: VFS: Close: file count is 0",
    ),
    (
        "drivers/base/core.c: through dev_err() of a driver",
        "fuse_dev 0000:00:01.0: BUG: TX ring full when queue awake!",
        "bug: BUG: TX ring full when queue awake",
    ),
    (
        "net/ipv6/addrconf.c: __ipv6_ifa_notify()",
        "BUG: Address fe80::1 on device eth0 is missing its host route.",
        "bug: BUG: Address ADDR on device ethN is missing its host route",
    ),
];

/// The end.
const PANICS: Rows = &[
    (
        "kernel/panic.c: vpanic()",
        "Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\nCPU: 0\nCall Trace:\n panic+0x1/0x2\n mount_root_generic+0x1/0x2",
        "panic: Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(N,N)",
    ),
    (
        "fs/ext4/super.c: ext4_handle_error()",
        "Kernel panic - not syncing: EXT4-fs (device loop7): panic forced after error",
        "panic: Kernel panic - not syncing: EXT4-fs (device loopN): panic forced after error",
    ),
    (
        "kernel/panic.c: nmi_panic()",
        "Kernel panic - not syncing: NMI: Not continuing",
        "panic: Kernel panic - not syncing: NMI: Not continuing",
    ),
    (
        "kernel/exit.c: do_exit()",
        "Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000009",
        "panic: Kernel panic - not syncing: Attempted to kill init! exitcode=ADDR",
    ),
    (
        "kernel/panic.c: check_panic_on_warn()",
        "------------[ cut here ]------------\nWARNING: CPU: 0 PID: 7 at fs/fuse/dev.c:77 fuse_put+0x1/0x2\n\
         {oops}\nKernel panic - not syncing: kernel: panic_on_warn set ...",
        "warning: WARNING in fuse_put",
    ),
    (
        "kernel/sched/core.c: schedule_debug()",
        "Kernel panic - not syncing: corrupted stack end detected inside scheduler\nCPU: 0\nCall Trace:\n panic+0x1/0x2\n __schedule+0x1/0x2\n schedule+0x1/0x2\n fuse_put+0x1/0x2",
        "panic: Kernel panic - not syncing: corrupted stack end detected inside scheduler in fuse_put",
    ),
    (
        "kernel/panic.c: oops_exit(), the report lost",
        "Kernel panic - not syncing: Fatal exception in interrupt\nCPU: 0\nCall Trace:\n panic+0x1/0x2\n oops_end+0x1/0x2\n fuse_put+0x1/0x2",
        "panic: Kernel panic - not syncing: Fatal exception in interrupt in fuse_put",
    ),
    (
        "drivers/tty/sysrq.c: sysrq_handle_crash()",
        "sysrq: Trigger a crash\nKernel panic - not syncing: sysrq triggered crash\nCPU: 0",
        "panic: Kernel panic - not syncing: sysrq triggered crash",
    ),
];

/// What looks like a report and is none.
const NONE: Rows = &[
    (
        "arch/x86/kernel/nmi.c: nmi_check_duration()",
        "INFO: NMI handler (perf_event_nmi_handler) took too long to run: 1.200 msecs",
        "",
    ),
    (
        "kernel/events/core.c: perf_sample_event_took()",
        "perf: interrupt took too long (2501 > 2500), lowering kernel.perf_event_max_sample_rate to 79000",
        "",
    ),
    (
        "fs/ext4/super.c: ext4_load_journal()",
        "EXT4-fs (sda1): INFO: recovery required on readonly filesystem",
        "",
    ),
    (
        "arch/x86/mm/fault.c: show_signal_msg()",
        "dd[7]: segfault at 0 ip 0000000000401858 sp 00007ffd0cafcfc0 error 6 in dd[1858,401000+7a000]",
        "",
    ),
    (
        "arch/x86/kernel/traps.c: show_signal()",
        "traps: Web Content[7] general protection fault ip:401885 sp:7ffd0cafcfc0 error:0 in dd[1885,401000+7a000]",
        "",
    ),
    ("arch/arm/mm/fault.c: __do_user_fault()", "dd: unhandled page fault (11) at 0x00000008, code 0x817", ""),
    (
        "net/ipv4/tcp_input.c: tcp_syn_flood_action()",
        "TCP: request_sock_TCP: Possible SYN flooding on port 80. Sending cookies.",
        "",
    ),
    (
        "kernel/workqueue.c: wq_cpu_intensive_report()",
        "workqueue: fuse_work hogged CPU for >10000us 4 times, consider switching to WQ_UNBOUND",
        "",
    ),
    ("kernel/sched/rt.c: sched_rt_runtime_exceeded()", "sched: RT throttling activated", ""),
    (
        "kernel/time/clocksource.c: clocksource_watchdog()",
        "clocksource: timekeeping watchdog on CPU0: Marking clocksource 'tsc' as unstable because the skew is too large:",
        "",
    ),
    (
        "drivers/net/ethernet/intel/e1000/e1000_main.c: e1000_clean_tx_irq()",
        "e1000 0000:00:03.0 eth0: Detected Tx Unit Hang",
        "",
    ),
    (
        "mm/debug_vm_pgtable.c: debug_vm_pgtable()",
        "debug_vm_pgtable: [debug_vm_pgtable         ]: Validating architecture page table helpers",
        "",
    ),
    (
        "lib/locking-selftest.c: locking_selftest()",
        "BUG:  12 unexpected failures (out of 262) - debugging disabled! |",
        "bug: BUG: N unexpected failures (out of N) - debugging disabled! |",
    ),
];

#[test]
fn each_wording_is_found_and_named() {
    for (place, text, expected) in [X86, OTHERS, WARNINGS, LOCKING, STALLS, MEMORY, PANICS, NONE].concat() {
        let text = text.replace("{trace}", TRACE).replace("{oops}", OOPS);
        let found = short(&findings(stamped(&text).as_bytes())).join(" | ");
        assert_eq!(found, expected, "{place}: {text}");
    }
}

/// Whatever a report is about, no process, pid, address or CPU is in its title.
#[test]
fn titles_have_nothing_of_one_boot() {
    for (place, text, _) in [X86, OTHERS, WARNINGS, LOCKING, STALLS, MEMORY].concat() {
        let text = text.replace("{trace}", TRACE).replace("{oops}", OOPS);
        for title in short(&findings(stamped(&text).as_bytes())) {
            for word in ["dd", "Web Content", "CPU#", "0x", "12345", "[#"] {
                assert!(
                    !title.split([' ', ',', '/', ':']).any(|part| part.starts_with(word)),
                    "{place}: {title}"
                );
            }
        }
    }
}
