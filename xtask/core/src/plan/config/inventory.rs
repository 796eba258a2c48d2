//! What the checkout holds of the things that `lab.toml` names.

use std::ops::Range;

use super::error::{ConfigError, Document};
use super::reader::Text;
use crate::text::suggest;

/// Where the series lie in the checkout.
pub const SERIES_DIR: &str = "kernel-patches";
/// Where the tables lie that say how kernels are to behave, `NAME.toml`.
pub const EXPECTED_DIR: &str = "images/probe/expected";
/// Where the configuration fragments lie in the checkout.
pub const FRAGMENT_DIR: &str = "images/kernel";

/// Something of the checkout that `lab.toml` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) part: CheckoutPart,
    pub(super) name: String,
    /// Where it is named, for error messages: bytes of the text, and the key.
    pub(super) span: Range<usize>,
    pub(super) path: String,
}

/// The parts of the checkout that can be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CheckoutPart {
    Series,
    Fragment,
    Behaviour,
}

/// The names in the checkout, sorted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inventory {
    /// Of the series.
    pub series: Vec<String>,
    /// Of the configuration fragments.
    pub fragments: Vec<String>,
    /// Of the tables of behaviour, without `.toml`.
    pub behaviours: Vec<String>,
}

impl Inventory {
    pub(super) fn holds(&self, document: Document<'_>, reference: &Reference) -> Result<(), ConfigError> {
        let (kind, folder, names) = match reference.part {
            CheckoutPart::Series => ("series", SERIES_DIR, &self.series),
            CheckoutPart::Fragment => ("fragment", FRAGMENT_DIR, &self.fragments),
            CheckoutPart::Behaviour => ("table of behaviour", EXPECTED_DIR, &self.behaviours),
        };
        if names.contains(&reference.name) {
            return Ok(());
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let message = suggest::unknown(kind, &reference.name, &names);
        Err(document.error(&reference.span, &reference.path, format!("{message} (in {folder}/)")))
    }
}

/// Notes that these names stand for something of the checkout.
pub(super) fn refer(part: CheckoutPart, names: &[Text<'_>], references: &mut Vec<Reference>) -> Vec<String> {
    references.extend(names.iter().map(|name| Reference {
        part,
        name: name.text.to_owned(),
        span: name.span(),
        path: name.path().to_owned(),
    }));
    names.iter().map(|name| name.text.to_owned()).collect()
}
