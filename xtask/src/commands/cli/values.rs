//! Values and options that several commands take.

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use lab_core::report::Format;

/// What of a plan is run, and how the comparison is printed.
#[derive(Clone, Debug, Default, Args)]
pub struct Choice {
    /// Only these scenarios of the plan.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub scenarios: Vec<String>,
    /// Only these workloads of the plan.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub workloads: Vec<String>,
    /// How the comparison is printed.
    #[arg(long, value_name = "FORM", value_parser = formats(), default_value = "table")]
    pub format: Format,
}

/// The forms in which a comparison is printed, as clap knows values.
pub(super) fn formats() -> impl TypedValueParser<Value = Format> {
    let values = Format::ALL.map(|(_, name, help)| PossibleValue::new(name).help(help));
    PossibleValuesParser::new(values).map(|name| {
        Format::ALL
            .into_iter()
            .find(|(_, known, _)| *known == name)
            .map_or(Format::Table, |(format, ..)| format)
    })
}

/// A size with its unit, as bytes.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let units = [("KiB", 10), ("MiB", 20), ("GiB", 30), ("TiB", 40)];
    let found = units.into_iter().find_map(|(unit, shift)| Some((text.strip_suffix(unit)?, shift)));
    let wrong = || "no size; use one such as 500MiB or 20GiB".to_owned();
    let (number, shift) = found.ok_or_else(wrong)?;
    let number: u64 = number.trim().parse().map_err(|_| wrong())?;
    number.checked_mul(1 << shift).ok_or_else(wrong)
}

/// A percentage as thousandths.
pub(super) fn permille(text: &str) -> Result<u32, String> {
    let number = text.trim_end_matches('%').trim_end();
    let percent: f64 = number.parse().map_err(|_| "no percentage; use one such as 0.5%".to_owned())?;
    let permille = (percent * 10.0).round();
    if !(1.0..=100.0).contains(&permille) || (percent * 10.0 - permille).abs() > 1e-9 {
        return Err("out of range; use 0.1% to 10%, in steps of 0.1%".to_owned());
    }
    Ok(permille as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_a_unit() {
        for (text, expected) in [("20GiB", 20 << 30), ("500 MiB", 500 << 20), ("0KiB", 0)] {
            assert_eq!(bytes(text), Ok(expected), "{text}");
        }
        for text in ["", "20", "20GB", "-1GiB", "1.5GiB", "GiB", "99999999TiB"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn precision_is_a_percentage() {
        for (text, expected) in [("0.5%", Ok(5)), ("0.5 %", Ok(5)), ("1", Ok(10)), ("10%", Ok(100))] {
            assert_eq!(permille(text), expected, "{text}");
        }
        for text in ["0", "0.05%", "0.55", "11%", "-1", "nan", "half", ""] {
            assert!(permille(text).is_err(), "{text}");
        }
    }
}
