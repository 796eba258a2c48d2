//! Text as Markdown shows it, whatever it holds.

use std::fmt::Write as _;

use crate::text::escape::escape_for_terminal;

/// In a sentence or a cell: nothing in it is markup, a link, a mention or the end of the cell.
pub(super) fn escape(text: &str) -> String {
    let text = escape_for_terminal(text).replace(['\n', '\t'], " ");
    let mut out = String::with_capacity(text.len());
    for (place, character) in text.char_indices() {
        match character {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '!' => _ = write!(out, "\\{character}"),
            '<' | '>' | '&' | '@' | '$' => _ = write!(out, "&#{};", u32::from(character)),
            // Addresses become links without any markup.
            ':' if text[place..].starts_with("://") => out.push_str("&#58;"),
            '.' if text[..place].to_ascii_lowercase().ends_with("www") => out.push_str("&#46;"),
            _ => out.push(character),
        }
    }
    out
}

/// A block in which text stands as it is. The fence is longer than any in the text.
pub(super) fn block(text: &str) -> String {
    let text = escape_for_terminal(text);
    let ticks = text.split(|character| character != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat((ticks + 1).max(3));
    format!("{fence}text\n{}\n{fence}", text.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_sentence_is_markup() {
        for (input, expected) in [
            ("plain, 5 % - (as it is)", "plain, 5 % - (as it is)"),
            ("a|b", "a\\|b"),
            ("**b** _i_ `c`", "\\*\\*b\\*\\* \\_i\\_ \\`c\\`"),
            ("<img src=x>", "&#60;img src=x&#62;"),
            ("[x](https://y)", "\\[x\\](https&#58;//y)"),
            ("see WWW.x.y and @all", "see WWW&#46;x.y and &#64;all"),
            ("&lt; $x$", "&#38;lt; &#36;x&#36;"),
            ("one\ntwo\x1b[2J", "one two\\\\x1b\\[2J"),
        ] {
            assert_eq!(escape(input), expected, "{input:?}");
        }
    }

    #[test]
    fn a_block_cannot_be_left() {
        assert_eq!(block("a\n```\n# b\n"), "````text\na\n```\n# b\n````");
        assert_eq!(block("a"), "```text\na\n```");
    }
}
