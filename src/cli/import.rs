//! `infra import [STACK] ADDRESS ID`: takes a thing that exists into the stack, as an `import` block would, without the block.

use super::args::{Carrying, Inputs, Selection, StackArgs};
use super::call::Call;
use super::change::{self, Change, Goal};
use super::connect::{self, Purpose};
use super::exit::{Ended, Stop};
use super::stack;
use crate::address::Address;
use crate::diag::Diagnostic;
use crate::remote::Id;
use crate::state::State;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The address of a resource that the files declare, and the id that the cloud knows the thing by; the stack before them may
    /// be left out where there is only one
    #[arg(value_name = "[STACK] ADDRESS ID", num_args = 2..=3, required = true)]
    pub words: Vec<String>,
    #[command(flatten)]
    pub inputs: Inputs,
    #[command(flatten)]
    pub carrying: Carrying,
}

pub async fn run(call: &mut Call, args: Args) -> Ended {
    let (name, rest) = stack::leading(call, args.words)?;
    let [address, id] = rest.as_slice() else {
        let diagnostic = Diagnostic::error("which-stack", "an import needs an address and an id");
        return Err(Stop::usage(diagnostic.help("infra import STACK aws_vpc.main vpc-0a1b2c")));
    };
    let (address, id) = (stack::address(address)?, Id::new(id.as_str()));
    let stack = stack::load_whole(call, &StackArgs { stack: name, inputs: args.inputs })?;
    let mut connected = connect::connect(call, stack, Purpose::Change).await?;
    check_free(&connected.read(call).await?, &address, &id)?;
    let selection = Selection { targets: vec![address.to_string()], refresh: true, ..Selection::default() };
    connected.found.imports.insert(address, id);
    change::run(call, connected, Change { goal: Goal::Taken, selection, carrying: args.carrying }).await
}

/// Neither the address nor the thing is on record.
fn check_free(state: &State, address: &Address, id: &Id) -> Ended<()> {
    if let Some(record) = state.resources.get(address) {
        return Err(taken(format!("{address} is on record already: it is {}", record.id), address).into());
    }
    match state.resources.iter().find(|(at, record)| at.type_name() == address.type_name() && record.id == *id) {
        Some((at, _)) => Err(taken(format!("{id} is on record already: it is {at}"), at).into()),
        None => Ok(()),
    }
}

fn taken(summary: String, address: &Address) -> Diagnostic {
    Diagnostic::error("already-recorded", summary)
        .detail("A thing has one address, and an address one thing. Nothing was changed.")
        .help(format!("infra state rm {address}, if that record is to be given up; infra state mv gives it another address"))
}
