//! The digest key for secrets: an item that is made once and never changes.

use crate::cloud::fault::from_sdk;
use crate::store::aws::retry::{answered, has_code};
use crate::store::aws::table::{Reader, Table, text};
use crate::store::{StoreError, key};

const ITEM: &str = "seal-key";

/// The key, made if it is not known yet.
pub async fn known_or_made(table: &Table, known: Option<[u8; 32]>) -> Result<[u8; 32], StoreError> {
    match known {
        Some(key) => Ok(key),
        None => make(table).await,
    }
}

pub async fn make(table: &Table) -> Result<[u8; 32], StoreError> {
    let place = table.place(ITEM);
    let key = key::random(&place)?;
    if put_once(table, &hex::encode(key)).await? {
        return Ok(key);
    }
    // Whoever was first made it; also when that was an attempt of ours whose answer was lost.
    read(table).await?.ok_or_else(|| key::vanished(place))
}

pub async fn read(table: &Table) -> Result<Option<[u8; 32]>, StoreError> {
    let Some(item) = table.get(ITEM).await? else { return Ok(None) };
    let item = Reader { place: table.place(ITEM), attributes: &item };
    key::from_text(&item.place, item.text("Key")?).map(Some)
}

/// False when there is one already.
async fn put_once(table: &Table, key: &str) -> Result<bool, StoreError> {
    let mut item = table.key(ITEM);
    item.insert("Key".to_owned(), text(key));
    let call = || {
        let request = table.client.put_item().table_name(&table.name).set_item(Some(item.clone()));
        let request = request.condition_expression("attribute_not_exists(#item)").expression_attribute_names("#item", "Item");
        async { request.send().await.map_err(|error| from_sdk("dynamodb:PutItem", &error)) }
    };
    match answered(call).await {
        Ok(_) => Ok(true),
        Err(fault) if has_code(&fault, "ConditionalCheckFailedException") => Ok(false),
        Err(fault) => Err(table.explain(fault)),
    }
}
