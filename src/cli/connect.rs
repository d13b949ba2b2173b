//! From a stack's files to its cloud and its state: nothing is called before the account is known to be the stack's own.

mod lock;

use std::collections::BTreeMap;
use std::path::Path;

use crate::cli::call::Call;
use crate::cli::desired::Found;
use crate::cli::encryption;
use crate::cli::exit::{Ended, Stop};
use crate::cli::guard;
use crate::cli::stack::Stack;
use crate::cloud::aws::limits::Limits;
use crate::cloud::aws::{AssumeRole, Identity, Settings};
use crate::cloud::{Clouds, sops};
use crate::diag::Diagnostic;
use crate::plan::Former;
use crate::remote::{Class, ConfigName, Fault};
use crate::report::fault;
use crate::report::style::Tone;
use crate::stack::StateSettings;
use crate::stack::settings::AwsSettings;
use crate::state::State;
use crate::store::aws::Place;
use crate::store::local::Local;
use crate::store::{Store, StoreError};
use crate::value::Sealer;

pub use lock::Locked;

/// A stack, its cloud, and where its state is kept.
pub struct Connected {
    pub stack: Stack,
    pub clouds: Clouds,
    pub account: String,
    /// Who calls: an ARN.
    pub caller: String,
    pub region: String,
    pub endpoint: Option<String>,
    pub store: Box<dyn Store>,
    /// What was found in the account and is to be taken in, whatever the state says.
    pub found: Found,
    /// A former version that is desired instead of what the files say.
    pub former: Option<Former>,
    /// Of this run, 128 random bits in hexadecimal.
    run: String,
    /// The store's digest key, once it is known.
    seal_key: Option<[u8; 32]>,
}

/// What a command will do with the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Look,
    Change,
}

/// Opens where the state is kept, without a look at the stack's things: for commands that need no more. A state in a bucket is
/// asked for with the credentials of the stack's own accounts alone.
pub async fn store(call: &Call, stack: &Stack, purpose: Purpose) -> Ended<Box<dyn Store>> {
    guard::version(&stack.settings)?;
    guard::kept_state(&stack.settings, call.world.is_unattended())?;
    let uses_kms = stack.settings.encryption.as_ref().is_some_and(|it| it.kms.is_some());
    let needs_credentials = uses_kms || matches!(stack.settings.state, StateSettings::S3 { .. });
    if needs_credentials && !stack.settings.accounts.is_empty() {
        let own = BTreeMap::from([(ConfigName::default(), own_configuration(stack))]);
        let clouds = Clouds::connect(stack.catalog.clone(), &own, Limits::off()).await;
        own_account(call, &clouds, stack).await?;
    }
    open(call, stack, purpose).await
}

async fn open(call: &Call, stack: &Stack, purpose: Purpose) -> Ended<Box<dyn Store>> {
    let settings = |region: &Option<String>| Settings {
        region: region.clone().unwrap_or_else(|| stack.settings.region.clone()),
        ..Settings::default()
    };
    let opened = match &stack.settings.state {
        StateSettings::Local { path, lease, declared: _ } => {
            let store = Local::new(&local_root(&stack.root, path, stack.name.as_str()), stack.name.clone());
            let vault = encryption::vault(call, stack, &settings(&None)).await?;
            Ok(Box::new(store.with_lease(*lease).with_vault(vault)) as Box<dyn Store>)
        }
        StateSettings::S3 { bucket, key, lock_table, kms_key, lease, region } => {
            let settings = settings(region);
            let vault = encryption::vault(call, stack, &settings).await?;
            let place = Place {
                stack: stack.name.clone(),
                bucket: bucket.clone(),
                key: key.clone(),
                table: lock_table.clone(),
                kms_key_arn: None,
            };
            let opened = crate::store::aws::open(&settings, place, kms_key.as_deref(), *lease, purpose == Purpose::Change).await;
            opened.map(|it| Box::new(it.with_vault(vault)) as Box<dyn Store>)
        }
    };
    opened.map_err(|error| refused(call, stack, &error))
}

/// A local store keeps stacks below one folder; a path that ends in the stack's name is that stack's own part of it.
fn local_root(root: &Path, path: &str, stack: &str) -> std::path::PathBuf {
    let path = root.join(path);
    match path.file_name() {
        Some(name) if name == stack => path.parent().map(Path::to_owned).unwrap_or(path),
        _ => path,
    }
}

/// 128 random bits in hexadecimal.
pub fn random(call: &Call) -> Ended<String> {
    let bits = call.world.nature.random();
    Ok(bits.map(|it| format!("{it:032x}")).ok_or_else(|| Diagnostic::error("io", "the system has no random numbers"))?)
}

/// What a store refuses, as it ends the command.
pub fn refused(call: &Call, stack: &Stack, error: &StoreError) -> Stop {
    fault::of_store(error, stack.name.as_str(), call.world.nature.now()).into()
}

