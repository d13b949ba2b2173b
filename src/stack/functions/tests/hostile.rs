//! No argument makes a function panic, hang or fill the memory.

use proptest::prelude::*;

use super::super::Shape;
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
    refuses("tostring", &[value.clone()], Some(0), "a string is required, this is a list");
    refuses("keys", &[value], Some(0), "a map or an object is required, this is a list");
    let bomb = (1..30).fold("a0: &a0 [x, x]\n".to_owned(), |text, level| {
        let before = level - 1;
        text + &format!("a{level}: &a{level} [*a{before}, *a{before}]\n")
    });
    refuses("yamldecode", &[s(&bomb)], Some(0), "not valid YAML");
}

fn numbers() -> impl Strategy<Value = Value> + Clone {
    prop_oneof![
        any::<i64>().prop_map(Value::from),
        (-3_i64..70).prop_map(Value::from),
        any::<f64>().prop_filter_map("finite", |it| Number::from_f64(it).map(Value::Number)),
    ]
}

fn texts() -> impl Strategy<Value = Value> + Clone {
    prop_oneof![
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
        .prop_map(Value::from)
    ]
}

fn values() -> impl Strategy<Value = Value> + Clone {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        numbers(),
        texts(),
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

/// Values by what takes them, so that calls get past the check of their arguments.
#[derive(Debug)]
struct Pool {
    any: Vec<Value>,
    numbers: Vec<Value>,
    texts: Vec<Value>,
    sequences: Vec<Value>,
    maps: Vec<Value>,
}

impl Pool {
    fn pick(&self, shape: Shape, at: usize) -> Value {
        let from = match shape {
            Shape::Any => &self.any,
            Shape::Bool | Shape::Number => &self.numbers,
            Shape::String => &self.texts,
            Shape::List | Shape::Strings | Shape::Bools | Shape::Set | Shape::StringSet | Shape::Sequence => &self.sequences,
            Shape::StringLists | Shape::Map => &self.maps,
        };
        from[at % from.len()].clone()
    }
}

fn pools() -> impl Strategy<Value = Pool> {
    fn some(of: impl Strategy<Value = Value>) -> impl Strategy<Value = Vec<Value>> {
        prop::collection::vec(of, 3..6)
    }
    fn sequences(of: impl Strategy<Value = Value> + Clone) -> impl Strategy<Value = Value> + Clone {
        let items = || prop::collection::vec(of.clone(), 0..5);
        prop_oneof![items().prop_map(Value::tuple), items().prop_map(Value::list), items().prop_map(Value::set)]
    }
    let maps = prop::collection::vec(("[a-c]", prop_oneof![values(), sequences(texts())]), 0..4);
    let maps = prop_oneof![maps.clone().prop_map(Value::map), maps.prop_map(Value::object)];
    let sequences = prop_oneof![
        sequences(values()),
        sequences(texts()),
        sequences(numbers()),
        sequences(any::<bool>().prop_map(Value::from))
    ];
    (some(values()), some(numbers()), some(texts()), some(sequences), some(maps))
        .prop_map(|(any, numbers, texts, sequences, maps)| Pool { any, numbers, texts, sequences, maps })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_call_with_random_arguments_panics(arguments in prop::collection::vec(values(), 0..5)) {
        for name in names() {
            let _ = run(name, &arguments);
        }
    }

    /// `secret` is which argument is marked.
    #[test]
    fn no_call_with_likely_arguments_panics_or_forgets_a_secret(pool in pools(), more in 0_usize..4, secret in 0_usize..4) {
        for name in names() {
            let Some(signature) = signature(name) else { continue };
            let more = if signature.variadic.is_some() { more } else { 0 };
            let parameters = signature.parameters.iter().chain(std::iter::repeat_n(signature.variadic.as_ref(), more).flatten());
            let mut arguments: Vec<_> = parameters.enumerate().map(|(at, it)| pool.pick(it.shape, at)).collect();
            let Some(argument) = arguments.get_mut(secret) else { continue };
            *argument = argument.clone().sensitive();
            // These look no further than they have to, or are there to undo the mark.
            let clears = matches!(name, "coalesce" | "coalescelist" | "lookup" | "nonsensitive" | "issensitive" | "type");
            if let Ok(value) = run(name, &arguments) {
                prop_assert!(clears || value.has_secret(), "{name}{arguments:?} = {value:?}");
            }
        }
    }
}
