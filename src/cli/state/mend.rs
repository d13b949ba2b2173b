//! Mending the state by hand: under the lock, nothing half done by a former run, asked about, on record.

use std::path::Path;

use crate::address::Address;
use crate::cli::args::Mending;
use crate::cli::call::Call;
use crate::cli::connect::{self, Purpose};
use crate::cli::exit::{Ended, Exit, Stop};
use crate::cli::ledger;
use crate::cli::stack::Stack;
use crate::diag::Diagnostic;
use crate::report::value;
use crate::state::ledger::{Beginning, RunRecord, RunResult, StepRecord, StepResult};
use crate::state::{Entry, State};
use crate::store::{Owner, Session, Store};

/// A change of the record alone.
pub struct Mend {
    /// What is said before it is asked.
    pub shown: String,
    pub change: Edit,
    /// For the ledger.
    pub steps: Vec<(Address, &'static str)>,
}

pub enum Edit {
    Entries(Vec<Entry>),
    /// Another document in its place.
    Whole(Box<State>),
}

/// Asks, takes the lock, and makes the change that `decide` finds right for the state as it is then.
pub async fn run(
    call: &mut Call,
    stack: &Stack,
    command: &str,
    mending: &Mending,
    decide: impl Fn(Option<&State>) -> Ended<Mend>,
) -> Ended {
    let store = connect::store(call, stack, Purpose::Change).await?;
    let before = store.read().await.map_err(|it| connect::refused(call, stack, &it))?;
    settled(before.as_ref(), stack)?;
    let mend = decide(before.as_ref())?;
    call.tell(&mend.shown);
    if !approved(call, mending)? {
        call.tell("Nothing was changed.\n");
        return Ok(Exit::Failed);
    }
    let owner = Owner {
        run: connect::random(call)?,
        who: call.world.nature.whoami(),
        command: format!("infra {command} {}", stack.name),
    };
    let session = store.lock(&owner, mending.lock_timeout).await.map_err(|it| connect::refused(call, stack, &it))?;
    under_lock(call, stack, &*store, session, owner, decide).await
}

async fn under_lock(
    call: &Call,
    stack: &Stack,
    store: &dyn Store,
    mut session: Box<dyn Session>,
    owner: Owner,
    decide: impl Fn(Option<&State>) -> Ended<Mend>,
) -> Ended {
    let refused = |it| connect::refused(call, stack, &it);
    let now = call.world.nature.now();
    let taken = session.state();
    // What somebody has begun meanwhile may be under way: the session is dropped, not given back, so that the next run knows.
    settled(taken.as_ref(), stack)?;
    let done = async {
        let mend = decide(taken.as_ref())?;
        ledger::close_former(store, &mut *session).await.map_err(refused)?;
        let mut record = RunRecord::begin(Beginning {
            stack: stack.name.clone(),
            run: owner.run,
            epoch: session.epoch(),
            command: owner.command,
            caller: None,
            by: owner.who,
            commit: call.world.nature.commit(&stack.root),
            at: now,
        });
        session.note(&record).await.map_err(refused)?;
        match mend.change {
            Edit::Whole(state) => session.save(&state).await.map_err(refused)?,
            Edit::Entries(entries) => {
                session.append(&entries).await.map_err(refused)?;
                if let Some(mut state) = taken {
                    state.fold_all(&entries);
                    session.save(&state).await.map_err(refused)?;
                }
            }
        }
        let now = call.world.nature.now();
        record.steps = mend.steps.into_iter().map(|(address, doing)| step(address, doing, now)).collect();
        record.close(RunResult::Done, now, session.serial());
        session.note(&record).await.map_err(refused)
    };
    let done = done.await;
    session.release().await.map_err(refused)?;
    done?;
    call.print("Done.\n");
    Ok(Exit::Done)
}

fn step(address: Address, doing: &str, at: u64) -> StepRecord {
    StepRecord { why: vec!["by hand".to_owned()], at: Some(at), ..StepRecord::new(address, doing, StepResult::Done) }
}

/// What a former run had begun is known only to the cloud; it is settled before anybody mends the record.
fn settled(state: Option<&State>, stack: &Stack) -> Ended<()> {
    let open = state.into_iter().flat_map(|it| it.intents.values()).filter(|it| it.watched_until.is_none());
    let names: Vec<String> = open.map(|it| it.address.to_string()).collect();
    if names.is_empty() {
        return Ok(());
    }
    Err(Diagnostic::error("open-intents", "a former run did not finish, or another one is at work")
        .detail(format!("What it had begun is not settled yet: {}. Nothing was changed.", value::few(&names)))
        .help(format!("infra apply {} settles it first", stack.name))
        .into())
}

fn approved(call: &mut Call, mending: &Mending) -> Ended<bool> {
    if mending.auto_approve {
        return Ok(true);
    }
    match call.ask("\nOnly `yes` is taken as approval: ") {
        Some(answer) => Ok(answer == "yes"),
        None => Err(Stop::usage(
            Diagnostic::error("nobody-to-ask", "this needs approval, and there is nobody to ask")
                .detail("Standard input is not a terminal, or `CI` is set. Nothing was changed.")
                .help("--auto-approve"),
        )),
    }
}

/// A file that the user names.
pub fn read_file(path: &Path) -> Ended<Vec<u8>> {
    std::fs::read(path).map_err(|error| {
        Stop::usage(Diagnostic::error("io", format!("{} cannot be read", path.display())).detail(error.to_string()))
    })
}
