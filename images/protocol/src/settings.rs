//! The settings of the FUSE server and of the storage behind it: a resolved scenario, and the part of it that can change
//! while the server is mounted.

use serde::{Deserialize, Serialize};

use crate::{
    Action, FaultOperation, InitWish, MountOption, OpenWish, RingBuffers, StorageSettings, Transport,
};

/// How the server talks to the kernel, how its storage behaves, and which faults it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ServerSettings {
    /// Threads that read requests and serve them, each request from start to end in one thread.
    pub threads: u32,
    /// Whether each thread has its own clone of the device descriptor (`FUSE_DEV_IOC_CLONE`).
    pub clone_fd: bool,
    /// Whether READ and WRITE move pages between the device and the backing file by splice(2) instead of copying them.
    pub splice: bool,
    /// Largest READ and WRITE request, KiB: `max_write` and `max_readahead` of FUSE_INIT.
    pub request_kib: u32,
    /// A smaller limit for READ alone, KiB: `max_read` of mount(2). 0 is none. Campaigns of before this setting had none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub max_read_kib: u32,
    /// `max_background` of FUSE_INIT: the most asynchronous requests in flight.
    pub max_background: u16,
    /// `congestion_threshold` of FUSE_INIT: the number of asynchronous requests from which on the kernel calls the file
    /// system congested. It holds back read-ahead, not direct I/O.
    pub congestion_threshold: u16,
    /// Whether FUSE_ASYNC_DIO is asked for.
    pub async_dio: bool,
    /// Whether files are opened with FOPEN_DIRECT_IO: no page cache, and read(2) and write(2) are served synchronously.
    pub direct_io: bool,
    /// Whether FUSE_AUTO_INVAL_DATA is asked for: the kernel drops cached pages when attributes have changed, and asks for
    /// attributes before each read when they have expired.
    pub auto_inval_data: bool,
    /// Whether FUSE_WRITEBACK_CACHE is asked for: buffered writes are sent later.
    pub writeback_cache: bool,
    /// Flags of FUSE_INIT that are asked for beside the usual ones, or left out. Campaigns of before this setting had none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub init_flags: Vec<InitWish>,
    /// Flags in the answers to OPEN, CREATE and OPENDIR. Campaigns of before this setting had none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open_flags: Vec<OpenWish>,
    /// After how many seconds without an answer the kernel ends the connection (FUSE_REQUEST_TIMEOUT); 0 for never.
    #[serde(default, skip_serializing_if = "is_never")]
    pub request_timeout_s: u16,
    /// Whether the kernel reads and writes the backing files by itself (FUSE_PASSTHROUGH). Campaigns of before this setting had
    /// none of it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub passthrough: bool,
    /// How requests come from the kernel. Campaigns of before this setting had but one way.
    #[serde(default, skip_serializing_if = "Transport::is_usual")]
    pub transport: Transport,
    /// With io_uring: requests that each thread can have at a time. It serves them one after the other. 0 without io_uring.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub ring_depth: u32,
    /// With io_uring: where the data of requests lies.
    #[serde(default, skip_serializing_if = "RingBuffers::are_usual")]
    pub ring_buffers: RingBuffers,
    /// Whether it is mounted with `allow_other`: the kernel lets every user in, not only the one who mounted. Campaigns of
    /// before this setting had none of it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub allow_other: bool,
    /// Whether the kernel decides what a user may do, by owner, group and mode (`default_permissions`). Without, the server
    /// acts as the user who asks, and the storage decides. Campaigns of before this setting left it to the kernel.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub default_permissions: bool,
    /// Whether FUSE_POSIX_ACL is asked for: the kernel decides by access control lists as well, and what is made gets those
    /// of its folder. Campaigns of before this setting had none of it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub posix_acl: bool,
    /// The flags that it is mounted with.
    #[serde(default = "MountOption::usual", skip_serializing_if = "are_usual")]
    pub mount_options: Vec<MountOption>,
    /// How long the kernel may trust names that it has looked up, milliseconds; none for as long as attributes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry_timeout_ms: Option<u64>,
    /// How long it may trust that there is no such name, milliseconds. Campaigns of before this setting had 0: it asks each
    /// time.
    #[serde(default, skip_serializing_if = "is_no_time")]
    pub negative_timeout_ms: u64,
    /// When the backing file is opened.
    pub open: OpenMode,
    /// How long the kernel may trust attributes, milliseconds.
    pub attribute_timeout_ms: u64,
    /// How GETXATTR is answered.
    pub getxattr: Getxattr,
    /// Records of the request log that are kept for each workload; 0 for no log.
    pub request_log: u32,
    /// In which order requests are answered.
    pub reply_order: ReplyOrder,
    /// For another order than that of arrival: how long answers are collected before they go out in that order,
    /// microseconds from the first one.
    pub reply_window_us: u64,
    /// What random latencies and random orders are drawn from.
    pub seed: u64,
    /// A slowdown that is planted to see whether it is found: what the server burns in each READ and WRITE, nanoseconds of
    /// work for the CPU. Not a matter of a scenario: it is set for single arms of a plan.
    pub burn_ns: u64,
    /// What the server burns in each READ and WRITE at most beside that, drawn anew for each from nothing to all of it,
    /// nanoseconds. It keeps tool and server from falling into step. Campaigns of before this setting had none of it.
    #[serde(default, skip_serializing_if = "is_no_time")]
    pub work_dither_ns: u64,
    /// Whether the storage keeps no data: READ gives zeros up to the end of the file, and of a WRITE only the size that it makes the
    /// file have is left. Campaigns of before this setting had none of it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub storage_null: bool,
    /// The storage.
    pub storage: StorageSettings,
    /// What the server does by itself. Campaigns of before this setting had none of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<Action>,
    /// What goes wrong. Each fault counts the requests that match it, from the mount on; if several are due at one request,
    /// the first of them decides.
    pub faults: Vec<Fault>,
}

