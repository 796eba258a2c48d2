//! What process 1 and the probes share: how programs of the guest are started and waited for, and how the FUSE server is
//! spoken to.

pub mod capture;
pub mod process;
pub mod server;
pub mod wait;
