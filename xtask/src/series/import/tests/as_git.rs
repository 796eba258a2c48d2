//! Every file of a folder, read by the import and by `git mailsplit` and `git mailinfo`: both find the same, or the import
//! refuses the file and says why.
//!
//! `PATCHLAB_IMPORT_CASES=FOLDER cargo test -p xtask --lib as_git` holds the files of another folder against git.

use std::collections::BTreeMap;

use super::*;
use crate::lab::process;

/// A patch as git reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct GitPatch {
    /// What a commit would have: `Name <address> seconds zone`; none if git finds no author.
    author: Option<String>,
    title: String,
    message: String,
    diff: Vec<u8>,
}

/// What git makes of a mailbox.
fn read_by_git(sh: &Shell, bytes: &[u8]) -> Vec<GitPatch> {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("mailbox"), bytes).unwrap();
    fs::create_dir(path("mails")).unwrap();
    let git = |arguments: &[&str]| git::git(sh, folder.path()).args(arguments);
    let is_crlf = bytes.split_inclusive(|byte| *byte == b'\n').all(|line| line.ends_with(b"\r\n"));
    let mut split = git(&["mailsplit", "-b", "-omails"]);
    if !is_crlf {
        split = split.arg("--keep-cr");
    }
    if bytes.starts_with(b"From mboxrd@z") {
        split = split.arg("--mboxrd");
    }
    process::read(split.arg("mailbox")).unwrap();
    let mut mails: Vec<PathBuf> =
        fs::read_dir(path("mails")).unwrap().map(|entry| entry.unwrap().path()).collect();
    mails.sort();
    let read = |mail: &PathBuf| {
        let info = git(&["mailinfo", "--encoding=UTF-8", "--quoted-cr=nowarn", "message", "diff"]);
        let output = process::output_of_input(info, fs::read(mail).unwrap()).unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let info = text(&output.stdout);
        let field = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        let identity = git(&["var", "GIT_AUTHOR_IDENT"])
            .env("GIT_AUTHOR_NAME", field("Author: "))
            .env("GIT_AUTHOR_EMAIL", field("Email: "))
            .env("GIT_AUTHOR_DATE", field("Date: "));
        let is_known = !field("Email: ").is_empty();
        GitPatch {
            author: is_known.then(|| process::read(identity).unwrap()),
            title: field("Subject: ").to_owned(),
            message: text(&fs::read(path("message")).unwrap()).trim().to_owned(),
            diff: fs::read(path("diff")).unwrap(),
        }
    };
    mails.iter().map(read).collect()
}

/// In UTF-8, or else in Latin-1: git passes raw bytes on.
fn text(bytes: &[u8]) -> String {
    let latin1 = || bytes.iter().map(|byte| char::from(*byte)).collect();
    std::str::from_utf8(bytes).map_or_else(|_| latin1(), str::to_owned)
}

/// What git knows nothing of: UTF-16 and the byte order mark.
fn without_mark(sh: &Shell, bytes: Vec<u8>) -> Vec<u8> {
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        let iconv = xshell::cmd!(sh, "iconv -f UTF-16 -t UTF-8").quiet();
        return process::output_of_input(iconv, bytes).unwrap().stdout;
    }
    bytes.strip_prefix(b"\xef\xbb\xbf").map(<[u8]>::to_vec).unwrap_or(bytes)
}

/// The hunks of all diffs, sorted, each with its header up to the second `@@`.
fn hunks(diff: &[u8]) -> Vec<Vec<u8>> {
    let mut found: Vec<Vec<u8>> = Vec::new();
    let mut left = (0_u64, 0_u64);
    for line in diff.split_inclusive(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r\n").map_or(line.to_vec(), |line| [line, b"\n"].concat());
        if left == (0, 0) {
            let header = text(&line);
            let Some(ranges) = header.strip_prefix("@@ -").and_then(|rest| rest.split_once(" @@")) else {
                continue;
            };
            let counts = ranges.0.split(" +").map(|range| match range.split_once(',') {
                Some((_, count)) => count.parse().unwrap(),
                None => 1,
            });
            let counts: Vec<u64> = counts.collect();
            left = (counts[0], counts[1]);
            found.push(ranges.0.as_bytes().to_vec());
            continue;
        }
        match line[0] {
            b'+' => left.1 -= 1,
            b'-' => left.0 -= 1,
            b'\\' => {}
            _ => left = (left.0 - 1, left.1 - 1),
        }
        found.last_mut().unwrap().extend(&line);
    }
    found.sort();
    found
}

