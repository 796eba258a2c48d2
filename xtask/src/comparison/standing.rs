//! What plan and record say of a boot beside its figures: whether it counts, and what disturbed it.

use crate::plan::BootStep;
use crate::record::Record;

/// Whether a boot only warms the host up: it is kept, and what the kernel said in it counts, but its figures do not.
pub(super) fn is_warm_up(step: &BootStep) -> bool {
    step.is_warm_up()
}

/// What disturbed a boot from outside, as its record tells it.
pub(super) fn disturbances(record: &Record) -> Vec<String> {
    record.host.as_ref().map(|host| host.disturbed.clone()).unwrap_or_default()
}
