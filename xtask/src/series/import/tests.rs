//! Imports of the project's own series, sent in many ways.

use std::path::PathBuf;

use expect_test::{Expect, expect};

use super::*;

mod as_git;
mod choices;
mod folders;
mod mailbox;
mod mistakes;
mod range;

use mailbox::{Letter, mailbox, thread};

/// An empty `kernel-patches` and a folder for what is imported.
struct ImportFixture {
    folder: tempfile::TempDir,
}

impl ImportFixture {
    fn new() -> ImportFixture {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("kernel-patches")).unwrap();
        ImportFixture { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), content).unwrap();
    }

    /// Imports a file or folder of the fixture; an error without the fixture's path.
    fn import(&self, from: &str, change: impl FnOnce(&mut ImportRequest)) -> Result<String, String> {
        let mut options = request(self.path(from));
        change(&mut options);
        import(&Shell::new().unwrap(), &self.path("kernel-patches"), &options)
            .map_err(|error| format!("{error:#}").replace(&format!("{}/", self.folder.path().display()), ""))
    }

    /// Everything below `kernel-patches`, hidden files included: paths and contents.
    fn files(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for folder in fs::read_dir(self.path("kernel-patches")).unwrap() {
            let folder = folder.unwrap();
            for file in fs::read_dir(folder.path()).unwrap() {
                let file = file.unwrap();
                let name = format!("{}/{}", folder.file_name().display(), file.file_name().display());
                found.push((name, String::from_utf8_lossy(&fs::read(file.path()).unwrap()).into_owned()));
            }
        }
        found.sort();
        found
    }
}

/// With no option.
fn request(from: PathBuf) -> ImportRequest {
    ImportRequest {
        from: SeriesOrigin::Files(from),
        name: None,
        version: None,
        subject: None,
        patches: None,
        message_id: None,
        directory: None,
    }
}

/// The patches of `sync-dio`: file names and texts.
fn originals() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kernel-patches");
    let series = crate::series::load(&folder, "sync-dio").unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    series.patches.into_iter().map(|patch| (patch.file, text(patch.text))).collect()
}

/// Imports a mailbox and expects the patches of `sync-dio`, each byte of them; gives README.md.
#[track_caller]
fn check_same(mails: &[String]) -> String {
    let fixture = ImportFixture::new();
    fixture.write("series.mbox", mailbox(mails));
    fixture.import("series.mbox", |options| options.name = Some("s".to_owned())).unwrap();
    same_as_originals(&fixture)
}

#[track_caller]
fn same_as_originals(fixture: &ImportFixture) -> String {
    let mut files = fixture.files();
    let (name, readme) = files.pop().unwrap();
    assert_eq!(name, "s/README.md");
    let expected = originals().into_iter().map(|(name, text)| (format!("s/{name}"), text));
    assert_eq!(files, expected.collect::<Vec<_>>());
    readme
}

#[test]
fn plain_mails() {
    check_same(&thread(Letter::plain));
}

#[test]
fn encoded_mails() {
    check_same(&thread(Letter::base64));
    check_same(&thread(Letter::quoted_printable));
    check_same(&thread(|letter| letter.base64().replace('\n', "\r\n")));
    check_same(&thread(|letter| letter.quoted_printable().replace('\n', "\r\n")));
    check_same(&thread(|letter| letter.plain().replace('\n', "\r\n")));
}

