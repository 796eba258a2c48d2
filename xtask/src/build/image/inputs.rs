//! What an image is made from, and the digest under which it is stored.

use std::path::Path;

use anyhow::Context as _;
use xshell::Shell;

use super::Contents;
use super::foreign::Foreign;
use super::guest::{self, Toolchain};
use super::host::{self, HostFile};
use super::servers;
use super::settings;
use super::system::System;
use crate::build::libfuse::Libfuse;
use crate::build::target::Target;
use crate::lab::cache::Cache;
use crate::lab::digest::{self, Parts};

/// To be raised when an image is put together in another way from the same inputs.
const RECIPE: &str = "1";

/// System and folders of the checkout that shape the guest's programs.
const SOURCES: [&str; 10] = [
    ".cargo/config.toml",
    "Cargo.lock",
    "Cargo.toml",
    "images/aio-stress",
    "images/guest",
    "images/init",
    "images/passthrough",
    "images/probe",
    "images/protocol",
    "images/socket-stress",
];

/// Everything that an image is made from.
#[derive(Clone, Debug)]
pub(super) struct Inputs {
    pub(super) toolchain: Toolchain,
    pub(super) host_files: Vec<HostFile>,
    /// Where these are from, if not from this machine.
    pub(super) foreign: Option<Foreign>,
    /// Where servers of libfuse are from.
    pub(super) libfuse: Option<Libfuse>,
    /// Names and digests, in order.
    parts: Vec<(String, String)>,
    pub(super) contents: Contents,
}

impl Inputs {
    /// The digest over all of it, 64 hexadecimal digits.
    pub(super) fn key(&self) -> String {
        let parts = Parts::default().with("recipe", RECIPE);
        self.parts.iter().fold(parts, |all, (name, digest)| all.with(name, digest)).finish()
    }

    /// Why it is built, for those who look at the lab itself: a change of any of these makes another image.
    pub(super) fn why_not_cached(&self) -> String {
        let short = |text: &str| text.lines().next().unwrap_or_default().chars().take(60).collect::<String>();
        let parts: String =
            self.parts.iter().map(|(name, digest)| format!("\n  {name}: {}", short(digest))).collect();
        format!("no whole image {} is in the cache, which is made from{parts}", digest::short(&self.key()))
    }
}

/// Looks at the inputs; builds nothing.
///
/// # Errors
/// If one is missing.
pub(super) fn gather(
    sh: &Shell,
    cache: &Cache,
    checkout: &Path,
    contents: &Contents,
) -> anyhow::Result<Inputs> {
    let (target, programs) = (Target::of(contents.arch), &contents.programs);
    let toolchain = guest::toolchain(sh, checkout, target)?;
    let foreign = match target.is_foreign()? {
        true => Some(Foreign::open(sh, cache, target, programs)?.with_context(|| {
            format!("the programs for guests of {} are not fetched yet; run-lab does it", target.arch.name())
        })?),
        false => None,
    };
    let system = System { sh, target, foreign };
    let libfuse = servers::libfuse(sh, cache, &contents.servers)?;
    let mut host_files = host::gather(&system, programs)?;
    servers::add(&system, libfuse.as_ref(), &contents.servers, &mut host_files)?;
    let mut parts = Vec::new();
    for source in SOURCES {
        add_sources(sh, checkout, Path::new(source), &mut parts)?;
    }
    parts.push(("rustc".to_owned(), toolchain.rustc.clone()));
    parts.push(("linker".to_owned(), toolchain.linker.clone()));
    parts.push(("libc".to_owned(), digest::of_file(&toolchain.libc)?));
    for text in settings::shaping(checkout, Path::new(&guest::cargo_home(sh)?))? {
        parts.push(("cargo settings".to_owned(), digest::of_bytes(text.as_bytes())));
    }
    for file in &host_files {
        parts.push((format!("host {}", file.guest_path), digest::of_file(Path::new(&file.host_path))?));
    }
    let own = guest::own(programs).into_iter();
    parts.extend(own.map(|(package, place)| ("own program".to_owned(), format!("{package} at {place}"))));
    if !contents.arch.is_default() {
        parts.push(("arch".to_owned(), contents.arch.name().to_owned()));
    }
    parts.extend(guest::installed(programs).into_iter().map(|package| ("crates.io".to_owned(), package)));
    Ok(Inputs { toolchain, host_files, foreign: system.foreign, libfuse, parts, contents: contents.clone() })
}

