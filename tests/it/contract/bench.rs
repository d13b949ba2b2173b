//! The engine's loop in miniature: create, read until ready, compare, update, read again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use infra::catalog::Catalog;
use infra::cloud::aws::limits::Limits;
use infra::cloud::aws::{Settings, StandIn};
use infra::cloud::{Cloud, Clouds, Gate, Query, Target};
use infra::plan::diff::Differ;
use infra::remote::{Class, ConfigName, Fault, Id, Live, Status, Token, tags};
use infra::schema::Schema;
use infra::value::{Sealer, Value};
use serde_json::{Value as Json, json};

pub const ACCOUNT: &str = "111111111111";

/// How long the local cloud may take to make something ready, visible or gone.
const PATIENCE: Duration = Duration::from_secs(30);

struct Open;

impl Gate for Open {
    fn allows(&self, _: Duration) -> bool {
        true
    }
}

pub struct Bench {
    pub clouds: Clouds,
    catalog: Arc<Catalog>,
    pub lineage: String,
    sealer: Sealer,
}

/// A thing that was made, and how it shall be.
pub struct Made {
    pub type_name: &'static str,
    pub id: Id,
    pub token: Token,
    pub desired: Value,
    /// What was ever declared of it: as a plan asks for what is declared or recorded.
    parts: BTreeSet<Arc<str>>,
    pub live: Live,
}

impl Made {
    pub fn parts(&self) -> &BTreeSet<Arc<str>> {
        &self.parts
    }

    pub fn output(&self, name: &str) -> String {
        self.live.outputs.get(name).as_str().unwrap_or_default().to_owned()
    }
}

