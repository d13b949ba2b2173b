//! The command line: one file per command, each with its `Args` and its `run`.
//!
//! `call` is what a command may touch, `stack` loads files, `connect` reaches cloud and state, `planning` makes plans, `change`
//! carries them out. Nothing here reads the environment, a clock or a stream that `main` did not hand over.

mod ahead;
mod apply;
mod args;
mod bootstrap;
mod call;
mod change;
mod completions;
mod connect;
mod console;
mod desired;
mod destroy;
mod drift;
mod eks_token;
mod encryption;
mod exit;
mod explain;
mod graph;
mod guard;
mod import;
mod kubeconfig;
mod ledger;
mod look;
mod output;
pub mod panics;
mod plan;
mod planning;
mod rehearse;
mod rollback;
mod runs;
mod schema;
mod secrets;
mod stack;
mod state;
mod texts;
mod unlock;
mod validate;
mod version;
pub mod world;

use clap::{CommandFactory, Parser, Subcommand};

use args::CommandLine;
use call::Call;
use exit::Ended;
pub use exit::Exit;
pub use world::World;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what would change, and why
    Plan(plan::Args),
    /// Show what would change, ask, and make it so
    Apply(apply::Args),
    /// Delete everything that the stack owns
    Destroy(destroy::Args),
    /// Show what differs from what was declared
    Drift(drift::Args),
    /// Print the stack's outputs
    Output(output::Args),
    /// Check the stack's files without calling anything
    Validate(validate::Args),
    /// Evaluate expressions against the stack
    Console(console::Args),
    /// Print what depends on what
    Graph(graph::Args),
    /// Play a stack without calling anything: how long it takes, and what a crash would cost
    Rehearse(rehearse::Args),
    /// Print the reference of a resource type
    Schema(schema::Args),
    /// Take a thing that exists into the stack
    Import(import::Args),
    /// Look at the recorded state, and mend it
    #[command(subcommand)]
    State(state::Command),
    /// Go back to what a former version of the state had applied
    Rollback(rollback::Args),
    /// Show who changed what, when and why
    Runs(runs::Args),
    /// Take the lock away from a run that is gone
    Unlock(unlock::Args),
    /// Make the bucket, the table and the key that the stack's state is kept with
    Bootstrap(bootstrap::Args),
    /// Write the stack's EKS clusters into a kubeconfig
    Kubeconfig(kubeconfig::Args),
    /// Print a token for an EKS cluster, as kubectl asks for it
    EksToken(eks_token::Args),
    /// Print the page of an error code
    Explain(explain::Args),
    /// Print a shell's completions
    Completions(completions::Args),
    /// Print the version
    Version,
}

/// Every command with its options, as the command line understands them.
pub fn commands() -> clap::Command {
    CommandLine::command()
}

/// Runs what the arguments say. The only thing that is heavy before they are understood is nothing.
pub async fn run(mut world: World) -> Exit {
    let args = args::with_double_dashes(std::mem::take(&mut world.args));
    let (common, command) = match CommandLine::try_parse_from(args) {
        Ok(CommandLine { common, command }) => (common, command),
        Err(error) => return usage(&Call::new(world, args::Common::default()), &error),
    };
    let mut call = Call::new(world, common);
    let ended = dispatch(&mut call, command).await;
    match ended {
        Ok(exit) => exit,
        Err(stop) => {
            call.complain(&stop.diagnostics);
            stop.exit
        }
    }
}

async fn dispatch(call: &mut Call, command: Command) -> Ended {
    match command {
        Command::Plan(args) => plan::run(call, args).await,
        Command::Apply(args) => apply::run(call, args).await,
        Command::Destroy(args) => destroy::run(call, args).await,
        Command::Drift(args) => drift::run(call, args).await,
        Command::Output(args) => output::run(call, args).await,
        Command::Validate(args) => validate::run(call, args),
        Command::Console(args) => console::run(call, args).await,
        Command::Graph(args) => graph::run(call, args),
        Command::Rehearse(args) => rehearse::run(call, args),
        Command::Schema(args) => schema::run(call, args),
        Command::Import(args) => import::run(call, args).await,
        Command::State(command) => state::run(call, command).await,
        Command::Rollback(args) => rollback::run(call, args).await,
        Command::Runs(args) => runs::run(call, args).await,
        Command::Unlock(args) => unlock::run(call, args).await,
        Command::Bootstrap(args) => bootstrap::run(call, args).await,
        Command::Kubeconfig(args) => kubeconfig::run(call, args).await,
        Command::EksToken(args) => eks_token::run(call, args).await,
        Command::Explain(args) => explain::run(call, args),
        Command::Completions(args) => completions::run(call, args),
        Command::Version => version::run(call),
    }
}

/// Help and version are results; everything else is a mistake in what was typed.
fn usage(call: &Call, error: &clap::Error) -> Exit {
    let (style, is_result) = if error.use_stderr() { (call.err_style(), false) } else { (call.out_style(), true) };
    let text = error.render();
    let text = if style.colour { text.ansi().to_string() } else { text.to_string() };
    if is_result {
        call.print(&text);
        Exit::Done
    } else {
        call.tell(&text);
        Exit::Usage
    }
}
