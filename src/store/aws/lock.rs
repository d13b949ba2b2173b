//! The item `lock`. Every write of it is conditional and carries a new random version, so that whoever reads it back knows
//! whose write it is.

use std::time::Duration;

use aws_sdk_dynamodb::types::Update;

use crate::cloud::fault::from_sdk;
use crate::remote::{Class, Fault};
use crate::store::aws::retry::{Tries, has_code};
use crate::store::aws::table::{Attributes, Reader, Table, number, text};
use crate::store::lock::{LockRecord, Standing, random_version};
use crate::store::{Owner, StoreError, clock};

pub const ITEM: &str = "lock";

const OURS: &str = "#run = :run AND #epoch = :epoch AND #standing = :held";
const RENEW: &str = "SET #version = :version";

pub async fn read(table: &Table) -> Result<Option<LockRecord>, StoreError> {
    let Some(item) = table.get(ITEM).await? else { return Ok(None) };
    let item = Reader { place: table.place(ITEM), attributes: &item };
    let standing = match item.text("Standing")? {
        "held" => Standing::Held,
        "released" => Standing::Released,
        "broken" => Standing::Broken,
        _ => return Err(item.damaged("Standing")),
    };
    Ok(Some(LockRecord {
        version: item.text("Version")?.to_owned(),
        epoch: item.number("Epoch")?,
        lease: Duration::from_millis(item.number("LeaseMillis")?),
        owner: Owner { run: item.text("Run")?.into(), who: item.text("Who")?.into(), command: item.text("Command")?.into() },
        since: item.number("Since")?,
        standing,
    }))
}

fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::Held => "held",
        Standing::Released => "released",
        Standing::Broken => "broken",
    }
}

fn attributes(table: &Table, lock: &LockRecord) -> Attributes {
    let mut item = table.key(ITEM);
    item.extend([
        ("Version".to_owned(), text(&lock.version)),
        ("Epoch".to_owned(), number(lock.epoch)),
        ("LeaseMillis".to_owned(), number(clock::millis(lock.lease))),
        ("Run".to_owned(), text(&lock.owner.run)),
        ("Who".to_owned(), text(&lock.owner.who)),
        ("Command".to_owned(), text(&lock.owner.command)),
        ("Since".to_owned(), number(lock.since)),
        ("Standing".to_owned(), text(word(lock.standing))),
    ]);
    item
}

/// Writes `new` if the lock is still as it was seen. False when somebody was faster.
pub async fn replace(table: &Table, seen: Option<&LockRecord>, new: &LockRecord) -> Result<bool, StoreError> {
    let mut tries = Tries::default();
    loop {
        let request = table.client.put_item().table_name(&table.name).set_item(Some(attributes(table, new)));
        let request = match seen {
            None => request.condition_expression("attribute_not_exists(#item)").expression_attribute_names("#item", "Item"),
            Some(seen) => request
                .condition_expression("#version = :seen")
                .expression_attribute_names("#version", "Version")
                .expression_attribute_values(":seen", text(&seen.version)),
        };
        let Err(error) = request.send().await else { return Ok(true) };
        let fault = from_sdk("dynamodb:PutItem", &error);
        // It may have been an attempt of ours whose answer was lost that voided the condition: the version tells.
        let now = read(table).await?;
        if now.as_ref().is_some_and(|it| it.version == new.version) {
            return Ok(true);
        }
        if now.as_ref().map(|it| &it.version) != seen.map(|it| &it.version) {
            return Ok(false);
        }
        // Refused and yet unchanged: the one who refused it is not the one who answered the read.
        let again = has_code(&fault, "ConditionalCheckFailedException");
        let fault = if again { Fault { class: Class::Busy, ..fault } } else { fault };
        tries.again(fault).await.map_err(|fault| table.explain(fault))?;
    }
}

/// Who holds the lock, for conditions.
#[derive(Clone)]
pub struct Holding {
    pub run: String,
    pub epoch: u64,
}

impl Holding {
    fn values(&self, version: &str) -> Attributes {
        Attributes::from([
            (":run".to_owned(), text(&self.run)),
            (":epoch".to_owned(), number(self.epoch)),
            (":held".to_owned(), text(word(Standing::Held))),
            (":version".to_owned(), text(version)),
        ])
    }

    fn names() -> Option<std::collections::HashMap<String, String>> {
        let names = ["Run", "Epoch", "Standing", "Version"];
        Some(names.into_iter().map(|it| (format!("#{}", it.to_lowercase()), it.to_owned())).collect())
    }

    /// The part of a transaction that checks and renews.
    pub fn renewal(&self, table: &Table) -> Result<Update, Fault> {
        Update::builder()
            .table_name(&table.name)
            .set_key(Some(table.key(ITEM)))
            .condition_expression(OURS)
            .update_expression(RENEW)
            .set_expression_attribute_names(Self::names())
            .set_expression_attribute_values(Some(self.values(&random_version())))
            .build()
            .map_err(|error| Fault::bug("dynamodb:TransactWriteItems", error.to_string()))
    }

    /// Checks that the lock is still held, and renews it, or gives it back. False when somebody else has it.
    pub async fn update(&self, table: &Table, standing: Standing) -> Result<bool, StoreError> {
        let mut tries = Tries::default();
        let version = random_version();
        loop {
            let mut values = self.values(&version);
            values.insert(":standing".to_owned(), text(word(standing)));
            let request = table.client.update_item().table_name(&table.name).set_key(Some(table.key(ITEM)));
            let request = request
                .condition_expression(OURS)
                .update_expression("SET #version = :version, #standing = :standing")
                .set_expression_attribute_names(Self::names())
                .set_expression_attribute_values(Some(values));
            let Err(error) = request.send().await else { return Ok(true) };
            let fault = from_sdk("dynamodb:UpdateItem", &error);
            if has_code(&fault, "ConditionalCheckFailedException") {
                return Ok(read(table).await?.is_some_and(|it| it.version == version));
            }
            tries.again(fault).await.map_err(|fault| table.explain(fault))?;
        }
    }
}

/// Takes the lock away from `run`.
pub async fn break_open(table: &Table, run: &str) -> Result<(), StoreError> {
    let seen = read(table).await?.filter(|it| it.standing == Standing::Held);
    let not_held =
        |found: Option<LockRecord>| StoreError::NotHeldBy { wanted: run.to_owned(), found: found.map(|it| it.owner.run) };
    match seen {
        Some(lock) if lock.owner.run == run => {
            let holding = Holding { run: run.to_owned(), epoch: lock.epoch };
            match holding.update(table, Standing::Broken).await? {
                true => Ok(()),
                false => Err(not_held(read(table).await?.filter(|it| it.standing == Standing::Held))),
            }
        }
        other => Err(not_held(other)),
    }
}
