//! Blocks that make an instance of each object that they lead to.

use infra::stack::Configuration;
use infra::stack::desired::Instance;
use infra::value::Value;

use super::types::World;
use super::{STACK, evaluate, good, load, show};

const FILE: &str = "stacks/dev/a.yaml";

fn one(text: &str, vars: &str) -> (Instance, Vec<String>) {
    let vars = if vars.is_empty() { String::new() } else { format!("vars = {vars}") };
    let main = format!(
        "resource \"aws_vpc\" \"m\" {{\n cidr_block = \"10.0.0.0/16\"\n}}\nresource \"kubernetes_manifest\" \"x\" {{\n cluster = {{}}\n file = \"a.yaml\"\n {vars}\n}}\n"
    );
    let mut loaded = load(&[("stacks/dev/s.hcl", STACK), ("stacks/dev/main.hcl", &main), (FILE, text)]);
    assert!(loaded.diagnostics.is_empty(), "{}", show(&loaded.program, &loaded.diagnostics));
    let evaluation = loaded.program.evaluate(&mut World::default());
    assert!(evaluation.diagnostics.is_empty(), "{}", show(&loaded.program, &evaluation.diagnostics));
    let deferred = evaluation.deferred.iter().map(|it| it.address.to_string()).collect();
    let first = evaluation.instances.into_values().find(|it| it.object.is_some());
    let none =
        || good("resource \"aws_vpc\" \"m\" {\n cidr_block = \"10.0.0.0/16\"\n}\n").instances.into_values().next().unwrap();
    (first.unwrap_or_else(none), deferred)
}

const POD: &str = "apiVersion: v1\nkind: Pod\nmetadata: { name: p }\n";

#[test]
fn an_unknown_in_a_file_leaves_the_rest_of_it_known() {
    let (it, _) = one(&format!("{POD}spec:\n  a: ${{vpc}}\n  b: x-${{vpc}}\n  c: 1\n"), "{ vpc = aws_vpc.m.id }");
    let spec = it.settings.get("manifest").get("spec");
    assert!(spec.get("a").is_unknown() && spec.get("b").is_unknown());
    assert_eq!(spec.get("c"), Value::from(1));
    assert_eq!(it.references.iter().map(|it| it.to.to_string()).collect::<Vec<_>>(), ["aws_vpc.m"]);
}

#[test]
fn what_decides_the_objects_of_a_file_defers_them() {
    let conditional = format!("%{{ if vpc == \"\" }}\n{POD}%{{ endif }}\n");
    for text in [POD.replace("name: p", "name: \"${vpc}\""), conditional, "${vpc}".to_owned()] {
        let (it, deferred) = one(&text, "{ vpc = aws_vpc.m.id }");
        assert!(it.object.is_none(), "{text}");
        assert_eq!(deferred, ["kubernetes_manifest.x"], "{text}");
    }
}

#[test]
fn secrets_in_a_file_stay_secret_where_they_ended_up() {
    let text = format!(
        "{POD}spec:\n  a: ${{t}}\n  b: [\"-${{t}}\", c]\n  pem: |\n    ${{indent(4, s)}}\n  number: ${{n}}\n  whole: ${{map}}\n  d: 1\n"
    );
    let (it, _) = one(&text, "{ s = sensitive(\"x\\ny\"), t = sensitive(\"t\"), n = sensitive(7), map = sensitive(\"{k: v}\") }");
    let spec = it.settings.get("manifest").get("spec");
    assert_eq!(
        format!("{spec:?}"),
        "{\"a\": (sensitive), \"b\": [(sensitive), \"c\"], \"d\": 1, \"number\": (sensitive), \"pem\": (sensitive), \"whole\": (sensitive)}"
    );
    let clear = spec.unmark_deep().0;
    assert_eq!(clear.get("pem"), Value::from("x\ny\n"));
    assert_eq!(clear.get("number"), Value::from(7));
    assert_eq!(clear.get("whole").get("k"), Value::from("v"));
}

#[test]
fn places_lead_into_the_file() {
    let text =
        format!("# head\n{POD}spec:\n%{{ for it in [1, 2] ~}}\n  a${{it}}:\n    - b\n%{{ endfor ~}}\n  \"c.d\": 1\n  e: 2\n");
    let (it, _) = one(&text, "{ }");
    let line = |path: &str| {
        let span = it.span_of(path).unwrap();
        assert_eq!(&*span.file, FILE);
        text[..span.start as usize].matches('\n').count() + 1
    };
    assert_eq!(line("manifest"), 2);
    assert_eq!(line("manifest.metadata.name"), 4);
    assert_eq!(line("manifest.spec.a2[0]"), 8);
    assert_eq!(line("manifest.spec[\"c.d\"]"), 10);
    assert_eq!(line("manifest.spec.e.not.there"), 11);
    assert_eq!(&*it.span_of("cluster").unwrap().file, "stacks/dev/main.hcl");
}

#[test]
fn instances_are_referred_to_by_their_keys() {
    let pods = "resource \"kubernetes_manifest\" \"x\" {\n for_each = toset([\"a\", \"b\"])\n cluster = {}\n manifest = { apiVersion = \"v1\", kind = \"Pod\", metadata = { name = each.key } }\n}\n";
    let it = good(&format!(
        "{pods}resource \"aws_security_group\" \"g\" {{\n for_each = kubernetes_manifest.x\n name = each.value.manifest.metadata.name\n}}\nresource \"aws_vpc\" \"v\" {{\n cidr_block = \"10.0.0.0/16\"\n depends_on = [kubernetes_manifest.x]\n}}\n"
    ));
    let names: Vec<String> = it.instances.keys().map(ToString::to_string).collect();
    assert_eq!(names[0], "aws_security_group.g[\"a:Pod/a\"]");
    assert_eq!(names[3], "kubernetes_manifest.x[\"a:Pod/a\"]");
    let vpc = &it.instances[&"aws_vpc.v".parse().unwrap()];
    assert_eq!(vpc.references.len(), 2);
}

#[test]
fn settings_of_one_object_are_found_again() {
    let text = "resource \"kubernetes_manifest\" \"x\" {\n cluster = {}\n manifest = [{ apiVersion = \"v1\", kind = \"Pod\", metadata = { name = \"a\" } }]\n}\n";
    let (mut program, _) = evaluate(text, &mut World::default());
    let settings = program.settings(&"kubernetes_manifest.x[\"Pod/a\"]".parse().unwrap(), &mut World::default()).unwrap();
    assert_eq!(settings.get("manifest").get("kind"), Value::from("Pod"));
    assert!(settings.get("file").is_null());
}
