//! Differences that speak against nobody: as short as they can be, since nobody has to do anything about them.

use super::Differences;
use super::groups::{Group, groups, seen};
use crate::comparison::{Behaviour, ProbeRow};
use crate::report::text;

/// A heading for each way in which the kernels part, and a line for each probe in which they part so.
pub(super) fn lines(
    behaviour: &Behaviour,
    heading: &str,
    rows: &[&ProbeRow],
    width: usize,
    shown: Differences,
) -> Vec<String> {
    let mut ways: Vec<(String, Vec<String>)> = Vec::new();
    for row in rows {
        let groups = groups(behaviour, row);
        let way = groups.iter().map(Group::names).collect::<Vec<_>>().join(" / ");
        let line = format!("{}: {}", row.title, apart(&groups.iter().map(seen).collect::<Vec<_>>()));
        match ways.iter_mut().find(|(known, _)| *known == way) {
            Some((_, lines)) => lines.push(line),
            None => ways.push((way, vec![line])),
        }
    }
    let sections = ways.iter();
    sections.flat_map(|(way, lines)| section(&format!("{heading}, {way}:"), lines, width, shown)).collect()
}

fn section(heading: &str, lines: &[String], width: usize, shown: Differences) -> Vec<String> {
    let most = match shown {
        Differences::All => lines.len(),
        Differences::AtMost(most) => most,
        Differences::Counted => 0,
    };
    let heading = text::wrap("", heading, width, 2);
    let listed = lines.iter().take(most).map(|line| text::wrap("  ", line, width, 4));
    let rest = lines.len().saturating_sub(most);
    let rest = (rest > 0).then(|| format!("  and {rest} more"));
    [heading].into_iter().chain(listed).chain(rest).collect()
}

/// Several sentences with a slash between them, and what they begin with alike said once: `returns 2 MiB, 16 READs, one at
/// a time / several at once`.
fn apart(sentences: &[String]) -> String {
    let parts: Vec<Vec<&str>> = sentences.iter().map(|text| text.split(", ").collect()).collect();
    // Each keeps a part of its own.
    let most = parts.iter().map(Vec::len).min().unwrap_or(1).saturating_sub(1);
    let is_alike = |&place: &usize| parts.windows(2).all(|pair| pair[0].get(place) == pair[1].get(place));
    let alike = (0..most).take_while(is_alike).count();
    let start = parts.first().map(|parts| parts[..alike].join(", ")).unwrap_or_default();
    let ends: Vec<String> = parts.iter().map(|parts| parts[alike..].join(", ")).collect();
    let ends = ends.join(" / ");
    if start.is_empty() { ends } else { format!("{start}, {ends}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_alike_is_said_once() {
        for (sentences, expected) in [
            (
                &["returns 2 MiB, 16 READs, one at a time", "returns 2 MiB, 16 READs, several at once"][..],
                "returns 2 MiB, 16 READs, one at a time / several at once",
            ),
            (
                &["returns 640 KiB, 7 READs, one at a time", "returns EIO, 16 READs, several at once"],
                "returns 640 KiB, 7 READs, one at a time / returns EIO, 16 READs, several at once",
            ),
            (&["returns EIO, 1 WRITE", "returns EIO"], "returns EIO, 1 WRITE / returns EIO"),
            (
                &["returns EIO, 1 WRITE", "returns EIO, 1 WRITE, 1 SETATTR", "returns EIO, no WRITE"],
                "returns EIO, 1 WRITE / 1 WRITE, 1 SETATTR / no WRITE",
            ),
            (&["returns EIO", "returns 0"], "returns EIO / returns 0"),
        ] {
            let sentences: Vec<String> = sentences.iter().map(|&text| text.to_owned()).collect();
            assert_eq!(apart(&sentences), expected);
        }
    }
}
