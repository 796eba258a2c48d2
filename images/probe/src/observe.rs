//! What most probes do: one read(2) or write(2), seen by its caller and by the server.

use crate::memory::{Memory, PAGE};
use crate::outcome::{Outcome, size};
use crate::probe::Observation;
use crate::requests::Requests;
use crate::stage::{Stage, TestFile};
use crate::stored::{NEW, OLD};

/// A range of a file, bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// Its first byte.
    pub offset: u64,
    /// Its length.
    pub length: u64,
}

impl Range {
    /// So many bytes from here on.
    pub fn new(offset: u64, length: u64) -> Self {
        Range { offset, length }
    }
}

/// Reads a range of a file of `size` old bytes with one pread(2).
///
/// # Errors
/// If it cannot be tried.
pub fn read(stage: &mut Stage<'_>, size: u64, range: Range) -> anyhow::Result<Observation> {
    let file = stage.file(size)?;
    let memory = Memory::new(range.length as usize)?;
    let outcome = file.read(&memory, 0, range.length as usize, range.offset);
    let wrong = wrong_byte(memory.content(), outcome, range.offset, size);
    after_read_of(stage, range, outcome, wrong)
}

/// Says what came of a read of a range, and adds what the server saw: no request of it may be less aligned than the range.
///
/// # Errors
/// If the server does not answer.
pub fn after_read_of(
    stage: &mut Stage<'_>,
    range: Range,
    outcome: Outcome,
    fault: Option<String>,
) -> anyhow::Result<Observation> {
    let requests = stage.requests()?;
    let fault = fault.or_else(|| requests.unaligned_read(alignment(range)));
    Ok(read_observation(stage, &requests, outcome, fault))
}

/// The largest power of two, up to a page, that divides begin and length of a range.
fn alignment(range: Range) -> u64 {
    1 << (range.offset | range.length).trailing_zeros().min(PAGE.trailing_zeros())
}

/// Says what came of a read, and adds what the server saw.
///
/// # Errors
/// If the server does not answer.
pub fn after_read(
    stage: &mut Stage<'_>,
    outcome: Outcome,
    fault: Option<String>,
) -> anyhow::Result<Observation> {
    let requests = stage.requests()?;
    Ok(read_observation(stage, &requests, outcome, fault))
}

fn read_observation(
    stage: &Stage<'_>,
    requests: &Requests,
    outcome: Outcome,
    fault: Option<String>,
) -> Observation {
    let observed = format!("returns {}, {}", outcome.words(), requests.words());
    let observation = Observation::new(observed).fault_if_any(fault);
    observation.fault_if_any(requests.fault(stage.max_background())).details(requests.lines())
}

/// What is wrong with what was read of a file of `size` old bytes.
pub fn wrong_byte(content: &[u8], outcome: Outcome, offset: u64, size: u64) -> Option<String> {
    let bytes = outcome.bytes();
    if offset + bytes > size.max(offset) {
        return Some(format!("{bytes} bytes at {offset} of a file of {size} bytes"));
    }
    let at = OLD.first_difference(content.get(..bytes as usize)?, offset)?;
    Some(format!("byte {at} is wrong after a read of {bytes} bytes at {offset}"))
}

/// Writes a range of a file of `old_size` old bytes with one pwrite(2).
///
/// # Errors
/// If it cannot be tried.
pub fn write(stage: &mut Stage<'_>, old_size: u64, range: Range) -> anyhow::Result<Observation> {
    let file = stage.file(old_size)?;
    let memory = new_data(range)?;
    let outcome = file.write(&memory, 0, range.length as usize, range.offset);
    after_write(stage, &file, old_size, range, outcome)
}

/// Memory with what is to be written to a range.
///
/// # Errors
/// If there is not so much memory.
pub fn new_data(range: Range) -> anyhow::Result<Memory> {
    let mut memory = Memory::new(range.length as usize)?;
    NEW.fill(memory.content_mut(), range.offset);
    Ok(memory)
}

/// Says what came of a write, and adds what is stored and what the server saw.
///
/// # Errors
/// If the server does not answer.
pub fn after_write(
    stage: &mut Stage<'_>,
    file: &TestFile,
    old_size: u64,
    range: Range,
    outcome: Outcome,
) -> anyhow::Result<Observation> {
    let requests = stage.requests()?;
    let stored = file.stored(range.offset, range.length)?;
    let now = file.stored_size()?;
    let grown = if now == old_size { "size as before".to_owned() } else { format!("file of {}", size(now)) };
    let extends = range.offset + range.length > old_size;
    let grown = if extends || now != old_size { format!(", {grown}") } else { String::new() };
    let words = stored.words(range.offset, range.length);
    let observed = format!("returns {}, {words}{grown}, {}", outcome.words(), requests.words());
    let missing = not_stored(outcome, &stored.new, range);
    Ok(Observation::new(observed)
        .fault_if_any(stored.fault())
        .fault_if_any(missing)
        .fault_if_any(requests.fault(stage.max_background()))
        .fault_if_any(file.size_fault()?)
        .details(requests.lines()))
}

/// The caller was told of more bytes than there are.
pub fn not_stored(outcome: Outcome, new: &[(u64, u64)], range: Range) -> Option<String> {
    let end = range.offset + outcome.bytes();
    let is_stored = outcome.bytes() == 0 || new.iter().any(|(from, to)| *from <= range.offset && *to >= end);
    (!is_stored).then(|| format!("{} bytes were reported as written and are not all stored", outcome.bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_as_aligned_as_its_begin_and_its_length() {
        for (offset, length, expected) in [
            (0, 2 << 20, 4096),
            (2 << 20, 2 << 20, 4096),
            (512, 1 << 20, 512),
            (1 << 20, 3 * 512, 512),
            ((1 << 20) - 1234, 256 << 10, 2),
            (0, 0, 4096),
        ] {
            assert_eq!(alignment(Range::new(offset, length)), expected, "{offset} {length}");
        }
    }
}
