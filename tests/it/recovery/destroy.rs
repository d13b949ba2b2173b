//! `infra destroy` where others have put things into what shall go: what can go goes, what stays says why, and the next run
//! ends it.

use localstack::client::Caller;
use localstack::{Cloud, REGION};
use serde_json::{Value, json};

use super::steady;
use crate::cli::person::{Repository, Said};

const REPOSITORY: &str = "blocked";

fn stack(bucket: &str) -> String {
    format!(
        r#"
stack {{
  region = "{REGION}"
}}

resource "aws_vpc" "main" {{
  cidr_block = "10.0.0.0/16"
}}

resource "aws_subnet" "a" {{
  vpc_id     = aws_vpc.main.id
  cidr_block = "10.0.0.0/24"
}}

resource "aws_internet_gateway" "main" {{
  vpc_id = aws_vpc.main.id
}}

resource "aws_eip" "main" {{
  domain = "vpc"
}}

resource "aws_route_table" "main" {{
  vpc_id = aws_vpc.main.id
}}

resource "aws_security_group" "web" {{
  name        = "web"
  description = "web"
  vpc_id      = aws_vpc.main.id
}}

resource "aws_s3_bucket" "data" {{
  bucket = "{bucket}"
  versioning {{ status = "Enabled" }}
}}

resource "aws_ecr_repository" "service" {{
  name = "{REPOSITORY}"
}}

resource "aws_route53_zone" "main" {{
  name = "blocked.example"
}}

resource "aws_route53_record" "www" {{
  zone_id = aws_route53_zone.main.id
  name    = "www.blocked.example"
  type    = "A"
  ttl     = 60
  records = ["10.0.0.1"]
}}

resource "aws_iam_role" "app" {{
  name = "blocked-app"
  assume_role_policy = jsonencode({{
    Version   = "2012-10-17"
    Statement = [{{ Effect = "Allow", Action = "sts:AssumeRole", Principal = {{ Service = "ec2.amazonaws.com" }} }}]
  }})
}}

resource "aws_iam_policy" "read" {{
  name = "blocked-read"
  policy = jsonencode({{
    Version   = "2012-10-17"
    Statement = [{{ Effect = "Allow", Action = "s3:GetObject", Resource = "*" }}]
  }})
}}

resource "aws_kms_key" "free" {{
  description = "nothing is in its way"
}}
"#
    )
}

/// Somebody who puts things into what the stack made, and takes them out.
struct Other {
    caller: Caller,
    bucket: String,
    zone: String,
    /// The stack's, by their addresses.
    ids: Value,
    /// Commands of EC2 that take away again what was put there, in order.
    undo: Vec<(&'static str, Vec<(&'static str, String)>)>,
}

impl Other {
    fn id(&self, address: &str) -> String {
        self.ids["resources"][address]["id"].as_str().unwrap_or_else(|| panic!("{address} in {}", self.ids)).to_owned()
    }

    async fn ec2(&self, action: &str, parameters: &[(&str, &str)], wanted: &str) -> String {
        let answer = self.caller.ec2(action, parameters).await.unwrap().success("ec2", action).unwrap();
        answer.text(wanted).to_owned()
    }

    async fn iam(&self, action: &str, parameters: &[(&str, &str)]) {
        self.caller.query("iam", action, parameters).await.unwrap().success("iam", action).unwrap();
    }

    async fn rest(&self, service: &str, method: &str, path: &str, body: &str) -> String {
        self.caller.rest(service, method, path, body).await.unwrap().success(service, path).unwrap().body
    }

