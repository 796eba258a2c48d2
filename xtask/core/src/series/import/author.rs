//! Who wrote a patch: the name and the address in a `From:`, found as git finds them.

use std::sync::LazyLock;

use regex::Regex;

/// `Name <address>` of the decoded header, names with special characters in quotes; none if there is no address.
///
/// An address that a list's archive has changed (`j at example.org`) is kept as it is.
pub(super) fn parse(header: &str) -> Option<String> {
    let (name, address) = with_at(&without_quotes(header)).or_else(|| without_at(header))?;
    written(&name, &address)
}

/// The same of what git prints, in which quotes are part of the name.
pub(super) fn of_log(text: &str) -> Option<String> {
    let (name, address) = text.split_once(" <")?;
    written(name, address.split('>').next()?)
}

fn written(name: &str, address: &str) -> Option<String> {
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_address = !address.is_empty() && !address.contains(['<', '>']);
    let name = match name.as_str() {
        name if name.is_empty() || name.contains(['@', '<', '>']) => address.to_owned(),
        name if name.contains(|c| "()[]:;\\,.\"".contains(c)) => {
            format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
        }
        name => name.to_owned(),
    };
    is_address.then(|| format!("{name} <{address}>"))
}

/// Quotes removed, as well as the marks in front of characters in quotes and comments.
fn without_quotes(text: &str) -> String {
    let mut plain = String::new();
    let (mut in_quotes, mut depth) = (false, 0_u32);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' if depth == 0 => in_quotes = !in_quotes,
            '\\' if in_quotes || depth > 0 => plain.extend(chars.next()),
            '(' | ')' if !in_quotes => {
                depth = if c == '(' { depth + 1 } else { depth.saturating_sub(1) };
                plain.push(c);
            }
            other => plain.push(other),
        }
    }
    plain
}

/// The address is what stands around the first `@`, and the name is the rest.
fn with_at(text: &str) -> Option<(String, String)> {
    let at = text.find('@')?;
    let start = text[..at].rfind(|c: char| c.is_ascii_whitespace() || c == '<');
    let end = text[at..].find(|c: char| c.is_ascii_whitespace() || c == '>').map(|end| at + end);
    let address = &text[start.map_or(0, |start| start + 1)..end.unwrap_or(text.len())];
    let before = &text[..start.unwrap_or(0)];
    let after = end.map_or("", |end| &text[end + 1..]);
    let rest = format!("{before} {after}");
    let name = rest.trim();
    let name = name.strip_prefix('(').and_then(|name| name.strip_suffix(')')).unwrap_or(name);
    Some((name.to_owned(), address.to_owned()))
}

/// `Name <anything>`, or what archives make of an address: `j at example.org (Name)`.
fn without_at(text: &str) -> Option<(String, String)> {
    if let Some((name, rest)) = text.split_once('<') {
        let (address, _) = rest.split_once('>')?;
        return Some((name.to_owned(), address.trim().to_owned()));
    }
    static HIDDEN: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"^\s*(\S+ at \S+\.\S+)(?:\s+\((.*)\))?\s*$").ok());
    let found = HIDDEN.as_ref()?.captures(text)?;
    Some((found.get(2).map_or("", |name| name.as_str()).to_owned(), found[1].to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authors() {
        let check = |header: &str, expected: Option<&str>| {
            assert_eq!(parse(header).as_deref(), expected, "{header}");
        };
        check("a@b", Some("a@b <a@b>"));
        check("Jörg <a@b>", Some("Jörg <a@b>"));
        check("\"Doe, J. \\\"R\\\"\" <j@x>", Some("\"Doe, J. \\\"R\\\"\" <j@x>"));
        check("j@x (Jörg Müller)", Some("Jörg Müller <j@x>"));
        check("Jörg (at work) Müller <j@x> (he)", Some("\"Jörg (at work) Müller (he)\" <j@x>"));
        check("<j@x>", Some("j@x <j@x>"));
        check("Jörg <j at example.org>", Some("Jörg <j at example.org>"));
        check("j at example.org (Jörg Müller)", Some("Jörg Müller <j at example.org>"));
        check("j at example.org", Some("j at example.org <j at example.org>"));
        check("Jörg <jorg>", Some("Jörg <jorg>"));
        check("Jörg at the office", None);
        check("somebody", None);
        check("<>", None);
        check("", None);
    }

    #[test]
    fn authors_as_git_prints_them() {
        assert_eq!(of_log("Jörg \"J.\" Doe <j@x>").as_deref(), Some("\"Jörg \\\"J.\\\" Doe\" <j@x>"));
        assert_eq!(of_log("<j@x>"), None);
    }
}
