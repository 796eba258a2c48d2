//! Folders: queues with a `series` file, and files in the order of their names.

use super::as_git::data;
use super::*;

const DIFF: &str = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n";

/// Copies a folder of the test data into the fixture.
fn copy(fixture: &ImportFixture, from: &str, to: &str) {
    for entry in fs::read_dir(data("import").join(from)).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        fixture.write(&format!("{to}/{name}"), fs::read(&path).unwrap());
    }
}

/// The names of the patches that were imported.
fn names(fixture: &ImportFixture) -> Vec<String> {
    let files = fixture.files().into_iter().map(|(name, _)| name);
    let names = files.filter_map(|name| name.split_once('/').map(|(_, name)| name.to_owned()));
    names.filter(|name| name != "README.md").collect()
}

/// A mail with this subject.
fn mail(subject: &str) -> String {
    format!("From: J <j@x>\nDate: 2024-01-05\nSubject: {subject}\n\n---\n{DIFF}")
}

#[test]
fn a_quilt_queue_is_in_the_order_of_its_series_file() {
    let fixture = ImportFixture::new();
    copy(&fixture, "quilt-queue", "queue");
    fixture.write("queue/13-forgotten.patch", DIFF);
    let summary = fixture.import("queue", |options| options.name = Some("s".to_owned())).unwrap();
    let titles: Vec<String> = (1..=12).map(|n| format!("{n:04}-Step-{n}-of-the-work.patch")).collect();
    assert_eq!(names(&fixture), titles);
    let lines: Vec<&str> = summary.lines().skip(13).take(5).collect();
    assert_eq!(
        lines,
        [
            "order: the file `series`",
            "note: 1 patch in the folder is not named in series: `13-forgotten.patch`",
            "note: no author found, patchlab is used (all patches)",
            "note: no date found, 1 January 2000 is used (all patches)",
            "add to lab.toml",
        ]
    );
}

#[test]
fn series_files_in_their_places() {
    for place in ["debian/patches", "patches", "."] {
        let fixture = ImportFixture::new();
        let p0 = DIFF.replace("a/x", "x").replace("b/x", "x");
        fixture.write(&format!("queue/{place}/fix/b.patch"), mail("[PATCH v3 7/9] b"));
        fixture.write(&format!("queue/{place}/a.patch"), p0);
        fixture.write(&format!("queue/{place}/series"), "# mine\nfix/b.patch\n\na.patch -p0 # last\n");
        let summary = fixture.import("queue", |options| options.name = Some("s".to_owned())).unwrap();
        assert_eq!(names(&fixture), ["0001-b.patch", "0002-a.patch"], "{place}");
        let note = "note: paths were those of -p0, a/ and b/ are put in front (patch 2)\n";
        assert!(summary.contains(note), "{summary}");
        assert!(fixture.files()[1].1.ends_with(DIFF), "{}", fixture.files()[1].1);
        // The file itself means the same.
        let again = fixture.import(&format!("queue/{place}/series"), |options| {
            options.name = Some("t".to_owned());
        });
        assert!(again.unwrap().starts_with("imported 2 patches to kernel-patches/t\n"));
    }
}

#[test]
fn series_files_that_cannot_be_followed() {
    let fixture = ImportFixture::new();
    let error = |series: &str| {
        fixture.write("queue/series", series);
        fixture.write("queue/a.patch", DIFF);
        fixture.write("queue/empty.patch", "");
        fixture.import("queue", |_| ()).unwrap_err()
    };
    expect!["importing a series from queue: line 2 of series: `b.patch` is not there: add it, or put a # in front of the line"].assert_eq(&error("a.patch\nb.patch\n"));
    expect!["importing a series from queue: line 1 of series: `a.patch` is taken back (-R), which a series cannot do: make a patch of it"].assert_eq(&error("a.patch -R\n"));
    expect!["importing a series from queue: line 2 of series: `empty.patch` is empty: remove the line"]
        .assert_eq(&error("a.patch\nempty.patch\n"));
    expect!["importing a series from queue: series names no patch: write the names of the patches into it, in their order"].assert_eq(&error("# none\n"));
}

