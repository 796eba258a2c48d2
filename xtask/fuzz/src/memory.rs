//! How much memory a case takes: an allocator that counts for each thread.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// More than this is a fault: no reader needs it for inputs as small as those that are made here.
pub const MOST_BYTES: usize = 256 << 20;

/// What a thread is given at most beyond what it had. Who asks for more gets nothing, and the process ends: so a case without end does
/// not take the memory of the machine.
const CEILING_BYTES: isize = 1 << 30;

/// The system's allocator, which counts.
struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
    static CEILING: Cell<isize> = const { Cell::new(isize::MAX) };
}

/// Notes that a thread holds so much more, or less; whether it may.
fn hold(bytes: isize) -> bool {
    let held = HELD.get().saturating_add(bytes);
    if bytes > 0 && held > CEILING.get() {
        return false;
    }
    HELD.set(held);
    MOST.set(MOST.get().max(held));
    true
}

fn size(bytes: usize) -> isize {
    isize::try_from(bytes).unwrap_or(isize::MAX)
}

// SAFETY: everything is passed on as it is; null is what an allocator gives that has nothing to give.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !hold(size(layout.size())) {
            return std::ptr::null_mut();
        }
        // SAFETY: what the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if !hold(size(layout.size())) {
            return std::ptr::null_mut();
        }
        // SAFETY: what the caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if !hold(size(new_size) - size(layout.size())) {
            return std::ptr::null_mut();
        }
        // SAFETY: what the caller promises.
        unsafe { System.realloc(memory, layout, new_size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        hold(-size(layout.size()));
        // SAFETY: what the caller promises.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Does `work`, and gives the most bytes that this thread held at a time beyond what it had before.
pub fn most_held(work: impl FnOnce()) -> usize {
    let before = HELD.get();
    MOST.set(before);
    CEILING.set(before.saturating_add(CEILING_BYTES));
    work();
    CEILING.set(isize::MAX);
    usize::try_from(MOST.get() - before).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_at_a_time_counts_and_not_what_was_given_back() {
        assert_eq!(most_held(|| ()), 0);
        let often = most_held(|| (0..10).for_each(|_| drop(std::hint::black_box(vec![1_u8; 1 << 20]))));
        assert_eq!(often, 1 << 20);
        let grown = most_held(|| {
            let mut bytes = vec![0_u8; 1000];
            bytes.reserve_exact(1 << 20);
            drop(std::hint::black_box(bytes));
        });
        assert!((1 << 20..1 << 21).contains(&grown), "{grown}");
    }

    #[test]
    fn beyond_the_ceiling_nothing_is_given() {
        most_held(|| {
            let mut bytes: Vec<u8> = Vec::new();
            assert!(bytes.try_reserve_exact(2 << 30).is_err());
            assert!(bytes.try_reserve_exact(1 << 20).is_ok());
        });
    }
}
