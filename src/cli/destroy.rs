//! `infra destroy STACK`: deletes everything that the stack owns. The stack is always named.

use super::args::{Carrying, Inputs, Selection, StackArgs};
use super::call::Call;
use super::change::{self, Change, Goal};
use super::connect::{self, Purpose};
use super::exit::Ended;
use super::stack;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The stack: a folder under stacks/
    pub stack: String,
    #[command(flatten)]
    pub inputs: Inputs,
    /// Only this address, block or module, and what needs it; may be repeated
    #[arg(long = "target", value_name = "ADDRESS")]
    pub targets: Vec<String>,
    /// Empty this bucket, registry or zone before it is deleted; may be repeated
    #[arg(long = "purge", value_name = "ADDRESS")]
    pub purge: Vec<String>,
    #[command(flatten)]
    pub carrying: Carrying,
}

pub async fn run(call: &mut Call, args: Args) -> Ended {
    let purge = args.purge.iter().map(|it| stack::address(it)).collect::<Ended<_>>()?;
    let stack = stack::load_whole(call, &StackArgs { stack: Some(args.stack), inputs: args.inputs })?;
    let connected = connect::connect(call, stack, Purpose::Change).await?;
    let selection = Selection { targets: args.targets, refresh: true, ..Selection::default() };
    change::run(call, connected, Change { goal: Goal::Nothing { purge }, selection, carrying: args.carrying }).await
}
