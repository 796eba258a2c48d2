//! Ranges of a real repository, and git's own opinion of what was imported.

use super::*;
use crate::lab::process;

/// A repository with settings that want to change patches, and a branch of three commits on `base`.
fn repository(sh: &Shell, folder: &Path) {
    fs::create_dir(folder).unwrap();
    let git = |arguments: &[&str]| process::read(git::git(sh, folder).args(arguments)).unwrap();
    git(&["init", "--quiet", "--initial-branch=main"]);
    for setting in [
        ["format.attach", "true"],
        ["format.signature", "mine"],
        ["format.headers", "X-Mine: yes"],
        ["format.subjectPrefix", "OTHER"],
        ["format.from", "true"],
        ["diff.noprefix", "true"],
        ["diff.external", "false"],
        ["diff.context", "1"],
        ["core.quotePath", "false"],
    ] {
        git(&["config", setting[0], setting[1]]);
    }
    let commit = |message: &str| {
        git(&["add", "--all"]);
        let author = ["--author=Jörg \"J.\" Doe <j@x>", "--date=2013-01-05T01:08:09-0130"];
        git(&[&["commit", "--quiet", "-m", message], author.as_slice()].concat());
    };
    let lines = |changed: &str| {
        (0..30).map(|n| if n == 15 { format!("{changed}\n") } else { format!("{n}\n") }).collect::<String>()
    };
    fs::write(folder.join("x.c"), lines("a")).unwrap();
    fs::write(folder.join("crlf.c"), "a\r\nb\r\n").unwrap();
    commit("base");
    git(&["tag", "base"]);
    fs::write(folder.join("x.c"), lines("ü")).unwrap();
    commit("fuse: größer\n\nFrom a@b Mon Sep 17 00:00:00 2001\n>From quoted\n\nSigned-off-by: J <j@x>");
    fs::write(folder.join("crlf.c"), "a\r\nc\r\n").unwrap();
    commit("fuse: with a title that is long enough for git to fold it over two lines of its header");
    fs::rename(folder.join("x.c"), folder.join("y.c")).unwrap();
    fs::write(folder.join("logo"), [0, 1, 2, 255]).unwrap();
    commit("fuse: move it");
}

fn origin(repository: &Path, range: &str) -> SeriesOrigin {
    SeriesOrigin::Range { repository: repository.to_owned(), range: range.to_owned() }
}

/// Also of ends of which none comes from the other.
#[test]
fn a_range_begins_where_its_ends_come_from() {
    let sh = Shell::new().unwrap();
    let fixture = ImportFixture::new();
    let folder = fixture.path("linux");
    repository(&sh, &folder);
    let git = |arguments: &[&str]| process::read(git::git(&sh, &folder).args(arguments)).unwrap();
    let base = git(&["rev-parse", "base"]);
    assert_eq!(begin_of_range(&sh, &folder, "base..main").unwrap(), base);
    git(&["checkout", "--quiet", "-b", "other", "base"]);
    git(&["commit", "--quiet", "--allow-empty", "--message=other"]);
    assert_eq!(begin_of_range(&sh, &folder, "main..other").unwrap(), base);
    assert_eq!(begin_of_range(&sh, &folder, "main..").unwrap(), base);
    git(&["checkout", "--quiet", "--orphan", "alone"]);
    git(&["commit", "--quiet", "--allow-empty", "--message=alone"]);
    let error = |range: &str| begin_of_range(&sh, &folder, range).unwrap_err().to_string();
    assert_eq!(error("main..alone"), "the ends of `main..alone` have no commit in common: is A right?");
    assert_eq!(error("main"), "`main` is not a range of commits: write A..B");
}

/// The title of the first of several patches says little about all.
#[test]
fn a_range_is_named_after_its_branch() {
    let sh = Shell::new().unwrap();
    let fixture = ImportFixture::new();
    let folder = fixture.path("linux");
    repository(&sh, &folder);
    let name = |range: &str| {
        fixture.import("", |options| options.from = origin(&folder, range)).unwrap();
        let (file, _) = fixture.files().pop().unwrap();
        let name = file.split('/').next().unwrap().to_owned();
        fs::remove_dir_all(fixture.path("kernel-patches").join(&name)).unwrap();
        name
    };
    assert_eq!(name("base..main"), "fuse-gr-er");
    process::read(git::git(&sh, &folder).args(["checkout", "--quiet", "-b", "topic/Reads_v3", "main"]))
        .unwrap();
    assert_eq!(name("base.."), "topic-reads-v3");
    assert_eq!(name("base..topic/Reads_v3"), "topic-reads-v3");
    assert_eq!(name("HEAD~1.."), "fuse-move-it");
    assert_eq!(name("base..HEAD~1"), "fuse-gr-er");
}

