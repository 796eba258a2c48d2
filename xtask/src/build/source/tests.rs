//! Sources of each kind that need no network, made of a few files that look like a kernel.

mod trees;

use std::cell::RefCell;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;
use crate::lab::process::{self, git};

const MAKEFILE: &str = "VERSION = 6\nPATCHLEVEL = 12\nSUBLEVEL = 1\nEXTRAVERSION =\n";

struct SourceLab {
    sh: Shell,
    cache: Cache,
    folder: tempfile::TempDir,
    said: RefCell<Vec<String>>,
}

impl SourceLab {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(&folder.path().join("cache")).unwrap();
        let sh = Shell::new().unwrap();
        // The server of these tests is on this machine, where no proxy leads to.
        for name in ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
            sh.set_var(name, "");
        }
        sh.set_var("no_proxy", "*");
        SourceLab { sh, cache, folder, said: RefCell::default() }
    }

    /// A tree that ignores itself, as Debian's does, with a link, a program and a name that needs quoting.
    fn tree(&self) -> PathBuf {
        let tree = self.folder.path().join("linux-6.12");
        fs::create_dir_all(tree.join("fs")).unwrap();
        fs::write(tree.join("Makefile"), MAKEFILE).unwrap();
        fs::write(tree.join(".gitignore"), "/*\n").unwrap();
        fs::write(tree.join(".gitattributes"), "*.c text eol=crlf ident\n").unwrap();
        fs::write(tree.join("fs/file \"1\".c"), "int x; /* $Id$ */\n").unwrap();
        fs::write(tree.join("build.sh"), "#!/bin/sh\n").unwrap();
        fs::set_permissions(tree.join("build.sh"), fs::Permissions::from_mode(0o755)).unwrap();
        if !tree.join("fs/link").exists() {
            symlink("../Makefile", tree.join("fs/link")).unwrap();
        }
        tree
    }

    fn tarball(&self, option: &str, members: &[&str]) -> PathBuf {
        let (folder, path) = (self.folder.path(), self.folder.path().join("linux.tar"));
        process::read(xshell::cmd!(self.sh, "tar -C {folder} {option} -cPf {path} {members...}")).unwrap();
        path
    }

    fn git(&self, folder: &Path, arguments: &[&str]) -> String {
        process::read(git::git(&self.sh, folder).args(arguments)).unwrap()
    }

    /// Makes a repository of a tree, all of it committed, and names the commit.
    fn commit(&self, tree: &Path) -> String {
        self.git(tree, &["init", "--quiet", "--initial-branch=main"]);
        self.git(tree, &["add", "--all", "--force"]);
        self.git(tree, &["commit", "--quiet", "--message=one"]);
        self.git(tree, &["rev-parse", "HEAD"])
    }

    fn prepare(&self, source: &Source) -> anyhow::Result<SourceTree> {
        let tell = |line: &str| self.said.borrow_mut().push(line.to_owned());
        let identity = identify(&self.sh, &self.cache, source, &tell)?;
        prepare(&self.sh, &self.cache, source, &identity, &tell)
    }

    fn error(&self, source: &Source) -> String {
        let error = format!("{:#}", self.prepare(source).unwrap_err());
        let left: Vec<_> =
            ["tmp", "sources"].iter().flat_map(|f| fs::read_dir(self.cache.join(f)).unwrap()).collect();
        assert!(left.is_empty(), "{left:?}");
        error
    }
}

fn tarball(path: &Path, sha256: Option<String>) -> Source {
    Source::Tarball { location: path.display().to_string(), sha256 }
}

/// The prepared tree holds the files of [`SourceLab::tree`], byte by byte, and nothing that git would call a change.
fn check_tree(lab: &SourceLab, tree: &SourceTree) {
    assert_eq!(tree.kernel_version, "6.12.1");
    let read = |name: &str| fs::read_to_string(tree.repository.join(name)).unwrap();
    assert_eq!(read("Makefile"), MAKEFILE);
    assert_eq!(read("fs/file \"1\".c"), "int x; /* $Id$ */\n");
    assert_eq!(fs::read_link(tree.repository.join("fs/link")).unwrap(), Path::new("../Makefile"));
    assert_eq!(fs::metadata(tree.repository.join("build.sh")).unwrap().permissions().mode() & 0o777, 0o755);
    let status = lab.git(&tree.repository, &["status", "--porcelain", "--ignored"]);
    assert_eq!(status, "");
    assert_eq!(fs::read_dir(lab.cache.join("tmp")).unwrap().count(), 0);
}

