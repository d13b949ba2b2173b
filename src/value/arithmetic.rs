//! Arithmetic on [`Number`]: exact where the result is whole or short, otherwise to at least as many digits as Terraform
//! carries (512 bits, 154 digits). Bounded: what would take more than [`DIGITS_MAX`] digits is an error.

use bigdecimal::num_bigint::{BigInt, Sign};
use bigdecimal::{BigDecimal, RoundingMode, Signed, Zero};

use super::Number;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArithmeticError {
    #[error("division by zero")]
    DivisionByZero,
    #[error("the result has too many digits")]
    TooLarge,
    #[error("the result is not a real number")]
    NotReal,
}

/// Digits that a fraction keeps. A quotient carries [`GUARD`] more, so that `1 / 3 * 3` rounds to 1.
const PRECISION: u64 = 154;
const GUARD: u64 = 6;

/// Digits before or behind the decimal point that no result exceeds.
const DIGITS_MAX: u64 = 8_192;
const BITS_MAX: u64 = DIGITS_MAX * 10 / 3;

impl Number {
    pub fn add(&self, other: &Number) -> Result<Number, ArithmeticError> {
        match (self.as_i64(), other.as_i64()) {
            (Some(a), Some(b)) if let Some(sum) = a.checked_add(b) => Ok(sum.into()),
            _ => rounded(self.to_decimal() + other.to_decimal()),
        }
    }

    pub fn sub(&self, other: &Number) -> Result<Number, ArithmeticError> {
        match (self.as_i64(), other.as_i64()) {
            (Some(a), Some(b)) if let Some(difference) = a.checked_sub(b) => Ok(difference.into()),
            _ => rounded(self.to_decimal() - other.to_decimal()),
        }
    }

    pub fn mul(&self, other: &Number) -> Result<Number, ArithmeticError> {
        match (self.as_i64(), other.as_i64()) {
            (Some(a), Some(b)) if let Some(product) = a.checked_mul(b) => Ok(product.into()),
            _ => rounded(self.to_decimal() * other.to_decimal()),
        }
    }

    pub fn div(&self, other: &Number) -> Result<Number, ArithmeticError> {
        match (self.as_i64(), other.as_i64()) {
            (_, Some(0)) => Err(ArithmeticError::DivisionByZero),
            (Some(a), Some(b)) if a.checked_rem(b) == Some(0) => Ok((a / b).into()),
            _ => bounded(quotient(&self.to_decimal(), &other.to_decimal())),
        }
    }

    /// The remainder of the division towards zero; it has the sign of `self`.
    pub fn rem(&self, other: &Number) -> Result<Number, ArithmeticError> {
        match (self.as_i64(), other.as_i64()) {
            (_, Some(0)) => Err(ArithmeticError::DivisionByZero),
            (Some(a), Some(b)) => Ok(a.checked_rem(b).unwrap_or(0).into()),
            _ => bounded(self.to_decimal() % other.to_decimal()),
        }
    }

    pub fn neg(&self) -> Number {
        match self.as_i64().and_then(i64::checked_neg) {
            Some(int) => int.into(),
            None => Self::from_decimal(-self.to_decimal()),
        }
    }

    pub fn abs(&self) -> Number {
        if self.signum() < 0 { self.neg() } else { self.clone() }
    }

    pub fn signum(&self) -> i64 {
        match (self.as_i64(), self.to_decimal().sign()) {
            (Some(int), _) => int.signum(),
            (None, Sign::Minus) => -1,
            (None, Sign::NoSign) => 0,
            (None, Sign::Plus) => 1,
        }
    }

    /// The nearest whole number that is not greater.
    pub fn floor(&self) -> Number {
        self.round_with(RoundingMode::Floor)
    }

    /// The nearest whole number that is not less.
    pub fn ceil(&self) -> Number {
        self.round_with(RoundingMode::Ceiling)
    }

    fn round_with(&self, mode: RoundingMode) -> Number {
        if self.is_integer() { self.clone() } else { Self::from_decimal(self.to_decimal().with_scale_round(0, mode)) }
    }

    /// Exact for a whole exponent, as precise as a double otherwise.
    pub fn pow(&self, exponent: &Number) -> Result<Number, ArithmeticError> {
        let Some(times) = exponent.as_i64() else {
            let power = self.to_f64().powf(exponent.to_f64());
            return Self::from_f64(power).ok_or(if power.is_nan() {
                ArithmeticError::NotReal
            } else {
                ArithmeticError::TooLarge
            });
        };
        if times < 0 {
            return Number::from(1).div(&self.pow(&Number::from(times).neg())?);
        }
        let mut left = match self.as_i64() {
            // Everything else grows until the bound of the digits stops it.
            Some(0 | 1) => times.min(1),
            Some(-1) => times % 2,
            _ => times,
        };
        let (mut power, mut square) = (Number::from(1), self.clone());
        while left > 0 {
            if left % 2 == 1 {
                power = power.mul(&square)?;
            }
            left /= 2;
            if left > 0 {
                square = square.mul(&square)?;
            }
        }
        Ok(power)
    }

    /// The shortest decimal that reads back as `float`; nothing for an infinity or what is not a number.
    pub fn from_f64(float: f64) -> Option<Number> {
        float.is_finite().then(|| format!("{float:e}").parse().ok()).flatten()
    }

