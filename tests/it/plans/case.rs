//! One case: read from its section, planned, and the result linted.
//!
//! `state`: by address, `{ id, settings, outputs?, dependencies?, lifecycle?, unfinished? }`; outputs are `id` and `arn` when
//! left out. `live`: by address, the settings that are not as recorded, or `gone`. What is not named is as recorded.
//! `files`: `# file: NAME` begins each. `previews`: by address, what the cloud would make of an object, `{ settings?, fixed?,
//! complaints? }`; what is not named it would take as it is.
//! `options`: `targets`, `replace`, `destroy`, `refresh`, `confirm`, `max_deletes`, `precious`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use infra::address::{Address, StackName};
use infra::plan::{DataKey, Observed, Options, Outcome, PreviewRead, Previewed, Request, plan, verify};
use infra::remote::{Complaint, Id, Live, Preview, Status};
use infra::sim::run::{self, Made, Scene};
use infra::sim::vault::Vault;
use infra::sim::world::{Weather, World};
use infra::sim::{self, Rng};
use infra::stack::source::Memory;
use infra::stack::{LoadRequest, Program};
use infra::state::{Lineage, Record, Recorded, State};
use infra::value::{Sealer, Value};
use serde::Deserialize;

use super::show;
use super::types::Few;

const STACK: &str = "stack {\n  region = \"eu-west-1\"\n  accounts = [\"111111111111\"]\n}\n";

pub struct Case {
    pub title: String,
    stack: String,
    state: BTreeMap<Address, Thing>,
    live: BTreeMap<Address, Value>,
    options: Wanted,
    files: Vec<(String, String)>,
    previews: BTreeMap<Address, Foreseen>,
    pub expected: String,
    refused: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Thing {
    id: String,
    settings: Value,
    outputs: Option<Value>,
    #[serde(default)]
    dependencies: BTreeSet<Address>,
    #[serde(default)]
    lifecycle: Recorded,
    #[serde(default)]
    unfinished: bool,
}

/// What the cloud says of an object.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Foreseen {
    settings: Option<Value>,
    fixed: BTreeSet<String>,
    complaints: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Wanted {
    targets: Vec<String>,
    replace: Vec<Address>,
    destroy: bool,
    refresh: Option<bool>,
    confirm: bool,
    max_deletes: Option<usize>,
    precious: BTreeSet<String>,
}

/// The sections of a file: what is before the first heading, then each heading with all below it.
pub fn parts(text: &str) -> Vec<&str> {
    let mut starts: Vec<usize> = Vec::new();
    let (mut at, mut fenced) = (0, false);
    for line in text.split_inclusive('\n') {
        fenced ^= line.starts_with("```");
        if !fenced && line.starts_with('#') {
            starts.push(at);
        }
        at += line.len();
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    let head = text.get(..starts.first().copied().unwrap_or(text.len()));
    head.into_iter().chain(starts.iter().zip(ends).filter_map(|(start, end)| text.get(*start..end))).collect()
}

fn block<'t>(section: &'t str, name: &str) -> Option<&'t str> {
    let fence = format!("```{name}\n");
    let (_, rest) = section.split_once(&fence)?;
    rest.split_once("```").map(|(inside, _)| inside)
}

fn yaml<T: serde::de::DeserializeOwned + Default>(title: &str, section: &str, name: &str) -> T {
    let Some(text) = block(section, name) else { return T::default() };
    let json: serde_json::Value = serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{title}: {name}: {error}"));
    serde_json::from_value(json).unwrap_or_else(|error| panic!("{title}: {name}: {error}"))
}

fn files(text: &str) -> Vec<(String, String)> {
    let parts = text.split("# file: ").filter_map(|it| it.split_once('\n'));
    parts.map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
}

impl Case {
    /// None for a section without a plan.
    pub fn read(section: &str) -> Option<Self> {
        let title = section.lines().next()?.trim_start_matches('#').trim().to_owned();
        let refused = block(section, "refused");
        let expected = block(section, "plan").or(refused)?.to_owned();
        Some(Self {
            stack: format!("{STACK}{}", block(section, "stack").unwrap_or_default()),
            state: yaml(&title, section, "state"),
            live: yaml(&title, section, "live"),
            options: yaml(&title, section, "options"),
            files: files(block(section, "files").unwrap_or_default()),
            previews: yaml(&title, section, "previews"),
            expected,
            refused: refused.is_some(),
            title,
        })
    }

