//! `infra unlock [STACK]`: takes the lock away from a run that is gone. For people, so it asks.

use std::time::Duration;

use super::args::StackArgs;
use super::call::Call;
use super::connect::{self, Purpose};
use super::exit::{Ended, Exit, Stop};
use super::stack;
use crate::diag::Diagnostic;
use crate::report::time;
use crate::state::{IntentAct, State};
use crate::store::Holder;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub stack: StackArgs,
    /// Do not ask, if this run still holds the lock
    #[arg(long, value_name = "RUN")]
    pub run: Option<String>,
}

pub async fn run(call: &mut Call, args: Args) -> Ended {
    let stack = stack::load(call, &args.stack)?;
    let store = connect::store(call, &stack, Purpose::Change).await?;
    let holder = store.holder().await.map_err(|it| connect::refused(call, &stack, &it))?;
    let Some(holder) = holder else {
        call.print(&format!("The stack `{}` is not locked.\n", stack.name));
        return Ok(Exit::Done);
    };
    let state = store.read().await.map_err(|it| connect::refused(call, &stack, &it))?;
    call.tell(&about(&holder, state.as_ref(), call.world.nature.now()));
    let run = match args.run {
        Some(run) => run,
        None => {
            let answer = call.ask("\nTake the lock away? The run that holds it may be alive: look first. Only `yes` does it: ");
            match answer.as_deref() {
                Some("yes") => holder.owner.run.clone(),
                Some(_) => return Ok(declined(call)),
                None => {
                    return Err(Stop::usage(
                        Diagnostic::error("nobody-to-ask", "there is nobody to ask")
                            .help(format!("infra unlock {} --run {}", stack.name, holder.owner.run)),
                    ));
                }
            }
        }
    };
    store.unlock(&run).await.map_err(|it| connect::refused(call, &stack, &it))?;
    call.print(&format!("The lock of `{}` is free. The next apply settles what that run had begun.\n", stack.name));
    Ok(Exit::Done)
}

fn declined(call: &Call) -> Exit {
    call.tell("The lock stays as it is.\n");
    Exit::Failed
}

/// Who holds it, since when, and what that run had begun and not finished.
fn about(holder: &Holder, state: Option<&State>, now: u64) -> String {
    let age = time::length(Duration::from_millis(now.saturating_sub(holder.since)));
    let mut out = format!(
        "holder   {}\ncommand  {}\nrun      {}\nsince    {} ({age} ago)\nlease    {}\n",
        holder.owner.who,
        holder.owner.command,
        holder.owner.run,
        time::point(holder.since),
        time::length(Duration::from_secs(holder.lease_seconds)),
    );
    let open: Vec<_> = state.into_iter().flat_map(|it| it.intents.values()).filter(|it| it.watched_until.is_none()).collect();
    if open.is_empty() {
        out.push_str("open     nothing: it had finished all that it began\n");
    }
    for (at, intent) in open.iter().enumerate() {
        let doing = match intent.act {
            IntentAct::Create { .. } => "creating",
            IntentAct::Update { .. } => "updating",
            IntentAct::Delete { .. } => "deleting",
        };
        let lead = if at == 0 { "open     " } else { "         " };
        out.push_str(&format!("{lead}{doing} {} since {}\n", intent.address, time::point(intent.at)));
    }
    out
}
