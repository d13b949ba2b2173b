//! The store in S3 and DynamoDB, on the local cloud.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TableStatus,
};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration, VersioningConfiguration};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use infra::secrets::envelope::What;
use infra::secrets::vault::{DataKeys, Vault};
use infra::store::aws::data_key::Kms;
use infra::store::aws::{Aws, Place, bootstrap};
use infra::store::{Store, StoreError};
use infra::value::Value;
use localstack::Cloud;
use localstack::control::{Effect, Fault};

use super::contract::{Backend, contract};
use super::sample::{self, address, adopt, count_in, counter, creation, fresh, owner};

const LEASE: Duration = Duration::from_secs(3);

/// A bucket and a table of their own, in an account of its own.
#[derive(Clone)]
struct InAws {
    endpoint: String,
    account: String,
    /// The KMS key that everything is encrypted with.
    key: Option<String>,
}

type Item = std::collections::HashMap<String, AttributeValue>;

impl InAws {
    async fn new() -> Self {
        Self::within(Cloud::shared().await.unwrap()).await
    }

    async fn within(cloud: &Cloud) -> Self {
        let new = Self::bare(cloud);
        let (s3, dynamodb) = new.clients();
        let region = BucketLocationConstraint::from(localstack::REGION);
        let here = CreateBucketConfiguration::builder().location_constraint(region).build();
        s3.create_bucket().bucket(new.bucket()).create_bucket_configuration(here).send().await.unwrap();
        let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
        s3.put_bucket_versioning().bucket(new.bucket()).versioning_configuration(enabled).send().await.unwrap();
        let key = |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap();
        let attribute = |name: &str| {
            AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build().unwrap()
        };
        let create = dynamodb.create_table().table_name("infra-lock").billing_mode(BillingMode::PayPerRequest);
        let create = create.key_schema(key("Stack", KeyType::Hash)).key_schema(key("Item", KeyType::Range));
        create.attribute_definitions(attribute("Stack")).attribute_definitions(attribute("Item")).send().await.unwrap();
        loop {
            let table = dynamodb.describe_table().table_name("infra-lock").send().await.unwrap().table.unwrap();
            if table.table_status == Some(TableStatus::Active) {
                return new;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn encrypted() -> Self {
        let new = Self::new().await;
        let made = aws_sdk_kms::Client::new(&new.config()).create_key().send().await.unwrap();
        Self { key: Some(made.key_metadata.unwrap().key_id), ..new }
    }

    /// A new one, as another process has it.
    fn vault(&self) -> Vault {
        let client = || aws_sdk_kms::Client::new(&self.config());
        let kms = |key: &String| Arc::new(Kms::new(client(), "dev", key.clone(), Vec::new())) as Arc<dyn DataKeys>;
        self.key.as_ref().map_or_else(|| Vault::none("dev"), |it| sample::vault(Some(kms(it))))
    }

    /// Without bucket and table.
    fn bare(cloud: &Cloud) -> Self {
        static ACCOUNTS: AtomicU32 = AtomicU32::new(1);
        let account = format!("6000000{:05}", ACCOUNTS.fetch_add(1, Ordering::Relaxed));
        Self { endpoint: cloud.endpoint().to_owned(), account, key: None }
    }

    fn bucket(&self) -> String {
        format!("infra-state-{}", self.account)
    }

    fn clients(&self) -> (aws_sdk_s3::Client, aws_sdk_dynamodb::Client) {
        let config = self.config();
        let s3 = aws_sdk_s3::config::Builder::from(&config).force_path_style(true).build();
        (aws_sdk_s3::Client::from_conf(s3), aws_sdk_dynamodb::Client::new(&config))
    }

    fn config(&self) -> SdkConfig {
        SdkConfig::builder()
            .behavior_version(aws_config::BehaviorVersion::v2026_01_12())
            .region(Region::from_static(localstack::REGION))
            .endpoint_url(&self.endpoint)
            .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(Credentials::new(
                &self.account,
                localstack::SECRET,
                None,
                None,
                "test",
            )))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(Duration::from_secs(10)).build())
            .build()
    }

    fn store(&self) -> Aws {
        let (s3, dynamodb) = self.clients();
        let place = Place {
            stack: "dev".parse().unwrap(),
            bucket: self.bucket(),
            key: "dev/state.json".into(),
            table: "infra-lock".into(),
            kms_key_arn: None,
        };
        Aws::new(s3, dynamodb, place).with_lease(LEASE).with_vault(self.vault())
    }

    fn fault(&self, service: &str, action: &str, effect: Effect) -> Fault {
        Fault { account: Some(self.account.clone()), ..Fault::on(service, action, effect) }
    }
}

impl Backend for InAws {
    const TAKES_OVER_FROM_THE_LIVING: bool = true;
    type Journal = Vec<Item>;

