//! A pseudo-terminal with a program on it.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// Longer than any step here takes on a busy machine: what does not come is a failure, not a wait without end.
const PATIENCE: Duration = Duration::from_secs(120);

const ROWS: u16 = 24;

/// A program that runs on a terminal; killed on drop.
pub(crate) struct OnTerminal {
    child: Child,
    terminal: File,
    seen: Arc<Mutex<Seen>>,
    reader: Option<JoinHandle<()>>,
}

struct Seen {
    screen: vt100::Parser,
    bytes: Vec<u8>,
}

/// What is left when the program has ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    /// The lines of the screen, without those at its end that are empty.
    pub(crate) screen: String,
    /// All that was ever sent to the terminal.
    pub(crate) bytes: String,
}

impl OnTerminal {
    /// Starts it with standard input and error on a terminal of so many columns. Standard output is as `command` says.
    pub(crate) fn start(command: Command, columns: u16) -> Self {
        let (terminal, name) = terminal(columns);
        Self::on(terminal, command, open(&name).into(), open(&name), columns)
    }

    /// The same with another standard input.
    pub(crate) fn start_with_input(command: Command, input: Stdio, columns: u16) -> Self {
        let (terminal, name) = terminal(columns);
        Self::on(terminal, command, input, open(&name), columns)
    }

    fn on(terminal: File, mut command: Command, input: Stdio, error: File, columns: u16) -> Self {
        let child = command.stdin(input).stderr(error).spawn().expect("the program starts");
        // The end of the terminal comes when nobody has it open.
        drop(command);
        let screen = vt100::Parser::new(ROWS, columns, 0);
        let seen = Arc::new(Mutex::new(Seen { screen, bytes: Vec::new() }));
        let reader = std::thread::spawn({
            let (mut terminal, seen) = (terminal.try_clone().expect("the terminal"), Arc::clone(&seen));
            move || {
                let mut bytes = [0; 4096];
                while let Ok(length) = terminal.read(&mut bytes)
                    && length > 0
                {
                    let mut seen = seen.lock().expect("the screen");
                    seen.screen.process(&bytes[..length]);
                    seen.bytes.extend(&bytes[..length]);
                }
            }
        });
        OnTerminal { child, terminal, seen, reader: Some(reader) }
    }

    fn screen(&self) -> String {
        self.seen.lock().expect("the screen").screen.screen().contents()
    }

    /// Waits for a screen; gives it.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, is_there: impl Fn(&str) -> bool) -> String {
        let begun = Instant::now();
        loop {
            let screen = self.screen();
            if is_there(&screen) {
                return screen;
            }
            let ended = self.child.try_wait().expect("the program");
            assert!(ended.is_none(), "it ended before: {}", self.screen());
            assert!(begun.elapsed() < PATIENCE, "it did not come: {screen}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Types text.
    pub(crate) fn types(&mut self, text: &str) {
        self.terminal.write_all(text.as_bytes()).expect("the terminal");
    }

    /// Sends the program a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the program runs");
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn end(mut self) -> Ended {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("the program") {
                break status;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end: {}", self.screen());
            std::thread::sleep(Duration::from_millis(10));
        };
        self.reader.take().expect("the reader").join().expect("the reader");
        let seen = self.seen.lock().expect("the screen");
        assert!(!seen.screen.screen().hide_cursor(), "the cursor is hidden");
        let screen = seen.screen.screen().contents();
        let bytes = String::from_utf8_lossy(&seen.bytes).into_owned();
        Ended { code: status.code(), screen: screen.trim_end().to_owned(), bytes }
    }
}

/// A terminal, and the path of its other end.
fn terminal(columns: u16) -> (File, String) {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&terminal).expect("a terminal");
    unlockpt(&terminal).expect("a terminal");
    let size = Winsize { ws_row: ROWS, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&terminal, size).expect("a size");
    let name = ptsname(&terminal, Vec::new()).expect("its name").into_string().expect("its name");
    (File::from(terminal), name)
}

fn open(name: &str) -> File {
    File::options().read(true).write(true).open(name).expect("the other end")
}

impl Drop for OnTerminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
