//! What is checked before anything is called, and before anything is changed: `language.md`, "Guards".

use semver::{Version, VersionReq};

use crate::cli::exit::Ended;
use crate::diag::Diagnostic;
use crate::report::time;
use crate::stack::{StackSettings, StateSettings};
use crate::state::State;

/// The stack may demand a version of infra.
pub fn version(settings: &StackSettings) -> Ended<()> {
    check_version(settings.version.as_ref(), env!("CARGO_PKG_VERSION"))
}

fn check_version(demanded: Option<&VersionReq>, have: &str) -> Ended<()> {
    let Some(demanded) = demanded else { return Ok(()) };
    if Version::parse(have).is_ok_and(|it| demanded.matches(&it)) {
        return Ok(());
    }
    Err(Diagnostic::error("wrong-version", format!("this is infra {have}, the stack demands {demanded}"))
        .detail("The `stack` block says which versions may work on it, so that nobody applies with another one by accident.")
        .help("install a version that fits, or change `version` in the `stack` block")
        .into())
}

/// A state on this machine is lost where nobody keeps the machine.
pub fn kept_state(settings: &StackSettings, is_ci: bool) -> Ended<()> {
    match settings.state {
        StateSettings::Local { declared: false, .. } if is_ci => Err(Diagnostic::error(
            "ci-local-state",
            "the stack has no `state` block, and `CI` is set",
        )
        .detail(
            "Its state would be kept in a folder of this machine and be lost with it; the next run would make everything again.",
        )
        .help("state \"s3\" { bucket = …, key = …, lock_table = … } within the `stack` block; infra bootstrap makes both")
        .into()),
        StateSettings::Local { .. } | StateSettings::S3 { .. } => Ok(()),
    }
}

/// Only the accounts that the stack names.
pub fn account(settings: &StackSettings, account: &str, arn: &str) -> Ended<()> {
    if settings.accounts.is_empty() || settings.accounts.iter().any(|it| it == account) {
        return Ok(());
    }
    Err(Diagnostic::error("wrong-account", format!("these credentials belong to the account {account}"))
        .detail(format!(
            "The stack belongs to {}. Nothing else was called. The credentials are those of {arn}.",
            settings.accounts.join(", ")
        ))
        .help("use the stack's own profile: AWS_PROFILE=…")
        .into())
}

/// The state was made in one account and region, through AWS itself or through a stand-in: nothing else fits it.
pub fn same_place(state: &State, account: &str, region: &str, endpoint: Option<&str>) -> Ended<()> {
    if let Some(recorded) = state.account.as_deref().filter(|it| *it != account) {
        return Err(Diagnostic::error(
            "wrong-account",
            format!("the state was made in the account {recorded}, this is {account}"),
        )
        .detail("With other credentials everything in it would seem to be gone, and be made again.")
        .help("use the credentials of that account, or give the stack a state of its own")
        .into());
    }
    if let Some(recorded) = state.region.as_deref().filter(|it| *it != region) {
        return Err(Diagnostic::error("wrong-region", format!("the state was made in {recorded}, the stack says {region}"))
            .detail("A stack cannot move to another region: everything in it would seem to be gone.")
            .help(format!("set the region back, or destroy the stack in {recorded} first"))
            .into());
    }
    if state.serial > 0 && state.endpoint.is_some() != endpoint.is_some() {
        let made = |it: Option<&str>| it.map_or("AWS itself".to_owned(), |it| format!("the endpoint {it}"));
        return Err(Diagnostic::error(
            "endpoint-mismatch",
            format!("the state was made through {}, this is {}", made(state.endpoint.as_deref()), made(endpoint)),
        )
        .detail("What exists there does not exist here: everything would seem to be gone, and be made again.")
        .help("set or unset AWS_ENDPOINT_URL, or use another state")
        .into());
    }
    Ok(())
}

/// No state, while the account holds things with this stack's mark.
pub fn lost_state(stack: &str, place: &str, found: &[String]) -> Ended<()> {
    let Some(first) = found.first() else { return Ok(()) };
    Err(Diagnostic::error(
        "lost-state",
        format!("there is no state at {place}, but the account holds {} things of the stack `{stack}`", found.len()),
    )
    .detail(format!("They carry the tag `infra:stack` = `{stack}`, such as {first}. Applying now would make everything twice."))
    .help("check `bucket`, `key` and `path` of the `state` block; restore the state if it is lost, with `infra state push`")
    .help(format!("or record these things anew: infra state rebuild {stack}"))
    .into())
}

