//! The comparison as JSON, samples included: `schema` says which version of the form it is.

use anyhow::Context as _;
use serde::Serialize;

/// The whole of a comparison, of one campaign or of two, ended by a line feed.
///
/// # Errors
/// None that a comparison can cause; kept for the serialiser's sake.
pub fn render(comparison: &impl Serialize) -> anyhow::Result<String> {
    let text = serde_json::to_string_pretty(comparison).context("writing the comparison as JSON")?;
    Ok(text + "\n")
}
