//! GetResources follows what is really tagged.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::client::Expect;
use crate::ec2_network::vpc;
use crate::{Caller, caller};

async fn page(caller: &Caller, body: Value) -> Value {
    let target = "ResourceGroupsTaggingAPI_20170126.GetResources";
    caller.json("tagging", target, &body).await.ok().json()
}

fn arns(page: &Value) -> BTreeSet<String> {
    let list = page["ResourceTagMappingList"].as_array().into_iter().flatten();
    list.filter_map(|mapping| mapping["ResourceARN"].as_str()).map(str::to_owned).collect()
}

#[tokio::test]
async fn tagged_resources_are_listed_until_they_are_gone() {
    let account = "700000000007";
    let mut caller = caller(account).await;
    let mine = json!({"TagFilters": [{"Key": "mine", "Values": ["yes"]}]});
    let tag = json!([{"Key": "mine", "Value": "yes"}]);

    let vpc = vpc(&caller).await;
    caller.ec2("CreateTags", &[("ResourceId.1", &vpc), ("Tag.1.Key", "mine"), ("Tag.1.Value", "yes")]).await.ok();
    let repository = json!({"repositoryName": "listed", "tags": tag});
    caller.json("ecr", "AmazonEC2ContainerRegistry_V20150921.CreateRepository", &repository).await.ok();
    let group = json!({"logGroupName": "/listed", "tags": {"mine": "yes"}});
    caller.json("logs", "Logs_20140328.CreateLogGroup", &group).await.ok();
    let key = caller.json("kms", "TrentService.CreateKey", &json!({"Tags": [{"TagKey": "mine", "TagValue": "yes"}]})).await.ok();
    let key = key.json()["KeyMetadata"]["Arn"].as_str().expect("an ARN").to_owned();
    let place = "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>";
    caller.rest("s3", "PUT", "/listed-bucket", place).await.ok();
    let tags = "<Tagging><TagSet><Tag><Key>mine</Key><Value>yes</Value></Tag></TagSet></Tagging>";
    caller.rest("s3", "PUT", "/listed-bucket?tagging", tags).await.ok();
    let table = json!({
        "TableName": "listed",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
        "Tags": tag,
    });
    caller.json("dynamodb", "DynamoDB_20120810.CreateTable", &table).await.ok();
    let zone =
        "<CreateHostedZoneRequest><Name>listed.example</Name><CallerReference>listed</CallerReference></CreateHostedZoneRequest>";
    let zone = caller.rest("route53", "POST", "/2013-04-01/hostedzone", zone).await.ok().text("Id").to_owned();
    let tags = "<ChangeTagsForResourceRequest><AddTags><Tag><Key>mine</Key><Value>yes</Value></Tag></AddTags></ChangeTagsForResourceRequest>";
    caller.rest("route53", "POST", &format!("/2013-04-01/tags{zone}"), tags).await.ok();
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}"#;
    let role = [
        ("RoleName", "unlisted"),
        ("AssumeRolePolicyDocument", trust),
        ("Tags.member.1.Key", "mine"),
        ("Tags.member.1.Value", "yes"),
    ];
    caller.query("iam", "CreateRole", &role).await.ok();

    let here = format!("eu-west-1:{account}");
    let vpc_arn = format!("arn:aws:ec2:{here}:vpc/{vpc}");
    let mut expected = BTreeSet::from([
        vpc_arn.clone(),
        format!("arn:aws:ecr:{here}:repository/listed"),
        format!("arn:aws:logs:{here}:log-group:/listed"),
        key.clone(),
        "arn:aws:s3:::listed-bucket".to_owned(),
        format!("arn:aws:dynamodb:{here}:table/listed"),
    ]);
    assert_eq!(arns(&page(&caller, mine.clone()).await), expected);
    caller.region = "us-east-1";
    assert_eq!(
        arns(&page(&caller, mine.clone()).await),
        BTreeSet::from([format!("arn:aws:route53:::{}", zone.trim_start_matches('/'))])
    );
    caller.region = "eu-west-1";

    let mut seen = BTreeSet::new();
    let mut token = json!("");
    loop {
        let part =
            page(&caller, json!({"ResourcesPerPage": 2, "PaginationToken": token, "TagFilters": mine["TagFilters"]})).await;
        assert!(arns(&part).len() <= 2);
        seen.extend(arns(&part));
        token = part["PaginationToken"].clone();
        if token == "" {
            break;
        }
    }
    assert_eq!(seen, expected);
    let only = page(&caller, json!({"ResourceTypeFilters": ["ec2:vpc", "kms"], "TagFilters": mine["TagFilters"]})).await;
    assert_eq!(arns(&only), BTreeSet::from([vpc_arn.clone(), key]));

    caller.ec2("DeleteTags", &[("ResourceId.1", &vpc), ("Tag.1.Key", "mine")]).await.ok();
    caller.rest("s3", "DELETE", "/listed-bucket", "").await.ok();
    caller.json("ecr", "AmazonEC2ContainerRegistry_V20150921.DeleteRepository", &json!({"repositoryName": "listed"})).await.ok();
    expected.retain(|arn| *arn != vpc_arn && !arn.contains(":s3:") && !arn.contains(":ecr:"));
    assert_eq!(arns(&page(&caller, mine).await), expected);
}
