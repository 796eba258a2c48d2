//! From what pjdfstest printed to cases: which passed, and what of it was not expected.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use anyhow::{Context as _, bail, ensure};
use regex::Regex;
use serde::Deserialize;

use super::{excerpt, pattern};

/// How many cases one sentence names.
const NAMED: usize = 12;

/// How a case ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CaseEnd {
    /// The file system did as POSIX says.
    Passed,
    /// It did not.
    Failed,
    /// The case was left out: the guest or the configuration lacks something.
    Skipped,
}

/// The cases of a run that came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cases(BTreeMap<String, CaseEnd>);

impl Cases {
    /// Reads what pjdfstest printed, without `--verbose`.
    ///
    /// # Errors
    /// If a case is there twice, or there are other numbers of them than the last line says: then something is missing.
    pub(super) fn parse(stdout: &str) -> anyhow::Result<Cases> {
        // The name is filled up with spaces. Between the cases stands why one failed or was left out.
        static CASE: LazyLock<Regex> = LazyLock::new(|| {
            pattern(r"^([a-z0-9_:]{1,100}) +(ok|FAILED|skipped|failed as expected|PASSED UNEXPECTEDLY)$")
        });
        static SUMMARY: LazyLock<Regex> = LazyLock::new(|| {
            pattern(
                r"^Summary: (\d+) failed, (\d+) skipped, (\d+) passed, (\d+) expected failures, (\d+) total$",
            )
        });
        let Some(summary) = stdout.lines().rev().find_map(|line| SUMMARY.captures(line)) else {
            bail!("no line `Summary: ... total`: {}", excerpt(stdout));
        };
        let mut cases = BTreeMap::new();
        let mut found = [0_usize; 4];
        for case in stdout.lines().filter_map(|line| CASE.captures(line)) {
            // The places are those of the summary, which counts what passed unexpectedly as failed.
            let (end, place) = match &case[2] {
                "FAILED" => (CaseEnd::Failed, 0),
                "PASSED UNEXPECTEDLY" => (CaseEnd::Passed, 0),
                "skipped" => (CaseEnd::Skipped, 1),
                "ok" => (CaseEnd::Passed, 2),
                _ => (CaseEnd::Failed, 3),
            };
            found[place] += 1;
            ensure!(cases.insert(case[1].to_owned(), end).is_none(), "the case {} is there twice", &case[1]);
        }
        let count = |place: usize| summary[place].parse::<usize>().context("a number of cases");
        let said = [count(1)?, count(2)?, count(3)?, count(4)?];
        ensure!(
            found == said && cases.len() == count(5)?,
            "it names {} cases ({found:?}), and its summary counts {} ({said:?})",
            cases.len(),
            &summary[5]
        );
        ensure!(!cases.is_empty(), "it ran no case");
        Ok(Cases(cases))
    }

    /// The names of the cases that passed, or of those that did not.
    pub(crate) fn that_passed(&self, passed: Passed) -> impl Iterator<Item = &str> {
        let is_wanted = move |end: CaseEnd| (end == CaseEnd::Passed) == (passed == Passed::Yes);
        self.0.iter().filter(move |(_, end)| is_wanted(**end)).map(|(name, _)| name.as_str())
    }

    /// What is not as `known` says, in words; none if all of it is.
    pub(super) fn surprise<'a>(&'a self, known: &'a Known) -> Option<String> {
        let end = |name: &str| self.0.get(name).copied();
        let beside = |wanted: CaseEnd, list: &BTreeSet<String>| -> Vec<&str> {
            let ended = self.0.iter().filter(|(_, end)| **end == wanted);
            ended.map(|(name, _)| name.as_str()).filter(|name| !list.contains(*name)).collect()
        };
        let among = |list: &'a BTreeSet<String>, wanted: Option<CaseEnd>| -> Vec<&'a str> {
            list.iter().map(String::as_str).filter(|name| end(name) == wanted).collect()
        };
        let absent = |list| among(list, None);
        let parts = [
            ("fail that should pass", beside(CaseEnd::Failed, &known.fails)),
            ("are left out that should run", beside(CaseEnd::Skipped, &known.skipped)),
            ("pass that are listed as failing", among(&known.fails, Some(CaseEnd::Passed))),
            ("pass that are listed as left out", among(&known.skipped, Some(CaseEnd::Passed))),
            ("are listed and do not exist", [absent(&known.fails), absent(&known.skipped)].concat()),
        ];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(_, names)| !names.is_empty())
            .map(|(what, names)| format!("cases {what}: {}", named(names)))
            .collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

/// Which cases are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passed {
    /// Those that passed.
    Yes,
    /// Those that failed or were left out.
    No,
}

/// Names in a sentence, not more than fit into one.
pub(crate) fn named(names: &[&str]) -> String {
    let shown = names[..names.len().min(NAMED)].join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// The cases that are known not to pass, from the configuration of pjdfstest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// Those that fail.
    pub(crate) fails: BTreeSet<String>,
    /// Those that are left out.
    pub(crate) skipped: BTreeSet<String>,
}

/// What the lab looks at in the configuration; pjdfstest itself looks at the rest, and ignores `lab`.
#[derive(Deserialize)]
struct Configuration {
    settings: Settings,
    lab: Lab,
}

#[derive(Deserialize)]
struct Settings {
    expected_failures: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lab {
    skipped: Vec<String>,
}

impl Known {
    /// Reads the configuration.
    ///
    /// # Errors
    /// If it has another form, or names a case twice.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Known> {
        let Configuration { settings, lab } = toml::from_str(text)?;
        let mut names = BTreeSet::new();
        for name in settings.expected_failures.iter().chain(&lab.skipped) {
            ensure!(names.insert(name), "{} is named twice", crate::text::suggest::quoted(name));
        }
        let set = |names: Vec<String>| names.into_iter().collect();
        Ok(Known { fails: set(settings.expected_failures), skipped: set(lab.skipped) })
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::super::captures::capture;
    use super::*;

