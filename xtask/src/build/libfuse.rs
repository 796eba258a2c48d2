//! libfuse's example servers: fetched as Debian's source package, told their request size, compiled, cached. `bench` measures them, and
//! scenarios of `lab.toml` have them.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use lab_protocol::LibfuseExample;
use xshell::{Shell, cmd};

use crate::lab::cache::Cache;
use crate::lab::output::progress::Step;
use crate::lab::{digest, files, output, process};

/// The largest request of a server, KiB: of `passthrough_hp`, which has no option for it.
pub const REQUEST_KIB: u32 = 128;

/// The servers, ready to run.
#[derive(Clone, Debug)]
pub struct Libfuse {
    /// Version of the Debian package.
    pub version: String,
    folder: PathBuf,
}

impl Libfuse {
    /// Where the program of an example is.
    pub fn program(&self, example: LibfuseExample) -> PathBuf {
        self.folder.join(match example {
            LibfuseExample::PassthroughHp => "hp",
            LibfuseExample::PassthroughLl => "ll",
        })
    }
}

/// A replacement in a source file, of a text that is in it exactly once.
type Edit = (&'static str, &'static str);

/// The server takes libfuse's own options for the connection (`max_write`, `splice_write`, ...) and obeys
/// `max_threads`, which the interface of 3.12 made possible.
const LOW_LEVEL: &[Edit] = &[
    ("#define FUSE_USE_VERSION 34", "#define FUSE_USE_VERSION FUSE_MAKE_VERSION(3, 12)"),
    (
        "static void lo_init(void *userdata,",
        "static struct fuse_conn_info_opts *connection;\n\nstatic void lo_init(void *userdata,",
    ),
    (
        "\tif(conn->capable & FUSE_CAP_EXPORT_SUPPORT)",
        "\tfuse_apply_conn_info_opts(connection, conn);\n\tif(conn->capable & FUSE_CAP_EXPORT_SUPPORT)",
    ),
    (
        "\tif (fuse_parse_cmdline(&args, &opts) != 0)",
        "\tconnection = fuse_parse_conn_info_opts(&args);\n\tif (fuse_parse_cmdline(&args, &opts) != 0)",
    ),
    ("\tstruct fuse_loop_config config;", "\tstruct fuse_loop_config *config = fuse_loop_cfg_create();"),
    ("config.clone_fd = opts.clone_fd;", "fuse_loop_cfg_set_clone_fd(config, opts.clone_fd);"),
    (
        "config.max_idle_threads = opts.max_idle_threads;",
        "fuse_loop_cfg_set_idle_threads(config, opts.max_idle_threads);\n\t\tfuse_loop_cfg_set_max_threads(config, opts.max_threads);",
    ),
    ("fuse_session_loop_mt(se, &config)", "fuse_session_loop_mt(se, config)"),
];

/// The server has no option for the request size, caches writes and attributes for a day, and passes neither
/// `--clone-fd` nor a limit of threads on.
const HIGH_PERFORMANCE: &[Edit] = &[
    (
        "    if (fs.timeout && conn->capable & FUSE_CAP_WRITEBACK_CACHE)\n        conn->want |= FUSE_CAP_WRITEBACK_CACHE;",
        "    conn->max_write = REQUEST_KIB * 1024;",
    ),
    ("? 0 : 86400.0;", "? 0 : 1.0;"),
    (
        "        fuse_loop_cfg_set_idle_threads(loop_config, fs.num_threads);",
        "    {\n        fuse_loop_cfg_set_idle_threads(loop_config, fs.num_threads);\n        fuse_loop_cfg_set_max_threads(loop_config, fs.num_threads);\n        fuse_loop_cfg_set_clone_fd(loop_config, fs.clone_fd);\n    }",
    ),
];

/// What is done to libfuse's sources, in words.
pub const CHANGES: &str = "libfuse's examples are changed at build time: passthrough_ll takes libfuse's \
    connection options and max_threads; passthrough_hp gets max_write, no write-back cache, a timeout of 1 s, and \
    passes --clone-fd and the number of threads on";

