//! What `clean` removes of a cache, and what it leaves alone.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use xtask::lab::cache::Cache;

#[expect(clippy::disallowed_methods, reason = "the program under test is started as a user would")]
fn clean(cache: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_patchlab"))
        .arg("clean")
        .args(arguments)
        .env("PATCHLAB_CACHE", cache)
        .stdin(Stdio::null())
        .output()
        .expect("the lab starts")
}

/// What a cache can have that no plan knows.
const UNKNOWN: [&str; 5] = [
    "kernels/0123/bzImage",
    "images/4567/image.cpio",
    "sources/of-old/tree/Makefile",
    "sources/of-old/builds/1/objects/vmlinux",
    "downloads/old.deb",
];

fn cache_with_unknown(folder: &Path) -> Cache {
    let cache = Cache::open(folder).expect("a cache");
    for file in UNKNOWN {
        let path = cache.join(file);
        fs::create_dir_all(path.parent().expect("its folder")).expect("a folder");
        fs::write(path, vec![b'x'; 100_000]).expect("a file");
    }
    cache
}

fn left(cache: &Cache) -> Vec<&'static str> {
    UNKNOWN.into_iter().filter(|file| cache.join(file).exists()).collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn what_no_plan_needs_goes_after_it_was_agreed_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = cache_with_unknown(folder.path());
    let looked = clean(folder.path(), &["--dry-run"]);
    assert_eq!((looked.status.code(), left(&cache).len()), (Some(0), UNKNOWN.len()), "{looked:?}");
    let shown = text(&looked.stdout);
    assert!(shown.contains("kernels: 1 of 1 to be removed"), "{shown}");
    assert!(shown.contains("images: 0 of 1 to be removed"), "{shown}");

    let unasked = clean(folder.path(), &[]);
    assert_eq!((unasked.status.code(), left(&cache).len()), (Some(3), UNKNOWN.len()), "{unasked:?}");
    assert!(text(&unasked.stderr).contains("nobody can be asked"), "{unasked:?}");

    let removed = clean(folder.path(), &["--yes"]);
    assert_eq!((removed.status.code(), left(&cache)), (Some(0), vec![UNKNOWN[1]]), "{removed:?}");
    let all = clean(folder.path(), &["--all", "--yes"]);
    assert_eq!((all.status.code(), left(&cache)), (Some(0), Vec::new()), "{all:?}");
    assert!(cache.join("locks").is_dir() && cache.join("current").is_dir());
    // Nothing is left of what was moved away first.
    for of in ["kernels", "images", "sources", "downloads"] {
        assert_eq!(fs::read_dir(cache.join(of)).expect("a folder").count(), 0, "{of}");
    }
}

#[test]
fn what_a_lab_uses_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = cache_with_unknown(folder.path());
    let held = cache.lock("source-of-old", |who| panic!("{who} has it")).expect("the lock");
    let removed = clean(folder.path(), &["--all", "--yes"]);
    let of_source: Vec<&str> = UNKNOWN.into_iter().filter(|file| file.starts_with("sources/")).collect();
    assert_eq!((removed.status.code(), left(&cache)), (Some(0), of_source.clone()), "{removed:?}");
    let shown = text(&removed.stdout);
    assert!(shown.contains(&format!("sources/of-old stays: process {} (", std::process::id())), "{shown}");
    drop(held);

    // Where somebody builds or boots, nothing goes.
    let scratch = cache.temporary_folder("boot-").expect("a folder");
    let refused = clean(folder.path(), &["--all", "--yes"]);
    assert_eq!((refused.status.code(), left(&cache)), (Some(3), of_source), "{refused:?}");
    assert!(text(&refused.stderr).contains(" uses the cache; wait until it ends"), "{refused:?}");
    drop(scratch);
    let removed = clean(folder.path(), &["--max-size", "0MiB", "--yes"]);
    assert_eq!((removed.status.code(), left(&cache)), (Some(0), Vec::new()), "{removed:?}");
}
