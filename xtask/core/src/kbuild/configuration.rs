//! A configuration: the values of the options of a kernel.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The values of options, by name without `CONFIG_`. What is not there is off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Configuration {
    values: Arc<BTreeMap<String, String>>,
    /// Options that are on beside them.
    more: Vec<String>,
    /// Options of which only the build itself can tell.
    unknown: Arc<BTreeSet<String>>,
    /// Options that are not to be turned on.
    kept_off: Arc<BTreeSet<String>>,
}

impl Configuration {
    /// Of the text of a `.config`.
    pub fn parse(text: &str) -> Self {
        let value = |line: &str| {
            let (name, value) = line.strip_prefix("CONFIG_")?.split_once('=')?;
            Some((name.to_owned(), value.trim().to_owned()))
        };
        let values = Arc::new(text.lines().filter_map(value).collect());
        Configuration { values, ..Configuration::default() }
    }

    /// Whether an option is built in.
    pub fn is_on(&self, name: &str) -> bool {
        let is_on = |value: &String| matches!(value.as_str(), "y" | "m");
        self.values.get(name).is_some_and(is_on) || self.more.iter().any(|more| more == name)
    }

    /// The same; none if only the build itself can tell.
    pub(super) fn state(&self, name: &str) -> Option<bool> {
        let is_on = self.is_on(name);
        (is_on || !self.unknown.contains(name)).then_some(is_on)
    }

    /// Sets an option; none if only the build itself can tell.
    pub(super) fn set(&mut self, name: &str, is_on: Option<bool>) {
        let (values, unknown) = (Arc::make_mut(&mut self.values), Arc::make_mut(&mut self.unknown));
        values.remove(name);
        unknown.remove(name);
        match is_on {
            Some(true) => drop(values.insert(name.to_owned(), "y".to_owned())),
            Some(false) => {}
            None => drop(unknown.insert(name.to_owned())),
        }
    }

    /// With one more option built in.
    #[must_use]
    pub fn with(&self, name: &str) -> Self {
        let more = self.more.iter().cloned().chain([name.to_owned()]).collect();
        Configuration { more, ..self.clone() }
    }

    /// With options that are not to be turned on, whatever needs them.
    #[must_use]
    pub fn keeping_off(&self, names: impl IntoIterator<Item = String>) -> Self {
        Configuration { kept_off: Arc::new(names.into_iter().collect()), ..self.clone() }
    }

    pub(super) fn is_kept_off(&self, name: &str) -> bool {
        self.kept_off.contains(name)
    }
}
