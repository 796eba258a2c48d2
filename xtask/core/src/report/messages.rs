//! Messages of level warning or worse that are new in each boot of a variant: what differs beside findings.

use crate::comparison::{Comparison, MessageRow};

/// What they are, before the list of them.
pub(super) const TITLE: &str =
    "Also differs: warnings in the kernel log of every boot of a variant and of none of the baseline";

/// A message in a line: its level, the text, and the boots of each variant that have it.
pub(super) fn line(comparison: &Comparison, row: &MessageRow) -> String {
    let counts = comparison.variants.iter().zip(&row.presence).enumerate();
    let counts = counts.map(|(place, (variant, seen))| {
        let new = if row.is_new_with(place) { " new" } else { "" };
        format!("{} {}/{}{new}", variant.name, seen.boots, seen.of)
    });
    format!("{} (level {}; boots {})", row.text, row.level, counts.collect::<Vec<_>>().join(", "))
}

/// A line for each.
pub(super) fn lines(comparison: &Comparison) -> Vec<String> {
    comparison.messages.iter().map(|row| line(comparison, row)).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use lab_protocol::{KernelMessage, KernelWarnings};

    use crate::comparison::compare;
    use crate::fixtures::{campaign, two_arms};
    use crate::plan::Clock;
    use crate::report::{Format, full};

    #[test]
    fn they_stand_beside_findings_and_make_no_verdict() {
        let mut campaign = campaign(Clock::Virtual, &two_arms());
        let before = compare(&campaign).unwrap();
        for boot in &mut campaign.boots {
            let message = KernelMessage { level: 4, text: "fuse: 7 <requests> leaked".to_owned() };
            let is_new = boot.record.boot.variant != campaign.file.plan.baseline;
            let messages = if is_new { vec![message] } else { Vec::new() };
            boot.report.as_mut().unwrap().warnings = Some(KernelWarnings { messages, left_out: 0 });
        }
        let comparison = compare(&campaign).unwrap();
        assert_eq!(comparison.conclusion.status, before.conclusion.status);
        assert_eq!(comparison.conclusion.sentences, before.conclusion.sentences);
        expect![[r#"
            Kernel logs: no findings in any boot.
            Also differs: warnings in the kernel log of every boot of a variant and of none of the baseline:
              fuse: N <requests> leaked (level 4; boots original 0/2, patched 2/2 new)"#]]
        .assert_eq(&full::findings(&comparison, full::Reports::LeftOut));
        for (format, expected) in [
            (Format::Mail, "fuse: N <requests> leaked (level 4; boots"),
            (Format::Markdown, "- fuse: N &#60;requests&#62; leaked (level 4; boots"),
            (Format::Html, "<li>fuse: N &lt;requests&gt; leaked (level 4; boots"),
            (Format::Json, r#""text": "fuse: N <requests> leaked""#),
        ] {
            let text = format.render(&comparison).unwrap();
            assert!(text.contains(expected), "{format:?}: {text}");
            assert!(!format.render(&before).unwrap().contains("leaked"), "{format:?}");
        }
    }
}
