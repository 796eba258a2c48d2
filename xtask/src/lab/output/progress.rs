//! What runs now: a line on the terminal for each step, gone when the step ends.
//!
//! They are there only if standard error is a terminal on which the cursor can be moved. Elsewhere nothing of them is
//! written: a step says in plain lines that it has ended.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use lab_core::evidence::time_left::left_text;
use lab_core::text::escape::escape_for_terminal;

use super::manner::{Manner, Verbosity};

/// How often the lines are written anew at most, in a second.
const DRAWS_PER_S: u8 = 5;

/// How long a line stays as it is at least.
const PAUSE: Duration = Duration::from_millis(100);

/// How often the time of a line goes on by itself.
const TICK: Duration = Duration::from_millis(500);

/// What a bar takes with the time beside it, columns; a terminal that is too narrow for it and the name has none.
const BAR_COLUMNS: usize = 36;

/// A terminal that does not say how wide it is has as many columns as most.
const USUAL_COLUMNS: u16 = 80;

/// How long a panic waits for whoever is writing: that may be the one who panics.
const PATIENCE: Duration = Duration::from_secs(1);

static LINES: LazyLock<Lines> = LazyLock::new(|| {
    let target = match Manner::chosen().verbosity {
        Verbosity::Quiet => ProgressDrawTarget::hidden(),
        Verbosity::Normal | Verbosity::Verbose => ProgressDrawTarget::stderr_with_hz(DRAWS_PER_S),
    };
    Lines::on(target)
});

/// The lines of one terminal. Whoever writes to it holds them.
struct Lines(Mutex<MultiProgress>);

impl Lines {
    fn on(target: ProgressDrawTarget) -> Self {
        Lines(Mutex::new(MultiProgress::with_draw_target(target)))
    }

    fn hold(&self) -> MutexGuard<'_, MultiProgress> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn without<T>(&self, write: impl FnOnce() -> T) -> T {
        let lines = self.hold();
        // One that has hung up takes nothing any more, at which `suspend` would panic.
        if !lines.is_hidden() && columns().is_none() {
            lines.set_draw_target(ProgressDrawTarget::hidden());
        }
        if lines.is_hidden() {
            // Whoever reads may let a writer wait, and not all who write.
            drop(lines);
            return write();
        }
        lines.suspend(write)
    }

    /// Takes all lines away; from now on there are none.
    fn close(&self) {
        let begun = Instant::now();
        let lines = loop {
            match self.0.try_lock() {
                Ok(lines) => break lines,
                Err(TryLockError::Poisoned(lines)) => break lines.into_inner(),
                Err(TryLockError::WouldBlock) if begun.elapsed() > PATIENCE => return,
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        let _ = lines.clear();
        lines.set_draw_target(ProgressDrawTarget::hidden());
    }
}

/// Writes to the terminal while the lines are not there.
pub(super) fn without_lines<T>(write: impl FnOnce() -> T) -> T {
    LINES.without(write)
}

/// Takes all lines away for good: the process is about to end.
pub fn close() {
    LINES.close();
}

/// Lets a panic find a terminal without lines.
pub fn close_on_panic() {
    let next = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        // A thread that panics draws nothing, so that another one has to.
        let _ = std::thread::spawn(close).join();
        next(panic);
    }));
}

/// Where a step is.
#[derive(Clone, Debug, Default)]
pub struct At {
    /// So much is done of so much in all; none if that is not known.
    pub share: Option<(u64, u64)>,
    /// How long the rest takes, if that is known.
    pub left: Option<Duration>,
    /// What it does now.
    pub text: String,
}

impl At {
    /// Doing something of which nobody knows how long it takes.
    pub fn doing(text: impl Into<String>) -> Self {
        At { text: text.into(), ..At::default() }
    }
}

/// A step that runs; its line goes when it is dropped.
#[derive(Debug)]
pub struct Step(Option<Shown>);

#[derive(Debug)]
struct Shown {
    line: Arc<Line>,
    /// The end of it ends the thread in which the time goes on.
    ticking: Option<(Sender<()>, JoinHandle<()>)>,
}

