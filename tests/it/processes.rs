//! Real processes at real stores: who has the lock, and what becomes of a run whose store fails.

mod lock;
mod store;

use std::collections::BTreeMap;
use std::time::Duration;

use localstack::client::Caller;
use localstack::control::{Effect, Fault};
use localstack::{Cloud, REGION};

use crate::cli::person::{Repository, Said};
use crate::cli::running::Running;

/// The shortest that a stack can ask for.
const LEASE: Duration = Duration::from_secs(15);
/// How often a test looks again.
const LOOK: Duration = Duration::from_millis(20);
const APPLY: &str = "apply --auto-approve";
/// What is hidden on AWS for minutes is hidden for a moment here.
const PATIENCE: (&str, &str) = ("INFRA_PATIENCE", "0.01");

/// A stack of four things, and whoever works on it.
struct Site {
    here: Repository,
    cloud: &'static Cloud,
    account: &'static str,
}

impl Site {
    async fn local(account: &'static str) -> Self {
        Self::new(account, "state \"local\" { lease = \"15s\" }").await
    }

    async fn s3(account: &'static str) -> Self {
        let state = format!(
            "state \"s3\" {{\n    bucket     = \"races-{account}\"\n    key        = \"dev/state.json\"\n    \
             lock_table = \"infra-lock\"\n    lease      = \"15s\"\n  }}"
        );
        let it = Self::new(account, &state).await;
        it.run("bootstrap dev --auto-approve").ends(0);
        it
    }

    async fn new(account: &'static str, state: &str) -> Self {
        let head = format!("stack {{\n  region   = \"{REGION}\"\n  accounts = [\"{account}\"]\n\n  {state}\n}}\n");
        // Whoever is held up in its creation holds out for longer than sixteen processes take to begin.
        let things = "resource \"aws_vpc\" \"main\" {\n  cidr_block = \"10.0.0.0/16\"\n  timeouts {\n    create = \"1h\"\n  }\n}\n\n\
             resource \"aws_subnet\" \"a\" {\n  for_each   = { a = 0, b = 1, c = 2 }\n  vpc_id     = aws_vpc.main.id\n  \
             cidr_block = cidrsubnet(\"10.0.0.0/16\", 8, each.value)\n}\n";
        Self { here: Repository::of(&format!("{head}\n{things}")), cloud: Cloud::shared().await.unwrap(), account }
    }

    fn run(&self, line: &str) -> Said {
        self.here.binary_with(self.cloud, self.account, line, &[PATIENCE])
    }

    fn start(&self, user: &str) -> Running {
        Running::start(&self.here, self.cloud, self.account, &[PATIENCE, ("USER", user)], APPLY)
    }

    fn fault(&self, action: &str, effect: Effect) {
        self.cloud.account_faults(self.account, vec![Fault::on("ec2", action, effect)]);
    }

    /// A run that stands at a creation which is put off for as long as the fault is there.
    async fn start_and_hold(&self, action: &str) -> Running {
        self.fault(action, Effect::Throttle);
        let run = self.start("ann");
        self.until(|it| it.cloud.hits(it.account) > 0).await;
        run
    }

    /// A run that has made all but its last subnet, and waits a second or more before it asks for that once more: nothing of it is
    /// on its way.
    async fn start_and_rest(&self) -> Running {
        let last: Vec<u64> = (3..100).collect();
        self.cloud.account_faults(self.account, vec![Fault::on("ec2", "CreateSubnet", Effect::Throttle).nth(&last)]);
        let run = Running::start(&self.here, self.cloud, self.account, &[("USER", "ann")], APPLY);
        self.until(|it| it.cloud.hits(it.account) > 1).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        run
    }

    async fn until(&self, is_so: impl Fn(&Self) -> bool) {
        while !is_so(self) {
            tokio::time::sleep(LOOK).await;
        }
    }

    fn lift(&self) {
        self.cloud.account_faults(self.account, Vec::new());
    }

    /// How often each call was sent that changes something but the state.
    fn mutations(&self) -> BTreeMap<String, u64> {
        let changes = |name: &str| name.starts_with("ec2.") && !name.starts_with("ec2.Describe");
        self.cloud.calls().account(self.account).calls.into_iter().filter(|(name, _)| changes(name)).collect()
    }

    /// The ids of the stack's networks, on record or not.
    async fn networks(&self) -> Vec<String> {
        let tag = [("Filter.1.Name", "tag:infra:stack"), ("Filter.1.Value.1", "dev")];
        let answer = Caller::new(self.cloud, self.account).ec2("DescribeVpcs", &tag).await.unwrap();
        answer.texts("vpcId").into_iter().map(str::to_owned).collect()
    }

    /// Everything is there once, is on record, and is as the files say.
    async fn is_settled(&self) {
        self.run("plan --detailed-exitcode").ends(0);
        let listed = self.run("state list").ends(0).out;
        assert_eq!(listed.lines().count(), 4, "{listed}");
        let networks = self.networks().await;
        assert!(networks.len() == 1, "{networks:?}");
        let recorded = self.run("state show aws_vpc.main --format json").ends(0).out;
        assert!(recorded.contains(&networks[0]), "{networks:?} {recorded}");
    }
}
