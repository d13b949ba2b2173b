//! `infra rehearse [STACK]`: plays a stack in virtual time, without calling anything. With `--seeds` or `--seed`: plays stories
//! that nobody wrote, to prove the engine.

mod stories;

use serde_json::json;

use super::args::{Format, StackArgs};
use super::call::Call;
use super::exit::{Ended, Exit, Stop};
use super::stack;
use crate::diag::Diagnostic;
use crate::report::rehearsal;
use crate::sim::rehearsal::{Cast, Crash, Played, Refused, Rehearsal, rehearse};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub stack: StackArgs,
    /// Try so many crashes at most, evenly over the run
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub crashes: usize,
    /// Play so many stories of made-up stacks instead, on all cores
    #[arg(long, value_name = "N", conflicts_with_all = ["stack", "crashes"])]
    pub seeds: Option<u64>,
    /// Begin with this seed, or play its story alone
    #[arg(long, value_name = "SEED", conflicts_with_all = ["stack", "crashes"])]
    pub seed: Option<u64>,
}

pub fn run(call: &mut Call, args: Args) -> Ended {
    call.only(&[Format::Text, Format::Json])?;
    match (args.seeds, args.seed) {
        (None, None) => play(call, &args),
        (Some(count), from) => stories::many(call, from.unwrap_or(0), count),
        (None, Some(seed)) => stories::one(call, seed),
    }
}

fn play(call: &mut Call, args: &Args) -> Ended {
    let mut it = stack::load_whole(call, &args.stack)?;
    call.complain(&it.warnings);
    let cast =
        Cast { stack: it.name.clone(), types: it.catalog.clone(), settles: it.catalog.settles(), seed: 1, crashes: args.crashes };
    let played = rehearse(&cast, &mut it.program).map_err(|why| refused(&it.name.to_string(), why))?;
    match call.format {
        Format::Json => call.print_json(&document(it.name.as_str(), &played)),
        Format::Text | Format::Markdown => call.print(&rehearsal::text(it.name.as_str(), &played, call.out_style())),
    }
    Ok(if played.crashes.iter().all(|it| it.broken.is_empty()) { Exit::Done } else { Exit::Failed })
}

fn refused(stack: &str, why: Refused) -> Stop {
    match why {
        Refused::Plan(diagnostics) => diagnostics.into(),
        Refused::Failed(failed) => {
            let one = |(address, why): (crate::address::Address, crate::apply::event::Failure)| {
                Diagnostic::error("rehearsal", format!("{address} cannot be played: {why}"))
                    .detail("A rehearsal invents what the cloud would answer; what is computed from such answers may not fit.")
                    .help(format!("infra plan {stack} looks at the real ones"))
            };
            failed.into_iter().map(one).collect::<Vec<_>>().into()
        }
        Refused::Broken(why) => Diagnostic::error("bug", format!("a law of the engine is broken: {}", why.join("; ")))
            .note("this is a mistake of infra's, not of the stack")
            .into(),
    }
}

fn document(stack: &str, it: &Rehearsal) -> serde_json::Value {
    let step = |it: &Played| {
        json!({
            "address": it.address,
            "action": it.doing,
            "began": it.began.as_secs_f64(),
            "ended": it.ended.as_secs_f64(),
            "critical": it.critical,
        })
    };
    let crash = |it: &Crash| {
        json!({
            "at": it.at.as_secs_f64(),
            "open": it.open,
            "found": it.found,
            "again": it.again.as_secs_f64(),
            "broken": it.broken,
        })
    };
    json!({
        "format_version": 1,
        "stack": stack,
        "things": it.things,
        "seconds": it.took.as_secs_f64(),
        "instants": it.instants,
        "steps": it.steps.iter().map(step).collect::<Vec<_>>(),
        "crashes": it.crashes.iter().map(crash).collect::<Vec<_>>(),
    })
}
