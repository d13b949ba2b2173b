//! OpenID Connect providers, served here: the emulator cannot change one once it is made.
//!
//! Source: IAM API Reference, CreateOpenIDConnectProvider and its neighbours.

use std::collections::BTreeMap;
use std::sync::Mutex;

use hyper::StatusCode;

use super::no_such;
use crate::form::Form;
use crate::gateway::{Answer, Call, Refusal, Reply};
use crate::lock;
use crate::xml::Node;

pub fn is_about(action: &str) -> bool {
    action.contains("OpenIDConnectProvider")
}

/// By account and ARN.
#[derive(Default)]
pub struct Providers(Mutex<BTreeMap<(String, String), Provider>>);

#[derive(Clone)]
struct Provider {
    /// Without the scheme.
    url: String,
    clients: Vec<String>,
    thumbprints: Vec<String>,
    tags: BTreeMap<String, String>,
}

/// What AWS finds where the caller says nothing.
const FOUND_BY_AWS: &str = "9e99a48a9960b14926bb7f3b02e22da2b0ab7280";

impl Providers {
    pub fn serve(&self, call: &Call) -> Answer {
        let mut all = lock(&self.0);
        let form = &call.form;
        let result = match call.action.as_str() {
            "CreateOpenIDConnectProvider" => {
                let arn = create(&mut all, call)?;
                vec![Node::leaf("OpenIDConnectProviderArn", arn)]
            }
            "ListOpenIDConnectProviders" => {
                let mine = all.keys().filter(|(account, _)| *account == call.account);
                let members = mine.map(|(_, arn)| Node::new("member").with(Node::leaf("Arn", arn.as_str())));
                vec![members.fold(Node::new("OpenIDConnectProviderList"), Node::with)]
            }
            "GetOpenIDConnectProvider" => find(&mut all, call)?.to_nodes(),
            "DeleteOpenIDConnectProvider" => {
                find(&mut all, call)?;
                all.remove(&key(call));
                Vec::new()
            }
            "AddClientIDToOpenIDConnectProvider" => {
                let (client, it) = (required(form, "ClientID")?, find(&mut all, call)?);
                if !it.clients.contains(&client) {
                    it.clients.push(client);
                }
                Vec::new()
            }
            "RemoveClientIDFromOpenIDConnectProvider" => {
                let client = required(form, "ClientID")?;
                find(&mut all, call)?.clients.retain(|it| *it != client);
                Vec::new()
            }
            "UpdateOpenIDConnectProviderThumbprint" => {
                find(&mut all, call)?.thumbprints = thumbprints(form)?;
                Vec::new()
            }
            "TagOpenIDConnectProvider" => {
                find(&mut all, call)?.tags.extend(tags(form));
                Vec::new()
            }
            "UntagOpenIDConnectProvider" => {
                let keys = form.list("TagKeys.member");
                find(&mut all, call)?.tags.retain(|key, _| !keys.contains(key));
                Vec::new()
            }
            other => return Err(Refusal::new("InvalidAction", format!("the local cloud does not serve iam:{other}"))),
        };
        let result = result.into_iter().fold(Node::new(&format!("{}Result", call.action)), Node::with);
        let metadata = Node::new("ResponseMetadata").with(Node::leaf("RequestId", &call.request_id));
        let document = Node::new(&format!("{}Response", call.action)).with(result).with(metadata);
        Ok(Reply::xml(StatusCode::OK, &document))
    }
}

type All = BTreeMap<(String, String), Provider>;

fn key(call: &Call) -> (String, String) {
    (call.account.clone(), call.form.get("OpenIDConnectProviderArn").unwrap_or_default().to_owned())
}

fn find<'a>(all: &'a mut All, call: &Call) -> Result<&'a mut Provider, Refusal> {
    let key = key(call);
    let message = format!("OpenIDConnect Provider not found for arn {}", key.1);
    all.get_mut(&key).ok_or_else(|| no_such(message))
}

fn create(all: &mut All, call: &Call) -> Result<String, Refusal> {
    let form = &call.form;
    let url = required(form, "Url")?;
    let bare =
        url.strip_prefix("https://").ok_or_else(|| Refusal::new("ValidationError", "Invalid Open ID Connect Provider URL"))?;
    let arn = format!("arn:aws:iam::{}:oidc-provider/{bare}", call.account);
    if all.contains_key(&(call.account.clone(), arn.clone())) {
        return Err(Refusal::with_status(409, "EntityAlreadyExists", format!("Provider with url {url} already exists.")));
    }
    let given = thumbprints(form)?;
    let provider = Provider {
        url: bare.to_owned(),
        clients: form.list("ClientIDList.member"),
        thumbprints: if given.is_empty() { vec![FOUND_BY_AWS.to_owned()] } else { given },
        tags: tags(form),
    };
    all.insert((call.account.clone(), arn.clone()), provider);
    Ok(arn)
}

fn required(form: &Form, name: &str) -> Result<String, Refusal> {
    let value = form.get(name).filter(|it| !it.is_empty()).map(str::to_owned);
    value.ok_or_else(|| Refusal::new("ValidationError", format!("{name} is required")))
}

fn thumbprints(form: &Form) -> Result<Vec<String>, Refusal> {
    let all = form.list("ThumbprintList.member");
    let is_digest = |it: &String| it.len() == 40 && it.bytes().all(|byte| byte.is_ascii_hexdigit());
    match all.iter().all(is_digest) && all.len() <= 5 {
        true => Ok(all.iter().map(|it| it.to_ascii_lowercase()).collect()),
        false => Err(Refusal::new("InvalidInput", "Thumbprint must be 40 hexadecimal characters, and there may be five.")),
    }
}

fn tags(form: &Form) -> BTreeMap<String, String> {
    let pair = |index: usize| {
        let text = |name: &str| form.get(&format!("Tags.member.{index}.{name}")).unwrap_or_default().to_owned();
        (text("Key"), text("Value"))
    };
    form.indices("Tags.member").into_iter().map(pair).collect()
}

impl Provider {
    fn to_nodes(&self) -> Vec<Node> {
        let list =
            |name: &str, all: &[String]| all.iter().map(|it| Node::leaf("member", it.as_str())).fold(Node::new(name), Node::with);
        let tag = |(key, value): (&String, &String)| {
            Node::new("member").with(Node::leaf("Key", key.as_str())).with(Node::leaf("Value", value.as_str()))
        };
        vec![
            Node::leaf("Url", self.url.as_str()),
            list("ClientIDList", &self.clients),
            list("ThumbprintList", &self.thumbprints),
            self.tags.iter().map(tag).fold(Node::new("Tags"), Node::with),
        ]
    }
}
