//! Who and where one is: data sources about the account itself.

pub mod caller_identity;
pub mod partition;
pub mod region;
