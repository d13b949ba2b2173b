//! What a cloud or a store refused, as a diagnostic: what happened, and what one does about it.

mod cluster;

use crate::diag::Diagnostic;
use crate::remote::{Class, Fault};
use crate::report::time;
use crate::secrets::vault::VaultError;
use crate::store::{Holder, StoreError};

/// The diagnostic for a fault that stopped a command.
pub fn of_cloud(fault: &Fault) -> Diagnostic {
    if let Some(it) = cluster::of(fault) {
        return it;
    }
    let call = &fault.call;
    let said = said(fault);
    match fault.class {
        Class::Denied => Diagnostic::error("access-denied", format!("these credentials may not call {call}"))
            .detail(said)
            .help("grant the action on that resource to the principal named above; `aws sts get-caller-identity` says who that is"),
        Class::Credentials if is_expired(fault) => Diagnostic::error("credentials-expired", "the AWS credentials have expired")
            .detail(said)
            .help("sign in again (aws sso login, or new temporary credentials) and repeat the command; nothing was changed by this call"),
        Class::Credentials => Diagnostic::error("no-credentials", "there are no AWS credentials that work")
            .detail(said)
            .help("set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, as for every AWS tool"),
        Class::Unreachable => Diagnostic::error("unreachable", format!("{call} cannot be reached"))
            .detail(said)
            .help("check the network, the region's name and AWS_ENDPOINT_URL; nothing was sent"),
        Class::Busy if is_throttled(fault) => Diagnostic::error("throttled", format!("AWS throttles {call}"))
            .detail(said)
            .help("repeat the command in a while; fewer steps at a time: --parallelism N"),
        Class::Busy => Diagnostic::error("unavailable", format!("AWS could not serve {call}"))
            .detail(said)
            .help("repeat the command in a while; health.aws.amazon.com tells of outages"),
        Class::Quota => Diagnostic::error("quota", format!("a service quota is used up: {call}"))
            .detail(said)
            .help("ask for a higher quota in the Service Quotas console, or delete what is not needed, and repeat the command"),
        Class::Missing => Diagnostic::error("gone", format!("{call} names something that does not exist")).detail(said),
        Class::Exists => Diagnostic::error("name-taken", format!("{call}: something of that name exists and is not this stack's"))
            .detail(said)
            .help("choose another name, or take the thing over with an `import` block"),
        Class::InUse => Diagnostic::error("in-use", format!("{call}: something still uses it"))
            .detail(said)
            .help("remove what uses it; what this stack owns, it removes by itself, in order"),
        Class::Settling => Diagnostic::error("not-settled", format!("{call}: something made before has not spread yet"))
            .detail(said)
            .help("repeat the command"),
        Class::Unknown => Diagnostic::error("unanswered", format!("{call} was not answered: it may have happened or not"))
            .detail(said)
            .help("repeat the command: it looks before it tries again, and makes nothing twice"),
        Class::Refused => Diagnostic::error("refused", format!("AWS refused {call}")).detail(said),
        Class::Fenced => lock_lost("the lease does not cover the call any more"),
        Class::Bug => Diagnostic::error("bug", format!("this is a bug in infra: {call}"))
            .detail(said)
            .help("please report it with this text; the state is consistent, and the command may be repeated"),
    }
}

