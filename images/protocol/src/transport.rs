//! The way that requests come to the server.

use serde::{Deserialize, Serialize};

/// How requests come from the kernel and answers go back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// read(2) and write(2), or splice(2), on `/dev/fuse`.
    #[default]
    DevFuse,
    /// FUSE_OVER_IO_URING, with a queue for each CPU, and no mount without it.
    IoUring,
    /// The same if kernel and machine have it, and `/dev/fuse` if not.
    IoUringOrDevFuse,
}

impl Transport {
    /// Whether it is the one that was there first.
    pub fn is_usual(&self) -> bool {
        *self == Transport::DevFuse
    }
}

/// Where the data of requests lies that come through io_uring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RingBuffers {
    /// In memory that each entry has for itself, as in all kernels with FUSE over io_uring.
    #[default]
    Own,
    /// In a pool of each queue, out of which the kernel takes a buffer for a request that has data. From protocol 7.46 on.
    Pool,
    /// The same, with memory that is registered with io_uring, so that the kernel does not look its pages up each time.
    RegisteredPool,
    /// As with a registered pool, but READ and WRITE are not copied: the server reads and writes the caller's pages.
    ZeroCopy,
}

impl RingBuffers {
    /// Whether they are those that were there first.
    pub fn are_usual(&self) -> bool {
        *self == RingBuffers::Own
    }
}
