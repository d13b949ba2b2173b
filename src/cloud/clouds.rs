//! [`Clouds`]: every configuration of a stack, and the types that are reached through them.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::BoxFuture;

use super::aws::limits::Limits;
use super::aws::{Aws, Fence, Identity, Settings, Wire};
use super::{Cloud, Query, Target};
use crate::remote::{Blocker, ConfigName, Content, Emptied, Fault, Found, Id, Live, Objection, Preview, Token};
use crate::resource::{ErasedData, ErasedResource, Kinds};
use crate::value::{Secrets, Value};

/// The clouds of one run. Mutations are refused until its [`fence`](Self::fence) has a gate.
pub struct Clouds {
    kinds: Arc<dyn Kinds>,
    configs: BTreeMap<ConfigName, Aws>,
    wire: Wire,
    fence: Fence,
}

impl Clouds {
    /// `settings` has at least the stack's own configuration, [`ConfigName::default`]. Nothing is sent yet.
    pub async fn connect(kinds: Arc<dyn Kinds>, settings: &BTreeMap<ConfigName, Settings>, limits: Limits) -> Self {
        let fence = Fence::shut();
        let wire = Wire::new(limits, fence.clone());
        let mut configs = BTreeMap::new();
        for (name, settings) in settings {
            configs.insert(name.clone(), Aws::connect(settings, &wire).await);
        }
        Self { kinds, configs, wire, fence }
    }

    pub fn fence(&self) -> &Fence {
        &self.fence
    }

    pub fn config(&self, name: &ConfigName) -> Result<&Aws, Fault> {
        self.configs.get(name).ok_or_else(|| Fault::bug("aws", format!("there is no AWS configuration named {:?}", name.0)))
    }

    pub(super) fn configs(&self) -> impl Iterator<Item = &Aws> {
        self.configs.values()
    }

    /// What was answered in this run is asked anew.
    pub fn forget_answers(&self) {
        self.configs().for_each(Aws::forget_answers);
    }

    /// Who the stack's own credentials belong to.
    pub async fn identity(&self) -> Result<&Identity, Fault> {
        self.config(&ConfigName::default())?.identity().await
    }

    /// Where the calls go, when it is not AWS.
    pub fn endpoint_override(&self) -> Option<&str> {
        self.configs.values().find_map(Aws::endpoint_override)
    }

    /// How often each action was called, by `service:Action`.
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.wire.calls()
    }

    /// What speaks against settings that a plan gives to a new thing, or to one that `is` there.
    pub async fn objections(&self, what: &Target, is: Option<&Live>, settings: &Value) -> Result<Vec<Objection>, Fault> {
        let (kind, aws) = self.resource(what)?;
        let found = hushed(kind.object(aws, is, settings).await, [settings])?;
        if found.is_empty() {
            return Ok(found);
        }
        let secrets = Secrets::of([settings]);
        Ok(found.into_iter().map(|it| Objection { message: secrets.hush(&it.message), ..it }).collect())
    }

    fn resource(&self, target: &Target) -> Result<(&dyn ErasedResource, &Aws), Fault> {
        let kind = self.kinds.resource(&target.type_name);
        let kind = kind.ok_or_else(|| Fault::bug(&target.type_name, "there is no such resource type"))?;
        Ok((kind, self.config(&target.config)?))
    }

    fn source(&self, target: &Target) -> Result<(&dyn ErasedData, &Aws), Fault> {
        let kind = self.kinds.data(&target.type_name);
        let kind = kind.ok_or_else(|| Fault::bug(&target.type_name, "there is no such data source"))?;
        Ok((kind, self.config(&target.config)?))
    }
}

impl Clouds {
    /// What would come of the settings of an object; nothing is changed.
    pub async fn preview(&self, what: &Target, id: Option<&Id>, settings: &Value) -> Result<Preview, Fault> {
        let (kind, aws) = self.resource(what)?;
        let mut preview = hushed(kind.preview(aws, id, settings).await, [settings])?;
        if !preview.complaints.is_empty() {
            let secrets = Secrets::of([settings]);
            for it in &mut preview.complaints {
                it.message = secrets.hush(&it.message);
            }
        }
        Ok(preview)
    }

    /// Things of the name that these settings give, whoever made them.
    pub async fn namesakes(&self, what: &Target, settings: &Value) -> Result<Vec<Id>, Fault> {
        let (kind, aws) = self.resource(what)?;
        hushed(kind.namesakes(aws, settings).await, [settings])
    }

    /// What lies in a thing whose deletion shall empty it first.
    pub async fn contents(&self, what: &Target, id: &Id) -> Result<Vec<Content>, Fault> {
        let (kind, aws) = self.resource(what)?;
        kind.contents(aws, id).await
    }
}

impl Cloud for Clouds {
    fn create<'a>(&'a self, what: &'a Target, settings: &'a Value, token: &'a Token) -> BoxFuture<'a, Result<Id, Fault>> {
        Box::pin(async move {
            let (kind, aws) = self.resource(what)?;
            hushed(kind.create(aws, settings, token).await, [settings])
        })
    }

    fn read<'a>(&'a self, what: &'a Target, query: &'a Query) -> BoxFuture<'a, Result<Found, Fault>> {
        Box::pin(async move {
            if query.ids.is_empty() {
                return Ok(Found::new());
            }
            let (kind, aws) = self.resource(what)?;
            kind.read(aws, query).await
        })
    }

    fn update<'a>(
        &'a self,
        what: &'a Target,
        id: &'a Id,
        was: &'a Value,
        settings: &'a Value,
    ) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let (kind, aws) = self.resource(what)?;
            hushed(kind.update(aws, id, was, settings).await, [was, settings])
        })
    }

    fn delete<'a>(&'a self, what: &'a Target, id: &'a Id, settings: &'a Value) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let (kind, aws) = self.resource(what)?;
            hushed(kind.delete(aws, id, settings).await, [settings])
        })
    }

    fn blockers<'a>(&'a self, what: &'a Target, id: &'a Id) -> BoxFuture<'a, Result<Vec<Blocker>, Fault>> {
        Box::pin(async move {
            let (kind, aws) = self.resource(what)?;
            kind.blockers(aws, id).await
        })
    }

    fn empty<'a>(&'a self, what: &'a Target, id: &'a Id) -> BoxFuture<'a, Result<Emptied, Fault>> {
        Box::pin(async move {
            let (kind, aws) = self.resource(what)?;
            kind.empty(aws, id).await
        })
    }

    fn find<'a>(&'a self, what: &'a Target, settings: &'a Value, token: &'a Token) -> BoxFuture<'a, Result<Vec<Id>, Fault>> {
        Box::pin(async move {
            let (kind, aws) = self.resource(what)?;
            hushed(kind.find(aws, settings, token).await, [settings])
        })
    }

    fn data<'a>(&'a self, what: &'a Target, arguments: &'a Value) -> BoxFuture<'a, Result<Value, Fault>> {
        Box::pin(async move {
            let (kind, aws) = self.source(what)?;
            hushed(kind.read(aws, arguments).await, [arguments])
        })
    }
}

/// Services quote what they refuse: what is secret in the settings is taken out of what they say.
fn hushed<'v, T>(answer: Result<T, Fault>, settings: impl IntoIterator<Item = &'v Value>) -> Result<T, Fault> {
    answer.map_err(|fault| Fault { message: Secrets::of(settings).hush(&fault.message), ..fault })
}