#[test]
fn numbers_in_names_sort_as_numbers() {
    let fixture = ImportFixture::new();
    for number in [1, 2, 10] {
        // Numbers and versions in subjects are those of other times.
        let text = mail(&format!("[PATCH v{number} 4/9] step {number}"));
        fixture.write(&format!("queue/{number}-step.patch"), text);
    }
    fixture.write("queue/1-step.patch~", DIFF);
    fixture.write("queue/1-step.patch.orig", DIFF);
    fixture.write("queue/2-step.rej", DIFF);
    fixture.write("queue/notes.txt", "Nothing.");
    let summary = fixture.import("queue", |options| options.name = Some("s".to_owned())).unwrap();
    assert_eq!(names(&fixture), ["0001-step-1.patch", "0002-step-2.patch", "0003-step-10.patch"]);
    assert!(summary.contains("\norder: the numbers in the names of the files\n"), "{summary}");
    assert!(summary.contains("  `Nothing.`: no diff in it\n"), "{summary}");
}

#[test]
fn what_a_folder_lacks_is_said() {
    let fixture = ImportFixture::new();
    for number in [1, 3] {
        let text = mail(&format!("[PATCH {number}/4] step {number}"));
        fixture.write(&format!("queue/{number:04}-step.patch"), text);
    }
    let summary = fixture.import("queue", |options| options.name = Some("s".to_owned())).unwrap();
    assert!(summary.contains("\nnote: by the subjects, 2 and 4 of 4 are not among them\n"), "{summary}");
}

#[test]
fn both_versions_in_a_folder() {
    let fixture = ImportFixture::new();
    copy(&fixture, "format-patch/cover", "out");
    copy(&fixture, "format-patch/v2", "out");
    let error = fixture.import("out", |_| ()).unwrap_err();
    assert!(error.ends_with("; choose one with --version N"), "{error}");
    fixture.import("out", |options| options.version = Some(2)).unwrap();
    assert_eq!(names(&fixture), ["0001-fuse-change-line-11.patch", "0002-fuse-change-line-12.patch"]);
}

/// What `git format-patch` writes is imported, and loaded where it lies.
#[test]
fn forms_of_format_patch() {
    for form in ["format-patch/v2", "format-patch/cover", "format-patch/attach", "mails/backup-files"] {
        let fixture = ImportFixture::new();
        copy(&fixture, form, "out");
        let summary = fixture.import("out", |options| options.name = Some("s".to_owned())).unwrap();
        let expected = ["0001-fuse-change-line-11.patch", "0002-fuse-change-line-12.patch"];
        assert_eq!(names(&fixture), expected, "{form}: {summary}");
        copy(&fixture, form, "kernel-patches/by-hand");
        let loaded = crate::series::load(&fixture.path("kernel-patches"), "by-hand").unwrap();
        let subjects: Vec<&str> = loaded.patches.iter().map(|patch| patch.subject.as_str()).collect();
        assert_eq!(subjects, ["fuse: change line 11", "fuse: change line 12"], "{form}");
        series::scan(&loaded).unwrap();
    }
}

/// A file that is not UTF-8 is patched byte for byte.
#[test]
fn bytes_of_other_charsets() {
    let sh = Shell::new().unwrap();
    let fixture = ImportFixture::new();
    let repository = fixture.path("linux");
    fixture.write("linux/fs/fuse/l.c", b"/* J\xf6rg */\nint x;\n");
    let read = crate::lab::process::read;
    let git = |arguments: &[&str]| read(git::git(&sh, &repository).args(arguments)).unwrap();
    git(&["init", "--quiet"]);
    git(&["add", "--all"]);
    git(&["commit", "--quiet", "-m", "base"]);
    fixture.write("l.patch", fs::read(data("import/mails/latin1.patch")).unwrap());
    fixture.import("l.patch", |options| options.name = Some("s".to_owned())).unwrap();
    let series = crate::series::load(&fixture.path("kernel-patches"), "s").unwrap();
    let am = git::git(&sh, &repository).args(["am", "--quiet", "--keep-cr"]);
    process::read_of_input(am, series.patches[0].as_mail()).unwrap();
    assert_eq!(fs::read(repository.join("fs/fuse/l.c")).unwrap(), b"/* J\xf6rg */\nint y;\n");
    assert_eq!(git(&["log", "-1", "--format=%an"]), "Jörg Ünïcode");
}
