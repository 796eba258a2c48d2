//! Mutants that people wrote: `mutants.toml` beside the patches of a series.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;

use super::super::code::{functions, tokens};
use super::{Edit, Mutant, PatchedFile, Rule, result};

/// `mutants.toml`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HandWritten {
    /// The mutants.
    #[serde(default)]
    pub mutant: Vec<ByHand>,
    /// Mutants of the rules that nothing could tell from the right program, by name (the id without its number), each with the
    /// reason.
    #[serde(default)]
    pub equivalent: BTreeMap<String, String>,
}

/// A mutant that was written by hand.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ByHand {
    /// Its name.
    pub name: String,
    /// The file that it changes.
    pub file: String,
    /// The function in which it stands.
    pub function: String,
    /// A text that is in this function once.
    pub old: String,
    /// What stands there instead.
    pub new: String,
    /// Why it matters.
    pub why: String,
    /// Why nothing could tell it from the right program, if so.
    #[serde(default)]
    pub equivalent: Option<String>,
}

impl HandWritten {
    /// Reads the text of a `mutants.toml`.
    ///
    /// # Errors
    /// If it has another form, a name twice, or an empty text.
    pub fn parse(text: &str) -> anyhow::Result<HandWritten> {
        let written: HandWritten = toml::from_str(text)?;
        let mut names = BTreeSet::new();
        for mutant in &written.mutant {
            let name = &mutant.name;
            ensure!(super::super::is_plain_name(name), "{name:?} is no name: letters, digits, `-` and `_`");
            ensure!(names.insert(name), "two mutants are called {name}: give one another name");
            ensure!(!mutant.old.trim().is_empty(), "mutant {name} has no old text");
            ensure!(mutant.old != mutant.new, "mutant {name} changes nothing: old and new text are the same");
            ensure!(!mutant.why.trim().is_empty(), "mutant {name} does not say why it matters");
        }
        Ok(written)
    }
}

/// The mutants of the list, each with the digest of the file that it makes.
pub(super) fn apply(files: &[PatchedFile], written: &HandWritten) -> anyhow::Result<Vec<(String, Mutant)>> {
    let one = |by_hand: &ByHand| {
        let (file, line, edit) = find(files, by_hand).with_context(|| format!("mutant {}", by_hand.name))?;
        let name = format!("{}-{}", Rule::ByHand.word(), by_hand.name);
        let mutant = Mutant {
            why: Some(by_hand.why.clone()),
            equivalent: by_hand.equivalent.clone(),
            ..Mutant::new(file, Rule::ByHand, name, &by_hand.function, line, &edit)
        };
        Ok((result(file, &edit), mutant))
    };
    written.mutant.iter().map(one).collect()
}

fn find<'a>(files: &'a [PatchedFile], wanted: &ByHand) -> anyhow::Result<(&'a PatchedFile, usize, Edit)> {
    let file = files.iter().find(|file| file.path == wanted.file);
    let file = file.with_context(|| format!("the series does not change {}", wanted.file))?;
    let tokens = tokens(&file.text);
    let functions = functions(&tokens);
    let function = functions.iter().find(|function| function.name == wanted.function);
    let function =
        function.with_context(|| format!("{} has no function {}", wanted.file, wanted.function))?;
    let start = tokens[function.tokens.start].start;
    let end = tokens.get(function.tokens.end).map_or(file.text.len(), |end| end.start);
    let body = &file.text[start..end];
    let places: Vec<usize> = body.match_indices(&wanted.old).map(|(at, _)| at).collect();
    let [place] = places[..] else {
        bail!(
            "its old text is {} times in {}, and has to be there once: write more or less of the line",
            places.len(),
            wanted.function
        );
    };
    let range = start + place..start + place + wanted.old.len();
    let line = 1 + file.text[..range.start].matches('\n').count();
    Ok((file, line, Edit { range, new: wanted.new.clone() }))
}

/// Marks the mutants that were found to be equivalent.
pub(super) fn mark(all: &mut [Mutant], written: &HandWritten) -> anyhow::Result<()> {
    for (name, reason) in &written.equivalent {
        // Not numbered yet.
        let mutant = all.iter_mut().find(|mutant| mutant.id == *name);
        let Some(mutant) = mutant else {
            bail!("[equivalent] names {name}, and there is no such mutant: remove the line");
        };
        mutant.equivalent = Some(reason.clone());
    }
    Ok(())
}
