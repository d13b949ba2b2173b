//! Numbers: whole ones exact at any size, others as decimals, so that `0.1 + 0.2` is `0.3` as in Terraform.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use bigdecimal::BigDecimal;
use bigdecimal::ToPrimitive;

/// Normalised on construction: what fits an `i64` is one, so equality is structural.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Number(Repr);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Repr {
    Int(i64),
    Decimal(Box<BigDecimal>),
}

/// Beyond this many digits a power of ten is not written out: it would take the memory of the machine.
const EXPONENT_MAX: i64 = 4_096;

/// Longer texts are not read: making a number of them takes quadratic time.
const TEXT_MAX: usize = 8_192;

impl Number {
    pub fn from_decimal(decimal: BigDecimal) -> Self {
        if decimal.is_integer()
            && let Some(int) = decimal.to_i64()
        {
            return Self(Repr::Int(int));
        }
        Self(Repr::Decimal(Box::new(decimal.normalized())))
    }

    pub fn to_decimal(&self) -> BigDecimal {
        match &self.0 {
            Repr::Int(int) => BigDecimal::from(*int),
            Repr::Decimal(decimal) => (**decimal).clone(),
        }
    }

    pub fn as_i64(&self) -> Option<i64> {
        match &self.0 {
            Repr::Int(int) => Some(*int),
            Repr::Decimal(_) => None,
        }
    }

    pub fn to_f64(&self) -> f64 {
        match &self.0 {
            Repr::Int(int) => *int as f64,
            Repr::Decimal(decimal) => decimal.to_f64().unwrap_or(f64::NAN),
        }
    }

    pub fn is_integer(&self) -> bool {
        match &self.0 {
            Repr::Int(_) => true,
            Repr::Decimal(decimal) => decimal.is_integer(),
        }
    }

    pub fn to_json(&self) -> serde_json::Value {
        match &self.0 {
            Repr::Int(int) => (*int).into(),
            Repr::Decimal(decimal) => match serde_json::Number::from_f64(self.to_f64()) {
                Some(number) if BigDecimal::from_str(&number.to_string()).is_ok_and(|back| back == **decimal) => number.into(),
                // JSON readers round what a double cannot hold; a text keeps it, and conversion makes a number of it again.
                _ => self.to_string().into(),
            },
        }
    }
}

impl From<i64> for Number {
    fn from(int: i64) -> Self {
        Self(Repr::Int(int))
    }
}

impl From<&serde_json::Number> for Number {
    fn from(number: &serde_json::Number) -> Self {
        match number.as_i64() {
            Some(int) => int.into(),
            None => number.to_string().parse().unwrap_or(Self(Repr::Int(0))),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a number")]
pub struct NotANumber;

impl FromStr for Number {
    type Err = NotANumber;
    fn from_str(text: &str) -> Result<Self, NotANumber> {
        if let Ok(int) = text.parse::<i64>() {
            return Ok(int.into());
        }
        if text.len() > TEXT_MAX || !text.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '.') || text.contains('_')
        {
            return Err(NotANumber);
        }
        let decimal = BigDecimal::from_str(text).map_err(|_| NotANumber)?;
        let (_, scale) = decimal.as_bigint_and_exponent();
        if scale.abs() > EXPONENT_MAX {
            return Err(NotANumber);
        }
        Ok(Self::from_decimal(decimal))
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Repr::Int(a), Repr::Int(b)) => a.cmp(b),
            _ => self.to_decimal().cmp(&other.to_decimal()),
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Int(int) => write!(f, "{int}"),
            Repr::Decimal(decimal) => f.write_str(&decimal.to_plain_string()),
        }
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact_and_print_plainly() {
        for (text, shown) in [
            ("1", "1"),
            ("1.50", "1.5"),
            ("1e3", "1000"),
            ("-0.1", "-0.1"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
        ] {
            assert_eq!(text.parse::<Number>().unwrap().to_string(), shown);
        }
        assert_eq!("1.0".parse::<Number>(), "1".parse::<Number>());
        assert!("1e999999999".parse::<Number>().is_err());
        assert!("abc".parse::<Number>().is_err());
    }
}