    fn lease(&self) -> Duration {
        LEASE
    }
    fn open(&self) -> Arc<dyn Store> {
        Arc::new(self.store())
    }
    async fn document(&self) -> Option<Vec<u8>> {
        let (s3, _) = self.clients();
        let object = s3.get_object().bucket(self.bucket()).key("dev/state.json").send().await.ok()?;
        let stored = object.body.collect().await.unwrap().to_vec();
        Some(self.vault().open(What::State, &stored).await.unwrap().into_owned())
    }
    async fn overwrite(&self, bytes: Vec<u8>) {
        let (s3, _) = self.clients();
        let put = s3.put_object().bucket(self.bucket()).key("dev/state.json");
        let stored = self.vault().seal(What::State, bytes).await.unwrap();
        put.body(ByteStream::from(stored)).send().await.unwrap();
    }
    async fn lose_lock(&self) {
        let (_, dynamodb) = self.clients();
        let delete = dynamodb.delete_item().table_name("infra-lock").key("Stack", AttributeValue::S("dev".into()));
        delete.key("Item", AttributeValue::S("lock".into())).send().await.unwrap();
    }
    async fn journal(&self) -> Vec<Item> {
        let (_, dynamodb) = self.clients();
        let items = dynamodb.scan().table_name("infra-lock").send().await.unwrap().items.unwrap_or_default();
        items.into_iter().filter(|it| it["Item"].as_s().unwrap().starts_with("journal#")).collect()
    }
    async fn restore(&self, journal: Vec<Item>) {
        let (_, dynamodb) = self.clients();
        for item in journal {
            dynamodb.put_item().table_name("infra-lock").set_item(Some(item)).send().await.unwrap();
        }
    }
}

contract!(InAws::new().await);

mod encrypted {
    use super::*;

    contract!(InAws::encrypted().await);

