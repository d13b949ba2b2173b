//! What a Kubernetes cluster refused.

use super::said;
use crate::diag::Diagnostic;
use crate::remote::{Class, Fault};

/// The diagnostic for what reads otherwise than of AWS; none where it does not, or is not of a cluster.
pub(super) fn of(fault: &Fault) -> Option<Diagnostic> {
    let verb = fault.call.strip_prefix("kubernetes:")?;
    let said = said(fault);
    match fault.class {
        Class::Denied => Some(
            Diagnostic::error("access-denied", format!("the cluster does not allow {verb}"))
                .detail(said)
                .help("an access policy of the principal's access entry, or a role binding, must allow it"),
        ),
        Class::Credentials => Some(
            Diagnostic::error("cluster-access", "the cluster does not let these credentials in")
                .detail(said)
                .help("`aws sts get-caller-identity` says who calls; an aws_eks_access_entry says who may"),
        ),
        Class::Unreachable => Some(
            Diagnostic::error("unreachable", "the cluster cannot be reached")
                .detail(said)
                .help("connect to the network that the endpoint is in, or let its public endpoint be reached from here"),
        ),
        Class::Busy => Some(
            Diagnostic::error("unavailable", format!("the cluster could not serve {verb}"))
                .detail(said)
                .help("repeat the command in a while"),
        ),
        Class::Quota => Some(
            Diagnostic::error("quota", "a quota of the namespace is used up")
                .detail(said)
                .help("raise the ResourceQuota, or delete what is not needed, and repeat the command"),
        ),
        Class::Exists => Some(
            Diagnostic::error("name-taken", "an object of that name exists and is not this stack's")
                .detail(said)
                .help("choose another name, delete the object, or take it over with an `import` block"),
        ),
        Class::Settling => Some(
            Diagnostic::error("not-settled", "what the object needs is not there yet")
                .detail(said)
                .help("repeat the command once it is"),
        ),
        Class::Refused => Some(Diagnostic::error("refused", "the cluster does not take the object").detail(said)),
        Class::Missing | Class::InUse | Class::Unknown | Class::Fenced | Class::Bug => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_is_not_called_aws() {
        let shown = |call: &str, class| super::super::of_cloud(&Fault::new(class, call, "why")).code.to_string();
        assert_eq!(shown("kubernetes:List", Class::Credentials), "cluster-access");
        assert_eq!(shown("sts:GetCallerIdentity", Class::Credentials), "no-credentials");
        assert_eq!(shown("kubernetes:Apply", Class::Bug), "bug");
    }
}
