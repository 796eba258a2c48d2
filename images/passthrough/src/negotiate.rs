//! FUSE_INIT: what the server asks for and what comes of it.

use anyhow::ensure;
use lab_protocol::{Negotiated, ServerSettings};
use zerocopy::IntoBytes;

use crate::device::wire::{InitIn, InitOut, MAJOR, MINOR, init};

/// Pages of one request that a kernel allows by default (`fs.fuse.max_pages_limit`), in KiB.
pub(crate) const LARGEST_REQUEST_KIB: u32 = 1024;

/// The protocol of Linux 2.6.31 (2009), since which the structures of requests have had their present size.
const OLDEST_MINOR: u32 = 12;

/// The protocol since which the answer to FUSE_INIT has its present size, and the size before.
const LONG_REPLY_MINOR: u32 = 23;
const SHORT_REPLY: usize = 24;

/// Pages in which FUSE_MAX_PAGES counts, bytes: those of every machine that the lab runs on.
const PAGE: u32 = 4096;

/// Asked for whenever the kernel offers them. FUSE_ABORT_ERROR tells an abort from an unmount; FUSE_ASYNC_READ lets the
/// kernel read ahead in parallel; FUSE_BIG_WRITES and FUSE_MAX_PAGES allow requests of more than one page and of more
/// than 32.
///
/// Never asked for: FUSE_POSIX_LOCKS and FUSE_FLOCK_LOCKS (the kernel then keeps the locks by itself: see `requests`),
/// FUSE_ATOMIC_O_TRUNC (truncation comes as a SETATTR after the OPEN), FUSE_HANDLE_KILLPRIV and its second version (they
/// would end the question for `security.capability` before each write, which `getxattr` is a setting for).
const WANTED: u64 = init::ABORT_ERROR
    | init::ASYNC_READ
    | init::BIG_WRITES
    | init::MAX_PAGES
    | init::PARALLEL_DIROPS
    | init::DO_READDIRPLUS
    | init::READDIRPLUS_AUTO;

/// The answer to FUSE_INIT.
#[derive(Debug)]
pub(crate) struct Reply {
    /// As it is sent.
    pub(crate) out: Vec<u8>,
    /// What it puts in force.
    pub(crate) negotiated: Negotiated,
}

