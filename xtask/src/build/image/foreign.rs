//! Programs for a guest whose architecture is not this machine's: packages of this machine's Debian, each unpacked to a folder of the
//! cache of its own. Nothing is installed.
//!
//! ```text
//! foreign/<architecture>-<release>-<packages>/<package>_<version>/   the files of a package
//! ```

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, bail};
use lab_core::plan::Carried;
use xshell::{Shell, cmd};

use crate::build::source::{self, SuiteOptions};
use crate::build::target::Target;
use crate::lab::cache::Cache;
use crate::lab::output::progress::Step;
use crate::lab::{output, process};
use crate::machine::host::OPTIONAL;
use crate::machine::packages;

/// What every image has.
const ALWAYS: &str = "coreutils";

/// The packages that are there for a set of programs, with what they need.
#[derive(Clone, Debug)]
pub(super) struct Foreign {
    /// A folder for each, sorted.
    packages: Vec<PathBuf>,
}

impl Foreign {
    /// Those in the cache; none if they were not fetched yet.
    ///
    /// # Errors
    /// If this is no Debian, or the cache cannot be read.
    pub(super) fn open(
        sh: &Shell,
        cache: &Cache,
        target: &Target,
        programs: &[Carried],
    ) -> anyhow::Result<Option<Self>> {
        let folder = place(cache, target, release(sh, target)?.as_str(), programs);
        if !folder.is_dir() {
            return Ok(None);
        }
        Ok(Some(Foreign { packages: sh.read_dir(folder)? }))
    }

    /// Where a file is that a program of these packages knows by `path`. Since Debian 13 `/bin` and `/lib` are links to folders of
    /// `/usr`, which no package of these has.
    pub(super) fn find(&self, path: &Path) -> Option<PathBuf> {
        let plain = path.strip_prefix("/").unwrap_or(path);
        let other = plain.strip_prefix("usr").map_or_else(|_| Path::new("usr").join(plain), Path::to_owned);
        let places = [plain, &other];
        let mut found = self.packages.iter().flat_map(|package| places.map(|place| package.join(place)));
        found.find(|path| path.is_file())
    }

    /// The package that a file of these is from, such as `coreutils 9.1-1`, and its path there.
    pub(super) fn origin(&self, file: &Path) -> Option<(String, String)> {
        let package = self.packages.iter().find(|package| file.starts_with(package))?;
        let name = package.file_name()?.to_str()?.replacen('_', " ", 1);
        Some((name, format!("/{}", file.strip_prefix(package).ok()?.to_str()?)))
    }
}

/// Fetches what is not in the cache yet.
///
/// # Errors
/// If this is no Debian, or apt-get cannot fetch it.
pub(super) fn ensure(sh: &Shell, cache: &Cache, target: &Target, programs: &[Carried]) -> anyhow::Result<()> {
    let release = release(sh, target)?;
    let folder = place(cache, target, &release, programs);
    if folder.is_dir() {
        return Ok(());
    }
    let arch = target.arch.name();
    let _lock = cache.lock(&format!("foreign-{}", target.debian), |who| {
        output::tell(&format!("waiting for {who}, which fetches programs for {arch}"));
    })?;
    if folder.is_dir() {
        return Ok(());
    }
    let begun = Instant::now();
    let purpose = || format!("fetching programs for guests of {arch}");
    let apt = cache.temporary_folder("apt-")?;
    let suite = SuiteOptions { suite: &release, foreign: Some(target.debian) };
    let options = source::apt_options(sh, apt.path(), suite).with_context(purpose)?;
    let wanted = &wanted(programs);
    let quiet = ["--quiet", "--quiet", "-o", "APT::Sandbox::User=root"];
    let only = ["--download-only", "--no-install-recommends", "--yes"];
    let given = &options;
    let fetch = cmd!(sh, "apt-get {given...} install {quiet...} {only...} {wanted...}").env("LC_ALL", "C");
    let step = Step::begin(&format!("fetching programs for {arch}"));
    let uris = || cmd!(sh, "apt-get {given...} install -qq --print-uris {only...} {wanted...}");
    let bytes = step.is_shown().then(|| source::bytes_of_uris(uris().env("LC_ALL", "C"))).flatten();
    let archives = apt.path().join("archives");
    let fetched = source::fetch(fetch, &step, || source::bytes_in(&archives), || bytes)?;
    drop(step);
    if !fetched.status.success() {
        let messages = process::messages(&fetched.stderr);
        bail!("{}: apt-get install --download-only: {messages}; check the network", purpose());
    }
    let unpacked = cache.temporary_folder("foreign-")?;
    let mut count = 0;
    for deb in sh.read_dir(&archives)? {
        if deb.extension().is_some_and(|extension| extension == "deb") {
            unpack(sh, &deb, unpacked.path()).with_context(purpose)?;
            count += 1;
        }
    }
    unpacked.publish(&folder)?;
    output::tell(&format!(
        "fetched programs for {arch} ({count} packages of Debian) in {:.0} s",
        begun.elapsed().as_secs_f64()
    ));
    Ok(())
}

