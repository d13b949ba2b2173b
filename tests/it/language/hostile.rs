//! Whatever the text: an answer, and no panic, hang or stack overflow.

use infra::sim::Rng;

use super::*;

/// Every input ends in instances or complaints: no panic, no hang, no stack overflow.
#[test]
fn hostile_stacks_are_answered() {
    let many = |it: &dyn Fn(usize) -> String, count: usize| (0..count).map(it).collect::<String>();
    let chain = many(&|it| format!("locals {{\n l{it} = local.l{}\n}}\n", it + 1), 5_000) + "locals {\n l5000 = 1\n}\n";
    let doubling =
        many(&|it| format!("locals {{\n d{it} = [local.d{0}, local.d{0}]\n}}\n", it + 1), 60) + "locals {\n d60 = \"x\"\n}\n";
    let texts = many(&|it| format!("locals {{\n t{it} = \"${{local.t{0}}}${{local.t{0}}}\"\n}}\n", it + 1), 60)
        + "locals {\n t60 = \"xxxx\"\n}\n";
    let nested = "[for a in range(1000) : [for b in range(1000) : [for c in range(1000) : a]]]";
    let steps = format!("output \"x\" {{\n value = length({nested})\n}}\n");
    // Each needs the one after it, by way of its outputs.
    let things = many(
        &|it| {
            format!(
                "resource \"aws_subnet\" \"s{it}\" {{\n vpc_id = \"${{aws_subnet.s{}.id}}\"\n cidr_block = \"10.0.0.0/24\"\n}}\n",
                it + 1
            )
        },
        2_000,
    ) + "resource \"aws_subnet\" \"s2000\" {\n vpc_id = \"v\"\n cidr_block = \"10.0.0.0/24\"\n}\n";
    let instances =
        "resource \"aws_vpc\" \"m\" {\n for_each = toset([for a in range(1024) : \"${a}\"])\n cidr_block = \"10.0.0.0/16\"\n}\n"
            .to_owned();
    for (text, code) in [(chain, "too-deep"), (doubling, "too-large"), (texts, "too-large"), (steps, "too-large")] {
        let found = codes(&text);
        assert!(found.contains(&code), "{code}: {found:?}");
    }
    assert!(codes(&things).is_empty(), "long chains of things are no nesting");
    assert!(codes(&instances).is_empty());
}

#[test]
fn deep_expressions_fit_the_stack_of_a_thread() {
    let deep = |open: &str, close: &str| format!("output \"x\" {{\n value = {}1{}\n}}\n", open.repeat(38), close.repeat(38));
    for text in [deep("[", "]"), deep("(1 + ", ")"), deep("max(", ")"), deep("\"${", "}\""), deep("[for x in [1] : ", "]")] {
        assert!(!codes(&text).contains(&"syntax"), "{text}");
    }
    let operators = format!("output \"x\" {{\n value = 1{}\n}}\n", " + 1".repeat(120));
    assert!(codes(&operators).is_empty());
}

#[path = "../../../fuzz/bodies.rs"]
mod bodies;

/// Cuts, doublings and swaps of a text.
fn mutation(text: &str, seed: u64) -> String {
    let mut rng = Rng::new(seed);
    let mut chars: Vec<char> = text.chars().collect();
    const ODD: [&str; 14] = ["${", "}", "\"", "{", "[", "(", "%{ if ", "<<-X\n", "for x in ", "é", "\0", "...", "[*]", "null"];
    for _ in 0..=rng.below(4) {
        let (a, b) = (rng.below(chars.len() + 1), rng.below(chars.len() + 1));
        let (a, b) = (a.min(b), a.max(b).min(a.min(b) + 40));
        match rng.below(4) {
            0 => drop(chars.drain(a..b)),
            1 => {
                let part: Vec<char> = chars[a..b].to_vec();
                chars.splice(a..a, part);
            }
            2 => {
                let odd = ODD[rng.below(ODD.len())];
                chars.splice(a..a, odd.chars());
            }
            _ if b < chars.len() => chars.swap(a, b),
            _ => chars.truncate(a),
        }
    }
    chars.into_iter().collect()
}

/// The fuzz targets over the corpus and mutations of it.
#[test]
fn no_text_makes_the_language_fall_over() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/language");
    for path in std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()) {
        let text = std::fs::read_to_string(&path).unwrap();
        for seed in 0..60 {
            let text = if seed == 0 { text.clone() } else { mutation(&text, seed) };
            bodies::parse(&text);
            bodies::evaluate(&text);
        }
    }
}
