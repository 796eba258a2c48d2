//! Findings that are known: they are shown with the reason, and count for nothing.

use serde::{Deserialize, Serialize};

use super::klog::{Finding, Kind};

/// What a finding has to be like to be known, as `lab.toml` says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Known {
    /// The whole title; `*` stands for any text.
    pub title: String,
    /// What sort of report it has to be; none for any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// Why it is known.
    pub reason: String,
}

impl Known {
    /// Whether a finding is the one that is meant.
    pub fn is_meant(&self, finding: &Finding) -> bool {
        self.kind.is_none_or(|kind| kind == finding.kind) && matches(&self.title, &finding.title)
    }
}

/// The first of these that means the finding.
pub fn find<'a>(known: &'a [Known], finding: &Finding) -> Option<&'a Known> {
    known.iter().find(|known| known.is_meant(finding))
}

/// Whether the whole text is like a pattern, in which `*` stands for any text.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(start) else { return false };
    let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
    // The first place at which a part fits leaves the most for those behind it.
    for part in middle.split('*') {
        let Some(place) = text.find(part) else { return false };
        text = &text[place + part.len()..];
    }
    text.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, expected) in [
            ("WARNING in f", "WARNING in f", true),
            ("WARNING in f", "WARNING in f_2", false),
            ("WARNING in f", "a WARNING in f", false),
            ("WARNING in f*", "WARNING in f", true),
            ("WARNING in f*", "WARNING in f_2", true),
            ("*in f", "WARNING in f", true),
            ("*in f", "WARNING in f_2", false),
            ("a*b*c", "abc", true),
            ("a*b*c", "a b b c", true),
            ("a*b*c", "a c b", false),
            ("ab*ba", "aba", false),
            ("a**c", "abc", true),
            ("*é*", "vérité", true),
            ("WARN.NG in f", "WARNING in f", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_kind_is_asked_for_too() {
        let finding = Finding {
            id: String::new(),
            kind: Kind::Warning,
            title: "WARNING in f".into(),
            line: 1,
            text: String::new(),
        };
        let known = |kind| Known { title: "*in f".into(), kind, reason: "r".into() };
        let all = [known(Some(Kind::Oops)), known(None), known(Some(Kind::Warning))];
        assert_eq!(all.each_ref().map(|known| known.is_meant(&finding)), [false, true, true]);
        assert_eq!(find(&all, &finding), Some(&all[1]));
        assert_eq!(find(&all[..1], &finding), None);
    }
}
