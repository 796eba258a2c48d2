//! SHA-256 digests of files, beside those of bytes and of lists of named parts.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

pub use lab_core::text::digest::{Parts, of_bytes, short};

/// SHA-256 of a file's content as 64 hexadecimal digits.
///
/// # Errors
/// If the file cannot be read.
pub(crate) fn of_file(path: &Path) -> anyhow::Result<String> {
    let read = || -> io::Result<String> {
        let mut file = File::open(path)?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 1 << 20];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(lab_core::text::digest::hex(&hasher.finalize())),
                n => hasher.update(&buffer[..n]),
            }
        }
    };
    read().with_context(|| format!("reading {}", path.display()))
}
