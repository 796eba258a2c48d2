//! Requests taken apart without being served, for who tries what is none.

use crate::device::request::{Body, Dialect, WRITE_HEAD, parse, parse_write_head};

/// Takes bytes apart as those of a request.
///
/// # Panics
/// If what is found in them contradicts itself.
pub fn take_apart(bytes: &[u8]) {
    let head = parse_write_head(&bytes[..bytes.len().min(WRITE_HEAD)]);
    // The other form of the one request that has two must not panic, either.
    let _ = parse(bytes, Dialect { setxattr_ext: true });
    let request = match parse(bytes, Dialect::default()) {
        Ok(request) => request,
        Err(error) => return assert!(!error.to_string().is_empty(), "an error without words"),
    };
    assert_eq!(request.header.len as usize, bytes.len(), "a request of another length");
    match request.body {
        Body::Write { asked, data } => {
            assert_eq!(data.len(), asked.size as usize, "a WRITE with other data than it says");
            assert_eq!(head, Some((request.header, asked)), "a WRITE whose head alone says something else");
        }
        Body::BatchForget(forgets) => {
            let most = bytes.len();
            assert!(forgets.count() <= most, "more nodes than bytes");
        }
        Body::Tree(_)
        | Body::File(_)
        | Body::Read(_)
        | Body::Forget { .. }
        | Body::Init { .. }
        | Body::NotifyReply { .. }
        | Body::Other(_)
        | Body::Unknown => {}
    }
}
