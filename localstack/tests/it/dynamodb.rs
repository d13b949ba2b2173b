//! DynamoDB: tables take their time; conditions and transactions hold under races.

use serde_json::{Value, json};

use crate::client::{Answer, Expect};
use crate::{ANYONE, Caller, caller};

async fn call(caller: &Caller, action: &str, body: Value) -> Answer {
    caller.json("dynamodb", &format!("DynamoDB_20120810.{action}"), &body).await
}

async fn create(caller: &Caller, table: &str) -> Answer {
    let body = json!({
        "TableName": table,
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    });
    call(caller, "CreateTable", body).await
}

async fn status(caller: &Caller, table: &str) -> String {
    let answer = call(caller, "DescribeTable", json!({"TableName": table})).await;
    answer.json()["Table"]["TableStatus"].as_str().unwrap_or_default().to_owned()
}

async fn ready(caller: &Caller, table: &str) {
    create(caller, table).await.ok();
    while status(caller, table).await != "ACTIVE" {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn tables_come_and_go_slowly() {
    let caller = caller(ANYONE).await;
    let made = create(&caller, "slow").await.ok();
    assert_eq!(made.json()["TableDescription"]["TableStatus"], "CREATING");
    call(&caller, "DeleteTable", json!({"TableName": "slow"})).await.refused("ResourceInUseException");
    while status(&caller, "slow").await != "ACTIVE" {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    create(&caller, "slow").await.refused("ResourceInUseException");
    let backups = json!({"TableName": "slow", "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": true}});
    call(&caller, "UpdateContinuousBackups", backups.clone()).await.refused("ContinuousBackupsUnavailableException");
    tokio::time::sleep(std::time::Duration::from_millis(30)).await;
    call(&caller, "UpdateContinuousBackups", backups).await.ok();
    call(&caller, "DeleteTable", json!({"TableName": "slow"})).await.ok();
    assert_eq!(status(&caller, "slow").await, "DELETING");
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    call(&caller, "DescribeTable", json!({"TableName": "slow"})).await.refused("ResourceNotFoundException");
}

#[tokio::test]
async fn one_of_many_conditional_puts_wins() {
    let caller = caller(ANYONE).await;
    ready(&caller, "races").await;
    let puts = (0..30).map(|n: u32| {
        let put = json!({
            "TableName": "races",
            "Item": {"id": {"S": "lock"}, "owner": {"N": n.to_string()}},
            "ConditionExpression": "attribute_not_exists(id)",
        });
        call(&caller, "PutItem", put)
    });
    let answers = futures::future::join_all(puts).await;
    let won = answers.iter().filter(|answer| answer.status.is_success()).count();
    let lost = answers.iter().filter(|answer| answer.code() == "ConditionalCheckFailedException").count();
    assert_eq!((won, lost), (1, 29));
}

#[tokio::test]
async fn transactions_are_whole_and_idempotent() {
    let caller = caller(ANYONE).await;
    ready(&caller, "transactions").await;
    let write = |token: &str, id: &str, condition: &str| {
        json!({
            "ClientRequestToken": token,
            "TransactItems": [
                {"Put": {"TableName": "transactions", "Item": {"id": {"S": id}}, "ConditionExpression": condition}},
                {"Update": {
                    "TableName": "transactions",
                    "Key": {"id": {"S": "counter"}},
                    "UpdateExpression": "ADD seen :one",
                    "ExpressionAttributeValues": {":one": {"N": "1"}},
                }},
            ],
        })
    };
    let counter = async || {
        let get = json!({"TableName": "transactions", "Key": {"id": {"S": "counter"}}, "ConsistentRead": true});
        call(&caller, "GetItem", get).await.ok().json()["Item"]["seen"]["N"].as_str().unwrap_or("0").to_owned()
    };
    let new = "attribute_not_exists(id)";
    call(&caller, "TransactWriteItems", write("one", "a", new)).await.ok();
    call(&caller, "TransactWriteItems", write("one", "a", new)).await.ok();
    assert_eq!(counter().await, "1");
    call(&caller, "TransactWriteItems", write("one", "b", new)).await.refused("IdempotentParameterMismatchException");
    let cancelled = call(&caller, "TransactWriteItems", write("two", "a", new)).await.refused("TransactionCanceledException");
    assert_eq!(cancelled.json()["CancellationReasons"][0]["Code"], "ConditionalCheckFailed", "{cancelled:?}");
    assert_eq!(counter().await, "1");
}
