//! What the series of this checkout say of themselves, and what `lab.toml` makes of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use lab_core::plan::config::Config;
use lab_core::plan::fault_suite::{Fault, TABLE, faults};
use lab_core::series::{Patch, Series};
use lab_core::text::name::is_safe;

/// The subject of the mail that most series follow, and its date as far as it is known.
const MAIL: [&str; 2] = ["\"[PATCH 0/6] fuse: process direct IO asynchronously\"", "December 2012"];

/// That of the change that one patch follows.
const CHANGE: [&str; 2] =
    ["\"fuse: improve aio directIO write performance for size extending writes\"", "2016"];

fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the checkout").to_owned()
}

fn series(name: &str) -> Series {
    let entries = fs::read_dir(checkout().join("kernel-patches").join(name)).expect("the series").flatten();
    let read = |path: PathBuf| fs::read(path).expect("a file of the series");
    let files = entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), read(entry.path())));
    Series::from_files(name, files.collect()).expect("a sound series")
}

fn readme(name: &str) -> String {
    let path = checkout().join("kernel-patches").join(name).join("README.md");
    fs::read_to_string(path).expect("the series' README.md")
}

/// A patch that follows somebody's idea says whose and where it was told, and so does the README.md of its series.
#[test]
fn whose_idea_it_was_is_said() {
    for (name, author) in [
        ("async-dio", "Maxim Patlasov"),
        ("async-dio-by-kiocb", "Brian Foster"),
        ("async-dio-marked-kiocb", "Maxim Patlasov"),
    ] {
        for patch in &series(name).patches {
            check_patch(name, patch, author, MAIL);
        }
        check(name, &origin(name), author, MAIL);
    }
    // All but the last of the extras are this project's own.
    let (name, author) = ("async-dio-extras", "Ashish Sangwan");
    check_patch(name, series(name).patches.last().expect("patches"), author, CHANGE);
    check(name, &origin(name), author, CHANGE);
}

#[track_caller]
fn check_patch(series: &str, patch: &Patch, author: &str, told: [&str; 2]) {
    let text = String::from_utf8_lossy(&patch.text);
    let message = text.split("\n---\n").next().expect("a message");
    let (text, trailers) = message.rsplit_once("\n\n").expect("trailers");
    let place = format!("{series}/{}", patch.file);
    let trailer = format!("Suggested-by: {author} <");
    assert!(trailers.lines().any(|line| line.starts_with(&trailer)), "{place}: {trailers}");
    check(&place, text, author, told);
}

/// What the README.md of a series says of its origin.
fn origin(series: &str) -> String {
    let readme = readme(series);
    readme.split("\n## ").find(|part| part.starts_with("Origin\n")).expect("Origin").to_owned()
}

#[track_caller]
fn check(place: &str, text: &str, author: &str, [subject, date]: [&str; 2]) {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_told = [author, subject, date].iter().all(|part| text.contains(part));
    assert!(is_told, "{place} names no author, mail or date: {text}");
}

/// `patched` is the six patches of the mail and nothing else, on the ground that all these variants have; the extras come on
/// top of it. The default plan shows both.
#[test]
fn the_six_patches_are_alone_and_the_extras_on_top() {
    let text = fs::read_to_string(checkout().join("lab.toml")).expect("lab.toml");
    let config = Config::parse("lab.toml", &text).expect("a sound lab.toml");
    let list = |name: &str| config.variants[name].series.clone();
    let and = |name: &str, more: &str| [list(name), vec![more.to_owned()]].concat();
    assert_eq!(list("patched"), and("original", "async-dio"));
    assert_eq!(list("patched-extras"), and("patched", "async-dio-extras"));
    let six = [
        "fuse: move fuse_release_user_pages() up",
        "fuse: add support of async IO",
        "fuse: make fuse_direct_io() aware about AIO",
        "fuse: enable asynchronous processing direct IO",
        "fuse: truncate file if async dio failed",
        "fuse: optimize short direct reads",
    ];
    let subjects: Vec<String> = series("async-dio").patches.into_iter().map(|patch| patch.subject).collect();
    assert_eq!(subjects, six);
    let shown = &config.plans["default"].variants;
    assert!(["patched", "patched-extras"].iter().all(|name| shown.iter().any(|it| it == name)), "{shown:?}");
}

/// The table of the fault suite says of each fault, under a name of its own, how its boot ends and what tells it from others.
#[test]
fn each_fault_says_what_is_expected() {
    let path = checkout().join("kernel-patches").join(TABLE);
    let all = faults(&fs::read_to_string(path).expect("the table"), &[]).expect("a sound table");
    let names: BTreeSet<&str> = all.iter().map(|fault| fault.name.as_str()).collect();
    assert_eq!(names.len(), all.len(), "names are unique");
    for Fault { name, outcome, findings, reason, .. } in &all {
        assert!(is_safe(name), "{name}");
        assert!(
            ["finished", "broken", "hung", "lost", "error"].contains(&outcome.as_str()),
            "{name}: {outcome}"
        );
        let is_told = !findings.is_empty() || !reason.is_empty();
        assert_eq!(outcome != "finished", is_told, "{name}: findings or a reason");
    }
}
