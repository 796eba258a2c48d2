//! The port to the host. Which one there is tells what machine this is: with the virtual clock it is a serial port, whose
//! registers are the same in each QEMU, and otherwise one of virtio-serial, which takes a frame at once.

mod uart;
pub(crate) mod virtio;

use std::time::{Duration, Instant};

use anyhow::Context as _;
use lab_protocol::Nonce;
use lab_protocol::frame::{Kind, encode};
use serde::Serialize;

use uart::Uart;
use virtio::Virtio;

/// The open port.
#[derive(Debug)]
pub(crate) struct Port {
    way: Way,
    nonce: Nonce,
}

#[derive(Debug)]
enum Way {
    Uart(Uart),
    Virtio(Virtio),
}

impl Port {
    /// Opens the port that this machine has.
    ///
    /// # Errors
    /// If it has none, or it cannot be opened.
    pub(crate) fn open(nonce: Nonce) -> anyhow::Result<Self> {
        let way = match Uart::open()? {
            Some(uart) => Way::Uart(uart),
            None => Way::Virtio(Virtio::open()?),
        };
        Ok(Port { way, nonce })
    }

    /// Sends a frame. It may still be on its way when this returns.
    ///
    /// # Errors
    /// If it is not taken.
    pub(crate) fn send(&mut self, kind: Kind, message: &impl Serialize) -> anyhow::Result<()> {
        let payload = serde_json::to_vec(message).context("writing JSON")?;
        self.send_bytes(kind, &payload)
    }

    /// Sends a frame of a kind that is not JSON.
    ///
    /// # Errors
    /// If it is not taken.
    pub(crate) fn send_bytes(&mut self, kind: Kind, payload: &[u8]) -> anyhow::Result<()> {
        self.send_raw(&encode(kind, self.nonce, payload))
    }

    /// Sends bytes that may be no frame.
    ///
    /// # Errors
    /// If they are not taken.
    pub(crate) fn send_raw(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let sent = match &mut self.way {
            Way::Uart(uart) => uart.send(bytes),
            Way::Virtio(virtio) => virtio.send(bytes),
        };
        sent.context("writing to the report port")
    }

    /// Waits until the host says that it has the report ([`lab_protocol::REPORT_RECEIVED`]). Only the host knows when it has
    /// what was sent.
    pub(crate) fn await_receipt(&self) -> Confirmation {
        // While a machine with the virtual clock idles, its time jumps, so the time limit is one of work and not of sleep.
        let deadline = Instant::now() + Duration::from_secs(1);
        loop {
            let has_answer = match &self.way {
                Way::Uart(uart) => uart.has_received(),
                Way::Virtio(virtio) => virtio.has_received(),
            };
            if has_answer {
                return Confirmation::Confirmed;
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
