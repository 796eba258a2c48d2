//! Colour for terminals that have it: what is good, bad and unknown stands out. The words stay as they are.

use std::borrow::Cow;
use std::sync::LazyLock;

use anstyle::{AnsiColor, Style};
use regex::{Captures, Regex};

/// Words that say that something is good.
const GOOD: &str = r"better|faster";
/// That it is bad.
const BAD: &str =
    r"worse|WORSE|SLOWER|WRONG DATA(?: \d+/\d+)?|FAILED \d+/\d+|FAILS|BROKEN|HUNG|UNEXPECTED|NEW";
/// That nobody knows.
const UNKNOWN: &str = r"CANNOT TELL|NOT PROBED|unclear|too few|unreliable|no statement possible|lost|missing";

static WORDS: LazyLock<Result<Regex, regex::Error>> =
    LazyLock::new(|| Regex::new(&format!(r"\b(?:(?P<good>{GOOD})|(?P<bad>{BAD})|(?P<unknown>{UNKNOWN}))\b")));

/// The answer with its first line bold, and colours. The text must be free of what acts on a terminal.
pub fn paint(text: &str) -> String {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let rest = match &*WORDS {
        Ok(words) => words.replace_all(rest, paint_word),
        Err(_) => Cow::Borrowed(rest),
    };
    format!("{}\n{rest}", styled(Style::new().bold(), first))
}

fn paint_word(found: &Captures<'_>) -> String {
    let colour = match (found.name("good"), found.name("bad")) {
        (Some(_), _) => AnsiColor::Green.on_default(),
        (_, Some(_)) => AnsiColor::Red.on_default().bold(),
        (None, None) => AnsiColor::Yellow.on_default(),
    };
    styled(colour, &found[0])
}

fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn only_words_of_the_lab_are_painted() {
        let text = "WORSE than the baseline.\nx2.00 better, betterment, -1 % worse, FAILED 1/2, too few\n";
        expect![[r#""\u{1b}[1mWORSE than the baseline.\u{1b}[0m\nx2.00 \u{1b}[32mbetter\u{1b}[0m, betterment, -1 % \u{1b}[1m\u{1b}[31mworse\u{1b}[0m, \u{1b}[1m\u{1b}[31mFAILED 1/2\u{1b}[0m, \u{1b}[33mtoo few\u{1b}[0m\n""#]]
            .assert_eq(&format!("{:?}", paint(text)));
    }

    #[test]
    fn nothing_else_is_changed() {
        let text = "a\nfaster and SLOWER\n";
        let painted = paint(text);
        let plain = Regex::new("\x1b\\[[0-9;]*m").unwrap().replace_all(&painted, "");
        assert_eq!(plain, text);
    }
}
