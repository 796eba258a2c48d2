//! Which patches of what is there, and from where: options, pipes, packed files.

use lab_core::plan::config::Config;
use lab_core::plan::{self, Overrides};

use super::as_git::data;
use super::*;

/// A mailbox with `sync-dio`, its mails called 0@x to 6@x.
fn mailbox_of_six() -> ImportFixture {
    let fixture = ImportFixture::new();
    fixture.write("series.mbox", mailbox(&thread(Letter::plain)));
    fixture
}

/// Imports with an option and gives the numbers of the patches in `sync-dio`, or the error.
fn chosen(fixture: &ImportFixture, change: impl FnOnce(&mut ImportRequest)) -> String {
    let imported = fixture.import("series.mbox", |options| {
        options.name = Some("s".to_owned());
        change(options);
    });
    if let Err(error) = imported {
        return error;
    }
    let loaded = crate::series::load(&fixture.path("kernel-patches"), "s").unwrap();
    fs::remove_dir_all(fixture.path("kernel-patches/s")).unwrap();
    let known: Vec<String> = originals().into_iter().map(|(_, text)| text).collect();
    let number = |title: &str| {
        let title = format!("] {title}\n");
        known.iter().position(|text| text.contains(&title)).map(|at| (at + 1).to_string())
    };
    loaded.patches.iter().filter_map(|patch| number(&patch.subject)).collect::<Vec<_>>().join(" ")
}

#[test]
fn patches_by_number() {
    let fixture = mailbox_of_six();
    let by = |numbers: &str| chosen(&fixture, |options| options.patches = Some(numbers.parse().unwrap()));
    assert_eq!(by("3,5-6"), "3 5 6");
    assert_eq!(by("1"), "1");
    expect!["importing a series from series.mbox: there is no patch 7: --patches can name 1-6"]
        .assert_eq(&by("5-8"));
    let mut mails = thread(Letter::plain);
    mails.remove(3);
    fixture.write("series.mbox", mailbox(&mails));
    expect!["importing a series from series.mbox: there is no patch 3: --patches can name 1-2,4-6"]
        .assert_eq(&by("2-3"));
    assert_eq!(by("1-2,4-6"), "1 2 4 5 6");
    // In a queue the numbers are places.
    let queue = ImportFixture::new();
    for (at, (_, text)) in originals().iter().enumerate() {
        queue.write(&format!("series.mbox/{}-x.patch", at + 1), text.replace("/6]", "/9]"));
    }
    let by = |numbers: &str| chosen(&queue, |options| options.patches = Some(numbers.parse().unwrap()));
    assert_eq!(by("2,4"), "2 4");
    expect!["importing a series from series.mbox: there is no patch 7: --patches can name 1-6"]
        .assert_eq(&by("7"));
}

#[test]
fn mails_by_id() {
    let fixture = mailbox_of_six();
    let by = |id: &str| chosen(&fixture, |options| options.message_id = Some(id.to_owned()));
    assert_eq!(by("<3@x>"), "3");
    assert_eq!(by("4@x"), "4");
    assert_eq!(by("0@x"), "1 2 3 4 5 6");
    expect!["importing a series from series.mbox: no mail with the Message-ID `7@x`: there is `0@x`, `1@x`, `2@x`, `3@x`, `4@x` and 2 more"].assert_eq(&by("7@x"));
}

#[test]
fn series_that_nothing_but_the_id_tells_apart() {
    let mut mails = thread(Letter::plain);
    mails.extend(thread(|letter| {
        letter.plain().replace("@x>", "@y>").replace("io->async = 0", "io->async = 1")
    }));
    let fixture = ImportFixture::new();
    fixture.write("series.mbox", mailbox(&mails));
    let error = chosen(&fixture, |_| ());
    assert!(error.ends_with("; choose one with --message-id ID, which is `0@x` and `0@y`"), "{error}");
    let by_id = chosen(&fixture, |options| options.message_id = Some("0@y".to_owned()));
    assert_eq!(by_id, "1 2 3 4 5 6");
}

