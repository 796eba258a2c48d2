//! Campaigns on disk, and the boots that fill them.

mod again;
pub mod boot_files;
pub(crate) mod execute;
mod extend;
pub(crate) mod profile;
mod store;

pub(crate) use again::open_again;
pub use extend::extend;
pub use store::{CampaignFolder, Opened, find, load, profile as profile_of, requests};
pub(crate) use store::{boot, earlier_boots, file, folder_name, folders, held_by, monitor};
