//! Address ranges.

use super::*;

pub fn cases() -> Vec<Case> {
    vec![
        ("cidrhost", vec![s("10.12.112.0/20"), n(16)], s("10.12.112.16")),
        ("cidrhost", vec![s("10.12.112.0/20"), n(268)], s("10.12.113.12")),
        ("cidrhost", vec![s("10.12.112.0/20"), n(-1)], s("10.12.127.255")),
        ("cidrhost", vec![s("fd00:fd12:3456:7890:00a2::/72"), n(34)], s("fd00:fd12:3456:7890::22")),
        ("cidrnetmask", vec![s("172.16.0.0/12")], s("255.240.0.0")),
        ("cidrnetmask", vec![s("0.0.0.0/0")], s("0.0.0.0")),
        ("cidrsubnet", vec![s("172.16.0.0/12"), n(4), n(2)], s("172.18.0.0/16")),
        ("cidrsubnet", vec![s("10.1.2.0/24"), n(4), n(15)], s("10.1.2.240/28")),
        ("cidrsubnet", vec![s("fd00:fd12:3456:7890::/56"), n(16), n(162)], s("fd00:fd12:3456:7800:a200::/72")),
        ("cidrsubnet", vec![s("10.1.2.3/24"), n(0), n(0)], s("10.1.2.0/24")),
        (
            "cidrsubnet",
            vec![s("::/0"), n(128), d("340282366920938463463374607431768211455")],
            s("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128"),
        ),
        (
            "cidrsubnets",
            vec![s("10.1.0.0/16"), n(4), n(4), n(8), n(4)],
            ls(["10.1.0.0/20", "10.1.16.0/20", "10.1.32.0/24", "10.1.48.0/20"]),
        ),
        (
            "cidrsubnets",
            vec![s("fd00:fd12:3456:7890::/56"), n(16), n(16), n(16), n(32)],
            ls([
                "fd00:fd12:3456:7800::/72",
                "fd00:fd12:3456:7800:100::/72",
                "fd00:fd12:3456:7800:200::/72",
                "fd00:fd12:3456:7800:300::/88",
            ]),
        ),
        ("cidrsubnets", vec![s("10.0.0.0/8")], ls([])),
    ]
}

#[test]
fn what_does_not_fit_is_refused() {
    refuses("cidrhost", &[s("10.0.0.0"), n(1)], Some(0), "\"10.0.0.0\" is not a prefix such as");
    refuses("cidrhost", &[s("10.0.0.0/33"), n(1)], Some(0), "is not a prefix");
    refuses("cidrhost", &[s("10.0.0.0/24"), n(256)], Some(1), "has no host number 256");
    refuses("cidrhost", &[s("10.0.0.0/24"), n(-257)], Some(1), "has no host number -257");
    refuses("cidrhost", &[s("10.0.0.0/24"), d("0.5")], Some(1), "whole number");
    refuses("cidrnetmask", &[s("fd00::/64")], Some(0), "has no subnet mask");
    refuses("cidrsubnet", &[s("10.0.0.0/24"), n(9), n(0)], Some(1), "at most 8, not by 9");
    refuses("cidrsubnet", &[s("10.0.0.0/24"), n(4), n(16)], Some(2), "no room for a subnet numbered 16");
    refuses("cidrsubnets", &[s("10.0.0.0/24"), n(0)], Some(1), "at least 1 bit");
    refuses(
        "cidrsubnets",
        &[s("10.0.0.0/24"), n(1), n(2), n(1)],
        Some(3),
        "no room is left for a prefix of 25 bits behind 10.0.0.128/26",
    );
    refuses("cidrsubnets", &[s("255.255.255.0/24"), n(1), n(1), n(1)], Some(3), "no room is left");
}
