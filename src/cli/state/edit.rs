//! `infra state mv` and `infra state rm`.

use super::mend::{self, Edit, Mend};
use super::{nothing, unrecorded};
use crate::address::Address;
use crate::cli::args::{Mending, StackArgs};
use crate::cli::call::Call;
use crate::cli::exit::Ended;
use crate::cli::stack;
use crate::diag::Diagnostic;
use crate::state::{Entry, State};

pub async fn mv(call: &mut Call, args: StackArgs, from: Address, to: Address, mending: Mending) -> Ended {
    let stack = stack::load(call, &args)?;
    if from.type_name() != to.type_name() || from.mode() != to.mode() {
        return Err(Diagnostic::error("move-conflict", format!("{from} cannot become {to}"))
            .detail("A record stays of its type: another type has other settings.")
            .into());
    }
    let decide = |state: Option<&State>| {
        let state = state.ok_or_else(|| nothing(&stack))?;
        let record = state.resources.get(&from).ok_or_else(|| unrecorded(&from, state))?;
        if let Some(there) = state.resources.get(&to) {
            return Err(Diagnostic::error("move-conflict", format!("{to} is recorded already"))
                .detail(format!("It is {}. Nothing was changed.", there.id))
                .help(format!("infra state rm {to}, if that record is to be given up"))
                .into());
        }
        let change = Edit::Entries(vec![Entry::Move { from: from.clone(), to: to.clone() }]);
        let shown = format!("{} is recorded as\n  {from}\nand will be recorded as\n  {to}\n", record.id);
        Ok(Mend { shown, change, steps: vec![(from.clone(), "move"), (to.clone(), "move")] })
    };
    mend::run(call, &stack, "state mv", &mending, decide).await
}

pub async fn rm(call: &mut Call, args: StackArgs, addresses: Vec<Address>, mending: Mending) -> Ended {
    let stack = stack::load(call, &args)?;
    let decide = |state: Option<&State>| {
        let state = state.ok_or_else(|| nothing(&stack))?;
        let mut shown = String::from("These will be forgotten. They go on to exist, and to cost:\n");
        for address in &addresses {
            let record = state.resources.get(address).ok_or_else(|| unrecorded(address, state))?;
            shown.push_str(&format!("  {address}  {}\n", record.id));
            for old in &record.deposed {
                shown.push_str(&format!("  {address}  {} (replaced, not yet deleted)\n", old.id));
            }
        }
        shown.push_str("While a block of the files declares one, the next apply makes it again.\n");
        let change = addresses.iter().map(|it| Entry::Forget { address: it.clone() }).collect();
        let steps = addresses.iter().map(|it| (it.clone(), "forget")).collect();
        Ok(Mend { shown, change: Edit::Entries(change), steps })
    };
    mend::run(call, &stack, "state rm", &mending, decide).await
}
