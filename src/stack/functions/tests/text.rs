//! Texts and regular expressions.

use super::*;

pub fn cases() -> Vec<Case> {
    vec![
        ("chomp", vec![s("hello\n")], s("hello")),
        ("chomp", vec![s("hello\r\n")], s("hello")),
        ("chomp", vec![s("hello\n\n")], s("hello")),
        ("endswith", vec![s("hello world"), s("world")], b(true)),
        ("endswith", vec![s("hello world"), s("hello")], b(false)),
        ("format", vec![s("Hello, %s!"), s("Ander")], s("Hello, Ander!")),
        ("format", vec![s("There are %d lights"), n(4)], s("There are 4 lights")),
        ("format", vec![s("%s"), n(1_000_000)], s("1000000")),
        ("format", vec![s("%v %v %v"), n(4), b(true), Value::Null], s("4 true null")),
        ("format", vec![s("%v"), n(1_000_000)], s("1e+06")),
        ("format", vec![s("%v"), t([n(1), s("a")])], s("[1,\"a\"]")),
        ("format", vec![s("%#v"), s("a<")], s("\"a\\u003c\"")),
        ("format", vec![s("%q %%"), s("a\"b")], s("\"a\\\"b\" %")),
        ("format", vec![s("%5s|%-5s|%05d|%+d"), s("ab"), s("ab"), n(-42), n(7)], s("   ab|ab   |-0042|+7")),
        ("format", vec![s("%x %X %b %o %#x"), n(255), n(255), n(5), n(8), n(255)], s("ff FF 101 10 0xff")),
        ("format", vec![s("%f %.2f %8.1f %e"), d("1.5"), d("3.14159"), n(2), n(1500)], s("1.500000 3.14      2.0 1.500000e+03")),
        ("format", vec![s("%g %g %g %.3g"), d("0.00001"), d("1.5"), n(123_456), d("1234.5")], s("1e-05 1.5 123456 1.23e+03")),
        ("format", vec![s("%[2]s %[1]s"), s("a"), s("b")], s("b a")),
        ("format", vec![s("%5[1]d"), n(3)], s("    3")),
        ("format", vec![s("%t"), s("true")], s("true")),
        ("format", vec![s("%.3s"), s("abcdef")], s("abc")),
        ("format", vec![s("%d"), d("123456789012345678901234567890")], s("123456789012345678901234567890")),
        (
            "formatlist",
            vec![s("Hello, %s!"), ts(["Valentina", "Ander", "Olivia", "Sam"])],
            ls(["Hello, Valentina!", "Hello, Ander!", "Hello, Olivia!", "Hello, Sam!"]),
        ),
        (
            "formatlist",
            vec![s("%s, %s!"), s("Salutations"), ts(["Valentina", "Ander"])],
            ls(["Salutations, Valentina!", "Salutations, Ander!"]),
        ),
        ("indent", vec![n(2), s("[\n  foo,\n  bar,\n]\n")], s("[\n    foo,\n    bar,\n  ]\n  ")),
        ("join", vec![s("-"), ts(["foo", "bar", "baz"])], s("foo-bar-baz")),
        ("join", vec![s(", "), ts(["foo"]), t([n(1), b(true)])], s("foo, 1, true")),
        ("join", vec![s(","), t([])], s("")),
        ("lower", vec![s("HELLO")], s("hello")),
        ("lower", vec![s("АЛЛО!")], s("алло!")),
        ("regex", vec![s("[a-z]+"), s("53453453.345345aaabbbccc23454")], s("aaabbbccc")),
        ("regex", vec![s(r"(\d\d\d\d)-(\d\d)-(\d\d)"), s("2019-02-01")], ts(["2019", "02", "01"])),
        (
            "regex",
            vec![s(r"^(?:(?P<scheme>[^:/?#]+):)?(?://(?P<authority>[^/?#]*))?"), s("https://terraform.io/docs/")],
            o([("authority", s("terraform.io")), ("scheme", s("https"))]),
        ),
        ("regex", vec![s("(a)|(b)"), s("b")], t([Value::Null, s("b")])),
        ("regexall", vec![s("[a-z]+"), s("1234abcd5678efgh9")], ls(["abcd", "efgh"])),
        ("regexall", vec![s("[a-z]+"), s("123456789")], ls([])),
        ("replace", vec![s("1 + 2 + 3"), s("+"), s("-")], s("1 - 2 - 3")),
        ("replace", vec![s("hello world"), s("/w.*d/"), s("everybody")], s("hello everybody")),
        ("replace", vec![s("a.b"), s("."), s("$1")], s("a$1b")),
        ("replace", vec![s("ab"), s("/(a)(b)/"), s("$2$1")], s("ba")),
        ("replace", vec![s("ab"), s(""), s("-")], s("-a-b-")),
        ("split", vec![s(","), s("foo,bar,baz")], ls(["foo", "bar", "baz"])),
        ("split", vec![s(","), s("foo")], ls(["foo"])),
        ("split", vec![s(","), s("")], ls([""])),
        ("split", vec![s(""), s("abc")], ls(["a", "b", "c"])),
        ("startswith", vec![s("hello world"), s("hello")], b(true)),
        ("startswith", vec![s("hello world"), s("world")], b(false)),
        ("strcontains", vec![s("hello world"), s("wor")], b(true)),
        ("strcontains", vec![s("hello world"), s("wod")], b(false)),
        ("strrev", vec![s("hello")], s("olleh")),
        ("strrev", vec![s("a ☃")], s("☃ a")),
        ("strrev", vec![s("e\u{301}a")], s("ae\u{301}")),
        ("substr", vec![s("hello world"), n(1), n(4)], s("ello")),
        ("substr", vec![s("🤔🤷"), n(0), n(1)], s("🤔")),
        ("substr", vec![s("hello world"), n(-5), n(-1)], s("world")),
        ("substr", vec![s("hello world"), n(6), n(10)], s("world")),
        ("substr", vec![s("hello"), n(10), n(1)], s("")),
        ("substr", vec![s("hello"), n(-10), n(2)], s("he")),
        ("title", vec![s("hello world")], s("Hello World")),
        ("title", vec![s("a-b_c élan")], s("A-B_c Élan")),
        ("trim", vec![s("?!hello?!"), s("!?")], s("hello")),
        ("trim", vec![s("foobar"), s("far")], s("oob")),
        ("trim", vec![s("   hello! world.!  "), s("! ")], s("hello! world.")),
        ("trimprefix", vec![s("helloworld"), s("hello")], s("world")),
        ("trimprefix", vec![s("helloworld"), s("cat")], s("helloworld")),
        ("trimspace", vec![s("  hello\n\n")], s("hello")),
        ("trimsuffix", vec![s("helloworld"), s("world")], s("hello")),
        ("upper", vec![s("hello")], s("HELLO")),
        ("upper", vec![s("алло!")], s("АЛЛО!")),
    ]
}