/// The part of the settings that can be given anew while the server is mounted (`behave` in [`crate::ControlCommand`]). The
/// fields mean what those of [`ServerSettings`] do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Behaviour {
    /// The storage. Its draws start from the first.
    pub storage: StorageSettings,
    /// In which order requests are answered.
    pub reply_order: ReplyOrder,
    /// How long answers are collected, microseconds.
    pub reply_window_us: u64,
    /// What random latencies and random orders are drawn from.
    pub seed: u64,
    /// What goes wrong, counted from when this behaviour begins.
    pub faults: Vec<Fault>,
}

impl Behaviour {
    /// Storage in memory, answers as they are ready, and no fault.
    pub const fn plain() -> Self {
        Behaviour {
            storage: StorageSettings::OFF,
            reply_order: ReplyOrder::Done,
            reply_window_us: 0,
            seed: 1,
            faults: Vec::new(),
        }
    }

    /// Whether the server sleeps to behave so.
    pub fn takes_time(&self) -> bool {
        let delays = |fault: &Fault| matches!(fault.effect, Effect::Delay { .. });
        !self.storage.is_off() || self.reply_window_us > 0 || self.faults.iter().any(delays)
    }
}

impl Default for Behaviour {
    fn default() -> Self {
        Behaviour::plain()
    }
}

/// When the server opens the backing file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OpenMode {
    /// Once, at open; the handle is kept until release.
    Kept,
    /// For each READ and WRITE, and closed again, as libfuse's `fusexmp` of 2012 did.
    PerRequest,
}

/// How the server answers GETXATTR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Getxattr {
    /// From the backing file. The kernel asks for `security.capability` once per write.
    Passthrough,
    /// ENOSYS: the kernel asks once and never again.
    Enosys,
}

/// In which order READ and WRITE requests that are outstanding together are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReplyOrder {
    /// Each as soon as its storage operation is done.
    Done,
    /// Those of a window in the reverse order of their arrival.
    Reversed,
    /// Those of a window in a random order.
    Random,
}

/// Something that goes wrong in the server, at the requests that match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Fault {
    /// The operation, by one of the names in [`Fault::OPERATIONS`].
    pub operation: FaultOperation,
    /// READ and WRITE only: the request that contains this offset, KiB; none for any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset_kib: Option<u64>,
    /// How many requests that match are spared at first.
    pub after: u64,
    /// How often it happens from then on.
    pub times: Times,
    /// What happens.
    pub effect: Effect,
}

