//! What a system call said, as words.

use std::io;

/// Bytes that were transferred, or an error number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Bytes.
    Bytes(u64),
    /// An error number.
    Error(i32),
}

const NAMES: [(i32, &str); 19] = [
    (libc::EPERM, "EPERM"),
    (libc::ENOENT, "ENOENT"),
    (libc::EINTR, "EINTR"),
    (libc::EIO, "EIO"),
    (libc::EBADF, "EBADF"),
    (libc::EAGAIN, "EAGAIN"),
    (libc::ENOMEM, "ENOMEM"),
    (libc::EFAULT, "EFAULT"),
    (libc::EBUSY, "EBUSY"),
    (libc::EINVAL, "EINVAL"),
    (libc::EFBIG, "EFBIG"),
    (libc::ENOSPC, "ENOSPC"),
    (libc::ENOSYS, "ENOSYS"),
    (libc::EDQUOT, "EDQUOT"),
    (libc::ENOTCONN, "ENOTCONN"),
    (libc::ECONNABORTED, "ECONNABORTED"),
    (libc::ETIMEDOUT, "ETIMEDOUT"),
    (libc::ESTALE, "ESTALE"),
    (libc::EOPNOTSUPP, "EOPNOTSUPP"),
];

impl Outcome {
    /// Of a system call that has just returned `code`.
    pub fn of(code: isize) -> Self {
        match u64::try_from(code) {
            Ok(bytes) => Outcome::Bytes(bytes),
            Err(_) => Outcome::Error(io::Error::last_os_error().raw_os_error().unwrap_or(0)),
        }
    }

    /// Of something that gives an error as a value.
    pub fn from_result(result: io::Result<u64>) -> Self {
        match result {
            Ok(bytes) => Outcome::Bytes(bytes),
            Err(error) => Outcome::Error(error.raw_os_error().unwrap_or(0)),
        }
    }

    /// The bytes; none after an error.
    pub fn bytes(self) -> u64 {
        match self {
            Outcome::Bytes(bytes) => bytes,
            Outcome::Error(_) => 0,
        }
    }

    /// `2 MiB`, `EIO`.
    pub fn words(self) -> String {
        match self {
            Outcome::Bytes(bytes) => size(bytes),
            Outcome::Error(number) => error_name(number),
        }
    }
}

/// The name of an error number.
pub(crate) fn error_name(number: i32) -> String {
    let known = NAMES.iter().find(|(known, _)| *known == number);
    known.map_or_else(|| format!("error {number}"), |(_, name)| (*name).to_owned())
}

/// A number of bytes in the largest unit that leaves no rest.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0 => "0 bytes".to_owned(),
        bytes if bytes % (1 << 20) == 0 => format!("{} MiB", bytes >> 20),
        bytes if bytes % (1 << 10) == 0 => format!("{} KiB", bytes >> 10),
        bytes => format!("{bytes} bytes"),
    }
}

/// `1 READ`, `2 READs`.
pub(crate) fn count(number: usize, thing: &str) -> String {
    match number {
        1 => format!("1 {thing}"),
        number => format!("{number} {thing}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_largest_unit_without_rest() {
        for (bytes, expected) in
            [(0, "0 bytes"), (1, "1 bytes"), (1024, "1 KiB"), (655_360, "640 KiB"), (2 << 20, "2 MiB")]
        {
            assert_eq!(size(bytes), expected);
        }
    }

    #[test]
    fn errors_have_their_names() {
        assert_eq!(Outcome::Error(libc::EIO).words(), "EIO");
        assert_eq!(Outcome::Error(12345).words(), "error 12345");
        // SAFETY: the descriptor is none; nothing is touched.
        let code = unsafe { libc::read(-1, std::ptr::null_mut(), 0) };
        assert_eq!(Outcome::of(code).words(), "EBADF");
        assert_eq!(Outcome::of(7), Outcome::Bytes(7));
    }
}
