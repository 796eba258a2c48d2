//! What is turned on for series on a source of a few files.

use expect_test::expect;

use super::*;
use crate::series::Patch;

const FILES: [(&str, &str); 6] = [
    (
        "Kconfig",
        "config EXPERT\n\tbool \"Expert\"\nconfig BLOCK\n\tbool \"Block\" if EXPERT\nconfig CRC32\n\tbool \"CRC\"\nsource \"fs/Kconfig\"\n",
    ),
    (
        "fs/Kconfig",
        "config XFS_FS\n\ttristate \"XFS\"\n\tdepends on BLOCK\n\tselect HIDDEN\nconfig HIDDEN\n\tbool\n\
         config FUSE_FS\n\ttristate \"FUSE\"\nif FUSE_FS\nconfig CUSE\n\tbool \"CUSE\"\nendif\n\
         config BROKEN_FS\n\tbool \"x\"\n\tdepends on BROKEN\n\
         config TINY\n\tbool \"Tiny\"\nconfig LARGE\n\tbool \"Large\"\n\tdepends on !TINY\n\
         choice\n\tprompt \"Order\"\nconfig FORWARD\n\tbool \"Forward\"\nconfig BACKWARD\n\tbool \"Backward\"\nendchoice\n\
         config SLOW\n\tbool \"Slow\"\n",
    ),
    ("Kbuild", "obj-y += fs/\n"),
    (
        "fs/Makefile",
        "obj-$(CONFIG_XFS_FS) += xfs/\nobj-$(CONFIG_FUSE_FS) += fuse/\nobj-$(CONFIG_BROKEN_FS) += broken.o\n\
         obj-$(CONFIG_TINY) += tiny.o\nobj-$(CONFIG_BACKWARD) += backward.o\nobj-$(CONFIG_HIDDEN) += hidden.o\n\
         obj-$(CONFIG_SLOW) += slow.o\n",
    ),
    ("fs/xfs/Makefile", "obj-$(CONFIG_XFS_FS) += xfs.o\nxfs-y += a.o b.o\n"),
    ("fs/fuse/Makefile", "obj-$(CONFIG_FUSE_FS) += fuse.o\nfuse-y := file.o\nobj-$(CONFIG_CUSE) += cuse.o\n"),
];

fn asked(text: &str) -> Vec<Asked> {
    let one = |(at, line): (usize, &str)| {
        let (option, value) = line.split_once('=').unwrap();
        Asked { option: option.to_owned(), value: value.to_owned(), place: format!("base.config:{}", at + 1) }
    };
    text.lines().enumerate().map(one).collect()
}

fn series(name: &str, changes: &[&str]) -> Series {
    let text = |change: &&str| match change.contains('\n') {
        true => (*change).to_owned(),
        false => format!("--- a/{change}\n+++ b/{change}\n@@ -1 +1 @@\n-a\n+b\n"),
    };
    let text = changes.iter().map(text).collect::<String>().into_bytes();
    Series::new(name, vec![Patch { file: "0001-x.patch".into(), subject: "x".into(), text }])
}

fn of(stacks: &[&[Series]], fragment: &str) -> Needed {
    let files = BuildFiles::new(FILES.map(|(path, text)| (path.to_owned(), text.to_owned())));
    let stacks: Vec<Stack<'_>> =
        stacks.iter().map(|series| Stack { series, of: Origin::ThisSource }).collect();
    Needed::of(&files, &stacks, &asked(fragment), &|name| {
        (name == "SLOW").then(|| "CONFIG_SLOW makes a debug kernel".to_owned())
    })
}

fn shown(needed: &Needed) -> String {
    let on = needed.shared.iter().chain(&needed.added).map(|on| format!("{on}\n"));
    let off = needed.left_off.iter().map(|off| format!("{} is left off: {}\n", off.option, off.why));
    on.chain(off).collect::<String>() + "--\n"
}

const ADDS: &str = "--- a/fs/Kconfig\n+++ b/fs/Kconfig\n@@ -7,5 +7,10 @@\n config FUSE_FS\n \ttristate \"FUSE\"\n if FUSE_FS\n\
    +config FASTPATH\n+\tbool \"Fast\"\n+\tdepends on BLOCK\n+\tselect CRC32\n+\tselect HIDDEN\n config CUSE\n \tbool \"CUSE\"\n";

