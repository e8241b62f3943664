use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use crate::field::ValueType;

/// The value of a column or key: a whole number or a text.
///
/// # Example
///
/// ```
/// use haproxyadmin::fake::{Server, Value};
///
/// assert_eq!(Value::from(5).to_string(), "5");
/// assert_eq!(Value::from("UP").to_string(), "\"UP\"");
///
/// // The setters convert numbers and texts.
/// let web1 = Server::new("web1").set("stot", 5).set("status", "UP");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value(Repr);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Repr {
    Number(i128),
    Text(Box<str>),
    Empty,
}

impl Value {
    pub(in crate::fake) const EMPTY: Self = Self(Repr::Empty);

    /// Returns the value as HAProxy writes it, without quotes.
    pub(in crate::fake) fn text(&self) -> Cow<'_, str> {
        match &self.0 {
            Repr::Number(number) => number.to_string().into(),
            Repr::Text(text) => (&**text).into(),
            Repr::Empty => "".into(),
        }
    }

    /// Returns the values that the type allows, as a text, if this value is not one of them.
    pub(in crate::fake) fn misfit(&self, value_type: ValueType) -> Option<String> {
        let range = match value_type {
            ValueType::U32 => 0..=u32::MAX.into(),
            ValueType::U64 => 0..=u64::MAX.into(),
            ValueType::I32 => i32::MIN.into()..=i32::MAX.into(),
            ValueType::Text | ValueType::Status | ValueType::Check | ValueType::Mode => {
                return matches!(self.0, Repr::Number(_)).then(|| "a text".to_owned());
            }
        };
        match &self.0 {
            Repr::Number(number) if range.contains(number) => None,
            Repr::Empty => None,
            _ => Some(format!("a whole number from {} to {}", range.start(), range.end())),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Number(number) => number.fmt(f),
            _ => write!(f, "{:?}", self.text()),
        }
    }
}

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl From<$number> for Value {
            fn from(number: $number) -> Self {
                Self(Repr::Number(number.into()))
            }
        }
    )*};
}

numbers! { u8 u16 u32 u64 i32 i64 }

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        // No platform has a `usize` wider than 128 bits.
        Self(Repr::Number(number as i128))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self(Repr::Text(text.into()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self(Repr::Text(text.into()))
    }
}

/// The settings of a row or of `show info`, by HAProxy's names of columns and keys.
#[derive(Debug, Clone, Default)]
pub(in crate::fake) struct Cells(BTreeMap<Box<str>, Value>);

impl Cells {
    pub(in crate::fake) fn set(&mut self, name: &str, value: Value) {
        self.0.insert(name.into(), value);
    }

    pub(in crate::fake) fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.0.get(name).map(Value::text)
    }

    /// Returns the number that a name is set to, if it is a number and fits into `T`.
    pub(in crate::fake) fn number<T: TryFrom<i128>>(&self, name: &str) -> Option<T> {
        match self.0.get(name)?.0 {
            Repr::Number(number) => number.try_into().ok(),
            _ => None,
        }
    }

    pub(in crate::fake) fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }
}

/// Quotes a text if HAProxy does: if it contains a quote, a comma or a line end.
pub(in crate::fake) fn quoted(text: &str) -> Cow<'_, str> {
    if text.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\"")).into()
    } else {
        text.into()
    }
}

/// Adds the setters that all described rows share to `$object`.
macro_rules! setters {
    ($object:ident) => {
        impl $object {
            /// Sets a column of the row, spelt as HAProxy spells it.
            ///
            /// [`Process::serve`](super::Process::serve) refuses an unknown column, a column that
            /// the release or this kind of row does not have, and a value of the wrong type.
            pub fn set(mut self, column: &str, value: impl Into<super::Value>) -> Self {
                self.cells.set(column, value.into());
                self
            }

            /// Leaves a column of the row empty that would have a value otherwise, such as `addr`
            /// of a server with an unresolved name.
            pub fn empty(mut self, column: &str) -> Self {
                self.cells.set(column, super::Value::EMPTY);
                self
            }
        }
    };
}
pub(in crate::fake) use setters;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_quoted_where_haproxy_quotes_it() {
        for (text, written) in [
            ("plain text", "plain text"),
            ("a,b", "\"a,b\""),
            ("say \"no\"", "\"say \"\"no\"\"\""),
            ("first\n\nthird", "\"first\n\nthird\""),
        ] {
            assert_eq!(quoted(text), written);
        }
    }

    #[test]
    fn a_value_of_the_wrong_type_says_what_it_should_be() {
        assert_eq!(Value::from(5).misfit(ValueType::U32), None);
        assert_eq!(Value::from(u64::MAX).misfit(ValueType::U64), None);
        assert_eq!(Value::from(-1).misfit(ValueType::I32), None);
        assert_eq!(Value::EMPTY.misfit(ValueType::U32), None);
        assert_eq!(
            Value::from(-1).misfit(ValueType::U32).as_deref(),
            Some("a whole number from 0 to 4294967295")
        );
        assert_eq!(
            Value::from("12").misfit(ValueType::U64).as_deref(),
            Some("a whole number from 0 to 18446744073709551615")
        );
        assert_eq!(Value::from(12).misfit(ValueType::Status).as_deref(), Some("a text"));
    }
}
