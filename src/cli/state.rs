//! `infra state …`: the recorded state, as it is, with the journal folded in; its former versions; and what mends it by hand.

mod edit;
mod history;
mod mend;
mod push;
mod rebuild;
mod show;

use std::path::PathBuf;

use clap::Subcommand;

use super::args::{Format, Inputs, Mending, StackArgs};
use super::call::Call;
use super::connect::{self, Purpose};
use super::exit::{Ended, Exit, Stop};
use super::stack::{self, Stack};
use crate::address::Address;
use crate::diag::{Diagnostic, nearest};
use crate::state::State;
use crate::store::Store;
pub use history::find as find_version;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List what is recorded
    List {
        #[command(flatten)]
        stack: StackArgs,
    },
    /// Show one record, now or in a former version
    Show {
        /// The resource; the stack before it may be left out where there is only one
        #[arg(value_name = "[STACK] ADDRESS", num_args = 0..=2)]
        words: Vec<String>,
        /// In this version: a serial, or an id that `state history` shows; without ADDRESS, all that it has
        #[arg(long, value_name = "VERSION")]
        version: Option<String>,
        #[command(flatten)]
        inputs: Inputs,
    },
    /// Print the whole document
    Pull {
        #[command(flatten)]
        stack: StackArgs,
        /// Of this version: a serial, or an id that `state history` shows
        #[arg(long, value_name = "VERSION")]
        version: Option<String>,
    },
    /// List the versions that are kept, and the runs that made them
    History {
        #[command(flatten)]
        stack: StackArgs,
    },
    /// Give a record another address; the thing itself stays as it is
    Mv {
        /// From where to where; the stack before them may be left out where there is only one
        #[arg(value_name = "[STACK] FROM TO", num_args = 2..=3, required = true)]
        words: Vec<String>,
        #[command(flatten)]
        inputs: Inputs,
        #[command(flatten)]
        mending: Mending,
    },
    /// Forget records; the things themselves stay, and are nobody's
    Rm {
        /// What to forget; the stack before them may be left out where there is only one
        #[arg(value_name = "[STACK] ADDRESS", num_args = 1.., required = true)]
        words: Vec<String>,
        #[command(flatten)]
        inputs: Inputs,
        #[command(flatten)]
        mending: Mending,
    },
    /// Record anew what the account holds of the stack, after the state was lost
    Rebuild(rebuild::Args),
    /// Put a document in the place of the state
    #[command(allow_missing_positional = true)]
    Push {
        #[command(flatten)]
        stack: StackArgs,
        /// As `state pull` prints it
        #[arg(value_name = "FILE", required = true)]
        file: PathBuf,
        /// Also one that is older than the state: what was recorded since is lost
        #[arg(long)]
        allow_older: bool,
        #[command(flatten)]
        mending: Mending,
    },
}

pub async fn run(call: &mut Call, command: Command) -> Ended {
    call.only(&[Format::Text, Format::Json])?;
    match command {
        Command::List { stack } => {
            let (stack, _, state) = read(call, &stack, None).await?;
            show::list(call, stack.name.as_str(), state.as_ref());
        }
        Command::Show { words, version, inputs } => {
            let (name, rest) = stack::leading(call, words)?;
            let stack = StackArgs { stack: name, inputs };
            let address = match rest.as_slice() {
                [one] => Some(stack::address(one)?),
                [] if version.is_some() => None,
                _ => return Err(unnamed()),
            };
            let (stack, _, state) = read(call, &stack, version.as_deref()).await?;
            let Some(address) = address else {
                show::list(call, stack.name.as_str(), state.as_ref());
                return Ok(Exit::Done);
            };
            let state = state.ok_or_else(|| nothing(&stack))?;
            let record = state.resources.get(&address).ok_or_else(|| unrecorded(&address, &state))?;
            show::one(call, &address, record);
        }
        Command::Pull { stack, version } => {
            let (stack, _, state) = read(call, &stack, version.as_deref()).await?;
            let state = state.ok_or_else(|| nothing(&stack))?;
            let bytes = crate::state::codec::encode(&state);
            let bytes =
                bytes.map_err(|error| Diagnostic::error("bug", "the state cannot be written").detail(error.to_string()))?;
            call.print(&String::from_utf8_lossy(&bytes));
        }
        Command::History { stack } => {
            let (stack, store, state) = read(call, &stack, None).await?;
            history::print(call, &stack, &*store, state.as_ref()).await?;
        }
        Command::Mv { words, inputs, mending } => {
            let (name, rest) = stack::leading(call, words)?;
            let [from, to] = rest.as_slice() else { return Err(unnamed()) };
            let (from, to) = (stack::address(from)?, stack::address(to)?);
            return edit::mv(call, StackArgs { stack: name, inputs }, from, to, mending).await;
        }
        Command::Rm { words, inputs, mending } => {
            let (name, rest) = stack::leading(call, words)?;
            let addresses: Vec<Address> = rest.iter().map(|it| stack::address(it)).collect::<Ended<_>>()?;
            if addresses.is_empty() {
                return Err(unnamed());
            }
            return edit::rm(call, StackArgs { stack: name, inputs }, addresses, mending).await;
        }
        Command::Rebuild(args) => return Box::pin(rebuild::run(call, args)).await,
        Command::Push { stack, file, allow_older, mending } => {
            return push::run(call, stack, &file, allow_older, mending).await;
        }
    }
    Ok(Exit::Done)
}

async fn read(call: &mut Call, args: &StackArgs, version: Option<&str>) -> Ended<(Stack, Box<dyn Store>, Option<State>)> {
    let stack = stack::load(call, args)?;
    let store = connect::store(call, &stack, Purpose::Look).await?;
    let refused = |it| connect::refused(call, &stack, &it);
    let state = match version {
        None => store.read().await.map_err(refused)?,
        Some(version) => {
            let found = find_version(&*store, version).await.map_err(refused)?;
            Some(store.version(&found.id).await.map_err(refused)?)
        }
    };
    Ok((stack, store, state))
}

fn unnamed() -> Stop {
    Stop::usage(
        Diagnostic::error("address", "it is not clear which resource is meant")
            .detail("Addresses come last, the stack before them; a stack that is not there is taken for an address.")
            .help("infra state list shows all addresses"),
    )
}

fn nothing(stack: &Stack) -> Stop {
    Diagnostic::error("no-state", format!("the stack `{}` has no state yet", stack.name))
        .detail("A state is made by the first apply.")
        .into()
}

fn unrecorded(address: &Address, state: &State) -> Stop {
    let names: Vec<String> = state.resources.keys().map(ToString::to_string).collect();
    Diagnostic::error("not-recorded", format!("{address} is not in the state"))
        .did_you_mean(nearest(&address.to_string(), names.iter().map(String::as_str)))
        .help("infra state list")
        .into()
}
