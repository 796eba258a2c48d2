//! The command line of mount(8)'s helpers: `mount.fuse.passthrough STORAGE MOUNT -o OPTION,OPTION`.
//!
//! mount(8) starts `/sbin/mount.TYPE SPEC FOLDER [-sfnv] [-N NAMESPACE] [-o OPTIONS] [-t TYPE]`, and libfuse's `mount.fuse3`
//! starts `PROGRAM SPEC FOLDER -o OPTIONS` for `PROGRAM#SPEC`. Options are settings of the server, the flags of the mount,
//! and what mount(8) and libfuse have other names for.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail, ensure};
use lab_protocol::{Getxattr, MountOption, ServerSettings};
use lexopt::prelude::*;
use serde_json::{Map, Value};

use crate::session::{Control, Mounting, Shown};
use crate::settings;

/// What mount(8) or its caller says of a mount and means nothing to the server.
const FOR_OTHERS: [&str; 13] = [
    "defaults",
    "auto",
    "noauto",
    "user",
    "nouser",
    "users",
    "nousers",
    "owner",
    "group",
    "nofail",
    "_netdev",
    "async",
    "nolazytime",
];

/// What takes a flag away that was given before: a mount without it.
const OPPOSITES: [(&str, &[MountOption]); 9] = [
    ("rw", &[MountOption::Ro]),
    ("dev", &[MountOption::Nodev]),
    ("suid", &[MountOption::Nosuid]),
    ("exec", &[MountOption::Noexec]),
    ("atime", &[MountOption::Noatime]),
    ("diratime", &[MountOption::Nodiratime]),
    ("norelatime", &[MountOption::Relatime]),
    ("nostrictatime", &[MountOption::Strictatime]),
    ("symfollow", &[MountOption::Nosymfollow]),
];

/// Names that libfuse has for settings, in seconds there.
const TIMEOUTS: [(&str, &str); 3] = [
    ("attr_timeout", "attribute-timeout-ms"),
    ("entry_timeout", "entry-timeout-ms"),
    ("negative_timeout", "negative-timeout-ms"),
];

/// What is to be done with a mount that is described so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// To mount it.
    Mount,
    /// To find out whether it could be described better (`-f`).
    Check,
}

/// What to do with options that nobody knows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unknown {
    Refused,
    /// `-s`
    Ignored,
}

/// Whether the program was started as mount(8) and its like start it.
pub fn is_meant(program: &OsStr, arguments: &[OsString]) -> bool {
    let named =
        Path::new(program).file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"mount."));
    named || arguments.iter().any(|argument| argument.as_encoded_bytes().starts_with(b"-o"))
}

/// What `/proc/mounts` shows behind `fuse.`, if nobody says so.
const SUBTYPE: &str = "passthrough";

/// Reads the program's name and its arguments.
///
/// # Errors
/// If they do not say what to mount.
pub fn parse(
    program: &OsStr,
    arguments: impl IntoIterator<Item = OsString>,
) -> anyhow::Result<(Wanted, Mounting)> {
    let mut parser = lexopt::Parser::from_args(arguments);
    let (mut wanted, mut unknown) = (Wanted::Mount, Unknown::Refused);
    let (mut options, mut kind) = (Vec::new(), None);
    let mut places = Vec::new();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('o') => options.push(parser.value()?.string()?),
            Short('t') => kind = Some(parser.value()?.string()?),
            Short('f') => wanted = Wanted::Check,
            Short('s') => unknown = Unknown::Ignored,
            // There is no list of mounts but the kernel's, and nothing to be said but errors.
            Short('n' | 'v' | 'w') => {}
            Short('r') => options.push("ro".to_owned()),
            Short('N') => bail!(
                "-N: the mount is made where this program runs; start it there (nsenter --mount), without -N"
            ),
            Value(place) => places.push(place),
            Short(_) | Long(_) => {
                return Err(argument.unexpected()).context(
                    "reading the arguments of a mount helper; give STORAGE MOUNT -o OPTION,OPTION (-f, -n, -s, -t and \
                     -v are known as well)",
                );
            }
        }
    }
    let Ok([spec, mount]) = <[OsString; 2]>::try_from(places) else {
        bail!("give the storage and the folder to mount it on: STORAGE MOUNT -o OPTION,OPTION");
    };
    // mount(8) gives the type to a helper that is named after it by its name alone.
    let named = Path::new(program).file_name().and_then(OsStr::to_str).unwrap_or_default();
    let named = named.strip_prefix("mount.").unwrap_or_default();
    let subtype = kind.as_deref().unwrap_or(named).strip_prefix("fuse.").unwrap_or(SUBTYPE);
    let mut described = Described {
        settings: Map::new(),
        flags: Vec::new(),
        storage: PathBuf::from(&spec),
        shown: Shown { source: spec, subtype: subtype.to_owned() },
    };
    for option in options.iter().flat_map(|list| list.split(',')).filter(|option| !option.is_empty()) {
        described.read(option, unknown).with_context(|| format!("mount option `{option}`"))?;
    }
    Ok((wanted, described.mounting(Path::new(&mount))?))
}

/// A mount, as far as its options have been read.
struct Described {
    settings: Map<String, Value>,
    flags: Vec<MountOption>,
    storage: PathBuf,
    shown: Shown,
}

