//! Things that the cloud tells of one by one.

use std::collections::BTreeMap;

use futures::stream::{self, StreamExt, TryStreamExt};

use crate::remote::{Fault, Id};
use crate::resource::{Resource, Seen};

/// How many things are asked for at a time; the transport's rates apply besides.
const SIDE_BY_SIDE: usize = 16;

/// All answers, as they come.
pub async fn side_by_side<T>(asks: Vec<impl Future<Output = Result<T, Fault>>>) -> Result<Vec<T>, Fault> {
    stream::iter(asks).buffer_unordered(SIDE_BY_SIDE).try_collect().await
}

/// What there is of these, where each is a call of its own.
pub async fn read_each<'a, R, F>(ids: &'a [Id], look: impl Fn(&'a Id) -> F) -> Result<BTreeMap<Id, Seen<R>>, Fault>
where
    R: Resource,
    F: Future<Output = Result<Option<Seen<R>>, Fault>>,
{
    let look = |id: &'a Id| {
        let look = look(id);
        async move { Ok(look.await?.map(|it| (id.clone(), it))) }
    };
    Ok(side_by_side(ids.iter().map(look).collect()).await?.into_iter().flatten().collect())
}
