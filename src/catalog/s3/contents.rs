//! What lies in a bucket: versions of objects, delete markers, uploads that were never finished. It is only deleted without them.

use aws_sdk_s3::types::{Delete, MultipartUpload, ObjectIdentifier};

use crate::catalog::each::side_by_side;
use crate::cloud::aws::Aws;
use crate::cloud::fault::unfit;
use crate::remote::{Class, Content, Emptied, Fault};

/// The most that one call lists, and one call deletes (API reference, `ListObjectVersions`, `DeleteObjects`).
const PAGE: i32 = 1000;
/// Beyond so many pages, a bucket is only known to hold more.
const PAGES_COUNTED: usize = 200;

pub(super) async fn count(aws: &Aws, bucket: &str) -> Result<Vec<Content>, Fault> {
    let (versions, markers, more) = count_objects(aws, bucket).await?;
    let all = [
        Content { more, ..Content::new("object version", versions) },
        Content { more, ..Content::new("delete marker", markers) },
        Content::new("open multipart upload", count_uploads(aws, bucket).await?),
    ];
    Ok(all.into_iter().filter(|it| it.count > 0).collect())
}

/// Versions, delete markers, and whether there are more.
async fn count_objects(aws: &Aws, bucket: &str) -> Result<(u64, u64, bool), Fault> {
    let (mut versions, mut markers) = (0, 0);
    let mut from = (None, None);
    for _ in 0..PAGES_COUNTED {
        let ask = aws.s3().list_object_versions().bucket(bucket).max_keys(PAGE);
        let page = ask.set_key_marker(from.0).set_version_id_marker(from.1).send().await?;
        versions += page.versions().len() as u64;
        markers += page.delete_markers().len() as u64;
        if page.is_truncated() != Some(true) {
            return Ok((versions, markers, false));
        }
        from = (page.next_key_marker, page.next_version_id_marker);
    }
    Ok((versions, markers, true))
}

async fn count_uploads(aws: &Aws, bucket: &str) -> Result<u64, Fault> {
    let mut uploads = 0;
    let mut from = (None, None);
    loop {
        let ask = aws.s3().list_multipart_uploads().bucket(bucket).set_key_marker(from.0).set_upload_id_marker(from.1);
        let page = ask.send().await?;
        uploads += page.uploads().len() as u64;
        if page.is_truncated() != Some(true) {
            return Ok(uploads);
        }
        from = (page.next_key_marker, page.next_upload_id_marker);
    }
}

/// One page of it.
pub(super) async fn remove(aws: &Aws, bucket: &str) -> Result<Emptied, Fault> {
    let page = aws.s3().list_object_versions().bucket(bucket).max_keys(PAGE).send().await?;
    let versions = page.versions().iter().map(|it| (it.key(), it.version_id()));
    let markers = page.delete_markers().iter().map(|it| (it.key(), it.version_id()));
    let name = |(key, version): (Option<&str>, Option<&str>)| {
        let id = ObjectIdentifier::builder().key(key.unwrap_or_default()).set_version_id(version.map(str::to_owned));
        id.build().map_err(unfit("s3"))
    };
    let objects = versions.chain(markers).map(name).collect::<Result<Vec<_>, _>>()?;
    if objects.is_empty() {
        return abort_uploads(aws, bucket).await;
    }
    let asked = objects.len() as u64;
    let delete = Delete::builder().set_objects(Some(objects)).quiet(true).build().map_err(unfit("s3"))?;
    let answer = aws.s3().delete_objects().bucket(bucket).delete(delete).send().await?;
    // The answer is a success that lists failures.
    let refused = answer.errors();
    let removed = asked.saturating_sub(refused.len() as u64);
    match refused.first() {
        Some(first) if removed == 0 => {
            let (code, key) = (first.code().unwrap_or_default(), first.key().unwrap_or_default());
            let class = if code == "AccessDenied" { Class::Denied } else { Class::Refused };
            let message = format!("{key}: {}", first.message().unwrap_or_default());
            Err(Fault { code: Some(code.to_owned()), ..Fault::new(class, "s3:DeleteObjects", message) })
        }
        _ => Ok(Emptied { removed, more: true }),
    }
}

async fn abort_uploads(aws: &Aws, bucket: &str) -> Result<Emptied, Fault> {
    let page = aws.s3().list_multipart_uploads().bucket(bucket).send().await?;
    let abort = |it: &MultipartUpload| {
        let call = aws.s3().abort_multipart_upload().bucket(bucket);
        let call = call.set_key(it.key.clone()).set_upload_id(it.upload_id.clone());
        async move {
            match call.send().await.map_err(Fault::from) {
                Err(fault) if fault.class != Class::Missing => Err(fault),
                _ => Ok(()),
            }
        }
    };
    let aborted = side_by_side(page.uploads().iter().map(abort).collect()).await?;
    let removed = aborted.len() as u64;
    Ok(Emptied { removed, more: removed > 0 })
}
