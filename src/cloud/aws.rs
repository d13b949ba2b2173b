//! AWS: clients made lazily over one transport that counts, limits, gates and times every call.

/// One configuration: account, region and credentials, with the service clients that belong to it.
#[derive(Debug)]
pub struct Aws {}
