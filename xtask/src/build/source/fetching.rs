//! Fetching: how much of it is there, on the terminal.

use std::fs;
use std::path::Path;
use std::process::Output;
use std::time::Instant;

use lab_core::evidence::time_left::left;
use xshell::Cmd;

use crate::lab::output::progress::{At, Step};
use crate::lab::process;

/// Runs a command that fetches. How many bytes are there says `there`, and how many will be, if it is known, `all`.
///
/// # Errors
/// As [`process::output`].
pub(crate) fn fetch(
    command: Cmd<'_>,
    step: &Step,
    there: impl Fn() -> u64,
    all: impl Fn() -> Option<u64>,
) -> anyhow::Result<Output> {
    let (begun, before) = (Instant::now(), there());
    process::output_while(command, || step.show(at(before, there(), all(), begun)))
}

fn at(before: u64, there: u64, all: Option<u64>, begun: Instant) -> At {
    let mib = |bytes: u64| bytes >> 20;
    let fetched = there.saturating_sub(before);
    match all.filter(|all| *all >= there && *all > 0) {
        Some(all) => At {
            share: Some((there, all)),
            left: left(fetched, all - before, begun.elapsed()),
            text: format!("{} of {} MiB", mib(there), mib(all)),
        },
        None => At::doing(format!("{} MiB", mib(there))),
    }
}

/// How many bytes `apt-get --print-uris` says that it would fetch; none if it says nothing.
pub(crate) fn bytes_of_uris(command: Cmd<'_>) -> Option<u64> {
    let text = process::read(command).ok()?;
    Some(sizes(&text)).filter(|bytes| *bytes > 0)
}

/// The third field of each line: address, file, size, digest.
fn sizes(text: &str) -> u64 {
    let lines = text.lines().filter(|line| line.starts_with('\''));
    lines.filter_map(|line| line.split(' ').nth(2)?.parse::<u64>().ok()).sum()
}

/// The size of all files in a folder and those below.
pub(crate) fn bytes_in(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(data) if data.is_dir() => bytes_in(&entry.path()),
            Ok(data) => data.len(),
            // It was moved or removed meanwhile.
            Err(_) => 0,
        })
        .sum()
}

/// The size of a file of which a part was asked for, by the headers of the answers; the last one counts.
pub(super) fn size_by_headers(headers: &str) -> Option<u64> {
    let mut size = None;
    for line in headers.lines() {
        let Some((name, value)) = line.split_once(':') else {
            // A status line: what another server said before does not count.
            if line.starts_with("HTTP/") {
                size = None;
            }
            continue;
        };
        match name.trim().to_lowercase().as_str() {
            "content-length" => size = size.or(value.trim().parse().ok()),
            "content-range" => size = value.rsplit('/').next().and_then(|all| all.trim().parse().ok()),
            _ => {}
        }
    }
    size
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As apt 2.6.1 said it of one package, with another line added up.
    #[test]
    fn sizes_by_apt_get() {
        let one = "'http://deb.debian.org/debian-security/pool/updates/main/l/linux-6.12/linux-source-6.12_6.12.117-1%7edeb12u1_all.deb' \
                   linux-source-6.12_6.12.117-1~deb12u1_all.deb 153476148 \
                   SHA256:e849faf31ca3555757f3a8877cb01af92122f744f75d1f3102734651c4e14703\n";
        assert_eq!(sizes(&format!("{one}Need to get 1 kB of archives.\n{one}")), 2 * 153_476_148);
        assert_eq!(sizes(""), 0);
    }

    #[test]
    fn sizes_by_headers() {
        let redirect = "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n";
        let whole = "HTTP/2 200 \r\ncontent-length: 1000\r\n\r\n";
        let part = "HTTP/1.1 206 Partial Content\r\nContent-Length: 400\r\nContent-Range: bytes 600-999/1000\r\n\r\n";
        let turned = "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 600-999/1000\r\nContent-Length: 400\r\n\r\n";
        for text in [whole, part, turned, &format!("{redirect}{whole}")] {
            assert_eq!(size_by_headers(text), Some(1000), "{text}");
        }
        assert_eq!(
            size_by_headers(&format!("{whole}HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n")),
            None
        );
        assert_eq!(size_by_headers("HTTP/1.1 206 P\r\nContent-Range: bytes 600-999/*\r\n"), None);
    }

    #[test]
    fn how_much_is_there() {
        let begun = Instant::now();
        let text = |there, all| at(0, there, all, begun).text;
        assert_eq!(text(5 << 20, Some(100 << 20)), "5 of 100 MiB");
        assert_eq!(text(5 << 20, None), "5 MiB");
        // A server that said less than it sends.
        assert_eq!(text(5 << 20, Some(1 << 20)), "5 MiB");
    }
}
