//! One operation: a descriptor, a part of a file, and how far a stage has come with it.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use crate::aio::Transfer;
use crate::options::Options;
use crate::random::{Random, Span};

/// What is done with the files, in the order in which it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// `-o 0`
    Write,
    /// `-o 1`
    Read,
    /// `-o 2`
    RandomWrite,
    /// `-o 3`
    RandomRead,
}

impl Stage {
    /// By their numbers.
    pub const ALL: [Stage; 4] = [Stage::Write, Stage::Read, Stage::RandomWrite, Stage::RandomRead];

    /// As it is printed.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Write => "write",
            Stage::Read => "read",
            Stage::RandomWrite => "random write",
            Stage::RandomRead => "random read",
        }
    }

    /// What each of its requests does.
    pub fn transfer(self) -> Transfer {
        match self {
            Stage::Write | Stage::RandomWrite => Transfer::Write,
            Stage::Read | Stage::RandomRead => Transfer::Read,
        }
    }
}

/// One descriptor's share of the work.
#[derive(Debug)]
pub struct Operation {
    /// The file as it was named.
    pub path: PathBuf,
    /// Opened for this operation alone.
    pub file: File,
    span: Span,
    random: Random,
    stage: Stage,
    started: u64,
    pending: u64,
    transferred: u64,
    begin: Option<Instant>,
    end: Option<Instant>,
}

impl Operation {
    /// Opens `path` for work on `span`; `stream` makes the random offsets differ between operations.
    ///
    /// # Errors
    /// Those of open(2).
    pub fn open(path: &Path, span: Span, stream: u64, options: &Options) -> anyhow::Result<Self> {
        let direct = if options.direct { libc::O_DIRECT } else { 0 };
        let sync = if options.sync { libc::O_SYNC } else { 0 };
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(direct | sync)
            .open(path)
            .with_context(|| format!("opening {}", path.display()))?;
        Ok(Operation {
            path: path.to_owned(),
            file,
            span,
            random: Random::new(stream),
            stage: Stage::Write,
            started: 0,
            pending: 0,
            transferred: 0,
            begin: None,
            end: None,
        })
    }

    /// Starts from the beginning with another stage.
    pub fn restart(&mut self, stage: Stage) {
        self.stage = stage;
        (self.started, self.pending, self.transferred) = (0, 0, 0);
        (self.begin, self.end) = (None, None);
    }

    /// Requests that are not started yet.
    pub fn left(&self) -> u64 {
        self.span.records() - self.started
    }

    /// Whether requests are running.
    pub fn is_pending(&self) -> bool {
        self.pending > 0
    }

    /// Starts one request, and gives its offset. The clock starts with the first.
    pub fn start(&mut self) -> u64 {
        self.begin.get_or_insert_with(Instant::now);
        let offset = match self.stage {
            Stage::Write | Stage::Read => self.span.start + self.started * self.span.record,
            Stage::RandomWrite | Stage::RandomRead => self.span.random_offset(&mut self.random),
        };
        self.started += 1;
        self.pending += 1;
        offset
    }

    /// Takes the result of a request at `offset`: `transferred` bytes.
    ///
    /// # Errors
    /// If that is less than was asked for, and not because a read met the end of the file.
    pub fn finish(&mut self, offset: u64, transferred: u64, now: Instant) -> anyhow::Result<()> {
        self.pending -= 1;
        self.transferred += transferred;
        self.end = Some(now);
        if transferred == self.span.record {
            return Ok(());
        }
        let what = self.stage.name();
        let (path, record) = (self.path.display(), self.span.record);
        let short = format!("{what} on {path}: {transferred} of {record} bytes at offset {offset}");
        match self.stage.transfer() {
            Transfer::Write => bail!("{short}"),
            Transfer::Read => {
                let size = self.file.metadata().with_context(|| format!("size of {path}"))?.len();
                ensure!(offset + transferred >= size, "{short}, though the file has {size} bytes");
                Ok(())
            }
        }
    }