#[test]
fn a_format_and_its_values_have_to_fit() {
    refuses("format", &[s("%s %s"), s("a")], Some(0), "asks for value 2, but there are 1");
    refuses("format", &[s("%s"), s("a"), s("b")], Some(2), "uses only 1");
    refuses("format", &[s("%d"), d("1.5")], Some(1), "a whole number is required for \"%d\"");
    refuses("format", &[s("%d"), s("x")], Some(1), "a number is required");
    refuses("format", &[s("%s"), Value::Null], Some(1), "null has no text");
    refuses("format", &[s("%s"), t([])], Some(1), "a string is required");
    refuses("format", &[s("%y"), s("a")], Some(1), "there is no verb %y");
    refuses("format", &[s("100%")], Some(0), "the format ends within");
    refuses("format", &[s("%[0]s"), s("a")], Some(0), "an index in the format");
    refuses("formatlist", &[s("%s%s"), ts(["a"]), ts(["a", "b"])], Some(2), "all lists have the same length");
}

#[test]
fn a_pattern_has_to_be_one_and_to_match() {
    refuses("regex", &[s("[a-z]+"), s("123")], Some(1), "does not match");
    refuses("regex", &[s("(?P<x>a)(b)"), s("ab")], Some(0), "either all groups have a name or none has");
    refuses("regex", &[s("(a"), s("a")], Some(0), "not a valid regular expression: unclosed group");
    refuses("replace", &[s("a"), s("/(/"), s("")], Some(1), "not a valid regular expression");
    refuses("regex", &[s("((a{1000}){1000}){1000}"), s("a")], Some(0), "not a valid regular expression");
    refuses("join", &[s(","), t([s("a"), Value::Null])], Some(1), "element 1 is null");
}
