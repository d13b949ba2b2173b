//! Numbers.

use super::*;

pub fn cases() -> Vec<Case> {
    vec![
        ("abs", vec![n(23)], n(23)),
        ("abs", vec![d("-12.4")], d("12.4")),
        ("ceil", vec![n(5)], n(5)),
        ("ceil", vec![d("5.1")], n(6)),
        ("floor", vec![n(5)], n(5)),
        ("floor", vec![d("4.9")], n(4)),
        ("floor", vec![d("-4.1")], n(-5)),
        ("log", vec![n(16), n(2)], n(4)),
        ("log", vec![n(1000), n(10)], n(3)),
        ("max", vec![n(12), n(54), n(3)], n(54)),
        ("min", vec![n(12), n(54), n(3)], n(3)),
        ("parseint", vec![s("100"), n(10)], n(100)),
        ("parseint", vec![s("FF"), n(16)], n(255)),
        ("parseint", vec![s("-10"), n(16)], n(-16)),
        ("parseint", vec![s("1011111011101111"), n(2)], n(48879)),
        ("parseint", vec![s("aA"), n(62)], n(656)),
        ("pow", vec![n(3), n(2)], n(9)),
        ("pow", vec![n(4), n(0)], n(1)),
        ("pow", vec![n(4), d("0.5")], n(2)),
        ("range", vec![n(3)], l([n(0), n(1), n(2)])),
        ("range", vec![n(1), n(4)], l([n(1), n(2), n(3)])),
        ("range", vec![n(1), n(8), n(2)], l([n(1), n(3), n(5), n(7)])),
        ("range", vec![n(1), d("4"), d("0.5")], l([n(1), d("1.5"), n(2), d("2.5"), n(3), d("3.5")])),
        ("range", vec![n(4), n(1)], l([n(4), n(3), n(2)])),
        ("range", vec![n(10), n(5), n(-2)], l([n(10), n(8), n(6)])),
        ("range", vec![n(0)], l([])),
        ("signum", vec![n(-13)], n(-1)),
        ("signum", vec![n(0)], n(0)),
        ("signum", vec![n(344)], n(1)),
        ("sum", vec![t([n(10), n(13), n(6), d("4.5")])], d("33.5")),
        ("sum", vec![t([d("0.1"), d("0.2")])], d("0.3")),
        ("timeadd", vec![s("2017-11-22T00:00:00Z"), s("10m")], s("2017-11-22T00:10:00Z")),
        ("timeadd", vec![s("2017-11-22T00:00:00+01:30"), s("-1h30m")], s("2017-11-21T22:30:00+01:30")),
        ("timeadd", vec![s("2017-11-22T00:00:00Z"), s("1.5s")], s("2017-11-22T00:00:01Z")),
        ("timeadd", vec![s("2024-02-28T23:59:59.25Z"), s("24h1s")], s("2024-03-01T00:00:00Z")),
        ("timecmp", vec![s("2017-11-22T00:00:00Z"), s("2017-11-22T00:00:00Z")], n(0)),
        ("timecmp", vec![s("2017-11-22T00:00:00Z"), s("2017-11-22T01:00:00Z")], n(-1)),
        ("timecmp", vec![s("2017-11-22T01:00:00Z"), s("2017-11-22T00:59:00Z")], n(1)),
        ("timecmp", vec![s("2017-11-22T00:00:00Z"), s("2017-11-22T01:00:00+01:00")], n(0)),
        ("formatdate", vec![s("DD MMM YYYY hh:mm ZZZ"), s("2018-01-02T23:12:01Z")], s("02 Jan 2018 23:12 UTC")),
        ("formatdate", vec![s("EEEE, DD-MMM-YY hh:mm:ss ZZZ"), s("2018-01-02T23:12:01Z")], s("Tuesday, 02-Jan-18 23:12:01 UTC")),
        (
            "formatdate",
            vec![s("EEE, DD MMM YYYY hh:mm:ss ZZZ"), s("2018-01-02T23:12:01-08:00")],
            s("Tue, 02 Jan 2018 23:12:01 -0800"),
        ),
        ("formatdate", vec![s("MMM DD, YYYY"), s("2018-01-02T23:12:01Z")], s("Jan 02, 2018")),
        ("formatdate", vec![s("HH:mmaa"), s("2018-01-02T23:12:01Z")], s("11:12pm")),
        ("formatdate", vec![s("h'h'm'm'"), s("2018-01-02T23:12:01-08:00")], s("23h12m")),
        ("formatdate", vec![s("H 'o''clock' AA"), s("2018-01-02T00:12:01-08:00")], s("12 o'clock AM")),
        ("formatdate", vec![s("Z ZZZZ ZZZZZ"), s("2018-01-02T23:12:01Z")], s("Z +0000 +00:00")),
    ]
}

#[test]
fn results_that_terraform_documents_rounded() {
    let log = run("log", &[n(50), n(10)]).unwrap();
    assert!(format!("{log:?}").starts_with("1.69897000433601"), "{log:?}");
}

#[test]
fn what_has_no_result_is_refused() {
    refuses("log", &[n(0), n(10)], None, "no such logarithm");
    refuses("pow", &[n(10), n(1_000_000_000)], None, "too many digits");
    refuses("parseint", &[s("12"), n(2)], Some(0), "\"12\" is not a whole number in base 2");
    refuses("parseint", &[s(""), n(10)], Some(0), "not a whole number");
    refuses("parseint", &[s("1"), n(63)], Some(1), "from 2 to 62");
    refuses("range", &[n(1), n(5), n(0)], Some(2), "must not be zero");
    refuses("range", &[n(1), n(5), n(-1)], Some(1), "must not be above the start");
    refuses("range", &[n(100_000_000)], None, "more than 1048576 elements");
    refuses("sum", &[t([])], Some(0), "an empty list has no sum");
    refuses("sum", &[t([n(1), s("x")])], Some(0), "element 1 is not a number");
    refuses("timeadd", &[s("2017-11-22"), s("1h")], Some(0), "is not a time as RFC 3339 writes it");
    refuses("timeadd", &[s("2017-11-22T00:00:00Z"), s("1 hour")], Some(1), "is not a duration");
    refuses("timecmp", &[s("2017-13-22T00:00:00Z"), s("2017-11-22T00:00:00Z")], Some(0), "RFC 3339");
    refuses("formatdate", &[s("JJ"), s("2018-01-02T23:12:01Z")], Some(0), "means nothing");
    refuses("formatdate", &[s("'a"), s("2018-01-02T23:12:01Z")], Some(0), "has no end");
}