    /// A whole number's digits; nothing for a fraction.
    pub fn to_bigint(&self) -> Option<BigInt> {
        self.is_integer().then(|| self.to_decimal().with_scale(0).into_bigint_and_exponent().0)
    }
}

impl From<BigInt> for Number {
    fn from(int: BigInt) -> Self {
        Self::from_decimal(BigDecimal::from(int))
    }
}

/// Both have at most [`DIGITS_MAX`] digits, so the powers of ten here are bounded too.
fn quotient(a: &BigDecimal, b: &BigDecimal) -> BigDecimal {
    let ((a, a_scale), (b, b_scale)) = (a.as_bigint_and_scale(), b.as_bigint_and_scale());
    if (a.as_ref() % b.as_ref()).is_zero() {
        return BigDecimal::new(a.as_ref() / b.as_ref(), a_scale - b_scale);
    }
    let shift = (digits(&b) + PRECISION + GUARD).saturating_sub(digits(&a));
    let quotient = a.as_ref() * BigInt::from(10).pow(shift as u32) / b.as_ref();
    BigDecimal::new(quotient, a_scale.saturating_add(shift as i64).saturating_sub(b_scale))
}

/// About the decimal digits of `int`, one more at most.
fn digits(int: &BigInt) -> u64 {
    int.abs().bits() * 30_103 / 100_000 + 1
}

fn bounded(result: BigDecimal) -> Result<Number, ArithmeticError> {
    let (int, scale) = result.as_bigint_and_scale();
    if int.bits() > BITS_MAX || scale.unsigned_abs() > DIGITS_MAX {
        return Err(ArithmeticError::TooLarge);
    }
    Ok(Number::from_decimal(result))
}

/// A fraction keeps [`PRECISION`] digits.
fn rounded(result: BigDecimal) -> Result<Number, ArithmeticError> {
    let (int, scale) = result.as_bigint_and_scale();
    let long = scale > 0 && digits(&int) > PRECISION && int.bits() <= BITS_MAX && !result.is_integer();
    drop(int);
    bounded(if long { result.with_prec(PRECISION) } else { result })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn n(text: &str) -> Number {
        text.parse().unwrap()
    }

    #[test]
    fn results_are_exact_where_they_can_be() {
        assert_eq!(n("0.1").add(&n("0.2")), Ok(n("0.3")));
        assert_eq!(n("9223372036854775807").add(&n("1")), Ok(n("9223372036854775808")));
        assert_eq!(n("9223372036854775807").mul(&n("10")), Ok(n("92233720368547758070")));
        assert_eq!(n("-9223372036854775808").neg(), n("9223372036854775808"));
        assert_eq!(n("-9223372036854775808").div(&n("-1")), Ok(n("9223372036854775808")));
        assert_eq!(n("1").div(&n("8")), Ok(n("0.125")));
        assert_eq!(n("1.5").div(&n("0.5")), Ok(n("3")));
        assert_eq!(n("1").div(&n("0.05")), Ok(n("20")));
        assert_eq!(n("5").sub(&n("7.5")), Ok(n("-2.5")));
        assert_eq!(n("-7").rem(&n("3")), Ok(n("-1")));
        assert_eq!(n("5.5").rem(&n("2")), Ok(n("1.5")));
    }

    #[test]
    fn a_third_three_times_is_one() {
        let third = n("1").div(&n("3")).unwrap();
        assert_eq!(third.mul(&n("3")), Ok(n("1")));
        assert_eq!(third.add(&third).unwrap().add(&third), Ok(n("1")));
        assert!(third.to_string().len() >= 156);
    }

    #[test]
    fn powers() {
        assert_eq!(n("3").pow(&n("2")), Ok(n("9")));
        assert_eq!(n("2").pow(&n("100")), Ok(n("1267650600228229401496703205376")));
        assert_eq!(n("2").pow(&n("-2")), Ok(n("0.25")));
        assert_eq!(n("4").pow(&n("0.5")), Ok(n("2")));
        assert_eq!(n("-1").pow(&n("9223372036854775807")), Ok(n("-1")));
        assert_eq!(n("1.5").pow(&n("-9223372036854775808")), Err(ArithmeticError::TooLarge));
        assert_eq!(n("2").pow(&n("9223372036854775807")), Err(ArithmeticError::TooLarge));
        assert_eq!(n("-4").pow(&n("0.5")), Err(ArithmeticError::NotReal));
        assert_eq!(n("0").pow(&n("-1")), Err(ArithmeticError::DivisionByZero));
    }

    #[test]
    fn whole_numbers_around_a_fraction() {
        assert_eq!((n("-4.9").floor(), n("-4.9").ceil()), (n("-5"), n("-4")));
        assert_eq!((n("5.1").floor(), n("5.1").ceil()), (n("5"), n("6")));
        assert_eq!((n("-2.5").signum(), n("-2.5").abs()), (-1, n("2.5")));
        assert_eq!(n("12e2").to_bigint(), Some(1200.into()));
        assert_eq!(Number::from_f64(0.1), Some(n("0.1")));
        assert_eq!(Number::from_f64(f64::INFINITY), None);
    }

    #[test]
    fn nothing_grows_without_bound() {
        let mut number = n("1e4096");
        while let Ok(square) = number.mul(&number) {
            number = square;
        }
        let mut small = n("1.000000001");
        for _ in 0..100 {
            small = small.mul(&small).unwrap_or(small);
        }
        assert!(small.to_string().len() < 10_000);
    }
}
