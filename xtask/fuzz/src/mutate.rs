//! Damage in the way of the form: lines, numbers, words and bytes.

use crate::draw::Draw;

/// A case is not larger, so that there are many.
const LARGEST_BYTES: usize = 1 << 20;

/// Most cases are an excerpt of so many lines, and not a whole console of thousands.
const EXCERPT_LINES: usize = 300;

/// Numbers at which readers break: of types, of signs, of bases, and of what is no number.
const NUMBERS: [&str; 30] = [
    "0",
    "-0",
    "-1",
    "1",
    "2",
    "7",
    "8",
    "9",
    "10",
    "99",
    "127",
    "128",
    "255",
    "256",
    "32768",
    "65535",
    "65536",
    "2147483647",
    "2147483648",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999999999999999999999999",
    "0x7fffffffffffffff",
    "1e308",
    "1e999",
    "NaN",
];

/// Bytes at which readers of text break.
const BYTES: [&[u8]; 24] = [
    b"\0",
    b"\n",
    b"\r\n",
    b"\r",
    b"\t",
    b" ",
    b"\"",
    b"'",
    b"\\",
    b"[",
    b"]",
    b"(",
    b")",
    b"{",
    b"}",
    b"<",
    b"=",
    b"+",
    b"-",
    b":",
    b"\x1b[0m",
    b"\xff",
    b"\xc3\xa9",
    b"\xe2\x82",
];

/// Numbers of several bytes at which readers of bytes break.
const WORDS: [u64; 10] = [0, 1, 0x7f, 0x80, 0xff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 1 << 63, u64::MAX];

/// A damaged input: one of `inputs`, or an excerpt of it if that is still of the form, with some damage.
pub(crate) fn mutate(draw: &mut Draw, inputs: &[Vec<u8>], excerpts: bool) -> Vec<u8> {
    let mut case = draw.one_of(inputs).cloned().unwrap_or_default();
    if excerpts && !draw.once_in(8) {
        case = excerpt(draw, &case);
    }
    for _ in 0..draw.mostly_small(12) {
        damage(draw, &mut case, inputs);
        case.truncate(LARGEST_BYTES);
    }
    case
}

fn excerpt(draw: &mut Draw, bytes: &[u8]) -> Vec<u8> {
    let lines = lines(bytes);
    let first = draw.below(lines.len());
    let count = draw.mostly_small(EXCERPT_LINES);
    lines[first..lines.len().min(first + count)].concat()
}

fn damage(draw: &mut Draw, case: &mut Vec<u8>, inputs: &[Vec<u8>]) {
    match draw.below(10) {
        0..=3 => *case = of_lines(draw, case, inputs),
        4 | 5 => number(draw, case),
        6 => word(draw, case, inputs),
        7 => splice(draw, case, inputs),
        _ => of_bytes(draw, case),
    }
}

fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').collect()
}

/// Lines are taken away, said again, moved, or taken from another input.
fn of_lines(draw: &mut Draw, case: &[u8], inputs: &[Vec<u8>]) -> Vec<u8> {
    let mut lines = lines(case);
    if lines.is_empty() {
        return case.to_vec();
    }
    let first = draw.below(lines.len());
    let end = lines.len().min(first + draw.mostly_small(40));
    match draw.below(6) {
        0 => drop(lines.drain(first..end)),
        1 => {
            let again = lines[first..end].repeat(draw.mostly_small(200));
            lines.splice(end..end, again);
        }
        2 => {
            let other = draw.below(lines.len());
            lines.swap(first, other);
        }
        3 => {
            let moved: Vec<_> = lines.drain(first..end).collect();
            let to = draw.below(lines.len() + 1);
            lines.splice(to..to, moved);
        }
        4 => lines[first..end].reverse(),
        _ => {
            let of_other = self::lines(draw.one_of(inputs).map_or(&[], Vec::as_slice));
            let from = draw.below(of_other.len());
            let to = of_other.len().min(from + draw.mostly_small(40));
            lines.splice(first..first, of_other[from..to].iter().copied());
        }
    }
    let mut all = Vec::new();
    for line in lines {
        all.extend_from_slice(line);
        if all.len() > LARGEST_BYTES {
            break;
        }
    }
    all
}

