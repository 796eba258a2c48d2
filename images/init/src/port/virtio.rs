//! A virtio-serial port.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::bail;
use lab_protocol::PORT_NAME;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

const CLASS: &str = "/sys/class/virtio-ports";

/// The open port.
#[derive(Debug)]
pub(super) struct Virtio(File);

impl Virtio {
    /// Opens the port of the name [`PORT_NAME`].
    ///
    /// # Errors
    /// As [`open`].
    pub(super) fn open() -> anyhow::Result<Self> {
        open(PORT_NAME).map(Virtio)
    }

    /// Sends bytes; when this returns the kernel has them in its queue.
    pub(super) fn send(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        Ok(self.0.write_all(bytes)?)
    }

    /// Whether something has come from the host; that it has closed the port counts as well.
    pub(super) fn has_received(&self) -> bool {
        let mut polled = [PollFd::new(&self.0, PollFlags::IN)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        !matches!(poll(&mut polled, Some(&now)), Ok(0) | Err(rustix::io::Errno::INTR))
    }
}

/// Opens the port of this name. The driver makes it some time after the system has booted.
///
/// # Errors
/// If it does not appear, or cannot be opened.
pub(crate) fn open(name: &str) -> anyhow::Result<File> {
    const LIMIT: Duration = Duration::from_secs(10);
    let deadline = Instant::now() + LIMIT;
    loop {
        if let Some(device) = find(Path::new(CLASS), name) {
            match File::options().read(true).write(true).open(&device) {
                Ok(file) => return Ok(file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => bail!("opening {}: {error}", device.display()),
            }
        }
        if Instant::now() > deadline {
            bail!("no virtio-serial port {name} appeared within {} s", LIMIT.as_secs());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
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
