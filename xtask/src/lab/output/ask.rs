//! A question to the user, who may not be there.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use anyhow::Context as _;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::manner::{Consent, Manner};
use super::progress;
use crate::lab::interrupt::Interrupt;

/// How often it is looked whether a signal came.
const LOOK: Duration = Duration::from_millis(50);

/// A longer line is no answer.
const LONGEST_ANSWER_BYTES: usize = 4096;

/// What the user says to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Yes; said now, or beforehand.
    Yes,
    /// No.
    No,
    /// The input has ended, or nobody is there who could be asked.
    Nothing,
}

/// What a question is about: that decides what only Enter means, and what is done if nobody is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// Adding something that the work needs: yes.
    Adding,
    /// Removing something: no, and nothing without an answer.
    Removing,
}

/// Asks, and asks again until it is answered. Nobody is asked who has said yes beforehand, has no terminal, or, when something is to
/// be added, has set `CI`.
///
/// # Errors
/// If the terminal cannot be read, or the user stops the lab.
pub(crate) fn ask(question: &str, about: About) -> anyhow::Result<Answer> {
    let is_there = io::stdin().is_terminal() && io::stderr().is_terminal();
    let in_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
    let choices = match (Manner::chosen().consent, about) {
        (Consent::Given, _) => return Ok(Answer::Yes),
        (Consent::Asked, About::Adding) if is_there && !in_ci => "[Y/n]",
        (Consent::Asked, About::Removing) if is_there => "[y/N]",
        (Consent::Asked, About::Adding) => return Ok(Answer::Yes),
        (Consent::Asked, About::Removing) => return Ok(Answer::Nothing),
    };
    loop {
        say(&format!("{question} {choices} "));
        let Some(line) = line(&Interrupt::of_process()).inspect_err(|_| say("\n"))? else {
            say("\n");
            return Ok(Answer::Nothing);
        };
        if let Some(answer) = understood(&line, about) {
            return Ok(answer);
        }
    }
}

fn say(text: &str) {
    progress::without_lines(|| {
        let _ = io::stderr().lock().write_all(text.as_bytes());
    });
}

/// The next line of standard input, of which nothing was read before; none at its end.
fn line(interrupt: &Interrupt) -> anyhow::Result<Option<String>> {
    let stdin = rustix::stdio::stdin();
    let look = Timespec::try_from(LOOK).context("a time to wait")?;
    loop {
        interrupt.check()?;
        let mut wanted = [PollFd::new(&stdin, PollFlags::IN)];
        match poll(&mut wanted, Some(&look)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => continue,
            Ok(_) => {}
            Err(error) => return Err(error).context("waiting for an answer"),
        }
        // A terminal gives a line at a time.
        let mut bytes = [0; LONGEST_ANSWER_BYTES];
        let length = rustix::io::read(stdin, &mut bytes).context("reading the answer")?;
        return Ok((length > 0).then(|| String::from_utf8_lossy(&bytes[..length]).into_owned()));
    }
}

fn understood(line: &str, about: About) -> Option<Answer> {
    match (line.trim().to_lowercase().as_str(), about) {
        ("y" | "yes", _) | ("", About::Adding) => Some(Answer::Yes),
        ("n" | "no", _) | ("", About::Removing) => Some(Answer::No),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        for (line, expected) in [
            ("\n", Some(Answer::Yes)),
            ("y\n", Some(Answer::Yes)),
            ("Yes\n", Some(Answer::Yes)),
            (" n \n", Some(Answer::No)),
            ("NO", Some(Answer::No)),
            ("nope\n", None),
            ("maybe\n", None),
        ] {
            assert_eq!(understood(line, About::Adding), expected, "{line:?}");
        }
        // Nothing is removed by only Enter.
        assert_eq!(understood("\n", About::Removing), Some(Answer::No));
        assert_eq!(understood("y\n", About::Removing), Some(Answer::Yes));
    }
}
