//! What a guest boots with: the image and, behind it, the assignment of one boot.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, ensure};
use lab_protocol::{Assignment, Nonce, PROBES_BYTES, ProbeTask};

use crate::lab::archive::{self, ArchiveEntry};

/// The image with the assignment behind it and what is to be probed, as one file.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn write_initramfs(
    image: &Path,
    assignment: &Assignment,
    probes: Option<&ProbeTask>,
    target: &Path,
) -> anyhow::Result<()> {
    let write = || -> anyhow::Result<()> {
        std::fs::copy(image, target)?;
        let mut file = std::fs::File::options().append(true).open(target)?;
        Ok(file.write_all(&assignment_archive(assignment, probes)?)?)
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
/// If the assignment is too large for an archive, or what is to be probed for its file.
fn assignment_archive(assignment: &Assignment, probes: Option<&ProbeTask>) -> anyhow::Result<Vec<u8>> {
    let json = serde_json::to_vec_pretty(assignment).context("writing the assignment")?;
    archive::write(&[
        ArchiveEntry::file(lab_protocol::ASSIGNMENT_PATH, 0o644, json),
        ArchiveEntry::file(lab_protocol::PROBES_PATH, 0o644, probes_file(probes)?),
    ])
}

fn probes_file(probes: Option<&ProbeTask>) -> anyhow::Result<Vec<u8>> {
    let mut json = serde_json::to_vec(&probes).context("writing what is to be probed")?;
    ensure!(
        json.len() <= PROBES_BYTES,
        "what is to be probed takes {} bytes, not {PROBES_BYTES}",
        json.len()
    );
    json.resize(PROBES_BYTES, b' ');
    Ok(json)
}

#[cfg(test)]
mod tests {
    use lab_protocol::ServerSettings;

    use super::*;

    #[test]
    fn an_assignment_is_one_file_and_its_probes_another() {
        let assignment = Assignment {
            nonce: Nonce([1; 16]),
            server: Some(ServerSettings::example()),
            foreign: None,
            filesystem: None,
            storage_mib: 256,
            workloads: Vec::new(),
            workload_limit_s: 60,
            phase_us: 0,
            sampling: lab_protocol::Sampling::plain(),
            shell: None,
            failure: None,
        };
        let archive = assignment_archive(&assignment, None).unwrap();
        let mut reader = cpio::newc::Reader::new(archive.as_slice()).unwrap();
        assert_eq!(format!("/{}", reader.entry().name()), lab_protocol::ASSIGNMENT_PATH);
        let mut json = Vec::new();
        std::io::Read::read_to_end(&mut reader, &mut json).unwrap();
        assert_eq!(serde_json::from_slice::<Assignment>(&json).unwrap(), assignment);
        assert_eq!(archive.len() % 512, 0);
        // One with probes is as large.
        let task = ProbeTask {
            set: lab_protocol::ProbeSet::Quick,
            expected: Some("a".repeat(40)),
            seed: u64::MAX,
            delay_factor: 1,
            enough_failures: Some(5),
        };
        let probed = assignment_archive(&assignment, Some(&task)).unwrap();
        assert_eq!(probed.len(), archive.len());
        let mut reader = cpio::newc::Reader::new(reader.finish().unwrap()).unwrap();
        assert_eq!(format!("/{}", reader.entry().name()), lab_protocol::PROBES_PATH);
        for probes in [None, Some(&task)] {
            let file = probes_file(probes).unwrap();
            assert_eq!(file.len(), PROBES_BYTES);
            assert_eq!(serde_json::from_slice::<Option<ProbeTask>>(&file).unwrap().as_ref(), probes);
        }
        json.clear();
        std::io::Read::read_to_end(&mut reader, &mut json).unwrap();
        assert_eq!(json, probes_file(None).unwrap());
        let endless = ProbeTask { expected: Some("a".repeat(PROBES_BYTES)), ..task };
        assert!(probes_file(Some(&endless)).is_err());
    }
}