/// Credentials that end before the run does leave it half done.
pub fn credentials(ends: Option<u64>, now: u64, needs_millis: u64) -> Ended<()> {
    let Some(ends) = ends.filter(|it| *it < now.saturating_add(needs_millis)) else { return Ok(()) };
    Err(Diagnostic::error(
        "credentials-short",
        format!("the credentials end at {}, before this run is expected to", time::point(ends)),
    )
    .detail(format!(
        "It is expected to take {}. They cannot be refreshed, so the run would stop half done.",
        time::length(std::time::Duration::from_millis(needs_millis))
    ))
    .help("get new credentials first, or make the change in parts with --target")
    .into())
}

/// The name that must be given, where a stack asks for its name.
pub fn named(stack: &str, given: Option<&str>) -> Ended<()> {
    match given {
        Some(name) if name == stack => Ok(()),
        Some(name) => {
            Err(Diagnostic::error("not-confirmed", format!("`{name}` is not the name of the stack, which is `{stack}`"))
                .detail("Nothing was changed.")
                .into())
        }
        None => Err(Diagnostic::error("not-confirmed", format!("the stack `{stack}` has `confirm = true`: it must be named"))
            .detail("With --auto-approve nobody is asked for the name. Nothing was changed.")
            .help(format!("--confirm {stack}"))
            .into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Lineage;

    fn code(it: Ended<()>) -> &'static str {
        it.err().and_then(|it| it.diagnostics.first().map(|it| it.code)).unwrap_or_default()
    }

    fn state() -> State {
        let mut state = State::new("dev".parse().unwrap(), Lineage("l".into()));
        state.account = Some("111111111111".into());
        state.region = Some("eu-west-1".into());
        state.serial = 1;
        state
    }

    #[test]
    fn another_version_is_refused() {
        let demanded: VersionReq = ">=0.1, <0.2".parse().unwrap();
        assert_eq!(code(check_version(Some(&demanded), "0.1.5")), "");
        assert_eq!(code(check_version(Some(&demanded), "0.2.0")), "wrong-version");
        assert_eq!(code(check_version(None, "9.0.0")), "");
    }

    #[test]
    fn a_state_fits_one_account_region_and_kind_of_endpoint() {
        assert_eq!(code(same_place(&state(), "111111111111", "eu-west-1", None)), "");
        assert_eq!(code(same_place(&state(), "222222222222", "eu-west-1", None)), "wrong-account");
        assert_eq!(code(same_place(&state(), "111111111111", "us-east-1", None)), "wrong-region");
        assert_eq!(code(same_place(&state(), "111111111111", "eu-west-1", Some("http://127.0.0.1:4566"))), "endpoint-mismatch");
        let local = State { endpoint: Some("http://127.0.0.1:1".into()), ..state() };
        assert_eq!(code(same_place(&local, "111111111111", "eu-west-1", Some("http://127.0.0.1:2"))), "", "ports come and go");
        assert_eq!(code(same_place(&local, "111111111111", "eu-west-1", None)), "endpoint-mismatch");
    }

    #[test]
    fn things_without_a_state_stop_the_run() {
        assert_eq!(code(lost_state("dev", "s3://b/k", &[])), "");
        assert_eq!(code(lost_state("dev", "s3://b/k", &["arn:aws:ec2:…:vpc/vpc-1".into()])), "lost-state");
    }

    #[test]
    fn credentials_must_outlive_the_run() {
        assert_eq!(code(credentials(None, 0, u64::MAX)), "");
        assert_eq!(code(credentials(Some(10_000), 0, 9_000)), "");
        assert_eq!(code(credentials(Some(10_000), 2_000, 9_000)), "credentials-short");
    }

    #[test]
    fn a_guarded_stack_is_named() {
        assert_eq!(code(named("prod", Some("prod"))), "");
        assert_eq!(code(named("prod", Some("dev"))), "not-confirmed");
        assert_eq!(code(named("prod", None)), "not-confirmed");
    }
}
