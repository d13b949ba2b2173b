//! Addresses and prefixes, version 4 and 6 alike: both are numbers of `width` bits.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bigdecimal::ToPrimitive;

use super::function::{Arguments, Body, Function, Parameter, Shape, strings};
use super::{Answer, CallError};
use crate::value::{Number, Value};

const PREFIX: Parameter = Parameter::new("prefix", Shape::String);

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "cidrhost",
        &[PREFIX, Parameter::new("hostnum", Shape::Number)],
        Shape::String,
        Body::Known(cidrhost),
        "The address of that number in the prefix; a negative number counts from the end.",
    ),
    Function::new("cidrnetmask", &[PREFIX], Shape::String, Body::Known(cidrnetmask), "The subnet mask of an IPv4 prefix."),
    Function::new(
        "cidrsubnet",
        &[PREFIX, Parameter::new("newbits", Shape::Number), Parameter::new("netnum", Shape::Number)],
        Shape::String,
        Body::Known(cidrsubnet),
        "The prefix of that number among those that are longer by so many bits.",
    ),
    Function::new(
        "cidrsubnets",
        &[PREFIX],
        Shape::Strings,
        Body::Known(cidrsubnets),
        "Prefixes one after the other, each longer by so many bits.",
    )
    .variadic(Parameter::new("newbits", Shape::Number)),
];

/// `10.0.0.0/16`, with the bits behind the prefix cleared.
#[derive(Clone, Copy)]
struct Prefix {
    bits: u128,
    length: u32,
    /// 32 or 128.
    width: u32,
}

impl Prefix {
    fn read(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/')?;
        if !length.bytes().all(|it| it.is_ascii_digit()) {
            return None;
        }
        let (bits, width) = match address.parse().ok()? {
            IpAddr::V4(it) => (u128::from(it.to_bits()), 32),
            IpAddr::V6(it) => (it.to_bits(), 128),
        };
        let length = length.parse().ok().filter(|it| *it <= width)?;
        Some(Self { bits: bits & !low(width - length), length, width })
    }

    /// The highest address in it.
    fn last(&self) -> u128 {
        self.bits | low(self.width - self.length)
    }

    fn address(&self, bits: u128) -> String {
        match self.width {
            32 => Ipv4Addr::from_bits(u32::try_from(bits).unwrap_or(u32::MAX)).to_string(),
            _ => Ipv6Addr::from_bits(bits).to_string(),
        }
    }

    fn text(&self) -> String {
        format!("{}/{}", self.address(self.bits), self.length)
    }

    fn longer(&self, more: usize, argument: usize) -> Result<u32, CallError> {
        let length = u32::try_from(more).ok().and_then(|it| self.length.checked_add(it)).filter(|it| *it <= self.width);
        length.ok_or_else(|| {
            let left = self.width - self.length;
            CallError::at(argument, format!("a prefix of {} bits can be longer by at most {left}, not by {more}", self.length))
        })
    }
}

/// The number whose `count` lowest bits are set.
fn low(count: u32) -> u128 {
    1_u128.checked_shl(count).map_or(u128::MAX, |it| it - 1)
}

fn prefix(it: &Arguments) -> Result<Prefix, CallError> {
    let wrong = || CallError::at(0, format!("{:?} is not a prefix such as \"10.0.0.0/16\" or \"fd00::/64\"", it.text(0)));
    Prefix::read(it.text(0)).ok_or_else(wrong)
}

/// A whole number of at most 128 bits, without its sign.
fn magnitude(number: &Number, argument: usize) -> Result<u128, CallError> {
    let problem = || CallError::at(argument, "a whole number of at most 128 bits is required");
    number.abs().to_bigint().and_then(|it| it.to_u128()).ok_or_else(problem)
}

fn cidrhost(it: &Arguments) -> Answer {
    let prefix = prefix(it)?;
    let number = it.number(1);
    let distance = magnitude(&number, 1)?;
    let most = low(prefix.width - prefix.length);
    let host = match number.signum() < 0 {
        true => most.checked_sub(distance - 1),
        false => Some(distance).filter(|it| *it <= most),
    };
    let too_far = || CallError::at(1, format!("a prefix of {} bits has no host number {number}", prefix.length));
    Ok(Value::from(prefix.address(prefix.bits | host.ok_or_else(too_far)?)))
}

fn cidrnetmask(it: &Arguments) -> Answer {
    let prefix = prefix(it)?;
    match prefix.width {
        32 => Ok(Value::from(prefix.address(low(32) & !low(32 - prefix.length)))),
        _ => Err(CallError::at(0, "an IPv6 prefix has no subnet mask")),
    }
}

fn cidrsubnet(it: &Arguments) -> Answer {
    let prefix = prefix(it)?;
    let more = it.size(1)?;
    let length = prefix.longer(more, 1)?;
    let number = it.number(2);
    let index = magnitude(&number, 2)?;
    if number.signum() < 0 || index > low(length - prefix.length) {
        return Err(CallError::at(2, format!("{more} bits have no room for a subnet numbered {number}")));
    }
    let bits = prefix.bits | index.checked_shl(prefix.width - length).unwrap_or(0);
    Ok(Value::from(Prefix { bits, length, ..prefix }.text()))
}

/// Each starts at the first address behind the one before that its length allows.
fn cidrsubnets(it: &Arguments) -> Answer {
    let prefix = prefix(it)?;
    let mut next = Some(prefix.bits);
    let mut subnets = Vec::new();
    for at in 1..it.count() {
        let more = it.size(at)?;
        if more == 0 {
            return Err(CallError::at(at, "a subnet's prefix is longer by at least 1 bit"));
        }
        let length = prefix.longer(more, at)?;
        let size = low(prefix.width - length);
        let start = next.and_then(|it| it.checked_add(size)).map(|it| it & !size).filter(|it| *it <= prefix.last());
        let Some(bits) = start else {
            let before = subnets.last().map_or_else(String::new, |it| format!(" behind {it}"));
            return Err(CallError::at(at, format!("no room is left for a prefix of {length} bits{before}")));
        };
        let subnet = Prefix { bits, length, ..prefix };
        next = subnet.last().checked_add(1).filter(|it| *it <= prefix.last());
        subnets.push(subnet.text());
    }
    Ok(strings(subnets))
}