/// A number becomes one at an edge, or its neighbour.
fn number(draw: &mut Draw, case: &mut Vec<u8>) {
    let Some((start, end)) = run(draw, case, |byte| byte.is_ascii_digit()) else { return };
    let value = std::str::from_utf8(&case[start..end]).ok().and_then(|text| text.parse::<u64>().ok());
    let neighbour = value.filter(|_| draw.once_in(4)).map(|value| match draw.below(2) {
        0 => value.wrapping_add(1),
        _ => value.wrapping_sub(1),
    });
    let edge = draw.one_of(&NUMBERS).copied().unwrap_or_default();
    let text = neighbour.map_or_else(|| edge.to_owned(), |value| value.to_string());
    case.splice(start..end, text.bytes());
}

/// A word becomes one that stands elsewhere.
fn word(draw: &mut Draw, case: &mut Vec<u8>, inputs: &[Vec<u8>]) {
    let is_of_word = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    let Some((start, end)) = run(draw, case, is_of_word) else { return };
    let from = match draw.below(2) {
        0 => case.clone(),
        _ => draw.one_of(inputs).cloned().unwrap_or_default(),
    };
    let Some((other, other_end)) = run(draw, &from, is_of_word) else { return };
    case.splice(start..end, from[other..other_end].iter().copied());
}

/// A run of bytes that are alike, somewhere; it is looked for from a drawn place on.
fn run(draw: &mut Draw, bytes: &[u8], is_of_run: impl Fn(u8) -> bool) -> Option<(usize, usize)> {
    const LONGEST: usize = 200;
    let from = draw.below(bytes.len());
    let start = (from..bytes.len()).chain(0..from).find(|at| is_of_run(bytes[*at]))?;
    let end = bytes[start..].iter().take(LONGEST).take_while(|byte| is_of_run(**byte)).count();
    Some((start, start + end))
}

/// The beginning of one input and the end of another one.
fn splice(draw: &mut Draw, case: &mut Vec<u8>, inputs: &[Vec<u8>]) {
    let other = draw.one_of(inputs).map_or(&[][..], Vec::as_slice);
    let (cut, from) = (draw.below(case.len() + 1), draw.below(other.len() + 1));
    case.truncate(cut);
    if !draw.once_in(3) {
        case.extend_from_slice(&other[from..]);
    }
}

/// Bytes change, come, go, or are said again and again.
fn of_bytes(draw: &mut Draw, case: &mut Vec<u8>) {
    let at = draw.below(case.len());
    let end = case.len().min(at + draw.mostly_small(64));
    match draw.below(6) {
        0 if !case.is_empty() => case[at] ^= 1 << draw.below(8),
        1 => drop(case.drain(at..end)),
        2 => {
            let few = draw.one_of(&BYTES).copied().unwrap_or_default();
            case.splice(at..at, few.iter().copied());
        }
        3 => {
            let again = case[at..end].repeat(draw.mostly_small(4000));
            case.splice(end..end, again.into_iter().take(LARGEST_BYTES));
        }
        4 => {
            let word = draw.one_of(&WORDS).copied().unwrap_or_default();
            let bytes = if draw.once_in(4) { word.to_be_bytes() } else { word.to_le_bytes() };
            let length = [2, 4, 8][draw.below(3)];
            let bytes = if draw.once_in(4) { &bytes[8 - length..] } else { &bytes[..length] };
            // In its place, so that what stands behind it stays where it is.
            case.iter_mut().skip(at).zip(bytes).for_each(|(old, new)| *old = *new);
        }
        _ => {
            let byte = draw.number() as u8;
            case.splice(at..at, std::iter::repeat_n(byte, draw.mostly_small(8)));
        }
    }
}
