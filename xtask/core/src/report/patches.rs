//! What each patch of a series changes in the kernel that is built, for a terminal.

use super::text;
use crate::comparison::patches::{self, Age, BuildChange, BuildOutcome, ImageChange, PrefixBuild};
use crate::text::escape::escape_for_terminal;
use crate::text::layout::{WIDTH, align_right, new_table};

/// How many names of a list are shown if not all are asked for.
const FEW: usize = 10;

/// Which symbols are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// The first ones.
    Few,
    /// All.
    All,
}

/// How many characters of a subject a table shows at most, and at least even where the table gets too wide.
const SUBJECT: (usize, usize) = (75, 20);

/// A table with a row for each step; below it, what does not fit in one.
pub fn render(steps: &[PrefixBuild], names: Names) -> String {
    let changes: Vec<Option<BuildChange>> =
        (0..steps.len()).map(|place| patches::change(steps, place)).collect();
    let fits = |table: &String| table.lines().all(|line| line.chars().count() <= WIDTH);
    let (most, least) = SUBJECT;
    let mut tables = (least..=most).rev().map(|room| matrix(steps, &changes, room));
    let table = tables.find(fits).unwrap_or_else(|| matrix(steps, &changes, least));
    let lead = "Each patch against the last step before it that builds. Symbols are functions and data with names: \
                + added, - removed, ~ changed; bytes: by how much they grow.";
    let notes = steps.iter().zip(&changes).filter_map(|(step, change)| note(step, change.as_ref(), names));
    let parts: Vec<String> =
        [text::wrap("", lead, WIDTH, 0) + "\n" + &table].into_iter().chain(notes).collect();
    escape_for_terminal(&parts.join("\n\n")) + "\n"
}

/// The table with subjects cut to `room` characters.
fn matrix(steps: &[PrefixBuild], changes: &[Option<BuildChange>], room: usize) -> String {
    let columns = ["patch", "subject", "builds", "warnings", "bzImage", "", "symbols", "bytes"];
    let mut table = new_table(&columns);
    for (step, change) in steps.iter().zip(changes) {
        table.add_row(row(step, change.as_ref(), room));
    }
    align_right(&mut table, [0, 4, 5, 7]);
    table.to_string()
}

fn row(step: &PrefixBuild, change: Option<&BuildChange>, room: usize) -> Vec<String> {
    let subject = step.subject.clone().unwrap_or_else(|| "(without the series)".to_owned());
    let mut row = vec![step.number.to_string(), cut(&subject, room)];
    let BuildOutcome::Built(facts) = &step.outcome else {
        return [row, vec!["NO".to_owned()], vec![String::new(); 5]].concat();
    };
    row.push("yes".to_owned());
    match change {
        None => row.extend([String::new(), facts.image_bytes.to_string()]),
        Some(change) => {
            let image = match change.image {
                ImageChange::Equal => "equal".to_owned(),
                ImageChange::Bytes(bytes) => format!("{bytes:+}"),
            };
            let symbols = &change.symbols;
            let counts =
                [('+', symbols.added.len()), ('-', symbols.removed.len()), ('~', symbols.changed.len())];
            let counts = counts.iter().filter(|(_, count)| *count > 0);
            let counts: Vec<_> = counts.map(|(sign, count)| format!("{sign}{count}")).collect();
            row.extend([
                warnings(change),
                facts.image_bytes.to_string(),
                image,
                if counts.is_empty() { "none".to_owned() } else { counts.join(" ") },
                format!("{:+}", symbols.bytes),
            ]);
        }
    }
    row.resize(8, String::new());
    row
}

/// The start of a subject; the whole one stands below the table.
fn cut(subject: &str, room: usize) -> String {
    if subject.chars().count() <= room {
        return subject.to_owned();
    }
    subject.chars().take(room.saturating_sub(3)).collect::<String>() + "..."
}

fn warnings(change: &BuildChange) -> String {
    let new = change.warnings.iter().filter(|warning| warning.age == Age::New).count();
    match (new, change.warnings.len() - new) {
        (0, 0) => "none new".to_owned(),
        (new, 0) => format!("{new} NEW"),
        (0, unknown) => format!("{unknown} ?"),
        (new, unknown) => format!("{new} NEW, {unknown} ?"),
    }
}

