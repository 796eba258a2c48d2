//! The image: one initramfs with everything that runs in the guest, the same for every variant.
//!
//! Finished images are kept in the cache under a digest of what they are made from, so that a second clone builds
//! nothing. Equal input gives an equal image, byte by byte, wherever the checkout lies.

mod elf;
mod foreign;
mod guest;
mod host;
mod inputs;
mod job;
mod manifest;
mod part;
mod servers;
mod settings;
pub(crate) mod shell;
mod system;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;
use lab_core::plan::{Arch, Carried, Plan};
use lab_protocol::ServerProgram;
use xshell::Shell;

use self::foreign::Foreign;
use self::inputs::Inputs;
pub(crate) use self::job::check as check_jobs;
pub(crate) use self::manifest::Manifest;
use self::part::Origin;
use crate::build::target::Target;
use crate::lab::archive::{self, ArchiveEntry};
use crate::lab::cache::Cache;
use crate::lab::output::progress::Step;
use crate::lab::process::logged::begin_log;
use crate::lab::{digest, files, output};

const ARCHIVE_FILE: &str = "image.cpio";
const MANIFEST_FILE: &str = "manifest.toml";

/// What an image is to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Contents {
    /// What its programs are for.
    pub(crate) arch: Arch,
    /// What is used of all that an image may have.
    pub(crate) programs: Vec<Carried>,
    /// FUSE servers that are not the lab's own.
    pub(crate) servers: Vec<ServerProgram>,
}

impl Contents {
    /// For the boots of a plan.
    pub(crate) fn of(plan: &Plan) -> Self {
        Contents { arch: plan.machine.arch, programs: plan.programs(), servers: plan.servers() }
    }
}

/// A finished image in the cache.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    /// The archive, a multiple of 512 bytes long, so that another can be appended.
    pub(crate) path: PathBuf,
    /// SHA-256 of the archive, 64 hexadecimal digits.
    pub(crate) sha256: String,
    /// What is in it.
    pub(crate) manifest: Manifest,
    /// Whether it had to be built.
    pub(crate) built: ImageOrigin,
}

/// Whether something had to be built.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ImageOrigin {
    /// It was in the cache.
    Cached,
    /// It was built.
    Built {
        /// How long that took.
        seconds: f64,
        /// What was wrong with the image that was in the cache, if there was one.
        replaced: Option<String>,
    },
}

/// The image of `checkout` with `contents`, from the cache if it is there and whole, else built.
///
/// # Errors
/// If a tool or the standard library for the guest is missing, the guest's programs do not compile, or the cache
/// cannot be written to.
pub(crate) fn ensure(
    sh: &Shell,
    cache: &Cache,
    checkout: &Path,
    contents: &Contents,
) -> anyhow::Result<Image> {
    let inputs =
        inputs::gather(sh, cache, checkout, contents).context("looking at what the image is made from")?;
    let folder = cache.join("images").join(inputs.key());
    if let Stored::Whole(image) = load(sh, &folder) {
        return Ok(image);
    }
    output::detail(|| inputs.why_not_cached());
    let name = format!("image-{}", digest::short(&inputs.key()));
    let _lock =
        cache.lock(&name, |who| output::tell(&format!("waiting for {who}, which builds the image")))?;
    let replaced = match load(sh, &folder) {
        Stored::Whole(image) => return Ok(image),
        Stored::Absent => None,
        Stored::Damaged(reason) => Some(reason),
    };
    let start = Instant::now();
    let log = cache.log(&name);
    begin_log(&log)?;
    let step = Step::begin("image");
    let (archive, manifest) = build(sh, checkout, &inputs, (&step, &log))?;
    store(sh, cache, &folder, &archive, &manifest).context("storing the image")?;
    let built = ImageOrigin::Built { seconds: start.elapsed().as_secs_f64(), replaced };
    Ok(Image { path: folder.join(ARCHIVE_FILE), sha256: manifest.image_sha256.clone(), manifest, built })
}

/// Fetches and builds what an image takes that no package of this machine has: servers of libfuse, and for another architecture
/// than this machine's programs and Rust's standard library.
///
/// # Errors
/// If it cannot be had.
pub(crate) fn prepare(sh: &Shell, cache: &Cache, checkout: &Path, contents: &Contents) -> anyhow::Result<()> {
    let target = Target::of(contents.arch);
    servers::ensure(sh, cache, target, &contents.servers)?;
    if target.is_foreign()? {
        guest::ensure_library(sh, checkout, target)?;
        foreign::ensure(sh, cache, target, &contents.programs)?;
    }
    Ok(())
}

