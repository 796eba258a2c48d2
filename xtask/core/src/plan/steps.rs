//! A series patch by patch: a variant for what lies before it and one for each patch.

use std::collections::BTreeMap;

use super::{Prefix, Variant};
use crate::text::suggest::{self, quoted};

/// The longest name of a variant that `lab.toml` may give, bytes.
const LONGEST_NAME: usize = 40;

/// The variant that says what lies before the series `name`, and of which source: the first one, by name, that lists it; one
/// without a source of its own before all others.
///
/// # Errors
/// If no variant does.
pub fn listing<'a>(variants: &'a BTreeMap<String, Variant>, name: &str) -> Result<&'a Variant, String> {
    let lists = |variant: &&Variant| variant.series.iter().any(|series| series == name);
    let listing = variants.values().filter(lists).min_by_key(|variant| variant.source.is_some());
    listing.ok_or_else(|| not_listed(variants, name))
}

/// The kernel with the whole series `name` and nothing on top of it: a variant of `lab.toml` if one is that, the first one by
/// name, else one that is called by the series and of which nothing is said. It has the source of the variant that lists the
/// series.
///
/// # Errors
/// If no variant lists the series.
pub fn with_series(variants: &BTreeMap<String, Variant>, name: &str) -> Result<Variant, String> {
    let listing = listing(variants, name)?;
    let is_last = |variant: &&Variant| {
        variant.series.last().is_some_and(|last| last == name) && variant.source == listing.source
    };
    let fewest = variants.values().filter(is_last).min_by_key(|variant| variant.series.len());
    Ok(fewest.cloned().unwrap_or_else(|| {
        let before = listing.series.iter().take_while(|series| *series != name).cloned();
        let series = before.chain([name.to_owned()]).collect();
        let name: String = name.chars().take(LONGEST_NAME).collect();
        Variant { source: listing.source.clone(), ..Variant::new(name, series) }
    }))
}

/// The steps of the series `name`, whose patches have these subjects, after what lies before it in `like`: first
/// the kernel without the series, then with one patch, with two, and so on. Nothing is said of how they behave: a step
/// in the middle of a series need not be like what lies before it, nor like the whole.
pub fn steps(like: &Variant, name: &str, subjects: &[String]) -> Vec<Variant> {
    let before: Vec<String> = like.series.iter().take_while(|series| *series != name).cloned().collect();
    let with: Vec<String> = before.iter().cloned().chain([name.to_owned()]).collect();
    let source = &like.source;
    let base = Variant { source: source.clone(), ..Variant::new(step_name(name, 0), before) };
    let step = |(patches, subject): (u32, &String)| Variant {
        prefix: Some(Prefix { patches, subject: subject.clone() }),
        source: source.clone(),
        ..Variant::new(step_name(name, patches), with.clone())
    };
    [base].into_iter().chain((1..).zip(subjects).map(step)).collect()
}

fn not_listed(variants: &BTreeMap<String, Variant>, name: &str) -> String {
    let mut known: Vec<&str> =
        variants.values().flat_map(|variant| &variant.series).map(String::as_str).collect();
    known.sort_unstable();
    known.dedup();
    let nearest = suggest::nearest(name, &known);
    let meant = nearest.map(|nearest| format!("; did you mean {}?", quoted(nearest)));
    format!(
        "no variant of lab.toml lists the series {}, which would say what lies before it{}; add one: \
         [variants.{}] with series = [{}]",
        quoted(name),
        meant.unwrap_or_default(),
        suggest::shown(&suggest::key(name)),
        suggest::shown(&format!("{name:?}"))
    )
}

/// `sync-dio-3`; the series' part is cut where the whole would be too long for the name of a variant.
fn step_name(series: &str, patches: u32) -> String {
    let number = format!("-{patches}");
    let start: String = series.chars().take(LONGEST_NAME - number.len()).collect();
    start + &number
}

