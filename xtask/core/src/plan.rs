//! From `lab.toml` as written to what will happen.

mod binding;
pub mod config;
pub mod fault_suite;
mod machine;
mod model;
mod order;
mod profiled;
mod qemu;
mod resolve;
mod self_test;
mod shuffle;
mod side_by_side;
mod source;
mod steps;
pub(crate) mod sweep;
pub mod trial;

pub use crate::text::arch::Arch;
pub use binding::{Binding, HostCpu, Unbound, bind};
pub use machine::{AccelChoice, Clock, MachineSettings};
pub use model::{
    BootStep, Carried, KernelSeries, KernelSettings, Plan, Planted, Prefix, Revision, Scenario, Variant,
};
pub use profiled::profiled;
pub use qemu::fixed_machine;
pub(crate) use qemu::why_versions_differ;
pub use resolve::{Overrides, resolve};
pub use self_test::self_test;
pub use side_by_side::{Room, SideBySide, side_by_side};
pub use source::Source;
pub use steps::{listing, steps, with_series};
pub use sweep::{Sweep, SweepPoint, Varied};