/// How often a fault happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Times {
    /// At one request.
    Once,
    /// At every request that matches.
    Always,
}

/// What a fault does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// The request is answered with EIO, and nothing is done for it.
    Eio,
    /// The same with another error. Some have a meaning beyond the request: after ENOSYS the kernel never sends some
    /// operations again.
    Errno {
        /// Its number, 1 to 511: the kernel takes no other in an answer. E.g. 28 for ENOSPC.
        errno: u16,
    },
    /// READ and WRITE only: no more than this many bytes are transferred, and the answer says so.
    Short {
        /// The most that is transferred.
        bytes: u32,
    },
    /// READ and WRITE only: the request is served, and its answer is too large by this much. That to a WRITE claims so many
    /// bytes more than were asked for. That to a READ has so many bytes more than were asked for: the kernel does not
    /// take it (EINVAL), and lets the request fail with EIO.
    Oversize {
        /// How many, at least 1.
        bytes: u32,
    },
    /// The request is served this much later.
    Delay {
        /// Microseconds.
        us: u64,
    },
    /// The request is not answered, and its thread serves no other one, until the mount ends or another [`Behaviour`] begins:
    /// then nothing is done for it, and it is answered with EIO.
    Hang,
    /// The server aborts.
    Die,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_true(flag: &bool) -> bool {
    *flag
}

/// For serde, which has no other word for it.
fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_no_time(time: &u64) -> bool {
    *time == 0
}

fn are_usual(options: &[MountOption]) -> bool {
    options == MountOption::usual()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_never(seconds: &u16) -> bool {
    *seconds == 0
}

/// For serde, which hands over a reference.
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl ServerSettings {
    /// The largest READ, KiB.
    pub fn read_kib(&self) -> u32 {
        if self.max_read_kib == 0 { self.request_kib } else { self.max_read_kib }
    }

    /// How long the kernel trusts names, milliseconds.
    pub fn entries_ms(&self) -> u64 {
        self.entry_timeout_ms.unwrap_or(self.attribute_timeout_ms)
    }

    /// Whether modes come with the umask that they are to lose (FUSE_DONT_MASK): only the storage knows whether a folder
    /// has a default access control list, which counts instead of it.
    pub fn masks_itself(&self) -> bool {
        self.posix_acl || !self.default_permissions
    }

    /// The settings of a plain server, for tests and examples: those of 2012 on storage in memory.
    pub fn example() -> Self {
        ServerSettings {
            threads: 16,
            clone_fd: true,
            splice: false,
            request_kib: 128,
            max_read_kib: 0,
            max_background: 12,
            congestion_threshold: 9,
            async_dio: true,
            direct_io: false,
            auto_inval_data: false,
            writeback_cache: false,
            init_flags: Vec::new(),
            open_flags: Vec::new(),
            request_timeout_s: 0,
            passthrough: false,
            transport: Transport::DevFuse,
            ring_depth: 0,
            ring_buffers: RingBuffers::Own,
            allow_other: false,
            default_permissions: true,
            posix_acl: false,
            mount_options: MountOption::usual(),
            entry_timeout_ms: None,
            negative_timeout_ms: 0,
            open: OpenMode::Kept,
            attribute_timeout_ms: 1000,
            getxattr: Getxattr::Enosys,
            request_log: 0,
            reply_order: ReplyOrder::Done,
            reply_window_us: 0,
            seed: 1,
            burn_ns: 0,
            work_dither_ns: 0,
            storage_null: false,
            storage: StorageSettings::OFF,
            actions: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// What can change while the server is mounted.
    pub fn behaviour(&self) -> Behaviour {
        Behaviour {
            storage: self.storage.clone(),
            reply_order: self.reply_order,
            reply_window_us: self.reply_window_us,
            seed: self.seed,
            faults: self.faults.clone(),
        }
    }

    /// The same with another storage latency.
    pub fn with_latency_us(mut self, latency_us: u64) -> Self {
        self.storage.latency_us = latency_us;
        self
    }
}
