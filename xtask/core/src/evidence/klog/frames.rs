//! Which function a report is about.

use std::sync::LazyLock;

use regex::Regex;

use super::headers::Kind;
use super::line::pattern;

/// The beginnings of names of functions that report, check, or were merely passed through: interrupt entry,
/// instrumentation, allocation, locking, copying, and the scheduler.
const MACHINERY: &[&str] = &[
    // Reporting.
    "dump_stack __dump_stack show_stack show_regs __show_regs show_trace print_ report_bug __report_bug \
     handle_bug __warn warn_slowpath panic vpanic oops_ die __die no_context page_fault_oops __bad_area \
     bad_area kernelmode_fixup_or_oops nmi_ __nmi arch_trigger_ trigger_ sched_show_ ret_from_exception \
     do_trap do_error_trap do_user_addr_fault do_kern_addr_fault exc_ asm_exc_ asm_sysvec_ sysvec_ \
     __sysvec_ instr_sysvec_ asm_call_ common_interrupt asm_common_interrupt invalid_op ud2 bug_at \
     check_stack_object",
    // Instrumentation.
    "kasan_ __kasan_ __asan_ asan_ check_memory_region check_region_inline kmsan_ __kmsan_ __msan_ \
     kcsan_ __kcsan_ __tsan_ kfence_ __kfence_ ubsan_ __ubsan_ handle_overflow __sanitizer_ \
     debug_object __debug_object debug_print_object debug_check_ refcount_ __refcount_ __list_ cfi_ \
     __cfi_ stack_trace_ save_stack stack_depot_ ref_tracker_ kmemleak_ instrument_ fortify_ __fortify_ \
     usercopy_abort __check_object_size __might_ ___might_ __might_sleep check_preemption_disabled \
     debug_smp_processor_id __this_cpu_preempt_check",
    // Allocation.
    "kmalloc __kmalloc ___kmalloc kzalloc kcalloc krealloc kvmalloc __kvmalloc vmalloc __vmalloc kfree \
     __kfree kvfree vfree kmem_cache_ __kmem_cache_ slab_ __slab_ ___slab_ do_slab_free free_to_partial \
     free_debug_ alloc_debug_ check_slab object_err new_slab allocate_slab alloc_pages __alloc_frozen \
     folio_alloc __folio_alloc vma_alloc_folio __alloc_pages get_page_from_freelist __get_free_pages \
     warn_alloc bad_page free_unref_page __free_pages free_pages qlist_free out_of_memory \
     oom_kill_process dump_header",
    // Locking and waiting.
    "lock_acquire lock_release lock_is_held lock_contended __lock_ lockdep_ mark_lock mark_usage \
     mark_held_locks validate_chain check_noncircular check_deadlock check_prev check_irq_usage \
     check_usage check_wait_context register_lock_class find_usage_ assign_lock_key trace_hardirqs_ \
     trace_softirqs_ valid_state _raw_ __raw_ do_raw_ queued_ __pv_queued_ native_queued_ pv_ spin_ \
     mutex_ __mutex_ down_ __down_ up_ __up_ rwsem_ percpu_down_ percpu_up_ rt_mutex_ __rt_mutex_ \
     schedule __schedule preempt_schedule io_schedule context_switch wait_for_ __wait_for_ do_wait_for_ \
     bit_wait __wait_on_ out_of_line_wait_ synchronize_rcu __synchronize_ local_bh_ __local_bh_",
    // Copying.
    "memcpy memset memmove memcmp memchr __memcpy __memset __memmove strlen strnlen strcmp strncmp \
     strcpy strncpy strscpy strchr copy_from_user copy_to_user _copy_from_ _copy_to_ __copy_user \
     copy_user_ rep_movs rep_stos __arch_copy_ csum_ find_next_ _find_next_ _find_first_",
];

/// The timer interrupt, in which stalls are noticed; it interrupted the function that is meant.
const WATCHDOG: &[&str] =
    &["rcu_ __rcu_ watchdog_ __watchdog_ softlockup_ tick_ update_process_times hrtimer_ __hrtimer_ \
     local_apic_timer_ smp_apic_timer_ __irq_exit_ irq_exit irqentry_ irq_work_ __do_softirq \
     handle_softirqs do_softirq timekeeping_ native_ asm_ perf_event_ __perf_event_ intel_pmu_ x86_pmu_ \
     cpu_stopper_ panic_ nohz_ check_hung_ kgdb_ lapic_"];

/// Collects the functions of a report as its lines come.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Frames {
    lock_site: Option<String>,
    found: Vec<String>,
}

/// No title needs a deeper stack.
const DEEPEST: usize = 64;

