//! `clean`: what the lab has on this machine that it does not need, and its removal.

mod choose;
mod inventory;

use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use anyhow::{Context as _, bail};
use lab_core::plan::Variant;
use lab_core::text::escape::escape_for_terminal;
use xshell::Shell;

use self::choose::{Extent, Item, Kind, chosen};
use self::inventory::Needed;
use crate::build::{kernels, source};
use crate::campaign;
use crate::commands::cli;
use crate::lab::cache::Cache;
use crate::lab::output::ask::{About, Answer, ask};
use crate::lab::process::{self, git};
use crate::lab::{Lab, output};

/// What to do while a lab runs.
const WAIT: &str = "wait until it ends, or look only: cargo xtask clean --dry-run";

/// How many things of one kind are named; the rest is counted.
const MOST_NAMED: usize = 8;

/// `cargo xtask clean`.
///
/// # Errors
/// If something cannot be read or removed, or nobody can be asked.
pub fn clean(sh: &Shell, options: &cli::Clean) -> anyhow::Result<ExitCode> {
    let mut lab = Lab::to_look_at()?;
    if !options.dry_run && lab.cache.root().is_dir() {
        lab.cache = Cache::open(lab.cache.root())?;
    }
    // Who holds it alone can be sure that no lab runs on what it removes.
    let alone = match options.dry_run || !lab.cache.root().is_dir() {
        true => None,
        false => lab.cache.alone()?,
    };
    if alone.is_none() && !options.dry_run && lab.cache.root().is_dir() {
        bail!("{} uses the cache; {WAIT}", lab.cache.user());
    }
    let (root, items, extent) = match options.campaigns {
        true => (lab.checkout.join("results"), campaigns(sh, &lab)?, Extent::Unneeded),
        false => (
            lab.cache.root().to_owned(),
            inventory::of_cache(&lab.cache, &needed(sh, &lab))?,
            extent(options),
        ),
    };
    // A lab of a time before it said that it uses the cache.
    let user = items.iter().filter(|item| item.kind == Kind::Leftover).find_map(|item| item.held.as_ref());
    if let (Some(user), false) = (user, options.dry_run) {
        bail!("{user} uses the cache; {WAIT}");
    }
    let goes = chosen(&items, extent);
    output::print(&escape_for_terminal(&shown(&root, &items, &goes)))?;
    let going: Vec<&Item> =
        items.iter().zip(&goes).filter(|(_, goes)| **goes).map(|(item, _)| item).collect();
    if options.dry_run || going.is_empty() || !is_agreed(&going)? {
        output::tell("nothing was removed");
        return Ok(ExitCode::SUCCESS);
    }
    for item in &going {
        lab.interrupt.check()?;
        remove(&lab.cache, &root, item)?;
    }
    let bytes = going.iter().map(|item| item.bytes).sum();
    output::tell(&format!("removed {}, {}", counted(going.len()), size(bytes)));
    drop(alone);
    Ok(ExitCode::SUCCESS)
}

fn extent(options: &cli::Clean) -> Extent {
    match (options.all, options.max_size) {
        (true, _) => Extent::All,
        (false, Some(bytes)) => Extent::MaxBytes(bytes),
        (false, None) => Extent::Unneeded,
    }
}

/// What the plans of `lab.toml` need. Of a plan that cannot be looked up it is told: its kernels count as not needed.
fn needed(sh: &Shell, lab: &Lab) -> Needed {
    let mut needed = Needed::default();
    let config = match lab.config(sh) {
        Ok(config) => config,
        Err(error) => {
            tell(&format!("no plan is known, since lab.toml has a mistake: {error:#}"));
            return needed;
        }
    };
    for (name, plan) in &config.plans {
        let settings = config.kernel_of(plan);
        let variants: Vec<Variant> =
            plan.variants.iter().filter_map(|name| config.variants.get(name)).cloned().collect();
        for written in settings.sources(&variants) {
            let located = source::located(written, lab.checkout.root());
            needed.sources.extend(source::known(sh, &lab.cache, &located).ok().flatten().map(|it| it.key));
        }
        match kernels::digests(sh, lab, &settings, &variants) {
            Ok(digests) => needed.kernels.extend(digests.into_iter().flatten()),
            Err(error) => tell(&format!("it is not known which kernels plan {name} needs: {error:#}")),
        }
    }
    needed
}

fn tell(line: &str) {
    output::tell(&escape_for_terminal(line));
}