/// Finds the servers in the cache, or makes them.
///
/// # Errors
/// If the source cannot be fetched or compiled.
pub fn ensure(sh: &Shell, cache: &Cache) -> anyhow::Result<Libfuse> {
    let (version, source) = versions(sh)?;
    let folder = place(cache, &version);
    if !folder.is_dir() {
        let _lock = cache.lock("bench-libfuse", |who| {
            output::tell(&format!("waiting for {who}, which builds libfuse's servers"));
        })?;
        if folder.is_dir() {
            return Ok(Libfuse { version, folder });
        }
        let step = Step::begin("libfuse's servers");
        cache.sweep("libfuse-")?;
        let work = cache.temporary_folder("libfuse-")?;
        make(sh, work.path(), &source)
            .with_context(|| format!("building the servers of libfuse {version}"))?;
        let made = work.path().join("made");
        files::publish_folder(&made, &folder)?;
        drop(step);
    }
    Ok(Libfuse { version, folder })
}

/// The servers, if they are in the cache. Nothing is fetched or built.
pub(crate) fn built(sh: &Shell, cache: &Cache) -> Option<Libfuse> {
    let (version, _) = versions(sh).ok()?;
    let folder = place(cache, &version);
    folder.is_dir().then_some(Libfuse { version, folder })
}

fn place(cache: &Cache, version: &str) -> PathBuf {
    let edits = format!("{LOW_LEVEL:?}{HIGH_PERFORMANCE:?}{REQUEST_KIB}");
    let key = digest::Parts::default().with("version", version).with("edits", edits).finish();
    cache.join("bench").join(format!("libfuse-{version}-{}", digest::short(&key)))
}

/// Version of the package with the library, and of the source that it was built from.
fn versions(sh: &Shell) -> anyhow::Result<(String, String)> {
    let format = "${Version} ${source:Version}";
    let text = process::read(cmd!(sh, "dpkg-query --show --showformat={format} libfuse3-dev"));
    let text = text.context(
        "asking for the version of libfuse3-dev (libfuse's servers are built from Debian's source package)",
    )?;
    let (version, source) = text.trim().split_once(' ').context("the version of libfuse3-dev")?;
    Ok((version.to_owned(), source.to_owned()))
}

fn make(sh: &Shell, work: &Path, version: &str) -> anyhow::Result<()> {
    let source = fetch(sh, work, version)?;
    let made = sh.create_dir(work.join("made"))?;
    let _folder = sh.push_dir(work);
    for name in ["passthrough_helpers.h", "cxxopts.hpp"] {
        sh.copy_file(source.join("example").join(name), work.join(name))?;
    }
    let write = |from: &str, edits: &[Edit]| -> anyhow::Result<()> {
        let text = sh.read_file(source.join("example").join(from))?;
        let text = edit(&text, edits).with_context(|| format!("changing libfuse's {from}"))?;
        Ok(sh.write_file(work.join(from), text)?)
    };
    write("passthrough_ll.c", LOW_LEVEL)?;
    write("passthrough_hp.cc", HIGH_PERFORMANCE)?;
    let flags = process::read(cmd!(sh, "pkg-config fuse3 --cflags --libs"))?;
    let flags = &flags.split_whitespace().collect::<Vec<_>>();
    process::run(cmd!(sh, "gcc -O2 -o {made}/ll passthrough_ll.c {flags...}"))?;
    let size = format!("-DREQUEST_KIB={REQUEST_KIB}");
    process::run(cmd!(sh, "g++ -O2 -std=c++17 {size} -o {made}/hp passthrough_hp.cc {flags...}"))?;
    Ok(())
}

