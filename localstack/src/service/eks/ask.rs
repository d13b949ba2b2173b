//! What EKS asks of other services in the name of its caller.

use bytes::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::{Method, Request};
use serde_json::{Value, json};

use super::refuse;
use crate::form::Form;
use crate::gateway::{Call, Local, Payload, Protocol, Question, Refusal};
use crate::ids;
use crate::service::{self, ec2};
use crate::sigv4::Claim;
use crate::xml::Node;

fn other(call: &Call, service: &str) -> Result<Call, Refusal> {
    let mut asker = call.without_body();
    asker.service = service::find(service).ok_or_else(|| Refusal::internal(format!("{service} is not served")))?;
    Ok(asker)
}

/// An EC2 action, under all rules that EC2 has here.
pub async fn ec2(local: &Local, call: &Call, action: &str, parameters: &[(&str, &str)]) -> Result<Node, Refusal> {
    let mut asker = other(call, "ec2")?;
    let credential = format!(
        "AWS4-HMAC-SHA256 Credential={}/20260101/{}/ec2/aws4_request, SignedHeaders=host, Signature=0",
        call.account, call.region
    );
    let request = Request::builder()
        .method(Method::POST)
        .uri("/")
        .header(AUTHORIZATION, credential)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(())
        .map_err(|failure| Refusal::internal(failure.to_string()))?;
    (asker.parts, ()) = request.into_parts();
    asker.protocol = Protocol::Ec2;
    asker.action = action.to_owned();
    asker.form = Form::of(action, parameters);
    let document = ec2::serve(local, asker).await?.document().unwrap_or_default();
    match document.find(&["Errors", "Error"]) {
        Some(error) => Err(Refusal::new(error.get("Code"), error.get("Message"))),
        None => Ok(document),
    }
}

/// An action of Auto Scaling.
pub async fn autoscaling(local: &Local, call: &Call, action: &str, parameters: &[(&str, &str)]) -> Result<Node, Refusal> {
    query(local, call, "autoscaling", action, parameters).await
}

async fn query(local: &Local, call: &Call, service: &str, action: &str, parameters: &[(&str, &str)]) -> Result<Node, Refusal> {
    let asker = other(call, service)?;
    let form = Form::of(action, parameters);
    let question = Question { content_type: "application/x-www-form-urlencoded", body: form.encode(), ..Question::default() };
    let document = local.question(&asker, asker.service, question).await?.document().unwrap_or_default();
    match document.child("Error") {
        Some(error) => Err(Refusal::new(error.get("Code"), error.get("Message"))),
        None => Ok(document),
    }
}

/// A role as IAM has it.
#[derive(Clone, Debug)]
pub struct Role {
    pub name: String,
    pub arn: String,
    /// `AROA…`
    pub id: String,
    trust: Value,
}

impl Role {
    /// May this service assume it?
    pub fn trusts(&self, service: &str) -> bool {
        let one_or_many = |value: &Value| match value {
            Value::Array(all) => all.clone(),
            Value::Null => Vec::new(),
            one => vec![one.clone()],
        };
        one_or_many(&self.trust["Statement"]).iter().any(|statement| {
            statement["Effect"] == "Allow"
                && one_or_many(&statement["Principal"]["Service"]).iter().any(|name| name == service)
                && one_or_many(&statement["Action"]).iter().any(|action| action == "sts:AssumeRole" || action == "sts:*")
        })
    }
}

/// The role of an ARN, if IAM has it.
pub async fn role(local: &Local, call: &Call, arn: &str) -> Result<Option<Role>, Refusal> {
    let name = arn.rsplit('/').next().unwrap_or_default();
    let found = role_named(local, call, name).await?;
    Ok(found.filter(|role| role.arn == arn))
}

pub async fn role_named(local: &Local, call: &Call, name: &str) -> Result<Option<Role>, Refusal> {
    let document = match query(local, call, "iam", "GetRole", &[("RoleName", name)]).await {
        Err(refusal) if refusal.code == "NoSuchEntity" || refusal.code == "ValidationError" => return Ok(None),
        answer => answer?,
    };
    let Some(role) = document.find(&["GetRoleResult", "Role"]) else {
        return Ok(None);
    };
    let trust = percent_encoding::percent_decode_str(role.get("AssumeRolePolicyDocument")).decode_utf8_lossy();
    Ok(Some(Role {
        name: role.get("RoleName").to_owned(),
        arn: role.get("Arn").to_owned(),
        id: role.get("RoleId").to_owned(),
        trust: serde_json::from_str(&trust).unwrap_or_default(),
    }))
}