    /// What came of the stage: bytes, and the time from the first request to the last completion.
    ///
    /// # Errors
    /// If there was nothing to read: a speed of nothing says nothing.
    pub fn result(&self) -> anyhow::Result<(u64, Duration)> {
        if self.started > 0 && self.transferred == 0 && self.stage.transfer() == Transfer::Read {
            let (path, start) = (self.path.display(), self.span.start);
            bail!("reading {path}: no data from offset {start} on; write the file first, e.g. with `-o 0`");
        }
        let elapsed = self.begin.zip(self.end).map_or(Duration::ZERO, |(begin, end)| end - begin);
        Ok((self.transferred, elapsed))
    }

    /// How many bytes a request moves.
    pub fn record(&self) -> u64 {
        self.span.record
    }

    /// The stage that it is in.
    pub fn stage(&self) -> Stage {
        self.stage
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::size::KIB;

    fn operation(folder: &tempfile::TempDir, file_bytes: u64) -> Operation {
        let path = folder.path().join("file");
        File::create(&path).unwrap().set_len(file_bytes).unwrap();
        let span = Span { start: 128 * KIB, end: 512 * KIB, record: 64 * KIB, alignment: 4096 };
        Operation::open(&path, span, 0, &Options::default()).unwrap()
    }

    /// Finishes one request of `stage` at `offset` on a file of 300 KiB with `transferred` bytes.
    fn check(stage: Stage, offset: u64, transferred: u64, expected: expect_test::Expect) {
        let folder = tempfile::tempdir().unwrap();
        let mut operation = operation(&folder, 300 * KIB);
        operation.restart(stage);
        operation.start();
        let text = match operation.finish(offset, transferred, Instant::now()) {
            Ok(()) => format!("{} bytes", operation.result().map_or(0, |(bytes, _)| bytes)),
            Err(error) => format!("{error:#}").replace(folder.path().to_str().unwrap(), "DIR"),
        };
        expected.assert_eq(&text);
    }

    #[test]
    fn short_transfers_fail_but_at_the_end() {
        use expect_test::expect;
        check(Stage::Read, 128 * KIB, 64 * KIB, expect!["65536 bytes"]);
        check(Stage::Read, 256 * KIB, 44 * KIB, expect!["45056 bytes"]);
        check(Stage::Read, 320 * KIB, 0, expect!["0 bytes"]);
        check(
            Stage::Read,
            256 * KIB,
            43 * KIB,
            expect![
                "read on DIR/file: 44032 of 65536 bytes at offset 262144, though the file has 307200 bytes"
            ],
        );
        check(
            Stage::RandomRead,
            128 * KIB,
            0,
            expect![
                "random read on DIR/file: 0 of 65536 bytes at offset 131072, though the file has 307200 bytes"
            ],
        );
        check(
            Stage::Write,
            256 * KIB,
            44 * KIB,
            expect!["write on DIR/file: 45056 of 65536 bytes at offset 262144"],
        );
        check(
            Stage::RandomWrite,
            256 * KIB,
            0,
            expect!["random write on DIR/file: 0 of 65536 bytes at offset 262144"],
        );
    }

    #[test]
    fn offsets_follow_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let mut operation = operation(&folder, 0);
        operation.restart(Stage::Read);
        let offsets: Vec<u64> =
            std::iter::from_fn(|| (operation.left() > 0).then(|| operation.start())).collect();
        assert_eq!(offsets, [2, 3, 4, 5, 6, 7].map(|number| number * 64 * KIB));
        assert!(operation.is_pending());
        operation.restart(Stage::Write);
        assert_eq!((operation.left(), operation.start()), (6, 128 * KIB));
    }

    #[test]
    fn nothing_to_read_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let mut operation = operation(&folder, 100);
        operation.restart(Stage::Read);
        let offset = operation.start();
        operation.finish(offset, 0, Instant::now()).unwrap();
        let error = operation.result().unwrap_err().to_string();
        assert!(
            error.ends_with("no data from offset 131072 on; write the file first, e.g. with `-o 0`"),
            "{error}"
        );
    }
}
