//! The scenarios of `lab.toml` with a FUSE server: it, the storage behind it, and what goes wrong in them.

use std::ops::RangeInclusive;
use std::str::FromStr;

use lab_protocol::{
    Distribution, FlagError, Getxattr, InitFlag, MountOption, OpenFlag, OpenMode, ReplyOrder, RingBuffers,
    ServerSettings, StorageSettings, Transport,
};

use super::action;
use super::error::ConfigError;
use super::fault;
use super::filesystem;
use super::reader::{Field, Table, Text};
use super::server;
use crate::plan::Scenario;
use crate::text::suggest;

/// The longest time that something takes by setting, microseconds: ten seconds, more than any storage takes to answer.
const TIME_US: RangeInclusive<u64> = 0..=10_000_000;

/// How long the kernel trusts something at most, milliseconds: an hour, longer than any boot.
const TIMEOUT_MS: RangeInclusive<u64> = 0..=3_600_000;

/// The most records of a request log: 64 MiB of memory in the server.
const LOG_RECORDS: RangeInclusive<u32> = 0..=1 << 20;

/// 65535 pages.
const LARGEST_REQUEST_KIB: u32 = 262_140;

/// The most requests that one thread has in hand through io_uring.
const RING_DEPTH: u32 = 256;

/// Keys of the server, and `like`.
const KEYS: &[&str] = &[
    "like",
    "threads",
    "clone-fd",
    "splice",
    "request-kib",
    "max-read-kib",
    "max-background",
    "congestion-threshold",
    "async-dio",
    "direct-io",
    "auto-inval-data",
    "writeback-cache",
    "init-flags",
    "open-flags",
    "request-timeout-s",
    "passthrough",
    "transport",
    "ring-depth",
    "ring-buffers",
    "allow-other",
    "default-permissions",
    "posix-acl",
    "mount-options",
    "entry-timeout-ms",
    "negative-timeout-ms",
    "open",
    "attribute-timeout-ms",
    "getxattr",
    "request-log",
    "reply-order",
    "reply-window-us",
    "seed",
    "work-dither-ns",
    "storage-null",
    "storage-latency-us",
    "storage-distribution",
    "storage-dither-permille",
    "storage-parallel",
    "storage-mib-per-s",
    "storage-jitter-us",
    "storage-disorder-us",
    "storage-merge-kib",
    "storage-plug-us",
    "actions",
    "faults",
    "filesystem",
    "server",
];

/// Keys that are plain numbers, of which a sweep varies one: those of the server.
const SERVER_NUMBERS: [&str; 19] = [
    "threads",
    "request-kib",
    "max-read-kib",
    "max-background",
    "congestion-threshold",
    "ring-depth",
    "entry-timeout-ms",
    "negative-timeout-ms",
    "attribute-timeout-ms",
    "reply-window-us",
    "work-dither-ns",
    LATENCY,
    "storage-dither-permille",
    "storage-parallel",
    "storage-mib-per-s",
    "storage-jitter-us",
    "storage-disorder-us",
    "storage-merge-kib",
    "storage-plug-us",
];

/// The key of the storage's latency.
const LATENCY: &str = "storage-latency-us";

/// Keys of a scenario that are plain numbers: a plan can vary one of them.
pub(super) fn numbers() -> impl Iterator<Item = &'static str> {
    SERVER_NUMBERS.into_iter().chain(filesystem::DEVICE_NUMBERS)
}

/// Reads one table of `[scenarios]` as if one of its [`numbers`] were another one.
pub(super) fn with_value<'a>(
    name: &str,
    table: &Table<'a>,
    setting: &Text<'a>,
    value: &Field<'a>,
) -> Result<Scenario, ConfigError> {
    let is_of_server = SERVER_NUMBERS.contains(&setting.text);
    let as_written = read(name, table)?;
    if is_of_server != as_written.server.is_some() || as_written.foreign.is_some() {
        let (name, key) = (suggest::quoted(name), setting.text);
        let message = match is_of_server {
            _ if as_written.foreign.is_some() => format!(
                "the scenario {name} has a FUSE server that is not the lab's own, so it has no {key}; use other scenarios"
            ),
            true => {
                format!("the scenario {name} has no FUSE server, so it has no {key}; use scenarios with one")
            }
            false => format!(
                "the scenario {name} has a FUSE server, so it has no {key}; use scenarios without one"
            ),
        };
        return Err(setting.error(message));
    }
    let table = table.clone().with(setting.text, value.clone());
    let mut scenario = read(name, &table)?;
    // Storage without latency is one of the values that are wanted, and what the others say of theirs means nothing to it.
    if let Some(ServerSettings { storage, .. }) = &mut scenario.server
        && setting.text == LATENCY
        && storage.latency_us == 0
    {
        *storage = StorageSettings { dither_permille: 0, distribution: Distribution::Fixed, ..*storage };
    }
    check(&scenario, &table)?;
    Ok(scenario)
}