impl Described {
    fn read(&mut self, option: &str, unknown: Unknown) -> anyhow::Result<()> {
        let (name, value) =
            option.split_once('=').map_or((option, None), |(name, value)| (name, Some(value)));
        if name.starts_with("x-") || name.starts_with("X-") || name == "comment" {
            return Ok(());
        }
        if value.is_none() {
            if FOR_OTHERS.contains(&name) {
                return Ok(());
            }
            if let Some(flag) = MountOption::from_name(name) {
                self.flags.retain(|other| *other != flag);
                self.flags.push(flag);
                return Ok(());
            }
            if let Some((_, flags)) = OPPOSITES.iter().find(|(opposite, _)| *opposite == name) {
                self.flags.retain(|flag| !flags.contains(flag));
                return Ok(());
            }
        }
        let text =
            || value.filter(|value| !value.is_empty()).ok_or_else(|| anyhow!("give a value: {name}=..."));
        match name {
            "source" => self.storage = PathBuf::from(text()?),
            "fsname" => self.shown.source = text()?.into(),
            "subtype" => self.shown.subtype = text()?.to_owned(),
            "settings" => self.read_file(text()?)?,
            "max_read" => {
                let bytes: u64 = text()?.parse().context("give a number of bytes")?;
                ensure!(
                    bytes.is_multiple_of(1024),
                    "{bytes} bytes are no whole KiB; give a multiple of 4096"
                );
                self.set("max-read-kib", (bytes / 1024).into())?;
            }
            "max_threads" => self.set("threads", written(text()?))?,
            _ => match TIMEOUTS.iter().find(|(theirs, _)| *theirs == name) {
                Some((_, setting)) => self.set(setting, milliseconds(text()?)?.into())?,
                None => {
                    let set = self.set(&name.replace('_', "-"), value.map_or(Value::Bool(true), written));
                    let is_unknown =
                        set.as_ref().is_err_and(|error| error.to_string().starts_with("unknown field"));
                    if !(is_unknown && unknown == Unknown::Ignored) {
                        set?;
                    }
                }
            },
        }
        Ok(())
    }

    /// Sets what a file of settings says; what came before it counts all the same.
    fn read_file(&mut self, path: &str) -> anyhow::Result<()> {
        let read = settings::load(&format!("@{path}"))?;
        self.flags
            .extend(read.mount_options.iter().filter(|flag| !self.flags.contains(flag)).collect::<Vec<_>>());
        let Value::Object(mut read) = serde_json::to_value(read)? else { return Ok(()) };
        read.append(&mut self.settings);
        self.settings = read;
        Ok(())
    }

    /// Sets one setting, if there is one of this name that can have the value.
    fn set(&mut self, name: &str, value: Value) -> anyhow::Result<()> {
        let mut all = self.all()?;
        // Those of the storage have a table of their own.
        match name.strip_prefix("storage-") {
            Some(inner) => all["storage"][inner] = value,
            None => drop(all.insert(name.to_owned(), value)),
        }
        let _: ServerSettings = serde_json::from_value(Value::Object(all.clone()))?;
        self.settings = all;
        Ok(())
    }

    /// All settings, those that nobody spoke of too.
    fn all(&self) -> anyhow::Result<Map<String, Value>> {
        let plain = ServerSettings { getxattr: Getxattr::Passthrough, ..ServerSettings::example() };
        let Value::Object(mut all) = serde_json::to_value(plain)? else { bail!("settings are no table") };
        all.extend(self.settings.clone());
        Ok(all)
    }

    fn mounting(mut self, mount: &Path) -> anyhow::Result<Mounting> {
        self.set("mount-options", serde_json::to_value(&self.flags)?)?;
        let settings = settings::parse(&serde_json::to_string(&self.settings)?).context("mount options")?;
        let folder = |path: &Path, what: &str, remedy: &str| {
            let is_folder = std::fs::metadata(path).map(|found| found.is_dir());
            let absolute = path.canonicalize();
            match (is_folder, absolute) {
                (Ok(true), Ok(path)) => Ok(path),
                (Ok(false), _) => Err(anyhow!("{what} {} is no folder; {remedy}", path.display())),
                (Err(error), _) | (_, Err(error)) => {
                    Err(anyhow!("{what} {}: {error}; {remedy}", path.display()))
                }
            }
        };
        let storage = folder(
            &self.storage,
            "the storage",
            "give a folder that exists, or name the storage with -o source=FOLDER",
        )?;
        let mount = folder(mount, "the folder to mount on,", "make it first (mkdir)")?;
        Ok(Mounting { settings, storage, mount, shown: self.shown, control: Control::Starter })
    }
}

/// A value as JSON has it: numbers and `true` or `false` as such, and anything else as a text.
fn written(value: &str) -> Value {
    match value.parse::<u64>() {
        Ok(number) => number.into(),
        Err(_) => match value.parse::<bool>() {
            Ok(flag) => flag.into(),
            Err(_) => value.into(),
        },
    }
}

/// Seconds, with a point if need be, as milliseconds.
fn milliseconds(seconds: &str) -> anyhow::Result<u64> {
    let seconds: f64 = seconds.parse().context("give seconds, e.g. 1.5")?;
    ensure!((0.0..1e9).contains(&seconds), "give seconds from 0 to 1000000000");
    Ok((seconds * 1000.0).round() as u64)
}

#[cfg(test)]
mod tests;
