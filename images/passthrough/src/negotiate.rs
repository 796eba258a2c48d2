//! FUSE_INIT: what the server asks for and what comes of it.

use anyhow::ensure;
use lab_protocol::{Asked, InitFlag, Negotiated, OpenFlag, Opened, RingBuffers, ServerSettings, Transport};
use zerocopy::IntoBytes;

use crate::device::request::Dialect;
use crate::device::wire::{
    FOPEN_DIRECT_IO, FOPEN_IO_URING_ZERO_COPY, FOPEN_PASSTHROUGH, InitIn, InitOut, MAJOR, MINOR, init,
};

/// Pages of one request that a kernel allows if nobody has changed `fs.fuse.max_pages_limit`, and those of each kernel
/// that has no such setting.
pub(crate) const USUAL_PAGES: u32 = 256;

/// The most that FUSE_MAX_PAGES can say.
pub(crate) const MOST_PAGES: u32 = u16::MAX as u32;

/// The protocol of Linux 2.6.31 (2009), since which the structures of requests have had their present size.
const OLDEST_MINOR: u32 = 12;

/// The protocol since which the answer to FUSE_INIT has its present size, and the size before.
const LONG_REPLY_MINOR: u32 = 23;
const SHORT_REPLY: usize = 24;

/// Pages in which FUSE_MAX_PAGES counts, bytes: those of every machine that the lab runs on.
pub(crate) const PAGE: u32 = 4096;

/// Asked for whenever the kernel offers them, as [`InitFlag::ALL`] says. FUSE_ABORT_ERROR tells an abort from an unmount;
/// FUSE_ASYNC_READ lets the kernel read ahead in parallel; FUSE_BIG_WRITES and FUSE_MAX_PAGES allow requests of more than
/// one page and of more than 32.
///
/// Not asked for unless a scenario says so: FUSE_ATOMIC_O_TRUNC (truncation comes as a SETATTR after the OPEN),
/// FUSE_HANDLE_KILLPRIV and, while the kernel decides by permissions, its second version (they would end the question for
/// `security.capability` before each write, which `getxattr` is a setting for).
const WANTED: u64 = {
    let (mut bits, mut place) = (0, 0);
    while place < InitFlag::ALL.len() {
        if matches!(InitFlag::ALL[place].asked, Asked::Always) {
            bits |= InitFlag::ALL[place].bit;
        }
        place += 1;
    }
    bits
};

/// How deep file systems may be stacked on this one and below it: backing files may be those of any file system that is
/// not stacked itself.
const STACK_DEPTH: u32 = 1;

/// The answer to FUSE_INIT.
#[derive(Debug)]
pub(crate) struct Reply {
    /// As it is sent.
    pub(crate) out: Vec<u8>,
    /// What it puts in force.
    pub(crate) agreed: Agreed,
    /// The same as it is told.
    pub(crate) negotiated: Negotiated,
}

/// What server and kernel do from FUSE_INIT on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Agreed {
    flags: u64,
    /// In the answers to OPEN and CREATE.
    pub(crate) file_flags: u32,
    /// In the answers to OPENDIR.
    pub(crate) directory_flags: u32,
    /// The largest payload of a request, bytes.
    pub(crate) payload: usize,
    /// Where payloads lie that come through io_uring.
    pub(crate) ring_buffers: RingBuffers,
}

impl Agreed {
    /// Whether a flag of FUSE_INIT is in force.
    pub(crate) fn has(&self, flag: u64) -> bool {
        self.flags & flag != 0
    }

    /// The form that requests have.
    pub(crate) fn dialect(&self) -> Dialect {
        Dialect { setxattr_ext: self.has(init::SETXATTR_EXT) }
    }
}

