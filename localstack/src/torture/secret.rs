//! The secret that the stack is given, and everything that infra writes searched for it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::json;

use super::{Broken, Site};
use crate::client::Caller;
use crate::xml::Node;

/// What the stack's `secret` is. It goes to the cloud, and nowhere else.
pub(super) const SECRET: &str = "Zx9-tortured-Qw7";

/// What was searched.
#[derive(Default)]
pub(super) struct Search {
    /// Versions of objects never change.
    seen: BTreeSet<String>,
    places: u64,
    hits: Vec<String>,
}

impl Search {
    fn look(&mut self, place: String, text: &[u8]) {
        self.places += 1;
        if text.windows(SECRET.len()).any(|it| it == SECRET.as_bytes()) {
            self.hits.push(place);
        }
    }

    fn files(&mut self, folder: &Path) -> Result<(), Broken> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            match path.is_dir() {
                true => self.files(&path)?,
                false => self.look(path.display().to_string(), &fs::read(&path)?),
            }
        }
        Ok(())
    }

    /// All versions of all objects that were not searched yet.
    async fn objects(&mut self, caller: &Caller, bucket: &str) -> Result<(), Broken> {
        let answer = caller.rest("s3", "GET", &format!("/{bucket}?versions"), "").await?.success("s3", "ListObjectVersions")?;
        let list = Node::parse(answer.body.as_bytes()).unwrap_or_default();
        for version in list.children.iter().filter(|it| it.name == "Version") {
            let path = format!("/{bucket}/{}?versionId={}", version.get("Key"), version.get("VersionId"));
            if self.seen.insert(path.clone()) {
                let object = caller.rest("s3", "GET", &path, "").await?.success("s3", &path)?;
                self.look(path, object.body.as_bytes());
            }
        }
        Ok(())
    }

    async fn items(&mut self, caller: &Caller, table: &str) -> Result<(), Broken> {
        let all = caller.json("dynamodb", "DynamoDB_20120810.Scan", &json!({ "TableName": table })).await?;
        for item in all.success("dynamodb", "Scan")?.json()["Items"].as_array().into_iter().flatten() {
            self.look(format!("{table}: {}", item["Item"]), item.to_string().as_bytes());
        }
        Ok(())
    }
}

impl Site<'_> {
    /// Searches all that infra has written here: its files, what it said, its state with all former versions, lock and journal.
    /// Returns how many places were looked at; a hit is an error.
    pub async fn search(&self) -> Result<u64, Broken> {
        let mut search = self.searched.lock().await;
        let before = search.places;
        search.files(&self.folder)?;
        if let Some((bucket, table)) = &self.store {
            search.objects(&self.caller, bucket).await?;
            search.items(&self.caller, table).await?;
        }
        match search.hits.as_slice() {
            [] => Ok(search.places - before),
            hits => Err(Broken::new(format!("a secret stands in clear in\n{}", hits.join("\n")))),
        }
    }
}