/// Reads one table of `[scenarios]`.
pub(super) fn parse(name: &str, table: &Table<'_>) -> Result<Scenario, ConfigError> {
    let scenario = read(name, table)?;
    check(&scenario, table)?;
    Ok(scenario)
}

fn read(name: &str, table: &Table<'_>) -> Result<Scenario, ConfigError> {
    let of_others = |key: &&str| !matches!(*key, "like" | "server");
    let scenario = Scenario { name: name.to_owned(), server: None, foreign: None, filesystem: None };
    if let Some(foreign) = server::parse(table, KEYS.iter().copied().filter(of_others))? {
        return Ok(Scenario { foreign: Some(foreign), ..scenario });
    }
    if let Some(filesystem) = filesystem::parse(table, KEYS)? {
        return Ok(Scenario { filesystem: filesystem.into(), ..scenario });
    }
    let table = table.clone().only(KEYS)?;
    let transport = table.field("transport").choice(&[
        ("dev-fuse", Transport::DevFuse),
        ("io-uring", Transport::IoUring),
        ("io-uring-or-dev-fuse", Transport::IoUringOrDevFuse),
    ])?;
    let ring_depth = table.field("ring-depth").number(1..=RING_DEPTH)?;
    let ring_buffers = table.field("ring-buffers").choice(&[
        ("own", RingBuffers::Own),
        ("pool", RingBuffers::Pool),
        ("registered-pool", RingBuffers::RegisteredPool),
        ("zero-copy", RingBuffers::ZeroCopy),
    ])?;
    let server = ServerSettings {
        threads: table.field("threads").number(1..=256)?,
        clone_fd: table.field("clone-fd").boolean()?,
        splice: table.field("splice").boolean()?,
        // One page to as many as FUSE_MAX_PAGES can say. Up to Linux 6.12 no kernel takes more than 256.
        request_kib: pages(&table.field("request-kib"), 4..=LARGEST_REQUEST_KIB)?,
        max_read_kib: pages(&table.field("max-read-kib"), 0..=LARGEST_REQUEST_KIB)?,
        max_background: table.field("max-background").number(1..=u16::MAX)?,
        congestion_threshold: table.field("congestion-threshold").number(1..=u16::MAX)?,
        async_dio: table.field("async-dio").boolean()?,
        direct_io: table.field("direct-io").boolean()?,
        auto_inval_data: table.field("auto-inval-data").boolean()?,
        writeback_cache: table.field("writeback-cache").boolean()?,
        init_flags: flags(&table.field("init-flags"), &InitFlag::ALL.map(|flag| flag.name))?,
        open_flags: flags(&table.field("open-flags"), &OpenFlag::ALL.map(|flag| flag.name))?,
        request_timeout_s: table.field("request-timeout-s").number(0..=u16::MAX)?,
        passthrough: table.field("passthrough").boolean()?,
        transport,
        // What only io_uring has is no part of other settings.
        ring_buffers: if transport.is_usual() { RingBuffers::Own } else { ring_buffers },
        ring_depth: if transport.is_usual() { 0 } else { ring_depth },
        allow_other: table.field("allow-other").boolean()?,
        default_permissions: table.field("default-permissions").boolean()?,
        posix_acl: table.field("posix-acl").boolean()?,
        mount_options: mount_options(&table.field("mount-options"))?,
        entry_timeout_ms: table.field("entry-timeout-ms").number_or(TIMEOUT_MS, "as-attributes")?,
        negative_timeout_ms: table.field("negative-timeout-ms").number(TIMEOUT_MS)?,
        open: table
            .field("open")
            .choice(&[("kept", OpenMode::Kept), ("per-request", OpenMode::PerRequest)])?,
        attribute_timeout_ms: table.field("attribute-timeout-ms").number(TIMEOUT_MS)?,
        getxattr: table
            .field("getxattr")
            .choice(&[("passthrough", Getxattr::Passthrough), ("enosys", Getxattr::Enosys)])?,
        request_log: table.field("request-log").number(LOG_RECORDS)?,
        reply_order: table.field("reply-order").choice(&[
            ("done", ReplyOrder::Done),
            ("reversed", ReplyOrder::Reversed),
            ("random", ReplyOrder::Random),
        ])?,
        reply_window_us: table.field("reply-window-us").number(TIME_US)?,
        seed: table.field("seed").number(0..=u64::from(u32::MAX))?,
        burn_ns: 0,
        work_dither_ns: table.field("work-dither-ns").number(0..=1_000_000)?,
        storage_null: table.field("storage-null").boolean()?,
        storage: storage(&table)?,
        actions: table
            .field("actions")
            .tables("{ operation = \"read\", ... }")?
            .iter()
            .map(action::parse)
            .collect::<Result<_, _>>()?,
        faults: table
            .field("faults")
            .tables("{ operation = \"read\", ... }")?
            .iter()
            .map(fault::parse)
            .collect::<Result<_, _>>()?,
    };
    Ok(Scenario { server: Some(server), ..scenario })
}

