//! What a guest boots with: the image and, behind it, the assignment of one boot.

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use lab_protocol::{Assignment, Nonce};

use crate::lab::archive::{self, ArchiveEntry};

/// The image with the assignment behind it, as one file.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn write_initramfs(image: &Path, assignment: &Assignment, target: &Path) -> anyhow::Result<()> {
    let write = || -> anyhow::Result<()> {
        std::fs::copy(image, target)?;
        let mut file = std::fs::File::options().append(true).open(target)?;
        Ok(file.write_all(&assignment_archive(assignment)?)?)
    };
    write().with_context(|| format!("writing the initramfs {}", target.display()))
}

/// 128 bits from the kernel's random generator.
///
/// # Errors
/// If the kernel has none.
pub(crate) fn random_nonce() -> anyhow::Result<Nonce> {
    let mut bytes = [0; 16];
    // As much as this comes in one piece: getrandom(2), of requests of up to 256 bytes.
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())
        .context("asking for random bytes")?;
    Ok(Nonce(bytes))
}

/// The archive that carries the assignment of one boot, to be appended to the image.
///
/// # Errors
/// If the assignment is too large for an archive.
fn assignment_archive(assignment: &Assignment) -> anyhow::Result<Vec<u8>> {
    let json = serde_json::to_vec_pretty(assignment).context("writing the assignment")?;
    archive::write(&[ArchiveEntry::file(lab_protocol::ASSIGNMENT_PATH, 0o644, json)])
}

#[cfg(test)]
mod tests {
    use lab_protocol::ServerSettings;

    use super::*;

    #[test]
    fn an_assignment_is_one_file() {
        let assignment = Assignment {
            nonce: Nonce([1; 16]),
            server: ServerSettings::example(),
            storage_mib: 256,
            workloads: Vec::new(),
            workload_limit_s: 60,
            phase_us: 0,
            probes: None,
        };
        let archive = assignment_archive(&assignment).unwrap();
        let mut reader = cpio::newc::Reader::new(archive.as_slice()).unwrap();
        assert_eq!(format!("/{}", reader.entry().name()), lab_protocol::ASSIGNMENT_PATH);
        let mut json = Vec::new();
        std::io::Read::read_to_end(&mut reader, &mut json).unwrap();
        assert_eq!(serde_json::from_slice::<Assignment>(&json).unwrap(), assignment);
        assert_eq!(archive.len() % 512, 0);
    }
}