/// Adds a file, or all files of a folder in the order of their names.
fn add_sources(
    sh: &Shell,
    checkout: &Path,
    path: &Path,
    parts: &mut Vec<(String, String)>,
) -> anyhow::Result<()> {
    let absolute = checkout.join(path);
    if !absolute.is_dir() {
        let name = path.to_str().with_context(|| format!("the name {} is not UTF-8", path.display()))?;
        parts.push((format!("source {name}"), digest::of_file(&absolute)?));
        return Ok(());
    }
    let mut inside = sh.read_dir(&absolute)?;
    inside.sort();
    for entry in inside {
        let name = entry.file_name().unwrap_or_default();
        add_sources(sh, checkout, &path.join(name), parts)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use lab_core::plan::Carried;
    use lab_protocol::Tool;

    use super::*;
    use crate::machine::host;

    fn with(programs: &[Carried]) -> Contents {
        Contents { arch: host::arch().unwrap(), programs: programs.to_vec(), servers: Vec::new() }
    }

    #[test]
    fn every_file_and_its_name_shape_the_sources() {
        let sh = Shell::new().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let parts = || {
            let mut parts = Vec::new();
            add_sources(&sh, folder.path(), Path::new("crate"), &mut parts).unwrap();
            parts
        };
        for (path, content) in [("crate/src/b.rs", "b"), ("crate/src/a.rs", "a"), ("crate/Cargo.toml", "t")] {
            sh.write_file(folder.path().join(path), content).unwrap();
        }
        let names: Vec<String> = parts().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["source crate/Cargo.toml", "source crate/src/a.rs", "source crate/src/b.rs"]);
        let before = parts();
        sh.write_file(folder.path().join("crate/src/a.rs"), "A").unwrap();
        assert_ne!(parts(), before);
    }

    #[test]
    fn what_the_user_set_for_cargo_shapes_the_key() {
        let sh = Shell::new().unwrap();
        let home = tempfile::tempdir().unwrap();
        sh.set_var("CARGO_HOME", home.path());
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap();
        let cache = Cache::open(&home.path().join("cache")).unwrap();
        let key_with = |settings: &str| {
            sh.write_file(home.path().join("config.toml"), settings).unwrap();
            gather(&sh, &cache, &checkout, &with(&[Tool::Dd.into()])).unwrap().key()
        };
        let without = key_with("");
        assert_eq!(key_with("[net]\nretry = 3\n"), without);
        assert_ne!(key_with("[profile.release]\nopt-level = 1\n"), without);
    }

    #[test]
    fn what_only_some_plans_use_makes_another_image() {
        let sh = Shell::new().unwrap();
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path()).unwrap();
        let key = |programs: &[Carried]| gather(&sh, &cache, &checkout, &with(programs)).unwrap().key();
        let plain = key(&[Tool::Dd.into()]);
        assert_eq!(key(&[Tool::AioStress.into()]), plain);
        assert_ne!(key(&[Tool::Socket.into()]), plain);
    }

    #[test]
    fn a_missing_source_is_named() {
        let sh = Shell::new().unwrap();
        let error =
            add_sources(&sh, Path::new("/proc/nonexistent"), Path::new("Cargo.lock"), &mut Vec::new())
                .unwrap_err();
        assert!(format!("{error:#}").starts_with("reading /proc/nonexistent/Cargo.lock: "), "{error:#}");
    }
}
