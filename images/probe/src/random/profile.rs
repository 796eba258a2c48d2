//! What a sequence is made of: one profile for each subject.

use super::operation::{Action, By, Way};
use super::violation::Kind;

/// A subject. Each has a probe of its own, so that a kernel with one known fault still shows what else it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// read(2) and write(2) around the page cache, from several threads.
    Direct,
    /// The same beside buffered reads and writes and shared mappings. No asynchronous requests.
    Mixed,
    /// Asynchronous requests around the page cache.
    Aio,
    /// Sizes: truncation, allocation, holes, appends, and asynchronous writes that extend the file.
    Truncate,
    /// Requests that fail or come short.
    Faults,
    /// Asynchronous writes around the page cache beside reads from it. A profile of its own, since stock kernels are known
    /// to fail it: an asynchronous direct write leaves stale pages.
    Coherence,
    /// Truncation beside asynchronous writes. A profile of its own, since kernels with asynchronous direct I/O are known to fail
    /// it: the truncation does not wait for the writes, and the kernel keeps a size that the server's file has not.
    Cut,
    /// The same as libaio's, by io_uring(7), beside it, with sizes that change. The kernel gives these requests to threads of
    /// its own, since FUSE has no way to begin one without waiting.
    Uring,
    /// io_uring through the page cache, beside direct writes that are waited for, and mappings.
    UringCached,
}

/// What is drawn, each as often as it stands there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mix {
    pub(crate) actions: &'static [Action],
    /// Who reads and writes.
    pub(crate) by: &'static [By],
    pub(crate) read_ways: &'static [Way],
    pub(crate) write_ways: &'static [Way],
    /// Whether requests go wrong.
    pub(crate) faults: Faults,
    /// How long the storage takes, microseconds; each request takes up to twice as long.
    pub(crate) latencies_us: &'static [u64],
    /// How many requests from the begin of a file places are drawn.
    pub(crate) requests: u64,
}

/// Whether requests go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Faults {
    None,
    Drawn,
}

const THREADS: &[By] = &[By::Main, By::Main, By::Thread(1), By::Thread(2), By::Thread(3)];
const KERNEL: &[By] = &[By::Main, By::Thread(1), By::Thread(2), By::Aio, By::Aio, By::Aio, By::Aio];
const RING: &[By] =
    &[By::Main, By::Thread(1), By::Thread(2), By::Aio, By::Uring, By::Uring, By::Uring, By::Uring];
const RING_AND_THREADS: &[By] = &[By::Main, By::Thread(1), By::Thread(2), By::Uring, By::Uring, By::Uring];
const DIRECT_READS: &[Way] = &[Way::Direct, Way::DirectReadOnly];
const DIRECT_WRITES: &[Way] = &[Way::Direct];
const ALL_READS: &[Way] =
    &[Way::Direct, Way::DirectReadOnly, Way::Buffered, Way::Buffered, Way::BufferedReadOnly];

impl Profile {
    pub(crate) const ALL: [Profile; 9] = [
        Profile::Direct,
        Profile::Mixed,
        Profile::Aio,
        Profile::Truncate,
        Profile::Faults,
        Profile::Coherence,
        Profile::Cut,
        Profile::Uring,
        Profile::UringCached,
    ];