    async fn put_things_in_networks(&mut self) {
        let (vpc, subnet, group) = (self.id("aws_vpc.main"), self.id("aws_subnet.a"), self.id("aws_security_group.web"));
        let place = [("SubnetId", subnet.as_str()), ("SecurityGroupId.1", &group), ("Description", "left by hand")];
        let interface = self.ec2("CreateNetworkInterface", &place, "networkInterfaceId").await;
        let address = [("AllocationId", &*self.id("aws_eip.main")), ("NetworkInterfaceId", &interface)];
        let association = self.ec2("AssociateAddress", &address, "associationId").await;
        let other = [("GroupName", "other"), ("GroupDescription", "by hand"), ("VpcId", vpc.as_str())];
        let other = self.ec2("CreateSecurityGroup", &other, "groupId").await;
        let rule = [
            ("GroupId", other.as_str()),
            ("IpPermissions.1.IpProtocol", "tcp"),
            ("IpPermissions.1.FromPort", "443"),
            ("IpPermissions.1.ToPort", "443"),
            ("IpPermissions.1.Groups.1.GroupId", group.as_str()),
        ];
        self.ec2("AuthorizeSecurityGroupIngress", &rule, "return").await;
        let foreign = self.ec2("CreateSubnet", &[("VpcId", &vpc), ("CidrBlock", "10.0.9.0/24")], "subnetId").await;
        let table = [("RouteTableId", &*self.id("aws_route_table.main")), ("SubnetId", &foreign)];
        let routed = self.ec2("AssociateRouteTable", &table, "associationId").await;
        self.undo = vec![
            ("DisassociateAddress", vec![("AssociationId", association)]),
            ("DeleteNetworkInterface", vec![("NetworkInterfaceId", interface)]),
            ("DeleteSecurityGroup", vec![("GroupId", other)]),
            ("DisassociateRouteTable", vec![("AssociationId", routed)]),
            ("DeleteSubnet", vec![("SubnetId", foreign)]),
        ];
    }

    async fn attach_policies(&self) {
        let managed = "arn:aws:iam::aws:policy/ReadOnlyAccess";
        self.iam("AttachRolePolicy", &[("RoleName", "blocked-app"), ("PolicyArn", managed)]).await;
        let inline = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}"#;
        let inline = [("RoleName", "blocked-app"), ("PolicyName", "by-hand"), ("PolicyDocument", inline)];
        self.iam("PutRolePolicy", &inline).await;
        self.iam("CreateUser", &[("UserName", "blocked-ann")]).await;
        let policy = self.id("aws_iam_policy.read");
        self.iam("AttachUserPolicy", &[("UserName", "blocked-ann"), ("PolicyArn", &policy)]).await;
    }

    async fn detach_policies(&self) {
        let managed = "arn:aws:iam::aws:policy/ReadOnlyAccess";
        self.iam("DetachRolePolicy", &[("RoleName", "blocked-app"), ("PolicyArn", managed)]).await;
        self.iam("DeleteRolePolicy", &[("RoleName", "blocked-app"), ("PolicyName", "by-hand")]).await;
        let policy = self.id("aws_iam_policy.read");
        self.iam("DetachUserPolicy", &[("UserName", "blocked-ann"), ("PolicyArn", &policy)]).await;
        self.iam("DeleteUser", &[("UserName", "blocked-ann")]).await;
    }

    async fn fill_bucket(&self) {
        for key in ["one", "two", "two"] {
            self.rest("s3", "PUT", &format!("/{}/{key}", self.bucket), "text").await;
        }
        self.rest("s3", "DELETE", &format!("/{}/one", self.bucket), "").await;
        self.rest("s3", "POST", &format!("/{}/large?uploads", self.bucket), "").await;
    }

    async fn push_images(&self) {
        for tag in ["1", "2"] {
            let config = json!({
                "mediaType": "application/vnd.docker.container.image.v1+json", "size": 1, "digest": format!("sha256:{tag:0>64}"),
            });
            let manifest = json!({
                "schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
                "config": config, "layers": [],
            });
            let image = json!({ "repositoryName": REPOSITORY, "imageTag": tag, "imageManifest": manifest.to_string() });
            let target = "AmazonEC2ContainerRegistry_V20150921.PutImage";
            self.caller.json("ecr", target, &image).await.unwrap().success("ecr", "PutImage").unwrap();
        }
    }

    async fn add_records(&self) {
        for (name, value) in [("api", "10.0.0.2"), ("*", "10.0.0.3")] {
            let change = format!(
                "<ChangeResourceRecordSetsRequest xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"><ChangeBatch><Changes>\
                 <Change><Action>CREATE</Action><ResourceRecordSet><Name>{name}.blocked.example</Name><Type>A</Type><TTL>60</TTL>\
                 <ResourceRecords><ResourceRecord><Value>{value}</Value></ResourceRecord></ResourceRecords></ResourceRecordSet>\
                 </Change></Changes></ChangeBatch></ChangeResourceRecordSetsRequest>"
            );
            self.rest("route53", "POST", &format!("/2013-04-01/hostedzone/{}/rrset", self.zone), &change).await;
        }
    }

    async fn take_out_of_networks(&self) {
        for (action, parameters) in &self.undo {
            let parameters: Vec<_> = parameters.iter().map(|(name, it)| (*name, it.as_str())).collect();
            self.ec2(action, &parameters, "return").await;
        }
    }
}

