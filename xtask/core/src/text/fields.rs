//! Two values of one type, field by field.

use anyhow::{Context as _, bail};
use serde::Serialize;
use serde_json::Value;

/// A field of two values.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FieldPair {
    /// The field's name, as it is written.
    pub(crate) name: String,
    /// What the first and the second have there; none where it is not written.
    pub(crate) values: [Option<Value>; 2],
}

impl FieldPair {
    /// Whether the two differ in it.
    pub(crate) fn differs(&self) -> bool {
        self.values[0] != self.values[1]
    }
}

/// Each field of two values by the written form, so that none is forgotten: those of the first, in the order of their
/// names, then those that only the second has.
///
/// # Errors
/// If one of them cannot be written as JSON, or is no structure.
pub(crate) fn pair_fields<T: Serialize>(left: &T, right: &T) -> anyhow::Result<Vec<FieldPair>> {
    let object = |value: &T| {
        let value = serde_json::to_value(value).context("writing what is compared")?;
        let Value::Object(fields) = value else { bail!("what is compared is written as {value}") };
        Ok(fields)
    };
    let (left, mut right) = (object(left)?, object(right)?);
    let both = left.into_iter().map(|(name, value)| {
        let other = right.remove(&name);
        FieldPair { name, values: [Some(value), other] }
    });
    let mut pairs: Vec<FieldPair> = both.collect();
    pairs.extend(right.into_iter().map(|(name, value)| FieldPair { name, values: [None, Some(value)] }));
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn no_field_is_forgotten() {
        let left = BTreeMap::from([("b", 1), ("c", 2)]);
        let right = BTreeMap::from([("a", 3), ("b", 1), ("c", 4)]);
        let pairs = pair_fields(&left, &right).unwrap();
        let shown: Vec<_> = pairs
            .iter()
            .map(|pair| {
                let values = pair.values.each_ref().map(|value| value.as_ref().map(Value::to_string));
                (pair.name.as_str(), values, pair.differs())
            })
            .collect();
        let text = |value: &str| Some(value.to_owned());
        assert_eq!(
            shown,
            [
                ("b", [text("1"), text("1")], false),
                ("c", [text("2"), text("4")], true),
                ("a", [None, text("3")], true)
            ]
        );
    }

    #[test]
    fn what_has_no_fields_is_an_error() {
        assert_eq!(pair_fields(&1, &2).unwrap_err().to_string(), "what is compared is written as 1");
    }
}