    #[tokio::test]
    async fn nothing_is_in_clear_and_another_key_does_not_open_it() {
        let backend = InAws::encrypted().await;
        let mut session = backend.open().lock(&owner("run-1"), None).await.unwrap();
        session.save(&fresh()).await.unwrap();
        session.append(&[adopt(1)]).await.unwrap();
        session.release().await.unwrap();
        let (s3, _) = backend.clients();
        let object = s3.get_object().bucket(backend.bucket()).key("dev/state.json").send().await.unwrap();
        let text = String::from_utf8(object.body.collect().await.unwrap().to_vec()).unwrap();
        assert!(text.starts_with("{\"infra_encrypted\":1") && !text.contains("lineage"), "{text}");
        let journal = format!("{:?}", backend.journal().await);
        assert!(journal.contains("infra_encrypted") && !journal.contains("aws_vpc"), "{journal}");
        let clear = InAws { key: None, ..backend.clone() };
        assert!(matches!(clear.open().read().await, Err(StoreError::Encrypted { .. })));
        // A new key opens what the former one encrypted only where the former one is named.
        let kms = || aws_sdk_kms::Client::new(&backend.config());
        let new = kms().create_key().send().await.unwrap().key_metadata.unwrap().key_id;
        let rotated = InAws { key: Some(new.clone()), ..backend.clone() };
        let refused = rotated.open().read().await.unwrap_err();
        let former = backend.key.clone().unwrap();
        assert!(matches!(&refused, StoreError::NoKey { recipients, .. } if recipients[0].ends_with(&former)), "{refused}");
        let both = Arc::new(Kms::new(kms(), "dev", new, vec![former]));
        let store = rotated.store().with_vault(sample::vault(Some(both)));
        store.lock(&owner("run-2"), None).await.unwrap().release().await.unwrap();
        let read = rotated.open().read().await.unwrap().unwrap();
        assert_eq!(read.resources.len(), 1, "taking the lock wrapped it anew");
    }
}

#[tokio::test]
async fn what_is_not_there_yet_is_named_with_its_mend() {
    let backend = InAws::bare(Cloud::shared().await.unwrap());
    let (s3, dynamodb) = backend.clients();
    assert_eq!(bootstrap::bucket(&s3, &backend.bucket()).await.unwrap(), bootstrap::Bucket::Absent);
    assert_eq!(bootstrap::lock_table(&dynamodb, "infra-lock").await.unwrap(), bootstrap::LockTable::Absent);
    for error in [backend.open().read().await.err(), backend.open().lock(&owner("run-1"), None).await.err()] {
        let error = error.unwrap();
        assert!(matches!(&error, StoreError::Absent(_)) && error.to_string().contains("infra bootstrap"), "{error}");
    }
    let backend = InAws::new().await;
    let (s3, dynamodb) = backend.clients();
    assert_eq!(bootstrap::bucket(&s3, &backend.bucket()).await.unwrap(), bootstrap::Bucket::Present);
    assert_eq!(bootstrap::lock_table(&dynamodb, "infra-lock").await.unwrap(), bootstrap::LockTable::Ready);
}

#[tokio::test]
async fn commits_longer_than_an_item_are_stored_whole_and_removed_whole() {
    let backend = InAws::new().await;
    let mut session = backend.open().lock(&owner("run-1"), None).await.unwrap();
    session.save(&fresh()).await.unwrap();
    let long = |number: u64, bytes: usize| {
        let mut entry = adopt(number);
        if let infra::state::Entry::Adopt { record, .. } = &mut entry {
            Arc::make_mut(record).applied = Value::object([("user_data", Value::from("é".repeat(bytes / 2)))]);
        }
        entry
    };
    let entries = [adopt(1), long(2, 900_000), long(3, 10)];
    session.append(&entries).await.unwrap();
    session.append(&[adopt(4)]).await.unwrap();
    assert_eq!(backend.journal().await.len(), 4, "three parts and one");
    let mut told = fresh();
    entries.iter().for_each(|it| told.fold(it));
    told.fold(&adopt(4));
    let read = backend.open().read().await.unwrap().unwrap();
    assert_eq!(read.resources, told.resources);
    session.save(&told).await.unwrap();
    session.release().await.unwrap();
    assert_eq!(backend.journal().await.len(), 0);
}

#[tokio::test]
async fn a_lease_is_renewed_with_every_commit_and_calls_are_few() {
    let cloud = Cloud::start(localstack::Options::default()).await.unwrap();
    let backend = InAws::within(&cloud).await;
    let mut session = backend.open().lock(&owner("run-1"), None).await.unwrap();
    session.save(&fresh()).await.unwrap();
    cloud.reset_calls();
    for number in 1..=20 {
        session.append(&[adopt(number)]).await.unwrap();
    }
    let calls = cloud.calls();
    let commits = calls.of("dynamodb.TransactWriteItems");
    assert!(commits == 20 && calls.total <= 20 + 2, "{calls:?}");
    session.release().await.unwrap();
}

/// Calls that are done and not answered, not done, throttled, put off: one run after another, each with its own luck.
#[tokio::test]
async fn whatever_is_lost_on_the_way_nothing_is_lost_or_stored_twice() {
    let cloud = Cloud::start(localstack::Options::default()).await.unwrap();
    let backend = InAws::within(&cloud).await;
    let mut first = backend.open().lock(&owner("first"), None).await.unwrap();
    first.save(&fresh()).await.unwrap();
    first.release().await.unwrap();
    cloud.reset_calls();
    let (mut number, mut commits) = (0, 0);
    for seed in 0..6 {
        let kinds = [
            ("dynamodb", Effect::LostAnswer),
            ("s3", Effect::LostAnswer),
            ("dynamodb", Effect::LostRequest),
            ("s3", Effect::LostRequest),
            ("dynamodb", Effect::Throttle),
        ];
        // Each kind throws dice of its own: with the same ones, only the first kind would ever come up.
        let rules = kinds.into_iter().zip(1..).map(|((service, effect), kind)| Fault {
            probability: Some(0.12),
            seed: seed * 1_000 + kind * 7_919,
            ..backend.fault(service, "*", effect)
        });
        cloud.faults(rules.collect());
        let mut session = backend.open().lock(&owner(&format!("run-{seed}")), Some(LEASE * 3)).await.unwrap();
        assert_eq!(session.epoch(), seed + 2);
        let mut told = session.state().unwrap();
        assert_eq!((told.resources.len() as i64, count_in(&told)), (number, number));
        for _ in 0..6 {
            number += 1;
            for entry in creation(session.epoch(), number.unsigned_abs()).into_iter().chain([counter(number)]) {
                told.fold(&entry);
                session.append(&[entry]).await.unwrap();
                commits += 1;
            }
            if number % 4 == 0 {
                session.save(&told).await.unwrap();
            }
        }
        session.release().await.unwrap();
        cloud.faults(Vec::new());
        let read = backend.open().read().await.unwrap().unwrap();
        assert_eq!(read.resources, told.resources);
        assert!(read.resources.contains_key(&address(number.unsigned_abs())) && read.intents.is_empty());
    }
    let sent = cloud.calls().of("dynamodb.TransactWriteItems");
    assert!(sent > commits + 20, "{commits} commits in {sent} attempts: luck was not bad enough");
}

#[tokio::test]
async fn a_save_whose_answer_was_lost_is_recognised() {
    let cloud = Cloud::start(localstack::Options::default()).await.unwrap();
    let backend = InAws::within(&cloud).await;
    let mut session = backend.open().lock(&owner("run-1"), None).await.unwrap();
    for serial in 1..=3 {
        cloud.faults(vec![backend.fault("s3", "PutObject", Effect::LostAnswer).nth(&[1])]);
        session.save(&fresh()).await.unwrap();
        let read = backend.open().read().await.unwrap().unwrap();
        assert_eq!((read.serial, read.run.as_str()), (serial, "run-1"));
    }
    cloud.faults(vec![backend.fault("s3", "PutObject", Effect::Deny)]);
    let error = session.save(&fresh()).await.unwrap_err();
    assert!(matches!(error, StoreError::Cloud(_)), "{error}");
    assert!(session.gate().allows(Duration::ZERO), "the lock is still held");
    cloud.faults(Vec::new());
    session.save(&fresh()).await.unwrap();
    session.release().await.unwrap();
    assert_eq!(backend.open().history().await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_store_that_does_not_answer_closes_the_gate_and_may_open_it_again() {
    let cloud = Cloud::start(localstack::Options::default()).await.unwrap();
    let backend = InAws::within(&cloud).await;
    let mut session = backend.open().lock(&owner("run-1"), None).await.unwrap();
    session.save(&fresh()).await.unwrap();
    cloud.faults(vec![backend.fault("dynamodb", "*", Effect::LostRequest)]);
    tokio::time::sleep(LEASE).await;
    assert!(!session.gate().allows(Duration::ZERO));
    cloud.faults(Vec::new());
    session.append(&[adopt(1)]).await.unwrap();
    assert!(session.gate().allows(LEASE / 3), "nobody took the lock meanwhile");
    session.release().await.unwrap();
}

/// 412: the condition of a write was not met. Whose document is there now decides, whether or not an answer was lost before.
#[tokio::test]
async fn a_document_that_somebody_else_wrote_is_not_overwritten() {
    let cloud = Cloud::start(localstack::Options::default()).await.unwrap();
    let backend = InAws::within(&cloud).await;
    let mut session = backend.open().lock(&owner("run-1"), None).await.unwrap();
    session.save(&fresh()).await.unwrap();
    let theirs = String::from_utf8(backend.document().await.unwrap()).unwrap().replace("run-1", "by hand");
    for lost in [None, Some(Effect::LostRequest), Some(Effect::LostAnswer)] {
        backend.overwrite(theirs.clone().into_bytes()).await;
        cloud.faults(lost.into_iter().map(|it| backend.fault("s3", "PutObject", it).nth(&[1])).collect());
        let refused = session.save(&fresh()).await.unwrap_err();
        assert!(matches!(refused, StoreError::LockLost(_)), "{refused}");
        assert_eq!(backend.document().await.unwrap(), theirs.as_bytes());
        assert!(!session.gate().allows(Duration::ZERO), "nothing more is sent");
        cloud.faults(Vec::new());
        drop(session);
        // The next holder takes what is there for what is true.
        session = backend.open().lock(&owner("run-1"), Some(LEASE * 3)).await.unwrap();
        assert_eq!(session.state().unwrap().serial, 2);
    }
}
