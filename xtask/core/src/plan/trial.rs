//! A series that is tried without an edit of `lab.toml`: what would have been written there.

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::config::Config;
use super::source::Source;
use crate::text::name::LONGEST;

/// The fragments that a tried series brings itself: what its files need.
const AUTO: &str = "auto";

/// What is compared when a series is tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// The plan, which is not in `lab.toml`.
    pub plan: String,
    /// The plan that it is like.
    pub like: String,
    /// What stands behind `lab.toml`.
    pub text: String,
}

/// What a trial is made of.
#[derive(Clone, Copy, Debug)]
pub struct Tried<'a> {
    /// The series, by name.
    pub series: &'a str,
    /// The files that it changes.
    pub touched: &'a BTreeSet<String>,
    /// The version before it, by name.
    pub older: Option<&'a str>,
    /// Where its kernels come from, if it is not the source of `[kernel]`.
    pub source: Option<&'a Source>,
    /// The plan of `lab.toml` that it is tried with, instead of the one that fits the files it changes.
    pub like: Option<&'a str>,
}

impl Trial {
    /// The plan for a series.
    ///
    /// # Errors
    /// If `lab.toml` has no such plan.
    pub fn new(config: &Config, tried: Tried<'_>) -> anyhow::Result<Self> {
        let like = tried.like.unwrap_or_else(|| fitting(tried.touched));
        // Its own source is of a plan that fits any kernel.
        let like_any = if like == "default" && tried.source.is_some() { "any-kernel" } else { like };
        let Some(entry) = config.plans.get(like_any) else {
            anyhow::bail!("lab.toml has no plan `{like_any}`: name another one with --plan");
        };
        let has_behaviour = tried.source.is_none() && entry.source.is_none() && like_any == "default";
        let (baseline, of_baseline) = as_it_is(config, if has_behaviour { "stock" } else { "as-is" });
        let of = |series: &str| variant(config, series);
        let tested = tried.older.into_iter().chain([tried.series]).map(of);
        let tested: Vec<(String, Option<Table>)> = tested.collect();
        let mut variants = Table::new();
        for (name, table) in tested.iter().chain([&(baseline.clone(), of_baseline)]) {
            variants.extend(table.clone().map(|table| (name.clone(), Value::Table(table))));
        }
        let plan = free(tried.series, |name| config.plans.contains_key(name));
        let names = [baseline.clone()].into_iter().chain(tested.into_iter().map(|(name, _)| name));
        let mut table = Table::new();
        table.insert("like".to_owned(), like_any.into());
        table.insert("baseline".to_owned(), baseline.into());
        table.insert("variants".to_owned(), names.collect::<Vec<_>>().into());
        let fragments = entry.kernel_config.iter().cloned().chain([AUTO.to_owned()]);
        table.insert("kernel-config".to_owned(), fragments.collect::<Vec<_>>().into());
        if let Some(source) = tried.source {
            table.insert("source".to_owned(), written(source).into());
        }
        let mut document = Table::new();
        if !variants.is_empty() {
            document.insert("variants".to_owned(), Value::Table(variants));
        }
        document.insert(
            "plans".to_owned(),
            Value::Table(Table::from_iter([(plan.clone(), Value::Table(table))])),
        );
        Ok(Trial { plan, like: like_any.to_owned(), text: format!("\n{}", toml::to_string(&document)?) })
    }
}

/// A source as `lab.toml` has it.
fn written(source: &Source) -> Table {
    let pairs = match source {
        Source::Debian { package, suite } => [("debian", Some(package)), ("suite", suite.as_ref())],
        Source::Tarball { location, sha256 } => [("tarball", Some(location)), ("sha256", sha256.as_ref())],
        Source::Git { repository, commit } => [("git", Some(repository)), ("commit", Some(commit))],
        Source::Tree(path) => [("tree", Some(path)), ("", None)],
    };
    let given = pairs.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?.as_str().into())));
    given.collect()
}

/// The source as it is: the variant of that name, another one without series, or a new one.
fn as_it_is(config: &Config, wanted: &str) -> (String, Option<Table>) {
    let is_it = |name: &str| {
        config.variants.get(name).is_some_and(|known| known.source.is_none() && known.series.is_empty())
    };
    let known =
        [wanted].into_iter().chain(config.variants.keys().map(String::as_str)).find(|name| is_it(name));
    match known {
        Some(name) => (name.to_owned(), None),
        None => {
            let name = free(wanted, |name| config.variants.contains_key(name));
            (name, Some(Table::from_iter([("series".to_owned(), Value::Array(Vec::new()))])))
        }
    }
}

/// A variant of one series: that of `lab.toml`, or its name and table.
fn variant(config: &Config, series: &str) -> (String, Option<Table>) {
    let is_of_it = |name: &&String| {
        config.variants.get(*name).is_some_and(|known| known.source.is_none() && known.series == [series])
    };
    if let Some(known) = config.variants.keys().find(is_of_it) {
        return (known.clone(), None);
    }
    let name = free(series, |name| config.variants.contains_key(name));
    (name, Some(Table::from_iter([("series".to_owned(), Value::from(vec![series]))])))
}