#[test]
fn a_range_becomes_what_git_takes() {
    let sh = Shell::new().unwrap();
    let fixture = ImportFixture::new();
    let folder = fixture.path("linux");
    repository(&sh, &folder);
    let range = |options: &mut ImportRequest| {
        options.from = origin(&folder, "base..main");
        options.name = Some("s".to_owned());
    };
    fixture.import("", range).unwrap();
    let files = fixture.files();
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "s/0001-fuse-gr-er.patch",
            "s/0002-fuse-with-a-title-that-is-long-enough-for-git-to-fol.patch",
            "s/0003-fuse-move-it.patch",
            "s/README.md"
        ]
    );
    expect![[r#"
        From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
        From: "Jörg \"J.\" Doe" <j@x>
        Date: Sat, 5 Jan 2013 01:08:09 -0130
        Subject: [PATCH 1/3] fuse: größer
        MIME-Version: 1.0
        Content-Type: text/plain; charset=UTF-8
        Content-Transfer-Encoding: 8bit

        >From a@b Mon Sep 17 00:00:00 2001
        >From quoted

        Signed-off-by: J <j@x>
        ---
         x.c | 2 +-
         1 file changed, 1 insertion(+), 1 deletion(-)

        diff --git a/x.c b/x.c
        index 1f3ef80f1253..b1ab1dcc5549 100644
        --- a/x.c
        +++ b/x.c
        @@ -13,7 +13,7 @@
         12
         13
         14
        -a
        +ü
         16
         17
         18
    "#]]
    .assert_eq(&files[0].1);
    let git = |arguments: &[&str]| process::read(git::git(&sh, &folder).args(arguments)).unwrap();
    git(&["checkout", "--quiet", "-b", "again", "base"]);
    for (_, text) in &files[..3] {
        process::read_of_input(git::git(&sh, &folder).args(["am", "--quiet", "--keep-cr"]), text.as_str())
            .unwrap();
    }
    // The line that looks like the start of a mail keeps its mark; all else is as it was.
    let log = |branch: &str| git(&["log", "--format=%an %ae %ad%n%B%T", &format!("base..{branch}")]);
    assert_eq!(log("again"), log("main").replace("\nFrom a@b Mon", "\n>From a@b Mon"));
}

#[test]
fn ranges_that_are_none() {
    let sh = Shell::new().unwrap();
    let fixture = ImportFixture::new();
    let folder = fixture.path("linux");
    repository(&sh, &folder);
    let check = |range: &str, expected: Expect| {
        let error = fixture.import("", |options| {
            options.from = origin(&folder, range);
        });
        expected.assert_eq(&error.unwrap_err().replace(&format!("{}", fixture.folder.path().display()), ""));
    };
    check("main", expect!["importing a series from main: `main` is not a range of commits: write A..B"]);
    check(
        "base...main",
        expect!["importing a series from base...main: `base...main` is not a range of commits: write A..B"],
    );
    check(
        "--output=x..main",
        expect!["importing a series from --output=x..main: there is no commit `--output=x` in linux"],
    );
    check(
        "main..base",
        expect!["importing a series from main..base: the range `main..base` is empty: is A before B?"],
    );
    process::read(git::git(&sh, &folder).args(["checkout", "--quiet", "base"])).unwrap();
    process::read(git::git(&sh, &folder).args(["merge", "--quiet", "--no-ff", "-m", "merge", "main"]))
        .unwrap();
    check(
        "base..",
        expect![
            "importing a series from base..: the range holds 1 merges: rebase it, a series is a line of commits"
        ],
    );
    let error = fixture.import("", |options| options.from = origin("/nonexistent".as_ref(), "")).unwrap_err();
    assert!(error.contains("opening the repository /nonexistent: "), "{error}");
}