/// The baseline of steps under a second name, for plans that need it.
pub(super) fn again(base: &Variant) -> Variant {
    let name: String = base.name.chars().take(LONGEST_NAME - "-again".len()).collect();
    Variant { name: name + "-again", ..base.clone() }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::plan::Source;

    fn variants() -> BTreeMap<String, Variant> {
        [("a", vec![]), ("b", vec!["first", "dio", "last"]), ("c", vec!["dio"])]
            .map(|(name, series)| {
                let series = series.into_iter().map(str::to_owned).collect();
                (name.to_owned(), Variant::new(name, series))
            })
            .into()
    }

    fn shown(name: &str, subjects: &[&str]) -> String {
        let subjects: Vec<String> = subjects.iter().map(|subject| (*subject).to_owned()).collect();
        match listing(&variants(), name) {
            Ok(like) => {
                let line = |variant: &Variant| {
                    let prefix = variant.prefix.as_ref();
                    let prefix = prefix.map(|prefix| format!(" {} {}", prefix.patches, prefix.subject));
                    format!("{} {:?}{}", variant.name, variant.series, prefix.unwrap_or_default())
                };
                let lines: Vec<String> = steps(like, name, &subjects).iter().map(line).collect();
                format!("like {}\n{}", like.name, lines.join("\n"))
            }
            Err(error) => error,
        }
    }

    #[test]
    fn a_series_in_the_middle_of_a_variant() {
        expect![[r#"
            like b
            dio-0 ["first"]
            dio-1 ["first", "dio"] 1 one
            dio-2 ["first", "dio"] 2 two"#]]
        .assert_eq(&shown("dio", &["one", "two"]));
        expect![[r#"
            like b
            last-0 ["first", "dio"]
            last-1 ["first", "dio", "last"] 1 one"#]]
        .assert_eq(&shown("last", &["one"]));
    }

    #[test]
    fn the_kernel_with_a_whole_series() {
        for (series, expected) in [
            ("dio", r#"c ["dio"]"#),
            ("last", r#"b ["first", "dio", "last"]"#),
            ("first", r#"first ["first"]"#),
            ("dios", "no variant"),
        ] {
            let found = with_series(&variants(), series);
            let shown =
                found.map_or_else(|error| error, |found| format!("{} {:?}", found.name, found.series));
            assert!(shown.starts_with(expected), "{shown}");
        }
    }

    /// Of two variants that list a series the one without a source of its own says what lies before it, whatever their names.
    #[test]
    fn steps_have_the_source_of_what_lists_the_series() {
        let mut variants = variants();
        let source = |path: &str| Some(Source::Tree(path.to_owned()));
        variants.get_mut("b").unwrap().source = source("/7.3");
        let sources = |name: &str| {
            let like = listing(&variants, name).unwrap();
            let steps = steps(like, name, &["one".to_owned()]);
            let steps = steps.into_iter().map(|step| step.source);
            (like.name.clone(), steps.collect::<Vec<_>>(), with_series(&variants, name).unwrap().source)
        };
        assert_eq!(sources("dio"), ("c".to_owned(), vec![None, None], None));
        assert_eq!(sources("first"), ("b".to_owned(), vec![source("/7.3"), source("/7.3")], source("/7.3")));
    }

    #[test]
    fn a_series_of_no_variant() {
        expect!["no variant of lab.toml lists the series `dios`, which would say what lies before it; did you mean `dio`?; add one: [variants.dios] with series = [\"dios\"]"]
            .assert_eq(&shown("dios", &["one"]));
        assert!(shown("v2.1", &[]).ends_with("; add one: [variants.\"v2.1\"] with series = [\"v2.1\"]"));
    }

    #[test]
    fn names_stay_short() {
        for (series, patches, expected) in [
            ("dio", 0, "dio-0".to_owned()),
            ("dio", 12, "dio-12".to_owned()),
            (&"a".repeat(40), 7, "a".repeat(38) + "-7"),
        ] {
            assert_eq!(step_name(series, patches), expected);
        }
        let base = Variant::new("a".repeat(40), Vec::new());
        assert_eq!(again(&base).name, "a".repeat(34) + "-again");
    }
}
