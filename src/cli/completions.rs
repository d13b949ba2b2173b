//! `infra completions SHELL`

use clap_complete::Shell;

use super::call::Call;
use super::exit::{Ended, Exit};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// bash, zsh, fish, elvish or powershell
    pub shell: Shell,
}

pub fn run(call: &Call, args: Args) -> Ended {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::commands(), "infra", &mut script);
    call.print(&String::from_utf8_lossy(&script));
    Ok(Exit::Done)
}