fn storage(table: &Table<'_>) -> Result<StorageSettings, ConfigError> {
    let merge = table.field("storage-merge-kib");
    Ok(StorageSettings {
        latency_us: table.field("storage-latency-us").number(TIME_US)?,
        distribution: table.field("storage-distribution").choice(&[
            ("fixed", Distribution::Fixed),
            ("uniform", Distribution::Uniform),
            ("exponential", Distribution::Exponential),
        ])?,
        dither_permille: table.field("storage-dither-permille").number(0..=1000)?,
        parallel: table.field("storage-parallel").number(0..=65_535)?,
        mib_per_s: table.field("storage-mib-per-s").number(0..=1 << 20)?,
        jitter_us: table.field("storage-jitter-us").number(TIME_US)?,
        disorder_us: table.field("storage-disorder-us").number(TIME_US)?,
        merge_kib: pages(&merge, 0..=1 << 20)?,
        plug_us: table.field("storage-plug-us").number(TIME_US)?,
    })
}

/// The flags of the mount.
fn mount_options(field: &Field<'_>) -> Result<Vec<MountOption>, ConfigError> {
    let option = |name: &Text<'_>| {
        MountOption::from_name(name.text)
            .ok_or_else(|| name.error(suggest::unknown("mount option", name.text, MountOption::NAMES)))
    };
    field.texts()?.iter().map(option).collect()
}

/// What a single key cannot be blamed for.
fn check(scenario: &Scenario, table: &Table<'_>) -> Result<(), ConfigError> {
    let Some(server) = &scenario.server else { return Ok(()) };
    let storage = &server.storage;
    if storage.merge_kib > 0 && storage.merge_kib < server.request_kib {
        let message = format!(
            "{} is smaller than one request ({} KiB); use 0 for no merging, or more",
            storage.merge_kib, server.request_kib
        );
        return Err(table.field("storage-merge-kib").error(message));
    }
    if server.max_read_kib > server.request_kib {
        let message = format!(
            "{} is larger than a request ({} KiB); use 0 for no limit of its own, or less",
            server.max_read_kib, server.request_kib
        );
        return Err(table.field("max-read-kib").error(message));
    }
    if storage.plug_us > 0 && storage.merge_kib == 0 {
        let message = "without merging there is nothing to wait for; use 0, or set storage-merge-kib";
        return Err(table.field("storage-plug-us").error(message));
    }
    if storage.distribution != Distribution::Fixed && storage.latency_us == 0 {
        let message = "without latency nothing is distributed; use \"fixed\", or set storage-latency-us";
        return Err(table.field("storage-distribution").error(message));
    }
    if storage.dither_permille > 0 && storage.latency_us == 0 {
        let message = "without latency there is nothing to dither; use 0, or set storage-latency-us";
        return Err(table.field("storage-dither-permille").error(message));
    }
    server.check_together().map_err(|(key, message)| table.field(key).error(message))?;
    server.check_mount_options().map_err(|message| table.field("mount-options").error(message))?;
    server.check_reply_window().map_err(|message| table.field("reply-window-us").error(message))
}

/// Flags by the names that the kernel has for them.
fn flags<T: FromStr<Err = FlagError>>(field: &Field<'_>, known: &[&str]) -> Result<Vec<T>, ConfigError> {
    let names = field.texts()?;
    field.check_count(names.len())?;
    let read = |name: &Text<'_>| {
        name.text.parse().map_err(|error| match error {
            FlagError::Unknown(unknown) => name.error(suggest::unknown("flag", &unknown, known)),
            FlagError::NotSo { .. } => name.error(error.to_string()),
        })
    };
    for (at, name) in names.iter().enumerate() {
        let bare = |name: &Text<'_>| name.text.trim_start_matches('-').to_owned();
        if names[..at].iter().any(|earlier| bare(earlier) == bare(name)) {
            return Err(name.error(format!("{} is listed twice; list it once", suggest::quoted(name.text))));
        }
    }
    names.iter().map(read).collect()
}

/// A size in KiB that is a whole number of pages.
fn pages(field: &Field<'_>, range: RangeInclusive<u32>) -> Result<u32, ConfigError> {
    let kib: u32 = field.number(range)?;
    if kib.is_multiple_of(4) {
        return Ok(kib);
    }
    Err(field.error(format!("{kib} is not a whole number of pages; use a multiple of 4")))
}
