//! Kernels of several sources in one campaign: what differs between them beside their series.

use super::VariantSummary;
use crate::campaign::{Campaign, KernelBase, KernelOptions, UnlikeOption};

/// How many options are named in a doubt; all are in the campaign file.
const MOST_OPTIONS: usize = 8;

/// Whether the two kernels are of different sources.
pub(super) fn differ(left: &VariantSummary, right: &VariantSummary) -> bool {
    bases(left, right).is_some_and(|[left, right]| left.source != right.source)
}

/// What the two are built from, if the campaign has several sources.
fn bases<'a>(left: &'a VariantSummary, right: &'a VariantSummary) -> Option<[&'a KernelBase; 2]> {
    let base = |variant: &'a VariantSummary| variant.kernel.as_ref()?.base.as_ref();
    Some([base(left)?, base(right)?])
}

/// What differs between the baseline and each kernel of another source.
pub(super) fn doubts(campaign: &Campaign, variants: &[VariantSummary]) -> Vec<String> {
    let Some((baseline, others)) = variants.split_first() else { return Vec::new() };
    let of_other_source = others.iter().filter(|other| differ(baseline, other));
    of_other_source.flat_map(|other| lines(campaign, baseline, other)).collect()
}

fn lines(campaign: &Campaign, baseline: &VariantSummary, other: &VariantSummary) -> Vec<String> {
    let Some([base, own]) = bases(baseline, other) else { return Vec::new() };
    let names = format!("{} and {}", baseline.name, other.name);
    let source = format!(
        "{names} have different sources, {} and {}: whatever changed between the two may be the reason of a difference",
        base.source, own.source
    );
    let compiler = (base.compiler != own.compiler)
        .then(|| format!("{names} were built by different compilers: {} / {}", base.compiler, own.compiler));
    [Some(source), configuration(campaign, baseline, other), compiler].into_iter().flatten().collect()
}

/// How many options are not alike, and which of those that the fragments name.
fn configuration(campaign: &Campaign, baseline: &VariantSummary, other: &VariantSummary) -> Option<String> {
    let options = |variant: &VariantSummary| -> Option<&KernelOptions> {
        let kernel = campaign.file.kernels.iter().find(|kernel| kernel.variant == variant.name)?;
        kernel.options.as_ref()
    };
    let [named, others] = options(baseline)?.unlike(options(other)?);
    let count = named.len() + others.len();
    let of_fragments = match (named.len(), count) {
        (0, 0) => return None,
        (0, _) => "none of them named in images/kernel/".to_owned(),
        (named_count, _) => format!("{named_count} of them named in images/kernel/ ({})", listed(&named)),
    };
    let differ = if count == 1 {
        "option of the configuration differs"
    } else {
        "options of the configuration differ"
    };
    Some(format!(
        "{} and {}: {count} {differ}, {of_fragments}; campaign.toml lists all",
        baseline.name, other.name
    ))
}

fn listed(options: &[UnlikeOption<'_>]) -> String {
    let shown = options.iter().take(MOST_OPTIONS);
    let shown = shown.map(|UnlikeOption { option, values: [base, own] }| format!("{option} {base} / {own}"));
    let more = options.len().saturating_sub(MOST_OPTIONS);
    let more = (more > 0).then(|| format!("{more} more"));
    shown.chain(more).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use expect_test::expect;

    use super::*;
    use crate::comparison::{Question, answer, compare};
    use crate::fixtures::{begun, campaign, two_arms};
    use crate::plan::Clock;

    /// Two kernels of two sources.
    fn two_sources(named: &[(&str, [&str; 2])]) -> Campaign {
        let mut campaign = campaign(Clock::Virtual, &two_arms());
        let base = |variant: &str| KernelBase {
            source: match variant {
                "original" => "linux-source-6.12 6.12.117-1".to_owned(),
                _ => "linux-source-7.3 7.3.4-1".to_owned(),
            },
            config_sha256: "c0".repeat(32),
            compiler: "gcc 12.2.0".to_owned(),
        };
        for boot in &mut campaign.boots {
            boot.record.kernel.base = Some(base(&boot.record.boot.variant));
        }
        campaign.file.kernels = begun().kernels;
        for (place, kernel) in campaign.file.kernels.iter_mut().enumerate() {
            kernel.kernel.base = Some(base(&kernel.variant));
            let of = |options: &[(&str, [&str; 2])]| -> BTreeMap<String, String> {
                options.iter().map(|(name, values)| ((*name).to_owned(), values[place].to_owned())).collect()
            };
            kernel.options =
                Some(KernelOptions { named: of(named), others: of(&[("CONFIG_HAVE_X", ["y", "n"])]) });
        }
        campaign
    }

    fn said(campaign: &Campaign) -> String {
        compare(campaign).unwrap().doubts.iter().map(|doubt| format!("{doubt}\n")).collect()
    }

    #[test]
    fn what_differs_beside_the_series_is_said() {
        let mut unlike =
            two_sources(&[("CONFIG_PREEMPT_LAZY", ["n", "y"]), ("CONFIG_PREEMPT_VOLUNTARY", ["y", "n"])]);
        expect![[r#"
            original and patched have different sources, linux-source-6.12 6.12.117-1 and linux-source-7.3 7.3.4-1: whatever changed between the two may be the reason of a difference
            original and patched: 3 options of the configuration differ, 2 of them named in images/kernel/ (CONFIG_PREEMPT_LAZY n / y, CONFIG_PREEMPT_VOLUNTARY y / n); campaign.toml lists all
            all samples start at the same phase of the timer tick: that they agree says that figures repeat, not that a change of some percent is owed to the patches; set phase-range-us in lab.toml
        "#]]
        .assert_eq(&said(&unlike));
        for boot in unlike.boots.iter_mut().filter(|boot| boot.record.boot.variant == "patched") {
            boot.record.kernel.base.as_mut().unwrap().compiler = "gcc 14.2.0".to_owned();
        }
        assert!(said(&unlike).contains("different compilers: gcc 12.2.0 / gcc 14.2.0"), "{}", said(&unlike));
        expect!["original and patched: 1 option of the configuration differs, none of them named in images/kernel/; campaign.toml lists all"].assert_eq(said(&two_sources(&[])).lines().nth(1).unwrap());
        // The baseline that is asked for is the one that the others are held against.
        let question = Question { baseline: Some("patched".to_owned()), ..Question::default() };
        let doubts = answer(&two_sources(&[("CONFIG_HZ", ["250", "300"])]), &question).unwrap().doubts;
        expect!["patched and original: 2 options of the configuration differ, 1 of them named in images/kernel/ (CONFIG_HZ 300 / 250); campaign.toml lists all"].assert_eq(&doubts[1]);
    }

    #[test]
    fn of_one_source_nothing_is_said() {
        let mut one = two_sources(&[]);
        for boot in &mut one.boots {
            boot.record.kernel.base.as_mut().unwrap().source = "linux-source-6.12 6.12.117-1".to_owned();
        }
        assert_eq!(doubts(&one, &compare(&one).unwrap().variants), Vec::<String>::new());
    }

    #[test]
    fn long_lists_of_options_are_cut() {
        let options: Vec<String> = (10..20).map(|number| format!("CONFIG_{number}")).collect();
        let options: Vec<_> =
            options.iter().map(|option| UnlikeOption { option, values: ["y", "n"] }).collect();
        assert!(listed(&options).ends_with("CONFIG_17 y / n, 2 more"), "{}", listed(&options));
    }
}
