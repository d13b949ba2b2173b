//! Lists, maps and sets.

use super::*;

pub fn cases() -> Vec<Case> {
    vec![
        ("alltrue", vec![ts(["true", "true"])], b(true)),
        ("alltrue", vec![t([b(true), b(false)])], b(false)),
        ("alltrue", vec![t([])], b(true)),
        ("anytrue", vec![ts(["true"])], b(true)),
        ("anytrue", vec![t([b(false), Value::Null])], b(false)),
        ("anytrue", vec![t([])], b(false)),
        ("chunklist", vec![ts(["a", "b", "c", "d", "e"]), n(2)], l([ls(["a", "b"]), ls(["c", "d"]), ls(["e"])])),
        ("chunklist", vec![ts(["a", "b"]), n(0)], l([ls(["a", "b"])])),
        ("chunklist", vec![ts(["a", "b", "c"]), n(1)], l([ls(["a"]), ls(["b"]), ls(["c"])])),
        ("coalesce", vec![s("a"), s("b")], s("a")),
        ("coalesce", vec![s(""), s("b")], s("b")),
        ("coalesce", vec![n(1), n(2)], n(1)),
        ("coalesce", vec![Value::Null, n(1), s("hello")], s("1")),
        ("coalescelist", vec![ts(["a", "b"]), ts(["c", "d"])], ts(["a", "b"])),
        ("coalescelist", vec![t([]), ts(["c", "d"])], ts(["c", "d"])),
        ("coalescelist", vec![Value::Null, ls(["c"])], ls(["c"])),
        ("compact", vec![t([s("a"), s(""), s("b"), Value::Null, s("c")])], ls(["a", "b", "c"])),
        ("concat", vec![ts(["a", ""]), ts(["b", "c"])], ts(["a", "", "b", "c"])),
        ("concat", vec![ls(["a"]), ls(["b"])], ls(["a", "b"])),
        ("concat", vec![ls(["a"]), t([n(1)])], t([s("a"), n(1)])),
        ("contains", vec![ts(["a", "b", "c"]), s("a")], b(true)),
        ("contains", vec![ts(["a", "b", "c"]), s("d")], b(false)),
        ("contains", vec![ss(["a", "b"]), s("b")], b(true)),
        ("distinct", vec![ts(["a", "b", "a", "c", "d", "b"])], ls(["a", "b", "c", "d"])),
        ("element", vec![ts(["a", "b", "c"]), n(1)], s("b")),
        ("element", vec![ts(["a", "b", "c"]), n(3)], s("a")),
        ("element", vec![ts(["a", "b", "c"]), n(-1)], s("c")),
        ("flatten", vec![t([ts(["a", "b"]), t([]), ts(["c"])])], ts(["a", "b", "c"])),
        ("flatten", vec![t([t([ts(["a", "b"]), t([])]), ts(["c"])])], ts(["a", "b", "c"])),
        ("index", vec![ts(["a", "b", "c"]), s("b")], n(1)),
        ("keys", vec![o([("a", n(1)), ("c", n(2)), ("d", n(3))])], ts(["a", "c", "d"])),
        ("keys", vec![m([("b", n(1)), ("a", n(2))])], ls(["a", "b"])),
        ("length", vec![t([])], n(0)),
        ("length", vec![ts(["a", "b"])], n(2)),
        ("length", vec![o([("a", s("b"))])], n(1)),
        ("length", vec![s("hello")], n(5)),
        ("length", vec![s("👾🕹️")], n(2)),
        ("lookup", vec![o([("a", s("ay")), ("b", s("bee"))]), s("a"), s("what?")], s("ay")),
        ("lookup", vec![o([("a", s("ay")), ("b", s("bee"))]), s("c"), s("what?")], s("what?")),
        ("lookup", vec![m([("a", s("ay"))]), s("c"), n(1)], s("1")),
        ("lookup", vec![m([("a", s("ay"))]), s("a")], s("ay")),
        (
            "matchkeys",
            vec![ts(["i-123", "i-abc", "i-def"]), ts(["us-west", "us-east", "us-east"]), ts(["us-east"])],
            ls(["i-abc", "i-def"]),
        ),
        (
            "merge",
            vec![o([("a", s("b")), ("c", s("d"))]), o([("e", s("f")), ("c", s("z"))])],
            o([("a", s("b")), ("c", s("z")), ("e", s("f"))]),
        ),
        ("merge", vec![o([("a", s("b"))]), o([("a", t([n(1), n(2)]))])], o([("a", t([n(1), n(2)]))])),
        ("merge", vec![m([("a", s("b"))]), Value::Null, m([("c", n(1))])], m([("a", s("b")), ("c", s("1"))])),
        ("merge", vec![], o([])),
        ("merge", vec![Value::Null], Value::Null),
        ("one", vec![t([])], Value::Null),
        ("one", vec![ts(["hello"])], s("hello")),
        ("one", vec![ss(["hello"])], s("hello")),
        ("reverse", vec![t([n(1), n(2), n(3)])], t([n(3), n(2), n(1)])),
        ("reverse", vec![ls(["a", "b"])], ls(["b", "a"])),
        ("setintersection", vec![ts(["a", "b"]), ts(["b", "c"]), ts(["b", "d"])], ss(["b"])),
        ("setproduct", vec![ts(["a", "b"]), ts(["c"])], l([ts(["a", "c"]), ts(["b", "c"])])),
        (
            "setproduct",
            vec![ss(["development", "staging"]), ts(["app1", "app2"])],
            Value::set([
                ts(["development", "app1"]),
                ts(["development", "app2"]),
                ts(["staging", "app1"]),
                ts(["staging", "app2"]),
            ]),
        ),
        ("setproduct", vec![ts(["a"]), t([])], l([])),
        ("setsubtract", vec![ts(["a", "b", "c"]), ts(["a", "c"])], ss(["b"])),
        ("setunion", vec![ts(["a", "b"]), ts(["b", "c"]), ts(["d"])], ss(["a", "b", "c", "d"])),
        ("setunion", vec![ts(["1"]), t([n(1)])], ss(["1"])),
        ("slice", vec![ts(["a", "b", "c", "d"]), n(1), n(3)], ts(["b", "c"])),
        ("sort", vec![ts(["e", "d", "a", "x"])], ls(["a", "d", "e", "x"])),
        (
            "transpose",
            vec![o([("a", ts(["1", "2"])), ("b", ts(["2", "3"]))])],
            m([("1", ls(["a"])), ("2", ls(["a", "b"])), ("3", ls(["b"]))]),
        ),
        ("values", vec![o([("a", n(3)), ("c", n(2)), ("d", n(1))])], t([n(3), n(2), n(1)])),
        ("values", vec![m([("a", n(3))])], l([n(3)])),
        ("zipmap", vec![ts(["a", "b"]), t([n(1), n(2)])], o([("a", n(1)), ("b", n(2))])),
        ("zipmap", vec![ts(["a", "b"]), l([n(1), n(2)])], m([("a", n(1)), ("b", n(2))])),
        ("issensitive", vec![s("a").sensitive()], b(true)),
        ("issensitive", vec![s("a")], b(false)),
        ("nonsensitive", vec![s("a").sensitive()], s("a")),
        ("sensitive", vec![s("a")], s("a").sensitive()),
        ("sensitive", vec![s("a").sensitive()], s("a").sensitive()),
        ("tobool", vec![s("true")], b(true)),
        ("tobool", vec![Value::Null], Value::Null),
        ("tolist", vec![t([s("a"), s("b"), n(3)])], ls(["a", "b", "3"])),
        ("tolist", vec![ss(["b", "a"])], ls(["a", "b"])),
        ("tomap", vec![o([("a", s("foo")), ("b", b(true))])], m([("a", s("foo")), ("b", s("true"))])),
        ("tonumber", vec![s("1")], n(1)),
        ("tonumber", vec![Value::Null], Value::Null),
        ("toset", vec![t([s("c"), s("b"), s("b")])], ss(["b", "c"])),
        ("toset", vec![t([s("a"), n(3)])], ss(["3", "a"])),
        ("tostring", vec![n(1)], s("1")),
        ("tostring", vec![b(true)], s("true")),
        ("type", vec![s("a")], s("string")),
        ("type", vec![ls(["a"])], s("list(string)")),
        ("type", vec![o([("a", n(1))])], s("object({ a = number })")),
    ]
}