/// Checks that what the image of `checkout` is made from is there, as far as [`prepare`] does not fetch it.
///
/// # Errors
/// If a tool or the standard library for the guest is missing.
pub(crate) fn ensure_possible(
    sh: &Shell,
    cache: &Cache,
    checkout: &Path,
    contents: &Contents,
) -> anyhow::Result<()> {
    if !is_prepared(sh, cache, contents)? {
        return Ok(());
    }
    let inputs = inputs::gather(sh, cache, checkout, contents);
    inputs.map(drop).context("looking at what the image is made from")
}

/// Whether [`prepare`] has nothing to fetch from Debian.
fn is_prepared(sh: &Shell, cache: &Cache, contents: &Contents) -> anyhow::Result<bool> {
    let target = Target::of(contents.arch);
    Ok(servers::is_prepared(sh, cache, &contents.servers)
        && (!target.is_foreign()? || Foreign::open(sh, cache, target, &contents.programs)?.is_some()))
}

/// Whether the image of `checkout` with `contents` is in the cache, whole.
///
/// # Errors
/// If a tool or the standard library for the guest is missing.
pub(crate) fn is_cached(
    sh: &Shell,
    cache: &Cache,
    checkout: &Path,
    contents: &Contents,
) -> anyhow::Result<bool> {
    if !is_prepared(sh, cache, contents)? {
        return Ok(false);
    }
    let inputs =
        inputs::gather(sh, cache, checkout, contents).context("looking at what the image is made from")?;
    Ok(matches!(load(sh, &cache.join("images").join(inputs.key())), Stored::Whole(_)))
}

/// The image with this SHA-256, if it is in the cache, whole.
pub(crate) fn recorded(sh: &Shell, cache: &Cache, sha256: &str) -> Option<Image> {
    let folders = sh.read_dir(cache.join("images")).ok()?;
    let is_named = |folder: &PathBuf| {
        let manifest = sh.read_file(folder.join(MANIFEST_FILE)).ok();
        manifest.and_then(|text| Manifest::parse(&text).ok()).is_some_and(|of| of.image_sha256 == sha256)
    };
    folders.iter().filter(|folder| is_named(folder)).find_map(|folder| match load(sh, folder) {
        Stored::Whole(image) => Some(image),
        Stored::Absent | Stored::Damaged(_) => None,
    })
}

enum Stored {
    Whole(Image),
    Absent,
    Damaged(String),
}

fn load(sh: &Shell, folder: &Path) -> Stored {
    if !sh.path_exists(folder) {
        return Stored::Absent;
    }
    let load = || -> anyhow::Result<Image> {
        let path = folder.join(ARCHIVE_FILE);
        let manifest = Manifest::parse(&sh.read_file(folder.join(MANIFEST_FILE))?)?;
        let sha256 = digest::of_file(&path)?;
        anyhow::ensure!(
            sha256 == manifest.image_sha256,
            "{} has the SHA-256 {}, its manifest says {}",
            path.display(),
            digest::short(&sha256),
            digest::short(&manifest.image_sha256)
        );
        Ok(Image { path, sha256, manifest, built: ImageOrigin::Cached })
    };
    match load() {
        Ok(image) => Stored::Whole(image),
        Err(error) => Stored::Damaged(format!("{error:#}")),
    }
}

/// Compiles the guest's programs and puts the archive together.
fn build(
    sh: &Shell,
    checkout: &Path,
    inputs: &Inputs,
    shown: (&Step, &Path),
) -> anyhow::Result<(Vec<u8>, Manifest)> {
    let Contents { arch, programs, .. } = &inputs.contents;
    let programs = guest::build(sh, checkout, Target::of(*arch), programs, shown)
        .context("compiling the guest's programs")?;
    let mut parts: Vec<part::Part> = programs;
    for file in &inputs.host_files {
        parts.push(part::Part {
            guest_path: file.guest_path.clone(),
            content: file.read(sh)?,
            origin: origin(sh, inputs, &file.host_path)?,
        });
    }
    let archive = archive::write(&entries(&parts)).context("writing the archive")?;
    let manifest = manifest::of_archive(&parts, &archive, inputs);
    Ok((archive, manifest))
}

/// Where a file of Debian is from. Of a package that was unpacked in the cache it is the path that counts elsewhere, too.
fn origin(sh: &Shell, inputs: &Inputs, path: &str) -> anyhow::Result<Origin> {
    if let Some(package) =
        inputs.libfuse.as_ref().and_then(|libfuse| servers::origin(libfuse, Path::new(path)))
    {
        return Ok(Origin::Built { package });
    }
    let of_package = inputs.foreign.as_ref().and_then(|foreign| foreign.origin(Path::new(path)));
    Ok(match of_package {
        Some((package, path)) => Origin::Host { path, package: Some(package) },
        None => Origin::Host { path: path.to_owned(), package: host::package(sh, path)? },
    })
}

