//! What runs did: objects beside the document, `<key without .json>.runs/<name>.json`.

use crate::cloud::fault::from_sdk;
use crate::state::ledger::{RunName, RunRecord};
use crate::store::aws::Aws;
use crate::store::aws::object::Object;
use crate::store::aws::retry::{answered, has_code};
use crate::store::{StoreError, sealed};

fn prefix(object: &Object) -> String {
    format!("{}.runs/", object.key.strip_suffix(".json").unwrap_or(&object.key))
}

fn key(object: &Object, name: &RunName) -> String {
    format!("{}{name}.json", prefix(object))
}

fn place(object: &Object, key: &str) -> String {
    format!("s3://{}/{key}", object.bucket)
}

/// Newest first.
pub async fn list(object: &Object) -> Result<Vec<RunName>, StoreError> {
    let (prefix, mut names, mut token) = (prefix(object), Vec::new(), None);
    loop {
        let page = answered(|| {
            let request = object.client.list_objects_v2().bucket(&object.bucket).prefix(&prefix);
            let request = request.set_continuation_token(token.clone());
            async { request.send().await.map_err(|error| from_sdk("s3:ListObjectsV2", &error)) }
        })
        .await
        .map_err(|fault| object.explain(fault))?;
        let name = |key: &str| key.strip_prefix(&prefix)?.strip_suffix(".json")?.parse::<RunName>().ok();
        names.extend(page.contents.unwrap_or_default().iter().filter_map(|it| name(it.key()?)));
        token = page.next_continuation_token;
        if page.is_truncated != Some(true) || token.is_none() {
            break;
        }
    }
    names.sort_by(|a, b| b.cmp(a));
    Ok(names)
}

pub async fn read(store: &Aws, name: &RunName) -> Result<Option<RunRecord>, StoreError> {
    let object = &store.object;
    let key = key(object, name);
    match object.get_of(&key, None).await {
        Ok(read) => sealed::open_run(&store.vault, &place(object, &key), &store.stack, &read.bytes).await.map(Some),
        Err(fault) if has_code(&fault, "NoSuchKey") => Ok(None),
        Err(fault) => Err(object.explain(fault)),
    }
}

/// A record has one writer, so writing it again is safe.
pub async fn write(store: &Aws, run: &RunRecord) -> Result<(), StoreError> {
    let object = &store.object;
    let key = key(object, &run.name());
    let body = bytes::Bytes::from(sealed::render_run(&store.vault, &place(object, &key), run).await?);
    let written = answered(|| {
        let request = object.put_of(&key, &body);
        async { request.send().await.map_err(|error| from_sdk("s3:PutObject", &error)) }
    });
    written.await.map(drop).map_err(|fault| object.explain(fault))
}

pub async fn remove(object: &Object, name: &RunName) -> Result<(), StoreError> {
    let key = key(object, name);
    let removed = answered(|| {
        let request = object.client.delete_object().bucket(&object.bucket).key(&key);
        async { request.send().await.map_err(|error| from_sdk("s3:DeleteObject", &error)) }
    });
    removed.await.map(drop).map_err(|fault| object.explain(fault))
}
