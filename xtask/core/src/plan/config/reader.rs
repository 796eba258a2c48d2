//! Tables and values of a TOML text that know their place and say what they should have been.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "every kind of TOML value but the wanted one is the same mistake"
)]

use std::fmt;
use std::ops::{Range, RangeInclusive};

use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, Document};
use crate::text::name;
use crate::text::suggest::{self, quoted, shown};

/// Where an option is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OptionPlace {
    pub(super) span: Range<usize>,
    pub(super) path: String,
}

/// The most tables of a kind, and the most names in a list: far more than can be booted.
const MOST_ENTRIES: usize = 500;

/// A table, and those that it takes missing keys from.
#[derive(Clone)]
pub(super) struct Table<'a> {
    document: Document<'a>,
    /// The table itself, then the one that it is `like`, and so on. Never empty.
    layers: Vec<Layer<'a>>,
    /// A key, and what it has whatever the layers say.
    instead: Option<(&'a str, Field<'a>)>,
}

#[derive(Clone)]
struct Layer<'a> {
    path: String,
    span: Range<usize>,
    entries: &'a DeTable<'a>,
}

/// The place of a key, and its value if there is one.
#[derive(Clone)]
pub(super) struct Field<'a> {
    document: Document<'a>,
    path: String,
    span: Range<usize>,
    value: Option<&'a DeValue<'a>>,
}

/// A string of the text.
#[derive(Clone)]
pub(super) struct Text<'a> {
    pub(super) text: &'a str,
    field: Field<'a>,
}

impl<'a> Table<'a> {
    /// The whole text as a table.
    pub(super) fn root(document: Document<'a>, entries: &'a DeTable<'a>) -> Self {
        Table { document, layers: vec![Layer { path: String::new(), span: 0..0, entries }], instead: None }
    }

    /// What the key has, in this table or in those that it is like.
    pub(super) fn field(&self, key: &str) -> Field<'a> {
        self.optional(key).unwrap_or_else(|| {
            let layer = &self.layers[0];
            self.make_field(layer, key, layer.span.clone(), None)
        })
    }

    /// The same, or none if the key is missing and may be.
    pub(super) fn optional(&self, key: &str) -> Option<Field<'a>> {
        if let Some((_, field)) = self.instead.as_ref().filter(|(instead, _)| *instead == key) {
            return Some(field.clone());
        }
        self.layers.iter().find_map(|layer| {
            let value = layer.entries.get(key)?;
            Some(self.make_field(layer, key, value.span(), Some(value.get_ref())))
        })
    }

    /// The keys of the table itself and what they have, in the order of the text.
    pub(super) fn fields(&self) -> Vec<(Text<'a>, Field<'a>)> {
        let layer = &self.layers[0];
        let mut fields: Vec<_> = layer
            .entries
            .iter()
            .map(|(key, value)| {
                let text = key.get_ref().as_ref();
                let value = self.make_field(layer, text, value.span(), Some(value.get_ref()));
                // A key may hold anything: messages about it show it, its place is that of the table.
                let path = layer.path.clone();
                (Text { text, field: Field { path, span: key.span(), value: None, ..value.clone() } }, value)
            })
            .collect();
        fields.sort_by_key(|(key, _)| key.field.span.start);
        fields
    }

    /// Refuses every other key.
    pub(super) fn only(self, keys: &[&str]) -> Result<Self, ConfigError> {
        match self.fields().iter().find(|(key, _)| !keys.contains(&key.text)) {
            None => Ok(self),
            Some((key, _)) => Err(key.error(suggest::unknown("key", key.text, keys))),
        }
    }

    /// This table with what it lacks taken from another.
    pub(super) fn like(mut self, other: &Table<'a>) -> Self {
        self.layers.extend(other.layers.iter().cloned());
        self
    }

    /// This table with another value of one key.
    pub(super) fn with(self, key: &'a str, field: Field<'a>) -> Self {
        Table { instead: Some((key, field)), ..self }
    }

    fn make_field(
        &self,
        layer: &Layer<'a>,
        key: &str,
        span: Range<usize>,
        value: Option<&'a DeValue<'a>>,
    ) -> Field<'a> {
        let path = if layer.path.is_empty() { key.to_owned() } else { format!("{}.{key}", layer.path) };
        Field { document: self.document, path, span, value }
    }
}

