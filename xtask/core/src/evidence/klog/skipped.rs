//! Functions that stand on a stack and are not what a report is about, in classes, each with its reason.
//!
//! A class is a rule of thought and not a list of what was once seen: whoever prints, unwinds, checks, waits or copies
//! does so for a caller, and the caller is meant. The names are those of Linux 6.1, 6.12 and 7.3, and of older ones where
//! they had others.

mod table;

use std::collections::HashMap;
use std::sync::LazyLock;

use table::TABLE;

/// What a function on the stack was doing there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Prints the report, or stops for it.
    Reporting,
    /// Brought the CPU from the fault to the report, or from one function to the next.
    Trap,
    /// Checks what others do, at each access.
    Sanitizer,
    /// Checks what its caller gave it, and warns about the caller.
    Assertion,
    /// Gives memory to its caller, or takes it back.
    Allocation,
    /// Takes or releases a lock for its caller.
    Locking,
    /// Sleeps, wakes, queues or flushes for its caller.
    Waiting,
    /// Chooses who runs.
    Scheduling,
    /// Works on data of its caller: text, trees, bits, sums, copies.
    Library,
    /// Makes its caller fail, to test it.
    FaultInjection,
    /// How each system call and each thread begins.
    Entry,
    /// Notices that a CPU does not come on, in an interrupt of that CPU.
    Watchdog,
    /// Passes time for its caller.
    Delay,
    /// Is where an interrupt begins: what stands below was interrupted.
    Interrupt,
    /// Calls what others gave it to call: system calls, file operations, timers, works.
    Dispatch,
    /// Has nothing to do.
    Idle,
}

/// Names that stand for themselves, with their classes.
static NAMES: LazyLock<HashMap<&str, Vec<Class>>> = LazyLock::new(|| {
    let mut names: HashMap<&str, Vec<Class>> = HashMap::new();
    for (name, class) in words().filter(|(word, _)| !word.contains('*')) {
        names.entry(name).or_default().push(class);
    }
    names
});

/// What names begin and end with, with the class.
static BEGINNINGS: LazyLock<Vec<(&str, &str, Class)>> = LazyLock::new(|| {
    words().filter_map(|(word, class)| word.split_once('*').map(|(begin, end)| (begin, end, class))).collect()
});

fn words() -> impl Iterator<Item = (&'static str, Class)> {
    TABLE.iter().flat_map(|(class, _, names)| names.split_whitespace().map(|word| (word, *class)))
}

/// Whether a function belongs to one of the classes.
pub(super) fn is_one_of(name: &str, classes: &[Class]) -> bool {
    let whole = NAMES.get(name).is_some_and(|found| found.iter().any(|class| classes.contains(class)));
    let begins = |&(begin, end, class): &(&str, &str, Class)| {
        classes.contains(&class) && name.strip_prefix(begin).is_some_and(|rest| rest.ends_with(end))
    };
    whole || BEGINNINGS.iter().any(begins)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_says_where_its_functions_are() {
        for (class, place, names) in TABLE {
            assert!(place.contains('/') && !names.is_empty(), "{class:?}: {place}");
            for word in names.split_whitespace() {
                assert!(word.trim_end_matches('*').len() > 1, "{class:?}: {word} takes nearly all");
            }
        }
    }

    #[test]
    fn a_name_is_skipped_as_a_whole_or_by_its_beginning() {
        for (name, class, expected) in [
            ("panic", Class::Reporting, true),
            ("panic_handler_of_a_driver", Class::Reporting, false),
            ("synchronize_rcu", Class::Waiting, false),
            ("__synchronize_srcu", Class::Waiting, true),
            ("rtnl_lock", Class::Locking, false),
            ("lock_sock_nested", Class::Locking, false),
            ("upload", Class::Locking, false),
            ("rb_erase", Class::Library, true),
            ("rb_commit", Class::Library, false),
            ("kfree", Class::Allocation, true),
            ("kfree_skb_reason", Class::Allocation, false),
            ("copy_to_user_policy", Class::Library, false),
            ("csum_tree_block", Class::Library, false),
            ("iterate_dir", Class::Library, false),
            ("touch_wq_lockdep_map", Class::Waiting, true),
            ("fuse_copy_do", Class::Library, false),
            ("request_wait_answer", Class::Waiting, false),
            // Those of others that begin in the same way.
            ("bfs_create", Class::Locking, false),
            ("__update_nat_bits", Class::Locking, false),
            ("cfi_qry_mode_on", Class::Sanitizer, false),
            ("wake_up_partner", Class::Waiting, false),
            ("memcpy_extent_buffer", Class::Library, false),
            ("memmove_leaf_data", Class::Library, false),
            ("strcmp_null", Class::Library, false),
            ("klist_devices_get", Class::Library, false),
            ("__bitmap_resize", Class::Library, false),
            ("delay_from_credits", Class::Delay, false),
            ("do_raw_setsockopt", Class::Locking, false),
            ("get_user_ifreq", Class::Library, false),
            ("atomic_open", Class::Library, false),
            ("rcu_barrier", Class::Waiting, false),
            // kernel/sched/core.c, kernel/rcu/tree_stall.h, kernel/rcu/tree_plugin.h, lib/fault-inject.c: what stands above whom a report is about.
            ("__schedule_bug", Class::Reporting, true),
            ("rcu_dump_cpu_stacks", Class::Reporting, true),
            ("free_page_is_bad_report", Class::Reporting, true),
            ("rcu_note_context_switch", Class::Scheduling, true),
            ("fail_dump", Class::FaultInjection, true),
            ("__alloc_skb", Class::Allocation, true),
            ("cache_alloc_refill", Class::Allocation, true),
            ("do_mem_abort", Class::Trap, true),
            ("__bad_page_fault", Class::Trap, true),
            ("walk_stackframe", Class::Reporting, true),
            ("__x86_indirect_thunk_rax", Class::Trap, true),
            ("do_raw_spin_lock", Class::Locking, true),
            ("_spin_lock_irqsave", Class::Locking, true),
            ("lockdep_rcu_suspicious", Class::Reporting, true),
            ("memcpy_orig", Class::Library, true),
            ("crc32_le_base", Class::Library, true),
            ("_copy_from_iter", Class::Library, true),
        ] {
            assert_eq!(is_one_of(name, &[class]), expected, "{name}");
        }
    }
}
