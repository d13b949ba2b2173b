//! Plans made by hand, as they look on 80 and on 160 columns, on a terminal and in a pull request.

use super::*;
use crate::diag::Span;
use crate::plan::{AttributeChange, Reason};
use crate::remote::Id;
use crate::report::{json, markdown};
use crate::state::Lineage;
use crate::value::{Provenance, Type, Value};

struct Lines;

impl Places for Lines {
    fn place(&self, span: &Span) -> Option<String> {
        Some(format!("{}:{}", span.file, span.start))
    }
}

fn change(address: &str, action: Action, reasons: Vec<Reason>, attributes: Vec<AttributeChange>) -> Change {
    let address: crate::address::Address = address.parse().unwrap();
    let file = if address.module().is_empty() { "stacks/dev/stack.hcl" } else { "stacks/modules/network/main.hcl" };
    let start = 10 + u32::try_from(address.name().len()).unwrap();
    Change {
        type_name: address.type_name().to_owned(),
        address,
        action,
        create_first: false,
        id: None,
        reasons,
        attributes,
        repairs_drift: false,
        span: Some(Span { file: file.into(), start, end: start }),
    }
}

fn set(path: &str, after: Value) -> AttributeChange {
    from(path, Value::Null, after)
}

fn from(path: &str, before: Value, after: Value) -> AttributeChange {
    AttributeChange { path: path.into(), before, after, sensitive: false, forces_replacement: false }
}

fn known_after(address: &str) -> Value {
    Value::unknown(Type::String, address.parse().unwrap(), "id")
}

fn policy(actions: &[&str]) -> Value {
    let statement = serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [
            { "Sid": "Read", "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::111111111111:root" }, "Action": actions, "Resource": "*" },
            { "Sid": "DenyPlain", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*" }
        ]
    });
    Value::from(statement.to_string())
}

fn plan() -> Plan {
    let path = |it: &str| it.to_owned();
    let mut replaced = change(
        "aws_ecr_repository.service[\"service1\"]",
        Action::Replace,
        vec![
            Reason::Fixed { path: path("encryption_configuration") },
            Reason::Configuration { path: path("image_tag_mutability") },
        ],
        vec![
            AttributeChange {
                forces_replacement: true,
                ..from("encryption_configuration[0].encryption_type", "AES256".into(), "KMS".into())
            },
            from("image_tag_mutability", "MUTABLE".into(), "IMMUTABLE".into()),
        ],
    );
    replaced.create_first = true;
    replaced.id = Some(Id::new("service1"));
    let mut updated = change(
        "module.network.aws_vpc.main",
        Action::Update,
        vec![
            Reason::Configuration { path: path("enable_dns_hostnames") },
            Reason::Configuration { path: path("tags[\"Name\"]") },
        ],
        vec![
            from("enable_dns_hostnames", false.into(), true.into()),
            from("tags[\"Name\"]", "dev".into(), "devops-demo-dev".into()),
            from("tags[\"Owner\"]", "somebody".into(), Value::Null),
        ],
    );
    updated.id = Some(Id::new("vpc-0a1b2c3d4e5f60718"));
    let mut repaired = change(
        "module.network.aws_security_group.endpoints",
        Action::Update,
        vec![Reason::Drift { path: path("ingress[0].cidr_blocks") }],
        vec![from(
            "ingress[0].cidr_blocks",
            Value::list([Value::from("10.10.0.0/16"), Value::from("0.0.0.0/0")]),
            Value::list([Value::from("10.10.0.0/16")]),
        )],
    );
    repaired.id = Some(Id::new("sg-0123456789abcdef0"));
    repaired.repairs_drift = true;
    let mut kept = change("aws_kms_key.main", Action::Noop, vec![], vec![]);
    kept.id = Some(Id::new("1234abcd-12ab-34cd-56ef-1234567890ab"));
    let mut deleted = change(
        "aws_route53_record.old",
        Action::Delete,
        vec![Reason::NotInConfiguration],
        vec![from("ttl", 300.into(), Value::Null)],
    );
    deleted.span = None;
    deleted.id = Some(Id::new("Z1_old_A"));
    Plan {
        stack: "dev".parse().unwrap(),
        account: "111111111111".into(),
        region: "eu-west-1".into(),
        lineage: Lineage("l".into()),
        serial: 3,
        configuration: "c".into(),
        changes: vec![
            replaced,
            kept,
            deleted,
            change(
                "aws_s3_bucket.logs",
                Action::Update,
                vec![
                    Reason::ConfigurationAndDrift { path: path("policy") },
                    Reason::Follows { path: path("tags[\"vpc\"]"), address: "module.network.aws_vpc.main".parse().unwrap() },
                ],
                vec![
                    from("policy", policy(&["s3:GetObject"]), policy(&["s3:GetObject", "s3:ListBucket"])),
                    from("secret", Value::from("a").sensitive(), Value::from("b").sensitive()),
                ],
            ),
            change(
                "module.network.aws_subnet.private[\"eu-west-1a\"]",
                Action::Create,
                vec![Reason::New],
                vec![
                    set("availability_zone", "eu-west-1a".into()),
                    set("cidr_block", "10.10.0.0/20".into()),
                    set(
                        "tags",
                        Value::map([
                            ("Name", Value::from("devops-demo-dev-private-eu-west-1a")),
                            ("kubernetes.io/role/internal-elb", Value::from("1")),
                        ]),
                    ),
                    set("vpc_id", known_after("module.network.aws_vpc.main")),
                ],
            ),
            updated,
            repaired,
        ],
        steps: Vec::new(),
        deferred: vec![Deferred {
            address: "module.dns.aws_route53_record.validation".parse().unwrap(),
            waits_for: vec![Provenance {
                address: "aws_acm_certificate.main".parse().unwrap(),
                path: "domain_validation_options".into(),
            }],
        }],
        outputs: BTreeMap::from([
            (
                "registry".to_owned(),
                OutputChange {
                    before: Value::Null,
                    after: known_after("aws_ecr_repository.service[\"service1\"]"),
                    sensitive: false,
                },
            ),
            ("token".to_owned(), OutputChange { before: "old".into(), after: "new".into(), sensitive: true }),
        ]),
        read: BTreeMap::new(),
    }
}

