//! What each probe should see, by groups of kernels: the tables of `images/probe/expected/`.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use lab_protocol::ProbeTask;
use serde::Deserialize;

/// The tables, by the names of their files.
pub(crate) const TABLES: [(&str, &str); 5] = [
    ("synchronous", include_str!("../expected/synchronous.toml")),
    ("asynchronous", include_str!("../expected/asynchronous.toml")),
    ("asynchronous-extras", include_str!("../expected/asynchronous-extras.toml")),
    ("asynchronous-for-aio", include_str!("../expected/asynchronous-for-aio.toml")),
    ("linux-6.12", include_str!("../expected/linux-6.12.toml")),
];

/// One table, with what it takes from others.
#[derive(Debug)]
pub(crate) struct Table(BTreeMap<String, Vec<String>>);

/// A file as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    /// What it has no entry for is taken from this table.
    like: Option<String>,
    probes: BTreeMap<String, Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Entry {
    One(String),
    AnyOf(Vec<String>),
}

impl Table {
    /// The table of a task; none if it names none.
    ///
    /// # Errors
    /// If there is no such table.
    pub(crate) fn of_task(task: &ProbeTask) -> anyhow::Result<Option<Self>> {
        task.expected.as_deref().map(Table::named).transpose()
    }

    /// The table with this name.
    ///
    /// # Errors
    /// If there is none, or it is not written as it should be.
    pub(crate) fn named(name: &str) -> anyhow::Result<Self> {
        Table::named_within(name, TABLES.len())
    }

    /// The same, with at most so many tables behind it.
    fn named_within(name: &str, most: usize) -> anyhow::Result<Self> {
        let names = || TABLES.map(|(name, _)| name).join(", ");
        let Some((_, text)) = TABLES.iter().find(|(known, _)| *known == name) else {
            bail!("there is no table of expected results `{name}`; the tables are {}", names());
        };
        let written: Written = toml::from_str(text).with_context(|| format!("reading the table {name}"))?;
        let mut entries = match (written.like, most) {
            (None, _) => BTreeMap::new(),
            (Some(like), 0) => bail!("the table {like} is like itself"),
            (Some(like), _) => Table::named_within(&like, most - 1)?.0,
        };
        entries.extend(written.probes.into_iter().map(|(name, entry)| match entry {
            Entry::One(text) => (name, vec![text]),
            Entry::AnyOf(texts) => (name, texts),
        }));
        Ok(Table(entries))
    }

    /// What a probe should see, any of which is right; nothing if the table says nothing of it.
    pub(crate) fn of(&self, probe: &str) -> &[String] {
        self.0.get(probe).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::groups;

    #[test]
    fn each_table_has_each_probe_and_no_other() {
        let probes = groups::all();
        let probes: BTreeSet<&str> = probes.iter().map(|probe| probe.name.as_str()).collect();
        for (name, _) in TABLES {
            let table = Table::named(name).unwrap();
            let entries: BTreeSet<&str> = table.0.keys().map(String::as_str).collect();
            let missing: Vec<_> = probes.difference(&entries).collect();
            let unknown: Vec<_> = entries.difference(&probes).collect();
            assert!(missing.is_empty(), "table {name} has no entry for {missing:?}");
            assert!(
                unknown.is_empty(),
                "table {name} has entries for probes that are not there: {unknown:?}"
            );
        }
    }

    #[test]
    fn entries_say_something_new() {
        for (name, text) in TABLES {
            let written: Written = toml::from_str(text).unwrap();
            let Some(like) = written.like else { continue };
            let (own, other) = (Table::named(name).unwrap(), Table::named(&like).unwrap());
            for probe in written.probes.keys() {
                assert_ne!(own.of(probe), other.of(probe), "{name}: {probe} is as in {like}");
            }
        }
    }

    #[test]
    fn every_entry_has_a_text() {
        for (name, _) in TABLES {
            let table = Table::named(name).unwrap();
            for (probe, texts) in &table.0 {
                let good = !texts.is_empty() && texts.iter().all(|text| !text.trim().is_empty());
                assert!(good, "{name}: {probe}");
            }
        }
    }

    #[test]
    fn an_unknown_table_is_named() {
        let error = Table::named("sync").unwrap_err().to_string();
        assert!(error.contains("`sync`") && error.contains("synchronous"), "{error}");
    }
}
