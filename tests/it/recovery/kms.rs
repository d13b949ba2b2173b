//! Files of SOPS whose data key only KMS can unwrap, encrypted by the real `sops` against the local KMS.

use std::process::Command;

use localstack::client::Caller;
use localstack::{Cloud, REGION};
use serde_json::{Value, json};

use super::tools::{KEY, recipient};
use crate::bad_input::contents;
use crate::cli::person::{Repository, Said};

/// Of the two scenes.
const ACCOUNTS: [&str; 2] = ["800000000412", "800000000414"];
const SECRET: &str = "correct-horse-battery";

fn stack(file: &str, account: &str) -> String {
    let read = if file.ends_with(".yaml") { "yamldecode(local.text).password" } else { "trimspace(split(\"=\", local.text)[1])" };
    format!(
        r#"
stack {{
  region   = "{REGION}"
  accounts = ["{account}"]
}}

locals {{
  text = sops_decrypt_file("{file}")
}}

resource "aws_vpc" "main" {{
  cidr_block = "10.0.0.0/16"
  tags       = {{ Password = {read} }}
}}
"#
    )
}

struct Scene {
    account: &'static str,
    cloud: &'static Cloud,
    caller: Caller,
    here: Repository,
}

impl Scene {
    async fn new(account: &'static str) -> Self {
        let cloud = Cloud::shared().await.unwrap();
        Self { account, cloud, caller: Caller::new(cloud, account), here: Repository::new(&[("key.txt", KEY)]) }
    }

    async fn kms(&self, action: &str, body: Value) -> Value {
        let target = format!("TrentService.{action}");
        self.caller.json("kms", &target, &body).await.unwrap().success("kms", action).unwrap().json()
    }

    async fn key(&self) -> String {
        self.kms("CreateKey", json!({})).await["KeyMetadata"]["Arn"].as_str().unwrap().to_owned()
    }

    /// A file in the stack's folder, as `sops` writes it, and the stack that reads it.
    fn sealed(&self, name: &str, options: &[&str]) {
        let clear = if name.ends_with(".yaml") { format!("password: {SECRET}\n") } else { format!("PASSWORD={SECRET}\n") };
        self.here.write(&format!("clear/{name}"), &clear);
        let mut sops = Command::new(localstack::tools::sops().unwrap());
        sops.arg("encrypt").args(options).arg(format!("clear/{name}")).current_dir(self.here.path());
        let done = sops.env_clear().env("HOME", self.here.path()).envs(self.cloud.env(self.account)).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        self.here.write(&format!("stacks/dev/{name}"), &String::from_utf8(done.stdout).unwrap());
        self.here.write("stacks/dev/stack.hcl", &stack(name, self.account));
        std::fs::remove_dir_all(self.here.path().join("clear")).unwrap();
    }

    #[track_caller]
    fn run(&self, line: &str, env: &[(&str, &str)]) -> Said {
        let said = self.here.binary_with(self.cloud, self.account, line, env);
        assert!(!said.out.contains(SECRET) && !said.err.contains(SECRET), "`infra {line}` tells:\n{}{}", said.out, said.err);
        for (name, bytes) in contents(self.here.path()) {
            assert!(!String::from_utf8_lossy(&bytes).contains(SECRET), "`infra {line}` wrote it to {name}");
        }
        said
    }

    fn calls(&self, name: &str) -> u64 {
        self.cloud.calls().account(self.account).calls.get(name).copied().unwrap_or_default()
    }

    fn decryptions(&self) -> u64 {
        self.calls("kms.Decrypt")
    }

