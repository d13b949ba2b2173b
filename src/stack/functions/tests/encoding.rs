//! JSON, YAML, CSV, base64 and URLs.

use super::*;

pub fn cases() -> Vec<Case> {
    let json = r#"{"big":123456789012345678901234567890,"list":[1,0.1,null,true],"text":"a\u003cb\n"}"#;
    let value = o([
        ("big", d("123456789012345678901234567890")),
        ("list", t([n(1), d("0.1"), Value::Null, b(true)])),
        ("text", s("a<b\n")),
    ]);
    vec![
        ("base64decode", vec![s("SGVsbG8gV29ybGQ=")], s("Hello World")),
        ("base64encode", vec![s("Hello World")], s("SGVsbG8gV29ybGQ=")),
        ("base64gzip", vec![s("")], s("H4sIAAAAAAAA/wMAAAAAAAAAAAA=")),
        ("base64sha256", vec![s("hello world")], s("uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=")),
        (
            "base64sha512",
            vec![s("hello world")],
            s("MJ7MSJwS1utMxA9QyQLytNDtd+5RGnx6m808qG1M2G+YndNbxf9JlnDaNCVbRbDP2DDoH2Bdz33FVC6TrpzXbw=="),
        ),
        ("md5", vec![s("hello world")], s("5eb63bbbe01eeed093cb22bb8f5acdc3")),
        ("sha1", vec![s("hello world")], s("2aae6c35c94fcfb415dbe95f408b9ce91ee846ed")),
        ("sha256", vec![s("hello world")], s("b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9")),
        (
            "sha512",
            vec![s("hello world")],
            s(concat!(
                "309ecc489c12d6eb4cc40f50c902f2b4d0ed77ee511a7c7a9bcd3ca86d4cd86f",
                "989dd35bc5ff499670da34255b45b0cfd830e81f605dcf7dc5542e93ae9cd76f"
            )),
        ),
        ("uuidv5", vec![s("dns"), s("www.terraform.io")], s("a5008fae-b28c-5ba5-96cd-82b4c53552d6")),
        ("uuidv5", vec![s("url"), s("https://www.terraform.io/")], s("9db6f67c-dd95-5ea0-aa5b-e70e5c5f7cf5")),
        (
            "uuidv5",
            vec![s("6ba7b810-9dad-11d1-80b4-00c04fd430c8"), s("www.terraform.io")],
            s("a5008fae-b28c-5ba5-96cd-82b4c53552d6"),
        ),
        (
            "csvdecode",
            vec![s("a,b,c\n1,2,3\n4,5,6")],
            l([o([("a", s("1")), ("b", s("2")), ("c", s("3"))]), o([("a", s("4")), ("b", s("5")), ("c", s("6"))])]),
        ),
        ("csvdecode", vec![s("a\n\"x,\"\"y\"\n")], l([o([("a", s("x,\"y"))])])),
        ("jsondecode", vec![s("{\"hello\": \"world\"}")], o([("hello", s("world"))])),
        ("jsondecode", vec![s(" true ")], b(true)),
        ("jsondecode", vec![s("[1e2, -0.5, \"\\ud83d\\ude00\", {}]")], t([n(100), d("-0.5"), s("😀"), o([])])),
        ("jsondecode", vec![s(json)], value.clone()),
        ("jsonencode", vec![o([("hello", s("world"))])], s("{\"hello\":\"world\"}")),
        ("jsonencode", vec![value], s(json)),
        ("jsonencode", vec![s("<>&\u{2028}\u{1}\"\\")], s(r#""\u003c\u003e\u0026\u2028\u0001\"\\""#)),
        ("jsonencode", vec![Value::Null], s("null")),
        ("jsonencode", vec![ss(["b", "a"])], s("[\"a\",\"b\"]")),
        ("textencodebase64", vec![s("Hello World"), s("UTF-16LE")], s("SABlAGwAbABvACAAVwBvAHIAbABkAA==")),
        ("textencodebase64", vec![s("€é"), s("windows-1252")], s("gOk=")),
        ("textencodebase64", vec![s("A"), s("UTF-16")], s("/v8AQQ==")),
        ("textdecodebase64", vec![s("SABlAGwAbABvACAAVwBvAHIAbABkAA=="), s("UTF-16LE")], s("Hello World")),
        ("textdecodebase64", vec![s("gOk="), s("windows-1252")], s("€é")),
        ("textdecodebase64", vec![s("//5BAA=="), s("UTF-16")], s("A")),
        ("urlencode", vec![s("Hello World!")], s("Hello+World%21")),
        ("urlencode", vec![s("☃")], s("%E2%98%83")),
        ("urlencode", vec![s("foo:bar@localhost?foo=bar&bar=baz")], s("foo%3Abar%40localhost%3Ffoo%3Dbar%26bar%3Dbaz")),
        ("yamldecode", vec![s("hello: world")], o([("hello", s("world"))])),
        ("yamldecode", vec![s("true")], b(true)),
        ("yamldecode", vec![s("{a: &foo [1, 2, 3], b: *foo}")], o([("a", t([n(1), n(2), n(3)])), ("b", t([n(1), n(2), n(3)]))])),
        ("yamldecode", vec![s("a: ~\nb: 0.5\nc: '5'\nd: 18446744073709551615\n7: x\n")], {
            o([("7", s("x")), ("a", Value::Null), ("b", d("0.5")), ("c", s("5")), ("d", d("18446744073709551615"))])
        }),
        ("yamldecode", vec![s("")], Value::Null),
        ("yamlencode", vec![o([("a", s("b")), ("c", s("d"))])], s("\"a\": \"b\"\n\"c\": \"d\"\n")),
        (
            "yamlencode",
            vec![o([("foo", t([n(1), o([("a", s("b")), ("c", s("d"))]), n(3)])), ("bar", s("baz"))])],
            s("\"bar\": \"baz\"\n\"foo\":\n- 1\n- \"a\": \"b\"\n  \"c\": \"d\"\n- 3\n"),
        ),
        (
            "yamlencode",
            vec![o([("empty", t([])), ("none", o([])), ("nested", o([("x", t([t([n(1), n(2)])]))])), ("text", s("a\nb\n"))])],
            s("\"empty\": []\n\"nested\":\n  \"x\":\n  - - 1\n    - 2\n\"none\": {}\n\"text\": |\n  a\n  b\n"),
        ),
        ("yamlencode", vec![t([s("a\nb"), s(" a\n"), s("a \nb")])], s("- |-\n  a\n  b\n- |2\n   a\n- \"a \\nb\"\n")),
        ("yamlencode", vec![Value::Null], s("null\n")),
    ]
}

#[test]
fn what_is_written_reads_back() {
    let value = o([
        ("texts", t([s("a\nb"), s(" x\n\n"), s("\n"), s("a \nb"), s("\u{1}\u{85}é☃"), s(""), s("null"), s("- a: b #c")])),
        ("nested", t([t([]), o([]), t([t([o([("k\n", Value::Null), ("l", t([n(1)]))])])])])),
        ("numbers", t([n(-1), d("0.5"), n(i64::MAX)])),
        ("flags", t([b(true), b(false)])),
        ("block", o([("inner", s("line\n  indented\n"))])),
    ]);
    let json = run("jsonencode", std::slice::from_ref(&value)).unwrap();
    assert_eq!(run("jsondecode", &[json]), Ok(value.clone()));
    let yaml = run("yamlencode", std::slice::from_ref(&value)).unwrap();
    assert_eq!(run("yamldecode", std::slice::from_ref(&yaml)), Ok(value), "{}", yaml.as_str().unwrap());
}

#[test]
fn broken_texts_are_refused_where_they_break() {
    refuses("base64decode", &[s("!")], Some(0), "not valid base 64");
    refuses("base64decode", &[s("/w==")], Some(0), "not a UTF-8 text");
    refuses("csvdecode", &[s("a,a\n1,2")], Some(0), "two columns have the name \"a\"");
    refuses("csvdecode", &[s("a,b\n1")], Some(0), "not valid CSV");
    refuses("csvdecode", &[s("")], Some(0), "the first row");
    refuses("jsondecode", &[s("{\"a\": }")], Some(0), "a value expected at line 1, column 7");
    refuses("jsondecode", &[s("{\n  \"a\" 1}")], Some(0), "':' expected at line 2, column 7");
    refuses("jsondecode", &[s("1 2")], Some(0), "something follows the value");
    refuses("jsondecode", &[s("\"a")], Some(0), "the text ends within a string");
    refuses("jsondecode", &[s("\"\\")], Some(0), "the text ends within a string");
    refuses("jsondecode", &[s("\"\\x\"")], Some(0), "not a valid escape");
    refuses("jsondecode", &[s("01")], Some(0), "something follows");
    refuses("jsondecode", &[s("")], Some(0), "the text ends too early");
    refuses("textencodebase64", &[s("☃"), s("ISO-8859-1")], Some(0), "has no character '☃'");
    refuses("textencodebase64", &[s("a"), s("klingon")], Some(1), "is none of the encodings UTF-8, ");
    refuses("textdecodebase64", &[s("gA=="), s("US-ASCII")], Some(0), "not valid US-ASCII");
    refuses("uuidv5", &[s("x"), s("y")], Some(0), "a namespace is");
    refuses("yamldecode", &[s("a: [")], Some(0), "not valid YAML");
    refuses("yamldecode", &[s("a: .nan")], Some(0), "not valid YAML");
}

#[test]
fn yaml_scalars_are_what_terraform_takes_them_for() {
    for (text, expected) in [
        ("yes", b(true)),
        ("off", b(false)),
        ("y", b(true)),
        ("0o17", n(15)),
        ("0x1f", n(31)),
        ("017", n(17)),
        ("1_000", n(1000)),
        ("1e3", n(1000)),
        ("0.1", d("0.1")),
        ("null", Value::Null),
        ("'null'", s("null")),
        ("\"yes\"", s("yes")),
        ("!!str 5", s("5")),
        ("{<<: {a: 1}, b: 2}", o([("a", n(1)), ("b", n(2))])),
        ("--- a\n...\n", s("a")),
    ] {
        assert_eq!(run("yamldecode", &[s(text)]), Ok(expected), "{text}");
    }
    refuses("yamldecode", &[s("123456789012345678901234567890")], Some(0), "would lose digits");
    refuses("yamldecode", &[s("{a: 1, a: 2}")], Some(0), "not valid YAML");
    refuses("yamldecode", &[s("--- a\n--- b\n")], Some(0), "not valid YAML");
}