fn unpack(sh: &Shell, deb: &Path, folder: &Path) -> anyhow::Result<()> {
    let format = "${Package}_${Version}";
    let name = process::read(cmd!(sh, "dpkg-deb --show --showformat={format} {deb}"))?;
    let inside = folder.join(name);
    fs::create_dir(&inside).with_context(|| format!("making {}", inside.display()))?;
    process::read(cmd!(sh, "dpkg -x {deb} {inside}")).map(drop)
}

/// The packages that are asked for, sorted.
fn wanted(programs: &[Carried]) -> BTreeSet<&'static str> {
    let optional = OPTIONAL.iter().filter(|(program, _)| programs.contains(program));
    optional.map(|(_, need)| need.package).chain([ALWAYS]).collect()
}

fn place(cache: &Cache, target: &Target, release: &str, programs: &[Carried]) -> PathBuf {
    let packages = wanted(programs).into_iter().collect::<Vec<_>>().join("+");
    cache.join(format!("foreign/{}-{release}-{packages}", target.debian))
}

/// The release of this machine's Debian.
fn release(sh: &Shell, target: &Target) -> anyhow::Result<String> {
    let system = sh.read_file("/etc/os-release").unwrap_or_default();
    let release = packages::debian_release(&system).with_context(|| {
        let arch = target.arch.name();
        format!(
            "guests of {arch} get programs of Debian on a machine of another architecture, and this one has no Debian; run the lab on \
             Debian, or on a machine that is {arch}"
        )
    })?;
    Ok(release.to_owned())
}

#[cfg(test)]
mod tests {
    use lab_core::plan::Arch;
    use lab_protocol::Tool;

    use super::*;

    #[test]
    fn files_of_packages() {
        let root = tempfile::tempdir().unwrap();
        for file in ["a_1-2/bin/dd", "libc6_2.41-1/usr/lib/x/libc.so.6", "libc6_2.41-1/usr/lib/ld.so.1"] {
            let path = root.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let packages = ["a_1-2", "libc6_2.41-1"].map(|name| root.path().join(name)).to_vec();
        let foreign = Foreign { packages };
        let check = |path: &str, expected: Option<(&str, &str)>| {
            let found = foreign.find(Path::new(path)).map(|file| foreign.origin(&file).unwrap());
            assert_eq!(found.as_ref().map(|(package, path)| (package.as_str(), path.as_str())), expected);
        };
        check("/bin/dd", Some(("a 1-2", "/bin/dd")));
        check("/usr/bin/dd", Some(("a 1-2", "/bin/dd")));
        check("/lib/ld.so.1", Some(("libc6 2.41-1", "/usr/lib/ld.so.1")));
        check("/lib/x/libc.so.6", Some(("libc6 2.41-1", "/usr/lib/x/libc.so.6")));
        check("/lib/x", None);
        assert_eq!(foreign.origin(Path::new("/bin/dd")), None);
    }

    #[test]
    fn other_programs_are_another_folder() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path()).unwrap();
        let place = |programs: &[Carried]| place(&cache, Target::of(Arch::Arm64), "trixie", programs);
        assert_eq!(place(&[Tool::Dd.into()]), cache.join("foreign/arm64-trixie-coreutils"));
        assert_eq!(place(&[Tool::Fio.into()]), cache.join("foreign/arm64-trixie-coreutils+fio"));
    }
}
