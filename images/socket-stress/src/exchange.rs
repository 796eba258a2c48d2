//! What the two threads do: first what is timed, then some messages whose bytes are looked at.
//!
//! The check comes last and not in between, since to look at each byte takes longer than to move it.

use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use lab_protocol::random::{below, splitmix64};
use lab_protocol::stamp::Stamp;
use lab_protocol::{SocketMode, SocketReport, SocketRun};

use crate::link::{self, End};
use crate::trips::Trips;

/// How many bytes are looked at, about, and in how many messages at most.
const CHECKED_BYTES: u64 = 4 << 20;
const CHECKED_MESSAGES: u64 = 1000;

/// How much of a stream is read at once at most.
const CHUNK: usize = 64 << 10;

/// Does all of it.
///
/// # Errors
/// If a call fails, or bytes arrive that were not sent.
pub(crate) fn run(run: &SocketRun, seed: u64) -> anyhow::Result<SocketReport> {
    let (first, second) = link::connect(run.family)?;
    std::thread::scope(|scope| {
        let answers = scope.spawn(|| answer(second, run));
        let report = lead(first, run, seed);
        let answered = answers.join().unwrap_or_else(|_| Err(anyhow!("the second thread panicked")));
        // If the first thread fails because the second one has ended, the reason is the second one's.
        answered.context("the second thread").and(report)
    })
}

/// How many messages are looked at.
fn checked(run: &SocketRun) -> u64 {
    (CHECKED_BYTES / u64::from(run.message_bytes)).clamp(1, u64::from(run.count).min(CHECKED_MESSAGES))
}

/// The first thread. Its end of the connection is closed when it returns, so that nobody waits for it.
fn lead(mut end: Box<dyn End>, run: &SocketRun, seed: u64) -> anyhow::Result<SocketReport> {
    let mut message = vec![0; run.message_bytes as usize];
    Stamp::Spread.fill(&mut message, 0);
    let mut trips = Trips::new();
    let start = Instant::now();
    match run.mode {
        SocketMode::PingPong => {
            let mut back = message.clone();
            for number in 0..u64::from(run.count) {
                work(run, seed, number);
                let sent = Instant::now();
                end.write_all(&message).context("sending")?;
                end.read_exact(&mut back).context("receiving")?;
                trips.add(sent.elapsed().as_nanos() as u64);
            }
        }
        SocketMode::Stream => {
            for number in 0..u64::from(run.count) {
                work(run, seed, number);
                end.write_all(&message).context("sending")?;
            }
            end.read_exact(&mut [0]).context("waiting for the other end to have all")?;
        }
    }
    let elapsed_ns = start.elapsed().as_nanos() as u64;
    for number in 0..checked(run) {
        let offset = number * u64::from(run.message_bytes);
        Stamp::Spread.fill(&mut message, offset);
        end.write_all(&message).context("sending what is checked")?;
        message.fill(0);
        end.read_exact(&mut message).context("receiving what is checked")?;
        compare(&message, offset)?;
    }
    Ok(SocketReport {
        operations: run.count.into(),
        bytes: u64::from(run.count) * u64::from(run.message_bytes),
        elapsed_ns,
        round_trips: trips.summary(),
    })
}

/// The second thread.
fn answer(mut end: Box<dyn End>, run: &SocketRun) -> anyhow::Result<()> {
    let mut message = vec![0; run.message_bytes as usize];
    match run.mode {
        SocketMode::PingPong => {
            for _ in 0..run.count {
                end.read_exact(&mut message).context("receiving")?;
                end.write_all(&message).context("sending back")?;
            }
        }
        SocketMode::Stream => {
            let mut left = u64::from(run.count) * u64::from(run.message_bytes);
            let mut chunk = vec![0; CHUNK];
            while left > 0 {
                let most = left.min(CHUNK as u64) as usize;
                match end.read(&mut chunk[..most]).context("receiving")? {
                    0 => bail!("the stream ended with {left} bytes missing"),
                    read => left -= read as u64,
                }
            }
            end.write_all(&[0]).context("saying that all is there")?;
        }
    }
    for number in 0..checked(run) {
        end.read_exact(&mut message).context("receiving what is checked")?;
        compare(&message, number * u64::from(run.message_bytes))?;
        end.write_all(&message).context("sending back what is checked")?;
    }
    Ok(())
}

fn compare(message: &[u8], offset: u64) -> anyhow::Result<()> {
    match Stamp::Spread.check(message, offset) {
        Some(difference) => bail!("wrong data: {difference}"),
        None => Ok(()),
    }
}

/// Works for a time that is drawn, so that the two threads and the timer tick do not fall into step.
fn work(run: &SocketRun, seed: u64, number: u64) {
    if run.dither_ns > 0 {
        let time = Duration::from_nanos(below(u64::from(run.dither_ns) + 1, splitmix64(seed, number)));
        let start = Instant::now();
        while start.elapsed() < time {}
    }
}

#[cfg(test)]
mod tests {
    use lab_protocol::SocketFamily;

    use super::*;

    const FAMILIES: [SocketFamily; 2] = [SocketFamily::Tcp, SocketFamily::Unix];

    #[test]
    fn messages_are_counted_and_round_trips_timed() {
        for family in FAMILIES {
            for (mode, message_bytes, count) in [
                (SocketMode::PingPong, 1, 100),
                (SocketMode::PingPong, 1 << 20, 3),
                (SocketMode::Stream, 3, 1000),
                (SocketMode::Stream, 1 << 20, 3),
            ] {
                let asked = SocketRun { family, mode, message_bytes, count, dither_ns: 100 };
                let report = run(&asked, 1).unwrap();
                let bytes = u64::from(count) * u64::from(message_bytes);
                assert_eq!((report.operations, report.bytes), (count.into(), bytes), "{asked:?}");
                assert!(report.elapsed_ns > 0, "{asked:?}");
                assert_eq!(report.round_trips.is_some(), mode == SocketMode::PingPong, "{asked:?}");
            }
        }
    }

    #[test]
    fn the_work_before_messages_takes_its_time() {
        let asked = |dither_ns| SocketRun {
            family: SocketFamily::Unix,
            mode: SocketMode::PingPong,
            message_bytes: 1,
            count: 50,
            dither_ns,
        };
        // A million nanoseconds at most, half of it on average: 25 milliseconds in all, of which none is a round trip.
        let report = run(&asked(1_000_000), 3).unwrap();
        let trips = report.round_trips.unwrap();
        assert!(report.elapsed_ns >= trips.mean_ns * 50 + 10_000_000, "{report:?}");
    }

    /// What a kernel does that moves bytes to another place.
    #[test]
    fn wrong_bytes_are_an_error_of_the_thread_that_sees_them() {
        let asked = SocketRun {
            family: SocketFamily::Unix,
            mode: SocketMode::PingPong,
            message_bytes: 16,
            count: 1,
            dither_ns: 0,
        };
        let (mut first, second) = link::connect(asked.family).unwrap();
        let mut message = [0; 16];
        Stamp::Spread.fill(&mut message, 0);
        first.write_all(&message).unwrap();
        message[3] ^= 1;
        first.write_all(&message).unwrap();
        let error = answer(second, &asked).unwrap_err().to_string();
        assert!(error.starts_with("wrong data: offset 3: a wrong byte"), "{error}");
    }
}
