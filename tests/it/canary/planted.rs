//! A stack with secrets wherever one can be, its state in a bucket and a table, and a look at everything that was written.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use infra::secrets::age::Identity;
use localstack::client::Caller;
use localstack::{Cloud, REGION};
use serde_json::json;

use super::seen::{CANARY, told};
use crate::bad_input::contents;
use crate::cli::person::{Repository, Said};

pub const ACCOUNT: &str = "800000000440";
const BUCKET: &str = "canary-state-800000000440";
const TABLE: &str = "canary-lock";
const KEY: &str = include_str!("../../secrets/key.txt");

fn stack() -> String {
    format!(
        r##"
stack {{
  region = "{REGION}"
  state "s3" {{
    bucket     = "{BUCKET}"
    key        = "dev/state.json"
    lock_table = "{TABLE}"
    lease      = "15s"
  }}
}}

variable "secret" {{
  type      = string
  sensitive = true
}}

variable "file" {{
  type      = string
  sensitive = true
}}

variable "rotated" {{
  type      = string
  sensitive = true
  default   = "Zx9-canary-Qw7-default"
}}

locals {{
  sops = yamldecode(sops_decrypt_file("secrets.yaml"))
}}

resource "aws_vpc" "main" {{
  cidr_block = "10.0.0.0/16"
  tags       = {{ Name = "canary", Secret = var.rotated, Sops = local.sops.db.password }}
}}

resource "aws_security_group" "web" {{
  name        = "canary"
  description = "of ${{var.secret}}"
  vpc_id      = aws_vpc.main.id
}}

resource "aws_launch_template" "nodes" {{
  name      = "canary"
  user_data = base64encode("#!/bin/sh\nexport PASSWORD=${{var.file}} OTHER=${{var.rotated}}\n")
}}

resource "aws_ecr_repository" "service" {{
  name   = "canary"
  policy = jsonencode({{
    Version   = "2012-10-17"
    Statement = [{{ Sid = replace(var.rotated, "-", ""), Effect = "Allow", Principal = "*", Action = "ecr:BatchGetImage" }}]
  }})
}}

resource "aws_kms_key" "main" {{
  description = "for ${{var.rotated}}"
}}

resource "aws_route53_zone" "main" {{
  name = "canary.example"
}}

resource "aws_route53_record" "text" {{
  zone_id = aws_route53_zone.main.id
  name    = "secret.canary.example"
  type    = "TXT"
  ttl     = 60
  records = [var.rotated]
}}

check "strength" {{
  assert {{
    condition     = var.secret == ""
    error_message = "the secret ${{var.secret}} is weak"
  }}
}}

output "secret" {{
  value     = {{ inner = [var.secret, local.sops.db.password] }}
  sensitive = true
}}
"##
    )
}

/// More things that are made with secrets.
pub const MORE: &str = r##"
resource "aws_vpc" "more" {
  cidr_block = "10.1.0.0/16"
  tags       = { Secret = var.secret }
}

resource "aws_launch_template" "more" {
  name      = "canary-more"
  user_data = base64encode("#!/bin/sh\nexport PASSWORD=${var.file} OTHER=${var.rotated}\n")
}

resource "aws_ecr_repository" "more" {
  name   = "canary-more"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Sid = replace(var.rotated, "-", ""), Effect = "Allow", Principal = "*", Action = "ecr:BatchGetImage" }]
  })
}

resource "aws_iam_policy" "more" {
  name = "canary-more"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Sid = replace(var.rotated, "-", ""), Effect = "Allow", Action = "s3:GetObject", Resource = "*" }]
  })
}

resource "aws_kms_key" "more" {
  description = "for ${var.rotated}"
}

resource "aws_route53_record" "more" {
  zone_id = aws_route53_zone.main.id
  name    = "more.canary.example"
  type    = "TXT"
  ttl     = 60
  records = [var.rotated]
}
"##;

pub struct Planted {
    pub here: Repository,
    pub cloud: &'static Cloud,
    caller: Caller,
    /// Versions of objects that were looked at: they never change.
    looked_at: Mutex<BTreeSet<String>>,
}