    /// What the VPC was tagged with.
    async fn password(&self) -> String {
        let filter = [("Filter.1.Name", "key"), ("Filter.1.Value.1", "Password")];
        let tags = self.caller.ec2("DescribeTags", &filter).await.unwrap();
        tags.text("value").to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kms_opens_files_once_the_account_is_known() {
    let scene = Scene::new(ACCOUNTS[0]).await;
    let arn = scene.key().await;
    scene.sealed("secrets.yaml", &["--kms", &arn, "--encryption-context", "team:web,tier:one"]);
    scene.run("validate", &[]).ends(0);
    assert_eq!(scene.decryptions(), 0, "nothing is called to validate");
    scene.run("plan --out kept.plan", &[]).ends(0);
    assert_eq!(scene.decryptions(), 1, "and once for a plan");
    scene.run("apply --plan kept.plan --auto-approve", &[]).ends(0);
    assert_eq!(scene.password().await, SECRET);
    for line in ["plan --detailed-exitcode", "drift", "apply --auto-approve", "output"] {
        scene.run(line, &[]).ends(0);
    }
    let elsewhere = stack("secrets.yaml", "800000000499");
    scene.here.write("stacks/dev/stack.hcl", &elsewhere);
    let before = scene.decryptions();
    assert_eq!(scene.run("plan", &[]).ends(1).codes(), ["wrong-account"]);
    assert_eq!(scene.decryptions(), before, "nobody is asked with credentials of another account");

    // Another form, a role to be assumed, an age key beside it.
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"*"}}]}"#;
    let role = [("RoleName", "sops-reader"), ("AssumeRolePolicyDocument", trust)];
    let role = scene.caller.query("iam", "CreateRole", &role).await.unwrap().success("iam", "CreateRole").unwrap();
    let with_role = format!("{arn}+{}", role.text("Arn"));
    scene.sealed("secrets.env", &["--kms", &with_role]);
    let before = scene.calls("sts.AssumeRole");
    scene.run("plan --detailed-exitcode", &[]).ends(0);
    let after = scene.calls("sts.AssumeRole");
    assert!(after > before, "the role was assumed");

    scene.sealed("secrets.yaml", &["--kms", &arn, "--age", &recipient(KEY)]);
    let before = scene.decryptions();
    scene.run("plan --detailed-exitcode", &[("SOPS_AGE_KEY_FILE", "key.txt")]).ends(0);
    assert_eq!(scene.decryptions(), before, "a key at hand costs no call");
    scene.run("plan --detailed-exitcode", &[]).ends(0);
    assert_eq!(scene.decryptions(), before + 1);

    // What KMS refuses is said, with the file, the key and KMS's own words.
    scene.kms("DisableKey", json!({ "KeyId": arn })).await;
    let refused = scene.run("plan", &[]).ends(1);
    for part in ["secrets.yaml", &arn, &recipient(KEY), "kms:Decrypt", "Disabled"] {
        assert!(refused.err.contains(part), "{part} in {}", refused.err);
    }
    scene.kms("EnableKey", json!({ "KeyId": arn })).await;
    scene.run("destroy dev --auto-approve", &[]).ends(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_another_context_or_a_changed_file_opens_nothing() {
    let scene = Scene::new(ACCOUNTS[1]).await;
    let arn = scene.key().await;
    scene.sealed("secrets.yaml", &["--kms", &arn, "--encryption-context", "team:web"]);
    let file = std::fs::read_to_string(scene.here.path().join("stacks/dev/secrets.yaml")).unwrap();
    assert!(file.contains("team: web"), "{file}");
    scene.here.write("stacks/dev/secrets.yaml", &file.replace("team: web", "team: other"));
    let refused = scene.run("plan", &[]).ends(1);
    assert!(refused.err.contains("InvalidCiphertextException"), "{}", refused.err);
    let (at, _) = file.match_indices("ENC[AES256_GCM,data:").next().unwrap();
    let mut tampered = file.clone();
    tampered.replace_range(at + 20..at + 21, if &file[at + 20..at + 21] == "A" { "B" } else { "A" });
    scene.here.write("stacks/dev/secrets.yaml", &tampered);
    assert!(scene.run("plan", &[]).ends(1).err.contains("was changed after it was encrypted"));
}
