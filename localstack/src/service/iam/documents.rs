//! Policy documents: their form, and whether the principals that they name exist.

use serde_json::Value;

use crate::form::Form;
use crate::gateway::{Call, Local, Question, Refusal};

/// Actions that take a document, and its parameter; whether it is a trust policy.
const DOCUMENTS: [(&str, &str, bool); 5] = [
    ("CreatePolicy", "PolicyDocument", false),
    ("CreatePolicyVersion", "PolicyDocument", false),
    ("CreateRole", "AssumeRolePolicyDocument", true),
    ("PutRolePolicy", "PolicyDocument", false),
    ("UpdateAssumeRolePolicy", "PolicyDocument", true),
];

pub async fn check(local: &Local, call: &Call) -> Result<(), Refusal> {
    let Some((_, parameter, is_trust)) = DOCUMENTS.iter().find(|(action, ..)| *action == call.action) else {
        return Ok(());
    };
    let document: Value = serde_json::from_str(call.form.get(parameter).unwrap_or_default())
        .map_err(|_| malformed("This policy contains invalid Json"))?;
    let statements = one_or_many(&document["Statement"]);
    if statements.is_empty() {
        return Err(malformed("Syntax errors in policy."));
    }
    for statement in statements {
        let principal = &statement["Principal"];
        match (is_trust, principal.is_null()) {
            (true, true) => return Err(malformed("AssumeRole policy must contain Principal element.")),
            (false, false) => return Err(malformed("Policy document should not specify a principal.")),
            (true, false) | (false, true) => {}
        }
        for arn in one_or_many(&principal["AWS"]).into_iter().filter_map(Value::as_str) {
            if !exists(local, call, arn).await? {
                return Err(malformed(&format!("Invalid principal in policy: \"AWS\":\"{arn}\"")));
            }
        }
    }
    Ok(())
}

fn malformed(message: &str) -> Refusal {
    Refusal::new("MalformedPolicyDocument", message)
}

fn one_or_many(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(all) => all.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

/// Roles and users of the caller's own account must exist; others are taken on trust.
async fn exists(local: &Local, call: &Call, arn: &str) -> Result<bool, Refusal> {
    let Some(resource) = arn.strip_prefix(&format!("arn:aws:iam::{}:", call.account)) else { return Ok(true) };
    let name = resource.rsplit('/').next().unwrap_or_default();
    let form = match resource.split('/').next() {
        Some("role") => Form::of("GetRole", &[("RoleName", name)]),
        Some("user") => Form::of("GetUser", &[("UserName", name)]),
        _ => return Ok(true),
    };
    let question = Question { content_type: "application/x-www-form-urlencoded", body: form.encode(), ..Question::default() };
    let answer = local.question(call, call.service, question).await?.document().unwrap_or_default();
    let found =
        ["GetRoleResult", "GetUserResult"].into_iter().filter_map(|it| answer.child(it)).find_map(|it| it.children.first());
    Ok(found.is_some_and(|it| it.get("Arn") == arn))
}
