//! The contract that a resource type fulfils. Everything in `catalog` implements [`Resource`] or [`Data`]; all else sees a
//! [`Kind`], the same with its Rust types erased.
//!
//! A type has no waiter, no retry, no tag merging and no handling of things that are not there: those are the engine's.

use std::collections::BTreeMap;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;

use futures::future::BoxFuture;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::cloud::Query;
use crate::cloud::aws::Aws;
use crate::remote::{Blocker, Class, Content, Emptied, Fault, Found, Id, Live, Objection, Preview, Settle, Status, Token};
use crate::schema::Schema;
use crate::value::Value;

/// A set of fields: what the user writes, or what the cloud answers.
pub trait Block: Serialize + DeserializeOwned + JsonSchema + Clone + Send + Sync + 'static {}
impl<T: Serialize + DeserializeOwned + JsonSchema + Clone + Send + Sync + 'static> Block for T {}

/// What a read says of one thing.
#[derive(Clone, Debug)]
pub struct Seen<R: Resource> {
    pub settings: R,
    pub outputs: R::Outputs,
    pub status: Status,
}

/// A resource type. The implementing struct *is* the settings that a user writes; a field `tags` is the map of all tags.
pub trait Resource: Block {
    /// Terraform's name for it: `aws_vpc`.
    const TYPE: &'static str;
    const SETTLE: Settle = Settle::INSTANT;
    /// Groups of attributes of which at most one may be set; exactly one where the flag is true.
    const EXCLUSIVE: &'static [(&'static [&'static str], bool)] = &[];
    /// The attribute that names what this is a part of, if the cloud deletes it with that without being asked.
    const PART_OF: Option<&'static str> = None;
    /// A replacement makes the new one before the old one goes, unless this attribute is declared: the name that both would
    /// have. Without an attribute the files alone say so (`create_before_destroy`).
    const CREATE_FIRST_UNLESS: Option<&'static str> = None;
    /// Destroying it loses what cannot be made again: protected by default on a stack with `confirm = true`.
    const PRECIOUS: bool = false;
    /// It may hold what others put there, without which alone the cloud deletes it: `contents` and `empty` are for that.
    const HOLDS: bool = false;
    /// The cloud has deleted it when it answers the deletion, though it may list it for a moment: nobody looks for it, but what is
    /// to take its place (decision 0010).
    const DELETED_AT_ONCE: bool = false;
    type Outputs: Block;

    /// Asks for a new one, tags in the same call, and returns as soon as it has a name. What this call cannot set, `update`
    /// does once the thing can be read: the engine compares and calls it.
    fn create(&self, aws: &Aws, token: &Token) -> impl Future<Output = Result<Id, Fault>> + Send;
    /// Looks at all of `query.ids` in as few calls as the API allows. Ids that do not exist are left out.
    fn read(aws: &Aws, query: &Query) -> impl Future<Output = Result<BTreeMap<Id, Seen<Self>>, Fault>> + Send;
    /// Changes `was` into `self` where they differ; never in a field that is [`Fixed`](crate::schema::Fixed).
    fn update(&self, aws: &Aws, id: &Id, was: &Self) -> impl Future<Output = Result<(), Fault>> + Send;
    /// Asks to remove it. Being gone already is a fault of class `Missing`, which the engine takes for success.
    fn delete(&self, aws: &Aws, id: &Id) -> impl Future<Output = Result<(), Fault>> + Send;
    /// What speaks against settings that a plan gives to a new thing or to one that `is` there, as far as they are known by then:
    /// asked while planning, so it reads at most. Members that are not known yet are unknown values.
    fn object(aws: &Aws, is: Option<&Live>, settings: &Value) -> impl Future<Output = Result<Vec<Objection>, Fault>> + Send {
        let _ = (aws, is, settings);
        std::future::ready(Ok(Vec::new()))
    }
    /// What stands in the way of deleting it: asked once a deletion was refused, by reading alone. What this stack owns is gone
    /// by then.
    fn blockers(_: &Aws, _: &Id) -> impl Future<Output = Result<Vec<Blocker>, Fault>> + Send {
        std::future::ready(Ok(Vec::new()))
    }
    /// What lies in it: only for a type that [`HOLDS`](Self::HOLDS).
    fn contents(_: &Aws, _: &Id) -> impl Future<Output = Result<Vec<Content>, Fault>> + Send {
        std::future::ready(Ok(Vec::new()))
    }
    /// Takes out what lies in it, as much as a few calls do: the engine asks again while there is more.
    fn empty(_: &Aws, _: &Id) -> impl Future<Output = Result<Emptied, Fault>> + Send {
        std::future::ready(Ok(Emptied::default()))
    }
    /// Things that have the name which these settings give, whoever made them, where an id does not follow from the name and the
    /// Tagging API does not list the type: `state rebuild` looks at their tags.
    fn namesakes(&self, _: &Aws) -> impl Future<Output = Result<Vec<Id>, Fault>> + Send {
        std::future::ready(Ok(Vec::new()))
    }
    /// What would come of these settings, for a type with an [`Applied`](crate::schema::Applied) setting: asked of the cloud
    /// without changing anything.
    fn preview(aws: &Aws, id: Option<&Id>, settings: &Value) -> impl Future<Output = Result<Preview, Fault>> + Send {
        let _ = (aws, id, settings);
        std::future::ready(Ok(Preview::default()))
    }
    /// What creations with these settings and this token may have made: everything with the tag `infra:id`, or the one thing
    /// of a unique name (an [`Option`] will do). A thing found by name that carries another token or lineage is not ours: a
    /// fault of class `Exists`.
    fn find(&self, aws: &Aws, token: &Token) -> impl Future<Output = Result<impl IntoIterator<Item = Id>, Fault>> + Send;
}

/// A data source: looks something up and owns nothing.
pub trait Data: Block {
    const TYPE: &'static str;
    type Outputs: Block;
    fn read(&self, aws: &Aws) -> impl Future<Output = Result<Self::Outputs, Fault>> + Send;
}

/// A [`Resource`] or [`Data`] with its types erased.
pub struct Kind {
    pub schema: Schema,
    pub settle: Settle,
    pub precious: bool,
    pub driver: Driver,
}

/// The types that exist, by name, as the clouds carry them out.
pub trait Kinds: Send + Sync {
    fn resource(&self, type_name: &str) -> Option<&dyn ErasedResource>;
    fn data(&self, type_name: &str) -> Option<&dyn ErasedData>;
}

pub enum Driver {
    Resource(Box<dyn ErasedResource>),
    Data(Box<dyn ErasedData>),
}

impl Kind {
    pub fn resource<R: Resource>() -> Self {
        Self {
            schema: Schema {
                part_of: R::PART_OF.map(Into::into),
                create_first_unless: R::CREATE_FIRST_UNLESS.map(Into::into),
                holds: R::HOLDS,
                deleted_at_once: R::DELETED_AT_ONCE,
                ..Schema::of::<R, R::Outputs>(R::TYPE, R::EXCLUSIVE)
            },
            settle: R::SETTLE,
            precious: R::PRECIOUS,
            driver: Driver::Resource(Box::new(Typed::<R>(PhantomData))),
        }
    }

