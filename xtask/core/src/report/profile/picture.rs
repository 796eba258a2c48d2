//! The instructions of two kernels as a picture: what a flame graph is to show, whose colours say what there is more or less of.

use std::collections::BTreeSet;

use super::{Pair, Profiled, pairs};
use crate::evidence::profile::Places;

/// What a picture shows. It is drawn by package xtask: the crate that draws reads and writes files, too.
#[derive(Clone, Debug)]
pub struct Picture {
    /// `profile-SCENARIO-WORKLOAD-VARIANT.svg`.
    pub file: String,
    /// Its title.
    pub title: String,
    /// What its colours mean.
    pub subtitle: String,
    /// `kernel;fuse_direct_io 456928 210880`: a place with its instructions before and after, sorted.
    pub lines: Vec<String>,
}

/// A picture of each variant against the baseline, as [`super::render`] has tables.
pub fn pictures(profiles: &[Profiled]) -> Vec<Picture> {
    pairs(profiles).iter().map(picture).collect()
}

fn picture(pair: &Pair<'_>) -> Picture {
    Picture {
        file: format!("profile-{}-{}-{}.svg", pair.scenario, pair.workload, pair.other_name),
        title: format!("{}: instructions of {}", pair.workload, pair.other_name),
        subtitle: format!(
            "scenario {}; red: more than {}, blue: less, white: as many; --profile has what only {} does",
            pair.scenario, pair.base_name, pair.base_name
        ),
        lines: lines(pair.base, pair.other),
    }
}

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
    fn places_of_both_are_sorted() {
        let profiles = [
            profiled("original", &[("kernel;wait", 1000), ("kernel;copy", 500), ("kernel;gone", 7)]),
            profiled("stock", &[("kernel;copy", 500), ("kernel;wait", 100), ("kernel;plan", 300)]),
        ];
        let [picture] = &pictures(&profiles)[..] else { panic!("one picture") };
        assert_eq!(picture.file, "profile-local-dd-read-stock.svg");
        assert_eq!(picture.title, "dd-read: instructions of stock");
        assert_eq!(
            picture.lines,
            ["kernel;copy 500 500", "kernel;gone 7 0", "kernel;plan 0 300", "kernel;wait 1000 100"]
        );
    }
}