#[test]
fn flowed_mails() {
    let fixture = ImportFixture::new();
    fixture.write("series.mbox", mailbox(&thread(Letter::flowed)));
    fixture.import("series.mbox", |options| options.name = Some("s".to_owned())).unwrap();
    // A space at the end of a line means something else in such a mail: empty lines of context lose theirs,
    // and git takes them so.
    let expected =
        originals().into_iter().map(|(_, text)| text.replace("\n \n", "\n\n").replace("\n \n", "\n\n"));
    let files = fixture.files().into_iter().map(|(_, text)| text);
    assert_eq!(files.take(6).collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}

#[test]
fn order_does_not_matter() {
    let mut mails = thread(Letter::plain);
    mails.reverse();
    check_same(&mails);
    mails.swap(1, 4);
    check_same(&mails);
}

#[test]
fn what_stands_between_is_skipped() {
    let mut mails = thread(Letter::plain);
    let reply = mails[2].replace("Subject: [PATCH", "Subject: Re: [PATCH").replace('\n', "\n> ");
    mails.insert(2, reply.replacen("\n> ", "\n", 7).replace("<2@", "<2b@"));
    mails.push(mails[3].replace("Subject: ", "Subject: Re: ").replace("<2@", "<2c@"));
    mails.push("From: b@x\nSubject: lunch?\nMessage-ID: <9@x>\n\nAt twelve.\n".to_owned());
    mails.push("From: b@x\nSubject: [PATCH] like this\nMessage-ID: <8@x>\n\nno.\n".to_owned());
    // A copy by way of a list that adds a footer.
    mails.push(format!("{}_____\nthe list\n", mails[1]));
    let fixture = ImportFixture::new();
    fixture.write("series.mbox", mailbox(&mails));
    let summary = fixture.import("series.mbox", |options| options.name = Some("s".to_owned())).unwrap();
    same_as_originals(&fixture);
    expect![[r#"
        imported 6 patches to kernel-patches/s
          0001-fuse-stop-offering-asynchronous-direct-I-O.patch
          0002-fuse-do-not-truncate-after-a-failed-direct-write.patch
          0003-fuse-make-fuse_direct_IO-synchronous.patch
          0004-fuse-remove-background-submission-of-direct-I-O.patch
          0005-fuse-pass-the-kiocb-to-fuse_direct_io.patch
          0006-fuse-move-fuse_release_user_pages-to-its-only-caller.patch
        order: the numbers in the subjects
        not imported as patches
          `Re: [PATCH 2/6] fuse: do not truncate after a failed direct …`: a reply
          `lunch?`: not a patch
          `Re: [PATCH 2/6] fuse: do not truncate after a failed direct …`: a reply, its diff is not taken
          `[PATCH] like this`: marked [PATCH], but without a diff
          `[PATCH 1/6] fuse: stop offering asynchronous direct I/O`: a copy
          `[PATCH 0/6] fuse: one direct request at a time`: the cover letter, named in README.md
        add to lab.toml

        [variants.s]
        series = ["s"]

        [plans.s]
        like = "default"
        baseline = "stock"
        variants = ["stock", "s"]

        run it with: cargo xtask run-lab --plan s
        and write into kernel-patches/s/README.md what would refute the claim
    "#]]
    .assert_eq(&summary);
}

#[test]
fn the_readme_says_where_it_comes_from() {
    let fixture = ImportFixture::new();
    let mails = thread(|letter| letter.plain().replace("/6]", "/2]"));
    fixture.write("series.mbox", mailbox(&mails[..3]));
    fixture.import("series.mbox", |_| ()).unwrap();
    let (name, readme) = fixture.files().pop().unwrap();
    assert_eq!(name, "fuse-one-direct-request-at-a-time/README.md");
    expect![[r#"
        # fuse-one-direct-request-at-a-time

        ## Claim

        ```text
        fuse: one direct request at a time
        ```

        Write here what would refute it: which figure, answer or line of the kernel log, of which workload.

        ## Source

        Imported from mailbox `series.mbox`, version 1.

        ```text
        cover  fuse: one direct request at a time
               Cover <cover@x>, Thu, 1 Jan 2026 00:00:00 +0000
               Message-ID: <0@x>

        1/2    fuse: stop offering asynchronous direct I/O
               patchlab <patchlab@localhost.invalid>, Thu, 1 Jan 2026 00:01:00 +0000
               Message-ID: <1@x>
        2/2    fuse: do not truncate after a failed direct write
               patchlab <patchlab@localhost.invalid>, Thu, 1 Jan 2026 00:02:00 +0000
               Message-ID: <2@x>
        ```
    "#]]
    .assert_eq(&readme);
}

#[test]
fn maildirs() {
    let fixture = ImportFixture::new();
    for (at, mail) in thread(Letter::quoted_printable).iter().enumerate() {
        let folder = if at % 2 == 0 { "cur" } else { "new" };
        fixture.write(&format!("box/{folder}/{}:2,S", 9 - at), mail);
    }
    fixture.write("box/tmp/half", "From: a@b\nSubject: [PATCH 1/6] half\n\n");
    fixture.import("box", |options| options.name = Some("s".to_owned())).unwrap();
    same_as_originals(&fixture);
}

#[test]
fn folders() {
    let fixture = ImportFixture::new();
    for (at, (_, text)) in originals().iter().enumerate() {
        fixture.write(&format!("patches/{}.eml", 9 - at), text);
    }
    fixture.write("patches/README.md", "not a patch");
    fixture.write("patches/.hidden", "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n");
    fixture.write("patches/diagram.png", b"\x89PNG\r\n\xff\xff");
    fixture.import("patches", |options| options.name = Some("s".to_owned())).unwrap();
    same_as_originals(&fixture);
}

#[test]
fn diffs_without_mail_take_the_order_of_their_names() {
    let fixture = ImportFixture::new();
    let diff = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n";
    fixture.write("patches/10-last step.diff", diff);
    fixture.write("patches/09-first.patch", format!("Why it is so.\n\n{diff}"));
    fixture.import("patches", |_| ()).unwrap();
    let files = fixture.files();
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "why-it-is-so/0001-Why-it-is-so.patch",
            "why-it-is-so/0002-last-step.patch",
            "why-it-is-so/README.md"
        ]
    );
    expect![[r#"
        From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
        From: patchlab <patchlab@localhost>
        Date: Sat, 1 Jan 2000 00:00:00 +0000
        Subject: [PATCH 1/2] Why it is so.

        ---
        --- a/x
        +++ b/x
        @@ -1 +1 @@
        -a
        +b
        From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
        From: patchlab <patchlab@localhost>
        Date: Sat, 1 Jan 2000 00:00:00 +0000
        Subject: [PATCH 2/2] last step

        ---
        --- a/x
        +++ b/x
        @@ -1 +1 @@
        -a
        +b
    "#]]
    .assert_eq(&format!("{}{}", files[0].1, files[1].1));
}

#[test]
fn the_lines_for_lab_toml_fit_it() {
    let fixture = ImportFixture::new();
    fixture.write("series.mbox", mailbox(&thread(Letter::plain)));
    let summary = fixture.import("series.mbox", |options| options.name = Some("a.b".to_owned())).unwrap();
    let lines: Vec<&str> =
        summary.lines().skip_while(|line| !line.starts_with("[variants")).take(2).collect();
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../lab.toml");
    let text = format!("{}\n{}\n", fs::read_to_string(config).unwrap(), lines.join("\n"));
    let config = lab_core::plan::config::Config::parse("lab.toml", &text).unwrap();
    assert_eq!(config.variants["a.b"].series, ["a.b"]);
}

#[test]
fn one_of_several() {
    let mut mails = thread(Letter::plain);
    mails.extend(thread(|letter| letter.plain().replace("[PATCH", "[PATCH v2").replace("@x>", "@v2>")));
    mails.extend(thread(|letter| letter.plain().replace("fuse: ", "xfs: ").replace("@x>", "@xfs>")));
    let fixture = ImportFixture::new();
    fixture.write("all.mbox", mailbox(&mails));
    let summary = fixture.import("all.mbox", |options| {
        options.name = Some("s".to_owned());
        options.version = Some(1);
        options.subject = Some("FUSE: one".to_owned());
    });
    assert!(summary.unwrap().starts_with("imported 6 patches"));
    same_as_originals(&fixture);
}
