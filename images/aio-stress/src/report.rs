//! The lines that are printed, in the words of the original.

use std::fmt::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use crate::options::Options;
use crate::plan::Plan;
use crate::size::{KIB, MIB};
use crate::stage::Stage;

/// What is printed before the first stage.
pub(crate) fn header(options: &Options, plan: &Plan) -> String {
    let mut text = String::new();
    for stage in &options.stages {
        text += &format!("adding stage {}\n", stage.name());
    }
    for note in &plan.notes {
        text += &format!("{note}\n");
    }
    text += &format!("starting with {}\n", plan.stages[0].name());
    text += &format!(
        "file size {}MB, record size {}KB, depth {}, I/O per iteration {}\n",
        options.file_size / MIB,
        options.record / KIB,
        options.depth,
        plan.per_turn,
    );
    text += &format!(
        "max io_submit {}, buffer alignment set to {}KB\n",
        plan.most_per_submit,
        options.alignment / KIB,
    );
    text + &format!(
        "threads {} files {} contexts {} context offset {}MB verification {}\n",
        plan.threads,
        options.files.len(),
        options.contexts,
        options.context_offset / MIB,
        if options.verify.is_some() { "on" } else { "off" },
    )
}

/// Bytes that [`file_line`] has at most besides the path.
pub(crate) const LINE: usize = 256;

/// One operation is done with a stage, as a whole line; it is put in the place of what `line` has, whose memory is used again.
pub(crate) fn file_line<'a>(
    line: &'a mut String,
    stage: Stage,
    file: &Path,
    bytes: u64,
    elapsed: Duration,
) -> &'a str {
    line.clear();
    // Writing to a String cannot fail.
    let _ = writeln!(line, "{} on {} {}", stage.name(), file.display(), Rate { bytes, elapsed });
    line
}

/// One thread is done with a stage, fsync(2) included.
pub(crate) fn thread_line(thread: usize, stage: Stage, bytes: u64, elapsed: Duration) -> String {
    format!("thread {thread} {} totals {}", stage.name(), Rate { bytes, elapsed })
}

/// All threads of several are done with a stage.
pub(crate) fn all_threads_line(stage: Stage, bytes: u64, elapsed: Duration) -> String {
    format!("{} throughput {}", stage.name(), Rate { bytes, elapsed })
}

/// `(4142.39 MB/s) 64.00 MB in 0.02s`, with 2^20 bytes in a MB.
struct Rate {
    bytes: u64,
    elapsed: Duration,
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rate { bytes, elapsed } = *self;
        let (megabytes, seconds) = (bytes as f64 / MIB as f64, elapsed.as_secs_f64());
        write!(f, "({:.2} MB/s) {megabytes:.2} MB in {seconds:.2}s", mib_per_s(bytes, elapsed))
    }
}

/// A rate in 2^20 bytes a second.
pub(crate) fn mib_per_s(bytes: u64, elapsed: Duration) -> f64 {
    // No clock is that coarse, but a rate must not be infinite.
    bytes as f64 / MIB as f64 / elapsed.as_secs_f64().max(1e-9)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn result_lines() {
        let ms = Duration::from_millis;
        let mut line = "what was there".to_owned();
        let line = file_line(&mut line, Stage::Read, "/mnt/file".as_ref(), 64 * MIB, ms(15));
        expect!["read on /mnt/file (4266.67 MB/s) 64.00 MB in 0.01s"].assert_eq(line.trim_end());
        expect!["thread 3 random write totals (0.50 MB/s) 0.75 MB in 1.50s"].assert_eq(&thread_line(
            3,
            Stage::RandomWrite,
            768 * KIB,
            ms(1500),
        ));
        expect!["write throughput (1024.00 MB/s) 2048.00 MB in 2.00s"].assert_eq(&all_threads_line(
            Stage::Write,
            2048 * MIB,
            ms(2000),
        ));
        expect!["random read throughput (0.00 MB/s) 0.00 MB in 0.00s"].assert_eq(&all_threads_line(
            Stage::RandomRead,
            0,
            Duration::ZERO,
        ));
    }

    #[test]
    fn headers() {
        let options = Options {
            stages: vec![Stage::Read],
            file_size: 64 * MIB,
            most_per_submit: Some(1),
            files: vec!["f".into()],
            ..Options::default()
        };
        let check = |options: &Options, expected: expect_test::Expect| {
            expected.assert_eq(&header(options, &Plan::new(options).unwrap()));
        };
        check(
            &options,
            expect![[r#"
                adding stage read
                dropping io_iter to 1
                starting with read
                file size 64MB, record size 64KB, depth 64, I/O per iteration 1
                max io_submit 1, buffer alignment set to 4KB
                threads 1 files 1 contexts 1 context offset 2MB verification off
            "#]],
        );
        let options = Options {
            stages: Vec::new(),
            most_per_submit: None,
            files: vec!["f".into(), "g".into()],
            contexts: 2,
            threads: 9,
            depth: 4,
            verify: Some(lab_protocol::stamp::Stamp::Spread),
            ..options
        };
        check(
            &options,
            expect![[r#"
            dropping io_iter to 4
            dropping thread count to the number of contexts 4
            starting with write
            file size 64MB, record size 64KB, depth 4, I/O per iteration 4
            max io_submit 16, buffer alignment set to 4KB
            threads 4 files 2 contexts 2 context offset 2MB verification on
        "#]],
        );
    }
}
