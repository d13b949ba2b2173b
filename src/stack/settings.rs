//! [`StackSettings`]: what the `stack` and `aws` blocks say. All of it is known before anything is called.

mod encryption;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::check;
use super::eval::{Evaluator, Frame};
use super::expr::Place;
use super::model::{AwsBlock, Body, Content, Nested};
use crate::diag::{Diagnostic, nearest};
use crate::remote::ConfigName;
use crate::value::{Type, Value};

/// How long a silent holder keeps the lock when the stack does not say.
const LEASE: Duration = Duration::from_secs(60);
/// How long the records of runs are kept when the stack does not say: longer than a year, for those who audit once a year.
const RUNS_KEPT: Duration = Duration::from_secs(400 * 24 * 3_600);

#[derive(Clone, Debug, PartialEq)]
pub struct StackSettings {
    pub region: String,
    /// Any other account is refused; none means that any is taken.
    pub accounts: Vec<String>,
    pub confirm: bool,
    /// Which versions of infra may work on the stack.
    pub version: Option<semver::VersionReq>,
    pub max_deletes: Option<u32>,
    pub tags: BTreeMap<String, String>,
    pub state: StateSettings,
    /// How long the records of runs are kept.
    pub runs_kept: Duration,
    /// Everything that is stored is encrypted; none means that it is stored as it is.
    pub encryption: Option<EncryptionSettings>,
    /// The extra configurations by name; the stack's own is not among them.
    pub aws: BTreeMap<ConfigName, AwsSettings>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateSettings {
    Local {
        /// Relative to the root of the repository.
        path: String,
        lease: Duration,
        /// Whether the stack says so itself; one that says nothing must not run where nobody keeps the folder.
        declared: bool,
    },
    S3 {
        bucket: String,
        key: String,
        lock_table: String,
        kms_key: Option<String>,
        lease: Duration,
        region: Option<String>,
    },
}

/// Who may open what is stored. At least one recipient, or a key of KMS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptionSettings {
    /// Of age: `age1…`
    pub recipients: Vec<String>,
    pub kms: Option<KmsSettings>,
    pub unencrypted: Unencrypted,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KmsSettings {
    /// An alias, id or ARN.
    pub key: String,
    /// Former ones, for what they encrypted.
    pub previous: Vec<String>,
}

/// What is done about a state that is not encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unencrypted {
    Refused,
    /// Read, and encrypted with the next write.
    Read,
    /// Read, and what is encrypted is written in clear.
    Written,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AwsSettings {
    /// The stack's own when left out.
    pub region: Option<String>,
    pub profile: Option<String>,
    pub assume_role: Option<AssumeRole>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssumeRole {
    pub role_arn: String,
    pub external_id: Option<String>,
    pub session_name: Option<String>,
}

/// The folder of states that are kept locally, beside `stacks/`.
const LOCAL: &str = ".infra";

/// Reads the `stack` and `aws` blocks. Complaints go to the evaluator.
pub fn read(evaluator: &mut Evaluator<'_>, stack: &str) -> StackSettings {
    let definition = &evaluator.model.definitions[0];
    let empty = Body::default();
    let start = Place { file: 0, start: 0, end: 0 };
    let place = definition.settings_place.unwrap_or(start);
    let body = definition.settings.as_ref().unwrap_or(&empty);
    if definition.settings.is_none() && !evaluator.model.files.is_empty() {
        let help = "stack { region = \"eu-west-1\" }, in stack.hcl for one";
        let complaint = Diagnostic::error("missing-argument", "the stack has no `stack` block").help(help);
        evaluator.diagnostics.push(complaint);
    }
    let mut fields = Fields { evaluator, body, kind: "stack", known: Vec::new() };
    let region = if definition.settings.is_some() { fields.required("region", place) } else { String::new() };
    let accounts = accounts(&mut fields);
    let confirm = fields.value("confirm", &Type::Bool).and_then(|(it, _)| it.as_bool()).unwrap_or(false);
    let version = version(&mut fields);
    let max_deletes = fields.value("max_deletes", &Type::Number).and_then(|(it, place)| match &it {
        Value::Number(number) if number.as_i64().and_then(|it| u32::try_from(it).ok()).is_some() => {
            number.as_i64().and_then(|it| u32::try_from(it).ok())
        }
        _ => {
            fields.complain(place, "bad-value", "`max_deletes` is a whole number".into());
            None
        }
    });
    let tags = tags(&mut fields);
    let (state, runs_kept, encryption) = state(&mut fields, stack);
    fields.finish();
    let aws = definition.aws.iter().map(|it| (ConfigName(it.name.clone()), aws(evaluator, it))).collect();
    StackSettings { region, accounts, confirm, version, max_deletes, tags, state, runs_kept, encryption, aws }
}

fn accounts(fields: &mut Fields<'_, '_, '_>) -> Vec<String> {
    let Some((value, place)) = fields.value("accounts", &Type::list(Type::String)) else { return Vec::new() };
    let accounts: Vec<String> =
        value.items().unwrap_or_default().iter().filter_map(|it| it.as_str().map(str::to_owned)).collect();
    if accounts.iter().any(|it| it.len() != 12 || !it.bytes().all(|it| it.is_ascii_digit())) {
        fields.complain(place, "bad-value", "an account has twelve digits, written as a text: \"111111111111\"".into());
    }
    accounts
}

fn version(fields: &mut Fields<'_, '_, '_>) -> Option<semver::VersionReq> {
    let (value, place) = fields.value("version", &Type::String)?;
    // Terraform writes `~> 1.2` where others write `~1.2`.
    let text = value.as_str().unwrap_or_default().replace("~>", "~");
    match semver::VersionReq::parse(&text) {
        Ok(version) => Some(version),
        Err(_) => {
            fields.complain(place, "bad-value", "`version` is a condition like \">= 0.1, < 0.2\"".into());
            None
        }
    }
}

fn tags(fields: &mut Fields<'_, '_, '_>) -> BTreeMap<String, String> {
    let Some((value, place)) = fields.value("tags", &Type::map(Type::String)) else { return BTreeMap::new() };
    let members = value.members().cloned().unwrap_or_default();
    if members.keys().any(|it| it.starts_with(crate::remote::tags::PREFIX) || it.starts_with("aws:")) {
        fields.complain(place, "bad-value", "tags that begin with `infra:` or `aws:` are not the stack's to set".into());
    }
    members.iter().filter_map(|(key, it)| Some((key.as_ref().to_owned(), it.as_str()?.to_owned()))).collect()
}

/// Where the state is kept, for how long the records of runs are, and who may open them.
fn state(fields: &mut Fields<'_, '_, '_>, stack: &str) -> (StateSettings, Duration, Option<EncryptionSettings>) {
    let local = |path: Option<String>, lease, declared| StateSettings::Local {
        path: path.unwrap_or_else(|| format!("{LOCAL}/{stack}")),
        lease,
        declared,
    };
    let blocks = fields.blocks("state");
    let [(body, place, labels), rest @ ..] = blocks.as_slice() else {
        return (local(None, LEASE, false), RUNS_KEPT, None);
    };
    if let [(_, second, _), ..] = rest {
        fields.complain(*second, "duplicate-block", "`state` is there already".into());
    }
    let mut inner = Fields { evaluator: &mut *fields.evaluator, body, kind: "state", known: Vec::new() };
    match labels.iter().map(AsRef::as_ref).collect::<Vec<_>>().as_slice() {
        ["local"] => {
            let path = inner.text("path");
            let (lease, runs_kept, encryption) = (inner.lease(), inner.runs_kept(), encryption::read(&mut inner));
            inner.finish();
            (local(path, lease, true), runs_kept, encryption)
        }
        ["s3"] => {
            let (bucket, key) = (inner.required("bucket", *place), inner.required("key", *place));
            let lock_table = inner.required("lock_table", *place);
            let (kms_key, region) = (inner.text("kms_key"), inner.text("region"));
            let (lease, runs_kept, encryption) = (inner.lease(), inner.runs_kept(), encryption::read(&mut inner));
            inner.finish();
            (StateSettings::S3 { bucket, key, lock_table, kms_key, lease, region }, runs_kept, encryption)
        }
        _ => {
            inner.complain(*place, "bad-labels", "a state is kept in \"s3\" or \"local\"".into());
            (local(None, LEASE, true), RUNS_KEPT, None)
        }
    }
}

fn aws(evaluator: &mut Evaluator<'_>, block: &AwsBlock) -> AwsSettings {
    let mut fields = Fields { evaluator, body: &block.body, kind: "aws", known: Vec::new() };
    let (region, profile) = (fields.text("region"), fields.text("profile"));
    let mut assume_role = None;
    for (body, place, _) in fields.blocks("assume_role") {
        let mut inner = Fields { evaluator: &mut *fields.evaluator, body, kind: "assume_role", known: Vec::new() };
        let role_arn = inner.required("role_arn", place);
        let (external_id, session_name) = (inner.text("external_id"), inner.text("session_name"));
        inner.finish();
        assume_role = Some(AssumeRole { role_arn, external_id, session_name });
    }
    fields.finish();
    AwsSettings { region, profile, assume_role }
}

/// Reads typed members off a block whose names are fixed, and complains about the rest.
struct Fields<'e, 'a, 'b> {
    evaluator: &'e mut Evaluator<'a>,
    body: &'b Body,
    kind: &'static str,
    known: Vec<&'static str>,
}

impl<'b> Fields<'_, '_, 'b> {
    fn complain(&mut self, place: Place, code: &'static str, summary: String) {
        let span = self.evaluator.model.span(place);
        self.evaluator.diagnostics.push(Diagnostic::error(code, summary).at(span));
    }