impl Planted {
    pub async fn new() -> Self {
        let cloud = Cloud::shared().await.unwrap();
        let here = Repository::of(&stack());
        here.write("key.txt", KEY);
        // The one place where it is in clear, for whoever keeps such files.
        here.write("clear/variables.hcl", &format!("file = \"{CANARY}-from-a-file\"\n"));
        here.write("clear/secrets.yaml", &format!("db:\n  password: {CANARY}-from-sops\n  hosts: [a, b]\n"));
        let recipient = Identity::parse_all(KEY)[0].recipient().to_string();
        let mut sops = Command::new(localstack::tools::sops().unwrap());
        sops.args(["encrypt", "--age", &recipient, "clear/secrets.yaml"]).current_dir(here.path());
        let sealed = sops.output().unwrap();
        assert!(sealed.status.success(), "{}", String::from_utf8_lossy(&sealed.stderr));
        here.write("stacks/dev/secrets.yaml", &String::from_utf8(sealed.stdout).unwrap());
        Self { here, cloud, caller: Caller::new(cloud, ACCOUNT), looked_at: Mutex::default() }
    }

    pub fn command(&self, line: &str) -> Command {
        let needs_files = |it: &&str| {
            ["plan", "apply", "destroy", "drift", "validate", "console", "graph", "rollback", "import", "rehearse", "output"]
                .contains(it)
        };
        let takes = line.split(' ').next().filter(needs_files).is_some() || line.starts_with("state rebuild");
        let line = if takes { format!("{line} --var-file clear/variables.hcl") } else { line.to_owned() };
        let mut command = self.here.command(&line);
        command.envs(self.cloud.env(ACCOUNT)).env("INFRA_VAR_secret", format!("{CANARY}-from-the-environment"));
        // As loud as can be.
        command.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full").env("SOPS_AGE_KEY_FILE", "key.txt");
        command.env("INFRA_PATIENCE", "0.05").env("INFRA_RATE_LIMITS", "off");
        command
    }

    /// Runs a command, and looks at all that it said and left in files.
    #[track_caller]
    pub fn run(&self, line: &str) -> Said {
        let done = self.command(line).output().unwrap();
        for (stream, bytes) in [("stdout", &done.stdout), ("stderr", &done.stderr)] {
            if let Some(form) = told(bytes) {
                panic!("`infra {line}` tells {form} on {stream}:\n{}", String::from_utf8_lossy(bytes));
            }
        }
        self.is_silent_in_files(line);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let code = done.status.code().and_then(|it| u8::try_from(it).ok()).unwrap_or(u8::MAX);
        Said { code, out: text(&done.stdout), err: text(&done.stderr) }
    }

    #[track_caller]
    pub fn console(&self, expression: &str) {
        let mut command = self.command("console");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), expression.as_bytes()).unwrap();
        let done = child.wait_with_output().unwrap();
        let said = [done.stdout, done.stderr].concat();
        assert_eq!(told(&said), None, "console {expression}: {}", String::from_utf8_lossy(&said));
    }

    #[track_caller]
    fn is_silent_in_files(&self, line: &str) {
        let ours = |name: &str| {
            let name = name.trim_start_matches(&self.here.path().display().to_string());
            // What the user wrote.
            !name.starts_with("/clear/") && !name.starts_with("/stacks/")
        };
        for (name, bytes) in contents(self.here.path()).iter().filter(|(name, _)| ours(name)) {
            assert_eq!(told(bytes), None, "`infra {line}` wrote it to {name}");
        }
    }

    /// Every version of every object of the bucket, and every item of the table.
    pub async fn is_silent_in_the_store(&self, when: &str) {
        let listed = self.caller.rest("s3", "GET", &format!("/{BUCKET}?versions"), "").await.unwrap();
        let versions = listed.texts("Key").into_iter().zip(listed.texts("VersionId"));
        for (key, version) in versions {
            if !self.looked_at.lock().unwrap().insert(version.to_owned()) {
                continue;
            }
            let path = format!("/{BUCKET}/{key}?versionId={version}");
            let object = self.caller.rest("s3", "GET", &path, "").await.unwrap();
            assert_eq!(told(object.body.as_bytes()), None, "after {when}, the object {key} tells: {}", object.body);
        }
        let items = self.items().await;
        assert_eq!(told(items.as_bytes()), None, "after {when}, the table tells: {items}");
    }

    /// How many items of the table are of the journal.
    pub async fn journal(&self) -> usize {
        self.items().await.matches("journal#").count()
    }

    async fn items(&self) -> String {
        let scan = json!({ "TableName": TABLE, "ConsistentRead": true });
        self.caller.json("dynamodb", "DynamoDB_20120810.Scan", &scan).await.unwrap().body
    }
}
