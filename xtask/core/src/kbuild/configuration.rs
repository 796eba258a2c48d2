//! A resolved configuration: the values of all options of a kernel.

use std::collections::BTreeMap;
use std::sync::Arc;

/// The values of options, by name without `CONFIG_`. What is not there is off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    values: Arc<BTreeMap<String, String>>,
    /// Options that are on beside them.
    more: Vec<String>,
}

impl Configuration {
    /// Of the text of a `.config`.
    pub fn parse(text: &str) -> Self {
        let value = |line: &str| {
            let (name, value) = line.strip_prefix("CONFIG_")?.split_once('=')?;
            Some((name.to_owned(), value.trim().to_owned()))
        };
        Configuration { values: Arc::new(text.lines().filter_map(value).collect()), more: Vec::new() }
    }

    /// Whether an option is built in.
    pub fn is_on(&self, name: &str) -> bool {
        let is_on = |value: &String| matches!(value.as_str(), "y" | "m");
        self.values.get(name).is_some_and(is_on) || self.more.iter().any(|more| more == name)
    }

    /// With one more option built in.
    #[must_use]
    pub(super) fn with(&self, name: &str) -> Self {
        let more = self.more.iter().cloned().chain([name.to_owned()]).collect();
        Configuration { values: Arc::clone(&self.values), more }
    }
}
