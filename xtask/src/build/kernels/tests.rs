//! Kernels of several sources: two trees that look like one, `tests/data/kernel`, and a checkout with what is put on them.

use std::fs;
use std::path::Path;

use expect_test::expect;
use lab_core::plan::{Arch, Source};

use super::*;
use crate::lab::cache::Cache;
use crate::lab::checkout::Checkout;

mod auto;

/// For the older of the two trees.
const PATCH: &str = "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\n\
    From: A B <a@b.c>\nDate: Thu, 1 Jan 2026 00:00:00 +0000\nSubject: [PATCH] a: change two\n\nWhy.\n---\n a.c | 2 +-\n\n\
    diff --git a/a.c b/a.c\n--- a/a.c\n+++ b/a.c\n@@ -1,3 +1,3 @@\n one\n-two\n+TWO\n three\n-- \n2.39.5\n";

struct Versions {
    sh: Shell,
    lab: Lab,
    settings: KernelSettings,
    /// Removed at the end.
    _folder: tempfile::TempDir,
}

impl Versions {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/kernel");
        for (tree, version, two) in [("old", "VERSION = 6", "two"), ("new", "VERSION = 7", "zwei")] {
            let read = |name: &str| fs::read_to_string(data.join(name)).unwrap();
            fs::create_dir(root.join(tree)).unwrap();
            for name in ["Kconfig", "b.c"] {
                fs::write(root.join(tree).join(name), read(name)).unwrap();
            }
            fs::write(root.join(tree).join("Makefile"), read("Makefile").replace("VERSION = 6", version))
                .unwrap();
            fs::write(root.join(tree).join("a.c"), read("a.c").replace("two", two)).unwrap();
        }
        for path in ["images/kernel", "kernel-patches/s"] {
            fs::create_dir_all(root.join(path)).unwrap();
        }
        fs::write(root.join("kernel-patches/s/0001-a.patch"), PATCH).unwrap();
        let fragment = "CONFIG_X=y\nCONFIG_VOLUNTARY=y  # until 6.19\nCONFIG_LAZY=y  # from 7.0\n";
        fs::write(root.join("images/kernel/base.config"), fragment).unwrap();
        let lab = Lab::at(Checkout::at(root), Cache::open(&root.join("cache")).unwrap());
        let settings = KernelSettings {
            source: Source::Tree("old".to_owned()),
            config: vec!["base.config".to_owned()],
            auto: None,
            arch: Arch::X86_64,
        };
        Versions { sh: Shell::new().unwrap(), lab, settings, _folder: folder }
    }

    fn ensure(&self, variants: &[Variant]) -> anyhow::Result<Vec<Kernel>> {
        ensure(&self.sh, &self.lab, &self.settings, variants)
    }

    fn foreseen(&self, variants: &[Variant]) -> Vec<bool> {
        let foreseen = foreseen(&self.sh, &self.lab, &self.settings, variants).unwrap();
        foreseen.into_iter().map(|foreseen| foreseen.is_stored).collect()
    }
}

fn of_old(name: &str, series: &[&str]) -> Variant {
    Variant::new(name, series.iter().map(|&name| name.to_owned()).collect())
}

fn of_new(name: &str, series: &[&str]) -> Variant {
    Variant { source: Some(Source::Tree("new".to_owned())), ..of_old(name, series) }
}

#[test]
fn each_kernel_is_built_of_its_own_source_and_configured_for_its_version() {
    let versions = Versions::new();
    let variants = [of_old("old", &[]), of_new("new", &[]), of_old("patched", &["s"]), of_new("again", &[])];
    assert_eq!(versions.foreseen(&variants), [false; 4]);
    let kernels = versions.ensure(&variants).unwrap();
    assert_eq!(versions.foreseen(&variants), [true; 4]);
    let of_kernels: Vec<&str> =
        kernels.iter().map(|kernel| kernel.metadata.kernel_version.as_str()).collect();
    assert_eq!(of_kernels, ["6.12.1", "7.12.1", "6.12.1", "7.12.1"]);
    assert_eq!(kernels[1].digest, kernels[3].digest);
    // The second kernel of a source goes on with the objects of the first, whatever was built meanwhile.
    assert_eq!(kernels[2].compiled().unwrap(), ["a.o"]);

    let nothing = vec![BuiltParts::default(); variants.len()];
    let all = (&variants[..], &kernels[..]);
    let identities = identities(&versions.sh, &versions.lab, &versions.settings, all, nothing).unwrap();
    let shown = identities.iter().map(|kernel| {
        let base = kernel.kernel.base.as_ref().unwrap();
        let version: Vec<&str> = base.source.split(' ').take(2).collect();
        format!("{}: {}, {:?}\n", kernel.variant, version.join(" "), kernel.options.as_ref().unwrap().named)
    });
    expect![[r#"
        old: tree 6.12.1, {"CONFIG_LAZY": "n", "CONFIG_VOLUNTARY": "y"}
        new: tree 7.12.1, {"CONFIG_LAZY": "y", "CONFIG_VOLUNTARY": "n"}
        patched: tree 6.12.1, {"CONFIG_LAZY": "n", "CONFIG_VOLUNTARY": "y"}
        again: tree 7.12.1, {"CONFIG_LAZY": "y", "CONFIG_VOLUNTARY": "n"}
    "#]]
    .assert_eq(&shown.collect::<String>());
}

/// Of kernels of one source the setup says it all, and campaigns of a time before there were several go on.
#[test]
fn of_one_source_nothing_more_is_kept() {
    let versions = Versions::new();
    let variants = [of_new("new", &[]), of_new("again", &[])];
    let kernels = versions.ensure(&variants).unwrap();
    let all = (&variants[..], &kernels[..]);
    let identities =
        identities(&versions.sh, &versions.lab, &versions.settings, all, vec![BuiltParts::default(); 2])
            .unwrap();
    assert!(identities.iter().all(|kernel| kernel.kernel.base.is_none() && kernel.options.is_none()));
}

#[test]
fn a_series_that_does_not_apply_to_the_source_of_its_variant() {
    let versions = Versions::new();
    let error = versions.ensure(&[of_old("old", &["s"]), of_new("new", &["s"])]).unwrap_err();
    let error = format!("{error:#}");
    assert!(error.starts_with("kernel new of tree 7.12.1 "), "{error}");
    assert!(error.contains(": applying series s: patch 0001-a.patch does not apply to a.c"), "{error}");
}

#[test]
fn a_source_that_was_never_fetched_is_called_as_in_lab_toml() {
    let versions = Versions::new();
    let package = Source::Debian { package: "linux-source-7.3".to_owned(), suite: Some("sid".to_owned()) };
    let variants = [of_old("old", &[]), Variant { source: Some(package), ..of_old("new", &[]) }];
    let foreseen = foreseen(&versions.sh, &versions.lab, &versions.settings, &variants).unwrap();
    assert!(foreseen[0].source.starts_with("tree 6.12.1 "), "{foreseen:?}");
    let source = "linux-source-7.3 (Debian package of sid)".to_owned();
    let other = Foreseen { is_stored: false, source, options: None };
    assert_eq!(foreseen[1], other);
}
