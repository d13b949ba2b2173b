//! What happens to values that are unknown or sensitive.

use super::*;

#[test]
fn unknown_arguments_make_the_result_unknown_with_their_provenance() {
    let result = run("upper", &[unknown(Type::String)]).unwrap();
    assert_eq!((result.is_unknown(), result.type_of()), (true, Type::String));
    assert_eq!(result.waits_for(), unknown(Type::String).waits_for());
    let other = Value::unknown(Type::String, "aws_eip.nat".parse().unwrap(), "id");
    let result = run("join", &[s(","), t([unknown(Type::String), other])]).unwrap();
    assert_eq!(result.waits_for().len(), 2);
    assert_eq!(run("jsonencode", &[o([("a", unknown(Type::Any))])]).unwrap().type_of(), Type::String);
}

#[test]
fn what_is_known_despite_unknown_members_is_told() {
    let id = || unknown(Type::String);
    let list = || t([s("a"), id()]);
    let object = || o([("a", s("x")), ("b", id())]);
    for (name, arguments, expected) in [
        ("length", vec![list()], n(2)),
        ("keys", vec![object()], ts(["a", "b"])),
        ("values", vec![object()], t([s("x"), id()])),
        ("lookup", vec![object(), s("a")], s("x")),
        ("lookup", vec![o([]), s("a"), id()], id()),
        ("element", vec![list(), n(0)], s("a")),
        ("concat", vec![list(), ts(["b"])], t([s("a"), id(), s("b")])),
        ("merge", vec![object(), o([("c", n(1))])], o([("a", s("x")), ("b", id()), ("c", n(1))])),
        ("coalesce", vec![s("a"), id()], s("a")),
        ("coalescelist", vec![ts(["a"]), unknown(Type::list(Type::String))], ts(["a"])),
        ("contains", vec![list(), s("a")], b(true)),
        ("reverse", vec![list()], t([id(), s("a")])),
        ("slice", vec![list(), n(0), n(1)], ts(["a"])),
        ("flatten", vec![t([list(), ts(["b"])])], t([s("a"), id(), s("b")])),
        ("one", vec![t([id()])], id()),
        ("zipmap", vec![ts(["a"]), t([id()])], o([("a", id())])),
        ("chunklist", vec![list(), n(1)], l([ls(["a"]), l([id()])])),
        ("matchkeys", vec![list(), ts(["x", "y"]), ts(["y"])], l([id()])),
        ("alltrue", vec![t([b(false), unknown(Type::Bool)])], b(false)),
        ("anytrue", vec![t([unknown(Type::Bool), b(true)])], b(true)),
        ("tolist", vec![list()], l([s("a"), id()])),
        ("tomap", vec![object()], m([("a", s("x")), ("b", id())])),
    ] {
        assert_eq!(run(name, &arguments), Ok(expected), "{name}{arguments:?}");
    }
}

#[test]
fn what_unknown_members_decide_is_unknown() {
    let id = || unknown(Type::String);
    for (name, arguments) in [
        ("contains", vec![t([s("a"), id()]), s("b")]),
        ("coalesce", vec![id(), s("b")]),
        ("coalescelist", vec![unknown(Type::Any), ts(["b"])]),
        ("length", vec![Value::set([s("a"), id()])]),
        ("flatten", vec![t([s("a"), unknown(Type::Any)])]),
        ("zipmap", vec![t([id()]), t([n(1)])]),
        ("alltrue", vec![t([b(true), unknown(Type::Bool)])]),
        ("distinct", vec![t([s("a"), id()])]),
        ("lookup", vec![unknown(Type::map(Type::String)), s("a"), s("b")]),
        ("merge", vec![o([("a", n(1))]), unknown(Type::map(Type::Number))]),
        ("issensitive", vec![id()]),
    ] {
        let result = run(name, &arguments).unwrap();
        assert!(result.is_unknown(), "{name}{arguments:?}: {result:?}");
        assert!(!result.waits_for().is_empty(), "{name}");
    }
}