/// The ARNs of the managed policies of a role.
pub async fn attached_policies(local: &Local, call: &Call, role: &str) -> Result<Vec<String>, Refusal> {
    let document = query(local, call, "iam", "ListAttachedRolePolicies", &[("RoleName", role)]).await?;
    let policies = document.child("ListAttachedRolePoliciesResult").into_iter().flat_map(|list| list.items("AttachedPolicies"));
    Ok(policies.map(|policy| policy.get("PolicyArn").to_owned()).collect())
}

/// The unique id of an IAM principal: a role, a user, or the account itself.
pub async fn unique_id(local: &Local, call: &Call, arn: &str) -> Result<Option<String>, Refusal> {
    let mut parts = arn.splitn(6, ':').skip(4);
    let (account, resource) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if account != call.account {
        return Ok(None);
    }
    match resource.split_once('/') {
        None if resource == "root" => Ok(Some(account.to_owned())),
        Some(("role", _)) => Ok(role(local, call, arn).await?.map(|role| role.id)),
        Some(("user", path)) => {
            let name = path.rsplit('/').next().unwrap_or_default();
            match query(local, call, "iam", "GetUser", &[("UserName", name)]).await {
                Err(refusal) if refusal.code == "NoSuchEntity" => Ok(None),
                answer => {
                    let document = answer?;
                    let user = document.find(&["GetUserResult", "User"]).filter(|user| user.get("Arn") == arn);
                    Ok(user.map(|user| user.get("UserId").to_owned()))
                }
            }
        }
        _ => Ok(None),
    }
}

/// The IAM principal who makes this call; for a session its role.
pub async fn caller(local: &Local, call: &Call) -> Result<String, Refusal> {
    let key = Claim::of(&call.parts).map(|claim| claim.access_key).unwrap_or_default();
    let arn = identity(local, call, &key).await?;
    principal(local, call, &arn).await
}

/// What STS says about the owner of an access key of the caller's account.
pub async fn identity(local: &Local, call: &Call, access_key: &str) -> Result<String, Refusal> {
    let root = format!("arn:aws:iam::{}:root", call.account);
    if access_key == call.account {
        return Ok(root);
    }
    let mut asker = call.without_body();
    access_key.clone_into(&mut asker.account);
    let document = query(local, &asker, "sts", "GetCallerIdentity", &[]).await?;
    Ok(document.find(&["GetCallerIdentityResult", "Arn"]).map_or(root, |arn| arn.text.clone()))
}

/// A call that nobody made: for questions that come from a control plane.
pub fn on_behalf(account: &str, region: &str) -> Result<Call, Refusal> {
    let service = service::find("eks").ok_or_else(|| Refusal::internal("eks is not served"))?;
    let (parts, ()) = Request::new(()).into_parts();
    Ok(Call {
        service,
        action: "TokenReview".to_owned(),
        account: account.to_owned(),
        region: region.to_owned(),
        protocol: Protocol::RestJson,
        request_id: ids::request_id(),
        parts,
        body: Payload::Whole(Bytes::new()),
        form: Form::default(),
    })
}

/// `arn:aws:sts::…:assumed-role/NAME/SESSION` belongs to the role of that name; others stand for themselves.
pub async fn principal(local: &Local, call: &Call, arn: &str) -> Result<String, Refusal> {
    let Some((_, session)) = arn.split_once(":assumed-role/") else {
        return Ok(arn.to_owned());
    };
    let name = session.split('/').next().unwrap_or_default();
    Ok(role_named(local, call, name).await?.map_or_else(|| arn.to_owned(), |role| role.arn))
}

/// Makes a log group that keeps everything for ever, as EKS does where it finds none.
pub async fn ensure_log_group(local: &Local, call: &Call, name: &str) -> Result<(), Refusal> {
    let asker = other(call, "logs")?;
    let body = json!({"logGroupName": name});
    match local.ask_json(&asker, asker.service, "Logs_20140328.CreateLogGroup", &body).await {
        Err(refusal) if refusal.code.contains("ResourceAlreadyExists") => Ok(()),
        answer => answer.map(|_| ()),
    }
}

/// A KMS key must exist and be enabled.
pub async fn require_key(local: &Local, call: &Call, arn: &str) -> Result<(), Refusal> {
    let asker = other(call, "kms")?;
    let found = local.ask_json(&asker, asker.service, "TrentService.DescribeKey", &json!({"KeyId": arn})).await;
    match found {
        Ok(key) if key["KeyMetadata"]["KeyState"] == "Enabled" => Ok(()),
        Ok(_) => Err(refuse::parameter(format!("The KMS key {arn} is not enabled"))),
        Err(refusal) if refusal.status < 500 => Err(refuse::parameter(format!("The KMS key {arn} does not exist"))),
        Err(refusal) => Err(refusal),
    }
}