    pub fn data<D: Data>() -> Self {
        let schema = Schema::of::<D, D::Outputs>(D::TYPE, &[]);
        let secrets = schema.outputs().filter(|(_, it)| it.secret).map(|(name, _)| name.clone()).collect();
        let driver = Driver::Data(Box::new(Source::<D> { secrets, of: PhantomData }));
        Self { schema, settle: Settle::INSTANT, precious: false, driver }
    }
}

pub trait ErasedResource: Send + Sync {
    fn create<'a>(&'a self, aws: &'a Aws, settings: &'a Value, token: &'a Token) -> BoxFuture<'a, Result<Id, Fault>>;
    fn read<'a>(&'a self, aws: &'a Aws, query: &'a Query) -> BoxFuture<'a, Result<Found, Fault>>;
    fn update<'a>(&'a self, aws: &'a Aws, id: &'a Id, was: &'a Value, settings: &'a Value) -> BoxFuture<'a, Result<(), Fault>>;
    fn delete<'a>(&'a self, aws: &'a Aws, id: &'a Id, settings: &'a Value) -> BoxFuture<'a, Result<(), Fault>>;
    fn namesakes<'a>(&'a self, aws: &'a Aws, settings: &'a Value) -> BoxFuture<'a, Result<Vec<Id>, Fault>>;
    fn blockers<'a>(&'a self, aws: &'a Aws, id: &'a Id) -> BoxFuture<'a, Result<Vec<Blocker>, Fault>>;
    fn contents<'a>(&'a self, aws: &'a Aws, id: &'a Id) -> BoxFuture<'a, Result<Vec<Content>, Fault>>;
    fn empty<'a>(&'a self, aws: &'a Aws, id: &'a Id) -> BoxFuture<'a, Result<Emptied, Fault>>;
    fn preview<'a>(&'a self, aws: &'a Aws, id: Option<&'a Id>, settings: &'a Value) -> BoxFuture<'a, Result<Preview, Fault>>;
    fn find<'a>(&'a self, aws: &'a Aws, settings: &'a Value, token: &'a Token) -> BoxFuture<'a, Result<Vec<Id>, Fault>>;
    fn object<'a>(
        &'a self,
        aws: &'a Aws,
        is: Option<&'a Live>,
        settings: &'a Value,
    ) -> BoxFuture<'a, Result<Vec<Objection>, Fault>>;
}