#[test]
fn sensitive_arguments_make_the_result_sensitive() {
    let secret = || s("hunter2").sensitive();
    for (name, arguments, expected) in [
        ("upper", vec![secret()], s("HUNTER2").sensitive()),
        ("join", vec![s("-"), t([s("a"), secret()])], s("a-hunter2").sensitive()),
        ("jsonencode", vec![o([("p", secret())])], s("{\"p\":\"hunter2\"}").sensitive()),
        ("length", vec![secret()], n(7).sensitive()),
        ("length", vec![t([secret()])], n(1)),
        ("keys", vec![o([("a", secret())])], ts(["a"])),
        ("merge", vec![o([("a", secret())]), o([("b", n(1))])], o([("a", secret()), ("b", n(1))])),
        ("merge", vec![o([("a", n(1))]).sensitive()], o([("a", n(1))]).sensitive()),
        ("concat", vec![t([secret()]), ts(["a"])], t([secret(), s("a")])),
        ("element", vec![t([s("a"), secret()]), n(0)], s("a")),
        ("element", vec![t([s("a"), secret()]), n(1)], secret()),
        ("element", vec![ts(["a"]).sensitive(), n(0)], s("a").sensitive()),
        ("values", vec![o([("a", secret())])], t([secret()])),
        ("lookup", vec![o([("a", s("x"))]), s("a"), secret()], s("x")),
        ("lookup", vec![o([]), s("a"), secret()], secret()),
        ("coalesce", vec![s("").sensitive(), s("b")], s("b").sensitive()),
        ("contains", vec![t([secret()]), s("hunter2")], b(true).sensitive()),
        ("flatten", vec![t([ts(["a"]).sensitive(), s("b")])], ts(["a", "b"]).sensitive()),
        ("toset", vec![t([secret(), s("a")])], ss(["a", "hunter2"]).sensitive()),
        ("tonumber", vec![s("5").sensitive()], n(5).sensitive()),
        ("zipmap", vec![t([s("k").sensitive()]), t([n(1)])], o([("k", n(1))]).sensitive()),
        ("alltrue", vec![t([b(true).sensitive()])], b(true).sensitive()),
        ("type", vec![secret()], s("string")),
    ] {
        assert_eq!(run(name, &arguments), Ok(expected), "{name}");
    }
    let result = run("upper", &[unknown(Type::String).sensitive()]).unwrap();
    assert!(result.is_unknown() && result.unmark().1);
}

#[test]
fn a_secret_is_not_in_the_error() {
    let secret = || s("hunter2").sensitive();
    for (name, arguments) in [
        ("tonumber", vec![secret()]),
        ("parseint", vec![secret(), n(10)]),
        ("jsondecode", vec![secret()]),
        ("cidrhost", vec![secret(), n(1)]),
        ("abs", vec![secret()]),
        ("timeadd", vec![secret(), s("1h")]),
        ("lookup", vec![o([]), secret()]),
        ("lookup", vec![m([("a", n(1))]), s("b"), secret()]),
        ("coalesce", vec![secret(), t([])]),
        ("sum", vec![t([secret()])]),
        ("file", vec![secret()]),
        ("alltrue", vec![t([secret()])]),
        ("tolist", vec![t([t([secret()]), n(1)])]),
        ("element", vec![ts(["a"]), secret()]),
    ] {
        let error = run(name, &arguments).expect_err(name);
        assert!(!error.message.contains("hunter2"), "{name}: {error}");
    }
}

#[test]
fn a_secret_that_is_not_at_hand_makes_the_result_unknown_and_sensitive() {
    let digest = || Value::Digest("abc".into());
    for (name, arguments) in [("upper", vec![digest()]), ("jsonencode", vec![o([("a", digest())])]), ("length", vec![digest()])] {
        let result = run(name, &arguments).unwrap();
        assert!(result.is_unknown() && result.unmark().1, "{name}: {result:?}");
    }
    assert_eq!(run("coalesce", &[Value::Null, digest()]), Ok(digest()));
    assert_eq!(run("issensitive", &[digest()]), Ok(b(true)));
}