/// A name that is not taken: this one, or one made of it.
fn free(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let other = |number: usize| numbered(name, number, "try");
    (1..).map(other).find(|name| !is_taken(name)).unwrap_or_else(|| name.to_owned())
}

/// `name`, and from 2 on with a number behind it, no longer than a name may be: `fix`, `fix-v2`.
pub fn numbered(name: &str, number: usize, word: &str) -> String {
    if number == 1 {
        return name.to_owned();
    }
    let end = format!("-{word}{number}");
    let kept: String = name.chars().take(LONGEST.saturating_sub(end.len())).collect();
    format!("{}{end}", kept.trim_end_matches(['-', '.', '_']))
}

/// The plan that shows what a change of these files does.
fn fitting(touched: &BTreeSet<String>) -> &'static str {
    let under =
        |folders: &[&str]| touched.iter().any(|path| folders.iter().any(|folder| path.starts_with(folder)));
    if under(&["fs/fuse/", "include/uapi/linux/fuse.h"]) {
        "default"
    } else if under(&["net/", "include/net/", "drivers/net/"]) {
        "loopback"
    } else if under(&["fs/ext4/", "fs/jbd2/", "block/", "drivers/block/"]) {
        "ext4"
    } else {
        "default"
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::plan::config::tests::GOOD;

    /// The plans that are tried with.
    fn lab() -> String {
        format!(
            "{GOOD}[variants.as-is]\nseries = []\n[plans.any-kernel]\nlike = 'default'\nbaseline = 'as-is'\n\
             variants = ['as-is', 'again']\n"
        )
    }

    fn check(tried: Tried<'_>, expected: Expect) {
        let lab = lab();
        let config = Config::parse("lab.toml", &lab).unwrap();
        let trial = Trial::new(&config, tried).unwrap();
        expected.assert_eq(&trial.text);
        let config = Config::parse("lab.toml", &format!("{lab}{}", trial.text)).unwrap();
        assert!(config.plans.contains_key(&trial.plan));
    }

    fn paths(paths: &[&str]) -> BTreeSet<String> {
        paths.iter().map(|&path| path.to_owned()).collect()
    }

    #[test]
    fn a_series_for_fuse_is_tried_with_the_default_plan() {
        let touched = paths(&["fs/fuse/file.c", "mm/filemap.c"]);
        let tried = Tried { series: "my-fix", touched: &touched, older: None, source: None, like: None };
        check(
            tried,
            expect![[r#"

            [plans.my-fix]
            baseline = "stock"
            kernel-config = ["auto"]
            like = "default"
            variants = ["stock", "my-fix"]

            [variants.my-fix]
            series = ["my-fix"]
        "#]],
        );
        check(
            Tried { older: Some("my-old"), ..tried },
            expect![[r#"

            [plans.my-fix]
            baseline = "stock"
            kernel-config = ["auto"]
            like = "default"
            variants = ["stock", "my-old", "my-fix"]

            [variants.my-fix]
            series = ["my-fix"]

            [variants.my-old]
            series = ["my-old"]
        "#]],
        );
        let source = Source::Git { repository: "/src/linux".to_owned(), commit: "1".repeat(40) };
        check(
            Tried { source: Some(&source), ..tried },
            expect![[r#"

            [plans.my-fix]
            baseline = "as-is"
            kernel-config = ["auto"]
            like = "any-kernel"
            variants = ["as-is", "my-fix"]

            [plans.my-fix.source]
            commit = "1111111111111111111111111111111111111111"
            git = "/src/linux"

            [variants.my-fix]
            series = ["my-fix"]
        "#]],
        );
        // Names that lab.toml has are not taken for something else, and what it has of the series is used.
        check(
            Tried { series: "stock", ..tried },
            expect![[r#"

            [plans.stock]
            baseline = "stock"
            kernel-config = ["auto"]
            like = "default"
            variants = ["stock", "stock-try2"]

            [variants.stock-try2]
            series = ["stock"]
        "#]],
        );
    }

    #[test]
    fn the_plan_fits_what_is_changed() {
        for (path, plan) in [
            ("fs/fuse/dev.c", "default"),
            ("include/uapi/linux/fuse.h", "default"),
            ("net/ipv4/tcp.c", "loopback"),
            ("fs/ext4/inode.c", "ext4"),
            ("block/blk-mq.c", "ext4"),
            ("kernel/sched/fair.c", "default"),
        ] {
            assert_eq!(fitting(&paths(&[path])), plan, "{path}");
        }
    }

    #[test]
    fn a_plan_that_is_not_there_is_refused() {
        let config = Config::parse("lab.toml", &lab()).unwrap();
        let touched = paths(&["fs/fuse/file.c"]);
        let tried =
            Tried { series: "a", touched: &touched, older: None, source: None, like: Some("nowhere") };
        let error = Trial::new(&config, tried).unwrap_err().to_string();
        assert_eq!(error, "lab.toml has no plan `nowhere`: name another one with --plan");
    }

    #[test]
    fn names_stay_short() {
        assert_eq!(numbered("fix", 1, "v"), "fix");
        assert_eq!(numbered("fix", 2, "v"), "fix-v2");
        assert_eq!(numbered(&"a".repeat(40), 12, "v"), format!("{}-v12", "a".repeat(36)));
    }
}
