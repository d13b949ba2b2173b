//! No argument makes a function panic, hang or fill the memory.

use proptest::prelude::*;

use super::*;
use crate::value::Number;

#[test]
fn results_are_bounded() {
    let long = s(&"x".repeat(1 << 20));
    let many = Value::list((0..2_000).map(n));
    let texts = Value::list(vec![long.clone(); 100]);
    refuses("join", &[long.clone(), ls(["a"]), Value::list(vec![s("a"); 100])], None, "longer than 64 MiB");
    refuses("join", &[s(""), texts], None, "too large");
    refuses("indent", &[n(1 << 40), s("a\nb")], None, "longer than 64 MiB");
    refuses("format", &[s("%99999999s"), s("a")], None, "longer than 64 MiB");
    refuses("format", &[s("%99999999999999999999s"), s("a")], Some(0), "too large");
    refuses("format", &[s("%.99999f"), n(1)], Some(0), "too large");
    refuses("replace", &[long.clone(), s("x"), s(&"y".repeat(100))], None, "longer than 64 MiB");
    refuses("setproduct", &[many.clone(), many.clone()], None, "more than 1048576 elements");
    refuses("setproduct", &vec![many.clone(); 20], None, "more than 1048576 elements");
    refuses("regexall", &[s(&"(a?)".repeat(100)), s(&"b".repeat(20_000))], None, "more than 1048576 elements");
    refuses("range", &[n(0), n(1), d("1e-4000")], None, "more than 1048576 elements");
    refuses("range", &[n(0), d("1e-3995"), d("1e-4000")], None, "longer than 64 MiB");
    refuses("split", &[s(""), Value::from("x".repeat(1 << 21))], None, "more than 1048576 elements");
    refuses("jsondecode", &[Value::from(format!("[{}0]", "0,".repeat(1 << 20)))], Some(0), "more than 1048576 values");
    refuses("jsonencode", &[Value::tuple(vec![d("1e4000"); 20_000])], None, "too large");
    refuses("jsondecode", &[s(&"[".repeat(100_000))], Some(0), "levels of nesting");
    refuses("yamldecode", &[s(&"[".repeat(100_000))], Some(0), "not valid YAML");
    refuses("tonumber", &[s("1e999999999")], Some(0), "a number is required");
}

#[test]
fn values_that_are_shared_over_and_over_are_bounded() {
    let mut value = ts(["a", "b"]);
    for _ in 0..60 {
        value = t([value.clone(), value]);
    }
    for name in ["jsonencode", "yamlencode", "flatten", "distinct", "toset", "tolist", "type", "chunklist"] {
        let more = if name == "chunklist" { vec![n(1)] } else { Vec::new() };
        let error = run(name, &[vec![value.clone()], more].concat()).expect_err(name);
        assert!(error.message.contains("too large") || error.message.contains("more than"), "{name}: {error}");
    }
    refuses("tostring", &[value.clone()], Some(0), "a string is required, this is a tuple");
    refuses("keys", &[value], Some(0), "a map or an object is required, this is a tuple");
    let bomb = (1..30).fold("a0: &a0 [x, x]\n".to_owned(), |text, level| {
        let before = level - 1;
        text + &format!("a{level}: &a{level} [*a{before}, *a{before}]\n")
    });
    refuses("yamldecode", &[s(&bomb)], Some(0), "not valid YAML");
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-3_i64..70).prop_map(Value::from),
        any::<f64>().prop_filter_map("finite", |it| Number::from_f64(it).map(Value::Number)),
        ".{0,12}".prop_map(Value::from),
        prop::sample::select(vec![
            "10.0.0.0/8",
            "fd00::/64",
            "255.255.255.255/32",
            "2018-01-02T23:12:01Z",
            "-1h",
            "%[1]s%d%5.2f%v",
            "[a-z]+(x)?",
            "/(a*)/",
            "{\"a\":[1]}",
            "a: [1, *x]",
            "hello.txt",
            "UTF-16",
            "SGVsbG8=",
            "''",
            "YYYY'a'",
            "a,b\n1,2",
            "dns",
            "٣\u{301}\r\n",
            "0x1F",
        ])
        .prop_map(Value::from),
        Just(unknown(Type::Any)),
        Just(unknown(Type::list(Type::String))),
        Just(Value::Digest("abc".into())),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        let members = prop::collection::vec(("[a-c]", inner.clone()), 0..4);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::tuple),
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::list),
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::set),
            members.clone().prop_map(Value::object),
            members.prop_map(Value::map),
            inner.prop_map(Value::sensitive),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Every function with the same random arguments. Few fit the signature by chance, so that each is also tried with as many as
    /// it takes.
    #[test]
    fn no_call_panics_or_forgets_a_secret(arguments in prop::collection::vec(values(), 0..5)) {
        let secret = arguments.iter().any(|it| it.unmark().1);
        for name in names() {
            let least = signature(name).map_or(0, |it| it.parameters.len());
            for count in [least, arguments.len()] {
                let given = &arguments[..count.min(arguments.len())];
                let result = run(name, given);
                let clears = matches!(name, "nonsensitive" | "issensitive" | "type" | "coalesce" | "coalescelist" | "lookup");
                if secret && !clears && given.len() == arguments.len() && let Ok(value) = result {
                    prop_assert!(value.has_secret(), "{name}{given:?} = {value:?}");
                }
            }
        }
    }
}