impl<'a> Field<'a> {
    /// A table; `example` shows how one is written.
    pub(super) fn table(&self, example: &str) -> Result<Table<'a>, ConfigError> {
        let wanted = format!("a table such as {example}");
        let value = self.value.ok_or_else(|| self.error(format!("missing; add {wanted}")))?;
        match value {
            DeValue::Table(entries) => {
                let layer = Layer { path: self.path.clone(), span: self.span.clone(), entries };
                Ok(Table { document: self.document, layers: vec![layer], instead: None })
            }
            other => Err(self.wrong_type(other, &wanted)),
        }
    }

    /// A whole number within a range.
    pub(super) fn number<T>(&self, range: RangeInclusive<T>) -> Result<T, ConfigError>
    where
        T: TryFrom<i128> + PartialOrd + fmt::Display,
    {
        let allowed = format!("{} to {}", range.start(), range.end());
        let wanted = format!("a whole number from {allowed}");
        match self.present(&wanted)? {
            DeValue::Integer(written) => i128::from_str_radix(written.as_str(), written.radix())
                .ok()
                .and_then(|number| T::try_from(number).ok())
                .filter(|number| range.contains(number))
                .ok_or_else(|| {
                    self.error(format!("{} is out of range; use {allowed}", shown(&written.to_string())))
                }),
            other => Err(self.wrong_type(other, &wanted)),
        }
    }

    /// The same, or a word that stands for none.
    pub(super) fn number_or<T>(&self, range: RangeInclusive<T>, word: &str) -> Result<Option<T>, ConfigError>
    where
        T: TryFrom<i128> + PartialOrd + fmt::Display,
    {
        let wanted = || format!("a whole number from {} to {}, or \"{word}\"", range.start(), range.end());
        match self.value {
            Some(DeValue::String(text)) if text == word => Ok(None),
            Some(DeValue::Integer(_)) => self.number(range).map(Some),
            Some(other) => Err(self.wrong_type(other, &wanted())),
            None => self.present(&wanted()).map(|_| None),
        }
    }

    /// A percentage, 0 to 100, whole or with a point.
    pub(super) fn percent(&self) -> Result<f64, ConfigError> {
        let wanted = "a percentage from 0 to 100, e.g. 1.0";
        let number = match self.present(wanted)? {
            DeValue::Integer(written) => {
                i64::from_str_radix(written.as_str(), written.radix()).ok().map(|n| n as f64)
            }
            DeValue::Float(written) => written.as_str().parse().ok(),
            other => return Err(self.wrong_type(other, wanted)),
        };
        match number.filter(|number| (0.0..=100.0).contains(number)) {
            Some(number) => Ok(number),
            None => Err(self.error(format!("is out of range; use {wanted}"))),
        }
    }

    /// `true` or `false`.
    pub(super) fn boolean(&self) -> Result<bool, ConfigError> {
        let wanted = "true or false";
        match self.present(wanted)? {
            DeValue::Boolean(value) => Ok(*value),
            other => Err(self.wrong_type(other, wanted)),
        }
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Result<T, ConfigError> {
        let words: Vec<String> = choices.iter().map(|(word, _)| format!("\"{word}\"")).collect();
        let wanted = words.join(" or ");
        match self.present(&wanted)? {
            DeValue::String(text) => {
                choices.iter().find(|(word, _)| word == text).map(|(_, value)| *value).ok_or_else(|| {
                    self.error(format!("{} is none of its values; use {wanted}", quoted(text)))
                })
            }
            other => Err(self.wrong_type(other, &wanted)),
        }
    }

    /// A string without control characters.
    pub(super) fn text(&self) -> Result<Text<'a>, ConfigError> {
        self.text_of("a string")
    }

    fn text_of(&self, wanted: &str) -> Result<Text<'a>, ConfigError> {
        match self.present(wanted)? {
            DeValue::String(text) if text.contains(char::is_control) => {
                Err(self.error(format!("{} holds a control character; remove it", quoted(text))))
            }
            DeValue::String(text) => Ok(Text { text, field: self.clone() }),
            other => Err(self.wrong_type(other, wanted)),
        }
    }

    /// A list of strings.
    pub(super) fn texts(&self) -> Result<Vec<Text<'a>>, ConfigError> {
        self.items("a list of strings")?.iter().map(|item| item.text_of("a list of strings")).collect()
    }

    /// The entries of a list, each at its own place.
    pub(super) fn items(&self, wanted: &str) -> Result<Vec<Field<'a>>, ConfigError> {
        match self.present(wanted)? {
            DeValue::Array(items) => Ok(items
                .iter()
                .map(|item| Field { value: Some(item.get_ref()), span: item.span(), ..self.clone() })
                .collect()),
            other => Err(self.wrong_type(other, wanted)),
        }
    }

    /// A list of tables, each of them complete by itself; `example` shows how one is written.
    pub(super) fn tables(&self, example: &str) -> Result<Vec<Table<'a>>, ConfigError> {
        let wanted = "a list of tables, [] for none";
        let DeValue::Array(items) = self.present(wanted)? else {
            return Err(self
                .value
                .map_or_else(|| self.error(wanted), |found| self.wrong_type(found, wanted)));
        };
        self.check_count(items.len())?;
        let item = |(at, item): (usize, &'a toml::Spanned<DeValue<'a>>)| {
            let path = format!("{}[{}]", self.path, at + 1);
            let field = Field { value: Some(item.get_ref()), span: item.span(), path, ..self.clone() };
            field.table(example)
        };
        items.iter().enumerate().map(item).collect()
    }

    /// A list of different safe names.
    pub(super) fn names(&self) -> Result<Vec<Text<'a>>, ConfigError> {
        let names = self.texts()?;
        self.check_count(names.len())?;
        for (at, name) in names.iter().enumerate() {
            name.check_safe()?;
            if names[..at].iter().any(|earlier| earlier.text == name.text) {
                return Err(name.error(format!("{} is listed twice; list it once", quoted(name.text))));
            }
        }
        Ok(names)
    }

    /// The same, or a single word that stands for a list of itself.
    pub(super) fn names_or(&self, word: &str) -> Result<Vec<Text<'a>>, ConfigError> {
        match self.value {
            Some(DeValue::String(text)) if text == word => Ok(vec![self.text()?]),
            Some(found @ DeValue::String(_)) => {
                Err(self.wrong_type(found, &format!("a list of strings, or \"{word}\"")))
            }
            Some(_) | None => self.names(),
        }
    }

    /// Refuses what is too much for any plan.
    pub(super) fn check_count(&self, count: usize) -> Result<(), ConfigError> {
        if count <= MOST_ENTRIES {
            return Ok(());
        }
        Err(self.error(format!("{count} entries are too many; use at most {MOST_ENTRIES}")))
    }

    /// Where it is, for a mistake that shows later.
    pub(super) fn place(&self) -> OptionPlace {
        OptionPlace { span: self.span.clone(), path: self.path.clone() }
    }

    /// A mistake here.
    pub(super) fn error(&self, message: impl Into<String>) -> ConfigError {
        self.document.error(&self.span, &self.path, message)
    }

    fn present(&self, wanted: &str) -> Result<&'a DeValue<'a>, ConfigError> {
        self.value.ok_or_else(|| self.error(format!("missing; set it to {wanted}")))
    }

    fn wrong_type(&self, found: &DeValue<'_>, wanted: &str) -> ConfigError {
        let found = match found {
            DeValue::String(text) => format!("the string {}", quoted(text)),
            DeValue::Integer(number) => format!("the number {}", quoted(&number.to_string())),
            DeValue::Float(number) => format!("the number {}", quoted(number.as_str())),
            DeValue::Boolean(value) => value.to_string(),
            DeValue::Datetime(_) => "a date".to_owned(),
            DeValue::Array(_) => "a list".to_owned(),
            DeValue::Table(_) => "a table".to_owned(),
        };
        self.error(format!("{found} is of the wrong type; use {wanted}"))
    }
}

impl Text<'_> {
    /// A mistake here.
    pub(super) fn error(&self, message: impl Into<String>) -> ConfigError {
        self.field.error(message)
    }

    /// The bytes of the text in which it stands.
    pub(super) fn span(&self) -> Range<usize> {
        self.field.span.clone()
    }

    /// The key that has it.
    pub(super) fn path(&self) -> &str {
        &self.field.path
    }

    /// Refuses what cannot be the name of a folder.
    pub(super) fn check_safe(&self) -> Result<(), ConfigError> {
        if name::is_safe(self.text) {
            return Ok(());
        }
        Err(self.error(format!("{} is no safe name; use {}", quoted(self.text), name::RULE)))
    }

    /// Refuses what is none of the known names.
    pub(super) fn check_known(&self, kind: &str, known: &[&str]) -> Result<(), ConfigError> {
        if known.contains(&self.text) {
            return Ok(());
        }
        Err(self.error(suggest::unknown(kind, self.text, known)))
    }
}