/// From the first header of a diff on, without empty lines at its end.
fn from_first_header(diff: &[u8]) -> &[u8] {
    let mut at = 0;
    for line in diff.split_inclusive(|byte| *byte == b'\n') {
        let is_header =
            [b"diff ".as_slice(), b"Index: ", b"--- "].iter().any(|start| line.starts_with(start));
        if is_header && line.trim_ascii().len() > 3 {
            break;
        }
        at += line.len();
    }
    diff[at..].trim_ascii_end()
}

/// The files that a diff changes, and how many lines of each.
fn files(sh: &Shell, diff: &[u8], strip: &str) -> Vec<String> {
    let apply = git::git(sh, Path::new("/")).args(["apply", "--numstat", strip, "-"]);
    let mut files: Vec<String> =
        process::read_of_input(apply, diff).unwrap().lines().map(str::to_owned).collect();
    files.sort();
    files
}

/// Why the patches of an import are not what git finds; none if they are.
fn difference(sh: &Shell, imported: &[GitPatch], expected: &[GitPatch], original: &[u8]) -> Option<String> {
    let is_same = |one: &GitPatch, other: &GitPatch| {
        (&one.author, &one.title, &one.message) == (&other.author, &other.title, &other.message)
            && (from_first_header(&one.diff) == from_first_header(&other.diff)
                || hunks(&one.diff) == hunks(&other.diff)
                    && ["-p0", "-p1"]
                        .iter()
                        .any(|strip| files(sh, &one.diff, "-p1") == files(sh, &other.diff, strip)))
    };
    if imported.iter().all(|one| expected.iter().any(|other| is_same(one, other))) {
        return None;
    }
    // Forms that git takes for one text, or finds no author in: nothing of it may be lost.
    let all = |patches: &[GitPatch]| patches.iter().flat_map(|patch| patch.diff.clone()).collect::<Vec<u8>>();
    let (ours, theirs) = (all(imported), all(expected));
    let said = |patch: &GitPatch| format!("{} {}\n{}", patch.title, patch.message, text(&patch.diff));
    let said: String = expected.iter().map(said).collect();
    let has_author = expected.iter().all(|patch| patch.author.is_some());
    if has_author && !said.contains("\nSubject: ") {
        return Some(format!("{imported:?}\ngit: {expected:?}"));
    }
    if hunks(&ours) != hunks(&theirs) {
        return Some("the hunks differ from those of git".to_owned());
    }
    let said = said + &String::from_utf8_lossy(original);
    let is_bare = expected.iter().all(|patch| patch.message.is_empty() && patch.title.is_empty());
    let address = |patch: &GitPatch| {
        let author = patch.author.clone().unwrap_or_default();
        author.split(['<', '>']).nth(1).map(str::to_owned).unwrap_or_default()
    };
    let is_said = |patch: &&GitPatch| {
        let address = address(patch);
        (is_bare || said.contains(&patch.title))
            && (address == "patchlab@localhost" || said.contains(&address))
    };
    let unsaid = imported.iter().find(|patch| !is_said(patch));
    unsaid.map(|patch| format!("nobody says {:?} by {:?}", patch.title, patch.author))
}

