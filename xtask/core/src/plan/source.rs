//! A kernel source, and its form in campaign files.

use serde::{Deserialize, Serialize};

/// A kernel source.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "SourceForm", into = "SourceForm")]
pub enum Source {
    /// A Debian source package. The first version that was fetched into a cache is kept there until a refresh is
    /// asked for.
    Debian {
        /// Its name, e.g. `linux-source-6.12`.
        package: String,
        /// The suite of Debian's that has it, e.g. `trixie-backports`; none for what this machine's apt knows.
        suite: Option<String>,
    },
    /// A tarball.
    Tarball {
        /// Path or `http(s)` URL.
        location: String,
        /// SHA-256 of the file, 64 hexadecimal digits; required for a URL.
        sha256: Option<String>,
    },
    /// A git repository.
    Git {
        /// Path or URL.
        repository: String,
        /// Full commit id, 40 hexadecimal digits.
        commit: String,
    },
    /// A source tree on this machine. It is copied and never modified.
    Tree(String),
}

/// The form in a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum SourceForm {
    Debian(DebianForm),
    Tarball { location: String, sha256: Option<String> },
    Git { repository: String, commit: String },
    Tree(String),
}

/// Only its name if this machine's apt knows it, as in campaigns of a time when there was no other.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum DebianForm {
    Name(String),
    OfSuite { package: String, suite: String },
}

impl From<SourceForm> for Source {
    fn from(form: SourceForm) -> Self {
        match form {
            SourceForm::Debian(DebianForm::Name(package)) => Source::Debian { package, suite: None },
            SourceForm::Debian(DebianForm::OfSuite { package, suite }) => {
                Source::Debian { package, suite: Some(suite) }
            }
            SourceForm::Tarball { location, sha256 } => Source::Tarball { location, sha256 },
            SourceForm::Git { repository, commit } => Source::Git { repository, commit },
            SourceForm::Tree(path) => Source::Tree(path),
        }
    }
}

impl From<Source> for SourceForm {
    fn from(source: Source) -> Self {
        match source {
            Source::Debian { package, suite: None } => SourceForm::Debian(DebianForm::Name(package)),
            Source::Debian { package, suite: Some(suite) } => {
                SourceForm::Debian(DebianForm::OfSuite { package, suite })
            }
            Source::Tarball { location, sha256 } => SourceForm::Tarball { location, sha256 },
            Source::Git { repository, commit } => SourceForm::Git { repository, commit },
            Source::Tree(path) => SourceForm::Tree(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn campaigns_of_before_there_were_suites_are_read() {
        let named = |suite: Option<&str>| Source::Debian {
            package: "linux-source-6.12".to_owned(),
            suite: suite.map(str::to_owned),
        };
        for (source, text) in [
            (named(None), r#"{"debian":"linux-source-6.12"}"#),
            (named(Some("sid")), r#"{"debian":{"package":"linux-source-6.12","suite":"sid"}}"#),
            (Source::Tree("/src".to_owned()), r#"{"tree":"/src"}"#),
        ] {
            assert_eq!(serde_json::to_string(&source).unwrap(), text);
            assert_eq!(serde_json::from_str::<Source>(text).unwrap(), source);
        }
    }
}