#[test]
fn what_files_need_is_on_in_all_kernels() {
    let one = |changes: &[&str], fragment: &str| shown(&of(&[&[], &[series("s", changes)]], fragment));
    let all = [
        one(&["fs/fuse/file.c"], "FUSE_FS=y"),
        one(&["fs/fuse/file.c", "fs/xfs/a.c", "fs/xfs/b.c", "fs/xfs/xfs.h"], ""),
        // Nobody can choose it, so that what selects it is turned on.
        one(&["fs/hidden.c"], "EXPERT=y"),
        one(&["fs/fuse/cuse.c"], "FUSE_FS=y\nCUSE=n"),
        one(&["fs/xfs/a.c"], "EXPERT=n"),
        one(&["fs/broken.c", "fs/tiny.c"], "LARGE=y"),
        one(&["fs/tiny.c"], ""),
        one(&["fs/backward.c", "fs/slow.c"], ""),
    ];
    expect![[r#"
        --
        turned on for series s: CONFIG_BLOCK=y (CONFIG_XFS_FS needs it)
        turned on for series s: CONFIG_EXPERT=y (CONFIG_XFS_FS needs it)
        turned on for series s: CONFIG_FUSE_FS=y (it builds fs/fuse/file.c)
        turned on for series s: CONFIG_XFS_FS=y (it builds fs/xfs/a.c and 2 more)
        --
        turned on for series s: CONFIG_BLOCK=y (CONFIG_HIDDEN needs it)
        turned on for series s: CONFIG_XFS_FS=y (CONFIG_HIDDEN needs it)
        --
        CONFIG_CUSE is left off: base.config:2 has CONFIG_CUSE off
        --
        CONFIG_XFS_FS is left off: base.config:1 has CONFIG_EXPERT off
        --
        CONFIG_TINY is left off: base.config:1 asks for CONFIG_LARGE, which would be off then
        --
        turned on for series s: CONFIG_TINY=y (it builds fs/tiny.c)
        --
        CONFIG_BACKWARD is left off: CONFIG_BACKWARD is one of a choice, of which another is taken
        CONFIG_SLOW is left off: CONFIG_SLOW makes a debug kernel
        --
    "#]]
    .assert_eq(&all.concat());
}

#[test]
fn what_a_series_adds_is_on_where_the_series_is() {
    let adds = series("fast", &[ADDS, "fs/fuse/file.c"]);
    let stack = [series("other", &["fs/xfs/a.c"]), adds.clone()];
    let needed = of(&[&[], &stack], "EXPERT=y\nFUSE_FS=y");
    expect![[r#"
        turned on for series fast, other: CONFIG_BLOCK=y (CONFIG_XFS_FS needs it)
        turned on for series fast: CONFIG_CRC32=y (CONFIG_FASTPATH needs it)
        turned on for series other: CONFIG_XFS_FS=y (it builds fs/xfs/a.c)
        turned on for series fast: CONFIG_FASTPATH=y (the series adds it)
        --
    "#]]
    .assert_eq(&shown(&needed));
    assert_eq!(fragment(needed.added_by(&stack)), "CONFIG_FASTPATH=y\n");
    assert_eq!(needed.added_by(&stack[..1]), Vec::<&TurnedOn>::new());
    // A fragment's word counts.
    let off = of(&[&[adds]], "EXPERT=y\nFUSE_FS=y\nFASTPATH=n");
    expect![[r#"
        CONFIG_FASTPATH is left off: base.config:3 has CONFIG_FASTPATH off
        --
    "#]]
    .assert_eq(&shown(&off));
}

/// Neither the order of variants nor a second kernel with the same series changes what is turned on.
#[test]
fn the_order_of_kernels_means_nothing() {
    let (a, b) = ([series("a", &["fs/xfs/a.c"])], [series("b", &["fs/xfs/b.c", ADDS])]);
    let [one, other] = [[&a[..], &b], [&b, &a]].map(|stacks| of(&stacks, "FUSE_FS=y"));
    assert_eq!(one, other);
    assert_eq!(of(&[&a, &a], ""), of(&[&a], ""));
}
