//! Objects of all kinds that refer to each other anyhow: their plan keeps its laws, is carried out, and leaves nothing to do.

use infra::sim::Rng;

use super::case::Case;

/// Of every wave.
const KINDS: [&str; 8] = [
    "v1 Namespace",
    "apiextensions.k8s.io/v1 CustomResourceDefinition",
    "v1 ConfigMap",
    "v1 Service",
    "apps/v1 Deployment",
    "networking.k8s.io/v1 Ingress",
    "example.com/v1 Thing",
    "admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration",
];

/// One object a block, in one of two clusters; what it refers to comes before it in the file, whatever its wave.
fn stack(rng: &mut Rng) -> String {
    let mut out = String::new();
    let mut keys: Vec<String> = Vec::new();
    for index in 0..2 + rng.below(14) {
        let (version, kind) = rng.pick(&KINDS).unwrap().split_once(' ').unwrap();
        let group = version.split_once('/').map_or(String::new(), |(group, _)| format!(".{group}"));
        let of = match keys.is_empty() || rng.one_in(3) {
            true => "\"none\"".to_owned(),
            false => {
                let to = rng.below(keys.len());
                format!("kubernetes_manifest.o{to}[\"{}\"].uid", keys[to])
            }
        };
        let context = if rng.one_in(4) { "other" } else { "dev" };
        out += &format!(
            "resource \"kubernetes_manifest\" \"o{index}\" {{\n cluster = {{ context = \"{context}\" }}\n manifest = {{ apiVersion = \
             \"{version}\", kind = \"{kind}\", metadata = {{ name = \"n{index}\" }}, of = {of} }}\n}}\n"
        );
        keys.push(format!("{kind}{group}/n{index}"));
    }
    out
}

#[test]
fn objects_that_refer_to_each_other_anyhow_converge() {
    for seed in 0..150 {
        let stack = stack(&mut Rng::new(seed));
        let shown = Case::new(format!("seed {seed}:\n{stack}"), &stack).run();
        assert!(!shown.starts_with("error"), "seed {seed}: {shown}\n{stack}");
    }
}
