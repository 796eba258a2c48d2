//! The instructions of two kernels as a picture: a flame graph whose colours say what there is more or less of.

use std::collections::BTreeSet;

use anyhow::Context as _;
use inferno::flamegraph::{self, Options};

use super::{Pair, Profiled, pairs};
use crate::evidence::profile::Places;

/// A picture and the name of its file.
#[derive(Clone, Debug)]
pub struct Picture {
    /// `profile-SCENARIO-WORKLOAD-VARIANT.svg`.
    pub file: String,
    /// SVG, with a script that shows each name and searches.
    pub svg: String,
}

/// A picture of each variant against the baseline, as [`super::render`] has tables.
///
/// # Errors
/// If one cannot be drawn.
pub fn pictures(profiles: &[Profiled]) -> anyhow::Result<Vec<Picture>> {
    pairs(profiles).iter().map(picture).collect()
}

/// Widths are the variant's instructions; red is what it has more of than the baseline, blue what it has less of. What only the
/// baseline has no width.
fn picture(pair: &Pair<'_>) -> anyhow::Result<Picture> {
    let mut options = Options::default();
    options.title = format!("{}: instructions of {}", pair.workload, pair.other_name);
    options.subtitle = Some(format!(
        "scenario {}; red: more than {}, blue: less, white: as many; --profile has what only {} does",
        pair.scenario, pair.base_name, pair.base_name
    ));
    options.count_name = "instructions".to_owned();
    options.deterministic = true;
    let lines = lines(pair.base, pair.other);
    let mut svg = Vec::new();
    flamegraph::from_lines(&mut options, lines.iter().map(String::as_str), &mut svg)
        .context("drawing a profile")?;
    let file = format!("profile-{}-{}-{}.svg", pair.scenario, pair.workload, pair.other_name);
    Ok(Picture { file, svg: String::from_utf8(svg)? })
}

/// `kernel;fuse_direct_io 456928 210880`: before and after, sorted.
fn lines(base: &Places, other: &Places) -> Vec<String> {
    let names: BTreeSet<&String> = base.keys().chain(other.keys()).collect();
    let count = |places: &Places, name: &String| places.get(name).copied().unwrap_or(0);
    names.into_iter().map(|name| format!("{name} {} {}", count(base, name), count(other, name))).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn profiled(variant: &str, places: &[(&str, u64)]) -> Profiled {
        let places = places.iter().map(|(place, count)| ((*place).to_owned(), *count)).collect();
        Profiled {
            variant: variant.to_owned(),
            scenario: "local".to_owned(),
            workloads: BTreeMap::from([("dd-read".to_owned(), places)]),
        }
    }

    #[test]
    fn what_is_more_is_red_and_what_is_less_blue() {
        let profiles = [
            profiled("original", &[("kernel;copy", 500), ("kernel;wait", 1000), ("kernel;gone", 7)]),
            profiled("stock", &[("kernel;copy", 500), ("kernel;wait", 100), ("kernel;plan", 300)]),
        ];
        let [picture] = &pictures(&profiles).unwrap()[..] else { panic!("one picture") };
        assert_eq!(picture.file, "profile-local-dd-read-stock.svg");
        let colour = |name: &str| {
            let begin = picture.svg.find(&format!("<title>{name} (")).expect(name);
            let (_, rest) = picture.svg[begin..].split_once("fill=\"rgb(").expect("a colour");
            let numbers = rest.split_once(')').expect("its end").0;
            let numbers: Vec<u32> = numbers.split(',').map(|part| part.parse().unwrap()).collect();
            numbers[0].cmp(&numbers[2])
        };
        assert_eq!(
            ["plan", "wait", "copy"].map(colour),
            [std::cmp::Ordering::Greater, std::cmp::Ordering::Less, std::cmp::Ordering::Equal]
        );
        assert!(picture.svg.contains("wait (100 instructions, 11.11%; -100.00%)"), "{}", picture.svg);
        assert!(!picture.svg.contains("<title>gone"));
    }
}