/// The flags that the settings want, whatever is offered.
fn wanted(settings: &ServerSettings) -> u64 {
    let by_key = [
        (init::ASYNC_DIO, settings.async_dio),
        // Programs that share mappings, such as databases, would meet ENODEV without it.
        (init::DIRECT_IO_ALLOW_MMAP, settings.direct_io),
        (init::AUTO_INVAL_DATA, settings.auto_inval_data),
        (init::WRITEBACK_CACHE, settings.writeback_cache),
        (init::POSIX_ACL, settings.posix_acl),
        (init::DONT_MASK, settings.masks_itself()),
        // The kernel would send a SETATTR that takes the set-id bits off, in the name of a writer who may not do that.
        (init::HANDLE_KILLPRIV_V2, !settings.default_permissions),
        (init::PASSTHROUGH, settings.passthrough),
        (init::OVER_IO_URING, !settings.transport.is_usual()),
        (init::HAS_IO_URING_BUFPOOL, !settings.transport.is_usual() && !settings.ring_buffers.are_usual()),
        (init::REQUEST_TIMEOUT, settings.request_timeout_s > 0),
    ];
    let by_key = by_key.into_iter().filter(|(_, wanted)| *wanted).fold(0, |all, (flag, _)| all | flag);
    let all = WANTED | by_key | init::INIT_EXT;
    settings.init_flags.iter().fold(all, |all, wish| match wish.wanted {
        true => all | wish.flag.bit,
        false => all & !wish.flag.bit,
    })
}

/// What the settings name and this kernel does not have.
fn refused(asked: &InitIn, missing: u64, settings: &ServerSettings) -> Vec<String> {
    let named = InitFlag::ALL.iter().filter(|flag| match flag.asked {
        // Old kernels have some of them not, as always.
        Asked::Always | Asked::BySelf => false,
        // Told by what is offered, like its key.
        Asked::With(_) => settings.init_flags.iter().any(|wish| wish.flag.bit == flag.bit),
        Asked::ByName | Asked::ByKey(_) | Asked::Never(_) => true,
    });
    let init = named.filter(|flag| missing & flag.bit != 0).map(|flag| match asked.minor < flag.minor {
        true => {
            format!("{} came with protocol 7.{}; this kernel speaks 7.{}", flag.name, flag.minor, asked.minor)
        }
        false => format!("{} is not offered by this kernel as it is configured", flag.name),
    });
    let open = settings.open_flags.iter().filter(|wish| asked.minor < wish.0.minor).map(|wish| {
        let OpenFlag { name, minor, .. } = wish.0;
        format!("FOPEN_{name} came with protocol 7.{minor}; this kernel speaks 7.{}", asked.minor)
    });
    init.chain(open).collect()
}

