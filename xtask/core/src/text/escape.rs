//! Text from the guest, made harmless for a terminal.

use std::fmt::Write as _;

/// Shows control characters instead of sending them: ESC becomes `\x1b`, a right-to-left override `\u{202e}`.
/// Line feeds and tabs stay; a carriage return at the end of a line is dropped.
pub fn escape_for_terminal(text: &str) -> String {
    // Nearly all text is of characters that stand for themselves.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\t')) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\n' | '\t' => out.push(character),
            '\r' if matches!(characters.peek(), None | Some('\n')) => {}
            _ if !is_hidden(character) => out.push(character),
            _ if character.is_ascii() => _ = write!(out, "\\x{:02x}", u32::from(character)),
            _ => _ = write!(out, "\\u{{{:x}}}", u32::from(character)),
        }
    }
    out
}

/// Whether a terminal acts on the character, reorders text because of it, or shows nothing for it.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_unseen() {
        for (input, expected) in [
            ("plain text, é ü ✓\n\tnext", "plain text, é ü ✓\n\tnext"),
            ("\x1b]0;title\x07\x1b[2J", "\\x1b]0;title\\x07\\x1b[2J"),
            ("a\0b\x7f", "a\\x00b\\x7f"),
            ("one\r\ntwo\r", "one\ntwo"),
            ("over\rwritten", "over\\x0dwritten"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("safe\u{202e}txt.exe", "safe\\u{202e}txt.exe"),
            ("zero\u{200b}width", "zero\\u{200b}width"),
        ] {
            assert_eq!(escape_for_terminal(input), expected, "{input:?}");
        }
    }
}
