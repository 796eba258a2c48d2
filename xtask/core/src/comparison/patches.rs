//! What a patch changes in the kernel that is built: pure, from what is known of the kernels of a series' steps.

use std::collections::BTreeSet;

use crate::evidence::build::BuildFailed;
use crate::evidence::symbols::{Symbol, SymbolDifference};
use crate::plan::Variant;

/// A series up to one of its patches, and what came of it.
#[derive(Debug)]
pub struct PrefixBuild {
    /// How many patches of the series there are.
    pub number: u32,
    /// The subject of the last of them; none for the kernel without the series.
    pub subject: Option<String>,
    /// Whether it builds.
    pub outcome: BuildOutcome,
}

/// Whether a step builds.
#[derive(Debug)]
pub enum BuildOutcome {
    /// It does.
    Built(Facts),
    /// It does not.
    Failed(BuildFailed),
}

/// What is compared of two kernels.
#[derive(Clone, Debug)]
pub struct Facts {
    /// SHA-256 of bzImage.
    pub image_sha256: String,
    /// Its size.
    pub image_bytes: u64,
    /// What the kernel consists of.
    pub symbols: Vec<Symbol>,
    /// Lines of the compiler, as far as it ran.
    pub warnings: Vec<String>,
    /// What was compiled.
    pub compiled: Compiled,
}

/// What was compiled when a kernel was built.
#[derive(Clone, Debug)]
pub enum Compiled {
    /// Everything.
    All,
    /// These objects, e.g. `fs/fuse/file.o`.
    Only(BTreeSet<String>),
}

/// What a step changes against the last one before it that builds.
#[derive(Debug)]
pub struct BuildChange {
    /// How many patches that one has.
    pub before: u32,
    /// How the image differs.
    pub image: ImageChange,
    /// How the functions and the data differ.
    pub symbols: SymbolDifference,
    /// Warnings that it does not share.
    pub warnings: Vec<Warning>,
}

/// How two images differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageChange {
    /// Not at all.
    Equal,
    /// In content; in size by so many bytes.
    Bytes(i64),
}

/// A warning that the steps before do not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The compiler's line.
    pub line: String,
    /// Whether it is owed to the step.
    pub age: Age,
}

/// Whether a warning is owed to a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// The file was compiled for a step before, without it.
    New,
    /// No step before compiled the file, so that nothing is known.
    Unknown,
}

impl PrefixBuild {
    /// The step that a variant stands for.
    pub fn new(variant: &Variant, outcome: BuildOutcome) -> Self {
        let prefix = variant.prefix.as_ref();
        let number = prefix.map_or(0, |prefix| prefix.patches);
        PrefixBuild { number, subject: prefix.map(|prefix| prefix.subject.clone()), outcome }
    }

    fn facts(&self) -> Option<&Facts> {
        match &self.outcome {
            BuildOutcome::Built(facts) => Some(facts),
            BuildOutcome::Failed(_) => None,
        }
    }
}

/// What the step at `place` changes; none for the first one and for one that does not build.
pub fn change(steps: &[PrefixBuild], place: usize) -> Option<BuildChange> {
    let new = steps[place].facts()?;
    let before: Vec<(u32, &Facts)> =
        steps[..place].iter().filter_map(|step| Some((step.number, step.facts()?))).collect();
    let (number, old) = *before.last()?;
    let bytes = |facts: &Facts| i64::try_from(facts.image_bytes).unwrap_or(i64::MAX);
    let image = if old.image_sha256 == new.image_sha256 {
        ImageChange::Equal
    } else {
        ImageChange::Bytes(bytes(new) - bytes(old))
    };
    let before: Vec<&Facts> = before.into_iter().map(|(_, facts)| facts).collect();
    Some(BuildChange {
        before: number,
        image,
        symbols: SymbolDifference::between(&old.symbols, &new.symbols),
        warnings: new_warnings(&before, new),
    })
}

/// Whether the step at `place` does not build or adds a warning.
pub fn is_worse(steps: &[PrefixBuild], place: usize) -> bool {
    let adds = |change: BuildChange| change.warnings.iter().any(|warning| warning.age == Age::New);
    matches!(steps[place].outcome, BuildOutcome::Failed(_)) || change(steps, place).is_some_and(adds)
}