/// The diagnostic for a store that cannot be used.
pub fn of_store(error: &StoreError, stack: &str, now: u64) -> Diagnostic {
    match error {
        StoreError::Locked { holder } => locked(holder, stack, now),
        StoreError::LockLost(why) => lock_lost(why),
        StoreError::Damaged { place, why } => Diagnostic::error("state-damaged", format!("the state at {place} cannot be read"))
            .detail(format!("It is damaged or cut off: {why}. Nothing was changed."))
            .help("restore an earlier version of it; with state in S3, the bucket keeps every version"),
        StoreError::Newer { place, found, known } => {
            Diagnostic::error("state-newer", format!("the state at {place} was written by a newer infra"))
                .detail(format!("It has format {found}; this version reads formats up to {known}. Nothing was changed."))
                .help("use the version that the others of the team use, or a newer one")
        }
        StoreError::OtherStack { place, found } => {
            Diagnostic::error("state-of-another-stack", format!("the state at {place} belongs to the stack `{found}`"))
                .detail(format!(
                    "Two stacks must not share a state: `{stack}` would delete what `{found}` has made. Nothing was changed."
                ))
                .help("give each stack a `key` of its own in its `state` block")
        }
        StoreError::Foreign { place, what } => Diagnostic::error(
            "state-foreign",
            format!("{place} holds {what}, not a state of infra"),
        )
        .detail("Nothing was changed.")
        .help("correct `bucket`, `key` or `path` in the `state` block; to take things of another tool over: `import` blocks"),
        StoreError::Unencrypted { place } => not_encrypted(&format!("the state at {place}")),
        StoreError::Encrypted { place } => encrypted(&format!("the state at {place}")),
        StoreError::NoKey { place, recipients } => no_key(&format!("the state at {place}"), recipients),
        StoreError::Unlawful { place, problems } => {
            Diagnostic::error("state-damaged", format!("the state at {place} contradicts itself"))
                .detail(format!("{}. Nothing was changed.", problems.join("; ")))
                .help("restore an earlier version of it; with state in S3, the bucket keeps every version")
        }
        StoreError::Refused { place, problems } => {
            Diagnostic::error("bug", format!("this is a bug in infra: the new state for {place} is not good"))
                .detail(format!("{}. The former state was kept.", problems.join("; ")))
                .help("please report it with this text")
        }
        StoreError::NoVersion { place, id } => Diagnostic::error("no-version", format!("{place} has no version `{id}`")),
        StoreError::HeldByProcess { pid } => Diagnostic::error(
            "held-by-process",
            format!("the lock is held by process {pid} on this machine, which is still running"),
        )
        .detail("The lock of a local state is the system's: only the end of that process frees it.")
        .help(format!("let it finish, or end it: kill {pid}")),
        StoreError::NotHeldBy { wanted, found } => {
            let detail = match found {
                Some(run) => format!("The run `{run}` holds it now."),
                None => "Nobody holds it now.".to_owned(),
            };
            Diagnostic::error("not-held", format!("the lock is not held by the run `{wanted}` any more"))
                .detail(detail)
                .help(format!("look again: infra unlock {stack}"))
        }
        StoreError::Absent(what) => Diagnostic::error("no-store", format!("there is no state store yet: {what}"))
            .detail("The bucket and the lock table that the `state` block names must exist before anything can be recorded.")
            .help(format!("infra bootstrap {stack}")),
        StoreError::Io { place, source } => Diagnostic::error("io", format!("{place} cannot be used"))
            .detail(source.to_string())
            .help("check that the folder exists and may be written"),
        StoreError::Cloud(fault) => of_cloud(fault).note("while reading or writing the state"),
    }
}

/// `what` is what could not be opened or encrypted, with its place: "the plan x.plan".
pub fn of_vault(error: &VaultError, what: &str) -> Diagnostic {
    match error {
        VaultError::Unencrypted => not_encrypted(what),
        VaultError::Undemanded => encrypted(what),
        VaultError::NoKey { recipients } => no_key(what, recipients),
        VaultError::OtherStack(found) => {
            Diagnostic::error("state-of-another-stack", format!("{what} belongs to the stack `{found}`"))
        }
        VaultError::Newer { .. } => Diagnostic::error("state-newer", format!("{what} was written by a newer infra"))
            .detail(format!("{error}."))
            .help("use the version that the others of the team use, or a newer one"),
        VaultError::Damaged(why) => Diagnostic::error("state-damaged", format!("{what} cannot be read")).detail(*why),
        VaultError::NoRandom => Diagnostic::error("io", error.to_string()),
        VaultError::Cloud(fault) => of_cloud(fault).note(format!("while asking KMS for the key of {what}")),
    }
}

fn not_encrypted(what: &str) -> Diagnostic {
    Diagnostic::error("not-encrypted", format!("{what} is not encrypted, and the stack demands it"))
        .detail("Somebody may have put it there in the place of the encrypted one. Nothing was changed.")
        .help("where encryption was just begun: unencrypted = \"read\" in the `encryption` block, until the next apply")
}

fn encrypted(what: &str) -> Diagnostic {
    Diagnostic::error("encrypted", format!("{what} is encrypted, and the stack has no `encryption` block"))
        .detail("It would be written in clear. Nothing was changed.")
        .help("put the `encryption` block back; to end encryption, say unencrypted = \"write\" in it for one apply")
}

