//! A plan in as few words as possible.

use infra::diag::Diagnostic;
use infra::plan::{Act, Action, Change, Plan, Reason, doing};

/// Changes with their reasons and attributes; then the steps, numbered, with what each comes after.
pub fn plan(plan: &Plan) -> String {
    let mut out = String::new();
    for it in plan.changes.iter().filter(|it| it.action != Action::Noop) {
        change(&mut out, it);
    }
    for it in &plan.deferred {
        out.push_str(&format!("deferred {}\n", it.address));
    }
    for (name, it) in &plan.outputs {
        out.push_str(&format!("output {name}: {:?} -> {:?}\n", it.before, it.after));
    }
    if out.is_empty() {
        out.push_str("nothing to do\n");
    }
    for (at, it) in plan.steps.iter().enumerate() {
        let needs: Vec<String> = it.needs.iter().map(|it| format!("{} {}", it.step.0, it.why)).collect();
        let after = if needs.is_empty() { String::new() } else { format!("  after {}", needs.join(", ")) };
        let shell = if matches!(it.act, Act::Create { shell: true, .. }) { " shell of" } else { "" };
        out.push_str(&format!("{at}. {}{shell} {}{after}\n", doing(&it.act), it.address));
    }
    out
}

fn change(out: &mut String, it: &Change) {
    let sign = match (it.action, it.create_first) {
        (Action::Create, _) => "+",
        (Action::Update, _) => "~",
        (Action::Replace, false) => "-/+",
        (Action::Replace, true) => "+/-",
        (Action::Delete, _) => "-",
        (Action::Read, _) => "<=",
        (Action::Import, _) => "import",
        (Action::Forget, _) => "forget",
        (Action::Move, _) => "move",
        (Action::Noop, _) => "=",
    };
    let reasons: Vec<String> = it.reasons.iter().map(reason).collect();
    out.push_str(&format!("{sign} {}: {}\n", it.address, reasons.join(", ")));
    if it.action == Action::Delete {
        return;
    }
    for it in &it.attributes {
        let forces = if it.forces_replacement { "  # forces replacement" } else { "" };
        match it.before.is_null() {
            true => out.push_str(&format!("    {}: {:?}{forces}\n", it.path, it.after)),
            false => out.push_str(&format!("    {}: {:?} -> {:?}{forces}\n", it.path, it.before, it.after)),
        }
    }
}

fn reason(it: &Reason) -> String {
    match it {
        Reason::New => "new".to_owned(),
        Reason::Missing => "missing".to_owned(),
        Reason::Configuration { path } => format!("{path} changed in the files"),
        Reason::Drift { path } => format!("{path} drifted"),
        Reason::ConfigurationAndDrift { path } => format!("{path} changed in the files and drifted"),
        Reason::Follows { path, address } => format!("{path} follows {address}"),
        Reason::Fixed { path } => format!("{path} is fixed"),
        Reason::Asked => "asked".to_owned(),
        Reason::Triggered { address } => format!("triggered by {address}"),
        Reason::Unfinished => "unfinished".to_owned(),
        Reason::Failed { status } => format!("failed: {status}"),
        Reason::Deposed { id } => format!("former instance {id}"),
        Reason::NotInConfiguration => "not in the files".to_owned(),
        Reason::Disabled => "disabled".to_owned(),
        Reason::Destroy => "destroy".to_owned(),
        Reason::Purge { contents } => format!("purge {contents:?}"),
        Reason::Block => "block".to_owned(),
        Reason::Protection { prevent_destroy, prevent_replace } => {
            format!("prevent_destroy = {prevent_destroy}, prevent_replace = {prevent_replace}")
        }
        Reason::Dependency { address } => format!("depends on {address}"),
    }
}

pub fn complaints(all: &[Diagnostic]) -> String {
    all.iter().map(|it| format!("{it}\n")).collect()
}
