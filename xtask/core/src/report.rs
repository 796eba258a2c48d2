//! A comparison in the forms in which people and programs read it.

pub mod across;
mod answer;
mod behaviour;
mod costs;
mod evidence;
pub mod full;
pub mod json;
pub mod mail;
pub mod mutants;
pub mod paint;
pub mod patches;
pub mod profile;
mod scenario;
pub mod self_test;
mod steps;
mod suites;
mod text;
pub mod timeline;

use crate::comparison::Comparison;
use crate::comparison::across::Across;
use crate::text::layout::WIDTH;

/// How a comparison is printed. A new form is a file beside this one, and its lines here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The answer, for a terminal.
    Table,
    /// Plain text of at most 72 columns, for a cover letter.
    Mail,
    /// Everything, samples included, for programs.
    Json,
}

impl Format {
    /// All of them, with what users write and what they get.
    pub const ALL: [(Format, &str, &str); 3] = [
        (Format::Table, "table", "For a terminal"),
        (Format::Mail, "mail", "Plain text of at most 72 columns, for a cover letter"),
        (Format::Json, "json", "Everything, samples included, for programs"),
    ];

    /// The text of a comparison. What is for a terminal is the answer; [`full::render`] says the rest.
    ///
    /// # Errors
    /// If it cannot be written in this form.
    pub fn render(self, comparison: &Comparison) -> anyhow::Result<String> {
        Ok(match self {
            Format::Table => answer::render(comparison),
            Format::Mail => mail::render(comparison),
            Format::Json => json::render(comparison)?,
        })
    }

    /// The text of two campaigns side by side.
    ///
    /// # Errors
    /// If it cannot be written in this form.
    pub fn render_across(self, across: &Across) -> anyhow::Result<String> {
        Ok(match self {
            Format::Table => across::render(across, WIDTH),
            Format::Mail => across::render(across, mail::WIDTH),
            Format::Json => json::render(across)?,
        })
    }
}

#[cfg(test)]
mod tests;
