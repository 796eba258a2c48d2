//! The memory of a direct transfer is a mapping of another file, whose pages have an owner of their own.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use lab_protocol::{Effect, Operation};
use rustix::fs::OFlags;

use crate::clock;
use crate::fixture::Fixture;
use crate::memory::Memory;
use crate::probe::{Observation, Probe};
use crate::stage::Stage;
use crate::stored::OLD;
use crate::trials::{self, Call};

const KIB: u64 = 1 << 10;
/// Four requests.
const LENGTH: u64 = 512 * KIB;
/// Where in its file the transfer begins.
const OFFSET: u64 = 256 * KIB;
/// How long each request takes, microseconds, and when in the first one the other file is synced.
const SLOW_US: u64 = 5_000;
const SYNC_AFTER: Duration = Duration::from_millis(2);

pub(super) fn probes() -> Vec<Probe> {
    let why = "a page that was written back while a read was under way into it has to become dirty again";
    let read = |name: &str, what: &str, call| {
        let title = format!("{what} into a mapping of another file, which is synced meanwhile");
        Probe::new(name, title, why, move |stage| read_into(stage, call))
    };
    let why = "a write only reads its source, whose pages have nothing to be written back then";
    let write = |name: &str, what: &str, call| {
        let title = format!("{what} from a mapping of another file");
        Probe::new(name, title, why, move |stage| write_from(stage, call))
    };
    vec![
        read("read-into-mapping", "read", Call::Sync),
        read("aio-read-into-mapping", "AIO read", Call::Aio),
        write("write-from-mapping", "write", Call::Sync),
        write("aio-write-from-mapping", "AIO write", Call::Aio),
        // Without it pages are let go of elsewhere.
        read("no-async-dio-read-into-mapping", "read without ASYNC_DIO", Call::Sync).on(Fixture::NoAsyncDio),
        write("no-async-dio-write-from-mapping", "write without ASYNC_DIO", Call::Sync)
            .on(Fixture::NoAsyncDio),
    ]
}

fn read_into(stage: &mut Stage<'_>, call: Call) -> anyhow::Result<Observation> {
    stage.mounted.behave(&trials::behaviour(&[(None, Effect::Delay { us: SLOW_US })])?)?;
    let file = stage.file(OFFSET + LENGTH)?;
    let other = stage.file_with(LENGTH, OFlags::RDWR)?;
    let memory = Memory::of_file(&other.file, LENGTH as usize).context("mapping the other file")?;
    let begin = Instant::now();
    let outcome = std::thread::scope(|scope| {
        let syncing = scope.spawn(|| {
            clock::sleep_until_after(begin, SYNC_AFTER);
            other.file.sync_all()
        });
        let outcome = call.read(&file, &memory, LENGTH, OFFSET);
        let synced = syncing.join().map_err(|_| anyhow::anyhow!("a thread ended in a panic"))?;
        synced.context("fsync(2) meanwhile")?;
        outcome
    })?;
    other.file.sync_all().context("fsync(2)")?;
    let stored = other.stored_content()?;
    let kept = match OLD.first_difference(&stored, OFFSET) {
        None => "all of it stored after fsync".to_owned(),
        Some(at) => format!("stored after fsync up to byte {at}"),
    };
    let requests = stage.requests()?;
    Ok(Observation::new(format!("returns {}, {kept}", outcome.words()))
        .fault_if_any(requests.fault(stage.max_background()))
        .details(requests.lines()))
}

fn write_from(stage: &mut Stage<'_>, call: Call) -> anyhow::Result<Observation> {
    let file = stage.file(OFFSET + LENGTH)?;
    let other = stage.file_with(LENGTH, OFlags::RDWR)?;
    let memory = Memory::of_file(&other.file, LENGTH as usize).context("mapping the other file")?;
    let outcome = call.write(&file, &memory, LENGTH, OFFSET)?;
    stage.mounted.await_idle(Duration::from_secs(5));
    stage.mounted.forget_requests()?;
    other.file.sync_all().context("fsync(2)")?;
    let requests = stage.requests()?;
    let back = match requests.count(Operation::Write) {
        0 => "nothing of its source".to_owned(),
        count => format!("its source in {count} WRITEs"),
    };
    let stored = file.stored_content()?;
    let written = stored.get(OFFSET as usize..).unwrap_or_default();
    let lost = OLD.first_difference(written, 0).map(|at| format!("byte {at} that was written is not stored"));
    Ok(Observation::new(format!("returns {}, fsync writes {back}", outcome.words()))
        .fault_if_any(lost)
        .details(requests.lines()))
}
