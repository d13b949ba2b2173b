//! The document as an object: read, written under the condition that it is the one last seen, and its former versions.

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ServerSideEncryption;
use futures::{StreamExt, TryStreamExt};

use crate::cloud::fault::from_sdk;
use crate::remote::{Class, Fault};
use crate::store::aws::retry::{Tries, answered, has_code};
use crate::store::{StoreError, Version};

/// How many former versions are listed.
const HISTORY_MAX: usize = 100;
const HEADS_AT_ONCE: usize = 8;

#[derive(Clone)]
pub struct Object {
    pub client: Client,
    pub bucket: String,
    pub key: String,
    pub kms_key_arn: Option<String>,
}

/// Which bytes of the object are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Etag(String);

pub struct Read {
    pub bytes: Vec<u8>,
    pub etag: Etag,
}

/// Whose write it is; kept in the object's metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub run: String,
    pub serial: u64,
}

impl Object {
    pub fn place(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.key)
    }

    pub async fn read(&self) -> Result<Option<Read>, StoreError> {
        match self.get(None).await {
            Ok(read) => Ok(Some(read)),
            Err(fault) if has_code(&fault, "NoSuchKey") => Ok(None),
            Err(fault) => Err(self.explain(fault)),
        }
    }

    pub async fn read_version(&self, id: &str) -> Result<Vec<u8>, StoreError> {
        const NONE: &[&str] = &["NoSuchVersion", "NoSuchKey", "InvalidArgument"];
        match self.get(Some(id)).await {
            Ok(read) => Ok(read.bytes),
            Err(fault) if fault.code.as_deref().is_some_and(|it| NONE.contains(&it)) => {
                Err(StoreError::NoVersion { place: self.place(), id: id.to_owned() })
            }
            Err(fault) => Err(self.explain(fault)),
        }
    }

    async fn get(&self, version: Option<&str>) -> Result<Read, Fault> {
        self.get_of(&self.key, version).await
    }

    /// Any object of the bucket.
    pub async fn get_of(&self, key: &str, version: Option<&str>) -> Result<Read, Fault> {
        const CALL: &str = "s3:GetObject";
        answered(|| {
            let request = self.client.get_object().bucket(&self.bucket).key(key).set_version_id(version.map(str::to_owned));
            async {
                let answer = request.send().await.map_err(|error| from_sdk(CALL, &error))?;
                let etag = Etag(answer.e_tag.unwrap_or_default());
                let body = answer.body.collect().await;
                let bytes = body.map_err(|error| Fault::new(Class::Busy, CALL, format!("the answer broke off: {error}")))?;
                Ok(Read { bytes: bytes.to_vec(), etag })
            }
        })
        .await
    }

    /// Which object is there, and whose.
    async fn head(&self, version: Option<&str>) -> Result<Option<(Etag, Option<Mark>)>, Fault> {
        let head = answered(|| {
            let request =
                self.client.head_object().bucket(&self.bucket).key(&self.key).set_version_id(version.map(str::to_owned));
            async { request.send().await.map_err(|error| from_sdk("s3:HeadObject", &error)) }
        })
        .await;
        match head {
            Ok(head) => {
                let about = head.metadata.unwrap_or_default();
                let serial = about.get("serial").and_then(|it| it.parse().ok());
                let mark = about.get("run").zip(serial).map(|(run, serial)| Mark { run: run.clone(), serial });
                Ok(Some((Etag(head.e_tag.unwrap_or_default()), mark)))
            }
            Err(fault) if fault.class == Class::Missing => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// The request that writes a JSON document into the bucket, encrypted as the stack says.
    pub fn put_of(&self, key: &str, body: &bytes::Bytes) -> PutObjectFluentBuilder {
        let request = self.client.put_object().bucket(&self.bucket).key(key).content_type("application/json");
        let request = request.body(ByteStream::from(body.clone()));
        match &self.kms_key_arn {
            Some(arn) => request.server_side_encryption(ServerSideEncryption::AwsKms).ssekms_key_id(arn),
            None => request,
        }
    }

    /// Writes the document if the one that is there is still `seen`. None when it is another one by now.
    pub async fn write(&self, bytes: Vec<u8>, seen: Option<&Etag>, mark: &Mark) -> Result<Option<Etag>, StoreError> {
        let body = bytes::Bytes::from(bytes);
        let mut tries = Tries::default();
        loop {
            let request = self.put_of(&self.key, &body).metadata("run", &mark.run).metadata("serial", mark.serial.to_string());
            let request = match seen {
                Some(Etag(etag)) => request.if_match(etag),
                None => request.if_none_match("*"),
            };
            let fault = match request.send().await {
                Ok(answer) => match answer.e_tag {
                    Some(etag) => return Ok(Some(Etag(etag))),
                    None => Fault::new(Class::Unknown, "s3:PutObject", "the answer has no ETag"),
                },
                Err(error) => from_sdk("s3:PutObject", &error),
            };
            let condition = has_code(&fault, "PreconditionFailed") || has_code(&fault, "ConditionalRequestConflict");
            if !condition && !matches!(fault.class, Class::Unknown | Class::Busy) {
                return Err(self.explain(fault));
            }
            // Whose write is there now? Perhaps an attempt of ours whose answer was lost.
            let now = self.head(None).await.map_err(|fault| self.explain(fault))?;
            match now {
                Some((etag, Some(found))) if found == *mark => return Ok(Some(etag)),
                now if now.as_ref().map(|(etag, _)| etag) != seen => return Ok(None),
                _ => {}
            }
            // Unchanged: the condition was not met a moment ago only because another write was under way.
            let again = if condition { Fault { class: Class::Busy, ..fault } } else { fault };
            tries.again(again).await.map_err(|fault| self.explain(fault))?;
        }
    }

    /// Former versions, newest first.
    pub async fn history(&self) -> Result<Vec<Version>, StoreError> {
        let mut found = Vec::new();
        let (mut key, mut version) = (None, None);
        while found.len() < HISTORY_MAX {
            let page = answered(|| {
                let request = self.client.list_object_versions().bucket(&self.bucket).prefix(&self.key);
                let request = request.set_key_marker(key.clone()).set_version_id_marker(version.clone());
                async { request.send().await.map_err(|error| from_sdk("s3:ListObjectVersions", &error)) }
            })
            .await
            .map_err(|fault| self.explain(fault))?;
            let former = |it: &aws_sdk_s3::types::ObjectVersion| it.key() == Some(&self.key) && it.is_latest() != Some(true);
            found.extend(page.versions.unwrap_or_default().into_iter().filter(former));
            if page.is_truncated != Some(true) {
                break;
            }
            (key, version) = (page.next_key_marker, page.next_version_id_marker);
        }
        found.truncate(HISTORY_MAX);
        let versions: Vec<_> = found.into_iter().map(|it| self.describe(it)).collect();
        futures::stream::iter(versions).buffered(HEADS_AT_ONCE).try_collect().await.map_err(|fault| self.explain(fault))
    }

    async fn describe(&self, version: aws_sdk_s3::types::ObjectVersion) -> Result<Version, Fault> {
        let id = version.version_id.unwrap_or_default();
        let mark = self.head(Some(&id)).await?.and_then(|(_, mark)| mark);
        let at = version.last_modified.and_then(|it| it.to_millis().ok()).and_then(|it| u64::try_from(it).ok());
        Ok(Version {
            id,
            serial: mark.map_or(0, |it| it.serial),
            at: at.unwrap_or_default(),
            size: version.size.and_then(|it| u64::try_from(it).ok()).unwrap_or_default(),
        })
    }

    /// A bucket that is not there is told as such, with what to do.
    pub fn explain(&self, fault: Fault) -> StoreError {
        match has_code(&fault, "NoSuchBucket") {
            true => StoreError::Absent(format!("the bucket `{}` does not exist; `infra bootstrap` makes it", self.bucket)),
            false => StoreError::Cloud(fault),
        }
    }
}
