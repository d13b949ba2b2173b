//! Instances that wait for each other: no order could make them.

use std::collections::BTreeMap;

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use super::desired::{Instance, Reference};
use crate::address::Address;
use crate::diag::Diagnostic;

/// One complaint for each knot. References of `later` attributes order nothing that creation needs.
pub fn find(instances: &BTreeMap<Address, Instance>, diagnostics: &mut Vec<Diagnostic>) {
    let mut graph: DiGraph<&Instance, &Reference> = DiGraph::with_capacity(instances.len(), instances.len());
    let nodes: BTreeMap<&Address, NodeIndex> = instances.iter().map(|(address, it)| (address, graph.add_node(it))).collect();
    for (address, instance) in instances {
        for reference in instance.references.iter().filter(|it| !it.later) {
            if let (Some(from), Some(to)) = (nodes.get(address), nodes.get(&reference.to)) {
                graph.add_edge(*from, *to, reference);
            }
        }
    }
    for knot in tarjan_scc(&graph) {
        if knot.len() > 1 {
            diagnostics.push(complaint(&graph, &knot));
        }
    }
}

fn complaint(graph: &DiGraph<&Instance, &Reference>, knot: &[NodeIndex]) -> Diagnostic {
    let round = round(graph, knot);
    let first = round.first().and_then(|(node, _)| graph.node_weight(*node));
    let name = first.map_or_else(String::new, |it| it.address.to_string());
    let mut out = Diagnostic::error("cycle", format!("{name} needs itself"))
        .detail("Each of these needs the next one first, so none can be first. Take one of the references away.");
    for (node, reference) in round {
        let Some(instance) = graph.node_weight(node) else { continue };
        let Some(span) = instance.spans.get(&reference.from).or(instance.span.as_ref()) else { continue };
        let sentence = format!("{} needs {}", instance.address, reference.to);
        out = match out.span {
            None => out.at(span.clone()).label(sentence),
            Some(_) => out.related(span.clone(), sentence),
        };
    }
    out
}

/// A shortest way from the first of a knot back to itself.
fn round<'a>(graph: &DiGraph<&'a Instance, &'a Reference>, knot: &[NodeIndex]) -> Vec<(NodeIndex, &'a Reference)> {
    let Some(start) = knot.iter().min_by_key(|it| graph.node_weight(**it).map(|it| &it.address)).copied() else {
        return Vec::new();
    };
    let inside: std::collections::BTreeSet<NodeIndex> = knot.iter().copied().collect();
    let mut came: BTreeMap<NodeIndex, (NodeIndex, &'a Reference)> = BTreeMap::new();
    let mut open = std::collections::VecDeque::from([start]);
    while let Some(node) = open.pop_front() {
        for edge in graph.edges(node) {
            use petgraph::visit::EdgeRef as _;
            let to = edge.target();
            if inside.contains(&to) && !came.contains_key(&to) {
                came.insert(to, (node, *edge.weight()));
                open.push_back(to);
            }
        }
    }
    let mut path = Vec::new();
    let mut at = start;
    while let Some((from, reference)) = came.get(&at) {
        path.push((*from, *reference));
        at = *from;
        if at == start {
            break;
        }
    }
    path.reverse();
    path
}
