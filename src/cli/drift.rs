//! `infra drift [STACK]`: what differs from what was declared. Reads everything, changes nothing.

use super::args::{Format, Selection, StackArgs};
use super::call::Call;
use super::connect::{self, Purpose};
use super::exit::{Ended, Exit};
use super::look::Depth;
use super::{planning, stack};
use crate::drift::{self, report};
use crate::plan::Options;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub stack: StackArgs,
    /// Only this address, block or module; may be repeated
    #[arg(long = "target", value_name = "ADDRESS")]
    pub targets: Vec<String>,
}

pub async fn run(call: &mut Call, args: Args) -> Ended {
    let stack = stack::load_whole(call, &args.stack)?;
    let mut connected = connect::connect(call, stack, Purpose::Look).await?;
    let state = connected.read(call).await?;
    let selection = Selection { targets: args.targets, refresh: true, ..Selection::default() };
    // A limit is for plans that are carried out.
    let options = Options { max_deletes: None, ..planning::options(&connected, &selection)? };
    let sealer = connected.sealer(call).await?;
    let mut observed = planning::look(&connected, &state, Depth::Whole).await?;
    let planned = planning::plan(&mut connected, &state, &mut observed, &options, &sealer).await?;
    call.complain(&planned.diagnostics);
    let findings = drift::findings(&planned, &state, &observed);
    let (name, looked_at) = (connected.stack.name.as_str(), observed.live.len());
    match call.format {
        Format::Json => call.print_json(&report::json(name, &findings, looked_at, call)),
        Format::Markdown => call.print(&report::markdown(name, &findings, looked_at)),
        Format::Text => call.print(&report::text(name, &findings, looked_at, call, call.out_style())),
    }
    Ok(if findings.iter().any(|it| it.verdict.is_drift()) { Exit::Changes } else { Exit::Done })
}