    /// A stack alone, of which nothing exists yet.
    pub fn new(title: String, stack: &str) -> Self {
        Self {
            title,
            stack: format!("{STACK}{stack}"),
            state: BTreeMap::new(),
            live: BTreeMap::new(),
            options: Wanted::default(),
            files: Vec::new(),
            previews: BTreeMap::new(),
            expected: String::new(),
            refused: false,
        }
    }

    /// The section with another expectation.
    pub fn with_expected(&self, section: &str, expected: &str) -> String {
        let name = if self.refused { "refused" } else { "plan" };
        section.replacen(&format!("```{name}\n{}```", self.expected), &format!("```{name}\n{expected}```"), 1)
    }

    /// The plan or the complaints, as text.
    pub fn run(&self) -> String {
        let types = Few::new();
        let name: StackName = "dev".parse().unwrap();
        let files = self.files.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        let source = Memory::new(files.chain([("stacks/dev/stack.hcl", self.stack.as_str())]));
        let loaded = Program::load(LoadRequest {
            source: Arc::new(source),
            stack: name.clone(),
            variables: Vec::new(),
            types: &types,
            account: Some("111111111111".to_owned()),
        });
        if loaded.diagnostics.iter().any(|it| it.is_error()) {
            return show::complaints(&loaded.diagnostics);
        }
        let mut program = loaded.program;
        let sealer = Sealer::new([7; 32]);
        let state = self.state(name);
        let mut observed = self.observed(&state);
        let options = Options {
            targets: self.options.targets.clone(),
            replace: self.options.replace.clone(),
            destroy: self.options.destroy,
            confirm_stack: self.options.confirm,
            max_deletes: self.options.max_deletes,
            precious: self.options.precious.clone(),
            ..Options::default()
        };
        loop {
            let outcome = plan(Request {
                configuration: &mut program,
                types: &types,
                state: &state,
                observed: &observed,
                options: &options,
                sealer: &sealer,
                account: "111111111111",
                region: "eu-west-1",
                digest: "",
            });
            match outcome {
                Outcome::Planned(it) => {
                    assert_eq!(verify::check(&it.plan, &state), [], "{}: {}", self.title, show::plan(&it.plan));
                    let warnings = show::complaints(&it.diagnostics);
                    let withheld = it.withheld.iter().map(|it| format!("withheld {}\n", it.address)).collect::<String>();
                    let text = format!("{warnings}{}{withheld}", show::plan(&it.plan));
                    if it.withheld.is_empty() {
                        self.carry_out(&mut program, &state, Made { planned: *it, observed }, options);
                    }
                    return text;
                }
                Outcome::Refused(all) => return show::complaints(&all),
                Outcome::NeedsData(reads) => {
                    for it in reads {
                        observed.data.insert(it.key.clone(), answer(&it.key));
                    }
                }
                Outcome::NeedsPreviews(all) => observed.previews.extend(all.into_iter().map(|it| {
                    let preview = self.preview(&it);
                    (it.address, Previewed { settings: it.settings, preview })
                })),
                Outcome::NeedsImports(all) => {
                    for (_, key) in all {
                        let live = self.live.iter().find(|(address, _)| address.type_name() == key.type_name);
                        let live = live.map(|(_, settings)| Live {
                            settings: settings.clone(),
                            outputs: outputs(&key.id.0),
                            status: Status::Ready,
                        });
                        observed.imports.insert(key, live);
                    }
                }
            }
        }
    }

