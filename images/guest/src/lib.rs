//! What process 1 and the probes share: how programs of the guest are started and waited for, and how the FUSE server is
//! spoken to, or another one watched.

pub mod capture;
pub mod foreign;
pub mod process;
pub mod server;
pub mod wait;