    fn value(&mut self, name: &'static str, ty: &Type) -> Option<(Value, Place)> {
        self.known.push(name);
        let setting = self.body.get(name)?;
        let Content::Value(expr) = &setting.content else {
            self.complain(setting.place, "not-a-block", format!("`{name}` is set with `=`"));
            return None;
        };
        let value = self.evaluator.eval(expr, &mut Frame::new(0));
        let value = self.evaluator.report(value)?;
        let size = self.evaluator.sized([&value], expr.place);
        let size = self.evaluator.report(size)?;
        if size.unknown || size.sensitive || size.digest {
            let summary = format!("`{name}` must be known and no secret: it is needed before anything is called");
            self.complain(expr.place, "not-known", summary);
            return None;
        }
        match value.convert(ty) {
            Ok(Value::Null) => None,
            Ok(value) => Some((value, expr.place)),
            Err(error) => {
                self.complain(expr.place, "wrong-type", format!("`{name}`: {error}"));
                None
            }
        }
    }

    fn text(&mut self, name: &'static str) -> Option<String> {
        self.value(name, &Type::String).and_then(|(it, _)| it.as_str().map(str::to_owned))
    }

    fn required(&mut self, name: &'static str, place: Place) -> String {
        if self.body.get(name).is_none() {
            let kind = self.kind;
            self.complain(place, "missing-argument", format!("`{kind}` has no `{name}`"));
        }
        self.text(name).unwrap_or_default()
    }

