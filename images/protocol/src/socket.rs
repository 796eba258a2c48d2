//! What the socket load tool is told, and what it says.

use serde::{Deserialize, Serialize};

/// The most bytes of a message: 16 MiB.
const MOST_BYTES: u64 = 16 << 20;

/// The most messages.
const MOST_MESSAGES: u64 = 1_000_000_000;

/// The longest work before a message, nanoseconds: a millisecond.
const MOST_DITHER_NS: u64 = 1_000_000;

/// The variable of the environment that holds what a sample's draws follow from.
pub const SEED_VARIABLE: &str = "LAB_SEED";

/// One run: two threads with a connection between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketRun {
    /// What connects them.
    pub family: SocketFamily,
    /// What they do.
    pub mode: SocketMode,
    /// Bytes of each message, at least 1.
    pub message_bytes: u32,
    /// Messages, at least 1.
    pub count: u32,
    /// How long the sender works before each message at most, drawn for each, nanoseconds.
    pub dither_ns: u32,
}

/// What connects the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketFamily {
    /// TCP over 127.0.0.1, without delay (`TCP_NODELAY`).
    Tcp,
    /// A pair of UNIX stream sockets.
    Unix,
}

/// What the two do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketMode {
    /// One sends a message, the other sends it back, and so on.
    PingPong,
    /// One sends all messages, the other reads them, and says at the end that it has them.
    Stream,
}

impl SocketRun {
    /// Reads arguments, each of which is an option followed by its value.
    ///
    /// # Errors
    /// If one is wrong or missing; says which, and what to use instead.
    pub fn parse(args: &[String]) -> Result<Self, String> {
        const OPTIONS: [&str; 5] = ["--family", "--mode", "--message-bytes", "--count", "--dither-ns"];
        let mut values: [Option<&str>; OPTIONS.len()] = [None; OPTIONS.len()];
        for pair in args.chunks(2) {
            let [option, value] = pair else {
                return Err(format!("`{}` has no value; write one behind it", pair.concat()));
            };
            let Some(place) = OPTIONS.iter().position(|known| known == option) else {
                return Err(format!("there is no option `{option}`; there are: {}", OPTIONS.join(", ")));
            };
            if values[place].replace(value).is_some() {
                return Err(format!("`{option}` is given twice; give it once"));
            }
        }
        let [family, mode, message_bytes, count, dither_ns] = values;
        Ok(SocketRun {
            family: match family {
                Some("tcp") => SocketFamily::Tcp,
                Some("unix") => SocketFamily::Unix,
                other => return Err(none_of("--family", other, "`tcp` or `unix`")),
            },
            mode: match mode {
                Some("ping-pong") => SocketMode::PingPong,
                Some("stream") => SocketMode::Stream,
                other => return Err(none_of("--mode", other, "`ping-pong` or `stream`")),
            },
            message_bytes: number("--message-bytes", message_bytes, 1, MOST_BYTES)?,
            count: number("--count", count, 1, MOST_MESSAGES)?,
            dither_ns: number("--dither-ns", dither_ns, 0, MOST_DITHER_NS)?,
        })
    }
}

fn number(option: &str, value: Option<&str>, least: u64, most: u64) -> Result<u32, String> {
    let parsed = value.and_then(|text| text.parse().ok()).filter(|number| (least..=most).contains(number));
    let number = parsed.and_then(|number: u64| u32::try_from(number).ok());
    number.ok_or_else(|| none_of(option, value, &format!("a number from {least} to {most}")))
}

fn none_of(option: &str, value: Option<&str>, wanted: &str) -> String {
    match value {
        Some(value) => format!("`{option} {value}` cannot be; use {wanted}"),
        None => format!("no `{option}`; add it with {wanted}"),
    }
}

/// What the tool writes to its standard output, as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SocketReport {
    /// Round trips, or messages of a stream.
    pub operations: u64,
    /// Bytes that the first thread has sent in them.
    pub bytes: u64,
    /// From the first message to the last answer, nanoseconds.
    pub elapsed_ns: u64,
    /// How long round trips took; none of a stream.
    pub round_trips: Option<RoundTrips>,
}

/// How long round trips took, nanoseconds. Percentiles are those of a histogram: too high by at most 1/128.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RoundTrips {
    /// The mean.
    pub mean_ns: u64,
    /// Half took at most this.
    pub p50_ns: u64,
    /// 90 % took at most this.
    pub p90_ns: u64,
    /// 99 % did.
    pub p99_ns: u64,
    /// 99.9 % did.
    pub p99_9_ns: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<SocketRun, String> {
        SocketRun::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn a_run_is_all_of_its_options_in_any_order() {
        let run = parse("--count 9 --family unix --dither-ns 0 --mode stream --message-bytes 65536");
        let (family, mode) = (SocketFamily::Unix, SocketMode::Stream);
        assert_eq!(run, Ok(SocketRun { family, mode, message_bytes: 65536, count: 9, dither_ns: 0 }));
    }

    #[test]
    fn mistakes_end_with_what_to_use() {
        let good = "--family tcp --mode ping-pong --message-bytes 1 --count 1 --dither-ns 0";
        for (from, to, expected) in [
            ("--family tcp", "--family udp", "`--family udp` cannot be; use `tcp` or `unix`"),
            ("--family tcp", "", "no `--family`; add it with `tcp` or `unix`"),
            ("--mode ping-pong", "--mode x", "`--mode x` cannot be; use `ping-pong` or `stream`"),
            ("--count 1", "--count 0", "`--count 0` cannot be; use a number from 1 to 1000000000"),
            (
                "--count 1",
                "--count 4294967297",
                "`--count 4294967297` cannot be; use a number from 1 to 1000000000",
            ),
            (
                "--message-bytes 1",
                "--message-bytes -1",
                "`--message-bytes -1` cannot be; use a number from 1 to 16777216",
            ),
            ("--dither-ns 0", "", "no `--dither-ns`; add it with a number from 0 to 1000000"),
            ("--count 1", "--count 1 --count 1", "`--count` is given twice; give it once"),
            ("--dither-ns 0", "--dither-ns", "`--dither-ns` has no value; write one behind it"),
            (
                "--count 1",
                "--amount 1",
                "there is no option `--amount`; there are: --family, --mode, --message-bytes, --count, --dither-ns",
            ),
        ] {
            assert_eq!(parse(&good.replace(from, to)), Err(expected.to_owned()), "{to}");
        }
    }
}
