//! The configuration of pjdfstest: what may not stand in it, and that it gives a reason for each case that is known not to
//! pass.

use crate::evidence::output::Known;
use crate::text::suggest::quoted;

/// Keys that it may not have, and why, with the remedy.
const REFUSED: [(&str, &str); 2] = [
    ("allow_remount", "needs mount(8), which the guest does not have; remove it, and list what is left out"),
    ("dummy_auth", "is not for a configuration: the guest has the users that pjdfstest looks for; remove it"),
];

/// Checks the text of a configuration. The error ends with the remedy.
pub(super) fn check(text: &str) -> Result<(), String> {
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim_start().trim_start_matches('[');
        if let Some((key, why)) = REFUSED.iter().find(|(key, _)| line.starts_with(key)) {
            return Err(format!("line {number}: {key} {why}"));
        }
    }
    Known::parse(text).map_err(|error| format!("{error:#}; correct it"))?;
    reasons(text)
}

/// Each name of a list stands below a comment: the reason.
fn reasons(text: &str) -> Result<(), String> {
    let mut reason = None;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.ends_with('[') {
            reason = None;
        } else if line.starts_with('#') {
            reason = Some(line);
        } else if line.starts_with('"') && reason.is_none() {
            return Err(format!(
                "line {number}: {} has no reason; write one above it as a comment",
                quoted(line.trim_end_matches(','))
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    fn check(edit: (&str, &str), expected: Expect) {
        let good = "[settings]\nexpected_failures = [\n    # Nobody knows.\n    \"a::b\",\n    \"c\",\n]\n\n\
                    [lab]\nskipped = [\n    # Somebody knows.\n    \"d\",\n]\n";
        let text = good.replacen(edit.0, edit.1, 1);
        assert!(edit.0 == edit.1 || text != good, "{edit:?} changes nothing");
        expected.assert_eq(&super::check(&text).err().unwrap_or("accepted".to_owned()));
    }

    #[test]
    fn each_known_case_has_a_reason() {
        check(("", ""), expect!["accepted"]);
        check(
            ("    # Nobody knows.\n", ""),
            expect![[r#"line 3: `"a::b"` has no reason; write one above it as a comment"#]],
        );
        check(
            ("    # Somebody knows.\n", ""),
            expect![[r#"line 10: `"d"` has no reason; write one above it as a comment"#]],
        );
    }

    #[test]
    fn what_does_not_work_in_the_guest_is_refused() {
        check(
            ("[settings]\n", "[settings]\nallow_remount = true\n"),
            expect![
                "line 2: allow_remount needs mount(8), which the guest does not have; remove it, and list what is left out"
            ],
        );
        check(
            ("[settings]\n", "[dummy_auth]\n[settings]\n"),
            expect![
                "line 1: dummy_auth is not for a configuration: the guest has the users that pjdfstest looks for; remove it"
            ],
        );
        check(("\"c\"", "\"d\""), expect!["`d` is named twice; correct it"]);
    }
}
