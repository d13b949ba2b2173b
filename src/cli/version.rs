//! `infra version`

use serde_json::json;

use super::args::Format;
use super::call::Call;
use super::exit::{Ended, Exit};
use crate::report::json::FORMAT_VERSION;

pub fn run(call: &Call) -> Ended {
    call.only(&[Format::Text, Format::Json])?;
    let version = env!("CARGO_PKG_VERSION");
    match call.format {
        Format::Json => call.print_json(&json!({
            "format_version": FORMAT_VERSION,
            "version": version,
            "state_format": crate::state::FORMAT,
            "plan_format": crate::plan::codec::FORMAT,
        })),
        Format::Text | Format::Markdown => call.print(&format!("infra {version}\n")),
    }
    Ok(Exit::Done)
}