/// Fetches and unpacks the source package; the folder that it unpacks to. The machine's own list of sources stays
/// as it is: it rarely names source packages.
fn fetch(sh: &Shell, work: &Path, version: &str) -> anyhow::Result<PathBuf> {
    let release = sh.read_file("/etc/os-release")?;
    let codename = codename(&release).context("no VERSION_CODENAME in /etc/os-release (is this Debian?)")?;
    for folder in ["lists/partial", "archives/partial"] {
        sh.create_dir(work.join(folder))?;
    }
    sh.write_file(work.join("sources.list"), sources(codename))?;
    let place = |name: &str| work.join(name).display().to_string();
    let settings = [
        format!("Dir::Etc::sourcelist={}", place("sources.list")),
        "Dir::Etc::sourceparts=-".to_owned(),
        format!("Dir::State::lists={}", place("lists")),
        format!("Dir::Cache::archives={}", place("archives")),
        "Dir::Cache::pkgcache=".to_owned(),
        "Dir::Cache::srcpkgcache=".to_owned(),
        "APT::Sandbox::User=root".to_owned(),
    ];
    let options = &settings.iter().flat_map(|setting| ["-o", setting]).collect::<Vec<_>>();
    let _folder = sh.push_dir(work);
    let run = |command: xshell::Cmd<'_>| -> anyhow::Result<()> {
        let output = process::output(command)?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{}", said.trim().lines().last().unwrap_or("failed without a word"));
        Ok(())
    };
    let package = format!("fuse3={version}");
    run(cmd!(sh, "apt-get -q {options...} update"))
        .and_then(|()| run(cmd!(sh, "apt-get -q {options...} source --download-only {package}")))
        .with_context(|| format!("fetching the source package {package} with apt-get"))?;
    let names = sh.read_dir(work)?;
    let archive = names.iter().find(|path| is_upstream_archive(path));
    let archive = archive.context("the source package has no upstream archive")?;
    let source = sh.create_dir(work.join("source"))?;
    process::run(cmd!(sh, "tar --extract --file {archive} --directory {source} --strip-components 1"))?;
    Ok(source)
}

/// Beside it lies its signature, `.asc`.
fn is_upstream_archive(path: &Path) -> bool {
    path.to_string_lossy().contains(".orig.tar.") && path.extension() != Some("asc".as_ref())
}

fn codename(release: &str) -> Option<&str> {
    let line = release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="))?;
    Some(line.trim_matches('"'))
}

fn sources(codename: &str) -> String {
    let (main, security) = ("http://deb.debian.org/debian", "http://deb.debian.org/debian-security");
    format!(
        "deb-src {main} {codename} main\ndeb-src {main} {codename}-updates main\ndeb-src {security} {codename}-security main\n"
    )
}

/// Makes each replacement.
fn edit(text: &str, edits: &[Edit]) -> anyhow::Result<String> {
    let mut text = text.to_owned();
    for (from, to) in edits {
        match text.matches(from).count() {
            1 => text = text.replace(from, to),
            count => bail!("`{}` is there {count} times instead of once: another version?", from.trim()),
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_replace_what_is_there_once() {
        for (text, expected) in [
            ("a b c", Ok("a B c")),
            ("a c", Err("`b` is there 0 times instead of once: another version?")),
            ("b b", Err("`b` is there 2 times instead of once: another version?")),
        ] {
            let edited = edit(text, &[("b", "B")]).map_err(|error| error.to_string());
            assert_eq!(edited.as_deref().map_err(String::as_str), expected, "{text}");
        }
    }

    #[test]
    fn the_archive_is_not_its_signature() {
        for (path, expected) in [
            ("/t/fuse3_3.14.0.orig.tar.xz", true),
            ("/t/fuse3_3.14.0.orig.tar.xz.asc", false),
            ("/t/fuse3_3.14.0-4.debian.tar.xz", false),
        ] {
            assert_eq!(is_upstream_archive(Path::new(path)), expected, "{path}");
        }
    }

    #[test]
    fn codenames() {
        for (release, expected) in [
            ("ID=debian\nVERSION_CODENAME=bookworm\n", Some("bookworm")),
            ("VERSION_CODENAME=\"trixie\"", Some("trixie")),
            ("ID=other", None),
        ] {
            assert_eq!(codename(release), expected);
        }
    }
}
