//! The named tables of a section, such as `[scenarios.local]`, and what they are `like`.

use std::collections::BTreeMap;

use super::error::ConfigError;
use super::reader::Table;

/// The tables of a section, each read with what it is like.
pub(super) fn section<'a, T>(
    root: &Table<'a>,
    section: &str,
    mut read: impl FnMut(&str, &Table<'a>) -> Result<T, ConfigError>,
) -> Result<BTreeMap<String, T>, ConfigError> {
    let mut tables = BTreeMap::new();
    let mut names = Vec::new();
    let example = format!("[{section}.NAME]");
    let field = root.field(section);
    let fields = field.table(&example)?.fields();
    field.check_count(fields.len())?;
    for (name, field) in fields {
        name.check_safe()?;
        names.push(name.text);
        tables.insert(name.text, field.table(&format!("[{section}.{}]", name.text))?);
    }
    let mut read_tables = BTreeMap::new();
    for name in names {
        let table = follow_likes(name, section, &tables)?;
        read_tables.insert(name.to_owned(), read(name, &table)?);
    }
    Ok(read_tables)
}

/// A table on top of the one that it is `like`, on top of the one that that is like, and so on.
fn follow_likes<'a>(
    name: &str,
    section: &str,
    tables: &BTreeMap<&'a str, Table<'a>>,
) -> Result<Table<'a>, ConfigError> {
    let kind = section.trim_end_matches('s');
    let known: Vec<&str> = tables.keys().copied().collect();
    let mut table = tables[name].clone();
    let mut path = vec![name];
    let mut like = table.optional("like");
    while let Some(field) = like {
        let other = field.text()?;
        other.check_known(kind, &known)?;
        if path.contains(&other.text) {
            path.push(other.text);
            return Err(field.error(format!("a circle: {}; remove one `like`", path.join(" -> "))));
        }
        path.push(other.text);
        let below = &tables[other.text];
        like = below.optional("like");
        table = table.like(below);
    }
    Ok(table)
}
