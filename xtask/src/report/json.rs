//! The comparison as JSON, samples included: `schema` says which version of the form it is.

use anyhow::Context as _;

use crate::comparison::Comparison;

/// The whole comparison, ended by a line feed.
///
/// # Errors
/// None that a comparison can cause; kept for the serialiser's sake.
pub fn render(comparison: &Comparison) -> anyhow::Result<String> {
    let text = serde_json::to_string_pretty(comparison).context("writing the comparison as JSON")?;
    Ok(text + "\n")
}