async fn applied(cloud: &Cloud, here: &Repository, account: &str, bucket: &str) -> Other {
    here.binary(cloud, account, "apply --auto-approve").ends(0);
    let ids = here.binary(cloud, account, "state pull").ends(0).json();
    let zone = ids["resources"]["aws_route53_zone.main"]["id"].as_str().unwrap().to_owned();
    Other { caller: Caller::new(cloud, account), bucket: bucket.to_owned(), zone, ids, undo: Vec::new() }
}

/// What the summary says of a failed step: its lines up to the next empty one.
fn said_of<'a>(said: &'a Said, address: &str) -> &'a str {
    let at = said.out.find(&format!("failed {address}\n")).unwrap_or_else(|| panic!("{address} did not fail:\n{}", said.out));
    said.out[at..].split("\n\n").next().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_way_is_named_and_the_rest_goes() {
    const ACCOUNT: &str = "800000000410";
    const BUCKET: &str = "blocked-800000000410";
    let cloud = Cloud::shared().await.unwrap();
    let here = Repository::of(&stack(BUCKET));
    let run = |line: &str| here.binary_with(cloud, ACCOUNT, line, &[("INFRA_PATIENCE", "0.01")]);
    let mut other = applied(cloud, &here, ACCOUNT, BUCKET).await;
    other.put_things_in_networks().await;
    other.attach_policies().await;
    other.fill_bucket().await;
    other.push_images().await;
    other.add_records().await;

    let first = run("destroy dev --auto-approve").ends(3);
    let [address, interface, group, association, subnet] = [0, 1, 2, 3, 4].map(|at: usize| other.undo[at].1[0].1.as_str());
    for (blocked, named) in [
        ("aws_subnet.a", vec![format!("the network interface {interface} (left by hand)")]),
        (
            "aws_security_group.web",
            vec![
                interface.to_owned(),
                format!("of the security group {group}, which names it"),
                format!("revoke-security-group-ingress --group-id {group} --security-group-rule-ids sgr-"),
            ],
        ),
        ("aws_internet_gateway.main", vec![interface.to_owned()]),
        ("aws_eip.main", vec![format!("disassociate-address --association-id {address}"), interface.to_owned()]),
        ("aws_route_table.main", vec![format!("disassociate-route-table --association-id {association}"), subnet.to_owned()]),
        (
            "aws_s3_bucket.data",
            vec![
                "in the way: 3 object versions in the way: 1 delete marker in the way: 1 open multipart upload".into(),
                "help: to lose what lies in it: infra destroy dev --purge 'aws_s3_bucket.data'".into(),
            ],
        ),
        ("aws_ecr_repository.service", vec![format!("the image {REPOSITORY}:1"), "--purge".into()]),
        ("aws_route53_zone.main", vec![format!("{}_api.blocked.example_A", other.zone), "--purge".into()]),
        (
            "aws_iam_role.app",
            vec![
                "aws iam detach-role-policy --role-name blocked-app --policy-arn arn:aws:iam::aws:policy/ReadOnlyAccess".into(),
                "aws iam delete-role-policy --role-name blocked-app --policy-name by-hand".into(),
            ],
        ),
        ("aws_iam_policy.read", vec!["aws iam detach-user-policy --user-name blocked-ann".into()]),
    ] {
        let said = said_of(&first, blocked).split_whitespace().collect::<Vec<_>>().join(" ");
        for it in named {
            assert!(said.contains(&it), "{it}\nin {said}");
        }
    }
    let left = run("state list").ends(0).out;
    for gone in ["aws_kms_key.free", "aws_route53_record.www"] {
        assert!(!left.contains(gone), "{left}");
    }

    other.take_out_of_networks().await;
    other.detach_policies().await;
    run("destroy dev --auto-approve").ends(3);
    let left = run("state list").ends(0).out;
    let stays = ["aws_ecr_repository.service", "aws_route53_zone.main", "aws_s3_bucket.data"];
    assert!(left.lines().count() == 3 && stays.iter().all(|it| left.contains(it)), "{left}");

    let purge = stays.map(|it| format!(" --purge {it}")).concat();
    let third = run(&format!("destroy dev --auto-approve{purge}")).ends(0);
    assert_eq!(run("state list").ends(0).out, "", "nothing is left");
    insta::assert_snapshot!(steady(&third.out).replace(&other.zone, "ZONE"));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_named_and_not_protected_is_emptied() {
    const ACCOUNT: &str = "800000000411";
    const BUCKET: &str = "blocked-800000000411";
    let cloud = Cloud::shared().await.unwrap();
    let here = Repository::of(&stack(BUCKET));
    let run = |line: &str| here.binary_with(cloud, ACCOUNT, line, &[("INFRA_PATIENCE", "0.01")]);
    let other = applied(cloud, &here, ACCOUNT, BUCKET).await;
    other.fill_bucket().await;
    for address in ["aws_vpc.main", "aws_s3_bucket.none", "aws_kms_key.free"] {
        let said = run(&format!("destroy dev --auto-approve --purge {address}")).ends(1);
        assert_eq!(said.codes(), ["cannot-purge"], "{}", said.err);
    }
    let said = run("destroy dev --auto-approve --target aws_kms_key.free --purge aws_s3_bucket.data").ends(1);
    assert_eq!(said.codes(), ["cannot-purge"], "{}", said.err);
    assert_eq!(run("destroy dev --auto-approve --purge aws_s3_bucket").ends(64).codes(), ["address"]);

    let protected = stack(BUCKET).replace("versioning {", "lifecycle { prevent_destroy = true }\n  versioning {");
    here.write("stacks/dev/stack.hcl", &protected);
    run("apply --auto-approve").ends(0);
    let said = run("destroy dev --auto-approve --purge aws_s3_bucket.data").ends(1);
    assert_eq!(said.codes(), ["prevent-destroy"], "{}", said.err);
    let kept = other.rest("s3", "GET", &format!("/{BUCKET}?versions"), "").await;
    assert_eq!(kept.matches("<VersionId>").count(), 4, "{kept}");
    here.write("stacks/dev/stack.hcl", &protected.replace("prevent_destroy = true", "prevent_destroy = false"));
    run("apply --auto-approve").ends(0);
    let planned = run("destroy dev --purge aws_s3_bucket.data --format json");
    let reasons = serde_json::from_str::<Value>(planned.out.lines().next().unwrap()).unwrap()["plan"]["changes"].clone();
    let bucket = reasons.as_array().unwrap().iter().find(|it| it["address"] == "aws_s3_bucket.data").unwrap();
    let counts = json!([
        { "what": "object version", "count": 3 }, { "what": "delete marker", "count": 1 },
        { "what": "open multipart upload", "count": 1 },
    ]);
    assert_eq!(bucket["reasons"][1], json!({ "kind": "purge", "contents": counts }));
    run("destroy dev --auto-approve --purge aws_s3_bucket.data").ends(0);
}