/// Answers FUSE_INIT, and tells what will be in force. `most_pages` are those that the kernel allows in one request.
///
/// # Errors
/// If the kernel's version of the protocol is not known, or it has no io_uring for a server that is to have nothing else.
pub(crate) fn negotiate(
    asked: &InitIn,
    capabilities: u64,
    most_pages: u32,
    settings: &ServerSettings,
) -> anyhow::Result<Reply> {
    let kernel_protocol = format!("{}.{}", asked.major, asked.minor);
    ensure!(
        asked.major == MAJOR && asked.minor >= OLDEST_MINOR,
        "the kernel speaks version {kernel_protocol} of FUSE; this server knows {MAJOR}.{OLDEST_MINOR} and later ones"
    );
    let wanted = wanted(settings);
    let offered = |flag: u64| capabilities & flag != 0;
    // Flags above the first 32 count only with FUSE_INIT_EXT.
    let flags = wanted & capabilities;
    let in_force = |flag: u64| flags & flag != 0;
    ensure!(
        settings.transport != Transport::IoUring || in_force(init::OVER_IO_URING),
        "the kernel does not offer FUSE over io_uring: it needs Linux 6.14, CONFIG_FUSE_IO_URING, and `Y` in \
         /sys/module/fuse/parameters/enable_uring; use transport \"io-uring-or-dev-fuse\" to do without it"
    );
    let pages = settings.request_kib * 1024 / PAGE;
    let request_bytes = pages.min(if in_force(init::MAX_PAGES) { most_pages } else { u32::MAX }) * PAGE;
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
        max_pages: (request_bytes / PAGE) as u16,
        max_stack_depth: if in_force(init::PASSTHROUGH) { STACK_DEPTH } else { 0 },
        request_timeout: if in_force(init::REQUEST_TIMEOUT) { settings.request_timeout_s } else { 0 },
        ..InitOut::default()
    };
    let mut refused = refused(asked, wanted & !capabilities, settings);
    if request_bytes < settings.request_kib * 1024 {
        refused.push(format!(
            "requests of {} KiB; this kernel allows {} (fs.fuse.max_pages_limit)",
            settings.request_kib,
            request_bytes / 1024
        ));
    }
    let opened = |of: Opened| {
        let set = settings.open_flags.iter().filter(|wish| wish.0.of == of);
        set.filter(|wish| asked.minor >= wish.0.minor).fold(0, |all, wish| all | wish.0.bit)
    };
    let direct_io = if settings.direct_io { FOPEN_DIRECT_IO } else { 0 };
    let passthrough = if in_force(init::PASSTHROUGH) { FOPEN_PASSTHROUGH } else { 0 };
    let has_pools = in_force(init::OVER_IO_URING) && in_force(init::HAS_IO_URING_BUFPOOL);
    let ring_buffers = if has_pools { settings.ring_buffers } else { RingBuffers::Own };
    let zero_copy = if ring_buffers == RingBuffers::ZeroCopy { FOPEN_IO_URING_ZERO_COPY } else { 0 };
    let agreed = Agreed {
        flags,
        file_flags: opened(Opened::File) | direct_io | passthrough | zero_copy,
        directory_flags: opened(Opened::Directory),
        payload: request_bytes as usize,
        ring_buffers,
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
        flags_offered: InitFlag::names_of(capabilities),
        flags_in_force: InitFlag::names_of(flags),
        refused,
        ring_queues: 0,
    };
    let mut bytes = out.as_bytes().to_vec();
    if asked.minor < LONG_REPLY_MINOR {
        bytes.truncate(SHORT_REPLY);
    }
    Ok(Reply { out: bytes, agreed, negotiated })
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
        let reply = negotiate(&asked(minor), capabilities, USUAL_PAGES, settings).unwrap();
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
        assert_eq!(flags(1 | 1 << 1, &plain), 1);
        for (settings, flag) in [
            (ServerSettings { async_dio: true, ..plain.clone() }, init::ASYNC_DIO),
            (ServerSettings { direct_io: true, ..plain.clone() }, init::DIRECT_IO_ALLOW_MMAP),
            (ServerSettings { auto_inval_data: true, ..plain.clone() }, init::AUTO_INVAL_DATA),
            (ServerSettings { writeback_cache: true, ..plain.clone() }, init::WRITEBACK_CACHE),
            (ServerSettings { posix_acl: true, ..plain.clone() }, init::POSIX_ACL | init::DONT_MASK),
            (
                ServerSettings { default_permissions: false, ..plain.clone() },
                init::HANDLE_KILLPRIV_V2 | init::DONT_MASK,
            ),
        ] {
            assert_eq!(flags(ALL, &settings), always | flag);
            assert_eq!(flags(ALL & !flag, &settings), always);
        }
    }

    #[test]
    fn what_is_in_force_is_told() {
        let settings = ServerSettings { writeback_cache: true, ..ServerSettings::example() };
        let told =
            |capabilities| negotiate(&asked(41), capabilities, USUAL_PAGES, &settings).unwrap().negotiated;
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
            [(12, 12, 24), (20, 20, 24), (22, 22, 24), (23, 23, 64), (41, 41, 64), (46, 46, 64), (99, 46, 64)]
        {
            let reply = negotiate(&asked(minor), ALL, USUAL_PAGES, &settings).unwrap();
            assert_eq!((out(minor, ALL, &settings).minor, reply.out.len()), (expected, length), "{minor}");
        }
        for (major, minor) in [(6, 41), (8, 0), (7, 11)] {
            let error =
                negotiate(&InitIn { major, minor, ..asked(0) }, ALL, USUAL_PAGES, &settings).unwrap_err();
            let expected = format!(
                "the kernel speaks version {major}.{minor} of FUSE; this server knows 7.12 and later ones"
            );
            assert_eq!(error.to_string(), expected);
        }
    }
}
