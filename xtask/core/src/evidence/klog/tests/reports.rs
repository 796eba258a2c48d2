//! Reports that other versions and architectures put together in another way.

use super::check;

#[test]
fn a_frame_in_the_second_line_is_a_body() {
    // arch/arm/kernel/traps.c of Linux 3.6: warn_alloc_failed() calls dump_stack(), which prints frames alone.
    check(
        "dd: page allocation failure: order:0, mode:0x20\n\
         [<c0012345>] (unwind_backtrace+0x1/0x2) from [<c0023456>] (warn_alloc_failed+0x1/0x2)\n\
         [<c0023456>] (warn_alloc_failed+0x1/0x2) from [<c0034567>] (fuse_put+0x1/0x2)",
        &["allocation-failure: page allocation failure in fuse_put"],
    );
    // mm/kfence/report.c: kfence_report_error().
    check(
        "BUG: KFENCE: use-after-free read in rb_first+0x1/0x2\n\nUse-after-free read at 0x12 (in kfence-#7):\n \
         rb_first+0x1/0x2\n fuse_put+0x1/0x2",
        &["kfence: BUG: KFENCE: use-after-free read in fuse_put"],
    );
    // The header's own function is none.
    check("WARNING: something of a driver in f+0x1/0x2\nother text", &[]);
}

/// kernel/panic.c of Linux 3.x: warn_slowpath_common() prints the machine, and then what the caller says.
#[test]
fn the_text_of_a_warning_may_stand_below_the_machine() {
    check(
        "------------[ cut here ]------------\nWARNING: at kernel/watchdog.c:224 watchdog_overflow_callback+0x1/0x2()\n\
         Hardware name: QEMU\nWatchdog detected hard LOCKUP on cpu 0\nModules linked in:\n---[ end trace 0 ]---",
        &["hard-lockup: hard lockup"],
    );
    check(
        "------------[ cut here ]------------\nWARNING: at fs/fuse/dev.c:7 f+0x1/0x2()\nHardware name: QEMU\n\
         Modules linked in:\n---[ end trace 0 ]---\nlist_del corruption. prev->next should be 1, but was 2",
        &["warning: WARNING in f", "list-corruption: list_del corruption"],
    );
}

#[test]
fn headers_of_older_kernels_are_headers() {
    // arch/powerpc/kernel/watchdog.c of Linux 4.13 to 4.16.
    check(
        "Watchdog CPU:7 Hard LOCKUP\nCPU: 7 PID: 7 Comm: dd\nNIP [c000000000123456] fuse_put+0x1/0x2",
        &["hard-lockup: hard lockup in fuse_put"],
    );
    // kernel/panic.c of Linux 4.14: refcount_error_report(), called for an exception of arch/x86/mm/extable.c.
    check(
        "refcount_t hit zero at fuse_put+0x1/0x2 in dd[7], uid/euid: 0/0\n\
         WARNING: CPU: 0 PID: 7 at kernel/panic.c:612 refcount_error_report+0x1/0x2\nCPU: 0 PID: 7\nCall Trace:\n \
         ex_handler_refcount+0x1/0x2\n fixup_exception+0x1/0x2\n do_trap+0x1/0x2\nRIP: 0010:fuse_put+0x1/0x2",
        &["refcount: refcount_t out of bounds in fuse_put"],
    );
    // mm/oom_kill.c before Linux 5.5: oom_kill_process().
    check("Out of memory: Kill process 7 (dd) score 897 or sacrifice child", &["oom: out of memory"]);
    // mm/vmalloc.c before Linux 5.14: __vmalloc_area_node() has warn_alloc_failed() print both.
    check(
        "vmalloc: allocation failure: 0 bytes\ndd: page allocation failure: order:0, mode:0xd0\nCPU: 0 PID: 7",
        &["allocation-failure: vmalloc allocation failure"],
    );
    // What only speaks of a panic is none.
    check("Kernel panic on a warning is off", &[]);
}