#[test]
fn tarballs() {
    let lab = SourceLab::new();
    lab.tree();
    let mut commits = Vec::new();
    for option in ["--format=gnu", "--format=pax", "--format=ustar", "--xz", "--gzip"] {
        let path = lab.tarball(option, &["linux-6.12"]);
        let tree = lab.prepare(&tarball(&path, None)).unwrap();
        check_tree(&lab, &tree);
        let tree_of = ["rev-parse", &format!("{}^{{tree}}", tree.base_commit)];
        commits.push(lab.git(&tree.repository, &tree_of));
    }
    commits.dedup();
    assert_eq!(commits.len(), 1);
}

#[test]
fn a_prepared_source_is_not_prepared_again() {
    let lab = SourceLab::new();
    lab.tree();
    let source = tarball(&lab.tarball("--gzip", &["linux-6.12"]), None);
    let first = lab.prepare(&source).unwrap();
    assert_eq!(lab.said.borrow().len(), 1, "{:?}", lab.said);
    assert_eq!(lab.prepare(&source).unwrap(), first);
    assert_eq!(lab.said.borrow().len(), 1, "{:?}", lab.said);
}

/// The mark of a whole source is written when everything else is on the disk, and not at all if the disk fails.
#[test]
fn a_source_is_on_the_disk_before_it_is_marked() {
    let lab = SourceLab::new();
    lab.tree();
    let source = tarball(&lab.tarball("--gzip", &["linux-6.12"]), None);
    let identity = identify(&lab.sh, &lab.cache, &source, &|_| {}).unwrap();
    let prepare = |sync: &dyn Fn(&Path) -> anyhow::Result<()>| {
        prepare_with(&lab.sh, &lab.cache, &source, &identity, &|_| {}, sync)
    };
    let error = prepare(&|_| anyhow::bail!("the disk is gone")).unwrap_err();
    assert!(format!("{error:#}").ends_with("the disk is gone"), "{error:#}");
    assert_eq!(fs::read_dir(lab.cache.join("sources")).unwrap().count(), 0);
    let synced = RefCell::new(0);
    prepare(&|tree| {
        *synced.borrow_mut() += 1;
        assert!(tree.join("Makefile").exists() && tree.join(".git/refs/heads/base").exists());
        assert!(!tree.with_file_name("source.toml").exists());
        Ok(())
    })
    .unwrap();
    assert_eq!(synced.take(), 1);
}

#[test]
fn an_interrupted_preparation_begins_again() {
    let lab = SourceLab::new();
    lab.tree();
    let source = tarball(&lab.tarball("--gzip", &["linux-6.12"]), None);
    let identity = identify(&lab.sh, &lab.cache, &source, &|_| {}).unwrap();
    fs::create_dir_all(lab.cache.join(format!("tmp/source-{}-x.locked/tree/.git", identity.key))).unwrap();
    fs::create_dir_all(lab.cache.join(format!("sources/{}/tree", identity.key))).unwrap();
    check_tree(&lab, &lab.prepare(&source).unwrap());
}

#[test]
fn tarballs_that_are_refused() {
    let lab = SourceLab::new();
    let folder = lab.tree();
    let check = |members: &[&str], expected: &str| {
        let error = lab.error(&tarball(&lab.tarball("--format=gnu", members), None));
        assert!(error.starts_with("preparing the kernel source ") && error.contains(expected), "{error}");
    };
    fs::write(folder.join("../other"), "").unwrap();
    check(&["linux-6.12", "other"], "exactly one folder");
    check(&["other"], "lies at its top");
    check(
        &["--transform=s,fs/file.*,fs/file.o,", "linux-6.12"],
        "its tree was built in (fs/file.o is there)",
    );
    check(&["linux-6.12/../other"], "leads out of the tree");
    check(&["--transform=s,fs/file.*,../../x,", "linux-6.12"], "leads out of the tree");
    check(&["--transform=s,build.sh,.git/hooks/post-checkout,", "linux-6.12"], "git acts upon");
    fs::remove_file(folder.join("fs/link")).unwrap();
    symlink("/etc/passwd", folder.join("fs/link")).unwrap();
    check(&["linux-6.12"], "absolute target");
    fs::remove_file(folder.join("Makefile")).unwrap();
    fs::remove_file(folder.join("fs/link")).unwrap();
    check(&["linux-6.12"], "is it a kernel tree?");
}

#[test]
fn damaged_and_wrong_tarballs() {
    let lab = SourceLab::new();
    lab.tree();
    let path = lab.tarball("--xz", &["linux-6.12"]);
    let error = lab.error(&tarball(&path, Some("0".repeat(64))));
    assert!(error.contains("it is another file than was meant"), "{error}");
    let error = lab.error(&tarball(&path, Some("xyz".into())));
    assert!(error.contains("64 lower-case hexadecimal digits"), "{error}");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let error = lab.error(&tarball(&path, None));
    assert!(error.contains("unpacking "), "{error}");
    fs::write(&path, "no tarball").unwrap();
    let error = lab.error(&tarball(&path, None));
    assert!(error.contains("archive"), "{error}");
    let url = Source::Tarball { location: "https://example.org/linux.tar.xz".into(), sha256: None };
    assert!(lab.error(&url).contains("a URL needs the sha256"), "{}", lab.error(&url));
}

