//! Terraform's functions that are not offered, and why.

/// Why `name` is refused and what to do instead; nothing when Terraform has no such function either.
pub(super) fn reason(name: &str) -> Option<&'static str> {
    Some(match name {
        "timestamp" | "plantimestamp" => {
            "it gives another result on every run, so that no plan would ever be empty; pass the time in with --var, or write it down"
        }
        "uuid" => "it gives another result on every run; uuidv5 makes a stable one of a name",
        "bcrypt" => {
            "its salt is random, so that it gives another result on every run; keep the hash itself as an encrypted secret"
        }
        "rsadecrypt" => "its result would be a secret that no mark protects; keep the secret encrypted with SOPS instead",
        "list" => "Terraform removed it; write [a, b], or tolist([a, b])",
        "map" => "Terraform removed it; write { a = b }, or tomap({ a = b })",
        "ephemeralasnull" => "there are no ephemeral values; a sensitive value is never stored in clear",
        _ if name.starts_with("provider::") => "there are no providers, and so none of their functions",
        _ => return None,
    })
}
