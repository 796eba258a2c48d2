//! Framed messages on the port to the host.
//!
//! A frame is a header of 32 bytes and a payload: JSON, or a request log. All numbers are little-endian:
//!
//! | offset | bytes | content |
//! | --- | --- | --- |
//! | 0 | 4 | magic `PLF1` |
//! | 4 | 4 | kind, see [`Kind`] |
//! | 8 | 4 | length of the payload in bytes, at most [`MAX_PAYLOAD`] |
//! | 12 | 4 | CRC-32 (IEEE) of kind, length, nonce and payload, in this order |
//! | 16 | 16 | nonce of the boot |

use crate::Nonce;

/// The largest payload that is accepted, bytes: the guest is not trusted with the host's memory.
pub const MAX_PAYLOAD: usize = 64 << 20;

const MAGIC: [u8; 4] = *b"PLF1";
const HEADER: usize = 32;

/// What a frame's payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// [`crate::Hello`]
    Hello,
    /// [`crate::Progress`]
    Progress,
    /// [`crate::Report`]
    Report,
    /// [`crate::log::RequestLog`], one for each workload if requests are logged. Not JSON.
    RequestLog,
}

impl Kind {
    fn number(self) -> u32 {
        match self {
            Kind::Hello => 1,
            Kind::Progress => 2,
            Kind::Report => 3,
            Kind::RequestLog => 4,
        }
    }

    fn from_number(number: u32) -> Option<Self> {
        let kinds = [Kind::Hello, Kind::Progress, Kind::Report, Kind::RequestLog];
        kinds.into_iter().find(|kind| kind.number() == number)
    }
}

/// A whole frame whose checksum and nonce were right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What the payload is.
    pub kind: Kind,
    /// As the kind says.
    pub payload: Vec<u8>,
}

/// Why a stream of frames cannot be read on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// The stream does not continue with the magic.
    BadMagic([u8; 4]),
    /// The kind is none of [`Kind`].
    UnknownKind(u32),
    /// The payload is announced as longer than [`MAX_PAYLOAD`]; its length in bytes.
    TooLong(u32),
    /// The checksum does not match.
    BadChecksum,
    /// The frame belongs to another boot.
    WrongNonce(Nonce),
}

impl std::fmt::Display for FrameError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            FrameError::BadMagic(bytes) => write!(f, "no frame starts with the bytes {bytes:02x?}"),
            FrameError::UnknownKind(kind) => write!(f, "frame of unknown kind {kind}"),
            FrameError::TooLong(length) => write!(f, "frame of {length} bytes, more than {MAX_PAYLOAD}"),
            FrameError::BadChecksum => write!(f, "frame with a wrong checksum"),
            FrameError::WrongNonce(nonce) => write!(f, "frame of another boot (nonce {nonce})"),
        }
    }
}

impl std::error::Error for FrameError {}

/// The bytes of one frame.
///
/// # Panics
/// If the payload is longer than [`MAX_PAYLOAD`].
pub fn encode(kind: Kind, nonce: Nonce, payload: &[u8]) -> Vec<u8> {
    assert!(payload.len() <= MAX_PAYLOAD, "payload of {} bytes", payload.len());
    let length = payload.len() as u32;
    let mut bytes = Vec::with_capacity(HEADER + payload.len());
    bytes.extend(MAGIC);
    bytes.extend(kind.number().to_le_bytes());
    bytes.extend(length.to_le_bytes());
    bytes.extend(checksum(kind.number(), length, nonce, payload).to_le_bytes());
    bytes.extend(nonce.0);
    bytes.extend(payload);
    bytes
}

fn checksum(kind: u32, length: u32, nonce: Nonce, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&kind.to_le_bytes());
    hasher.update(&length.to_le_bytes());
    hasher.update(&nonce.0);
    hasher.update(payload);
    hasher.finalize()
}

/// Takes bytes as they come and gives whole frames.
///
/// After the first error the stream is not trusted any more: every further call gives that error.
#[derive(Debug)]
pub struct Decoder {
    nonce: Nonce,
    buffer: Vec<u8>,
    error: Option<FrameError>,
}

impl Decoder {
    /// A decoder that accepts frames of one boot.
    pub fn new(nonce: Nonce) -> Self {
        Decoder { nonce, buffer: Vec::new(), error: None }
    }

