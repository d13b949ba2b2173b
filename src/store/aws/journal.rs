//! The items `journal#<epoch>#<seq>`, zero-padded so that they sort by position. A commit that is too long for one item goes on
//! in `journal#<epoch>#<seq>#<part>`, all of them written in the same transaction.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{DeleteRequest, Put, WriteRequest};
use futures::FutureExt;
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::cloud::fault::from_sdk;
use crate::remote::{Class, Fault};
use crate::secrets::envelope::What;
use crate::secrets::vault::Vault;
use crate::state::{Commit, Entry, Position};
use crate::store::aws::retry::{Tries, answered};
use crate::store::aws::table::{Attributes, Reader, Table, number, text};
use crate::store::{StoreError, sealed};

/// An item may have 400 KB, names and all (DynamoDB, "Service, account, and table quotas").
const PART_BYTES: usize = 350 * 1_024;
/// A transaction may have 4 MB and 100 items, the lock's among them.
const COMMIT_BYTES: usize = 10 * PART_BYTES;
/// What one `BatchWriteItem` takes.
const BATCH: usize = 25;
const BATCHES_AT_ONCE: usize = 8;

/// How long the text of a commit may be. Encrypted, it is longer by a third, and by its keys.
pub fn commit_bytes(vault: &Vault) -> usize {
    if vault.seals() { COMMIT_BYTES / 3 * 2 } else { COMMIT_BYTES }
}

