//! FUSE_INIT: what the server asks for and what comes of it.

use std::io;

use fuser::{InitFlags, KernelConfig};
use lab_protocol::{Negotiated, ServerSettings};

/// Pages of one request that a kernel allows by default (`fs.fuse.max_pages_limit`), in KiB.
pub(crate) const LARGEST_REQUEST_KIB: u32 = 1024;

/// Asked for whenever the kernel offers them. FUSE_AUTO_INVAL_DATA is not among them: with an expired
/// attribute timeout it costs one GETATTR per read. FUSE_ABORT_ERROR tells an abort from an unmount.
const WANTED: [InitFlags; 4] = [
    InitFlags::FUSE_ABORT_ERROR,
    InitFlags::FUSE_PARALLEL_DIROPS,
    InitFlags::FUSE_DO_READDIRPLUS,
    InitFlags::FUSE_READDIRPLUS_AUTO,
];

/// Fills in the answer to FUSE_INIT, and tells what will be in force.
pub(crate) fn negotiate(config: &mut KernelConfig, settings: &ServerSettings) -> io::Result<Negotiated> {
    let offered = config.capabilities();
    let async_dio_offered = offered.contains(InitFlags::FUSE_ASYNC_DIO);
    let async_dio_in_force = settings.async_dio && async_dio_offered;
    let asked = WANTED.into_iter().filter(|flag| offered.contains(*flag));
    let async_dio = async_dio_in_force.then_some(InitFlags::FUSE_ASYNC_DIO);
    for flag in asked.chain(async_dio) {
        config.add_capabilities(flag).map_err(|flag| refused("a capability", flag.bits()))?;
    }
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
        congestion_threshold: settings.congestion_threshold,
        async_dio_offered,
        async_dio_in_force,
    })
}

fn refused(what: &str, nearest: u64) -> io::Error {
    io::Error::other(format!("{what} was refused in FUSE_INIT; nearest possible value: {nearest}"))
}
