//! `[[known]]`: findings in kernel logs that are known.

use serde::Deserialize as _;
use serde::de::value::{Error, StrDeserializer};

use super::error::ConfigError;
use super::reader::{Table, Text};
use crate::evidence::klog::{self, Kind};
use crate::evidence::known::Known;
use crate::text::suggest::quoted;

/// All of them, in the order of the text; none if the file has no such table.
pub(super) fn known(root: &Table<'_>) -> Result<Vec<Known>, ConfigError> {
    let Some(field) = root.optional("known") else { return Ok(Vec::new()) };
    let mut all: Vec<Known> = Vec::new();
    for table in field.tables("[[known]]")? {
        let table = table.only(&["title", "kind", "reason"])?;
        let (title, reason) = (table.field("title").text()?, table.field("reason").text()?);
        check_title(&title)?;
        if reason.text.trim().is_empty() {
            return Err(reason.error("is empty; say why the finding is known"));
        }
        let kind = table.optional("kind").map(|kind| kind_of(&kind.text()?)).transpose()?;
        if all.iter().any(|known| known.title == title.text && known.kind == kind) {
            return Err(title.error(format!("{} is listed twice; list it once", quoted(title.text))));
        }
        all.push(Known { title: title.text.to_owned(), kind, reason: reason.text.to_owned() });
    }
    Ok(all)
}

/// A title that no finding can have would be a mistake that nobody sees, and one that all have would hide everything.
fn check_title(title: &Text<'_>) -> Result<(), ConfigError> {
    if title.text.chars().all(|character| character == '*' || character.is_whitespace()) {
        return Err(title.error(format!(
            "{} means every finding; write the title of one, as `cargo xtask show` prints it, with * for any text",
            quoted(title.text)
        )));
    }
    let as_titles_are = klog::normalise(title.text);
    if as_titles_are == title.text {
        return Ok(());
    }
    Err(title.error(format!(
        "no title is like {}: numbers are N in titles and addresses ADDR, and offsets are left out; use {}",
        quoted(title.text),
        quoted(&as_titles_are)
    )))
}

fn kind_of(word: &Text<'_>) -> Result<Kind, ConfigError> {
    Kind::deserialize(StrDeserializer::<Error>::new(word.text)).map_err(|error| {
        let error = error.to_string();
        let kinds = error.rsplit_once("expected ").map_or(error.as_str(), |(_, kinds)| kinds);
        word.error(format!("{} is no kind of finding; use {kinds}", quoted(word.text)))
    })
}