/// What becomes of one file: `2 patches`, or why it is refused.
fn outcome(sh: &Shell, bytes: &[u8], name: &str) -> String {
    let fixture = ImportFixture::new();
    fixture.write(name, bytes);
    let imported = fixture.import(name, |options| options.name = Some("s".to_owned()));
    let summary = match imported {
        Ok(summary) => summary,
        Err(error) => {
            return format!("refused: {}", error.replace(&format!("importing a series from {name}: "), ""));
        }
    };
    let series = crate::series::load(&fixture.path("kernel-patches"), "s").unwrap();
    let imported: Vec<GitPatch> =
        series.patches.iter().flat_map(|patch| read_by_git(sh, &patch.text)).collect();
    assert_eq!(imported.len(), series.patches.len(), "{name}: {summary}");
    let mut expected = read_by_git(sh, &without_mark(sh, bytes.to_vec()));
    expected.retain(|patch| !hunks(&patch.diff).is_empty());
    let named = summary.matches("`: ").count();
    if imported.len() + named < expected.len() {
        return format!("LOST: git finds {} patches\n{summary}", expected.len());
    }
    if let Some(difference) = difference(sh, &imported, &expected, bytes) {
        return format!("DIFFERENT: {difference}");
    }
    let notes = summary.lines().filter_map(|line| line.strip_prefix("note: "));
    let count =
        if imported.len() == 1 { "1 patch".to_owned() } else { format!("{} patches", imported.len()) };
    std::iter::once(count).chain(notes.map(str::to_owned)).collect::<Vec<_>>().join("; ")
}

/// The outcome of every file below a folder that holds text with a diff, or is called like one.
fn outcomes(folder: &Path) -> BTreeMap<String, String> {
    let sh = Shell::new().unwrap();
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                folders.push(path);
            } else if !name.ends_with("series") && !name.ends_with(".md") && !name.ends_with('~') {
                let bytes = fs::read(&path).unwrap();
                let file = path.file_name().unwrap().to_str().unwrap();
                found.insert(name, outcome(&sh, &bytes, file));
            }
        }
    }
    found
}

#[track_caller]
fn check(folder: &Path, expected: &Expect) {
    let found = outcomes(folder);
    let lines: String = found.iter().map(|(name, outcome)| format!("{name}: {outcome}\n")).collect();
    let is_wrong = |outcome: &&String| outcome.starts_with("LOST") || outcome.starts_with("DIFFERENT");
    assert_eq!(found.values().find(is_wrong), None, "{lines}");
    expected.assert_eq(&lines);
}

pub(super) fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

