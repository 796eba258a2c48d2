//! The source and the configuration of kernels: `[kernel]`, and what a plan has on top.

use super::error::ConfigError;
use super::inventory::{CheckoutPart, Reference, refer};
use super::reader::{Field, Table, Text};
use super::{Config, OptionChoice, check, source};
use crate::plan::KernelSettings;
use crate::text::arch::Arch;
use crate::text::suggest::quoted;

/// Beside fragments: what series need is turned on.
const AUTO: &str = "auto";

fn without_auto(mut names: Vec<Text<'_>>) -> (Vec<Text<'_>>, OptionChoice) {
    let all = names.len();
    names.retain(|name| name.text != AUTO);
    let options = if names.len() < all { OptionChoice::Auto } else { OptionChoice::AsWritten };
    (names, options)
}

/// `[kernel]`.
pub(super) fn kernel(
    root: &Table<'_>,
    references: &mut Vec<Reference>,
) -> Result<KernelSettings, ConfigError> {
    let table = root.field("kernel").table("[kernel]")?.only(&["source", "config"])?;
    let source = source::parse(&table.field("source"))?;
    let field = table.field("config");
    let (config, options) = without_auto(field.names()?);
    check::not_empty("fragment", &config).map_err(|message| field.error(message))?;
    let auto = match options {
        OptionChoice::AsWritten => None,
        OptionChoice::Auto => Some(Vec::new()),
    };
    // A plan has that of its machine instead.
    let arch = Arch::default();
    Ok(KernelSettings { source, config: refer(CheckoutPart::Fragment, &config, references), auto, arch })
}

/// `kernel-config` of a plan.
pub(super) fn plan_fragments(
    field: &Field<'_>,
    config: &Config,
    references: &mut Vec<Reference>,
) -> Result<(Vec<String>, OptionChoice), ConfigError> {
    let names = field.names_or(AUTO)?;
    let is_of_all = |name: &&Text<'_>| config.kernel.config.iter().any(|other| other == name.text);
    match names.iter().find(is_of_all) {
        Some(name) => {
            Err(name
                .error(format!("{} is part of every kernel, by [kernel]; remove it here", quoted(name.text))))
        }
        None => {
            let (names, options) = without_auto(names);
            Ok((refer(CheckoutPart::Fragment, &names, references), options))
        }
    }
}
