//! Campaigns on disk, and the boots that fill them.

pub mod boot_files;
pub(crate) mod execute;
mod extend;
mod store;

pub use extend::extend;
pub use store::{CampaignFolder, Opened, find, load, requests};
pub(crate) use store::{earlier_boots, folder_name};
