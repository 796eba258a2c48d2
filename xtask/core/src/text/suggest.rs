//! Names in error messages: shown safely, and with the one that was probably meant.

/// How many characters of a text an error message shows.
const SHOWN_CHARS: usize = 60;

/// How many known names an error message lists.
const LISTED_NAMES: usize = 20;

/// Below this Jaro-Winkler similarity (0 to 1) two names are taken for different ones and not for a typo.
const LEAST_SIMILARITY: f64 = 0.75;

/// Text from a file or a command line as it can be shown on a terminal: control characters escaped, a long text cut.
pub fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN_CHARS).flat_map(shown_char).collect();
    if text.chars().nth(SHOWN_CHARS).is_some() {
        shown.push('…');
    }
    shown
}

/// The same in backticks.
pub fn quoted(text: &str) -> String {
    format!("`{}`", shown(text))
}

/// A name as a key of TOML, for a table that the user is to write.
pub(crate) fn key(name: &str) -> String {
    if name.contains('.') { format!("\"{name}\"") } else { name.to_owned() }
}

fn shown_char(c: char) -> Box<dyn Iterator<Item = char>> {
    // Quotes and backslashes are harmless, and escaping them would show another text than was written.
    if matches!(c, '"' | '\'' | '\\') { Box::new(std::iter::once(c)) } else { Box::new(c.escape_debug()) }
}

/// The known name that `name` was probably meant to be; of equally similar ones the first.
pub(crate) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let mut best = None;
    for candidate in known {
        let similarity = strsim::jaro_winkler(&name.to_lowercase(), &candidate.to_lowercase());
        if similarity >= best.map_or(LEAST_SIMILARITY, |(_, most)| most)
            && best.is_none_or(|(_, most)| similarity > most)
        {
            best = Some((*candidate, similarity));
        }
    }
    best.map(|(candidate, _)| candidate)
}

/// Says that a name is unknown, which one was probably meant, and which there are.
///
/// `kind` is what the name stands for, in the singular: "there is no variant `stok`; did you mean `stock`?
/// there are: original, stock".
pub fn unknown(kind: &str, name: &str, known: &[&str]) -> String {
    let meant = match nearest(name, known) {
        Some(candidate) => format!(" did you mean `{candidate}`?"),
        None => String::new(),
    };
    let known = match known {
        [] => "there is none at all".to_owned(),
        names => format!("there are: {}", listed(names)),
    };
    format!("there is no {kind} {};{meant} {known}", quoted(name))
}

/// Names separated by commas; the count of the rest instead of a long list.
pub fn listed(names: &[&str]) -> String {
    let rest = names.len().saturating_sub(LISTED_NAMES);
    let list = names[..names.len() - rest].join(", ");
    if rest == 0 { list } else { format!("{list} and {rest} more") }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn the_name_that_was_meant() {
        let known = ["async-dio", "clone-fd", "max-background", "stock", "storage-latency-us", "threads"];
        for (name, meant) in [
            ("thread", Some("threads")),
            ("THREADS", Some("threads")),
            ("stok", Some("stock")),
            ("strage-latency-us", Some("storage-latency-us")),
            ("storage_latency_us", Some("storage-latency-us")),
            ("max-backgroud", Some("max-background")),
            ("async_dio", Some("async-dio")),
            ("colour", None),
            ("", None),
            ("../../etc/passwd", None),
        ] {
            assert_eq!(nearest(name, &known), meant, "{name}");
        }
        assert_eq!(nearest("abd", &["abc", "abe"]), Some("abc"));
    }

    #[test]
    fn messages() {
        let message = |name: &str, known: &[&str]| format!("{}\n", unknown("variant", name, known));
        let messages = [
            message("stok", &["original", "stock"]),
            message("zebra", &["original", "stock"]),
            message("zebra", &[]),
            message("\u{1b}[2J\n", &["stock"]),
            message(&"x".repeat(1000), &["stock"]),
            message("n", &["name"; 23]),
        ];
        expect![[r#"
            there is no variant `stok`; did you mean `stock`? there are: original, stock
            there is no variant `zebra`; there are: original, stock
            there is no variant `zebra`; there is none at all
            there is no variant `\u{1b}[2J\n`; there are: stock
            there is no variant `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…`; there are: stock
            there is no variant `n`; did you mean `name`? there are: name, name, name, name, name, name, name, name, name, name, name, name, name, name, name, name, name, name, name, name and 3 more
        "#]].assert_eq(&messages.concat());
    }

    #[test]
    fn shown_as_written_but_for_control_characters() {
        assert_eq!(quoted(r#"a "b" \c 'd' é"#), r#"`a "b" \c 'd' é`"#);
        assert_eq!(quoted("a\r\n\0\u{202e}"), r"`a\r\n\0\u{202e}`");
    }
}
