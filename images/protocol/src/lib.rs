//! The types that the host and the guest exchange.
//!
//! The host writes an [`Assignment`] into a second archive behind the image; process 1 reads it, does what it
//! says, and sends [`frame`]s over a port of its own, the last of which holds the [`Report`].
//!
//! And what more than one program of the guest needs: [`histogram`]s, [`random`] numbers, and the [`stamp`]s in files.

mod action;
mod assignment;
mod control;
mod end;
mod failure;
mod fault;
mod filesystem;
mod flags;
mod foreign;
pub mod frame;
pub mod histogram;
pub mod log;
mod mount;
mod nonce;
mod operation;
mod probe;
pub mod profile;
pub mod random;
mod report;
mod rules;
mod sampling;
mod settings;
mod shell;
mod socket;
pub mod stamp;
mod storage;
mod transport;
mod warning;

pub use action::{Action, ActionMistake, ActionReport, ActionResult, Deed, Knob, KnobPlace, Moment};
pub use assignment::{Assignment, Job, Tool, WorkloadTask};
pub use control::{CommandError, ControlCommand, ControlReply};
pub use end::EndOfProgram;
pub use failure::{FAULT_TRIGGER, Failure};
pub use fault::{FaultOperation, UnknownOperation};
pub use filesystem::{Completion, FilesystemKind, LocalFilesystem, NullBlock};
pub use flags::{Asked, FlagError, InitFlag, InitWish, OpenFlag, OpenWish, Opened};
pub use foreign::{ForeignServer, LibfuseExample, ServerProgram};
pub use mount::MountOption;
pub use nonce::Nonce;
pub use operation::Operation;
pub use probe::{NOT_PROBED, ProbeLine, ProbeReport, ProbeResult, ProbeSet, ProbeTask};
pub use report::{
    ByTransport, ContextSwitches, CpuTime, DataCheck, Hello, MemoryInUse, Milestone, Negotiated, Progress,
    Report, RequestStats, ServiceTimes, Splicing, StorageStats, WorkloadReport,
};
pub use rules::FaultMistake;
pub use sampling::{Perturbation, Sampling, Turn};
pub use settings::{Behaviour, Effect, Fault, Getxattr, OpenMode, ReplyOrder, ServerSettings, Times};
pub use shell::{
    SHARE_DIR, SHELL_COMMANDS, SHELL_PROGRAM, ShellTask, TERMINAL_DEVICE, TERMINAL_SIZE_PORT, TerminalSize,
    TerminalTask,
};
pub use socket::{RoundTrips, SEED_VARIABLE, SocketFamily, SocketMode, SocketReport, SocketRun};
pub use storage::{Distribution, StorageSettings};
pub use transport::{RingBuffers, Transport};
pub use warning::{KernelMessage, KernelWarnings, WARNING_LEVEL};

/// Where in the guest's file system the assignment lies, as JSON.
pub const ASSIGNMENT_PATH: &str = "/assignment.json";

/// Where what is to be probed lies, as JSON: a [`ProbeTask`], or `null` for nothing. Process 1 looks at it after the last
/// workload, when the server of the workloads has ended: probes start servers of their own.
pub const PROBES_PATH: &str = "/probes.json";

/// The size of that file, bytes, filled up with spaces. It is in every boot and equally large, so that until probes begin a
/// boot with probes does to the instruction what one without does: figures depend on little.
pub const PROBES_BYTES: usize = 512;

/// The name of the virtio-serial port that carries the frames in real time (`/sys/class/virtio-ports/*/name`).
pub const PORT_NAME: &str = "patchlab.report";

/// The PCI numbers, of vendor and device, of the serial port that carries them with the virtual clock
/// (`/sys/bus/pci/devices`).
pub const PORT_PCI_ID: (&str, &str) = ("0x1b36", "0x0002");

/// What the host writes to the port, once it has decoded the report. In the guest a write to the port ends when the kernel
/// or QEMU has the data; without this byte process 1 could switch the machine off with the report still on its way.
pub const REPORT_RECEIVED: u8 = b'R';

/// The last line that process 1 writes to the kernel log starts with this and goes on with the nonce.
pub const END_MARK: &str = "patchlab: end of boot";

/// Where the guest mounts the storage (a tmpfs) that the server passes through to.
pub const STORAGE_DIR: &str = "/storage";

/// Where the guest mounts the FUSE file system.
pub const MOUNT_DIR: &str = "/mnt/fuse";

/// Where the guest mounts a file system of its own kernel instead.
pub const LOCAL_DIR: &str = "/mnt/test";