    fn lease(&mut self) -> Duration {
        let Some((value, place)) = self.value("lease", &Type::String) else { return LEASE };
        match value.as_str().and_then(check::duration).filter(|it| (15..=3_600).contains(&it.as_secs())) {
            Some(lease) => lease,
            None => {
                self.complain(place, "bad-value", "`lease` is a time between 15s and 1h, like \"60s\"".into());
                LEASE
            }
        }
    }

    fn runs_kept(&mut self) -> Duration {
        let Some((value, place)) = self.value("runs_kept", &Type::String) else { return RUNS_KEPT };
        match value.as_str().and_then(check::duration).filter(|it| it.as_secs() >= 24 * 3_600) {
            Some(kept) => kept,
            None => {
                self.complain(place, "bad-value", "`runs_kept` is a time of at least a day, like \"400d\"".into());
                RUNS_KEPT
            }
        }
    }

    fn blocks(&mut self, name: &'static str) -> Vec<(&'b Body, Place, &'b [Arc<str>])> {
        self.known.push(name);
        let Some(setting) = self.body.get(name) else { return Vec::new() };
        let Content::Blocks(blocks) = &setting.content else {
            self.complain(setting.place, "not-an-attribute", format!("`{name}` is a block, without `=`"));
            return Vec::new();
        };
        let plain = |it: &'b Nested| match it {
            Nested::Block { place, labels, body } => Some((body, *place, labels.as_slice())),
            Nested::Dynamic { .. } => None,
        };
        blocks.iter().filter_map(plain).collect()
    }

    fn finish(mut self) {
        for setting in &self.body.settings {
            if !self.known.contains(&setting.name.as_ref()) {
                let near = nearest(&setting.name, self.known.iter().copied());
                let summary = format!("`{}` has no `{}`", self.kind, setting.name);
                self.complain(setting.place, "unknown-argument", summary);
                if let (Some(near), Some(last)) = (near, self.evaluator.diagnostics.last_mut()) {
                    *last = last.clone().did_you_mean(Some(near));
                }
            }
        }
        self.known.clear();
    }
}
