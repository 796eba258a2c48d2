//! Records on disk: written whole, checked when read.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, ensure};
use lab_core::campaign::{BootData, Record, StoredFile, judged};
use lab_core::evidence::known::Known;
use lab_protocol::Report;

use crate::lab::{digest, files};

const RECORD: &str = "record.toml";
/// What the kernel said.
pub(super) const CONSOLE: &str = "console.log";
/// What it said when it hung and was made to say where it is.
const TASK_DUMP: &str = "task-dump.log";
const REPORT: &str = "report.json";
const QMP: &str = "qmp.jsonl";
const REQUESTS: &str = "requests.bin";
const PROFILE: &str = "profile.folded";

/// No file of a boot is larger; what is was not written by the lab.
const LARGEST_FILE_BYTES: u64 = lab_protocol::log::MOST_BYTES as u64;

/// The raw files of one boot.
#[derive(Clone, Debug, Default)]
pub(crate) struct BootFiles {
    /// The console as kept.
    pub console: Vec<u8>,
    /// How many bytes of console were received.
    pub console_received_bytes: u64,
    /// The console after a kernel that hung was made to say where it is, as kept.
    pub task_dump: Vec<u8>,
    /// How many bytes of that were received.
    pub task_dump_received_bytes: u64,
    /// The report's JSON as received.
    pub report: Option<Vec<u8>>,
    /// What the monitor said, one JSON object a line.
    pub qmp: Vec<u8>,
    /// The request logs as kept; empty if nothing was logged.
    pub requests: Vec<u8>,
    /// How many bytes of request logs were received.
    pub requests_received_bytes: u64,
    /// Where its instructions went; none if it was not profiled.
    pub profile: Option<Vec<u8>>,
}

impl BootFiles {
    /// What the record says of the console.
    pub(crate) fn console_file(&self) -> StoredFile {
        StoredFile::new(&self.console, self.console_received_bytes)
    }

    /// What the record says of what a kernel that hung said when it was asked.
    pub(crate) fn task_dump_file(&self) -> Option<StoredFile> {
        (self.task_dump_received_bytes > 0)
            .then(|| StoredFile::new(&self.task_dump, self.task_dump_received_bytes))
    }

    /// What the record says of the report.
    pub(crate) fn report_file(&self) -> Option<StoredFile> {
        self.report.as_ref().map(|report| StoredFile::new(report, report.len() as u64))
    }

    /// What the record says of the monitor.
    pub(crate) fn qmp_file(&self) -> StoredFile {
        StoredFile::new(&self.qmp, self.qmp.len() as u64)
    }

    /// What the record says of the request logs.
    pub(crate) fn requests_file(&self) -> Option<StoredFile> {
        (self.requests_received_bytes > 0)
            .then(|| StoredFile::new(&self.requests, self.requests_received_bytes))
    }

    /// What the record says of the profile.
    pub(crate) fn profile_file(&self) -> Option<StoredFile> {
        self.profile.as_ref().map(|profile| StoredFile::new(profile, profile.len() as u64))
    }
}

/// Writes a boot to `folder`: the raw files first and the record last, so that a record's presence says that
/// the files it names are whole.
///
/// # Errors
/// If a file cannot be written; there is no new record then.
pub(crate) fn write_boot(folder: &Path, record: &Record, raw: &BootFiles) -> anyhow::Result<()> {
    files::write_atomically(&folder.join(CONSOLE), &raw.console)?;
    files::write_atomically(&folder.join(QMP), &raw.qmp)?;
    if record.task_dump.is_some() {
        files::write_atomically(&folder.join(TASK_DUMP), &raw.task_dump)?;
    }
    if let Some(report) = &raw.report {
        files::write_atomically(&folder.join(REPORT), report)?;
    }
    if record.requests.is_some() {
        files::write_atomically(&folder.join(REQUESTS), &raw.requests)?;
    }
    if let Some(profile) = &raw.profile {
        files::write_atomically(&folder.join(PROFILE), profile)?;
    }
    files::write_atomically(&folder.join(RECORD), record.to_text()?.as_bytes())
}

