//! What the pictures share: scales, marks of an axis, and how numbers become coordinates.

use maud::{Markup, html};

/// Width of a picture in its own units: about that of a phone, so that text in it is as large as beside it.
pub(super) const WIDTH: f64 = 360.0;

/// How values become places on a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    values: (f64, f64),
    places: (f64, f64),
}

impl Scale {
    /// From zero if the largest of these values is twice the smallest; otherwise closely around them.
    pub(super) fn around(values: impl Iterator<Item = f64> + Clone, places: (f64, f64)) -> Self {
        let least = values.clone().fold(f64::INFINITY, f64::min);
        let most = values.fold(f64::NEG_INFINITY, f64::max);
        if !(least.is_finite() && most.is_finite()) {
            return Scale::new((0.0, 1.0), places);
        }
        let room = ((most - least) * 0.08).max(most.abs() * 0.001).max(f64::MIN_POSITIVE);
        match least >= 0.0 && most >= 2.0 * least {
            true => Scale::new((0.0, most * 1.04), places),
            false => Scale::new((least - room, most + room), places),
        }
    }

    /// Between these values.
    pub(super) fn new(values: (f64, f64), places: (f64, f64)) -> Self {
        let (least, most) = values;
        let most = if most > least { most } else { least + 1.0 };
        Scale { values: (least, most), places }
    }

    /// Whether it begins at zero.
    pub(super) fn has_zero(self) -> bool {
        self.values.0 <= 0.0
    }

    /// Where it begins.
    pub(super) fn begin(self) -> f64 {
        self.places.0
    }

    /// The place of a value, rounded to a tenth.
    pub(super) fn at(self, value: f64) -> f64 {
        let share = (value - self.values.0) / (self.values.1 - self.values.0);
        let place = self.places.0 + share.clamp(-0.05, 1.05) * (self.places.1 - self.places.0);
        (place * 10.0).round() / 10.0
    }

    /// Round values, at most `most` of them.
    pub(super) fn marks(self, most: usize) -> Vec<f64> {
        let (from, to) = self.values;
        let step = step((to - from) / most.max(1) as f64);
        let first = (from / step).ceil();
        let marks = (0..=most).map(|place| (first + place as f64) * step);
        marks.filter(|value| *value <= to + step * 1e-9).collect()
    }
}

/// The smallest of 1, 2, 5, 10, ... and of their tenths that is not smaller.
fn step(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    let digits = [1.0, 2.0, 5.0, 10.0].map(|digit| digit * power);
    digits.into_iter().find(|step| *step >= least * 0.999_999).unwrap_or(10.0 * power)
}

/// A value on an axis, with no more digits than its neighbours need.
pub(super) fn mark(value: f64, marks: &[f64]) -> String {
    let step = marks.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
    let digits = if step.is_finite() { (-step.log10().floor()).clamp(0.0, 6.0) as usize } else { 0 };
    format!("{value:.digits$}").replace('-', "−")
}

/// A picture with a name and, for those who do not see it, what it shows.
pub(super) fn picture(id: &str, height: f64, title: &str, description: &str, inside: &Markup) -> Markup {
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-labelledby=(format!("{id}-title {id}-desc")) {
            title id=(format!("{id}-title")) { (title) }
            desc id=(format!("{id}-desc")) { (description) }
            (inside)
        }
    }
}

/// Lines up and down with values below them.
pub(super) fn axis(scale: Scale, top: f64, bottom: f64, most: usize) -> Markup {
    let marks = scale.marks(most);
    html! {
        @for &value in &marks {
            line.grid x1=(scale.at(value)) x2=(scale.at(value)) y1=(top) y2=(bottom) {}
            text.mark x=(scale.at(value)) y=(bottom + 13.0) text-anchor="middle" { (mark(value, &marks)) }
        }
    }
}

/// A name that fits beside a picture.
pub(super) fn short(name: &str, most: usize) -> String {
    match name.chars().count() > most {
        true => name.chars().take(most - 1).chain(['…']).collect(),
        false => name.to_owned(),
    }
}

/// The class that gives a variant, by place, its colour and, in lines, its dashes.
pub(super) fn colour(place: usize) -> String {
    match place {
        0 => "v0".to_owned(),
        place => format!("v{}", (place - 1) % 6 + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_begin_at_zero_only_where_values_lie_far_apart() {
        for (values, zero, marks) in [
            (&[110.0, 690.0][..], true, "0 200 400 600"),
            (&[1040.0, 1060.0], false, "1040 1050 1060"),
            (&[0.0, 0.0], true, "0.0 0.5 1.0"),
            (&[], true, "0.0 0.5 1.0"),
        ] {
            let scale = Scale::around(values.iter().copied(), (0.0, 100.0));
            assert_eq!(scale.has_zero(), zero, "{values:?}");
            let found = scale.marks(4);
            let shown: Vec<String> = found.iter().map(|value| mark(*value, &found)).collect();
            assert_eq!(shown.join(" "), marks, "{values:?}");
            assert!(values.iter().all(|value| (0.0..=100.0).contains(&scale.at(*value))), "{values:?}");
        }
    }

    #[test]
    fn long_names_are_cut() {
        assert_eq!(short("original", 8), "original");
        assert_eq!(short("originals", 8), "origina…");
    }
}