/// The folders and devices that process 1 relies on, and the files.
fn entries(parts: &[part::Part]) -> Vec<ArchiveEntry> {
    let folders = ["/dev", "/mnt", "/proc", "/sys", "/tmp"].map(|path| ArchiveEntry::folder(path, 0o755));
    // The kernel opens it as the standard streams of process 1, and warns if it cannot. Number: devices.txt of Linux.
    let console = ArchiveEntry::character_device("/dev/console", 0o600, 5, 1);
    let files = parts.iter().map(|part| ArchiveEntry::file(&part.guest_path, 0o755, part.content.clone()));
    folders.into_iter().chain([console]).chain(files).collect()
}

/// Puts the image into the cache, whole or not at all; what is damaged there gives way.
fn store(
    sh: &Shell,
    cache: &Cache,
    folder: &Path,
    archive: &[u8],
    manifest: &Manifest,
) -> anyhow::Result<()> {
    let temporary = cache.temporary_folder("image-")?;
    let inside = temporary.path().join("image");
    sh.create_dir(&inside)?;
    files::write_atomically(&inside.join(ARCHIVE_FILE), archive)?;
    files::write_atomically(&inside.join(MANIFEST_FILE), manifest.to_text()?.as_bytes())?;
    if sh.path_exists(folder) {
        let aside = temporary.path().join("damaged");
        fs::rename(folder, &aside).with_context(|| format!("moving {} away", folder.display()))?;
    }
    files::publish_folder(&inside, folder)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::lab::process::{self, git};
    use crate::machine::host;

    fn sample_manifest(archive: &[u8]) -> Manifest {
        Manifest {
            key: "key".to_owned(),
            image_sha256: digest::of_bytes(archive),
            image_bytes: archive.len() as u64,
            rustc: String::new(),
            linker: String::new(),
            files: Vec::new(),
        }
    }

    fn reason(stored: Stored) -> String {
        match stored {
            Stored::Damaged(reason) => reason,
            Stored::Whole(_) => "whole".to_owned(),
            Stored::Absent => "absent".to_owned(),
        }
    }

    #[test]
    fn a_stored_image_is_whole_absent_or_damaged() {
        let sh = Shell::new().unwrap();
        let root = tempfile::tempdir().unwrap();
        let cache = Cache::open(root.path()).unwrap();
        let folder = cache.join("images/key");
        assert_eq!(reason(load(&sh, &folder)), "absent");
        store(&sh, &cache, &folder, b"archive", &sample_manifest(b"archive")).unwrap();
        assert_eq!(reason(load(&sh, &folder)), "whole");

        sh.write_file(folder.join(ARCHIVE_FILE), "archivE").unwrap();
        let text = reason(load(&sh, &folder));
        assert!(text.contains("its manifest says") && text.contains(ARCHIVE_FILE), "{text}");
        sh.write_file(folder.join(MANIFEST_FILE), "").unwrap();
        assert!(reason(load(&sh, &folder)).starts_with("reading the manifest of an image"));
        sh.remove_path(folder.join(MANIFEST_FILE)).unwrap();
        assert!(reason(load(&sh, &folder)).contains(MANIFEST_FILE));

        store(&sh, &cache, &folder, b"archive", &sample_manifest(b"archive")).unwrap();
        assert_eq!(reason(load(&sh, &folder)), "whole");
        assert_eq!(sh.read_dir(cache.join("tmp")).unwrap(), [] as [PathBuf; 0]);
    }

    #[test]
    #[ignore = "compiles the guest's programs twice; `cargo xtask ci` runs it"]
    fn equal_input_gives_an_equal_image_in_any_checkout() {
        let sh = Shell::new().unwrap();
        let root = tempfile::tempdir().unwrap();
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut digests = BTreeSet::new();
        for name in ["one", "another folder"] {
            let clone = root.path().join(name);
            process::read(git::git(&sh, checkout).args(["clone", "--quiet", "."]).arg(&clone)).unwrap();
            let cache = Cache::open(&root.path().join(format!("cache of {name}"))).unwrap();
            let contents =
                Contents { arch: host::arch().unwrap(), programs: Vec::new(), servers: Vec::new() };
            let image = ensure(&sh, &cache, &clone, &contents).unwrap();
            assert!(matches!(image.built, ImageOrigin::Built { replaced: None, .. }), "{:?}", image.built);
            assert_eq!(ensure(&sh, &cache, &clone, &contents).unwrap().built, ImageOrigin::Cached);
            digests.insert((image.sha256, image.manifest.key));
        }
        assert_eq!(digests.len(), 1, "{digests:?}");
    }
}
