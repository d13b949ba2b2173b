//! `infra apply [STACK]`: shows the plan, asks, and makes it so.

use std::path::PathBuf;

use super::args::{Carrying, Selection, StackArgs};
use super::call::Call;
use super::change::{self, Change, Goal};
use super::connect::{self, Purpose};
use super::exit::Ended;
use super::stack;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub stack: StackArgs,
    #[command(flatten)]
    pub selection: Selection,
    #[command(flatten)]
    pub carrying: Carrying,
    /// Carry out exactly the plan that `infra plan --out FILE` kept
    #[arg(long, value_name = "FILE", conflicts_with_all = ["targets", "replaces"])]
    pub plan: Option<PathBuf>,
}

pub async fn run(call: &mut Call, args: Args) -> Ended {
    let stack = stack::load_whole(call, &args.stack)?;
    call.complain(&stack.warnings);
    let connected = connect::connect(call, stack, Purpose::Change).await?;
    let goal = match args.plan {
        Some(file) => Goal::Saved(call.world.dir.join(file)),
        None => Goal::Files,
    };
    change::run(call, connected, Change { goal, selection: args.selection, carrying: args.carrying }).await
}