/// The text that is stored for a commit.
pub async fn seal(vault: &Vault, place: &str, entries: String) -> Result<String, StoreError> {
    let bytes = vault.seal(What::Journal, entries.into_bytes()).await.map_err(|error| sealed::refused(place, error))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What was found.
pub struct Journal {
    pub commits: Vec<Commit>,
    /// The sort keys of all items.
    pub items: Vec<String>,
}

pub fn item_name(position: Position, part: usize) -> String {
    let first = format!("journal#{:020}#{:020}", position.epoch, position.seq);
    if part == 0 { first } else { format!("{first}#{part:03}") }
}

/// The whole journal, as it is now.
pub async fn read(table: &Table, vault: &Vault) -> Result<Journal, StoreError> {
    let mut journal = Journal { commits: Vec::new(), items: Vec::new() };
    let mut parts: BTreeMap<(u64, u64), Parts> = BTreeMap::new();
    let mut start = None;
    loop {
        let call = || {
            let request = table.client.query().table_name(&table.name).consistent_read(true);
            let request = request
                .key_condition_expression("#stack = :stack AND begins_with(#item, :journal)")
                .expression_attribute_names("#stack", "Stack")
                .expression_attribute_names("#item", "Item")
                .expression_attribute_values(":stack", text(table.stack.as_str()))
                .expression_attribute_values(":journal", text("journal#"))
                .set_exclusive_start_key(start.clone());
            async { request.send().await.map_err(|error| from_sdk("dynamodb:Query", &error)) }
        };
        let page = answered(call).await.map_err(|fault| table.explain(fault))?;
        for attributes in page.items.unwrap_or_default() {
            let item = Reader { place: table.place("journal"), attributes: &attributes };
            journal.items.push(item.text("Item")?.to_owned());
            let commit = parts.entry((item.number("Epoch")?, item.number("Seq")?)).or_default();
            commit.wanted = item.number("Parts")?;
            commit.found.insert(item.number("Part")?, item.text("Entries")?.to_owned());
        }
        start = page.last_evaluated_key.filter(|it| !it.is_empty());
        if start.is_none() {
            break;
        }
    }
    for ((epoch, seq), parts) in parts {
        // Parts are written together; if some are gone, the commit is being removed because the document contains it.
        if parts.found.len() as u64 == parts.wanted {
            let position = Position { epoch, seq };
            let entries = parts.found.into_values().collect::<String>();
            let place = table.place(&item_name(position, 0));
            let entries = vault.open(What::Journal, entries.as_bytes()).await.map_err(|error| sealed::refused(&place, error))?;
            let damaged = |error: serde_json::Error| StoreError::Damaged { place: place.clone(), why: error.to_string() };
            journal.commits.push(Commit { position, entries: serde_json::from_slice(&entries).map_err(damaged)? });
        }
    }
    Ok(journal)
}

#[derive(Default)]
struct Parts {
    wanted: u64,
    found: BTreeMap<u64, String>,
}

/// Splits entries into texts that fit a transaction each.
pub fn split(place: &str, entries: &[Entry], bytes_max: usize) -> Result<Vec<String>, StoreError> {
    let refused = |problem: String| StoreError::Refused { place: place.to_owned(), problems: vec![problem] };
    let mut commits: Vec<String> = Vec::new();
    for entry in entries {
        let entry = serde_json::to_string(entry).map_err(|error| refused(error.to_string()))?;
        if entry.len() + 2 > bytes_max {
            return Err(refused(format!("a journal entry of {} bytes is more than a transaction takes", entry.len())));
        }
        match commits.last_mut().filter(|it| it.len() + 1 + entry.len() < bytes_max) {
            Some(commit) => {
                commit.push(',');
                commit.push_str(&entry);
            }
            None => commits.push(format!("[{entry}")),
        }
    }
    commits.iter_mut().for_each(|it| it.push(']'));
    Ok(commits)
}

/// The items of one commit, which must not be there yet. `token` tells whose they are.
pub fn items(table: &Table, position: Position, token: &str, entries: &str) -> Vec<Attributes> {
    let mut parts = Vec::new();
    let mut rest = entries;
    while !rest.is_empty() {
        let (part, after) = rest.split_at(rest.floor_char_boundary(PART_BYTES));
        parts.push(part);
        rest = after;
    }
    let count = parts.len() as u64;
    let item = |(number_of, part): (usize, &&str)| {
        let mut item = table.key(&item_name(position, number_of));
        item.extend([
            ("Epoch".to_owned(), number(position.epoch)),
            ("Seq".to_owned(), number(position.seq)),
            ("Part".to_owned(), number(number_of as u64)),
            ("Parts".to_owned(), number(count)),
            ("Commit".to_owned(), text(token)),
            ("Entries".to_owned(), text(*part)),
        ]);
        item
    };
    parts.iter().enumerate().map(item).collect()
}

/// The part of a transaction that makes an item.
pub fn put_new(table: &Table, item: Attributes) -> Result<Put, Fault> {
    Put::builder()
        .table_name(&table.name)
        .set_item(Some(item))
        .condition_expression("attribute_not_exists(#item)")
        .expression_attribute_names("#item", "Item")
        .build()
        .map_err(|error| Fault::bug("dynamodb:TransactWriteItems", error.to_string()))
}

/// Removes items that the document contains by now.
pub async fn remove(table: &Table, items: &[String]) -> Result<(), StoreError> {
    // Boxed, or the compiler does not see that it may go to another thread.
    let batches: Vec<_> = items.chunks(BATCH).map(|batch| remove_batch(table, batch).boxed()).collect();
    stream::iter(batches).buffer_unordered(BATCHES_AT_ONCE).try_collect().await
}

async fn remove_batch(table: &Table, items: &[String]) -> Result<(), StoreError> {
    const CALL: &str = "dynamodb:BatchWriteItem";
    let request = |item: &String| {
        let delete = DeleteRequest::builder().set_key(Some(table.key(item))).build();
        delete.map(|it| WriteRequest::builder().delete_request(it).build()).map_err(|it| Fault::bug(CALL, it.to_string()))
    };
    let mut left = items.iter().map(request).collect::<Result<Vec<_>, _>>()?;
    let mut tries = Tries::default();
    loop {
        let sent = table.client.batch_write_item().request_items(&table.name, left.clone()).send().await;
        let fault = match sent {
            Ok(answer) => {
                left = answer.unprocessed_items.and_then(|mut it| it.remove(&table.name)).unwrap_or_default();
                if left.is_empty() {
                    return Ok(());
                }
                Fault::new(Class::Busy, CALL, format!("{} deletions were put off", left.len()))
            }
            Err(error) => from_sdk(CALL, &error),
        };
        tries.again(fault).await.map_err(|fault| table.explain(fault))?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::sample;
    use crate::value::Value;

    fn entry(bytes: usize) -> Entry {
        Entry::Intent(sample::creation("1.1", 1, Value::from("é".repeat(bytes / 2))))
    }

    #[test]
    fn positions_sort_as_their_names_do() {
        let name = |epoch, seq, part| item_name(Position { epoch, seq }, part);
        let names = [name(9, 10, 0), name(10, 2, 0), name(10, 10, 0), name(10, 10, 1), name(10, 11, 0)];
        assert!(names.is_sorted(), "{names:?}");
    }

    #[test]
    fn long_commits_are_split_between_entries_and_reassembled() {
        let entries = vec![entry(10), entry(3_000_000), entry(500_000), entry(500_000)];
        let commits = split("here", &entries, COMMIT_BYTES).unwrap();
        assert_eq!(commits.len(), 2);
        let read: Vec<Entry> = commits.iter().flat_map(|it| serde_json::from_str::<Vec<Entry>>(it).unwrap()).collect();
        assert_eq!(read, entries);
        assert!(matches!(split("here", &[entry(4_000_000)], COMMIT_BYTES), Err(StoreError::Refused { .. })));
        assert_eq!(split("here", &[], COMMIT_BYTES).unwrap(), Vec::<String>::new());
    }
}
