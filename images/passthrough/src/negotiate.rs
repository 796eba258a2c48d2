//! FUSE_INIT: what the server asks for and what comes of it.

use std::io;

use fuser::{InitFlags, KernelConfig};
use lab_protocol::{Negotiated, ServerSettings};

/// Pages of one request that a kernel allows by default (`fs.fuse.max_pages_limit`), in KiB.
pub(crate) const LARGEST_REQUEST_KIB: u32 = 1024;

/// Asked for whenever the kernel offers them. FUSE_ABORT_ERROR tells an abort from an unmount.
///
/// Never asked for: FUSE_POSIX_LOCKS and FUSE_FLOCK_LOCKS (the kernel then keeps the locks by itself: see `requests`),
/// FUSE_ATOMIC_O_TRUNC (truncation comes as a SETATTR after the OPEN), FUSE_HANDLE_KILLPRIV and its second version (they
/// would end the question for `security.capability` before each write, which `getxattr` is a setting for).
const WANTED: [InitFlags; 4] = [
    InitFlags::FUSE_ABORT_ERROR,
    InitFlags::FUSE_PARALLEL_DIROPS,
    InitFlags::FUSE_DO_READDIRPLUS,
    InitFlags::FUSE_READDIRPLUS_AUTO,
];

/// A capability that is asked for if the settings say so and the kernel offers it.
struct Optional {
    flag: InitFlags,
    offered: bool,
    in_force: bool,
}

/// Fills in the answer to FUSE_INIT, and tells what will be in force.
pub(crate) fn negotiate(config: &mut KernelConfig, settings: &ServerSettings) -> io::Result<Negotiated> {
    let capabilities = config.capabilities();
    let optional = |(flag, wanted)| {
        let offered = capabilities.contains(flag);
        Optional { flag, offered, in_force: wanted && offered }
    };
    let optional = [
        (InitFlags::FUSE_ASYNC_DIO, settings.async_dio),
        // Programs that share mappings, such as databases, would meet ENODEV without it.
        (InitFlags::FUSE_DIRECT_IO_ALLOW_MMAP, settings.direct_io),
        (InitFlags::FUSE_AUTO_INVAL_DATA, settings.auto_inval_data),
        (InitFlags::FUSE_WRITEBACK_CACHE, settings.writeback_cache),
    ]
    .map(optional);
    let always = WANTED.into_iter().filter(|flag| capabilities.contains(*flag));
    let by_setting = optional.iter().filter(|it| it.in_force).map(|it| it.flag);
    for flag in always.chain(by_setting) {
        config.add_capabilities(flag).map_err(|flag| refused("a capability", flag.bits()))?;
    }
    let [async_dio, direct_io_allow_mmap, auto_inval_data, writeback_cache] = optional;
    // fuser derives max_pages from the larger of the two: both, or reads are larger than writes.
    let request_bytes = settings.request_kib * 1024;
    config.set_max_write(request_bytes).map_err(|most| refused("max_write", most.into()))?;
    // The kernel offers the read-ahead of its backing device, and takes less but not more.
    let max_readahead = match config.set_max_readahead(request_bytes) {
        Ok(_) => request_bytes,
        Err(most) => {
            config.set_max_readahead(most).map(|_| most).map_err(|most| refused("it", most.into()))?
        }
    };
    config.set_max_background(settings.max_background).map_err(|n| refused("max_background", n.into()))?;
    config
        .set_congestion_threshold(settings.congestion_threshold)
        .map_err(|n| refused("congestion_threshold", n.into()))?;
    Ok(Negotiated {
        kernel_protocol: config.kernel_abi().to_string(),
        max_write: request_bytes,
        max_readahead,
        max_background: settings.max_background,
        // fuser sends no more: it would never be reached.
        congestion_threshold: settings.congestion_threshold.min(settings.max_background),
        async_dio_offered: async_dio.offered,
        async_dio_in_force: async_dio.in_force,
        direct_io_in_force: settings.direct_io,
        direct_io_allow_mmap_offered: direct_io_allow_mmap.offered,
        direct_io_allow_mmap_in_force: direct_io_allow_mmap.in_force,
        auto_inval_data_offered: auto_inval_data.offered,
        auto_inval_data_in_force: auto_inval_data.in_force,
        writeback_cache_offered: writeback_cache.offered,
        writeback_cache_in_force: writeback_cache.in_force,
    })
}

fn refused(what: &str, nearest: u64) -> io::Error {
    io::Error::other(format!("{what} was refused in FUSE_INIT; nearest possible value: {nearest}"))
}