    /// Adds bytes that were received.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.error.is_none() {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The next whole frame, or none until more bytes come.
    ///
    /// # Errors
    /// If the bytes are no frame of this boot.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        self.parse().inspect_err(|error| {
            self.error = Some(error.clone());
            self.buffer = Vec::new();
        })
    }

    /// Bytes that were received and belong to no whole frame yet.
    pub fn pending(&self) -> usize {
        self.buffer.len()
    }

    fn parse(&mut self) -> Result<Option<Frame>, FrameError> {
        let Some(magic) = self.buffer.first_chunk::<4>() else { return Ok(None) };
        if *magic != MAGIC {
            return Err(FrameError::BadMagic(*magic));
        }
        if self.buffer.len() < HEADER {
            return Ok(None);
        }
        let word = |at: usize| u32::from_le_bytes(std::array::from_fn(|i| self.buffer[at + i]));
        let (number, length, sum) = (word(4), word(8), word(12));
        let nonce = Nonce(std::array::from_fn(|i| self.buffer[16 + i]));
        let kind = Kind::from_number(number).ok_or(FrameError::UnknownKind(number))?;
        if length as usize > MAX_PAYLOAD {
            return Err(FrameError::TooLong(length));
        }
        let end = HEADER + length as usize;
        if self.buffer.len() < end {
            return Ok(None);
        }
        let payload = self.buffer[HEADER..end].to_vec();
        if checksum(number, length, nonce, &payload) != sum {
            return Err(FrameError::BadChecksum);
        }
        if nonce != self.nonce {
            return Err(FrameError::WrongNonce(nonce));
        }
        self.buffer.drain(..end);
        Ok(Some(Frame { kind, payload }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: Nonce = Nonce([7; 16]);

    fn decode(pieces: &[&[u8]]) -> Result<Vec<Frame>, FrameError> {
        let mut decoder = Decoder::new(NONCE);
        let mut frames = Vec::new();
        for piece in pieces {
            decoder.push(piece);
            while let Some(frame) = decoder.next_frame()? {
                frames.push(frame);
            }
        }
        Ok(frames)
    }

    #[test]
    fn frames_survive_any_split() {
        let mut stream = encode(Kind::Hello, NONCE, b"{}");
        stream.extend(encode(Kind::Report, NONCE, b""));
        stream.extend(encode(Kind::Progress, NONCE, b"[1,2]"));
        stream.extend(encode(Kind::RequestLog, NONCE, b"\0"));
        let whole = decode(&[&stream]).unwrap();
        let kinds: Vec<Kind> = whole.iter().map(|frame| frame.kind).collect();
        assert_eq!(kinds, [Kind::Hello, Kind::Report, Kind::Progress, Kind::RequestLog]);
        assert_eq!(whole[2], Frame { kind: Kind::Progress, payload: b"[1,2]".to_vec() });
        for cut in 0..stream.len() {
            assert_eq!(decode(&[&stream[..cut], &stream[cut..]]).unwrap(), whole, "cut at {cut}");
        }
        let bytes: Vec<&[u8]> = stream.chunks(1).collect();
        assert_eq!(decode(&bytes).unwrap(), whole);
    }

    #[test]
    fn every_flipped_bit_is_found() {
        let stream = encode(Kind::Report, NONCE, b"{\"a\":1}");
        for bit in 0..stream.len() * 8 {
            let mut damaged = stream.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            // A larger length makes the frame incomplete: no frame comes of it either.
            assert!(!matches!(decode(&[&damaged]).as_deref(), Ok([_, ..])), "bit {bit}");
        }
    }

    #[test]
    fn a_frame_of_another_boot_is_refused() {
        let other = Nonce([8; 16]);
        assert_eq!(decode(&[&encode(Kind::Hello, other, b"{}")]), Err(FrameError::WrongNonce(other)));
    }

    #[test]
    fn an_absurd_length_is_refused_before_it_is_awaited() {
        let mut stream = encode(Kind::Hello, NONCE, b"");
        stream[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(decode(&[&stream]), Err(FrameError::TooLong(u32::MAX)));
    }

    #[test]
    fn nothing_is_read_after_an_error() {
        let mut decoder = Decoder::new(NONCE);
        decoder.push(b"junk");
        assert_eq!(decoder.next_frame(), Err(FrameError::BadMagic(*b"junk")));
        decoder.push(&encode(Kind::Hello, NONCE, b"{}"));
        assert_eq!(decoder.next_frame(), Err(FrameError::BadMagic(*b"junk")));
    }
}