pub trait ErasedData: Send + Sync {
    fn read<'a>(&'a self, aws: &'a Aws, arguments: &'a Value) -> BoxFuture<'a, Result<Value, Fault>>;
}

struct Typed<T>(PhantomData<fn() -> T>);

struct Source<D> {
    /// Outputs that are never shown.
    secrets: Vec<Arc<str>>,
    of: PhantomData<fn() -> D>,
}

impl<R: Resource> ErasedResource for Typed<R> {
    fn create<'a>(&'a self, aws: &'a Aws, settings: &'a Value, token: &'a Token) -> BoxFuture<'a, Result<Id, Fault>> {
        Box::pin(async move { decode::<R>(R::TYPE, settings)?.create(aws, token).await })
    }

    fn read<'a>(&'a self, aws: &'a Aws, query: &'a Query) -> BoxFuture<'a, Result<Found, Fault>> {
        Box::pin(async move {
            let again = || async {
                let query = Query { shared: false, ..query.clone() };
                R::read(aws, &query).await
            };
            let seen = or_again_if_missing(R::read(aws, query), again).await?;
            seen.into_iter()
                .map(|(id, it)| {
                    let live = Live {
                        settings: encode(R::TYPE, &it.settings)?,
                        outputs: encode(R::TYPE, &it.outputs)?,
                        status: it.status,
                    };
                    Ok((id, live))
                })
                .collect()
        })
    }

    fn update<'a>(&'a self, aws: &'a Aws, id: &'a Id, was: &'a Value, settings: &'a Value) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move { decode::<R>(R::TYPE, settings)?.update(aws, id, &decode(R::TYPE, was)?).await })
    }

    fn delete<'a>(&'a self, aws: &'a Aws, id: &'a Id, settings: &'a Value) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move { decode::<R>(R::TYPE, settings)?.delete(aws, id).await })
    }

    fn namesakes<'a>(&'a self, aws: &'a Aws, settings: &'a Value) -> BoxFuture<'a, Result<Vec<Id>, Fault>> {
        Box::pin(async move { decode::<R>(R::TYPE, settings)?.namesakes(aws).await })
    }

    fn blockers<'a>(&'a self, aws: &'a Aws, id: &'a Id) -> BoxFuture<'a, Result<Vec<Blocker>, Fault>> {
        Box::pin(R::blockers(aws, id))
    }

    fn contents<'a>(&'a self, aws: &'a Aws, id: &'a Id) -> BoxFuture<'a, Result<Vec<Content>, Fault>> {
        Box::pin(R::contents(aws, id))
    }

    fn empty<'a>(&'a self, aws: &'a Aws, id: &'a Id) -> BoxFuture<'a, Result<Emptied, Fault>> {
        Box::pin(R::empty(aws, id))
    }

    fn preview<'a>(&'a self, aws: &'a Aws, id: Option<&'a Id>, settings: &'a Value) -> BoxFuture<'a, Result<Preview, Fault>> {
        Box::pin(R::preview(aws, id, settings))
    }

    fn find<'a>(&'a self, aws: &'a Aws, settings: &'a Value, token: &'a Token) -> BoxFuture<'a, Result<Vec<Id>, Fault>> {
        Box::pin(async move {
            let wanted = decode::<R>(R::TYPE, settings)?;
            let find = || async { Ok(wanted.find(aws, token).await?.into_iter().collect()) };
            or_again_if_missing(find(), find).await
        })
    }

    fn object<'a>(
        &'a self,
        aws: &'a Aws,
        is: Option<&'a Live>,
        settings: &'a Value,
    ) -> BoxFuture<'a, Result<Vec<Objection>, Fault>> {
        Box::pin(R::object(aws, is, settings))
    }
}

