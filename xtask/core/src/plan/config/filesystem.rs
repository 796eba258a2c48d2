//! The scenarios of `lab.toml` without a FUSE server: a file system of the guest's kernel, or none.

use lab_protocol::{Completion, FilesystemKind, LocalFilesystem, NullBlock};

use super::error::ConfigError;
use super::reader::{Table, Text};
use crate::text::suggest::quoted;

/// How a file system is mounted, with a server or without: a key of both.
const MOUNT_OPTIONS: &str = "mount-options";

/// Keys of the device below it.
const DEVICE: [&str; 7] = [
    "device",
    "device-completion",
    "device-completion-ns",
    "device-dither-permille",
    "device-queue-depth",
    "device-queues",
    "device-block-bytes",
];

/// Those of them that are plain numbers, of which a sweep varies one.
pub(super) const DEVICE_NUMBERS: [&str; 4] =
    ["device-completion-ns", "device-dither-permille", "device-queue-depth", "device-queues"];

/// What `filesystem` may say.
#[derive(Clone, Copy)]
enum Word {
    Fuse,
    Kind(FilesystemKind),
    None,
}

/// What a scenario has instead of a server.
pub(super) struct Instead(Option<LocalFilesystem>);

impl From<Instead> for Option<LocalFilesystem> {
    fn from(instead: Instead) -> Self {
        instead.0
    }
}

/// Reads the table of a scenario without a server; none if it has one. `served` are the keys that it may have then.
pub(super) fn parse(table: &Table<'_>, served: &[&str]) -> Result<Option<Instead>, ConfigError> {
    let field = table.optional("filesystem");
    let word = field.map(|field| {
        field.choice(&[
            ("fuse", Word::Fuse),
            ("ext4", Word::Kind(FilesystemKind::Ext4)),
            ("tmpfs", Word::Kind(FilesystemKind::Tmpfs)),
            ("none", Word::None),
        ])
    });
    match word.transpose()?.unwrap_or(Word::Fuse) {
        Word::Fuse => {
            let why = "belongs to a scenario with a file system of the guest's kernel; remove it, or set filesystem";
            refuse(table, DEVICE.iter(), why)?;
            Ok(None)
        }
        Word::None => {
            refuse_server(table, served, "none")?;
            refuse(table, [MOUNT_OPTIONS].iter().chain(&DEVICE), "there is no file system; remove it")?;
            only(table)?;
            Ok(Some(Instead(None)))
        }
        Word::Kind(kind) => {
            refuse_server(table, served, kind.name())?;
            let filesystem = local(table, kind)?;
            Ok(Some(Instead(Some(filesystem))))
        }
    }
}

/// All keys that such a scenario may have.
fn only(table: &Table<'_>) -> Result<(), ConfigError> {
    let keys: Vec<&str> = ["like", "filesystem", MOUNT_OPTIONS].iter().chain(&DEVICE).copied().collect();
    table.clone().only(&keys).map(drop)
}

/// A server that is not there has no settings.
fn refuse_server(table: &Table<'_>, served: &[&str], filesystem: &str) -> Result<(), ConfigError> {
    let keys = served.iter().filter(|key| !matches!(**key, "like" | "filesystem" | MOUNT_OPTIONS));
    let why = format!(
        "is a setting of the FUSE server, and with filesystem = {} there is none; remove it, or `like` if it comes from \
         there",
        quoted(filesystem)
    );
    refuse(table, keys, &why)
}

fn refuse<'a>(
    table: &Table<'_>,
    mut keys: impl Iterator<Item = &'a &'a str>,
    why: &str,
) -> Result<(), ConfigError> {
    keys.find_map(|key| table.optional(key)).map_or(Ok(()), |field| Err(field.error(why)))
}

fn local(table: &Table<'_>, kind: FilesystemKind) -> Result<LocalFilesystem, ConfigError> {
    only(table)?;
    let device = match kind {
        FilesystemKind::Ext4 => Some(null_block(table)?),
        FilesystemKind::Tmpfs => {
            refuse(table, DEVICE.iter(), "tmpfs needs no device; remove it")?;
            None
        }
    };
    let mount_options = mount_options(&table.field(MOUNT_OPTIONS).text()?)?;
    Ok(LocalFilesystem { kind, mount_options, device })
}

fn null_block(table: &Table<'_>) -> Result<NullBlock, ConfigError> {
    table.field("device").choice(&[("null_blk", ())])?;
    let choices = [Completion::Inline, Completion::Softirq, Completion::Timer];
    let device = NullBlock {
        completion: table.field("device-completion").choice(&choices.map(|of| (of.name(), of)))?,
        completion_ns: table.field("device-completion-ns").number(0..=10_000_000_000)?,
        dither_permille: table.field("device-dither-permille").number(0..=1000)?,
        queue_depth: table.field("device-queue-depth").number(1..=1024)?,
        queues: table.field("device-queues").number(1..=16)?,
        block_bytes: table.field("device-block-bytes").number(512..=4096)?,
    };
    let is_timed = device.completion == Completion::Timer;
    if is_timed != (device.completion_ns > 0) {
        let message = match is_timed {
            true => "a timer needs a time; use more than 0, or another device-completion",
            false => "only a timer takes time; use 0, or device-completion = \"timer\"",
        };
        return Err(table.field("device-completion-ns").error(message));
    }
    if device.dither_permille > 0 && !is_timed {
        let message = "without a timer there is nothing to dither; use 0, or device-completion = \"timer\"";
        return Err(table.field("device-dither-permille").error(message));
    }
    if !device.block_bytes.is_power_of_two() {
        let message = format!("{} is no power of two; use 512, 1024, 2048 or 4096", device.block_bytes);
        return Err(table.field("device-block-bytes").error(message));
    }
    Ok(device)
}

/// They go to mount(2) as one text.
fn mount_options(options: &Text<'_>) -> Result<String, ConfigError> {
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b"_-=,.:+/".contains(&byte);
    if options.text.len() <= 400 && options.text.bytes().all(is_good) {
        return Ok(options.text.to_owned());
    }
    Err(options.error(format!(
        "{} is no list of mount options; use some such as `data=journal,noatime`, without spaces",
        quoted(options.text)
    )))
}