/// Connects, and checks that it is the right account. Says where it is on stderr.
pub async fn connect(call: &Call, mut stack: Stack, purpose: Purpose) -> Ended<Connected> {
    guard::version(&stack.settings)?;
    guard::kept_state(&stack.settings, call.world.is_unattended())?;
    let limits = match call.world.var("INFRA_RATE_LIMITS") {
        Some("off") => Limits::off(),
        _ => Limits::published(),
    };
    let clouds = Clouds::connect(stack.catalog.clone(), &configurations(&stack), limits).await;
    let identity = own_account(call, &clouds, &stack).await?;
    let now = call.world.nature.now();
    let ends = clouds.config(&ConfigName::default()).map_err(|it| fault::of_cloud(&it))?.credentials_end().await;
    guard::credentials(millis(ends)?, now, 0)?;
    stack.program.set_account(&identity.account);
    let endpoint = clouds.endpoint_override().map(str::to_owned);
    let store = open(call, &stack, purpose).await?;
    let (region, run) = (stack.settings.region.clone(), random(call)?);
    let it = Connected {
        stack,
        clouds,
        account: identity.account,
        caller: identity.arn,
        region,
        endpoint,
        store,
        found: Found::default(),
        former: None,
        run,
        seal_key: None,
    };
    it.announce(call);
    it.unwrap_keys().await;
    Ok(it)
}

/// Whose credentials these are, if they are those of one of the stack's accounts.
async fn own_account(call: &Call, clouds: &Clouds, stack: &Stack) -> Ended<Identity> {
    let identity = clouds.identity().await.map_err(|it| unknown_caller(call, &it))?;
    guard::account(&stack.settings, &identity.account, &identity.arn)?;
    Ok(identity.clone())
}

/// Why it is not known who calls. A profile that is set is the first thing to look at.
fn unknown_caller(call: &Call, it: &Fault) -> Diagnostic {
    let diagnostic = fault::of_cloud(it);
    match call.world.var("AWS_PROFILE").filter(|_| it.class == Class::Credentials) {
        Some(profile) => {
            diagnostic.note(format!("AWS_PROFILE is `{profile}`: `aws configure list-profiles` shows those that exist"))
        }
        None => diagnostic,
    }
}

fn own_configuration(stack: &Stack) -> Settings {
    Settings { region: stack.settings.region.clone(), ..Settings::default() }
}

/// The stack's own configuration and the named ones, as the cloud takes them.
fn configurations(stack: &Stack) -> BTreeMap<ConfigName, Settings> {
    let own = &stack.settings.region;
    let settings = |it: &AwsSettings| Settings {
        region: it.region.clone().unwrap_or_else(|| own.clone()),
        profile: it.profile.clone(),
        assume_role: it.assume_role.as_ref().map(|role| AssumeRole {
            role_arn: role.role_arn.clone(),
            external_id: role.external_id.clone(),
            session_name: role.session_name.clone(),
        }),
        ..Settings::default()
    };
    let mut all: BTreeMap<ConfigName, Settings> =
        stack.settings.aws.iter().map(|(name, it)| (name.clone(), settings(it))).collect();
    all.insert(ConfigName::default(), own_configuration(stack));
    all
}

fn millis(ends: Result<Option<std::time::SystemTime>, Fault>) -> Ended<Option<u64>> {
    let ends = ends.map_err(|it| fault::of_cloud(&it))?;
    let since = ends.and_then(|it| it.duration_since(std::time::UNIX_EPOCH).ok());
    Ok(since.and_then(|it| u64::try_from(it.as_millis()).ok()))
}

impl Connected {
    /// One line that says what this is about, with the endpoint if it is not AWS.
    fn announce(&self, call: &Call) {
        let style = call.err_style();
        let mut line =
            format!("stack {} · account {} · {} · state {}", self.stack.name, self.account, self.region, self.store.place());
        if let Some(endpoint) = &self.endpoint {
            line.push_str(&format!(" · endpoint {endpoint}"));
        }
        call.tell(&format!("{}\n\n", style.paint(Tone::Faint, &line)));
    }

    pub fn run(&self) -> &str {
        &self.run
    }

    /// Asks KMS for the data keys that files of SOPS need. Whether any were: then what was evaluated without them is not all.
    /// What KMS refuses, the file's own diagnostic says.
    pub async fn unwrap_keys(&self) -> bool {
        let wanted = self.stack.kms.wanted();
        let own = own_configuration(&self.stack);
        let asked = wanted.iter().map(|it| async { sops::unwrap(&own, it).await.map_err(|fault| fault.to_string()) });
        let answers = futures::future::join_all(asked).await;
        let any = !wanted.is_empty();
        wanted.into_iter().zip(answers).for_each(|(key, answer)| self.stack.kms.answered(key, answer));
        any
    }

    pub fn refused(&self, call: &Call, error: &StoreError) -> Stop {
        refused(call, &self.stack, error)
    }

    /// When the credentials end, in milliseconds since 1970, if they do and cannot be refreshed.
    pub async fn credentials_end(&self) -> Ended<Option<u64>> {
        let config = self.clouds.config(&ConfigName::default()).map_err(|it| fault::of_cloud(&it))?;
        millis(config.credentials_end().await)
    }

    /// The state as it is, without the lock; an empty one for a stack that has none.
    pub async fn read(&mut self, call: &Call) -> Ended<State> {
        let (state, key) = futures::join!(self.store.read(), self.store.known_seal_key());
        let state = state.map_err(|it| self.refused(call, &it))?;
        self.seal_key = key.map_err(|it| self.refused(call, &it))?;
        self.adopt(call, state, None).await
    }

    pub async fn sealer(&self, call: &Call) -> Ended<Sealer> {
        let key = match self.seal_key {
            Some(key) => key,
            None => self.store.seal_key().await.map_err(|it| self.refused(call, &it))?,
        };
        Ok(Sealer::new(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_path_may_end_in_the_name_of_its_stack() {
        let root = Path::new("/r");
        assert_eq!(local_root(root, ".infra/dev", "dev"), Path::new("/r/.infra"));
        assert_eq!(local_root(root, "states", "dev"), Path::new("/r/states"));
    }
}
