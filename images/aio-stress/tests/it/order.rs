//! In which order requests are submitted: what goes into a pipe comes out in that order, and with -v its content says
//! where it belongs.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use lab_protocol::stamp::Stamp;
use tempfile::TempDir;
use xshell::{Shell, cmd};

use crate::harness::{PROGRAM, folder_with};

/// What a pipe holds before a writer has to wait.
const PIPE_BYTES: usize = 64 << 10;

/// A named pipe, open at both ends, so that neither side waits for the other.
struct Pipe {
    path: PathBuf,
    end: File,
}

impl Pipe {
    fn new(folder: &TempDir) -> Self {
        let path = folder.path().join("pipe");
        let sh = Shell::new().unwrap();
        cmd!(sh, "mkfifo {path}").run().unwrap();
        let end = File::options().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(&path).unwrap();
        Pipe { path, end }
    }

    /// Everything that `program` writes until it ends.
    fn drain(&mut self, program: &mut Child) -> Vec<u8> {
        let mut content = Vec::new();
        loop {
            let ended = program.try_wait().unwrap();
            // Non-blocking: an error says that it is empty.
            let _ = self.end.read_to_end(&mut content);
            match ended {
                Some(status) => {
                    assert!(status.success(), "{status}");
                    return content;
                }
                None => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "xshell cannot talk to a running program")]
fn start(arguments: &str, files: &[&Path]) -> Child {
    Command::new(PROGRAM)
        .args(arguments.split_whitespace())
        .args(files)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The offsets, in KiB, at which records of 4 KiB are written.
fn written(arguments: &str) -> Vec<u64> {
    let (folder, _) = folder_with(0);
    let mut pipe = Pipe::new(&folder);
    let mut program = start(&format!("-n -v -r 4k {arguments}"), &[&pipe.path]);
    let content = pipe.drain(&mut program);
    let offset = |record: &[u8]| {
        let mut offsets = (0..1 << 20).step_by(4096);
        let found = offsets.find(|offset| Stamp::Spread.first_difference(record, *offset).is_none());
        found.expect("no record") >> 10
    };
    content.chunks(4096).map(offset).collect()
}

fn check(arguments: &str, expected_kib: impl IntoIterator<Item = u64>) {
    assert_eq!(written(arguments), Vec::from_iter(expected_kib), "{arguments}");
}

#[test]
fn operations_take_turns() {
    check("-s 128k -o 0 -b 1", (0..128).step_by(4));
    check("-s 128k -o 0", (0..128).step_by(4));
    check("-s 128k -o 0 -d 3 -i 2", (0..128).step_by(4));
    // The second operation has the middle half, and is through first.
    let two = [0, 4, 16, 20, 8, 12, 24, 28, 16, 20, 32, 36, 24, 28, 40, 44];
    let rest = [32, 36, 40, 44, 48, 52, 56, 60];
    let alone = two.into_iter().chain(rest);
    check("-s 64k -c 2 -C 16k -o 0 -i 2", alone.clone());
    // Whether a turn of both goes down in one call or in two.
    check("-s 64k -c 2 -C 16k -o 0 -i 2 -b 4", alone.clone());
    check("-s 64k -c 2 -C 16k -o 0 -i 2 -b 3", alone.clone());
    check("-s 64k -c 2 -C 16k -o 0 -i 7 -b 2", alone.clone());
    check("-s 64k -c 2 -C 16k -o 0 -i 2 -d 2", alone);
    // 3 records do not divide 16 and 8: each ends with what is left.
    let three = [0, 4, 8, 16, 20, 24, 12, 16, 20, 28, 32, 36, 24, 28, 32, 40, 44, 36, 40, 44, 48, 52, 56, 60];
    check("-s 64k -c 2 -C 16k -o 0 -i 3", three);
    // A turn that ends after two of three goes on with the third.
    let thirds = [0, 4, 8, 4, 8, 12, 8, 12, 16, 12, 16, 20, 16, 20, 20, 24, 24, 28];
    check("-s 32k -c 3 -C 4k -o 0 -i 1 -b 2", thirds);
    check("-s 128k -o 0 -I 3 -i 2", (0..24).step_by(4));
}

/// Lets one thread write a file, and another a pipe that nobody reads until the first is through; gives what comes out
/// of the pipe in the end.
fn behind_a_faster_thread(arguments: &str) -> usize {
    let (folder, file) = folder_with(0);
    let mut pipe = Pipe::new(&folder);
    let arguments = format!("-n -r 4k -s 1m -o 0 -t 2 {arguments}");
    let mut program = start(&arguments, &[&file, &pipe.path]);
    let mut lines = BufReader::new(program.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().starts_with("thread 0 write totals")));
    let content = pipe.drain(&mut program);
    let totals: Vec<_> = lines.map(Result::unwrap).collect();
    assert!(totals.iter().any(|line| line.starts_with("write throughput")), "{totals:?}");
    content.len()
}

#[test]
fn the_first_thread_stops_the_others() {
    // What the pipe holds, and the call that waits for room.
    let most = PIPE_BYTES + 8 * 4096;
    let found = behind_a_faster_thread("");
    assert!(found <= most, "{found}");
    assert_eq!(behind_a_faster_thread("-x"), 1 << 20);
}
