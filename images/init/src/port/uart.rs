//! A 16550A on the PCI bus. No driver of the kernel has it: its registers are read and written through sysfs, so that what
//! a QEMU changes in larger devices, or a kernel in its drivers, does not change the figures.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use lab_protocol::PORT_PCI_ID;

const DEVICES: &str = "/sys/bus/pci/devices";

/// The registers, each a byte at its offset.
#[derive(Debug)]
pub(super) struct Uart(File);

/// What is received, and what is to be sent.
const DATA: u64 = 0;
/// FIFO control.
const FIFO: u64 = 2;
/// The state of the line.
const STATE: u64 = 5;

const FIFO_ENABLED: u8 = 1;
const FIFO_BYTES: usize = 16;
const RECEIVED: u8 = 1;
const ALL_TAKEN: u8 = 1 << 5;

impl Uart {
    /// The device that has the PCI numbers [`PORT_PCI_ID`], if there is one.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub(super) fn open() -> anyhow::Result<Option<Self>> {
        let Some(device) = find(Path::new(DEVICES), PORT_PCI_ID).context("looking for the report port")?
        else {
            return Ok(None);
        };
        let enable = device.join("enable");
        fs::write(&enable, "1").with_context(|| format!("writing {}", enable.display()))?;
        let path = device.join("resource0");
        let registers = File::options().read(true).write(true).open(&path);
        let uart = Uart(registers.with_context(|| format!("opening {}", path.display()))?);
        uart.write(FIFO, FIFO_ENABLED)?;
        Ok(Some(uart))
    }

    /// Sends bytes; when this returns QEMU has them.
    ///
    /// # Errors
    /// If QEMU does not take them.
    pub(super) fn send(&self, bytes: &[u8]) -> anyhow::Result<()> {
        for chunk in bytes.chunks(FIFO_BYTES) {
            self.await_taken()?;
            for &byte in chunk {
                self.write(DATA, byte)?;
            }
        }
        Ok(())
    }

    /// Waits until QEMU has passed on what was sent. It does at once, unless the pipe to the lab is full.
    fn await_taken(&self) -> anyhow::Result<()> {
        const LIMIT: Duration = Duration::from_secs(60);
        let mut waits_since = None;
        while self.read(STATE)? & ALL_TAKEN == 0 {
            if waits_since.get_or_insert_with(Instant::now).elapsed() > LIMIT {
                bail!("the host has not read the port for {} s", LIMIT.as_secs());
            }
        }
        Ok(())
    }

    /// Whether something has come from the host, or nothing can come any more.
    pub(super) fn has_received(&self) -> bool {
        self.read(STATE).map_or(true, |state| state & RECEIVED != 0)
    }

    fn read(&self, register: u64) -> io::Result<u8> {
        let mut value = [0];
        self.0.read_exact_at(&mut value, register)?;
        let [value] = value;
        Ok(value)
    }

    fn write(&self, register: u64, value: u8) -> io::Result<()> {
        self.0.write_all_at(&[value], register)
    }
}

/// The device with these numbers of vendor and device.
fn find(devices: &Path, (vendor, device): (&str, &str)) -> io::Result<Option<PathBuf>> {
    let is = |path: &Path, file: &str, id: &str| {
        fs::read_to_string(path.join(file)).is_ok_and(|text| text.trim_end() == id)
    };
    let mut paths = fs::read_dir(devices)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths.into_iter().find(|path| is(path, "vendor", vendor) && is(path, "device", device)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_device_is_found_by_both_of_its_numbers() {
        let devices = tempfile::tempdir().unwrap();
        for (name, vendor, device) in
            [("00.0", "0x1b36", "0x0001"), ("01.0", "0x8086", "0x0002"), ("02.0", "0x1b36", "0x0002")]
        {
            let path = devices.path().join(name);
            fs::create_dir(&path).unwrap();
            fs::write(path.join("vendor"), format!("{vendor}\n")).unwrap();
            fs::write(path.join("device"), format!("{device}\n")).unwrap();
        }
        let found = |id| find(devices.path(), id).unwrap();
        assert_eq!(found(("0x1b36", "0x0002")), Some(devices.path().join("02.0")));
        assert_eq!(found(("0x8086", "0x0001")), None);
    }
}