/// Reads a boot back, checks it against its digests, and judges it by what was kept of it and what is known in
/// kernels' logs.
///
/// # Errors
/// If a file is missing, too large, of another version, or not what was written.
pub(crate) fn read_boot(folder: &Path, known: &[Known]) -> anyhow::Result<BootData> {
    let record = read_record(folder)?;
    let console = read_checked(&folder.join(CONSOLE), &record.console)?;
    let report = match &record.report {
        None => None,
        Some(stored) => {
            let path = folder.join(REPORT);
            let bytes = read_checked(&path, stored)?;
            let report: Report =
                serde_json::from_slice(&bytes).with_context(|| format!("reading {}", path.display()))?;
            Some(report)
        }
    };
    let qmp = read_monitor(folder, &record)?;
    // Most readers need no more of them than to know that they are there.
    read_requests(folder, &record)?;
    record.task_dump.as_ref().map(|stored| read_checked(&folder.join(TASK_DUMP), stored)).transpose()?;
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let outcome = judged(&record, &console, &qmp, report.as_ref(), known);
    let recorded = (outcome.word() != record.outcome.word()).then(|| record.outcome.clone());
    Ok(BootData { folder: name, record: Record { outcome, ..record }, recorded, report, console })
}

fn lines(bytes: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect()
}

/// Reads the record of a boot without the files beside it, so that its outcome is the recorded one; its text is checked against its digest.
///
/// # Errors
/// If it is missing, too large, of another version, or not what was written.
pub fn read_record(folder: &Path) -> anyhow::Result<Record> {
    let path = folder.join(RECORD);
    Record::parse(&read_file(&path)?).with_context(|| format!("reading {}", path.display()))
}

/// Whether a boot came as far as to be written down at all.
pub(crate) fn has_record(folder: &Path) -> bool {
    folder.join(RECORD).exists()
}

/// The request logs of a boot as received, checked against the record's digest; none if nothing was logged.
///
/// # Errors
/// If the file is missing, too large, or not what was written.
pub(crate) fn read_requests(folder: &Path, record: &Record) -> anyhow::Result<Option<Vec<u8>>> {
    let read = |stored| read_checked(&folder.join(REQUESTS), stored);
    record.requests.as_ref().map(read).transpose()
}

/// What the monitor said of a boot, by lines, checked against the record's digest.
///
/// # Errors
/// If the file is missing, too large, or not what was written.
pub(crate) fn read_monitor(folder: &Path, record: &Record) -> anyhow::Result<Vec<String>> {
    Ok(lines(&read_checked(&folder.join(QMP), &record.qmp)?))
}

/// The profile of a boot, checked against the record's digest; none if it was not profiled.
///
/// # Errors
/// If the file is missing, too large, or not what was written.
pub(crate) fn read_profile(folder: &Path, record: &Record) -> anyhow::Result<Option<Vec<u8>>> {
    record.profile.as_ref().map(|stored| read_checked(&folder.join(PROFILE), stored)).transpose()
}

/// A file of which nothing was recorded is not looked at: the first record of a boot, which says that it was lost, stays
/// true while the files of the last one are being written.
fn read_checked(path: &Path, stored: &StoredFile) -> anyhow::Result<Vec<u8>> {
    if stored.kept_bytes == 0 {
        return Ok(Vec::new());
    }
    let bytes = read_file(path)?;
    ensure!(
        digest::of_bytes(&bytes) == stored.sha256,
        "{} is not what was recorded: its digest differs",
        path.display()
    );
    Ok(bytes)
}

fn read_file(path: &Path) -> anyhow::Result<Vec<u8>> {
    let read = || -> anyhow::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let file = File::open(path)?;
        ensure!(fs::metadata(path)?.is_file(), "not a file");
        file.take(LARGEST_FILE_BYTES + 1).read_to_end(&mut bytes)?;
        ensure!(bytes.len() as u64 <= LARGEST_FILE_BYTES, "larger than {LARGEST_FILE_BYTES} bytes");
        Ok(bytes)
    };
    read().with_context(|| format!("reading {}", path.display()))
}

#[cfg(test)]
impl BootFiles {
    /// Files that prove a good end.
    pub(crate) fn of_a_good_boot(boot: &BootData) -> Self {
        let console = lab_core::fixtures::console(boot.record.nonce);
        BootFiles {
            console_received_bytes: console.len() as u64,
            console,
            report: Some(serde_json::to_vec(&boot.report).unwrap()),
            qmp: format!("{}\n", lab_core::fixtures::shutdown("guest-shutdown")).into_bytes(),
            ..BootFiles::default()
        }
    }