/// The warnings of a build that none before it has. An incremental build shows those of the files that it compiled,
/// so all builds before are looked at.
fn new_warnings(before: &[&Facts], new: &Facts) -> Vec<Warning> {
    let known: BTreeSet<_> =
        before.iter().flat_map(|facts| &facts.warnings).map(|line| without_place(line)).collect();
    let age = |line: &str| {
        let file = without_place(line).0;
        let object = file.rsplit_once('.').map(|(stem, _)| format!("{stem}.o")).unwrap_or_default();
        let was_compiled = |facts: &&Facts| match &facts.compiled {
            Compiled::All => true,
            Compiled::Only(objects) => objects.contains(&object),
        };
        if before.iter().any(was_compiled) { Age::New } else { Age::Unknown }
    };
    let lines = new.warnings.iter().filter(|line| !known.contains(&without_place(line)));
    lines.map(|line| Warning { line: line.clone(), age: age(line) }).collect()
}

/// File and text of a warning, without line and column, which change with every line that is added above.
fn without_place(line: &str) -> (&str, &str) {
    let (place, text) = line.split_once(": ").unwrap_or(("", line));
    (place.split(':').next().unwrap_or_default(), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(warnings: &[&str], compiled: Compiled) -> Facts {
        Facts {
            image_sha256: String::new(),
            image_bytes: 0,
            symbols: Vec::new(),
            warnings: warnings.iter().map(|line| (*line).to_owned()).collect(),
            compiled,
        }
    }

    fn only(objects: &[&str]) -> Compiled {
        Compiled::Only(objects.iter().map(|object| (*object).to_owned()).collect())
    }

    #[test]
    fn warnings_that_are_new() {
        let check = |before: &[Facts], now: &[&str], expected: &[(&str, Age)]| {
            let before: Vec<&Facts> = before.iter().collect();
            let found = new_warnings(&before, &facts(now, Compiled::All));
            let found: Vec<_> = found.iter().map(|warning| (warning.line.as_str(), warning.age)).collect();
            assert_eq!(found, expected);
        };
        let old = "fs/a.c:10:5: warning: unused variable 'x' [-Wunused-variable]";
        let moved = "fs/a.c:12:5: warning: unused variable 'x' [-Wunused-variable]";
        let other = "fs/a.c:12:5: warning: unused variable 'y' [-Wunused-variable]";
        let elsewhere = "fs/b.c:12:5: warning: unused variable 'x' [-Wunused-variable]";
        let header = "include/h.h:1: warning: hm";
        check(&[], &[], &[]);
        check(&[facts(&[old], Compiled::All)], &[old], &[]);
        check(&[facts(&[old], Compiled::All)], &[moved], &[]);
        check(&[facts(&[old], Compiled::All)], &[old, other], &[(other, Age::New)]);
        check(&[facts(&[old], Compiled::All)], &[header], &[(header, Age::New)]);
        // An earlier step has it.
        check(&[facts(&[old], only(&["fs/a.o"])), facts(&[], only(&["fs/b.o"]))], &[moved], &[]);
        let compiled_a = [facts(&[], only(&["fs/a.o"]))];
        check(&compiled_a, &[old], &[(old, Age::New)]);
        check(&compiled_a, &[elsewhere, header], &[(elsewhere, Age::Unknown), (header, Age::Unknown)]);
        check(&compiled_a, &["ld: warning: x"], &[("ld: warning: x", Age::Unknown)]);
    }

    fn step(number: u32, outcome: BuildOutcome) -> PrefixBuild {
        PrefixBuild { number, subject: None, outcome }
    }

    fn failed() -> BuildOutcome {
        BuildOutcome::Failed(BuildFailed {
            target: "bzImage".into(),
            errors: vec!["e".into()],
            log: "log".into(),
        })
    }

    #[test]
    fn a_step_is_compared_with_the_last_one_that_builds() {
        let built = |image: &str, bytes: u64| {
            let mut facts = facts(&[], Compiled::All);
            facts.image_sha256 = image.to_owned();
            facts.image_bytes = bytes;
            BuildOutcome::Built(facts)
        };
        let steps =
            [step(0, built("a", 10)), step(1, built("b", 7)), step(2, failed()), step(3, built("b", 7))];
        let changes: Vec<_> = (0..4).map(|place| change(&steps, place)).collect();
        let shown =
            |change: &Option<BuildChange>| change.as_ref().map(|change| (change.before, change.image));
        assert_eq!(shown(&changes[0]), None);
        assert_eq!(shown(&changes[1]), Some((0, ImageChange::Bytes(-3))));
        assert_eq!(shown(&changes[2]), None);
        assert_eq!(shown(&changes[3]), Some((1, ImageChange::Equal)));
        let worse: Vec<_> = (0..4).map(|place| is_worse(&steps, place)).collect();
        assert_eq!(worse, [false, false, true, false]);
    }
}
