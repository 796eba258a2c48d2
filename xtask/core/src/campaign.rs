//! One execution of a plan: its file, the records of its boots, and what is to be run next.

mod extend;
mod file;
mod judged;
mod losses;
mod options;
mod record;
mod tries;
mod watched;

pub use extend::{differences, is_last, longer, with_more_samples};
pub use file::{Addition, Campaign, CampaignFile, CampaignKernel, Host};
pub use judged::judged;
pub use losses::{Company, Losses};
pub use options::KernelOptions;
pub(crate) use options::UnlikeOption;
pub use record::{
    AppliedSeries, BootData, KernelBase, KernelIdentity, Record, Setup, StoredFile, VERSION, check_version,
};
pub use tries::{Ended, Try, counts_before, due, missing};
pub use watched::{Watched, WatchedCommit, WatchedFile};
