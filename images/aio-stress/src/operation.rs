//! One operation: a descriptor, a part of a file, and how far a stage has come with it.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use crate::aio::Transfer;
use crate::close::close;
use crate::options::Options;
use crate::random::{Random, Span};
use crate::stage::Stage;
use crate::tally::Tally;

/// One descriptor's share of the work.
#[derive(Debug)]
pub struct FileOperation {
    /// The file as it was named.
    pub path: PathBuf,
    /// Which of the file's operations this is.
    pub context: u32,
    /// Opened for this operation alone.
    pub file: File,
    /// Of this stage.
    pub tally: Tally,
    span: Span,
    random: Random,
    stage: Stage,
    planned: u64,
    started: u64,
    pending: u64,
    transferred: u64,
    begin: Option<Instant>,
    end: Option<Instant>,
}

impl FileOperation {
    /// Opens `path` for work on `span`, as operation number `context` of the file; `stream` makes the random
    /// offsets differ between operations.
    ///
    /// # Errors
    /// Those of open(2).
    pub fn open(
        path: &Path,
        context: u32,
        span: Span,
        stream: u64,
        options: &Options,
    ) -> anyhow::Result<Self> {
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
        Ok(FileOperation {
            path: path.to_owned(),
            context,
            file,
            tally: Tally::default(),
            span,
            random: Random::new(stream),
            stage: Stage::Write,
            planned: 0,
            started: 0,
            pending: 0,
            transferred: 0,
            begin: None,
            end: None,
        })
    }

    /// Starts from the beginning with another stage, and counts into this.
    pub fn restart(&mut self, stage: Stage, tally: Tally) {
        (self.stage, self.tally, self.planned) = (stage, tally, self.span.records());
        (self.started, self.pending, self.transferred) = (0, 0, 0);
        (self.begin, self.end) = (None, None);
    }

    /// Requests that are not started yet.
    pub fn left(&self) -> u64 {
        self.planned - self.started
    }

    /// Starts no more requests in this stage.
    pub fn cut(&mut self) {
        self.planned = self.started;
    }