/// Unlike any other of this process and of its forerunners.
pub fn unique(prefix: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("{prefix}-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

fn new_token() -> Token {
    Token(unique("token").into())
}

impl Bench {
    pub async fn new() -> Self {
        Self::of(ACCOUNT, localstack::control::Settings::default()).await
    }

    /// In an account of its own, where the local cloud behaves in its own way.
    pub async fn of(account: &str, settings: localstack::control::Settings) -> Self {
        let local = localstack::Cloud::shared().await.unwrap();
        // A control plane behind each cluster would show nothing here, and take seconds.
        local.set_account_settings(account, localstack::control::Settings { kubernetes: false, ..settings });
        let catalog = Arc::new(Catalog::new());
        let stand_in = StandIn {
            endpoint: local.endpoint().to_owned(),
            access_key_id: account.into(),
            secret_access_key: localstack::SECRET.into(),
        };
        let settings = Settings { region: localstack::REGION.into(), stand_in: Some(stand_in), ..Settings::default() };
        let settings = BTreeMap::from([(ConfigName::default(), settings)]);
        let clouds = Clouds::connect(catalog.clone(), &settings, Limits::off()).await;
        clouds.fence().guard(Arc::new(Open), Duration::from_secs(20));
        Self { clouds, catalog, lineage: unique("lineage"), sealer: Sealer::new([7; 32]) }
    }

    fn schema(&self, type_name: &str) -> &Schema {
        &self.catalog.kind(type_name).unwrap().schema
    }

    fn target(&self, type_name: &str) -> Target {
        Target { type_name: type_name.into(), config: ConfigName::default() }
    }

    /// As the engine hands settings to a cloud: of the schema's shape, marked as ours.
    fn desired(&self, type_name: &str, settings: &Json, token: &Token) -> Value {
        let schema = self.schema(type_name);
        let mut settings = settings.clone();
        if schema.has_tags() {
            let marks = json!({
                tags::STACK: "contract", tags::LINEAGE: self.lineage, tags::ID: token.as_str(), tags::ADDRESS: "a.b",
            });
            let mut all = settings.get("tags").cloned().unwrap_or_else(|| json!({}));
            all.as_object_mut().unwrap().extend(marks.as_object().unwrap().clone());
            settings["tags"] = all;
        }
        schema.conform(&Value::from_json(&settings)).unwrap()
    }

    /// The parts that are declared, as a plan asks for them.
    fn parts(desired: &Value) -> BTreeSet<Arc<str>> {
        desired.members().unwrap().iter().filter(|(_, it)| !it.is_null()).map(|(name, _)| name.clone()).collect()
    }

    pub async fn read(&self, type_name: &str, query: Query) -> BTreeMap<Id, Live> {
        let target = self.target(type_name);
        patient(type_name, || self.clouds.read(&target, &query)).await.unwrap()
    }

    async fn read_one(&self, made: &Made) -> Option<Live> {
        let query = Query { ids: vec![made.id.clone()], parts: made.parts.clone(), ..Query::default() };
        self.read(made.type_name, query).await.remove(&made.id)
    }

    /// What is not as desired, for people.
    fn differences(&self, type_name: &str, desired: &Value, live: &Value) -> Vec<String> {
        let differ = Differ::new(self.schema(type_name), &self.sealer);
        let found = differ.differences(desired, None, live);
        found.iter().map(|it| format!("{}: live {:?}, desired {:?}", it.path, it.before, it.after)).collect()
    }

    /// Makes a thing and brings it to what it shall be.
    pub async fn make(&self, type_name: &'static str, settings: Json) -> Made {
        let token = new_token();
        let desired = self.desired(type_name, &settings, &token);
        let target = self.target(type_name);
        let id = patient(type_name, || self.clouds.create(&target, &desired, &token)).await.unwrap();
        let live = Live { settings: Value::Null, outputs: Value::Null, status: Status::Ready };
        let mut made = Made { type_name, id, token, desired, parts: BTreeSet::new(), live };
        self.settle(&mut made).await;
        made
    }

    /// What a creation that cannot be is refused with.
    pub async fn refused(&self, type_name: &str, settings: Json) -> Fault {
        let token = new_token();
        let desired = self.desired(type_name, &settings, &token);
        let target = self.target(type_name);
        match patient(type_name, || self.clouds.create(&target, &desired, &token)).await {
            Ok(id) => panic!("{type_name} was made: {id}"),
            Err(fault) => fault,
        }
    }

    /// Makes a thing that ends otherwise than ready; says how.
    pub async fn make_failed(&self, type_name: &'static str, settings: Json) -> (Made, String) {
        let token = new_token();
        let desired = self.desired(type_name, &settings, &token);
        let target = self.target(type_name);
        let id = patient(type_name, || self.clouds.create(&target, &desired, &token)).await.unwrap();
        let live = Live { settings: desired.clone(), outputs: Value::Null, status: Status::Ready };
        let made = Made { type_name, id, token, desired, parts: BTreeSet::new(), live };
        let end = Instant::now() + PATIENCE;
        loop {
            match self.read_one(&made).await.map(|it| it.status) {
                Some(Status::Failed(why)) => return (made, why),
                other => assert!(Instant::now() < end, "{type_name} does not fail: {other:?}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Changes members until that is refused for good; says why.
    pub async fn change_refused(&self, made: &Made, change: Json) -> Fault {
        let mut desired = made.desired.clone();
        for (name, member) in change.as_object().unwrap() {
            desired = desired.with(name, Value::from_json(member));
        }
        let desired = self.schema(made.type_name).conform(&desired).unwrap();
        let target = self.target(made.type_name);
        loop {
            let live = self.ready(made).await;
            let asked = patient(made.type_name, || self.clouds.update(&target, &made.id, &live.settings, &desired)).await;
            if let Err(fault) = asked {
                return fault;
            }
        }
    }

    /// Reads until ready, and updates until nothing differs: at most twice, as the engine does.
    async fn settle(&self, made: &mut Made) {
        made.parts.extend(Self::parts(&made.desired));
        for updates in 0.. {
            made.live = self.ready(made).await;
            let different = self.differences(made.type_name, &made.desired, &made.live.settings);
            if different.is_empty() {
                return;
            }
            assert!(updates < 2, "{} does not become as desired: {different:#?}", made.type_name);
            let target = self.target(made.type_name);
            patient(made.type_name, || self.clouds.update(&target, &made.id, &made.live.settings, &made.desired)).await.unwrap();
        }
    }

    async fn ready(&self, made: &Made) -> Live {
        let end = Instant::now() + PATIENCE;
        loop {
            match self.read_one(made).await {
                Some(live) if live.status == Status::Ready => return live,
                other => assert!(Instant::now() < end, "{} is not ready: {other:?}", made.type_name),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The thing with some members replaced.
    pub async fn change(&self, mut made: Made, change: Json) -> Made {
        for (name, member) in change.as_object().unwrap() {
            made.desired = made.desired.with(name, Value::from_json(member));
        }
        made.desired = self.schema(made.type_name).conform(&made.desired).unwrap();
        self.settle(&mut made).await;
        made
    }

    /// What is in the way of deleting it.
    pub async fn blockers(&self, made: &Made) -> Vec<String> {
        let target = self.target(made.type_name);
        self.clouds.blockers(&target, &made.id).await.unwrap().into_iter().map(|it| it.what).collect()
    }

    /// Takes out what lies in it, in rounds; says what each took out.
    pub async fn emptied(&self, made: &Made) -> Vec<u64> {
        let target = self.target(made.type_name);
        let mut rounds = Vec::new();
        loop {
            let round = self.clouds.empty(&target, &made.id).await.unwrap();
            rounds.push(round.removed);
            if !round.more {
                return rounds;
            }
        }
    }

    /// What lies in it.
    pub async fn contents(&self, made: &Made) -> Vec<String> {
        let found = self.clouds.contents(&self.target(made.type_name), &made.id).await.unwrap();
        found.iter().map(ToString::to_string).collect()
    }

    pub async fn remove(&self, made: Made) {
        let target = self.target(made.type_name);
        match patient(made.type_name, || self.clouds.delete(&target, &made.id, &made.live.settings)).await {
            Err(fault) if fault.class != Class::Missing => panic!("{}: {fault}", made.type_name),
            _ => {}
        }
        let end = Instant::now() + PATIENCE;
        while let Some(live) = self.read_one(&made).await {
            assert!(Instant::now() < end, "{} does not go: {live:?}", made.type_name);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The whole contract for one type. `changes` are members that replace those of `settings`, one step after the other.
    pub async fn keeps(&self, type_name: &'static str, settings: Json, changes: &[Json]) {
        let target = self.target(type_name);
        let nothing = self.desired(type_name, &settings, &new_token());
        assert_eq!(self.clouds.find(&target, &nothing, &new_token()).await, Ok(vec![]), "{type_name}: found before it was made");

        let mut made = self.make(type_name, settings.clone()).await;
        let again = self.clouds.find(&target, &made.desired, &made.token).await;
        assert_eq!(again, Ok(vec![made.id.clone()]), "{type_name}: not found after a lost answer");

        let mut now = settings;
        for change in changes {
            now.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            made.desired = self.desired(type_name, &now, &made.token);
            self.settle(&mut made).await;
        }

        let bulk = Query {
            ids: vec![made.id.clone(), absent(&made.id)],
            lineage: Some(self.lineage.clone()),
            parts: made.parts.clone(),
            shared: true,
            ..Query::default()
        };
        let found = self.read(type_name, bulk).await;
        assert_eq!(found.keys().collect::<Vec<_>>(), [&made.id], "{type_name}: read in bulk");
        assert_eq!(found[&made.id], made.live, "{type_name}: read in bulk");

        let whole = Query { ids: vec![made.id.clone()], whole: true, ..Query::default() };
        let found = self.read(type_name, whole).await;
        let different = self.differences(type_name, &made.desired, &found[&made.id].settings);
        assert!(different.is_empty(), "{type_name}: imported: {different:#?}");

        let (id, gone, token) = (made.id.clone(), made.live.settings.clone(), made.token.clone());
        let desired = made.desired.clone();
        self.remove(made).await;
        match patient(type_name, || self.clouds.delete(&target, &id, &gone)).await {
            Ok(()) => {}
            Err(fault) => assert_eq!(fault.class, Class::Missing, "{type_name}: deleted twice: {fault}"),
        }
        assert_eq!(self.clouds.find(&target, &desired, &token).await, Ok(vec![]), "{type_name}: found after it was deleted");
    }
}

/// An id of the same form that nothing has.
fn absent(id: &Id) -> Id {
    match id.as_str().rsplit_once('-') {
        Some((kind, _)) if kind.len() < 16 && !kind.contains('_') => Id::new(format!("{kind}-0123456789abcdef0")),
        _ => Id::new(format!("{}0", id.as_str())),
    }
}

/// Tries again what the machine would try again.
async fn patient<'a, T, F>(type_name: &str, call: impl Fn() -> F) -> Result<T, Fault>
where
    F: Future<Output = Result<T, Fault>> + 'a,
{
    let end = Instant::now() + PATIENCE;
    loop {
        match call().await {
            Err(fault) if may_pass(fault.class) && Instant::now() < end => {
                eprintln!("{type_name}: again: {fault}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            answer => return answer,
        }
    }
}

fn may_pass(class: Class) -> bool {
    matches!(class, Class::Busy | Class::Settling | Class::InUse)
}