/// What a step changes, by name.
fn note(step: &PrefixBuild, change: Option<&BuildChange>, names: Names) -> Option<String> {
    let title = format!("{} {}", step.number, step.subject.as_deref().unwrap_or_default());
    let mut lines = vec![text::wrap("", &title, WIDTH, 2)];
    let mut say = |line: String| lines.push(text::wrap("  ", &line, WIDTH, 4));
    match (&step.outcome, change) {
        (BuildOutcome::Failed(failed), _) => {
            say("DOES NOT BUILD:".to_owned());
            failed.errors.iter().for_each(|error| say(error.clone()));
            say(format!("full log: {}", failed.log.display()));
        }
        (BuildOutcome::Built(_), None) => return None,
        (BuildOutcome::Built(_), Some(change)) => {
            if change.before + 1 != step.number {
                say(format!("against the step with {} patches, the last one that builds", change.before));
            }
            verdict(change).into_iter().for_each(&mut say);
            let symbols = &change.symbols;
            let changed: Vec<String> = symbols.changed.iter().map(resized).collect();
            for (word, list) in
                [("added", &symbols.added), ("removed", &symbols.removed), ("changed", &changed)]
            {
                listed(word, list, names).into_iter().for_each(&mut say);
            }
            for warning in &change.warnings {
                let age = match warning.age {
                    Age::New => "new",
                    Age::Unknown => "new, or of a file that no step before compiled",
                };
                say(format!("{age}: {}", warning.line));
            }
        }
    }
    Some(lines.join("\n"))
}

fn verdict(change: &BuildChange) -> Option<String> {
    match change.image {
        ImageChange::Equal => Some("changes nothing that is built".to_owned()),
        ImageChange::Bytes(_) if change.symbols.is_empty() => Some(
            "changes no function and no data with a name; the image differs only in their order and in what has no \
             name, such as line numbers in warnings"
                .to_owned(),
        ),
        ImageChange::Bytes(_) => None,
    }
}

fn resized(symbol: &crate::evidence::symbols::Resized) -> String {
    match symbol.sizes {
        (before, after) if before == after => format!("{} ({after} bytes)", symbol.name),
        (before, after) => format!("{} ({before} -> {after} bytes)", symbol.name),
    }
}

