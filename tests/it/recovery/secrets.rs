//! `sops_decrypt_file`: a secret goes from a file of SOPS to AWS, and is told nowhere on the way.

use localstack::{Cloud, REGION};

use crate::bad_input::contents;
use crate::cli::person::{Repository, Said};

/// In the file.
const SECRET: &str = "hunter2";

fn here() -> Repository {
    let stack = format!(
        r#"
stack {{
  region = "{REGION}"
}}

locals {{
  secrets = yamldecode(sops_decrypt_file("secrets.yaml"))
}}

resource "aws_vpc" "main" {{
  cidr_block = "10.0.0.0/16"
  tags       = {{ Password = local.secrets.db.password, Hosts = join(" ", local.secrets.db.hosts) }}
}}

output "port" {{
  value = nonsensitive(local.secrets.db.port)
}}
"#
    );
    Repository::new(&[
        ("stacks/dev/stack.hcl", &stack),
        ("stacks/dev/secrets.yaml", include_str!("../../secrets/sec.yaml")),
        ("key.txt", include_str!("../../secrets/key.txt")),
        ("other.txt", include_str!("../../secrets/other.txt")),
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_sops_is_used_and_never_told() {
    const ACCOUNT: &str = "800000000407";
    let cloud = Cloud::shared().await.unwrap();
    let here = here();
    let with = |key: &str, line: &str| -> Said {
        let said = here.binary_with(cloud, ACCOUNT, line, &[("SOPS_AGE_KEY_FILE", key)]);
        assert!(!said.out.contains(SECRET) && !said.err.contains(SECRET), "`infra {line}` tells:\n{}{}", said.out, said.err);
        for (name, bytes) in contents(here.path()) {
            assert!(!String::from_utf8_lossy(&bytes).contains(SECRET), "`infra {line}` wrote it to {name}");
        }
        said
    };
    let refused = with("other.txt", "plan").ends(1);
    assert!(refused.err.contains("age1tdz9pad9") && refused.err.contains("secrets.yaml"), "{}", refused.err);
    with("none.txt", "validate").ends(1);
    for line in ["validate", "plan", "plan --format json", "plan --out kept.plan", "apply --auto-approve", "apply --auto-approve"]
    {
        with("key.txt", line).ends(0);
    }
    assert_eq!(with("key.txt", "output dev port").ends(0).out, "5432\n");
    for line in
        ["state pull", "state show aws_vpc.main", "state history", "runs", "runs --format json", "drift", "output", "graph"]
    {
        with("key.txt", line).ends(0);
    }
    with("key.txt", "plan --detailed-exitcode").ends(0);

    let good = include_str!("../../secrets/sec.yaml");
    here.write("stacks/dev/secrets.yaml", &good.replace("plain_unencrypted: visible", "plain_unencrypted: changed"));
    let tampered = with("key.txt", "plan").ends(1);
    assert!(tampered.err.contains("MAC"), "{}", tampered.err);
    // What is on record does not depend on the keys.
    here.write("stacks/dev/secrets.yaml", good);
    with("other.txt", "state list").ends(0);
    with("key.txt", "destroy dev --auto-approve").ends(0);
}
