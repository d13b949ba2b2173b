//! A kubeconfig as a document: what is in it stays, clusters of ours are put in.
//!
//! Source: "Config (v1)" in the Kubernetes reference. Comments are lost, as with kubectl itself.

use serde_json::{Map, Value as Json, json};

use crate::cli::eks_token;

/// What a kubeconfig shall say of one cluster.
#[derive(Debug)]
pub struct Entry {
    /// What the context is called.
    pub context: String,
    /// What cluster and user are called: the ARN, which is one in the world.
    pub identity: String,
    /// In words.
    pub said: String,
    pub endpoint: String,
    /// PEM in base64.
    pub certificate_authority: String,
    /// How kubectl gets a token.
    pub token: eks_token::Args,
}

/// The text of a kubeconfig with these clusters in it, of which the first is the current one. What is wrong with the former
/// text, or with what it has under the same names, is the error.
pub fn merged(former: Option<&str>, entries: &[Entry]) -> Result<String, String> {
    let mut whole = parsed(former.unwrap_or_default())?;
    for name in ["apiVersion", "kind"] {
        whole.entry(name).or_insert_with(|| if name == "kind" { "Config".into() } else { "v1".into() });
    }
    for entry in entries {
        let taken = named(&whole, "contexts", &entry.context).and_then(|it| it.pointer("/context/cluster")?.as_str());
        if let Some(other) = taken.filter(|it| *it != entry.identity) {
            return Err(format!(
                "it has a context {} of another cluster, {other}; with one cluster, --context NAME calls it otherwise",
                entry.context
            ));
        }
        let cluster = own(&mut whole, "clusters", "cluster", &entry.identity)?;
        cluster.insert("server".into(), entry.endpoint.clone().into());
        cluster.insert("certificate-authority-data".into(), entry.certificate_authority.clone().into());
        // They would win over what was just said, or make it void.
        for name in ["certificate-authority", "insecure-skip-tls-verify"] {
            cluster.remove(name);
        }
        *own(&mut whole, "users", "user", &entry.identity)? = Map::from_iter([("exec".to_owned(), exec(&entry.token))]);
        let context = own(&mut whole, "contexts", "context", &entry.context)?;
        context.insert("cluster".into(), entry.identity.clone().into());
        context.insert("user".into(), entry.identity.clone().into());
    }
    if let Some(first) = entries.first() {
        whole.insert("current-context".into(), first.context.clone().into());
    }
    serde_saphyr::to_string(&whole).map_err(|error| error.to_string())
}

fn exec(token: &eks_token::Args) -> Json {
    json!({
        "apiVersion": eks_token::API_VERSION,
        "command": "infra",
        "args": token.line(),
        "interactiveMode": "Never",
        "installHint": "The cluster was made by infra, which signs its tokens: put the program `infra` on your PATH.",
        "provideClusterInfo": false,
    })
}

fn parsed(text: &str) -> Result<Map<String, Json>, String> {
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    match serde_saphyr::from_str(text) {
        Ok(Json::Object(it)) => Ok(it),
        Ok(Json::Null) => Ok(Map::new()),
        Ok(_) => Err("it is YAML, but no mapping".to_owned()),
        Err(error) => Err(format!("it is not valid YAML: {}", error.to_string().lines().next().unwrap_or_default())),
    }
}

fn named<'a>(whole: &'a Map<String, Json>, list: &str, name: &str) -> Option<&'a Json> {
    whole.get(list)?.as_array()?.iter().find(|it| it.get("name").and_then(Json::as_str) == Some(name))
}

/// What the item of this name in `list` has as its `member`; made where there is none.
fn own<'a>(whole: &'a mut Map<String, Json>, list: &str, member: &str, name: &str) -> Result<&'a mut Map<String, Json>, String> {
    let all = whole.entry(list).or_insert(Json::Null);
    if all.is_null() {
        *all = json!([]);
    }
    let all = all.as_array_mut().ok_or_else(|| format!("its `{list}` is no list"))?;
    let found = all.iter().position(|it| it.get("name").and_then(Json::as_str) == Some(name));
    let at = found.unwrap_or(all.len());
    if found.is_none() {
        all.push(json!({ "name": name }));
    }
    let item = all.get_mut(at).and_then(Json::as_object_mut).ok_or_else(|| format!("an item of its `{list}` is no mapping"))?;
    let it = item.entry(member).or_insert(Json::Null);
    if it.is_null() {
        *it = json!({});
    }
    it.as_object_mut().ok_or_else(|| format!("the {member} {name} is no mapping"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(context: &str, identity: &str) -> Entry {
        Entry {
            context: context.into(),
            identity: identity.into(),
            said: String::new(),
            endpoint: "https://new".into(),
            certificate_authority: "Y2E=".into(),
            token: eks_token::Args {
                cluster: "dev".into(),
                region: "eu-west-1".into(),
                profile: None,
                role_arn: None,
                external_id: None,
            },
        }
    }

    fn read(text: &str) -> Json {
        serde_saphyr::from_str(text).unwrap()
    }

    #[test]
    fn one_of_its_own() {
        let text = merged(None, &[entry("dev", "arn:dev")]).unwrap();
        insta::assert_snapshot!(text);
        assert_eq!(merged(Some(&text), &[entry("dev", "arn:dev")]).unwrap(), text, "it is merged into itself");
    }

    #[test]
    fn what_is_there_stays() {
        let former = "
apiVersion: v1
kind: Config
preferences: {colors: true}
current-context: home
clusters:
- {name: home, cluster: {server: https://home}}
- {name: 'arn:dev', cluster: {server: https://old, insecure-skip-tls-verify: true, proxy-url: http://proxy}}
contexts:
- {name: dev, context: {cluster: 'arn:dev', user: gone, namespace: hold}}
users: null
";
        let it = read(&merged(Some(former), &[entry("dev", "arn:dev")]).unwrap());
        assert_eq!(it["preferences"]["colors"], true);
        assert_eq!((&it["current-context"], &it["clusters"][0]["name"]), (&json!("dev"), &json!("home")));
        let cluster = json!({"server": "https://new", "certificate-authority-data": "Y2E=", "proxy-url": "http://proxy"});
        assert_eq!(it["clusters"][1]["cluster"], cluster);
        assert_eq!(it["contexts"][0]["context"], json!({"cluster": "arn:dev", "user": "arn:dev", "namespace": "hold"}));
        assert_eq!(it["users"][0]["user"]["exec"]["args"][0], "eks-token");
    }

    #[test]
    fn what_does_not_fit_is_left_alone() {
        let refused = |former: &str| merged(Some(former), &[entry("dev", "arn:dev")]).unwrap_err();
        assert!(refused("contexts: [{name: dev, context: {cluster: home}}]").contains("another cluster, home"));
        assert!(refused("clusters: 1").contains("`clusters` is no list"));
        assert!(refused("- a").contains("no mapping"));
        assert!(refused("{").contains("not valid YAML"));
    }
}
