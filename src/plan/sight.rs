//! What the planner sees of each address, and the [`Host`] that answers for it while the files are evaluated.

use std::collections::{BTreeMap, BTreeSet};

use super::answers;
use super::diff::{Cause, Differ, Difference, settled};
use super::forms::{self, Forms};
use super::request::{DataKey, DataRead, ImportKey, Observed, Options};
use crate::address::Address;
use crate::remote::{ConfigName, Id, Live, Preview, Status};
use crate::schema::equal::Compare;
use crate::schema::{Schema, Types};
use crate::stack::desired::{Host, Lifecycle};
use crate::state::{Record, State};
use crate::value::{Sealer, Value, path};

/// What is there under an address.
pub(super) enum Seen<'a> {
    Nothing,
    /// Recorded, and not in the cloud any more.
    Gone,
    There(There<'a>),
}

/// A thing that exists, recorded or about to be imported.
#[derive(Clone, Copy)]
pub(super) struct There<'a> {
    pub id: &'a Id,
    /// None for what is imported.
    pub record: Option<&'a Record>,
    pub settings: &'a Value,
    pub outputs: &'a Value,
    /// None when the record stands for it.
    pub live: Option<&'a Live>,
}

impl<'a> There<'a> {
    pub fn failed(&self) -> Option<&'a str> {
        match &self.live?.status {
            Status::Failed(status) => Some(status),
            Status::Ready | Status::Pending(_) => None,
        }
    }
}

/// What becomes of a thing's outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// They stay as they are.
    Keep,
    /// The thing is changed: those that move with it are not known before.
    Change,
    Create,
    Replace,
}

/// What the files say that outputs depend on and that is known only once they are evaluated.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Learned {
    pub lifecycles: BTreeMap<Address, Lifecycle>,
    /// Replaced because of the other.
    pub triggered: BTreeMap<Address, Address>,
    /// Where a thing is recorded, by its new address.
    pub moves: BTreeMap<Address, Address>,
    pub imports: BTreeMap<Address, ImportKey>,
}

pub(super) struct Sight<'a> {
    pub types: &'a dyn Types,
    pub state: &'a State,
    pub observed: &'a Observed,
    pub options: &'a Options,
    pub sealer: &'a Sealer,
    pub learned: Learned,
    asked: BTreeSet<Address>,
    moved_to: BTreeMap<Address, Address>,
    told: BTreeMap<Address, Told>,
    wanted: BTreeMap<DataKey, Address>,
    /// Data sources that cannot be asked yet.
    pub waiting: BTreeSet<Address>,
}

struct Told {
    fate: Fate,
    config: ConfigName,
    shell: Value,
}

impl<'a> Sight<'a> {
    pub fn new(types: &'a dyn Types, state: &'a State, observed: &'a Observed, options: &'a Options, sealer: &'a Sealer) -> Self {
        Self {
            types,
            state,
            observed,
            options,
            sealer,
            learned: Learned::default(),
            asked: options.replace.iter().cloned().collect(),
            moved_to: BTreeMap::new(),
            told: BTreeMap::new(),
            wanted: BTreeMap::new(),
            waiting: BTreeSet::new(),
        }
    }

    /// Where `address` is recorded.
    pub fn recorded_at<'s>(&'s self, address: &'s Address) -> &'s Address {
        self.learned.moves.get(address).unwrap_or(address)
    }

    /// The address that `recorded` has from now on.
    pub fn renamed<'s>(&'s self, recorded: &'s Address) -> &'s Address {
        self.moved_to.get(recorded).unwrap_or(recorded)
    }

    /// What a record says that had to exist before it, under the addresses that those have now.
    pub fn dependencies(&self, record: &Record) -> BTreeSet<Address> {
        record.dependencies.iter().map(|it| self.renamed(it).clone()).collect()
    }

