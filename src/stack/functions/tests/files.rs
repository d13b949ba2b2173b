//! Files and paths.

use super::*;

pub fn cases() -> Vec<Case> {
    let unasked = Value::unknown(Type::String, "data.aws_kms_secrets.sops".parse().unwrap(), "later.yaml").sensitive();
    vec![
        ("abspath", vec![s("a.txt")], s("/repository/stacks/dev/a.txt")),
        ("basename", vec![s("foo/bar/baz.txt")], s("baz.txt")),
        ("basename", vec![s("foo/bar/")], s("bar")),
        ("basename", vec![s("")], s(".")),
        ("basename", vec![s("//")], s("/")),
        ("dirname", vec![s("foo/bar/baz.txt")], s("foo/bar")),
        ("dirname", vec![s("baz.txt")], s(".")),
        ("dirname", vec![s("/a/../b/./c")], s("/b")),
        ("dirname", vec![s("/a")], s("/")),
        ("dirname", vec![s("../../a")], s("../..")),
        ("file", vec![s("hello.txt")], s("Hello World")),
        ("filebase64", vec![s("hello.txt")], s("SGVsbG8gV29ybGQ=")),
        ("filebase64", vec![s("binary")], s("/wA=")),
        ("fileexists", vec![s("hello.txt")], b(true)),
        ("fileexists", vec![s("bye.txt")], b(false)),
        ("fileset", vec![s("."), s("*.txt")], ss(["hello.txt"])),
        ("fileset", vec![s("."), s("*.md")], ss([])),
        ("sops_decrypt_file", vec![s("secret.yaml")], s("{\"password\":\"x\"}").sensitive()),
        ("sops_decrypt_file", vec![s("later.yaml")], unasked),
        ("filemd5", vec![s("hello.txt")], s("b10a8db164e0754105b7a99be72e3fe5")),
        ("filesha1", vec![s("hello.txt")], s("0a4d55a8d778e5022fab701977c5d840bbc486d0")),
        ("filesha256", vec![s("hello.txt")], s("a591a6d40bf420404a011733cfb7b190d62c65bf0bcda32b57b277d9ad9f146e")),
        ("filebase64sha256", vec![s("hello.txt")], s("pZGm1Av0IEBKARczz7exkNYsZb8LzaMrV7J32a2fFG4=")),
        (
            "filesha512",
            vec![s("hello.txt")],
            s(concat!(
                "2c74fd17edafd80e8447b0d46741ee243b7eb74dd2149a0ab1b9246fb30382f2",
                "7e853d8585719e0e67cbda0daa8f51671064615d645ae27acb15bfb1447f459b"
            )),
        ),
        (
            "filebase64sha512",
            vec![s("hello.txt")],
            s("LHT9F+2v2A6ER7DUZ0HuJDt+t03SFJoKsbkkb7MDgvJ+hT2FhXGeDmfL2g2qj1FnEGRhXWRa4nrLFb+xRH9Fmw=="),
        ),
        ("pathexpand", vec![s("/etc/resolv.conf")], s("/etc/resolv.conf")),
    ]
}

#[test]
fn unreadable_files_are_refused() {
    refuses("file", &[s("bye.txt")], Some(0), "there is no file bye.txt");
    refuses("file", &[s("binary")], Some(0), "binary is not a UTF-8 text; use filebase64");
    refuses("pathexpand", &[s("~/.ssh/id_rsa")], Some(0), "a home directory differs");
}