    /// Whether there was something to do, and it is done.
    pub fn is_through(&self) -> bool {
        self.pending == 0 && self.started == self.planned && self.started > 0
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
    pub fn finish(&mut self, offset: u64, transferred: u64) -> anyhow::Result<()> {
        self.pending -= 1;
        self.transferred += transferred;
        if transferred == self.span.record { Ok(()) } else { self.excuse(offset, transferred) }
    }

    /// Whether a short transfer is one that may be.
    #[cold]
    fn excuse(&self, offset: u64, transferred: u64) -> anyhow::Result<()> {
        let what = self.stage.name();
        let (path, record) = (self.path.display(), self.span.record);
        let short = format!("{what} on {path}: {transferred} of {record} bytes at offset {offset}");
        match self.stage.transfer() {
            Transfer::Write => bail!("{short}"),
            Transfer::Read => {
                let size = size(&self.file).with_context(|| format!("size of {path}"))?;
                ensure!(offset + transferred >= size, "{short}, though the file has {size} bytes");
                Ok(())
            }
        }
    }

    /// Stops the clock.
    ///
    /// # Errors
    /// If there was nothing to read: a speed of nothing says nothing.
    pub fn conclude(&mut self, now: Instant) -> anyhow::Result<()> {
        self.end = Some(now);
        if self.started > 0 && self.transferred == 0 && self.stage.transfer() == Transfer::Read {
            let (path, start) = (self.path.display(), self.span.start);
            bail!("reading {path}: no data from offset {start} on; write the file first, e.g. with `-o 0`");
        }
        Ok(())
    }

    /// Bytes that were transferred.
    pub fn transferred(&self) -> u64 {
        self.transferred
    }

    /// The time from the first request to the conclusion, or until now if there is none.
    pub fn elapsed(&self) -> Duration {
        self.begin.map_or(Duration::ZERO, |begin| self.end.unwrap_or_else(Instant::now) - begin)
    }

    /// What a request does, for an error.
    pub fn describe(&self, offset: u64) -> String {
        format!("{} on {} at offset {offset}", self.stage.name(), self.path.display())
    }

    /// Closes the file.
    ///
    /// # Errors
    /// See [`close`].
    pub fn close(self) -> anyhow::Result<()> {
        close(self.file).with_context(|| format!("closing {}", self.path.display()))
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

/// Where a file ends; a device has no length of its own.
fn size(mut file: &File) -> io::Result<u64> {
    let metadata = file.metadata()?;
    if metadata.file_type().is_block_device() { file.seek(SeekFrom::End(0)) } else { Ok(metadata.len()) }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use super::*;
    use crate::size::KIB;

    fn operation(folder: &tempfile::TempDir, file_bytes: u64) -> FileOperation {
        let path = folder.path().join("file");
        File::create(&path).unwrap().set_len(file_bytes).unwrap();
        let span = Span { start: 128 * KIB, end: 512 * KIB, record: 64 * KIB, alignment: 4096 };
        FileOperation::open(&path, 0, span, 0, &Options::default()).unwrap()
    }

    /// Finishes one request of `stage` at `offset` on a file of 300 KiB with `transferred` bytes.
    fn check(stage: Stage, offset: u64, transferred: u64, expected: expect_test::Expect) {
        let folder = tempfile::tempdir().unwrap();
        let mut operation = operation(&folder, 300 * KIB);
        operation.restart(stage, Tally::default());
        operation.start();
        let text = match operation.finish(offset, transferred) {
            Ok(()) => format!("{} bytes", operation.transferred()),
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
        operation.restart(Stage::Read, Tally::default());
        let offsets: Vec<u64> =
            std::iter::from_fn(|| (operation.left() > 0).then(|| operation.start())).collect();
        assert_eq!(offsets, [2, 3, 4, 5, 6, 7].map(|number| number * 64 * KIB));
        assert!(!operation.is_through());
        operation.restart(Stage::Write, Tally::default());
        assert_eq!((operation.left(), operation.start()), (6, 128 * KIB));
    }

    #[test]
    fn files_are_opened_as_the_options_say() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let span = Span { start: 0, end: 4096, record: 4096, alignment: 4096 };
        for (direct, sync) in [(false, false), (true, false), (false, true), (true, true)] {
            let options = Options { direct, sync, ..Options::default() };
            let operation = FileOperation::open(&path, 0, span, 0, &options).unwrap();
            // SAFETY: the descriptor is open, and the call reads its flags.
            let flags = unsafe { libc::fcntl(operation.file.as_raw_fd(), libc::F_GETFL) };
            assert_eq!(flags & libc::O_DIRECT != 0, direct);
            assert_eq!(flags & libc::O_SYNC == libc::O_SYNC, sync);
            assert_eq!(flags & libc::O_ACCMODE, libc::O_RDWR);
        }
    }

    #[test]
    fn an_operation_that_is_cut_is_through_with_what_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let mut operation = operation(&folder, 0);
        operation.restart(Stage::Write, Tally::default());
        operation.cut();
        assert!(!operation.is_through(), "there was nothing to do");
        operation.restart(Stage::Write, Tally::default());
        let offset = operation.start();
        operation.cut();
        assert_eq!((operation.left(), operation.is_through()), (0, false));
        operation.finish(offset, 64 * KIB).unwrap();
        assert!(operation.is_through());
        operation.conclude(Instant::now()).unwrap();
        assert_eq!(operation.elapsed(), operation.elapsed());
        operation.close().unwrap();
    }

    #[test]
    fn nothing_to_read_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let mut operation = operation(&folder, 100);
        operation.restart(Stage::Read, Tally::default());
        let offset = operation.start();
        operation.finish(offset, 0).unwrap();
        let error = operation.conclude(Instant::now()).unwrap_err().to_string();
        assert!(
            error.ends_with("no data from offset 131072 on; write the file first, e.g. with `-o 0`"),
            "{error}"
        );
    }
}
