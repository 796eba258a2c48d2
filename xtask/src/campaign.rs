//! Campaigns on disk, and the boots that fill them.

pub mod boot_files;
pub(crate) mod execute;
mod extend;
pub(crate) mod profile;
mod store;

pub use extend::extend;
pub use store::{CampaignFolder, Opened, find, load, profile as profile_of, requests};
pub(crate) use store::{earlier_boots, folder_name, folders, held_by, monitor};
