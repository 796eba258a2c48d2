//! The series of kernels, read and checked.

use lab_core::plan::Variant;
use lab_core::series::{self, Series};

use crate::lab::Lab;
use crate::series::load;

/// The series of a variant, checked; the last one only as far as the variant has it.
pub(super) fn load_all(lab: &Lab, variant: &Variant) -> anyhow::Result<Vec<Series>> {
    let load = |name: &String| load_series(lab, name);
    let mut all = variant.series.iter().map(load).collect::<anyhow::Result<Vec<_>>>()?;
    if let (Some(last), Some(prefix)) = (all.last_mut(), &variant.prefix) {
        *last = last.prefix(prefix.patches as usize);
    }
    Ok(all)
}

/// A series, checked.
///
/// # Errors
/// If it cannot be read or is refused.
pub(crate) fn load_series(lab: &Lab, name: &str) -> anyhow::Result<Series> {
    let series = load(&lab.checkout.join("kernel-patches"), name)?;
    series::scan(&series)?;
    Ok(series)
}
