//! What a kernel consists of, read from the object that it is linked from.

mod names;
mod object;

use lab_core::evidence::symbols::Symbol;

/// The form of the digests. Lists of one form can be compared. Not part of a kernel's digest, since the kernel is the same.
///
/// In form 1 any byte that looked like a call counted as one if it led to the start of a function.
pub(super) const FORM: u32 = 2;

/// The symbols of `vmlinux.o`, sorted.
///
/// # Errors
/// If it is not a relocatable object of an architecture that the lab knows.
pub(super) fn of_object(bytes: &[u8]) -> anyhow::Result<Vec<Symbol>> {
    object::symbols(bytes)
}