/// Answers FUSE_INIT, and tells what will be in force.
///
/// # Errors
/// If the kernel's version of the protocol is not known.
pub(crate) fn negotiate(
    asked: &InitIn,
    capabilities: u64,
    settings: &ServerSettings,
) -> anyhow::Result<Reply> {
    let kernel_protocol = format!("{}.{}", asked.major, asked.minor);
    ensure!(
        asked.major == MAJOR && asked.minor >= OLDEST_MINOR,
        "the kernel speaks version {kernel_protocol} of FUSE; this server knows {MAJOR}.{OLDEST_MINOR} and later ones"
    );
    let offered = |flag: u64| capabilities & flag != 0;
    let optional = [
        (init::ASYNC_DIO, settings.async_dio),
        // Programs that share mappings, such as databases, would meet ENODEV without it.
        (init::DIRECT_IO_ALLOW_MMAP, settings.direct_io),
        (init::AUTO_INVAL_DATA, settings.auto_inval_data),
        (init::WRITEBACK_CACHE, settings.writeback_cache),
    ];
    let by_setting = optional.into_iter().filter(|(_, wanted)| *wanted).fold(0, |all, (flag, _)| all | flag);
    // Flags above the first 32 count only with FUSE_INIT_EXT.
    let flags = (WANTED | by_setting | init::INIT_EXT) & capabilities;
    let in_force = |flag: u64| flags & flag != 0;
    let request_bytes = settings.request_kib * 1024;
    let out = InitOut {
        major: MAJOR,
        minor: asked.minor.min(MINOR),
        // The kernel offers the read-ahead of its backing device, and takes less but not more.
        max_readahead: request_bytes.min(asked.max_readahead),
        flags: flags as u32,
        flags2: (flags >> 32) as u32,
        max_background: settings.max_background,
        // A larger one would never be reached.
        congestion_threshold: settings.congestion_threshold.min(settings.max_background),
        max_write: request_bytes,
        time_gran: 1,
        max_pages: request_bytes.div_ceil(PAGE) as u16,
        ..InitOut::default()
    };
    let negotiated = Negotiated {
        kernel_protocol,
        max_write: out.max_write,
        max_readahead: out.max_readahead,
        max_background: out.max_background,
        congestion_threshold: out.congestion_threshold,
        async_dio_offered: offered(init::ASYNC_DIO),
        async_dio_in_force: in_force(init::ASYNC_DIO),
        direct_io_in_force: settings.direct_io,
        direct_io_allow_mmap_offered: offered(init::DIRECT_IO_ALLOW_MMAP),
        direct_io_allow_mmap_in_force: in_force(init::DIRECT_IO_ALLOW_MMAP),
        auto_inval_data_offered: offered(init::AUTO_INVAL_DATA),
        auto_inval_data_in_force: in_force(init::AUTO_INVAL_DATA),
        writeback_cache_offered: offered(init::WRITEBACK_CACHE),
        writeback_cache_in_force: in_force(init::WRITEBACK_CACHE),
    };
    let mut bytes = out.as_bytes().to_vec();
    if asked.minor < LONG_REPLY_MINOR {
        bytes.truncate(SHORT_REPLY);
    }
    Ok(Reply { out: bytes, negotiated })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::wire::Take;

    /// What a kernel offers that has everything.
    const ALL: u64 = u64::MAX;

    fn asked(minor: u32) -> InitIn {
        InitIn { major: 7, minor, max_readahead: 131_072, flags: 0 }
    }

    fn out(minor: u32, capabilities: u64, settings: &ServerSettings) -> InitOut {
        let reply = negotiate(&asked(minor), capabilities, settings).unwrap();
        let mut bytes = reply.out;
        bytes.resize(64, 0);
        InitOut::take(&mut &bytes[..]).unwrap()
    }

    #[test]
    fn nothing_is_asked_for_that_is_not_offered_or_set() {
        let plain = ServerSettings { async_dio: false, ..ServerSettings::example() };
        let flags = |capabilities: u64, settings: &ServerSettings| {
            let out = out(41, capabilities, settings);
            u64::from(out.flags) | u64::from(out.flags2) << 32
        };
        let always = WANTED | init::INIT_EXT;
        assert_eq!(flags(ALL, &plain), always);
        assert_eq!(flags(0, &plain), 0);
        assert_eq!(flags(init::ASYNC_READ | 1 << 1, &plain), init::ASYNC_READ);
        for (settings, flag) in [
            (ServerSettings { async_dio: true, ..plain.clone() }, init::ASYNC_DIO),
            (ServerSettings { direct_io: true, ..plain.clone() }, init::DIRECT_IO_ALLOW_MMAP),
            (ServerSettings { auto_inval_data: true, ..plain.clone() }, init::AUTO_INVAL_DATA),
            (ServerSettings { writeback_cache: true, ..plain.clone() }, init::WRITEBACK_CACHE),
        ] {
            assert_eq!(flags(ALL, &settings), always | flag);
            assert_eq!(flags(ALL & !flag, &settings), always);
        }
    }

    #[test]
    fn what_is_in_force_is_told() {
        let settings = ServerSettings { writeback_cache: true, ..ServerSettings::example() };
        let told = |capabilities| negotiate(&asked(41), capabilities, &settings).unwrap().negotiated;
        let good = told(ALL);
        assert_eq!((good.async_dio_offered, good.async_dio_in_force), (true, true));
        assert_eq!((good.auto_inval_data_offered, good.auto_inval_data_in_force), (true, false));
        assert_eq!((good.writeback_cache_offered, good.writeback_cache_in_force), (true, true));
        let old = told(ALL & !init::ASYNC_DIO);
        assert_eq!((old.async_dio_offered, old.async_dio_in_force), (false, false));
        assert_eq!(good.kernel_protocol, "7.41");
    }

    #[test]
    fn sizes_are_those_of_the_settings_and_no_more_than_offered() {
        for (request_kib, readahead, pages) in [(4, 4096, 1), (128, 131_072, 32), (1024, 131_072, 256)] {
            let out = out(41, ALL, &ServerSettings { request_kib, ..ServerSettings::example() });
            assert_eq!((out.max_write, out.max_readahead), (request_kib * 1024, readahead));
            assert_eq!((out.max_pages, out.max_background, out.congestion_threshold), (pages, 12, 9));
        }
        let few = ServerSettings { max_background: 4, ..ServerSettings::example() };
        assert_eq!(out(41, ALL, &few).congestion_threshold, 4);
    }

    #[test]
    fn versions() {
        let settings = ServerSettings::example();
        for (minor, expected, length) in
            [(12, 12, 24), (20, 20, 24), (22, 22, 24), (23, 23, 64), (41, 41, 64), (45, 41, 64)]
        {
            let reply = negotiate(&asked(minor), ALL, &settings).unwrap();
            assert_eq!((out(minor, ALL, &settings).minor, reply.out.len()), (expected, length), "{minor}");
        }
        for (major, minor) in [(6, 41), (8, 0), (7, 11)] {
            let error = negotiate(&InitIn { major, minor, ..asked(0) }, ALL, &settings).unwrap_err();
            let expected = format!(
                "the kernel speaks version {major}.{minor} of FUSE; this server knows 7.12 and later ones"
            );
            assert_eq!(error.to_string(), expected);
        }
    }
}