#[test]
fn what_is_not_there_is_refused() {
    refuses("chunklist", &[ts(["a"]), n(-1)], Some(1), "not negative");
    refuses("coalesce", &[Value::Null, s("")], None, "all values are null or empty strings");
    refuses("coalesce", &[s("a"), t([])], None, "no type in common");
    refuses("coalescelist", &[t([])], None, "all lists are null or empty");
    refuses("concat", &[ss(["a"])], Some(0), "a set has no order");
    refuses("element", &[t([]), n(0)], Some(0), "an empty list has no elements");
    refuses("element", &[ss(["a"]), n(0)], Some(0), "a set have no index");
    refuses("index", &[ts(["a"]), s("b")], Some(1), "no such element");
    refuses("length", &[n(1)], Some(0), "a number has none");
    refuses("lookup", &[o([]), s("a")], Some(1), "the map has no key \"a\"");
    refuses("matchkeys", &[ts(["a"]), t([]), t([])], Some(1), "a key for each of the 1 elements");
    refuses("one", &[ts(["a", "b"])], Some(0), "at most one element");
    refuses("setproduct", &[ts(["a"])], None, "at least two sets");
    refuses("slice", &[ts(["a"]), n(0), n(2)], Some(2), "there are 1 elements");
    refuses("slice", &[ts(["a"]), n(1), n(0)], Some(1), "must not be greater");
    refuses("sort", &[t([Value::Null])], Some(0), "element 0 is null");
    refuses("zipmap", &[ts(["a"]), t([])], Some(1), "a value for each of the 1 keys");
    refuses("tobool", &[s("yes")], Some(0), "a bool is required");
    refuses("tolist", &[t([s("a"), t([])])], Some(0), "no type in common");
    refuses("tonumber", &[s("no")], Some(0), "a number is required");
    refuses("tostring", &[t([])], Some(0), "a string is required");
}
