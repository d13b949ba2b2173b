//! Asks before anything is changed.

use super::{Change, Goal};
use crate::cli::call::Call;
use crate::cli::exit::{Ended, Stop};
use crate::cli::guard;
use crate::diag::Diagnostic;
use crate::plan::Plan;

/// Whether the plan may be carried out. A stack with `confirm = true` is named, by a person or by `--confirm`.
pub fn ask(call: &mut Call, plan: &Plan, change: &Change, confirm: bool) -> Ended<bool> {
    let (stack, carrying) = (plan.stack.as_str(), &change.carrying);
    if let Some(name) = &carrying.confirm {
        guard::named(stack, Some(name))?;
    }
    if carrying.auto_approve {
        if confirm {
            guard::named(stack, carrying.confirm.as_deref())?;
        }
        return Ok(true);
    }
    let what = match change.goal {
        Goal::Files | Goal::Saved(_) => "Apply this plan",
        Goal::Found => "Record this",
        Goal::Taken => "Take this in",
        Goal::Former(_) => "Go back to this",
        Goal::Nothing { .. } => "Destroy all of this",
    };
    let (question, wanted) = if confirm {
        (format!("\n{what}? To confirm, type the name of the stack: "), stack)
    } else {
        (format!("\n{what}? Only `yes` is taken as approval: "), "yes")
    };
    match call.ask(&question) {
        Some(answer) => Ok(answer == wanted),
        None => {
            let options = if confirm { format!("--auto-approve --confirm {stack}") } else { "--auto-approve".to_owned() };
            let diagnostic = Diagnostic::error("nobody-to-ask", "the plan needs approval, and there is nobody to ask")
                .detail("Standard input is not a terminal, or `CI` is set. Nothing was changed.")
                .help(format!(
                    "{options}; or keep the plan with `infra plan --out FILE`, have it read, and apply it with --plan FILE"
                ));
            Err(Stop::usage(diagnostic))
        }
    }
}
