//! "We modify the specified CIDR block to its canonical form; for example, if you specify 100.68.0.18/18, we modify
//! it to 100.68.0.0/18" (CreateVpc, CreateSubnet, CreateRoute, AuthorizeSecurityGroupIngress).

use std::net::IpAddr;

use crate::form::Form;

const PARAMETERS: [&str; 9] = [
    "CidrBlock",
    "CidrIp",
    "CidrIpv4",
    "CidrIpv6",
    "ClientCidrBlock",
    "DestinationCidrBlock",
    "DestinationIpv6CidrBlock",
    "Ipv6CidrBlock",
    "TargetNetworkCidr",
];

/// Rewrites every CIDR among the parameters; what is none stays for the service to refuse.
pub fn canonicalise(form: &mut Form) {
    form.map_values(|name, value| {
        let last = name.rsplit('.').next().unwrap_or(name);
        PARAMETERS.contains(&last).then(|| canonical(value)).flatten()
    });
}

fn canonical(cidr: &str) -> Option<String> {
    let (address, length) = cidr.split_once('/')?;
    let length: u32 = length.parse().ok()?;
    match address.parse().ok()? {
        IpAddr::V4(address) if length <= 32 => {
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
            let network = std::net::Ipv4Addr::from(u32::from(address) & mask);
            Some(format!("{network}/{length}"))
        }
        IpAddr::V6(address) if length <= 128 => {
            let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
            let network = std::net::Ipv6Addr::from(u128::from(address) & mask);
            Some(format!("{network}/{length}"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_bits_go() {
        for (given, expected) in [
            ("100.68.0.18/18", Some("100.68.0.0/18")),
            ("1.2.3.4/0", Some("0.0.0.0/0")),
            ("1.2.3.4/32", Some("1.2.3.4/32")),
            ("2001:DB8::1/32", Some("2001:db8::/32")),
            ("::1/0", Some("::/0")),
            ("1.2.3.4/33", None),
            ("banana", None),
        ] {
            assert_eq!(canonical(given).as_deref(), expected, "{given}");
        }
    }
}
