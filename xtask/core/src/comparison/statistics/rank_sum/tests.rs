//! The approximation against the exact distribution, and both where they end.

use super::*;

/// Groups of values in no order, of which the right one is shifted; a grain above one makes ties.
fn groups(left: usize, right: usize, shift: f64, grain: f64) -> Pooled {
    // No multiple of the golden ratio is whole, and they fill an interval evenly.
    let value = |place: usize| ((place as f64 * 1.618_033_988_75).fract() * 1000.0 / grain).floor();
    let lefts: Vec<f64> = (1..=left).map(value).collect();
    let moved = (left + 1..=left + right).map(|place| value(place) + (shift / grain).floor());
    Pooled::new(&lefts, &moved.collect::<Vec<_>>())
}

#[test]
fn tails_of_the_normal_distribution() {
    for (x, expected) in [
        (0.0, 0.5),
        (1.0, 0.158_655_253_931_457),
        (Z_95, 0.025),
        (2.999_999, 0.001_349_902_463_8),
        (3.000_001, 0.001_349_893_599_4),
        (5.0, 2.866_515_718_79e-7),
        (10.0, 7.619_853_024_16e-24),
    ] {
        let off = (upper_tail(x) / expected - 1.0).abs();
        assert!(off < 1e-6, "{x}: {} is not {expected}", upper_tail(x));
    }
    assert!(upper_tail(100.0).is_finite());
}

/// Where the exact distribution gives way to the normal one both say nearly the same, and further out the normal one says too
/// much rather than too little: what the documentation of the limit claims.
#[test]
fn the_approximation_at_the_limit() {
    let mut decades = [0; 5];
    for (left, right, grain) in [(63, 63, 1.0), (40, 100, 1.0), (63, 63, 100.0)] {
        assert!(is_exact(left, right) && !is_exact(left + 1, right));
        for shift in (0..300).step_by(if grain > 1.0 { 100 } else { 20 }) {
            let pooled = groups(left, right, f64::from(shift), grain);
            let (exact, normal) = (pooled.exact_p(), pooled.normal_p());
            let (most_below, most_above) = match exact {
                0.01.. => (0.03, 0.04),
                0.001.. => (0.0, 0.15),
                0.0001.. => (0.0, 0.31),
                0.00001.. => (0.0, 0.62),
                _ => (0.0, f64::INFINITY),
            };
            let off = normal / exact - 1.0;
            let text = format!("{left}, {right}, {grain}, {shift}: {normal} instead of {exact}");
            assert!((-most_below..=most_above).contains(&off), "{text}");
            decades[(-exact.log10()).floor().min(4.0) as usize] += 1;
        }
    }
    assert!(decades.iter().all(|count| *count > 0), "{decades:?}");
}

/// The interval by the approximation is that of the exact distribution, or one pair wider at each end.
#[test]
fn the_interval_at_the_limit() {
    let sizes = [(63, 63), (60, 66), (50, 80), (45, 85), (40, 100)];
    let narrower = sizes.map(|(left, right)| exact_outside(left, right) - normal_outside(left, right));
    assert!(narrower.iter().all(|pairs| *pairs <= 1), "{narrower:?}");
}

#[test]
fn nothing_differs_where_all_is_equal() {
    for count in [10, 100] {
        let equal = Pooled::new(&vec![1.0; count], &vec![1.0; count]);
        assert_eq!([equal.exact_p(), equal.normal_p()].map(|p| (p * 1e9).round() / 1e9), [1.0, 1.0]);
    }
}
