//! What lies in the cache, and who uses it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;

use super::choose::{Item, Kind};
use crate::lab::cache::Cache;
use crate::lab::lock;

/// What a plan of `lab.toml` needs of the cache.
#[derive(Debug, Default)]
pub(super) struct Needed {
    /// Digests of kernels.
    pub(super) kernels: BTreeSet<String>,
    /// Keys of sources.
    pub(super) sources: BTreeSet<String>,
}

/// Folders of which each entry is something by itself.
const FOLDERS: [(&str, Kind); 6] = [
    ("kernels", Kind::Kernel),
    ("images", Kind::Image),
    ("sources", Kind::Source),
    ("downloads", Kind::Download),
    ("tmp", Kind::Leftover),
    ("foreign", Kind::Other),
];

/// Folders that are one thing.
const WHOLE: [&str; 3] = ["bench", "kvm-host", "logs"];

/// Everything that can be removed, by kind and name. What is small and remembers something - locks, versions, tests of KVM - is
/// not in it.
///
/// # Errors
/// If a folder cannot be read.
pub(super) fn of_cache(cache: &Cache, needed: &Needed) -> anyhow::Result<Vec<Item>> {
    let mut items = Vec::new();
    for (folder, kind) in FOLDERS {
        for path in entries(&cache.join(folder))? {
            items.extend(things(cache, kind, &path, needed)?);
        }
    }
    for path in WHOLE.map(|name| cache.join(name)).into_iter().filter(|path| path.is_dir()) {
        items.push(item(cache, Kind::Other, &path, &[]));
    }
    items.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    Ok(items)
}

/// What an entry is; a source is several things.
fn things(cache: &Cache, kind: Kind, path: &Path, needed: &Needed) -> anyhow::Result<Vec<Item>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let held_by = |lock: &str| cache.held_by(lock);
    let mut whole = item(cache, kind, path, &[]);
    match kind {
        Kind::Kernel => whole.needed = Some(needed.kernels.contains(&name)),
        Kind::Image => whole.held = held_by(&format!("image-{}", name.get(..12).unwrap_or(&name))),
        Kind::Source => {
            let builds = entries(&path.join("builds"))?;
            let held = held_by(&format!("source-{name}"));
            let parts: Vec<Item> = builds
                .iter()
                .map(|path| Item { held: held.clone(), ..item(cache, Kind::Objects, path, &[]) })
                .collect();
            let used = parts.iter().map(|part| part.used).max().unwrap_or(SystemTime::UNIX_EPOCH);
            whole = item(cache, kind, path, &builds);
            let whole = Item {
                needed: Some(needed.sources.contains(&name)),
                held,
                used: whole.used.max(used),
                ..whole
            };
            return Ok([whole].into_iter().chain(parts).collect());
        }
        Kind::Leftover => whole.held = lock::held_by(path),
        Kind::Objects | Kind::Download | Kind::Other | Kind::Campaign => {}
    }
    Ok(vec![whole])
}

fn item(cache: &Cache, kind: Kind, path: &Path, without: &[PathBuf]) -> Item {
    let (bytes, used) = size_and_use(path, without);
    let name = path.strip_prefix(cache.root()).unwrap_or(path).to_string_lossy().into_owned();
    Item { kind, name, bytes, used, needed: None, held: None }
}

/// The entries of a folder that may not be there.
///
/// # Errors
/// If it cannot be read.
pub(super) fn entries(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("reading {}", folder.display()))?,
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    Ok(paths)
}

/// What files take on disk, and when one of those directly in the folder was written or read last. Most systems note a reading
/// once a day.
pub(super) fn size_and_use(path: &Path, without: &[PathBuf]) -> (u64, SystemTime) {
    let Ok(data) = fs::symlink_metadata(path) else { return (0, SystemTime::UNIX_EPOCH) };
    let mut bytes = data.blocks() * 512;
    let mut used = time(data.mtime());
    if !data.is_dir() {
        return (bytes, used.max(time(data.atime())));
    }
    let mut folders = vec![(path.to_owned(), true)];
    while let Some((folder, is_first)) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok) {
            let path = entry.path();
            let Ok(data) = entry.metadata() else { continue };
            if without.contains(&path) {
                continue;
            }
            bytes += data.blocks() * 512;
            if data.is_dir() {
                folders.push((path, false));
            } else if is_first {
                used = used.max(time(data.mtime())).max(time(data.atime()));
            }
        }
    }
    (bytes, used)
}

fn time(seconds: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}
