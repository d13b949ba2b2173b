//! `infra graph [STACK]`: what depends on what, and by which attribute.

use serde_json::json;

use super::args::{Format, StackArgs};
use super::call::Call;
use super::exit::{Ended, Exit};
use super::stack::{self, Unseen};
use crate::diag::Diagnostic;
use crate::graph::Graph;
use crate::report::Places;
use crate::stack::Configuration;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub stack: StackArgs,
}

pub fn run(call: &mut Call, args: Args) -> Ended {
    call.only(&[Format::Text, Format::Json])?;
    let mut it = stack::load(call, &args.stack)?;
    let evaluation = it.program.evaluate(&mut Unseen);
    if evaluation.diagnostics.iter().any(Diagnostic::is_error) {
        return Err(evaluation.diagnostics.into());
    }
    match call.format {
        Format::Json => {
            let nodes = evaluation.instances.values().map(|it| {
                let source = it.span.as_ref().and_then(|span| call.place(span));
                json!({ "address": it.address, "type": it.address.type_name(), "source": source })
            });
            let edges = evaluation.instances.values().flat_map(|it| {
                it.references.iter().map(|to| {
                    json!({ "from": it.address, "to": to.to, "attribute": to.from, "expression": to.expression, "later": to.later })
                })
            });
            call.print_json(&json!({
                "format_version": 1,
                "stack": it.name,
                "nodes": nodes.collect::<Vec<_>>(),
                "edges": edges.collect::<Vec<_>>(),
                "deferred": evaluation.deferred.iter().map(|it| &it.address).collect::<Vec<_>>(),
            }));
        }
        Format::Text | Format::Markdown => {
            let mut graph: Graph<String, String> = Graph::default();
            for it in evaluation.instances.values() {
                graph.add(it.address.to_string());
                for to in &it.references {
                    graph.need(it.address.to_string(), to.to.to_string(), to.from.to_string());
                }
            }
            call.print(&graph.dot());
        }
    }
    Ok(Exit::Done)
}
