//! EKS's errors.
//!
//! Source: Amazon EKS API Reference, "Errors" of each action, and messages seen in public issue threads.

use crate::gateway::Refusal;

/// A parameter is wrong, or names something that does not exist.
pub fn parameter(message: impl Into<String>) -> Refusal {
    Refusal::new("InvalidParameterException", message)
}

/// The request does not fit the state of what it is for.
pub fn request(message: impl Into<String>) -> Refusal {
    Refusal::new("InvalidRequestException", message)
}

/// The name is taken, or something else is going on with it.
pub fn in_use(message: impl Into<String>) -> Refusal {
    Refusal::with_status(409, "ResourceInUseException", message)
}

pub fn not_found(message: impl Into<String>) -> Refusal {
    Refusal::with_status(404, "ResourceNotFoundException", message)
}

pub fn no_cluster(name: &str) -> Refusal {
    not_found(format!("No cluster found for name: {name}."))
}

pub fn no_group(name: &str) -> Refusal {
    not_found(format!("No node group found for name: {name}."))
}

pub fn no_addon(name: &str, cluster: &str) -> Refusal {
    not_found(format!("No addon: {name} found in cluster: {cluster}"))
}