    /// The record with what it says of these files.
    pub(crate) fn described_in(&self, record: &Record) -> Record {
        Record {
            console: self.console_file(),
            task_dump: self.task_dump_file(),
            report: self.report_file(),
            qmp: self.qmp_file(),
            requests: self.requests_file(),
            ..record.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use lab_core::evidence::capture::{End, Watched};
    use lab_core::evidence::outcome::Outcome;
    use lab_core::fixtures::{campaign, two_arms};
    use lab_core::plan::Clock;

    use super::*;

    /// A boot on disk with these request logs, of which `received_bytes` came.
    fn written(requests: &[u8], received_bytes: u64) -> (tempfile::TempDir, Record) {
        let folder = tempfile::tempdir().unwrap();
        let boot = &campaign(Clock::Virtual, &two_arms()).boots[0];
        let raw = BootFiles {
            requests: requests.to_vec(),
            requests_received_bytes: received_bytes,
            ..BootFiles::of_a_good_boot(boot)
        };
        let record = raw.described_in(&boot.record);
        write_boot(folder.path(), &record, &raw).unwrap();
        (folder, record)
    }

    #[test]
    fn a_boot_is_read_as_it_was_written() {
        for (requests, received_bytes, there) in
            [(b"".as_slice(), 0, false), (b"log", 3, true), (b"", 5, true)]
        {
            let (folder, record) = written(requests, received_bytes);
            let boot = read_boot(folder.path(), &[]).unwrap();
            let console = lab_core::fixtures::console(record.nonce);
            assert_eq!((&boot.record, &boot.console, &boot.recorded), (&record, &console, &None));
            assert_eq!(folder.path().join(REQUESTS).exists(), there);
            let text = fs::read_to_string(folder.path().join(RECORD)).unwrap();
            assert_eq!(text.contains("[requests]"), there, "{text}");
            let read = read_requests(folder.path(), &record).unwrap();
            assert_eq!(read.as_deref(), there.then_some(requests));
        }
    }

    /// What a kill leaves between two writes of a boot is read as the boot before that write, or is refused.
    #[test]
    fn an_interrupted_write_leaves_no_record_that_looks_whole() {
        let (folder, record) = written(b"", 0);
        let lost = Record {
            outcome: Outcome::Lost { reason: "the lab ended".to_owned() },
            console: BootFiles::default().console_file(),
            qmp: BootFiles::default().qmp_file(),
            report: None,
            ..record.clone()
        };
        write_boot(folder.path(), &lost, &BootFiles::default()).unwrap();
        fs::write(folder.path().join(CONSOLE), "the console of the end").unwrap();
        let boot = read_boot(folder.path(), &[]).unwrap();
        assert_eq!((boot.record, boot.console), (lost, Vec::new()));

        let path = folder.path().join(RECORD);
        let text = fs::read_to_string(&path).unwrap();
        for cut in [0, text.find('\n').unwrap() - 44, text.len() / 2, text.len() - 1] {
            fs::write(&path, &text[..cut]).unwrap();
            assert!(read_boot(folder.path(), &[]).is_err(), "{cut} of {} bytes", text.len());
        }
        assert!(has_record(folder.path()));
        fs::remove_file(&path).unwrap();
        assert!(!has_record(folder.path()));
    }

    /// The outcome is that of the files, by the rules of this lab, whatever an earlier one made of them.
    #[test]
    fn a_boot_is_judged_when_it_is_read() {
        let (folder, record) = written(b"", 0);
        let reason = "warning: in a line that is harmless".to_owned();
        let end = |end| Some(Watched { end, frame_error: None, qemu_said: String::new(), hang: None });
        for (watched, expected) in
            [(None, "finished"), (end(End::returned(0)), "finished"), (end(End::Interrupted), "lost")]
        {
            let broken = Outcome::Broken { reason: reason.clone() };
            let record = Record { outcome: broken.clone(), watched, ..record.clone() };
            fs::write(folder.path().join(RECORD), record.to_text().unwrap()).unwrap();
            let boot = read_boot(folder.path(), &[]).unwrap();
            assert_eq!((boot.record.outcome.word(), boot.recorded), (expected, Some(broken)));
            assert_eq!(read_record(folder.path()).unwrap(), record);
        }
    }

    #[test]
    fn a_request_log_that_was_changed_is_refused() {
        let (folder, _) = written(b"log", 3);
        let file = folder.path().join(REQUESTS);
        fs::write(&file, "lag").unwrap();
        let error = format!("{:#}", read_boot(folder.path(), &[]).unwrap_err());
        assert_eq!(error, format!("{} is not what was recorded: its digest differs", file.display()));
        fs::remove_file(&file).unwrap();
        let error = format!("{:#}", read_boot(folder.path(), &[]).unwrap_err());
        assert!(error.starts_with(&format!("reading {}: No such file", file.display())), "{error}");
    }
}
