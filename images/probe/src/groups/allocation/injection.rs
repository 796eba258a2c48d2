//! The kernel's fault injection: the n-th allocation of this task fails.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use anyhow::Context as _;

use super::Failed;

const NTH: &str = "/proc/self/fail-nth";
const SLAB: &str = "/sys/kernel/debug/failslab";

/// Fault injection that is ready. This program has one thread here, which is the task that it works on.
#[derive(Debug)]
pub(super) struct Injection(File);

impl Injection {
    /// None if this kernel has no fault injection.
    ///
    /// # Errors
    /// If it has, and it cannot be set up.
    pub(super) fn open() -> anyhow::Result<Option<Self>> {
        let file = match File::options().read(true).write(true).open(NTH) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened.with_context(|| format!("opening {NTH}"))?,
        };
        // By itself the kernel spares allocations that may wait for memory, which is nearly all of them; and it writes a
        // stack to its log for each that fails.
        for (name, value) in [("ignore-gfp-wait", "N"), ("verbose", "0")] {
            let path = Path::new(SLAB).join(name);
            fs::write(&path, value)
                .with_context(|| format!("writing {} (is debugfs mounted?)", path.display()))?;
        }
        Ok(Some(Injection(file)))
    }

    /// From now on, allocation number `nth` fails.
    ///
    /// # Errors
    /// If the kernel refuses.
    pub(super) fn arm(&self, nth: u32) -> anyhow::Result<()> {
        write!(&self.0, "{nth}").with_context(|| format!("writing {NTH}"))
    }

    /// Fails none any more; says whether one did.
    ///
    /// # Errors
    /// If the kernel does not say so.
    pub(super) fn disarm(&self) -> anyhow::Result<Failed> {
        let mut text = [0; 16];
        let length = self.0.read_at(&mut text, 0).with_context(|| format!("reading {NTH}"))?;
        self.arm(0)?;
        let left = text.get(..length).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default();
        // How many it still waits for: none, if the last one of them has failed.
        let left: u32 = left.trim().parse().with_context(|| format!("understanding {NTH}: {left:?}"))?;
        Ok(if left == 0 { Failed::One } else { Failed::None })
    }
}