fn listed(word: &str, list: &[String], names: Names) -> Option<String> {
    let shown = match names {
        Names::Few => list.len().min(FEW),
        Names::All => list.len(),
    };
    let rest = match list.len() - shown {
        0 => String::new(),
        rest => format!(" and {rest} more (--verbose)"),
    };
    (!list.is_empty()).then(|| format!("{word}: {}{rest}", list[..shown].join(", ")))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::comparison::patches::{Compiled, Facts};
    use crate::evidence::build::BuildFailed;
    use crate::evidence::symbols::Symbol;

    /// Symbols as `name:size:hash`, separated by spaces.
    fn built(number: u32, image: &str, bytes: u64, symbols: &str, warnings: &[&str]) -> PrefixBuild {
        let symbol = |word: &str| {
            let parts: Vec<&str> = word.split(':').collect();
            Symbol { name: parts[0].into(), size: parts[1].parse().unwrap(), hash: parts[2].into() }
        };
        let facts = Facts {
            image_sha256: image.to_owned(),
            image_bytes: bytes,
            symbols: symbols.split_whitespace().map(symbol).collect(),
            warnings: warnings.iter().map(|line| (*line).to_owned()).collect(),
            compiled: Compiled::Only(["fs/fuse/file.o".to_owned()].into()),
        };
        step(number, BuildOutcome::Built(facts))
    }

    fn step(number: u32, outcome: BuildOutcome) -> PrefixBuild {
        let subject = format!("fuse: make change number {number} in a subject that is long");
        PrefixBuild { number, subject: (number > 0).then_some(subject), outcome }
    }

    fn check(steps: &[PrefixBuild], names: Names, expected: Expect) {
        let text = render(steps, names);
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        expected.assert_eq(&text);
    }

    #[test]
    fn steps_of_every_kind() {
        let failed = BuildFailed {
            target: "bzImage".into(),
            errors: vec!["fs/fuse/file.c:10:5: error: unknown type name 'foo'".into()],
            log: "/cache/logs/dio-4.log".into(),
        };
        let file = "fs/fuse/file.c:10:5: warning: unused variable 'x' [-Wunused-variable]";
        let other = "fs/fuse/dir.c:10:5: warning: unused variable '\x1b[31m' [-Wunused-variable]";
        let steps = [
            built(0, "a", 2_868_224, "f:10:a g:20:b", &[]),
            built(1, "b", 2_868_224, "f:16:c h:20:b", &[]),
            built(2, "b", 2_868_224, "f:16:c h:20:b", &[]),
            built(3, "c", 2_864_128, "f:16:c h:20:b", &[file, other]),
            step(4, BuildOutcome::Failed(failed)),
            built(5, "d", 2_868_224, "f:16:c h:20:d i:1:a", &[file]),
        ];
        check(
            &steps,
            Names::Few,
            expect![[r#"
            Each patch against the last step before it that builds. Symbols are functions and data with names: +
            added, - removed, ~ changed; bytes: by how much they grow.
            | patch | subject                       | builds | warnings   | bzImage |       | symbols  | bytes |
            |-------|-------------------------------|--------|------------|---------|-------|----------|-------|
            |     0 | (without the series)          | yes    |            | 2868224 |       |          |       |
            |     1 | fuse: make change number 1... | yes    | none new   | 2868224 |    +0 | +1 -1 ~1 |    +6 |
            |     2 | fuse: make change number 2... | yes    | none new   | 2868224 | equal | none     |    +0 |
            |     3 | fuse: make change number 3... | yes    | 1 NEW, 1 ? | 2864128 | -4096 | none     |    +0 |
            |     4 | fuse: make change number 4... | NO     |            |         |       |          |       |
            |     5 | fuse: make change number 5... | yes    | none new   | 2868224 | +4096 | +1 ~1    |    +1 |

            1 fuse: make change number 1 in a subject that is long
              added: h
              removed: g
              changed: f (10 -> 16 bytes)

            2 fuse: make change number 2 in a subject that is long
              changes nothing that is built

            3 fuse: make change number 3 in a subject that is long
              changes no function and no data with a name; the image differs only in their order and in what has
                no name, such as line numbers in warnings
              new: fs/fuse/file.c:10:5: warning: unused variable 'x' [-Wunused-variable]
              new, or of a file that no step before compiled: fs/fuse/dir.c:10:5: warning: unused variable
                '\x1b[31m' [-Wunused-variable]

            4 fuse: make change number 4 in a subject that is long
              DOES NOT BUILD:
              fs/fuse/file.c:10:5: error: unknown type name 'foo'
              full log: /cache/logs/dio-4.log

            5 fuse: make change number 5 in a subject that is long
              against the step with 3 patches, the last one that builds
              added: i
              changed: h (20 bytes)
        "#]],
        );
    }

    #[test]
    fn long_lists() {
        let many: String = (10..25).map(|n| format!("fuse_{n}:1:a ")).collect();
        let steps = [built(0, "a", 1, "", &[]), built(1, "b", 1, &many, &[])];
        check(
            &steps,
            Names::Few,
            expect![[r#"
            Each patch against the last step before it that builds. Symbols are functions and data with names: +
            added, - removed, ~ changed; bytes: by how much they grow.
            | patch | subject                             | builds | warnings | bzImage |    | symbols | bytes |
            |-------|-------------------------------------|--------|----------|---------|----|---------|-------|
            |     0 | (without the series)                | yes    |          |       1 |    |         |       |
            |     1 | fuse: make change number 1 in a ... | yes    | none new |       1 | +0 | +15     |   +15 |

            1 fuse: make change number 1 in a subject that is long
              added: fuse_10, fuse_11, fuse_12, fuse_13, fuse_14, fuse_15, fuse_16, fuse_17, fuse_18, fuse_19
                and 5 more (--verbose)
        "#]],
        );
        check(
            &steps,
            Names::All,
            expect![[r#"
            Each patch against the last step before it that builds. Symbols are functions and data with names: +
            added, - removed, ~ changed; bytes: by how much they grow.
            | patch | subject                             | builds | warnings | bzImage |    | symbols | bytes |
            |-------|-------------------------------------|--------|----------|---------|----|---------|-------|
            |     0 | (without the series)                | yes    |          |       1 |    |         |       |
            |     1 | fuse: make change number 1 in a ... | yes    | none new |       1 | +0 | +15     |   +15 |

            1 fuse: make change number 1 in a subject that is long
              added: fuse_10, fuse_11, fuse_12, fuse_13, fuse_14, fuse_15, fuse_16, fuse_17, fuse_18, fuse_19,
                fuse_20, fuse_21, fuse_22, fuse_23, fuse_24
        "#]],
        );
    }
}
