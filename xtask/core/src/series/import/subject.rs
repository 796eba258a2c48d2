//! Subjects: what `[PATCH v2 3/6] fuse: title` says, and the names that are made of titles.

use crate::text::name;

/// Longest slug in the name of a patch file, as `git format-patch` has it.
const FILE_SLUG_BYTES: usize = 52;

/// A subject, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// What stands in front of the title.
    pub mark: SubjectMark,
    /// The rest.
    pub title: String,
}

/// What a subject says about its mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubjectMark {
    /// A patch or a cover letter: `[PATCH]`, `[RFC]` or a bracket with a number.
    Patch {
        /// From 1, which is not written.
        version: u32,
        /// None in `[PATCH]`.
        place: Option<PatchPlace>,
    },
    /// `Re:` and the like.
    Reply,
    /// Nothing.
    Nothing,
}

/// The place in the series: `3/6`. A cover letter is number 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PatchPlace {
    /// From 1; 0 is the cover letter.
    pub number: u32,
    /// How many patches there are.
    pub total: u32,
}

impl Subject {
    /// Takes a decoded and unfolded subject apart.
    pub fn parse(text: &str) -> Subject {
        let mut rest = text.trim();
        let (mut is_reply, mut is_patch, mut version, mut place) = (false, false, None, None);
        loop {
            if let Some(after) = without_reply(rest) {
                is_reply = true;
                rest = after.trim_start();
            } else if let Some((tags, after)) = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
                for word in tags.split(|c: char| c.is_whitespace() || matches!(c, ',' | '[')) {
                    let word = word.to_ascii_lowercase();
                    is_patch |= word.contains("patch") || word.starts_with("rfc");
                    version = version.or_else(|| version_of(&word));
                    place = place.or_else(|| place_of(&word));
                }
                rest = after.trim_start();
            } else {
                break;
            }
        }
        let mark = match (is_reply, is_patch || place.is_some()) {
            (true, _) => SubjectMark::Reply,
            (false, true) => SubjectMark::Patch { version: version.unwrap_or(1), place },
            (false, false) => SubjectMark::Nothing,
        };
        Subject { mark, title: rest.split_whitespace().collect::<Vec<_>>().join(" ") }
    }
}

/// What follows `Re:` or what mail programs write instead of it.
fn without_reply(text: &str) -> Option<&str> {
    let (word, rest) = text.split_once(':')?;
    let word = word.trim_end_matches(|c: char| matches!(c, '[' | ']' | '^') || c.is_ascii_digit());
    ["re", "aw", "sv", "fw", "fwd"].iter().any(|mark| word.eq_ignore_ascii_case(mark)).then_some(rest)
}

/// `v2`, `patchv2`, `rfc-v2`.
fn version_of(word: &str) -> Option<u32> {
    let (before, number) = word.rsplit_once('v')?;
    let is_version = ["", "patch", "patch-", "rfc", "rfc-"].contains(&before);
    is_version.then(|| small_number(number)).flatten()
}

fn place_of(word: &str) -> Option<PatchPlace> {
    let (number, total) = word.split_once('/')?;
    Some(PatchPlace { number: small_number(number)?, total: small_number(total)? })
}

/// File names have four digits.
fn small_number(text: &str) -> Option<u32> {
    let plain = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// A name for a series, cut between words; none if nothing of the title can stand in a name.
pub fn series_name(title: &str) -> Option<String> {
    let lower = title.to_ascii_lowercase();
    let words = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut made = String::new();
    for word in words {
        let begun = if made.is_empty() { 0 } else { made.len() + 1 };
        if begun + word.len() > name::LONGEST {
            if made.is_empty() {
                made.push_str(&word[..name::LONGEST]);
            }
            break;
        }
        if begun > 0 {
            made.push('-');
        }
        made.push_str(word);
    }
    (!made.is_empty()).then_some(made)
}

/// The name of the patch file, as `git format-patch` makes it.
pub fn file_name(number: usize, title: &str) -> String {
    let mut slug = String::new();
    for c in title.chars() {
        let c = if c.is_ascii_alphanumeric() || matches!(c, '.' | '_') { c } else { '-' };
        if !(matches!(c, '-' | '.') && slug.ends_with(c)) {
            slug.push(c);
        }
    }
    let slug = slug.trim_start_matches('-');
    let slug = slug[..slug.len().min(FILE_SLUG_BYTES)].trim_end_matches(['-', '.']);
    format!("{number:04}-{}.patch", if slug.is_empty() { "patch" } else { slug })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects() {
        let check = |text: &str, mark: SubjectMark, title: &str| {
            assert_eq!(Subject::parse(text), Subject { mark, title: title.to_owned() }, "{text}");
        };
        let patch = |version, number, total| SubjectMark::Patch {
            version,
            place: Some(PatchPlace { number, total }),
        };
        let single = |version| SubjectMark::Patch { version, place: None };
        check("[PATCH 3/6] fuse: do it", patch(1, 3, 6), "fuse: do it");
        check("[PATCH v2 03/16]  fuse:  do it", patch(2, 3, 16), "fuse: do it");
        check("[RFC PATCH net-next, v3,0/2] x", patch(3, 0, 2), "x");
        check("[fuse-devel] [PATCHv4 1/2] x", patch(4, 1, 2), "x");
        check("[PATCH][v12] [1/2] x", patch(12, 1, 2), "x");
        check("[RFC-v2 1/2] [x86] y", patch(2, 1, 2), "y");
        check("[2/3] x", patch(1, 2, 3), "x");
        check("[PATCH] x", single(1), "x");
        check("[RESEND PATCH v2] x", single(2), "x");
        check("[RFC] x", single(1), "x");
        check("[PATCH 5.10.y] x", single(1), "x");
        check("[PATCH 12345/99999] x", single(1), "x");
        check("Re: [PATCH 3/6] x", SubjectMark::Reply, "x");
        check("[fuse-devel] RE: [PATCH 3/6] x", SubjectMark::Reply, "x");
        check("Re[2]: Fwd: x", SubjectMark::Reply, "x");
        check("[fuse-devel] x [PATCH 1/2]", SubjectMark::Nothing, "x [PATCH 1/2]");
        check("fuse: re: x", SubjectMark::Nothing, "fuse: re: x");
        check("[PATCH 1/2", SubjectMark::Nothing, "[PATCH 1/2");
        check("", SubjectMark::Nothing, "");
    }

    #[test]
    fn series_names() {
        let check = |title: &str, expected: Option<&str>| {
            assert_eq!(series_name(title).as_deref(), expected, "{title}");
            assert!(expected.is_none_or(name::is_safe), "{title}");
        };
        check("fuse: process direct IO asynchronously", Some("fuse-process-direct-io-asynchronously"));
        check("fuse: process direct IO asynchronously now", Some("fuse-process-direct-io-asynchronously"));
        check("../../Etc/passwd", Some("etc-passwd"));
        check(&"a".repeat(99), Some(&"a".repeat(40)));
        check("süß", Some("s"));
        check("。、", None);
        check("", None);
    }

    #[test]
    fn file_names() {
        let check = |title: &str, expected: &str| assert_eq!(file_name(7, title), expected);
        check("fuse: make fuse_direct_IO() synchronous", "0007-fuse-make-fuse_direct_IO-synchronous.patch");
        check("../x//y...z.", "0007-.-x-y.z.patch");
        check("ö", "0007-patch.patch");
        check(&"b".repeat(60), &format!("0007-{}.patch", "b".repeat(52)));
    }
}