    pub fn record(&self, address: &Address) -> Option<&'a Record> {
        let at = self.recorded_at(address);
        if at == address && self.moved_to.contains_key(address) {
            return None;
        }
        self.state.record(at)
    }

    pub fn see(&self, address: &Address) -> Seen<'a> {
        let Some(record) = self.record(address) else {
            let import = self.learned.imports.get(address).and_then(|it| self.observed.imports.get_key_value(it));
            return match import {
                Some((key, Some(live))) => Seen::There(There {
                    id: &key.id,
                    record: None,
                    settings: &live.settings,
                    outputs: &live.outputs,
                    live: Some(live),
                }),
                _ => Seen::Nothing,
            };
        };
        let id = &record.id;
        match self.observed.live.get(self.recorded_at(address)) {
            Some(None) => Seen::Gone,
            Some(Some(live)) => Seen::There(There {
                id,
                record: Some(record),
                settings: &live.settings,
                outputs: &live.outputs,
                live: Some(live),
            }),
            None => {
                Seen::There(There { id, record: Some(record), settings: &record.applied, outputs: &record.outputs, live: None })
            }
        }
    }

    pub fn is_asked(&self, address: &Address) -> bool {
        self.asked.contains(address)
    }

    /// How an instance with these settings is compared with what is there.
    pub fn differ<'s>(&self, schema: &'s Schema, address: &Address, desired: &Value, there: &There<'a>) -> Differ<'s>
    where
        'a: 's,
    {
        let Some(name) = schema.objects() else { return Differ::new(schema, self.sealer) };
        let forms = Forms::Seen { moved: self.moved(schema, there), preview: self.preview(address, name, desired) };
        Differ { forms, ..Differ::new(schema, self.sealer) }
    }

    /// Whether what the cloud made of an object is no longer as recorded. What is imported has no record of it.
    pub fn moved(&self, schema: &Schema, there: &There<'a>) -> bool {
        match (there.record, there.live) {
            (Some(record), Some(live)) => forms::moved(Compare { sealer: self.sealer }, schema, &record.outputs, &live.outputs),
            (Some(_), None) => false,
            (None, _) => true,
        }
    }

    /// What the cloud said that it would make of the object in these settings.
    pub fn preview(&self, address: &Address, name: &str, settings: &Value) -> Option<&'a Preview> {
        let it = self.observed.previews.get(address)?;
        (it.settings.get(name) == settings.get(name)).then_some(&it.preview)
    }

    /// What becomes of the outputs of an instance with these settings; attributes that can be set later do not matter to it.
    pub fn fate(&self, address: &Address, config: &ConfigName, shell: &Value) -> Fate {
        let there = match self.see(address) {
            Seen::Nothing | Seen::Gone => return Fate::Create,
            Seen::There(there) => there,
        };
        let Some(schema) = self.types.resource(address.type_name()) else { return Fate::Keep };
        if self.options.destroy {
            return Fate::Keep;
        }
        let elsewhere = there.record.is_some_and(|it| it.config != *config);
        if elsewhere || there.failed().is_some() || self.is_asked(address) || self.learned.triggered.contains_key(address) {
            return Fate::Replace;
        }
        let desired = match self.learned.lifecycles.get(address) {
            Some(lifecycle) => settled(shell, there.settings, lifecycle),
            None => shell.clone(),
        };
        let recorded = there.record.map(|it| &it.applied);
        let differences = self.differ(schema, address, &desired, &there).fixed_differences(&desired, recorded, there.settings);
        let replaces = |it: &Difference| it.forces_replacement() && self.is_real(it);
        if differences.iter().any(replaces) {
            return Fate::Replace;
        }
        let moves = schema.outputs().any(|(_, it)| it.moving);
        let changes = || self.differ(schema, address, &desired, &there).differences(&desired, recorded, there.settings);
        // Tags are beside what a thing is.
        let counts = |it: &Difference| !it.local && path::root(&it.path) != "tags" && self.is_real(it);
        match moves && changes().iter().any(counts) {
            true => Fate::Change,
            false => Fate::Keep,
        }
    }

    /// Whether a difference will still be one when all is known. What waits for a thing that stays (whose outputs are not on
    /// record, or were not read) is taken to be as it was.
    pub fn is_real(&self, difference: &Difference) -> bool {
        let stays = |address: &Address| self.told.get(address).is_some_and(|it| it.fate == Fate::Keep);
        match &difference.cause {
            Cause::Follows(_) => difference.after.waits_for().iter().any(|it| !stays(&it.address)),
            Cause::Configuration | Cause::Drift | Cause::Both => true,
        }
    }

    /// Takes in what the files said. True when that makes something untrue that was told while they were evaluated: then
    /// they must be evaluated again.
    pub fn learn(&mut self, learned: Learned) -> bool {
        let before = std::mem::replace(&mut self.learned, learned);
        self.moved_to = self.learned.moves.iter().map(|(to, from)| (from.clone(), to.clone())).collect();
        let touched: BTreeSet<&Address> = [&before, &self.learned]
            .into_iter()
            .flat_map(|it| {
                let names = it.lifecycles.keys().chain(it.triggered.keys()).chain(it.imports.keys());
                names.chain(it.moves.keys()).chain(it.moves.values())
            })
            .collect();
        let untrue = |address: &&Address| {
            self.told.get(*address).is_some_and(|told| self.fate(address, &told.config, &told.shell) != told.fate)
        };
        touched.iter().any(untrue)
    }

    /// Before the files are evaluated again.
    pub fn forget_told(&mut self) {
        self.told.clear();
        self.wanted.clear();
        self.waiting.clear();
    }

    pub fn wanted(&mut self) -> Vec<DataRead> {
        std::mem::take(&mut self.wanted).into_iter().map(|(key, address)| DataRead { key, address }).collect()
    }
}

impl Host for Sight<'_> {
    fn outputs(&mut self, address: &Address, config: &ConfigName, shell: &Value) -> Value {
        let fate = self.fate(address, config, shell);
        self.told.insert(address.clone(), Told { fate, config: config.clone(), shell: shell.clone() });
        let Some(schema) = self.types.resource(address.type_name()) else { return Value::object::<&str>([]) };
        match (fate, self.see(address)) {
            // An unfinished creation has nothing on record yet.
            (Fate::Keep | Fate::Change, Seen::There(there)) if !there.outputs.is_null() => {
                let known = match there.live {
                    Some(_) => answers::known(schema, there.settings, there.outputs),
                    None => answers::recorded(schema, address, there.settings, there.outputs),
                };
                if fate == Fate::Change { answers::moved(schema, address, known) } else { known }
            }
            _ => answers::unknown(Some(schema), address),
        }
    }

    fn data(&mut self, address: &Address, config: &ConfigName, arguments: &Value) -> Value {
        if arguments.is_wholly_known() {
            let key = DataKey { type_name: address.type_name().to_owned(), config: config.clone(), arguments: arguments.clone() };
            if let Some(answer) = self.observed.data.get(&key) {
                return answer.clone();
            }
            if !self.options.destroy {
                self.wanted.entry(key).or_insert_with(|| address.clone());
            }
        } else {
            self.waiting.insert(address.clone());
        }
        answers::unknown(self.types.data(address.type_name()), address)
    }
}
