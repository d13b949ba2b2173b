//! `infra explain CODE`

use super::call::Call;
use super::exit::{Ended, Exit, Stop};
use crate::diag::{Diagnostic, explain, nearest};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The code in brackets behind `error`; all codes when left out
    pub code: Option<String>,
}

pub fn run(call: &Call, args: Args) -> Ended {
    let Some(code) = args.code else {
        let list: String = explain::codes().map(|it| format!("{it}\n")).collect();
        call.print(&list);
        return Ok(Exit::Done);
    };
    match explain::page(&code) {
        Some(page) => {
            call.print(page);
            Ok(Exit::Done)
        }
        None => Err(Stop::usage(
            Diagnostic::error("no-such-code", format!("there is no code `{code}`"))
                .did_you_mean(nearest(&code, explain::codes()))
                .help("infra explain lists all codes"),
        )),
    }
}