#[derive(Debug)]
struct Line {
    name: String,
    begun: Instant,
    bar: ProgressBar,
    now: Mutex<(At, Instant)>,
    drawn: Mutex<Instant>,
}

impl Step {
    /// Begins one that does not say anything more than its name yet.
    pub fn begin(name: &str) -> Self {
        let lines = LINES.hold();
        if lines.is_hidden() {
            return Step(None);
        }
        let line = Arc::new(Line {
            name: escape_for_terminal(name).replace('\n', " "),
            begun: Instant::now(),
            bar: lines.add(ProgressBar::no_length()),
            now: Mutex::new((At::default(), Instant::now())),
            drawn: Mutex::new(Instant::now()),
        });
        drop(lines);
        draw(&line);
        let (sender, ended) = channel();
        let ticking = Arc::clone(&line);
        let thread = std::thread::spawn(move || {
            while ended.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                draw(&ticking);
            }
        });
        Step(Some(Shown { line, ticking: Some((sender, thread)) }))
    }

    /// Whether it has a line: if not, what goes on for long is to be said in plain ones now and then.
    pub fn is_shown(&self) -> bool {
        self.0.is_some()
    }

    /// Shows where it is. What a guest or a series says may be in it.
    pub fn show(&self, at: At) {
        if let Some(Shown { line, .. }) = &self.0 {
            *line.now.lock().unwrap_or_else(PoisonError::into_inner) = (at, Instant::now());
            // What comes too often is shown with the next tick.
            if line.drawn.lock().unwrap_or_else(PoisonError::into_inner).elapsed() >= PAUSE {
                draw(line);
            }
        }
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        let Some(shown) = &mut self.0 else { return };
        if let Some((sender, thread)) = shown.ticking.take() {
            drop(sender);
            let _ = thread.join();
        }
        let lines = LINES.hold();
        shown.line.bar.finish_and_clear();
        lines.remove(&shown.line.bar);
    }
}

/// Writes the line as it is now.
fn draw(line: &Line) {
    *line.drawn.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    let (at, since) = line.now.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let _lines = LINES.hold();
    let columns = columns().filter(|columns| *columns > 0).unwrap_or(USUAL_COLUMNS);
    let has_bar = at.share.is_some() && usize::from(columns) >= line.name.chars().count() + BAR_COLUMNS;
    let template = if has_bar { "{prefix}  [{bar:12}]  {wide_msg}" } else { "{wide_msg}" };
    if let Ok(style) = ProgressStyle::with_template(template) {
        line.bar.set_style(style.progress_chars("=> "));
    }
    let left = at.left.and_then(|left| left.checked_sub(since.elapsed()));
    let text = text(left, line.begun.elapsed(), &at.text);
    match at.share {
        Some((done, all)) => {
            line.bar.set_length(all);
            line.bar.set_position(done.min(all));
        }
        None => line.bar.unset_length(),
    }
    line.bar.set_prefix(line.name.clone());
    line.bar.set_message(if has_bar { text } else { format!("{}  {text}", line.name) });
}

/// How wide the terminal is; none if it is none any more.
fn columns() -> Option<u16> {
    rustix::termios::tcgetwinsize(rustix::stdio::stderr()).ok().map(|size| size.ws_col)
}

/// What a line says beside name and bar.
fn text(left: Option<Duration>, passed: Duration, what: &str) -> String {
    let time = left.and_then(left_text).unwrap_or_else(|| format!("{} s", passed.as_secs()));
    let what = escape_for_terminal(what).replace('\n', " ");
    format!("{time}  {what}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_long_it_takes_or_how_long_it_took() {
        let seconds = Duration::from_secs;
        for (left, expected) in [
            (Some(seconds(200)), "about 3 min left  a.o \\x1b[2J b"),
            (Some(seconds(0)), "12 s  a.o \\x1b[2J b"),
            (None, "12 s  a.o \\x1b[2J b"),
        ] {
            assert_eq!(text(left, seconds(12), "a.o\n\x1b[2J b"), expected);
        }
        assert_eq!(text(None, seconds(3), ""), "3 s");
    }
}