    /// What was planned is done in the simulation, and then there is nothing left to do.
    fn carry_out(&self, program: &mut Program, state: &State, made: Made, options: Options) {
        let mut world = World::of(Arc::new(Few::new()), Rng::new(1), Weather::default());
        for (address, record) in &state.resources {
            let said = self.live.get(address).cloned().unwrap_or_default();
            if said.as_str() != Some("gone") {
                let changed = said.members().into_iter().flatten();
                let settings = changed.fold(record.applied.clone(), |all, (name, it)| all.with(name, it.clone()));
                world.place(address.type_name(), record.id.clone(), settings);
            }
        }
        for key in made.observed.imports.iter().filter(|(_, it)| it.is_some()).map(|(key, _)| key) {
            let live = made.observed.imports.get(key).and_then(Option::as_ref);
            world.place(&key.type_name, key.id.clone(), live.map(|it| it.settings.clone()).unwrap_or_default());
        }
        let mut scene = Scene::new(world, Vault::new(state), Rng::new(2));
        // A part of the stack alone leaves the rest to do; a replacement that was asked for was asked for once.
        let again = Options { replace: Vec::new(), ..options };
        let mut made = made;
        // What is deferred is planned once its cause is known, level by level.
        for _ in 0..3 {
            let deferred = !made.planned.plan.deferred.is_empty();
            let (outcome, state) =
                sim::apply_plan(&mut scene, program, made).unwrap_or_else(|why| panic!("{}: {why}", self.title));
            assert_eq!((&outcome.failed, &outcome.skipped), (&vec![], &vec![]), "{}", self.title);
            assert_eq!(scene.world.violations, Vec::<String>::new(), "{}", self.title);
            made = run::plan(&scene, program, &state, &again).unwrap_or_else(|why| panic!("{}: {why:?}", self.title));
            if !deferred {
                break;
            }
        }
        assert_eq!(show::plan(&made.planned.plan), "nothing to do\n", "{}: planned again", self.title);
    }

    /// What is not said is that the cloud would take it as it is.
    fn preview(&self, wanted: &PreviewRead) -> Preview {
        let said = self.previews.get(&wanted.address);
        let complaint = |it: &String| {
            let (path, message) = it.split_once(": ").unwrap();
            let certain = !message.starts_with("quota");
            Complaint { path: path.to_owned(), message: message.to_owned(), did_you_mean: None, certain }
        };
        Preview {
            settings: said.and_then(|it| it.settings.clone()).or_else(|| Some(wanted.settings.clone())),
            fixed: said.map(|it| it.fixed.clone()).unwrap_or_default(),
            complaints: said.into_iter().flat_map(|it| it.complaints.iter().map(complaint)).collect(),
        }
    }

    fn state(&self, name: StackName) -> State {
        let mut state = State::new(name, Lineage("l-1".into()));
        for (address, it) in &self.state {
            let record = Record {
                config: Default::default(),
                id: Id::new(it.id.as_str()),
                token: None,
                applied: it.settings.clone(),
                outputs: it.outputs.clone().unwrap_or_else(|| outputs(&it.id)),
                dependencies: it.dependencies.clone(),
                lifecycle: it.lifecycle.clone(),
                unfinished: it.unfinished,
                deposed: Vec::new(),
            };
            state.resources.insert(address.clone(), Arc::new(record));
        }
        state
    }

    fn observed(&self, state: &State) -> Observed {
        let mut observed = Observed::default();
        if self.options.refresh == Some(false) {
            return observed;
        }
        for (address, record) in &state.resources {
            let said = self.live.get(address).cloned().unwrap_or_default();
            let live = (said.as_str() != Some("gone")).then(|| {
                let changed = said.members().into_iter().flatten();
                let settings = changed.fold(record.applied.clone(), |all, (name, it)| all.with(name, it.clone()));
                // Outputs are as recorded, but those of an object are what the cloud makes of it now.
                let is_object = !record.outputs.get("imprint").is_null();
                let outputs = if is_object { outputs(&record.id.0) } else { record.outputs.clone() };
                Live { settings, outputs, status: Status::Ready }
            });
            observed.live.insert(address.clone(), live);
        }
        observed
    }
}

fn outputs(id: &str) -> Value {
    let [uid, imprint] = ["uid", "imprint"].map(|name| (name, Value::from(format!("{name}:sim:{id}"))));
    Value::object([("id", Value::from(id)), ("arn", Value::from(format!("arn:aws:sim:::{id}"))), uid, imprint])
}

/// Every data source answers at once.
fn answer(key: &DataKey) -> Value {
    outputs(&format!("found-{}", key.arguments.get("of").as_str().unwrap_or("nothing")))
}
