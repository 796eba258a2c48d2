//! `source` of `[kernel]`, of a plan or of a variant: one of four kinds.

use super::error::ConfigError;
use super::reader::{Field, Text};
use crate::plan::Source;
use crate::text::suggest::quoted;

/// The keys of which one must be there.
const KINDS: [&str; 4] = ["debian", "tarball", "git", "tree"];

/// Reads `{ debian = ... }`, maybe with `suite`, `{ tarball = ..., sha256 = ... }`, `{ git = ..., commit = ... }` or `{ tree = ... }`.
pub(super) fn parse(field: &Field<'_>) -> Result<Source, ConfigError> {
    let table = field
        .table("{ debian = \"linux-source-6.12\" }")?
        .only(&["debian", "tarball", "git", "tree", "suite", "sha256", "commit"])?;
    let given: Vec<&str> = KINDS.into_iter().filter(|kind| table.optional(kind).is_some()).collect();
    let [kind] = given[..] else {
        let found = if given.is_empty() { "no source" } else { "more than one source" };
        return Err(field.error(format!("{found}; name one of {}", KINDS.join(", "))));
    };
    for (key, its_kind) in [("suite", "debian"), ("sha256", "tarball"), ("commit", "git")] {
        if let Some(extra) = table.optional(key).filter(|_| kind != its_kind) {
            return Err(extra.error(format!("belongs to a {its_kind} source; remove it")));
        }
    }
    let location = table.field(kind).text()?;
    Ok(match kind {
        "debian" => Source::Debian {
            package: debian_package(&location)?,
            suite: table.optional("suite").map(|field| debian_suite(&field.text()?)).transpose()?,
        },
        "tarball" => {
            let location = path_or_url(&location, &["http://", "https://"])?;
            let sha256 = match table.optional("sha256") {
                Some(digest) => Some(hexadecimal(&digest, 64, "SHA-256 digest")?),
                // The error of the missing key is the one wanted: what a URL gives can change.
                None if location.contains("://") => {
                    Some(hexadecimal(&table.field("sha256"), 64, "SHA-256 digest")?)
                }
                None => None,
            };
            Source::Tarball { location, sha256 }
        }
        "git" => Source::Git {
            repository: path_or_url(&location, &["http://", "https://", "git://", "ssh://", "file://"])?,
            commit: hexadecimal(&table.field("commit"), 40, "full commit id")?,
        },
        _ => Source::Tree(path_or_url(&location, &[])?),
    })
}

/// Debian policy 5.6.1: two or more of `a-z0-9+-.`, the first a letter or digit. It becomes an argument of apt.
fn debian_package(name: &Text<'_>) -> Result<String, ConfigError> {
    let first = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = name.text.as_bytes();
    let good = bytes.len() >= 2
        && bytes.len() <= 100
        && first(bytes[0])
        && bytes.iter().all(|byte| first(*byte) || b"+-.".contains(byte));
    if good {
        return Ok(name.text.to_owned());
    }
    Err(name.error(format!(
        "{} is no name of a Debian package; use one such as `linux-source-6.12`",
        quoted(name.text)
    )))
}

/// It becomes a word of a sources.list, and a part of a file name.
fn debian_suite(name: &Text<'_>) -> Result<String, ConfigError> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = name.text.as_bytes();
    let good = bytes.len() <= 100
        && bytes.first().is_some_and(|byte| plain(*byte))
        && bytes.iter().all(|byte| plain(*byte) || b"+-.".contains(byte));
    if good {
        return Ok(name.text.to_owned());
    }
    Err(name.error(format!(
        "{} is no name of a suite of Debian's; use one such as `trixie-backports`",
        quoted(name.text)
    )))
}

/// What programs can take as a path, or as a URL of one of the schemes, and not as an option or a command.
fn path_or_url(location: &Text<'_>, schemes: &[&str]) -> Result<String, ConfigError> {
    let text = location.text;
    let is_url = schemes.iter().any(|scheme| text.starts_with(scheme));
    let remedy = if schemes.is_empty() {
        "use a path".to_owned()
    } else {
        format!("use a path or a URL with {}", schemes.join(", "))
    };
    if text.is_empty() {
        return Err(location.error(format!("empty; {remedy}")));
    }
    if text.starts_with('~') {
        let found = quoted(text);
        return Err(location.error(format!("{found}: `~` is not expanded here; write the whole path")));
    }
    // git takes `ext::COMMAND` for a command to run.
    if text.starts_with('-') || (!is_url && (text.contains("://") || text.contains("::"))) {
        return Err(location.error(format!("{} is not accepted; {remedy}", quoted(text))));
    }
    Ok(text.to_owned())
}

fn hexadecimal(field: &Field<'_>, digits: usize, what: &str) -> Result<String, ConfigError> {
    let written = field.text()?;
    if written.text.len() == digits && written.text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(written.text.to_ascii_lowercase());
    }
    Err(written.error(format!("{} is no {what}; use {digits} hexadecimal digits", quoted(written.text))))
}
