//! `auto`: what series need is on in all kernels, and what they add where they are.

use super::*;
use crate::build::unbuilt;

/// Changes `b.c`, and adds an option.
const ADDS: &str = "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\n\
    From: A B <a@b.c>\nDate: Thu, 1 Jan 2026 00:00:00 +0000\nSubject: [PATCH] b: add FAST\n\nWhy.\n---\n Kconfig | 2 ++\n\n\
    diff --git a/Kconfig b/Kconfig\n--- a/Kconfig\n+++ b/Kconfig\n@@ -1,2 +1,4 @@\n config B\n \tbool \"B\"\n+config FAST\n\
    +\tbool \"Fast\"\n-- \n2.39.5\n";

fn with_auto(kconfig: &str) -> Versions {
    let mut versions = Versions::new();
    let root = versions.lab.checkout.root();
    fs::write(root.join("old/Kbuild"), "obj-y += a.o\nobj-$(CONFIG_B) += b.o\n").unwrap();
    fs::write(root.join("old/Kconfig"), kconfig).unwrap();
    for (name, patch) in [
        ("adds", ADDS.to_owned()),
        (
            "b",
            PATCH
                .replace("a.c", "b.c")
                .replace("@@ -1,3 +1,3 @@\n one\n-two\n+TWO\n three\n", "@@ -1 +1 @@\n-b\n+B\n"),
        ),
    ] {
        let folder = root.join("kernel-patches").join(name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("0001-x.patch"), patch).unwrap();
    }
    versions.settings.auto = Some(Vec::new());
    versions
}

impl Versions {
    fn of_plan(&mut self, variants: &[Variant]) {
        self.settings = self.settings.clone().with_series_of(variants);
    }

    /// What a dry run says of series.
    fn said(&self, variants: &[Variant]) -> Vec<String> {
        let foreseen = foreseen(&self.sh, &self.lab, &self.settings, variants).unwrap();
        let found = unbuilt::foreseen(&self.sh, &self.lab, &self.settings, variants, &foreseen).unwrap();
        let not_built = lab_core::series::unbuilt::lines(found.not_built.iter().flatten());
        found.turned_on.into_iter().chain(not_built).collect()
    }
}

fn asked(kernel: &Kernel) -> String {
    kernel.config().unwrap().replace("CONFIG_", "").replace('\n', " ")
}

#[test]
fn what_a_series_adds_is_on_where_it_is_and_builds_only_what_it_changes() {
    let mut versions = with_auto("config B\n\tbool \"B\"\n");
    let plain = versions.ensure(&[of_old("old", &[])]).unwrap();
    let variants = [of_old("old", &[]), of_old("adds", &["adds"]), of_old("both", &["s", "adds"])];
    versions.of_plan(&variants);
    // The kernel without the series is what it was.
    assert_eq!(versions.foreseen(&variants), [true, false, false]);
    // The objects are those of a kernel that does not have it.
    assert_eq!(versions.said(&variants), ["turned on for series adds: CONFIG_FAST=y (the series adds it)"]);
    let kernels = versions.ensure(&variants).unwrap();
    assert_eq!(kernels[0].digest, plain[0].digest);
    assert_eq!(
        [0, 1, 2].map(|at| asked(&kernels[at])),
        ["X=y VOLUNTARY=y ", "X=y VOLUNTARY=y FAST=y ", "X=y VOLUNTARY=y FAST=y "]
    );
    assert!(kernels[1].metadata.incremental && kernels[1].compiled().unwrap().is_empty());
    assert_eq!(kernels[2].compiled().unwrap(), ["a.o"]);
    assert_eq!(versions.said(&variants), ["turned on for series adds: CONFIG_FAST=y (the series adds it)"]);
    let noted = &kernels[1].metadata.fragments[1];
    assert_eq!((noted.name.as_str(), &noted.turned_on[..]), ("auto", &["CONFIG_FAST=y".to_owned()][..]));
    // Patch by patch, and alone, it is the same kernel.
    assert_eq!(versions.foreseen(&variants[1..2]), [true]);
}

/// Also in the kernel without the series, and in that of another source: a difference would not come from the series.
#[test]
fn what_a_series_changes_is_built_in_every_kernel() {
    let mut versions = with_auto("config B\n\tbool \"B\"\n");
    let variants = [of_old("old", &[]), of_old("b", &["b"]), of_new("new", &[])];
    versions.of_plan(&variants);
    let kernels = versions.ensure(&variants).unwrap();
    assert_eq!([0, 1].map(|at| asked(&kernels[at])), ["X=y VOLUNTARY=y B=y ", "X=y VOLUNTARY=y B=y "]);
    assert_eq!(kernels[1].compiled().unwrap(), ["b.o"]);
    assert_eq!(versions.said(&variants), ["turned on for series b: CONFIG_B=y (it builds b.c)"]);
    // A part of the plan is configured as all of it.
    assert_eq!(versions.foreseen(&variants[..1]), [true]);
    let built = unbuilt::of_kernels(&versions.sh, &versions.lab, &versions.settings, &variants, &kernels);
    let options: Vec<usize> = built.iter().map(|built| built.turned_on.len()).collect();
    assert_eq!(options, [1, 1, 0]);
}

/// The tree's own configuration loses CONFIG_LOST, whatever it is asked for.
#[test]
fn what_cannot_be_turned_on_is_told_and_is_no_error() {
    let lost = "config LOST\n\tbool \"Lost\"\n";
    let mut versions = with_auto(lost);
    let root = versions.lab.checkout.root();
    fs::write(root.join("old/Kbuild"), "obj-y += a.o\nobj-$(CONFIG_LOST) += b.o\n").unwrap();
    let variants = [of_old("old", &[]), of_old("b", &["b"])];
    versions.of_plan(&variants);
    let kernels = versions.ensure(&variants).unwrap();
    assert_eq!(asked(&kernels[1]), "X=y VOLUNTARY=y ");
    let built = unbuilt::of_kernels(&versions.sh, &versions.lab, &versions.settings, &variants, &kernels);
    let said = lab_core::series::unbuilt::lines(&built[1].not_built);
    expect!["series b changes b.c, which is not built: CONFIG_LOST is off; `auto` leaves it off: the kernel's own configuration does not take CONFIG_LOST=y"].assert_eq(&said.join("\n"));
}
