//! `infra bootstrap [STACK]`: makes what the stack's state is kept with, and keeps it as the stack `bootstrap`.
//!
//! Bucket and table are made first, as bare as they can be: their names make that repeatable, and only then is there a journal.
//! All else, the key and every setting, is an ordinary apply of `bootstrap.hcl`, which imports the two.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::args::{Carrying, Format, Selection, StackArgs};
use super::call::Call;
use super::change::{self, Change, Goal};
use super::connect::{self, Connected, Purpose};
use super::exit::{Ended, Exit, Stop};
use super::guard;
use super::stack::{self, Stack};
use super::texts::Texts;
use crate::address::StackName;
use crate::cloud::aws::MUTATION_ATTEMPT;
use crate::cloud::{Cloud, Gate};
use crate::diag::Diagnostic;
use crate::remote::{ConfigName, Fault, Target, Token};
use crate::report::fault;
use crate::stack::source::{Memory, Source};
use crate::stack::variables::{Given, GivenValue};
use crate::stack::{LoadRequest, Program, StateSettings};
use crate::store::aws::bootstrap as there;
use crate::store::aws::bootstrap::{Bucket, LockTable};
use crate::value::Value;

/// The module is the repository's own, so that what `bootstrap` makes can be read, and used, where all modules are.
const FILES: [(&str, &str); 2] = [
    ("stacks/bootstrap/bootstrap.hcl", include_str!("bootstrap.hcl")),
    ("stacks/modules/state/main.hcl", include_str!("../../stacks/modules/state/main.hcl")),
];
const NAME: &str = "bootstrap";
const READY_AFTER: Duration = Duration::from_secs(300);
const LOOK_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub stack: StackArgs,
    #[command(flatten)]
    pub carrying: Carrying,
}

/// What the stack's `state` block says.
struct Wanted {
    bucket: String,
    lock_table: String,
    kms_alias: Option<String>,
    lease: Duration,
    region: String,
}

pub async fn run(call: &mut Call, args: Args) -> Ended {
    call.only(&[Format::Text, Format::Json])?;
    let stack = stack::load(call, &args.stack)?;
    guard::version(&stack.settings)?;
    let Some(wanted) = wanted(&stack) else {
        call.tell(&format!("The stack `{}` keeps its state in a folder: there is nothing to make.\n", stack.name));
        return Ok(Exit::Done);
    };
    let own = own_stack(call, &stack, &wanted)?;
    let connected = connect::connect(call, own, Purpose::Change).await?;
    let (bucket, table) = look(&connected, &wanted).await?;
    let mut carrying = args.carrying;
    let missing = missing(&wanted, bucket, table)?;
    if !missing.is_empty() {
        if !carrying.auto_approve && !approved(call, &connected, &missing, &wanted)? {
            call.tell("Nothing was made.\n");
            return Ok(Exit::Failed);
        }
        make(&connected, bucket, table).await?;
        wait(&connected, &wanted).await?;
        call.tell(&format!("Made {}.\n\n", missing.join(" and ")));
        // Without a bucket there was no state, so all that can follow is what was approved.
        carrying.auto_approve = true;
    }
    let selection = Selection { refresh: true, ..Selection::default() };
    change::run(call, connected, Change { goal: Goal::Files, selection, carrying }).await
}

fn wanted(stack: &Stack) -> Option<Wanted> {
    match &stack.settings.state {
        StateSettings::Local { .. } => None,
        StateSettings::S3 { bucket, key: _, lock_table, kms_key, lease, region } => Some(Wanted {
            bucket: bucket.clone(),
            lock_table: lock_table.clone(),
            // A key that is named by its ARN or id is somebody else's.
            kms_alias: kms_key.clone().filter(|it| it.starts_with("alias/")),
            lease: *lease,
            region: region.clone().unwrap_or_else(|| stack.settings.region.clone()),
        }),
    }
}

/// The stack `bootstrap`, whose files are in the program itself.
fn own_stack(call: &mut Call, of: &Stack, wanted: &Wanted) -> Ended<Stack> {
    let source: Arc<dyn Source> = Arc::new(Memory::new(FILES));
    call.know(Texts::new(source.clone()));
    let name: StackName = NAME.parse().map_err(|error: crate::address::NameError| Diagnostic::error("bug", error.to_string()))?;
    let given = |name: &str, value: Value| Given {
        name: name.to_owned(),
        value: GivenValue::Value(value),
        origin: "the stack's `state` block".to_owned(),
    };
    let variables = vec![
        given("region", wanted.region.as_str().into()),
        given("accounts", Value::list(of.settings.accounts.iter().map(|it| Value::from(it.as_str())))),
        given("tags", Value::map(of.settings.tags.iter().map(|(key, it)| (key.as_str(), Value::from(it.as_str()))))),
        given("bucket", wanted.bucket.as_str().into()),
        given("lock_table", wanted.lock_table.as_str().into()),
        given("lease", format!("{}s", wanted.lease.as_secs()).into()),
        given("kms_alias", wanted.kms_alias.as_deref().map_or(Value::Null, Value::from)),
    ];
    let loaded = Program::load(LoadRequest { source, stack: name.clone(), variables, types: &*of.catalog, account: None });
    if loaded.diagnostics.iter().any(Diagnostic::is_error) {
        return Err(loaded.diagnostics.into());
    }
    let mut own = Stack {
        name,
        root: of.root.clone(),
        settings: loaded.settings,
        program: loaded.program,
        catalog: of.catalog.clone(),
        warnings: loaded.diagnostics,
        declared: BTreeMap::new(),
        kms: Arc::default(),
        may_lack_state: true,
    };
    own.evaluate()?;
    Ok(own)
}

