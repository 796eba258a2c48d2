//! The smallest input that still shows a fault.

/// Takes away of `input` what the fault does not need. `holds` gives a smaller input in the form in which it still shows it, if it
/// does; it says no to everything when there was enough of it.
pub fn smallest(input: Vec<u8>, mut holds: impl FnMut(&[u8]) -> Option<Vec<u8>>) -> Vec<u8> {
    let by_lines = less(input, |bytes| pieces(bytes, Some(b'\n')), &mut holds);
    less(by_lines, |bytes| pieces(bytes, None), &mut holds)
}

/// Where the pieces end.
fn pieces(bytes: &[u8], end: Option<u8>) -> Vec<usize> {
    let is_end = |at: &usize| end.is_none_or(|end| bytes[*at] == end) || at + 1 == bytes.len();
    (0..bytes.len()).filter(is_end).map(|at| at + 1).collect()
}

/// Takes away many pieces at a time, then fewer, down to single ones.
fn less(
    mut bytes: Vec<u8>,
    pieces: impl Fn(&[u8]) -> Vec<usize>,
    holds: &mut impl FnMut(&[u8]) -> Option<Vec<u8>>,
) -> Vec<u8> {
    let mut size = pieces(&bytes).len() / 2;
    while size > 0 {
        let mut first = 0;
        loop {
            let ends = pieces(&bytes);
            if first >= ends.len() {
                break;
            }
            let start = first.checked_sub(1).map_or(0, |before| ends[before]);
            let end = ends[(first + size).min(ends.len()) - 1];
            let without = [&bytes[..start], &bytes[end..]].concat();
            match holds(&without).filter(|smaller| smaller.len() < bytes.len()) {
                Some(smaller) => bytes = smaller,
                None => first += size,
            }
        }
        size /= 2;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_fault_does_not_need_goes() {
        let check = |input: &str, fault: &str, expected: &str| {
            let holds = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(fault).then(|| bytes.to_vec());
            assert_eq!(String::from_utf8_lossy(&smallest(input.as_bytes().to_vec(), holds)), expected);
        };
        check("one\ntwo\nthree\nfour\n", "re", "re");
        check("one\ntwo\nthree\nfour\n", "two\nt", "two\nt");
        check("no line feed", "feed", "feed");
        check("x", "x", "x");
    }

    #[test]
    fn what_is_mended_may_be_longer_than_what_was_left() {
        let holds = |bytes: &[u8]| bytes.ends_with(b"z").then(|| [b"head".as_slice(), bytes].concat());
        let smallest = smallest(b"headaaaaaaaaaaaaaaaaz".to_vec(), holds);
        assert!(smallest.ends_with(b"z") && smallest.len() <= b"headheadz".len(), "{smallest:?}");
    }
}