#[test]
fn as_git_has_it() {
    check(
        &data("import"),
        &expect![[r#"
        format-patch/attach/0001-fuse-change-line-11.patch: 1 patch; it is patch 1 of 2, the others are not here
        format-patch/attach/0002-fuse-change-line-12.patch: 1 patch; it is patch 2 of 2, the others are not here
        format-patch/cover/0000-cover-letter.patch: refused: patches 1 and 2 of 2 are missing: add their mails
        format-patch/cover/0001-fuse-change-line-11.patch: 1 patch; it is patch 1 of 2, the others are not here
        format-patch/cover/0002-fuse-change-line-12.patch: 1 patch; it is patch 2 of 2, the others are not here
        format-patch/v2/v2-0001-fuse-change-line-11.patch: 1 patch; it is patch 1 of 2, the others are not here
        format-patch/v2/v2-0002-fuse-change-line-12.patch: 1 patch; it is patch 2 of 2, the others are not here
        mails/backup-files/0001-fuse-change-line-11.patch: 1 patch
        mails/backup-files/0002-fuse-change-line-12.patch: 1 patch
        mails/bom.patch: 1 patch
        mails/date-ctime.patch: 1 patch
        mails/date-iso.patch: 1 patch
        mails/dep3.patch: 1 patch
        mails/diff-urN.diff: refused: series s: patch 0001-diff-urN.patch: the binary data of "fs/fuse/logo.bin" is missing: make it with `git format-patch --binary`; a patch that does this is not applied
        mails/in-body.eml: 1 patch
        mails/latin1.patch: 1 patch
        mails/log-p.patch: 3 patches; the log has the last commit first (patch 1)
        mails/noprefix.patch: 1 patch; no author found, patchlab is used; no date found, 1 January 2000 is used; paths were those of -p0, a/ and b/ are put in front
        mails/p0-in-dir.diff: refused: p0-in-dir.diff `p0-in-dir`: where its paths begin cannot be told (`./file.c`): say so with --directory, e.g. --directory fs/fuse
        mails/pipermail.mbox: 1 patch
        mails/plain-attached.eml: 3 patches
        mails/rawlatin.patch: 1 patch; not UTF-8 and no other charset is named, read as Latin-1
        mails/re-attached.eml: 3 patches
        mails/re-v2.patch: 1 patch; a reply, taken since no other mail holds a diff
        mails/show.patch: 1 patch
        mails/three-attached.eml: 3 patches
        mails/utf16.patch: 1 patch; paths were those of -p0, a/ and b/ are put in front
        one-of-three/0002-fuse-change-line-11.patch: 1 patch; it is patch 2 of 3, the others are not here
        quilt-queue/1-step.patch: 1 patch; no author found, patchlab is used; no date found, 1 January 2000 is used
        quilt-queue/10-step.patch: 1 patch; no author found, patchlab is used; no date found, 1 January 2000 is used
        quilt-queue/11-step.patch: 1 patch; no author found, patchlab is used; no date found, 1 January 2000 is used
        quilt-queue/12-step.patch: 1 patch; no author found, patchlab is used; no date found, 1 January 2000 is used
        quilt-queue/2-step.patch: 1 patch; no author found, patchlab is used; no date found, 1 January 2000 is used
        quilt-queue/3-step.patch: 1 patch; no author found, patchlab is used; no date found, 1 January 2000 is used
        quilt-queue/4-step.patch: 1 patch; no author found, patchlab is used; no date found, 1 January 2000 is used
        quilt-queue/5-step.patch: 1 patch; no author found, patchlab is used; no date found, 1 January 2000 is used
        quilt-queue/6-step.patch: 1 patch; no author found, patchlab is used; no date found, 1 January 2000 is used
        quilt-queue/7-step.patch: 1 patch; no author found, patchlab is used; no date found, 1 January 2000 is used
        quilt-queue/8-step.patch: 1 patch; no author found, patchlab is used; no date found, 1 January 2000 is used
        quilt-queue/9-step.patch: 1 patch; no author found, patchlab is used; no date found, 1 January 2000 is used
    "#]],
    );
    check(
        &data("series"),
        &expect![[r#"
        panic-at-boot/0001-init-panic-before-the-first-process.patch: 1 patch
        planted-loop/0001-fuse-count-to-ten-thousand-in-each-direct-read-or-write.patch: 1 patch
        reads-end-early/0001-fuse-do-not-wait-for-the-data-of-a-direct-read.patch: 1 patch
        reads-leave-out-a-part/0001-fuse-leave-a-part-of-each-direct-read-out.patch: 1 patch
        silent/0001-init-stop-before-the-console-is-there.patch: 1 patch
        writes-leave-out-a-part/0001-fuse-leave-a-part-of-each-direct-write-out.patch: 1 patch
    "#]],
    );
}

/// The files of a folder that somebody names; without one, the series of this checkout.
#[test]
fn as_git_has_it_in_a_folder_of_yours() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../kernel-patches/sync-dio");
    let folder = std::env::var_os("PATCHLAB_IMPORT_CASES").map_or(own, PathBuf::from);
    let found = outcomes(&folder);
    let lines: String = found.iter().map(|(name, outcome)| format!("{name}: {outcome}\n")).collect();
    println!("{lines}");
    let is_right = |outcome: &String| !outcome.starts_with("LOST") && !outcome.starts_with("DIFFERENT");
    assert!(!found.is_empty() && found.values().all(is_right), "{lines}");
}

/// The comparison can fail.
#[test]
fn differences_are_seen() {
    let sh = Shell::new().unwrap();
    let bytes = fs::read(data("import/mails/date-iso.patch")).unwrap();
    let right = read_by_git(&sh, &bytes);
    let changed = |from: &str, to: &str| read_by_git(&sh, text(&bytes).replacen(from, to, 1).as_bytes());
    assert_eq!(difference(&sh, &right, &right, &bytes), None);
    for (from, to) in
        [("+0100", "+0200"), ("j@example", "k@example"), ("tab", "tap"), ("return 3", "return 4")]
    {
        assert!(difference(&sh, &changed(from, to), &right, &bytes).is_some(), "{from}");
    }
}