async fn look(connected: &Connected, wanted: &Wanted) -> Ended<(Bucket, LockTable)> {
    let ask = async {
        let aws = connected.clouds.config(&ConfigName::default())?;
        Ok::<_, Fault>((
            there::bucket(aws.s3(), &wanted.bucket).await?,
            there::lock_table(aws.dynamodb(), &wanted.lock_table).await?,
        ))
    };
    Ok(ask.await.map_err(|it| fault::of_cloud(&it))?)
}

/// What must be made before anything can be recorded, in words.
fn missing(wanted: &Wanted, bucket: Bucket, table: LockTable) -> Ended<Vec<String>> {
    let mut out = Vec::new();
    match bucket {
        Bucket::Absent => out.push(format!("the bucket {}", wanted.bucket)),
        Bucket::Present => {}
        Bucket::Foreign => {
            return Err(Diagnostic::error("bucket-taken", format!("the bucket {} is not this account's", wanted.bucket))
                .detail("Names of buckets are shared by all of AWS: it exists elsewhere, or these credentials may not see it.")
                .help("choose another name in the `state` block, with the account's number in it")
                .into());
        }
    }
    match table {
        LockTable::Absent => out.push(format!("the table {}", wanted.lock_table)),
        LockTable::Pending | LockTable::Ready => {}
        LockTable::Unfit => {
            return Err(Diagnostic::error("table-unfit", format!("the table {} is not one for locks", wanted.lock_table))
                .detail("Its partition key must be `Stack` and its sort key `Item`, both texts. It was left alone.")
                .help("choose another name in the `state` block")
                .into());
        }
    }
    Ok(out)
}

fn approved(call: &mut Call, connected: &Connected, missing: &[String], wanted: &Wanted) -> Ended<bool> {
    let key = wanted.kms_alias.as_ref().map(|it| format!(", and a KMS key with the name {it}")).unwrap_or_default();
    let question = format!(
        "In the account {} ({}) will be made: {}{key}. They are protected from deletion.\nOnly `yes` is taken as approval: ",
        connected.account,
        connected.region,
        missing.join(", "),
    );
    match call.ask(&question) {
        Some(answer) => Ok(answer == "yes"),
        None => Err(Stop::usage(
            Diagnostic::error("nobody-to-ask", "there is nobody to ask").detail("Nothing was made.").help("--auto-approve"),
        )),
    }
}

/// There is no lock yet that could be lost.
struct Open;

impl Gate for Open {
    fn allows(&self, _: Duration) -> bool {
        true
    }
}

/// Makes what is absent, as far as it can be said without the key.
async fn make(connected: &Connected, bucket: Bucket, table: LockTable) -> Ended<()> {
    connected.clouds.fence().guard(Arc::new(Open), MUTATION_ATTEMPT);
    for (address, instance) in &connected.stack.declared {
        let absent = match address.type_name() {
            "aws_s3_bucket" => bucket == Bucket::Absent,
            "aws_dynamodb_table" => table == LockTable::Absent,
            _ => false,
        };
        if !absent {
            continue;
        }
        let members = instance.settings.members().into_iter().flatten();
        let known = members.filter(|(_, it)| it.is_wholly_known()).map(|(name, it)| (name.clone(), it.clone()));
        let target = Target::of(address, &instance.config);
        let token = Token(connected.run().into());
        let made = connected.clouds.create(&target, &Value::object(known), &token).await;
        made.map_err(|it| fault::of_cloud(&it).address(address.clone()))?;
    }
    Ok(())
}

async fn wait(connected: &Connected, wanted: &Wanted) -> Ended<()> {
    let began = tokio::time::Instant::now();
    loop {
        match look(connected, wanted).await? {
            (Bucket::Present, LockTable::Ready) => return Ok(()),
            _ if began.elapsed() > READY_AFTER => {
                return Err(Diagnostic::error("not-settled", "bucket and table were made, and cannot be used yet")
                    .help("repeat the command: it goes on where this one ended")
                    .into());
            }
            _ => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}
