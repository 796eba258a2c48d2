//! Numbers of patches, as `--patches 3,5-7` names them.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// Some numbers, in ranges; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbers(Vec<RangeInclusive<u32>>);

impl Numbers {
    /// Whether `number` is one of them.
    pub fn contains(&self, number: u32) -> bool {
        self.0.iter().any(|range| range.contains(&number))
    }

    /// The first one that `there` does not have.
    pub(super) fn first_not_in(&self, there: &[u32]) -> Option<u32> {
        self.0.iter().cloned().flatten().find(|number| !there.contains(number))
    }

    /// Sorted numbers as ranges; none if there are none.
    pub(super) fn of(sorted: &[u32]) -> Option<Numbers> {
        let mut ranges: Vec<RangeInclusive<u32>> = Vec::new();
        for number in sorted {
            match ranges.last_mut() {
                Some(last) if *last.end() + 1 == *number => *last = *last.start()..=*number,
                Some(_) | None => ranges.push(*number..=*number),
            }
        }
        (!ranges.is_empty()).then_some(Numbers(ranges))
    }
}

impl FromStr for Numbers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number =
            |text: &str| text.trim().parse::<u32>().ok().filter(|number| (1..10_000).contains(number));
        let range = |part: &str| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(first..=last)
        };
        let ranges: Option<Vec<_>> = text.split(',').map(range).collect();
        ranges.map(Numbers).ok_or_else(|| "write numbers from 1 and ranges, e.g. 3,5-7".to_owned())
    }
}

impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, range) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            match range.start() == range.end() {
                true => write!(f, "{comma}{}", range.start())?,
                false => write!(f, "{comma}{}-{}", range.start(), range.end())?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        let numbers: Numbers = "3,5-7".parse().unwrap();
        let found: Vec<u32> = (0..10).filter(|number| numbers.contains(*number)).collect();
        assert_eq!(found, [3, 5, 6, 7]);
        assert_eq!(numbers.to_string(), "3,5-7");
        assert_eq!(numbers.first_not_in(&[3, 5, 7]), Some(6));
        assert_eq!(Numbers::of(&[1, 2, 4, 5, 6]).unwrap().to_string(), "1-2,4-6");
        assert_eq!(Numbers::of(&[]), None);
        for text in ["", "0", "3-", "7-5", "a", "1,,2", "10000"] {
            assert!(text.parse::<Numbers>().is_err(), "{text}");
        }
    }
}