    /// The name of its probe.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Profile::Direct => "random-direct",
            Profile::Mixed => "random-mixed",
            Profile::Aio => "random-aio",
            Profile::Truncate => "random-truncate",
            Profile::Faults => "random-faults",
            Profile::Coherence => "random-coherence",
            Profile::Cut => "random-cut",
            Profile::Uring => "random-uring",
            Profile::UringCached => "random-uring-cached",
        }
    }

    /// The profile of a probe, with or without `random-`.
    pub(crate) fn of(name: &str) -> Option<Profile> {
        let is = |profile: &Profile| {
            profile.name() == name || profile.name().strip_prefix("random-") == Some(name)
        };
        Profile::ALL.into_iter().find(is)
    }

    /// Whether it is about io_uring, which not every kernel has.
    pub(crate) fn uses_uring(self) -> bool {
        self.mix().by.contains(&By::Uring)
    }

    /// Whether it is there to show this failure, which kernels are known to have. It is no fault of what is tried then.
    pub(crate) fn shows(self, kind: Kind) -> bool {
        match self {
            // What direct I/O did not get, generic code reads through the page cache, beside asynchronous writes.
            Profile::Coherence | Profile::Faults => kind == Kind::StalePage,
            Profile::Cut => kind == Kind::Split,
            Profile::Direct
            | Profile::Mixed
            | Profile::Aio
            | Profile::Truncate
            | Profile::Uring
            | Profile::UringCached => false,
        }
    }

    /// What is done, as the title of a probe.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Profile::Direct => "random direct reads and writes of several threads",
            Profile::Mixed => "random direct, buffered and mapped reads and writes",
            Profile::Aio => "random asynchronous direct reads and writes",
            Profile::Truncate => "random direct reads and writes while the size changes",
            Profile::Faults => "random direct reads and writes of which some fail",
            Profile::Coherence => "random asynchronous direct writes beside reads from the page cache",
            Profile::Cut => "random asynchronous direct writes beside truncation",
            Profile::Uring => "random direct reads and writes by io_uring while the size changes",
            Profile::UringCached => "random reads and writes by io_uring through the page cache",
        }
    }

    /// What it draws.
    pub(crate) fn mix(self) -> Mix {
        use Action::{
            Allocate, Append, Drop, Fsync, Load, Msync, Punch, Read, Seek, Stat, Store, Truncate, Write,
        };
        let none = Faults::None;
        let direct = |actions, by| Mix {
            actions,
            by,
            read_ways: DIRECT_READS,
            write_ways: DIRECT_WRITES,
            faults: none,
            latencies_us: &[0, 0, 50, 400],
            requests: 12,
        };
        match self {
            Profile::Direct => direct(
                &[Read, Read, Read, Read, Read, Write, Write, Write, Write, Write, Append, Fsync, Drop, Stat],
                THREADS,
            ),
            Profile::Aio => direct(&[Read, Read, Read, Read, Write, Write, Write, Write, Stat], KERNEL),
            Profile::Truncate => direct(
                &[
                    Read, Read, Read, Write, Write, Write, Write, Append, Append, Truncate, Truncate,
                    Allocate, Punch, Stat, Stat, Seek,
                ],
                KERNEL,
            ),
            Profile::Faults => Mix {
                faults: Faults::Drawn,
                ..direct(&[Read, Read, Read, Write, Write, Write, Stat], KERNEL)
            },
            Profile::Mixed => Mix {
                actions: &[
                    Read, Read, Read, Read, Write, Write, Write, Write, Append, Load, Load, Store, Store,
                    Msync, Truncate, Punch, Fsync, Drop, Stat,
                ],
                read_ways: ALL_READS,
                write_ways: &[Way::Direct, Way::Direct, Way::Buffered],
                ..direct(&[], THREADS)
            },
            Profile::Uring => {
                direct(&[Read, Read, Read, Read, Write, Write, Write, Write, Append, Truncate, Stat], RING)
            }
            Profile::UringCached => Mix {
                actions: &[
                    Read, Read, Read, Read, Write, Write, Write, Write, Append, Load, Store, Truncate, Drop,
                    Stat,
                ],
                read_ways: ALL_READS,
                write_ways: &[Way::Direct, Way::Buffered, Way::Buffered],
                ..direct(&[], RING_AND_THREADS)
            },
            Profile::Cut => Mix {
                latencies_us: &[400, 1000],
                requests: 8,
                ..direct(&[Read, Read, Write, Write, Write, Truncate, Stat], KERNEL)
            },
            Profile::Coherence => Mix {
                actions: &[Read, Read, Read, Read, Write, Write, Write, Load, Load, Drop],
                read_ways: ALL_READS,
                // A page has to be read while a write of it is under way, and once more when that has ended.
                latencies_us: &[400, 1000],
                requests: 4,
                ..direct(&[], KERNEL)
            },
        }
    }
}