impl<D: Data> ErasedData for Source<D> {
    fn read<'a>(&'a self, aws: &'a Aws, arguments: &'a Value) -> BoxFuture<'a, Result<Value, Fault>> {
        Box::pin(async move {
            let answer = encode(D::TYPE, &decode::<D>(D::TYPE, arguments)?.read(aws).await?)?;
            Ok(answer.with_all(self.secrets.iter().map(|it| (it.clone(), answer.get(it).sensitive()))))
        })
    }
}

/// A read may take several calls, and what was there at the first may be gone at the next: then the first is asked again.
async fn or_again_if_missing<T, F: Future<Output = Result<T, Fault>>>(
    first: impl Future<Output = Result<T, Fault>>,
    again: impl FnOnce() -> F,
) -> Result<T, Fault> {
    match first.await {
        Err(fault) if fault.class == Class::Missing => again().await,
        other => other,
    }
}

/// Nulls are left out, so that a field's own default applies; so are members that the struct has as outputs.
pub fn decode<T: DeserializeOwned>(type_name: &str, settings: &Value) -> Result<T, Fault> {
    let unfit = |why: String| Fault::bug(type_name, format!("the settings do not fit their own schema: {why}"));
    let json = settings.to_json().ok_or_else(|| unfit("a part is not known yet".into()))?;
    serde_json::from_value(without_nulls(json)).map_err(|error| unfit(error.to_string()))
}

fn without_nulls(json: serde_json::Value) -> serde_json::Value {
    use serde_json::Value as Json;
    match json {
        Json::Object(members) => {
            Json::Object(members.into_iter().filter(|(_, it)| !it.is_null()).map(|(key, it)| (key, without_nulls(it))).collect())
        }
        Json::Array(items) => Json::Array(items.into_iter().map(without_nulls).collect()),
        leaf => leaf,
    }
}

pub fn encode<T: Serialize>(type_name: &str, value: &T) -> Result<Value, Fault> {
    let json = serde_json::to_value(value);
    let json = json.map_err(|error| Fault::bug(type_name, format!("the answer does not fit its own schema: {error}")))?;
    Ok(Value::from_json(&json))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn what_goes_between_two_calls_is_asked_for_once_more() {
        let asked = Cell::new(0);
        let ask = async |faults: &[Class]| {
            asked.set(0);
            let answer = async |again: bool| {
                let at = asked.replace(asked.get() + 1);
                let fault = faults.get(at).map(|class| Fault::new(*class, "call", "why"));
                fault.map_or(Ok(again), Err)
            };
            or_again_if_missing(answer(false), || answer(true)).await.map_err(|it| it.class)
        };
        assert_eq!((ask(&[]).await, asked.get()), (Ok(false), 1));
        assert_eq!((ask(&[Class::Missing]).await, asked.get()), (Ok(true), 2));
        assert_eq!((ask(&[Class::Missing, Class::Missing]).await, asked.get()), (Err(Class::Missing), 2));
        assert_eq!((ask(&[Class::Denied]).await, asked.get()), (Err(Class::Denied), 1));
    }
}