fn shown(width: usize, colour: bool, options: Options<'_>) -> String {
    text(&plan(), &Lines, options, Style { width, colour })
}

#[test]
fn on_80_columns() {
    insta::assert_snapshot!(shown(80, false, Options::default()));
}

#[test]
fn on_160_columns() {
    insta::assert_snapshot!(shown(160, false, Options::default()));
}

#[test]
fn in_colour() {
    insta::assert_snapshot!(shown(80, true, Options::default()).replace('\u{1b}', "␛"));
}

#[test]
fn repairs_apart_and_no_ops_too() {
    let plan = plan();
    let withheld = [plan.changes[6].clone()];
    let options = Options { all: true, repairs_apart: true, withheld: &withheld };
    insta::assert_snapshot!(text(&plan, &Lines, options, Style { width: 100, colour: false }));
}

#[test]
fn for_a_pull_request() {
    insta::assert_snapshot!(markdown::text(&plan(), &Lines, Options::default()));
}

#[test]
fn for_a_script() {
    let document = json::plan(&plan(), &[], &Lines, false);
    insta::assert_snapshot!(serde_json::to_string_pretty(&document).unwrap());
}

#[test]
fn no_secret_in_any_form() {
    let mut plan = plan();
    plan.changes[3].attributes[1] = AttributeChange { sensitive: true, ..from("secret", "hunter1".into(), "hunter2".into()) };
    let everything = [
        text(&plan, &Lines, Options::default(), Style::PLAIN),
        markdown::text(&plan, &Lines, Options::default()),
        json::plan(&plan, &[], &Lines, true).to_string(),
    ];
    for text in everything {
        assert!(!text.contains("hunter"), "{text}");
    }
}

#[test]
fn an_empty_plan_says_so_in_one_line() {
    let empty = Plan { changes: Vec::new(), deferred: Vec::new(), outputs: BTreeMap::new(), ..plan() };
    assert_eq!(text(&empty, &Lines, Options::default(), Style::PLAIN), "No changes: `dev` is as its files say.\n");
}

#[test]
fn what_does_not_fit_is_unfolded_and_nothing_is_cut() {
    let long = |c: char| Value::list((0..6).map(|_| Value::from(c.to_string().repeat(20))));
    let mut plan = plan();
    plan.changes = vec![change("aws_x.y", Action::Update, vec![], vec![from("names", long('a'), long('b'))])];
    insta::assert_snapshot!(text(&plan, &Lines, Options::default(), Style::PLAIN));
}