/// Campaigns that git does not track, each with who adds boots to it.
fn campaigns(sh: &Shell, lab: &Lab) -> anyhow::Result<Vec<Item>> {
    let tracked = process::read(git::git(sh, lab.checkout.root()).args(["ls-files", "--", "results"]))
        .context("asking git which campaigns it tracks")?;
    let mut items = Vec::new();
    for folder in campaign::folders(&lab.checkout.join("results"))? {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if tracked.lines().any(|line| line.starts_with(&format!("results/{name}/"))) {
            continue;
        }
        let (bytes, used) = inventory::size_and_use(&folder, &[]);
        let held = campaign::held_by(&folder);
        items.push(Item { kind: Kind::Campaign, name, bytes, used, needed: None, held });
    }
    Ok(items)
}

/// What there is, by kind, and what of it goes.
fn shown(root: &Path, items: &[Item], goes: &[bool]) -> String {
    let mut text = String::new();
    let pairs: Vec<(&Item, bool)> = items.iter().zip(goes.iter().copied()).collect();
    let bytes = |pairs: &[(&Item, bool)]| pairs.iter().map(|(item, _)| item.bytes).sum::<u64>();
    for kinds in pairs.chunk_by(|(a, _), (b, _)| a.kind == b.kind) {
        let (going, staying): (Vec<_>, Vec<_>) = kinds.iter().copied().partition(|(_, goes)| *goes);
        let kind = kinds[0].0.kind.name();
        let _ = writeln!(
            text,
            "{kind}: {} of {} to be removed, {} of {}",
            going.len(),
            kinds.len(),
            size(bytes(&going)),
            size(bytes(kinds))
        );
        for (item, _) in going.iter().take(MOST_NAMED) {
            let _ = writeln!(text, "  {:>9}  used {}  {}", size(item.bytes), day(item.used), item.name);
        }
        if going.len() > MOST_NAMED {
            let rest = &going[MOST_NAMED..];
            let _ = writeln!(text, "  {:>9}  in {} more", size(bytes(rest)), rest.len());
        }
        for (item, who) in staying.iter().filter_map(|(item, _)| Some((item, item.held.as_ref()?))) {
            let _ = writeln!(text, "  {} stays: {who} uses it", item.name);
        }
    }
    let going: Vec<(&Item, bool)> = pairs.iter().copied().filter(|(_, goes)| *goes).collect();
    let _ = writeln!(
        text,
        "{}: {} of {} to be removed",
        root.display(),
        size(bytes(&going)),
        size(bytes(&pairs))
    );
    text
}

/// Asks whoever sits at the terminal.
fn is_agreed(going: &[&Item]) -> anyhow::Result<bool> {
    let bytes = going.iter().map(|item| item.bytes).sum();
    match ask(&format!("remove {}, {}?", counted(going.len()), size(bytes)), About::Removing)? {
        Answer::Yes => Ok(true),
        Answer::No => Ok(false),
        Answer::Nothing => bail!(
            "nobody can be asked, since this is no terminal: give --yes to remove it, or --dry-run to look only"
        ),
    }
}

/// Away first: half of it would be taken for all of it. What a `clean` that was killed has moved away, the next lab removes.
fn remove(cache: &Cache, root: &Path, item: &Item) -> anyhow::Result<()> {
    let path = root.join(&item.name);
    let purpose = || format!("removing {}", path.display());
    // Without a cache there is nowhere to move a campaign to.
    let aside = cache.root().is_dir().then(|| cache.temporary_folder("cleaned-")).transpose()?;
    let Some(aside) = aside else { return std::fs::remove_dir_all(&path).with_context(purpose) };
    match std::fs::rename(&path, aside.path().join("it")) {
        // It went with what it was a part of.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        // Campaigns need not lie on the disk of the cache.
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            std::fs::remove_dir_all(&path).with_context(purpose)
        }
        Err(error) => Err(error).with_context(purpose),
        Ok(()) => std::fs::remove_dir_all(aside.path()).with_context(purpose),
    }
}

fn counted(count: usize) -> String {
    format!("{count} thing{}", if count == 1 { "" } else { "s" })
}

fn size(bytes: u64) -> String {
    let mib = bytes as f64 / f64::from(1 << 20);
    if mib >= 1024.0 { format!("{:.1} GiB", mib / 1024.0) } else { format!("{mib:.1} MiB") }
}

fn day(time: SystemTime) -> String {
    let stamp = jiff::Timestamp::try_from(time).unwrap_or_default().to_string();
    stamp.get(..10).unwrap_or(&stamp).to_owned()
}
