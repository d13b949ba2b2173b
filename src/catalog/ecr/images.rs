//! The images of a repository, without which alone it is deleted.

use std::collections::BTreeSet;

use aws_sdk_ecr::types::{ImageFailure, ImageIdentifier};

use crate::cloud::aws::Aws;
use crate::remote::{Blocker, Class, Content, Emptied, Fault};

/// The largest page of `ListImages`, and the most that one `BatchDeleteImage` takes (API reference).
const PAGE: i32 = 1000;
const BATCH: usize = 100;

/// By digest: each of an image's tags is an entry of its own.
async fn list(aws: &Aws, name: &str) -> Result<Vec<ImageIdentifier>, Fault> {
    let pages = aws.ecr().list_images().repository_name(name).max_results(PAGE).into_paginator().items().send();
    Ok(pages.try_collect().await?)
}

pub(super) async fn count(aws: &Aws, name: &str) -> Result<Vec<Content>, Fault> {
    let images = list(aws, name).await?;
    let digests: BTreeSet<&str> = images.iter().filter_map(|it| it.image_digest()).collect();
    let content = Content::new("image", digests.len() as u64);
    Ok(Some(content).filter(|it| it.count > 0).into_iter().collect())
}

pub(super) async fn blockers(aws: &Aws, name: &str) -> Result<Vec<Blocker>, Fault> {
    let words = |it: &ImageIdentifier| match (it.image_tag(), it.image_digest()) {
        (Some(tag), _) => format!("the image {name}:{tag}"),
        (None, digest) => format!("the image {name}@{}", digest.unwrap_or_default()),
    };
    Ok(list(aws, name).await?.iter().map(|it| Blocker::new(words(it))).collect())
}

/// What of a page can be deleted now: images of a manifest list go a round after it.
pub(super) async fn remove(aws: &Aws, name: &str) -> Result<Emptied, Fault> {
    let page = aws.ecr().list_images().repository_name(name).max_results(PAGE).send().await?;
    let digests: BTreeSet<String> = page.image_ids.unwrap_or_default().into_iter().filter_map(|it| it.image_digest).collect();
    let digests: Vec<String> = digests.into_iter().collect();
    let (mut removed, mut refused) = (0, Vec::new());
    for some in digests.chunks(BATCH) {
        let ids = some.iter().map(|it| ImageIdentifier::builder().image_digest(it).build());
        let answer = aws.ecr().batch_delete_image().repository_name(name).set_image_ids(Some(ids.collect())).send().await?;
        let failures = answer.failures.unwrap_or_default();
        removed += some.len().saturating_sub(failures.len()) as u64;
        refused.extend(failures);
    }
    match refused.first() {
        Some(first) if removed == 0 => Err(fault(name, first)),
        _ => Ok(Emptied { removed, more: removed > 0 }),
    }
}

fn fault(name: &str, failure: &ImageFailure) -> Fault {
    let digest = failure.image_id().and_then(|it| it.image_digest()).unwrap_or_default();
    let message = format!("{name}@{digest}: {}", failure.failure_reason().unwrap_or_default());
    let code = failure.failure_code().map(|it| it.as_str().to_owned());
    Fault { code, ..Fault::new(Class::Refused, "ecr:BatchDeleteImage", message) }
}