fn no_key(what: &str, recipients: &[String]) -> Diagnostic {
    Diagnostic::error("no-key", format!("none of the keys at hand opens {what}"))
        .detail(format!("It is encrypted for {}. Nothing was changed.", recipients.join(", ")))
        .help("age keys are taken from SOPS_AGE_KEY, SOPS_AGE_KEY_FILE, or the file sops/age/keys.txt of your configuration")
        .help("a former key of KMS is named in the `kms` block: previous = [\"…\"]")
}

fn locked(holder: &Holder, stack: &str, now: u64) -> Diagnostic {
    let age = time::length(std::time::Duration::from_millis(now.saturating_sub(holder.since)));
    Diagnostic::error("locked", format!("the stack `{stack}` is locked by {}", holder.owner.who))
        .detail(format!(
            "`{}` holds the lock since {} ({age} ago). Run {}.",
            holder.owner.command,
            time::point(holder.since),
            holder.owner.run
        ))
        .help(format!(
            "wait for it: --lock-timeout 10m; a holder that gives no sign of life for {} s is taken over by itself",
            holder.lease_seconds
        ))
        .help(format!("if you are sure that it is gone: infra unlock {stack}"))
}

fn lock_lost(why: &str) -> Diagnostic {
    Diagnostic::error("lock-lost", "another run has taken the lock over")
        .detail(format!("This run may not change anything any more: {why}. What it had begun is on record."))
        .help("look at what the other run does, then repeat the command")
}

/// In AWS's words, with what its support asks for.
fn said(fault: &Fault) -> String {
    let mut out = fault.code.as_ref().map_or_else(String::new, |code| format!("{code}: "));
    out.push_str(fault.message.trim());
    if let Some(id) = &fault.request_id {
        out.push_str(&format!(" (request id {id})"));
    }
    out
}

fn is_expired(fault: &Fault) -> bool {
    fault.code.as_deref().is_some_and(|it| it.contains("Expired")) || fault.message.contains("expired")
}

fn is_throttled(fault: &Fault) -> bool {
    let code = fault.code.as_deref().unwrap_or_default();
    ["Throttl", "RequestLimitExceeded", "SlowDown", "TooManyRequests", "RequestThrottled"].iter().any(|it| code.contains(it))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::render::{NoSources, render};
    use crate::store::Owner;

    fn text(it: &Diagnostic) -> String {
        render(std::slice::from_ref(it), &NoSources, false)
    }

    #[test]
    fn a_denied_call_says_which_action_on_what() {
        let mut fault = Fault::new(
            Class::Denied,
            "ec2:CreateVpc",
            "User: arn:aws:iam::1:user/x is not authorized to perform: ec2:CreateVpc on resource: arn:aws:ec2:eu-west-1:1:vpc/*",
        );
        fault.code = Some("UnauthorizedOperation".into());
        fault.request_id = Some("abc".into());
        let text = text(&of_cloud(&fault));
        for part in ["error[access-denied]", "ec2:CreateVpc", "arn:aws:iam::1:user/x", "on resource", "request id abc"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn expired_credentials_are_not_missing_ones() {
        let mut fault =
            Fault::new(Class::Credentials, "sts:GetCallerIdentity", "The security token included in the request is expired");
        assert_eq!(of_cloud(&fault).code, "credentials-expired");
        fault.message = "no providers in chain provided credentials".into();
        assert_eq!(of_cloud(&fault).code, "no-credentials");
    }

    #[test]
    fn a_lock_names_its_holder_and_the_way_out() {
        let owner = Owner { run: "r1".into(), who: "ann@box".into(), command: "infra apply dev".into() };
        let holder = Box::new(Holder { owner, epoch: 3, since: 1_795_572_708_000, lease_seconds: 60 });
        let it = of_store(&StoreError::Locked { holder }, "dev", 1_795_572_708_000 + 125_000);
        let text = text(&it);
        for part in ["error[locked]", "ann@box", "infra apply dev", "2026-11-25 02:11:48 UTC", "2m05s ago", "infra unlock dev"] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn every_class_has_its_words() {
        use Class::*;
        for class in
            [Missing, Busy, Settling, InUse, Unknown, Exists, Refused, Denied, Credentials, Quota, Unreachable, Fenced, Bug]
        {
            let it = of_cloud(&Fault::new(class, "ec2:X", "why"));
            assert!(!it.summary.is_empty() && crate::diag::explain::page(it.code).is_some(), "{class:?}: {}", it.code);
        }
    }
}