impl Frames {
    /// Looks for a function in a line of the report.
    pub(super) fn add(&mut self, message: &str) {
        // "[<ffffffff81000000>] " and "RIP: 0010:" may stand in front; a function in user space has no name here.
        static FRAME: LazyLock<Regex> = LazyLock::new(|| {
            pattern(
                r"^(?:kmemleak:)?\s*(?:RIP: [0-9a-f]{4}:|pc : |EIP: )?(?:\[<[0-9a-fx]+>\] )?([A-Za-z_][\w.$]*)\+0x[0-9a-f]+/0x[0-9a-f]+",
            )
        });
        static WARNING_SITE: LazyLock<Regex> = LazyLock::new(|| {
            pattern(
                r"(?:WARNING:|Kernel BUG|CFI failure|KASAN|KMSAN|KFENCE|KCSAN).*? (?:at|in) (?:\S+:\d+ )?(?:at )?([A-Za-z_][\w.$]*)\+0x",
            )
        });
        static LOCK_SITE: LazyLock<Regex> =
            LazyLock::new(|| pattern(r"(?:\), at: |\bat: )(?:\[<[0-9a-f]+>\] )?([A-Za-z_][\w.$]*)\+0x"));
        if self.found.len() >= DEEPEST {
            return;
        }
        if let Some(site) = LOCK_SITE.captures(message) {
            self.lock_site.get_or_insert_with(|| plain_name(&site[1]));
        } else if let Some(frame) = FRAME.captures(message).or_else(|| WARNING_SITE.captures(message)) {
            self.found.push(plain_name(&frame[1]));
        }
    }

    /// The function to name in the title of a report of this kind.
    pub(super) fn culprit(&self, kind: Kind) -> Option<&str> {
        let stalled = matches!(kind, Kind::RcuStall | Kind::SoftLockup | Kind::HardLockup);
        let interesting =
            |name: &&String| !(is_one_of(name, MACHINERY) || stalled && is_one_of(name, WATCHDOG));
        let lock_site = self.lock_site.as_ref().filter(|_| kind == Kind::Lockdep);
        let all = || lock_site.into_iter().chain(&self.found);
        all().find(interesting).or_else(|| all().next()).map(String::as_str)
    }
}

/// `prefixes` are groups of words.
fn is_one_of(name: &str, prefixes: &[&str]) -> bool {
    prefixes.iter().flat_map(|group| group.split(' ')).any(|prefix| name.starts_with(prefix))
}

/// The name as in the source: without what the compiler appended.
fn plain_name(name: &str) -> String {
    static SUFFIX: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"(?:\.(?:isra|constprop|part|cold|llvm|lto_priv)(?:\.?\d+)*)+$"));
    SUFFIX.replace(name, "").into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, lines: &[&str], expected: Option<&str>) {
        let mut frames = Frames::default();
        lines.iter().for_each(|line| frames.add(line));
        assert_eq!(frames.culprit(kind), expected, "{lines:?}");
    }

    #[test]
    fn the_first_function_that_is_no_machinery_is_named() {
        let oops = [
            "RIP: 0010:memcpy_orig+0x1e/0x140",
            "Call Trace:",
            " <TASK>",
            " ? fuse_guess+0x1/0x2",
            " fuse_copy_do+0x1/0x2",
        ];
        check(Kind::Oops, &oops, Some("fuse_copy_do"));
        check(Kind::Oops, &["RIP: 0010:fuse_dev_do_read.constprop.0+0x5/0x9"], Some("fuse_dev_do_read"));
        check(Kind::Oops, &["RIP: 0010:0x0", " [<ffffffff81000000>] f.isra.3.part.1+0x5/0x9"], Some("f"));
        check(Kind::Oops, &["RIP: 0033:0x431910", "RAX: ffffffffffffffda"], None);
        check(
            Kind::Warning,
            &[
                "WARNING: CPU: 0 PID: 1 at lib/refcount.c:28 refcount_warn_saturate+0xb/0xc",
                " fuse_put+0x1/0x2",
            ],
            Some("fuse_put"),
        );
        check(
            Kind::Warning,
            &["WARNING: fs/fuse/dev.c:5 at fuse_put+0x1/0x2, CPU#0: dd/12"],
            Some("fuse_put"),
        );
        check(Kind::Kasan, &["BUG: KASAN: slab-use-after-free in fuse_put+0x1/0x2"], Some("fuse_put"));
        check(
            Kind::RcuStall,
            &["RIP: 0010:native_write_msr+0x4/0x20", " fuse_spin+0x1/0x2"],
            Some("fuse_spin"),
        );
        check(
            Kind::HungTask,
            &[" __schedule+0x1/0x2", " schedule+0x1/0x2", " fuse_wait+0x1/0x2"],
            Some("fuse_wait"),
        );
        check(
            Kind::Lockdep,
            &["ffff888 (&fi->lock){+.+.}-{2:2}, at: fuse_a+0x1/0x2", " dump_stack_lvl+0x1/0x2"],
            Some("fuse_a"),
        );
        check(Kind::Oops, &[" panic+0x1/0x2"], Some("panic"));
    }
}