/// Serves `content` over HTTP, with ranges, to `requests` requests; gives its URL and what was asked for.
fn serve(content: Vec<u8>, requests: usize) -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/linux.tar.gz", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let mut ranges = Vec::new();
        for _ in 0..requests {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = std::io::BufReader::new(stream.try_clone().unwrap());
            let mut from = None;
            loop {
                let mut line = String::new();
                std::io::BufRead::read_line(&mut reader, &mut line).unwrap();
                if let Some(range) = line.strip_prefix("Range: bytes=") {
                    from = range.trim().trim_end_matches('-').parse::<usize>().ok();
                }
                if line.trim().is_empty() {
                    break;
                }
            }
            let start = from.unwrap_or(0);
            let status = if from.is_some() { "206 Partial Content" } else { "200 OK" };
            let (last, all, length) = (content.len() - 1, content.len(), content.len() - start);
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nContent-Range: bytes {start}-{last}/{all}\r\nConnection: close\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(&content[start..]).unwrap();
            ranges.push(format!("{start}"));
        }
        ranges
    });
    (url, server)
}

#[test]
fn a_download_goes_on_where_it_stopped_and_is_verified() {
    let lab = SourceLab::new();
    lab.tree();
    let content = fs::read(lab.tarball("--gzip", &["linux-6.12"])).unwrap();
    let sha256 = digest::of_bytes(&content);
    let part = lab.cache.join(format!("downloads/{sha256}.part"));
    fs::write(&part, &content[..100]).unwrap();
    let (location, server) = serve(content, 1);
    let source = Source::Tarball { location, sha256: Some(sha256) };
    check_tree(&lab, &lab.prepare(&source).unwrap());
    assert_eq!(server.join().unwrap(), ["100"]);
    assert!(!part.exists());
    // The server is gone: nothing is asked for again.
    fs::remove_dir_all(lab.cache.join("sources")).unwrap();
    fs::create_dir(lab.cache.join("sources")).unwrap();
    check_tree(&lab, &lab.prepare(&source).unwrap());
}

/// Whoever runs these tests may have set a proxy for the world outside; this one is not there.
#[test]
fn the_server_of_these_tests_is_reached_without_the_proxy_of_the_user() {
    let name = "build::source::tests::a_download_goes_on_where_it_stopped_and_is_verified";
    let mut tests = process::tied::command(std::env::current_exe().unwrap());
    tests.args(["--exact", name]).env_remove("no_proxy").env_remove("NO_PROXY");
    for variable in ["http_proxy", "all_proxy", "ALL_PROXY"] {
        tests.env(variable, "http://127.0.0.1:1");
    }
    let output = tests.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
fn a_wrong_download_is_not_kept() {
    let lab = SourceLab::new();
    let (location, server) = serve(b"something else".to_vec(), 1);
    let error = lab.error(&Source::Tarball { location, sha256: Some("0".repeat(64)) });
    server.join().unwrap();
    assert!(error.contains("it is another file than was meant"), "{error}");
    assert_eq!(fs::read_dir(lab.cache.join("downloads")).unwrap().count(), 0);
}

/// A path of `lab.toml` starts at `lab.toml`, wherever the command is given.
#[test]
fn relative_places_start_at_the_checkout() {
    let at = |source: &Source| located(source, Path::new("/lab"));
    let tree = |path: &str| Source::Tree(path.to_owned());
    assert_eq!(at(&tree("../linux")), tree("/lab/../linux"));
    assert_eq!(at(&tree("/linux")), tree("/linux"));
    for (written, meant) in [
        ("linux", "/lab/linux"),
        ("/linux", "/linux"),
        ("https://example.org/linux", "https://example.org/linux"),
        ("file:///linux", "file:///linux"),
    ] {
        let git =
            |repository: &str| Source::Git { repository: repository.to_owned(), commit: "1".repeat(40) };
        assert_eq!(at(&git(written)), git(meant));
        let tarball = |location: &str| Source::Tarball { location: location.to_owned(), sha256: None };
        assert_eq!(at(&tarball(written)), tarball(meant));
    }
    let debian = Source::Debian { package: "linux-source-6.12".to_owned(), suite: None };
    assert_eq!(at(&debian), debian);
}

#[test]
fn folder_names() {
    let check = |text: &str, expected: &str| assert_eq!(folder_name(text), expected);
    check("linux-source-6.12 6.12.117-1~deb12u1", "linux-source-6.12-6.12.117-1-deb12u1");
    check("../a:b", "a-b");
}
