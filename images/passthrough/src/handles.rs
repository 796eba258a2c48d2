//! The numbers that stand for open files and directories in requests.

use std::sync::{Arc, PoisonError, RwLock};

use rustix::io::{Errno, Result};

/// What is open, by handle number; a number is used again after its release.
#[derive(Debug)]
pub(crate) struct Handles<T> {
    slots: RwLock<Slots<T>>,
}

#[derive(Debug)]
struct Slots<T> {
    items: Vec<Option<Arc<T>>>,
    free: Vec<usize>,
}

impl<T> Default for Handles<T> {
    fn default() -> Self {
        Handles { slots: RwLock::new(Slots { items: Vec::new(), free: Vec::new() }) }
    }
}

impl<T> Handles<T> {
    /// Keeps `item` until its release, and gives its number.
    pub(crate) fn insert(&self, item: T) -> u64 {
        let item = Some(Arc::new(item));
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        let index = slots.free.pop().unwrap_or(slots.items.len());
        if index == slots.items.len() {
            slots.items.push(None);
        }
        slots.items[index] = item;
        index as u64
    }

    /// The item behind a number.
    ///
    /// # Errors
    /// EBADF if nothing is open under it.
    pub(crate) fn get(&self, number: u64) -> Result<Arc<T>> {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        usize::try_from(number).ok().and_then(|index| slots.items.get(index)?.clone()).ok_or(Errno::BADF)
    }

    /// Forgets a number. What is behind it is closed when the last request that uses it is done.
    ///
    /// # Errors
    /// EBADF if nothing is open under it.
    pub(crate) fn remove(&self, number: u64) -> Result<Arc<T>> {
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        let index = usize::try_from(number).map_err(|_| Errno::BADF)?;
        let item = slots.items.get_mut(index).and_then(Option::take).ok_or(Errno::BADF)?;
        slots.free.push(index);
        Ok(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_used_again_after_release_only() {
        let handles = Handles::default();
        assert_eq!([handles.insert('a'), handles.insert('b')], [0, 1]);
        assert_eq!(handles.remove(0).as_deref(), Ok(&'a'));
        assert_eq!(handles.get(0), Err(Errno::BADF));
        assert_eq!(handles.remove(0), Err(Errno::BADF));
        assert_eq!(handles.get(1).as_deref(), Ok(&'b'));
        assert_eq!([handles.insert('c'), handles.insert('d')], [0, 2]);
        assert_eq!(handles.get(0).as_deref(), Ok(&'c'));
        assert_eq!(handles.get(u64::MAX), Err(Errno::BADF));
    }
}
