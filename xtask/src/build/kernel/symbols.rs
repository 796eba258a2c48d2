//! What a kernel consists of, read from the object that it is linked from.

mod names;
mod object;

use lab_core::evidence::symbols::Symbol;

/// The symbols of `vmlinux.o`, sorted.
///
/// # Errors
/// If it is not a relocatable object for x86-64.
pub(super) fn of_object(bytes: &[u8]) -> anyhow::Result<Vec<Symbol>> {
    object::symbols(bytes)
}
