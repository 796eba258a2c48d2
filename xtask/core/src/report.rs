//! A comparison in the forms in which people and programs read it.

pub mod across;
mod actions;
mod answer;
mod behaviour;
mod costs;
mod csv;
mod evidence;
pub mod fault_suite;
pub mod full;
pub mod history;
pub mod html;
pub mod json;
pub mod judge;
mod junit;
pub mod list;
mod mail;
mod markdown;
mod messages;
pub mod mutants;
pub mod paint;
pub mod patches;
pub mod profile;
mod scenario;
pub mod self_test;
pub mod show;
mod steps;
mod suites;
mod text;
pub mod timeline;
mod words;

use anyhow::bail;

use crate::comparison::Comparison;
use crate::comparison::across::Across;
use crate::comparison::self_test::SelfTest;
use crate::text::layout::WIDTH;
use html::Attached;

/// How a comparison is printed. A new form is a file beside this one, and its lines here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// The answer, for a terminal.
    #[default]
    Table,
    /// Plain text of at most 72 columns, for a cover letter.
    Mail,
    /// A page with pictures: one file that opens from disk.
    Html,
    /// For issues, merge requests and wikis.
    Markdown,
    /// A line for each scenario, workload, metric and variant, for spreadsheets and statistics.
    Csv,
    /// A test case for each row, suite, probe and finding, for CI systems.
    Junit,
    /// Everything, samples included, for programs.
    Json,
}

impl Format {
    /// All of them, with what users write and what they get.
    pub const ALL: [(Format, &str, &str); 7] = [
        (Format::Table, "table", "For a terminal"),
        (Format::Mail, "mail", "Plain text of at most 72 columns, for a cover letter"),
        (Format::Html, "html", "A page with pictures: one file that opens from disk"),
        (Format::Markdown, "markdown", "For issues, merge requests and wikis"),
        (Format::Csv, "csv", "A line for each scenario, workload, metric and variant, for spreadsheets"),
        (Format::Junit, "junit", "A test case for each row, suite, probe and finding, for CI systems"),
        (Format::Json, "json", "Everything, samples included, for programs"),
    ];

    /// What users write.
    fn name(self) -> &'static str {
        Format::ALL.into_iter().find(|(format, ..)| *format == self).map_or("", |(_, name, _)| name)
    }

    /// The text of a comparison of which nothing else is known.
    ///
    /// # Errors
    /// As [`Format::render_with`].
    pub fn render(self, comparison: &Comparison) -> anyhow::Result<String> {
        self.render_with(comparison, &Attached::default())
    }

    /// The text of a comparison, with what not every form has room for. What is for a terminal is the answer; [`full::render`]
    /// says the rest.
    ///
    /// # Errors
    /// If it cannot be written in this form.
    pub fn render_with(self, comparison: &Comparison, attached: &Attached) -> anyhow::Result<String> {
        Ok(match self {
            Format::Table => answer::render(comparison),
            Format::Mail => mail::render(comparison, attached),
            Format::Html => html::render(comparison, attached),
            Format::Markdown => markdown::render(comparison),
            Format::Csv => csv::render(comparison)?,
            Format::Junit => junit::render(comparison)?,
            Format::Json => json::render(comparison)?,
        })
    }

    /// The text of a self-test, where the form has one of its own: what a comparison says of planted slowdowns is not what counts.
    ///
    /// # Errors
    /// If it cannot be written in this form.
    pub fn render_self_test(self, test: &SelfTest) -> anyhow::Result<Option<String>> {
        Ok(match self {
            Format::Table => Some(self_test::render(test)),
            Format::Junit => Some(junit::self_test::render(test)?),
            Format::Mail | Format::Html | Format::Markdown | Format::Csv | Format::Json => None,
        })
    }

    /// The text of two campaigns side by side.
    ///
    /// # Errors
    /// If it cannot be written in this form; most are of one campaign.
    pub fn render_across(self, across: &Across) -> anyhow::Result<String> {
        Ok(match self {
            Format::Table => across::render(across, WIDTH),
            Format::Mail => across::render(across, mail::WIDTH),
            Format::Json => json::render(across)?,
            Format::Html | Format::Markdown | Format::Csv | Format::Junit => bail!(
                "--format {} is of one campaign; name one, or use --format table, mail or json for two",
                self.name()
            ),
        })
    }
}

#[cfg(test)]
mod tests;