    /// That of the run in `pjdfstest-unexpected.txt`, but for what is given.
    fn known(fails: &[&str], skipped: &[&str]) -> Known {
        let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Known { fails: set(fails), skipped: set(skipped) }
    }

    fn check(known: &Known, expected: Expect) {
        let cases = Cases::parse(capture("pjdfstest-unexpected.txt")).unwrap();
        expected.assert_eq(&cases.surprise(known).unwrap_or("nothing".to_owned()));
    }

    const SKIPPED: [&str; 14] = [
        "chmod::erofs_named",
        "chown::erofs_named",
        "chown::lchown::erofs_named",
        "link::erofs_named",
        "link::link_count_max",
        "mkdir::erofs_new_file",
        "mkfifo::erofs_new_file",
        "open::erofs_named",
        "open::erofs_new_file",
        "rename::erofs_named",
        "rmdir::erofs_named",
        "symlink::erofs_new_file",
        "truncate::erofs_named",
        "unlink::erofs_named",
    ];
    const FAILED: [&str; 4] = [
        "mkdir::uid_gid_eq_euid_egid",
        "mkfifo::uid_gid_eq_euid_egid",
        "mknod::uid_gid_eq_euid_egid",
        "open::uid_gid_eq_euid_egid",
    ];

    #[test]
    fn what_is_known_is_no_surprise() {
        check(&known(&FAILED, &SKIPPED), expect!["nothing"]);
    }

    #[test]
    fn every_surprise_is_named() {
        // As the run had it.
        check(
            &known(&["mkdir::uid_gid_eq_euid_egid", "unlink::unchanged_ctime_failed::char"], &SKIPPED),
            expect![
                "cases fail that should pass: mkfifo::uid_gid_eq_euid_egid, mknod::uid_gid_eq_euid_egid, open::uid_gid_eq_euid_egid; cases pass that are listed as failing: unlink::unchanged_ctime_failed::char"
            ],
        );
        check(
            &known(&FAILED, &SKIPPED[1..]),
            expect!["cases are left out that should run: chmod::erofs_named"],
        );
        check(
            &known(&FAILED, &[&SKIPPED[..], &["chmod::enoent_named_file"]].concat()),
            expect!["cases pass that are listed as left out: chmod::enoent_named_file"],
        );
        check(
            &known(&[&FAILED[..], &["chmod::ebadf"]].concat(), &SKIPPED),
            expect!["cases are listed and do not exist: chmod::ebadf"],
        );
        check(
            &known(&[&FAILED[..], &SKIPPED[..1]].concat(), &SKIPPED[1..]),
            expect!["cases are left out that should run: chmod::erofs_named"],
        );
        check(
            &known(&FAILED, &[]),
            expect![
                "cases are left out that should run: chmod::erofs_named, chown::erofs_named, chown::lchown::erofs_named, link::erofs_named, link::link_count_max, mkdir::erofs_new_file, mkfifo::erofs_new_file, open::erofs_named, open::erofs_new_file, rename::erofs_named, rmdir::erofs_named, symlink::erofs_new_file and 2 more"
            ],
        );
    }

    #[test]
    fn every_case_is_counted() {
        let text = capture("pjdfstest-unexpected.txt");
        let cases = Cases::parse(text).unwrap();
        let count = |passed| cases.that_passed(passed).count();
        assert_eq!((count(Passed::Yes), count(Passed::No)), (380, 18));

        let error = |text: &str| format!("{:#}", Cases::parse(text).unwrap_err());
        let without = |part: &str| {
            text.lines()
                .filter(|line| !line.contains(part))
                .map(|line| format!("{line}\n"))
                .collect::<String>()
        };
        expect!["no line `Summary: ... total`: it ends with `chown::enametoolong_path                                                      ok`"].assert_eq(&error(&without("Summary")));
        expect!["it names 397 cases ([4, 14, 379, 0]), and its summary counts 398 ([4, 14, 379, 1])"]
            .assert_eq(&error(&without("failed as expected")));
        expect!["the case mkdir::enoent_comp is there twice"].assert_eq(&error(
            &text.replace("mkdir::uid_gid_eq", "mkdir::enoent_comp ok\nmkdir::uid_gid_eq"),
        ));
        expect!["no line `Summary: ... total`: it is empty"].assert_eq(&error(""));
        expect!["it ran no case"]
            .assert_eq(&error("Summary: 0 failed, 0 skipped, 0 passed, 0 expected failures, 0 total\n"));
    }

    #[test]
    fn the_lists_are_read_from_the_configuration() {
        let check = |text: &str, expected: Expect| {
            expected.assert_eq(&match Known::parse(text) {
                Ok(known) => format!("{known:?}"),
                Err(error) => format!("{error:#}").lines().last().unwrap_or_default().to_owned(),
            });
        };
        let good = "features = {}\n[settings]\nexpected_failures = [\"a::b\"]\n[lab]\nskipped = [\"c\"]\n";
        check(good, expect![[r#"Known { fails: {"a::b"}, skipped: {"c"} }"#]]);
        check(&good.replace("\"c\"", "\"a::b\""), expect!["`a::b` is named twice"]);
        check(&good.replace("skipped", "skip"), expect!["unknown field `skip`, expected `skipped`"]);
        check("[settings]\nnaptime = 0.1\n", expect!["missing field `expected_failures`"]);
    }
}
