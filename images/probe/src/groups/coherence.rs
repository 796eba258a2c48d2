//! Direct writes and the page cache: whoever reads through it after a write must see what was written.

mod borrowed;
mod meanwhile;
mod stores;
mod turns;

use crate::probe::Probe;

/// The probes of this group.
pub(super) fn probes() -> Vec<Probe> {
    let mut probes = meanwhile::probes();
    probes.extend(borrowed::probes());
    probes.extend(stores::probes());
    probes.extend(turns::probes());
    probes
}
