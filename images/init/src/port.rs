//! The virtio-serial port to the host.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use lab_protocol::frame::{Kind, encode};
use lab_protocol::{Nonce, PORT_NAME};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::Serialize;

const CLASS: &str = "/sys/class/virtio-ports";

/// The open port.
#[derive(Debug)]
pub(crate) struct Port {
    file: File,
    nonce: Nonce,
}

impl Port {
    /// Opens the port of the name [`PORT_NAME`]. The driver makes it some time after the system has booted.
    ///
    /// # Errors
    /// If it does not appear, or cannot be opened.
    pub(crate) fn open(nonce: Nonce) -> anyhow::Result<Self> {
        const LIMIT: Duration = Duration::from_secs(10);
        let deadline = Instant::now() + LIMIT;
        loop {
            if let Some(device) = find(Path::new(CLASS), PORT_NAME) {
                match File::options().read(true).write(true).open(&device) {
                    Ok(file) => return Ok(Port { file, nonce }),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => bail!("opening {}: {error}", device.display()),
                }
            }
            if Instant::now() > deadline {
                bail!("no virtio-serial port {PORT_NAME} appeared within {} s", LIMIT.as_secs());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Sends a frame. It may still be in the queue of the device when this returns.
    ///
    /// # Errors
    /// If the kernel does not take it.
    pub(crate) fn send(&mut self, kind: Kind, message: &impl Serialize) -> anyhow::Result<()> {
        let payload = serde_json::to_vec(message).context("writing JSON")?;
        self.send_bytes(kind, &payload)
    }

    /// Sends a frame of a kind that is not JSON.
    ///
    /// # Errors
    /// If the kernel does not take it.
    pub(crate) fn send_bytes(&mut self, kind: Kind, payload: &[u8]) -> anyhow::Result<()> {
        self.file.write_all(&encode(kind, self.nonce, payload)).context("writing to the report port")
    }

    /// Waits until the host says that it has the report ([`lab_protocol::REPORT_RECEIVED`]; closing the port does as
    /// well).
    ///
    /// A `write` to the port returns when the kernel has queued the data; only the host knows when it has it. While
    /// a machine with the virtual clock idles, its time jumps, so the time limit is one of work and not of sleep.
    pub(crate) fn await_receipt(&self) -> Confirmation {
        let deadline = Instant::now() + Duration::from_secs(1);
        loop {
            let mut polled = [PollFd::new(&self.file, PollFlags::IN)];
            let now = Timespec { tv_sec: 0, tv_nsec: 0 };
            match poll(&mut polled, Some(&now)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) | Err(_) => return Confirmation::Confirmed,
            }
            if Instant::now() > deadline {
                return Confirmation::None;
            }
        }
    }
}

/// Whether the host has the report.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Confirmation {
    /// It says so.
    Confirmed,
    /// It said nothing.
    None,
}

/// The device of the port `name`, by the names in the sysfs class folder.
fn find(class: &Path, name: &str) -> Option<PathBuf> {
    let ports = fs::read_dir(class).ok()?;
    let mut ports: Vec<PathBuf> = ports.filter_map(|port| Some(port.ok()?.path())).collect();
    ports.sort();
    let port = ports
        .into_iter()
        .find(|port| fs::read_to_string(port.join("name")).is_ok_and(|text| text.trim_end() == name))?;
    Some(Path::new("/dev").join(port.file_name()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_found_by_name() {
        let class = tempfile::tempdir().unwrap();
        for (port, name) in
            [("vport0p1", Some("org.qemu.guest_agent.0\n")), ("vport0p2", None), ("vport1p1", Some("lab\n"))]
        {
            fs::create_dir(class.path().join(port)).unwrap();
            if let Some(name) = name {
                fs::write(class.path().join(port).join("name"), name).unwrap();
            }
        }
        for (name, expected) in [("lab", Some("/dev/vport1p1")), ("la", None), ("", None)] {
            assert_eq!(find(class.path(), name).as_deref(), expected.map(Path::new), "{name}");
        }
        assert_eq!(find(Path::new("/proc/nonexistent"), "lab"), None);
    }
}
