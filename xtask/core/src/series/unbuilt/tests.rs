//! Series of which nothing or little is built, on a source of a few files.

use expect_test::expect;

use super::*;
use crate::series::Patch;
use crate::series::build_files::with_series;

fn files() -> BuildFiles {
    let file = |(path, text): (&str, &str)| (path.to_owned(), text.to_owned());
    BuildFiles::new(
        [
            ("Kconfig", "config BLOCK\n\tbool \"Block\"\nsource \"fs/Kconfig\"\n"),
            (
                "fs/Kconfig",
                "config XFS_FS\n\ttristate \"XFS\"\n\tdepends on BLOCK\nconfig FUSE_FS\n\ttristate \"FUSE\"\n\
                 config S390_FS\n\tbool \"x\"\n\tdepends on S390\n",
            ),
            ("Kbuild", "obj-y += fs/\n"),
            (
                "fs/Makefile",
                "obj-$(CONFIG_XFS_FS) += xfs/\nobj-$(CONFIG_FUSE_FS) += fuse/\nobj-$(CONFIG_S390_FS) += s390.o\n\
                 ifndef CONFIG_FUSE_FS\nobj-y += without.o\nendif\n",
            ),
            ("fs/xfs/Makefile", "obj-$(CONFIG_XFS_FS) += xfs.o\nxfs-y += a.o b.o c.o d.o\n"),
            ("fs/fuse/Makefile", "obj-$(CONFIG_FUSE_FS) += fuse.o\nfuse-y := file.o\n"),
        ]
        .map(file),
    )
}

fn change(path: &str, removed: &str, added: &str) -> String {
    let lines =
        |text: &str, mark: char| text.lines().map(|line| format!("{mark}{line}\n")).collect::<String>();
    let [old, new] = [removed, added].map(|text| text.lines().count());
    let from = old.min(1);
    format!(
        "--- a/{path}\n+++ b/{path}\n@@ -{from},{old} +1,{new} @@\n{}{}",
        lines(removed, '-'),
        lines(added, '+')
    )
}

fn series(changes: &[String]) -> [Series; 1] {
    let patch =
        Patch { file: "0001-x.patch".into(), subject: "x".into(), text: changes.concat().into_bytes() };
    [Series::new("mine", vec![patch])]
}

#[test]
fn what_is_not_built_and_what_to_write() {
    let configuration = Configuration::parse("CONFIG_FUSE_FS=y\n");
    let say = |changes: &[String]| {
        let series = series(changes);
        let found = not_built(&series, &with_series(files(), &series), &configuration);
        lines(&found).join("\n") + "\n--\n"
    };
    let of = |paths: &[&str]| paths.iter().map(|path| change(path, "a", "b")).collect::<Vec<_>>();
    let option = "config FUSE_FASTPATH\n\tbool \"Fast\"\n\tdepends on FUSE_FS && BLOCK\n";
    let with_file = [
        change("fs/Kconfig", "", "config FUSE_FASTPATH\n\tbool \"Fast\"\n"),
        change("fs/fuse/Makefile", "", "fuse-$(CONFIG_FUSE_FASTPATH) += fast.o\n"),
        change("fs/fuse/fast.c", "", "int x;\n"),
    ];
    let all = [
        say(&of(&["fs/fuse/file.c", "Documentation/x.rst", "include/linux/fs.h", "fs/fuse/unknown.c"])),
        say(&of(&["fs/xfs/a.c", "fs/fuse/file.c"])),
        say(&of(&["fs/xfs/a.c", "fs/xfs/b.c", "fs/xfs/c.c", "fs/xfs/d.c", "fs/xfs/xfs.h"])),
        say(&of(&["fs/s390.c", "fs/without.c"])),
        say(&[change("fs/Kconfig", "", option), change("fs/fuse/file.c", "a", "b")]),
        say(&with_file),
        say(&[change("fs/Kconfig", option, ""), change("Kconfig", "", option)]),
        say(&of(&["arch/arm64/kernel/x.c", "fs/fuse/file.c", "tools/testing/selftests/x.c"])),
        say(&of(&["Documentation/x.rst", "MAINTAINERS"])),
        say(&of(&["Documentation/x.rst", "tools/testing/selftests/x.c"])),
    ];
    expect![[r#"

        --
        series mine changes fs/xfs/a.c, which is not built: CONFIG_XFS_FS is off; write CONFIG_BLOCK=y and CONFIG_XFS_FS=y into a file below images/kernel/ and name it in `config` of [kernel] in lab.toml, or let the lab do it with kernel-config = "auto" in the plan
        --
        series mine changes fs/xfs/a.c, fs/xfs/b.c, fs/xfs/c.c and 2 more, which are not built: CONFIG_XFS_FS is off; write CONFIG_BLOCK=y and CONFIG_XFS_FS=y into a file below images/kernel/ and name it in `config` of [kernel] in lab.toml, or let the lab do it with kernel-config = "auto" in the plan
        --
        series mine changes fs/s390.c, which is not built: CONFIG_S390_FS is off; what it depends on cannot be turned on beside this configuration
        series mine changes fs/without.c, which is not built: CONFIG_FUSE_FS is on; what it depends on cannot be turned on beside this configuration
        --
        series mine adds CONFIG_FUSE_FASTPATH, which is off, so that what depends on it is not built; write CONFIG_BLOCK=y and CONFIG_FUSE_FASTPATH=y into a file below images/kernel/ and name it in `config` of [kernel] in lab.toml, or let the lab do it with kernel-config = "auto" in the plan
        --
        series mine adds CONFIG_FUSE_FASTPATH, which is off, so that fs/fuse/fast.c is not built; write CONFIG_FUSE_FASTPATH=y into a file below images/kernel/ and name it in `config` of [kernel] in lab.toml, or let the lab do it with kernel-config = "auto" in the plan
        --

        --
        series mine changes arch/arm64/kernel/x.c, which is not built: the kernels of the lab are for x86
        --
        series mine changes documentation only (Documentation/x.rst, MAINTAINERS): nothing of it is built
        --
        series mine changes no code of the kernel, only documentation and programs such as self-tests (Documentation/x.rst, tools/testing/selftests/x.c): nothing of it is built
        --
    "#]]
    .assert_eq(&all.concat());
}

#[test]
fn it_is_stored_and_read_again() {
    let series = series(&[change("fs/xfs/a.c", "a", "b")]);
    let found = not_built(&series, &files(), &Configuration::default()).remove(0);
    let text = toml::to_string(&found).unwrap();
    assert_eq!(toml::from_str::<NotBuilt>(&text).unwrap(), found);
    assert_eq!(found.write, ["CONFIG_BLOCK=y", "CONFIG_XFS_FS=y"]);
}

#[test]
fn what_series_have_in_common_is_said_once() {
    let found = |name: &str| NotBuilt {
        series: name.into(),
        why: Why::OptionOff,
        files: vec!["fs/fuse/dax.c".into()],
        wanting: vec!["CONFIG_FUSE_DAX=y".into()],
        write: Vec::new(),
        left_off: None,
    };
    let own = NotBuilt { files: vec!["fs/fuse/cuse.c".into()], ..found("two") };
    expect![[r#"
        series one, two change fs/fuse/dax.c, which is not built: CONFIG_FUSE_DAX is off; what it depends on cannot be turned on beside this configuration
        series two changes fs/fuse/cuse.c, which is not built: CONFIG_FUSE_DAX is off; what it depends on cannot be turned on beside this configuration"#]]
    .assert_eq(&lines(&[found("one"), found("two"), own, found("one")]).join("\n"));
}