#[test]
fn one_patch_of_several() {
    let fixture = ImportFixture::new();
    let bytes = fs::read(data("import/one-of-three/0002-fuse-change-line-11.patch")).unwrap();
    fixture.write("one.patch", &bytes);
    let summary = fixture.import("one.patch", |_| ()).unwrap();
    expect![[r#"
        imported 1 patch to kernel-patches/fuse-change-line-11
          0001-fuse-change-line-11.patch
        note: it is patch 2 of 3, the others are not here
        add to lab.toml

        [variants.fuse-change-line-11]
        series = ["fuse-change-line-11"]

        [plans.fuse-change-line-11]
        like = "default"
        baseline = "stock"
        variants = ["stock", "fuse-change-line-11"]

        run it with: cargo xtask run-lab --plan fuse-change-line-11
        and write into kernel-patches/fuse-change-line-11/README.md what would refute the claim
    "#]]
    .assert_eq(&summary);
}

/// With them in lab.toml the series is held against the kernel that it is for.
#[test]
fn the_tables_of_the_summary_make_a_plan() {
    let fixture = ImportFixture::new();
    let bytes = fs::read(data("import/one-of-three/0002-fuse-change-line-11.patch")).unwrap();
    fixture.write("one.patch", &bytes);
    let summary = fixture.import("one.patch", |options| options.name = Some("fix-v2.1".to_owned())).unwrap();
    let lines = summary.lines().skip_while(|line| !line.starts_with('['));
    let tables: Vec<&str> = lines.take_while(|line| !line.starts_with("run it with")).collect();
    let lab = include_str!("../../../../../lab.toml");
    let config = Config::parse("lab.toml", &format!("{lab}\n{}", tables.join("\n"))).unwrap();
    let plan = plan::resolve(&config, "fix-v2.1", &Overrides::default()).unwrap();
    let variants: Vec<String> =
        plan.variants.iter().map(|variant| format!("{} {:?}", variant.name, variant.series)).collect();
    assert_eq!(variants, ["stock []", "fix-v2.1 [\"fix-v2.1\"]"]);
    assert_eq!(plan.baseline, "stock");
}

#[test]
fn packed_files() {
    for end in ["gz", "xz", "zst"] {
        let fixture = ImportFixture::new();
        let name = format!("date-iso.patch.{end}");
        let bytes = fs::read(data("packed").join(&name)).unwrap();
        fixture.write(&name, &bytes);
        let summary = fixture.import(&name, |_| ()).unwrap();
        assert!(summary.starts_with("imported 1 patch to kernel-patches/fuse-tab\n"), "{summary}");
        let patch = &fixture.files()[0].1;
        assert!(patch.contains("\nDate: Fri, 5 Jan 2024 10:00:00 +0100\n"), "{patch}");
        assert!(patch.trim_end().ends_with("-- \n2.47.3"), "{patch}");
        fixture.write("cut", &bytes[..bytes.len() / 2]);
        let error = fixture.import("cut", |_| ()).unwrap_err();
        assert!(error.contains("unpacking cut, which is damaged: fetch it again"), "{error}");
    }
    let fixture = ImportFixture::new();
    fixture.write("x.zip", b"PK\x03\x04");
    fixture.write("x.tar", [vec![0; 257], b"ustar".to_vec()].concat());
    expect!["importing a series from x.zip: x.zip is compressed with bzip2 or zip: unpack it first, or pack it with gzip, xz or zstd"].assert_eq(&fixture.import("x.zip", |_| ()).unwrap_err());
    expect!["importing a series from x.tar: x.tar is a tar archive: unpack it and give the folder"]
        .assert_eq(&fixture.import("x.tar", |_| ()).unwrap_err());
}

#[test]
fn pipes() {
    let fixture = ImportFixture::new();
    let pipe = fixture.path("pipe");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let summary = std::thread::scope(|scope| {
        scope.spawn(|| fs::write(&pipe, mailbox(&thread(Letter::base64))).unwrap());
        fixture.import("pipe", |options| options.name = Some("s".to_owned())).unwrap()
    });
    assert!(summary.starts_with("imported 6 patches to kernel-patches/s\n"), "{summary}");
    let readme = same_as_originals(&fixture);
    assert!(readme.contains("Imported from pipe, version 1."), "{readme}");
}

#[test]
fn paths_below_a_folder() {
    let fixture = ImportFixture::new();
    fixture.write("fix.diff", fs::read(data("import/mails/p0-in-dir.diff")).unwrap());
    expect!["importing a series from fix.diff: fix.diff `fix`: where its paths begin cannot be told (`./file.c`): say so with --directory, e.g. --directory fs/fuse"].assert_eq(&fixture.import("fix.diff", |_| ()).unwrap_err());
    let below = |directory: &str| {
        fixture.import("fix.diff", |options| options.directory = Some(directory.to_owned()))
    };
    expect![[r#"importing a series from fix.diff: --directory: the path "../x" leads out of the tree"#]]
        .assert_eq(&below("../x").unwrap_err());
    below("fs/fuse/").unwrap();
    let patch = &fixture.files()[0].1;
    assert!(patch.contains("\n--- a/fs/fuse/file.c\n+++ b/fs/fuse/file.c\n"), "{patch}");
}

/// What is left out is named, so that the user sees why nothing is left.
#[test]
fn nothing_left() {
    let fixture = ImportFixture::new();
    let mail = |header: &str| format!("From: a@b\n{header}\n\nNo.\n");
    let mails = [mail("Subject: Re: [PATCH 1/2] x"), mail("Subject: lunch?")];
    fixture.write("series.mbox", mailbox(&mails));
    expect!["importing a series from series.mbox: no patch in it (2 mails: `Re: [PATCH 1/2] x`: a reply and `lunch?`: not a patch): save the mails that hold the diffs"].assert_eq(&chosen(&fixture, |_| ()));
}
