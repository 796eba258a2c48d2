//! Numbers that look random and follow from a seed.

/// The number at place `index`, from 0, of the sequence that splitmix64 makes of a seed: G. L. Steele, D. Lea,
/// C. H. Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014, with the constants of its
/// `nextSeed` and of `mix64` variant 13 (D. Stafford). Its state is a sum, so that any place can be computed by itself.
pub fn splitmix64(seed: u64, index: u64) -> u64 {
    let state = seed.wrapping_add(index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A number below `end`, of a random one: the upper half of a product of 128 bits (Lemire, "Fast random integer generation in
/// an interval", 2019). Where `end` is small each comes up equally often, but for `end` in 2^64. 0 if `end` is 0.
pub fn below(end: u64, random: u64) -> u64 {
    ((u128::from(random) * u128::from(end)) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_fill_their_range() {
        for (end, random, expected) in [
            (655, 0, 0),
            (655, u64::MAX / 2, 327),
            (655, u64::MAX, 654),
            (1, u64::MAX, 0),
            (0, u64::MAX, 0),
            (u64::MAX, u64::MAX, u64::MAX - 1),
        ] {
            assert_eq!(below(end, random), expected, "{random} below {end}");
        }
    }

    #[test]
    fn the_generator_is_splitmix64() {
        assert_eq!([0, 1].map(|index| splitmix64(0, index)), [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4]);
        // The first five of seed 1234567, as every implementation gives them.
        let known = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!([0, 1, 2, 3, 4].map(|index| splitmix64(1_234_567, index)), known);
    }
}
