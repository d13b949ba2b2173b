//! A graph with reasons on its edges, on `petgraph`: stable order, cycles as a readable loop, DOT.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::fmt;

use petgraph::Direction;
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;

/// Nodes need each other: an edge runs from who needs to what is needed, and says why. Nodes keep the order in which they
/// were added, and every answer is in that order where nothing else decides it.
#[derive(Clone, Debug)]
pub struct Graph<N, W = String> {
    inner: DiGraph<N, W>,
    index: BTreeMap<N, NodeIndex>,
}

/// A way that ends where it began: each node, and why it needs the next one; the last needs the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loop<N, W = String>(pub Vec<(N, W)>);

impl<N: Ord + Clone, W: Clone> Default for Graph<N, W> {
    fn default() -> Self {
        Self { inner: DiGraph::new(), index: BTreeMap::new() }
    }
}

impl<N: Ord + Clone, W: Clone> Graph<N, W> {
    /// Adding a node twice is adding it once.
    pub fn add(&mut self, node: N) {
        self.node(node);
    }

    /// `from` needs `to`. Nodes that are not there yet are added. Two edges between the same nodes may have two reasons.
    pub fn need(&mut self, from: N, to: N, why: W) {
        let (from, to) = (self.node(from), self.node(to));
        self.inner.add_edge(from, to, why);
    }

    fn node(&mut self, node: N) -> NodeIndex {
        match self.index.get(&node) {
            Some(index) => *index,
            None => {
                let index = self.inner.add_node(node.clone());
                self.index.insert(node, index);
                index
            }
        }
    }

    pub fn contains(&self, node: &N) -> bool {
        self.index.contains_key(node)
    }

    pub fn len(&self) -> usize {
        self.inner.node_count()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What `node` needs, and why, in the order of the nodes.
    pub fn needs<'g>(&'g self, node: &N) -> Vec<(&'g N, &'g W)> {
        let Some(index) = self.index.get(node) else { return Vec::new() };
        let mut out: Vec<_> = self.inner.edges(*index).map(|edge| (edge.target(), edge.weight())).collect();
        out.sort_by_key(|(target, _)| *target);
        out.into_iter().filter_map(|(target, why)| Some((self.inner.node_weight(target)?, why))).collect()
    }

    /// The same nodes, every edge turned round.
    pub fn reversed(&self) -> Self {
        let mut inner = self.inner.clone();
        inner.reverse();
        Self { inner, index: self.index.clone() }
    }

    /// Only the edges for which `keep` holds.
    pub fn retain(&mut self, mut keep: impl FnMut(&N, &N, &W) -> bool) {
        self.inner.retain_edges(|graph, edge| match (graph.edge_endpoints(edge), graph.edge_weight(edge)) {
            (Some((from, to)), Some(why)) => match (graph.node_weight(from), graph.node_weight(to)) {
                (Some(from), Some(to)) => keep(from, to, why),
                _ => false,
            },
            _ => false,
        });
    }

    /// Every node after all that it needs; where that leaves a choice, in the order in which they were added.
    pub fn order(&self) -> Result<Vec<N>, Loop<N, W>> {
        let mut missing: Vec<usize> = self.inner.node_indices().map(|it| self.inner.edges(it).count()).collect();
        let ready = self.inner.node_indices().filter(|it| missing.get(it.index()) == Some(&0));
        let mut ready: BinaryHeap<_> = ready.map(Reverse).collect();
        let mut out = Vec::with_capacity(self.len());
        while let Some(Reverse(index)) = ready.pop() {
            out.extend(self.inner.node_weight(index).cloned());
            for user in self.inner.neighbors_directed(index, Direction::Incoming) {
                if let Some(count) = missing.get_mut(user.index()) {
                    *count -= 1;
                    if *count == 0 {
                        ready.push(Reverse(user));
                    }
                }
            }
        }
        if out.len() == self.len() {
            return Ok(out);
        }
        // What could not be placed is in a loop, or needs what is in one.
        match self.first_loop() {
            Some(it) => Err(it),
            None => Ok(out),
        }
    }

    /// The groups of nodes that need each other in a circle.
    pub fn knots(&self) -> Vec<BTreeSet<N>> {
        let tied = |group: &Vec<NodeIndex>| match group.as_slice() {
            [one] => self.inner.contains_edge(*one, *one),
            _ => true,
        };
        let groups = tarjan_scc(&self.inner).into_iter().filter(tied);
        let mut out: Vec<BTreeSet<N>> =
            groups.map(|group| group.iter().filter_map(|it| self.inner.node_weight(*it)).cloned().collect()).collect();
        out.sort();
        out
    }

    /// The shortest loop through the first node that is in one.
    fn first_loop(&self) -> Option<Loop<N, W>> {
        let knots = self.knots();
        let knot = knots.first()?;
        let start = *self.index.get(knot.first()?)?;
        let mut came: BTreeMap<NodeIndex, (NodeIndex, W)> = BTreeMap::new();
        let mut queue = std::collections::VecDeque::from([start]);
        while let Some(at) = queue.pop_front() {
            let mut edges: Vec<_> = self.inner.edges(at).map(|it| (it.target(), it.weight())).collect();
            edges.sort_by_key(|(target, _)| *target);
            for (target, why) in edges {
                let inside = self.inner.node_weight(target).is_some_and(|it| knot.contains(it));
                if inside && !came.contains_key(&target) {
                    came.insert(target, (at, why.clone()));
                    queue.push_back(target);
                }
            }
        }
        let mut way = Vec::new();
        let mut at = start;
        loop {
            let (from, why) = came.get(&at)?.clone();
            way.push((self.inner.node_weight(from)?.clone(), why));
            at = from;
            if at == start {
                way.reverse();
                return Some(Loop(way));
            }
        }
    }
}

impl<N: Ord + Clone + fmt::Display, W: Clone + fmt::Display> Graph<N, W> {
    /// For Graphviz.
    pub fn dot(&self) -> String {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let mut out = String::from("digraph {\n  rankdir = \"RL\";\n  node [shape = box];\n");
        for index in self.inner.node_indices() {
            let Some(node) = self.inner.node_weight(index) else { continue };
            out.push_str(&format!("  {} [label = {}];\n", index.index(), quoted(&node.to_string())));
        }
        for index in self.inner.node_indices() {
            let mut edges: Vec<_> = self.inner.edges(index).map(|it| (it.target(), it.weight().to_string())).collect();
            edges.sort();
            for (target, why) in edges {
                out.push_str(&format!("  {} -> {} [label = {}];\n", index.index(), target.index(), quoted(&why)));
            }
        }
        out.push_str("}\n");
        out
    }
}

/// `a (vpc_id) → b (subnet_id) → a`
impl<N: fmt::Display, W: fmt::Display> fmt::Display for Loop<N, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (node, why) in &self.0 {
            match why.to_string() {
                why if why.starts_with('(') => write!(f, "{node} {why} → ")?,
                why => write!(f, "{node} ({why}) → ")?,
            }
        }
        match self.0.first() {
            Some((first, _)) => write!(f, "{first}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&'static str, &'static str, &str)]) -> Graph<&'static str> {
        let mut out = Graph::default();
        for (from, to, why) in edges {
            out.need(*from, *to, (*why).to_owned());
        }
        out
    }

    #[test]
    fn what_is_needed_comes_first_and_the_rest_as_it_was_added() {
        let mut it = graph(&[("subnet", "vpc", "vpc_id"), ("nat", "subnet", "subnet_id"), ("nat", "eip", "allocation_id")]);
        it.add("zone");
        assert_eq!(it.order().unwrap(), ["vpc", "subnet", "eip", "nat", "zone"]);
        assert_eq!(it.reversed().order().unwrap(), ["nat", "subnet", "vpc", "eip", "zone"]);
        assert_eq!(it.needs(&"nat").len(), 2);
    }

    #[test]
    fn a_cycle_reads_as_a_loop() {
        let it = graph(&[("a", "b", "x"), ("b", "c", "(depends_on)"), ("c", "a", "z"), ("c", "d", "w")]);
        assert_eq!(it.order().unwrap_err().to_string(), "a (x) → b (depends_on) → c (z) → a");
        assert_eq!(graph(&[("a", "a", "self")]).order().unwrap_err().to_string(), "a (self) → a");
    }

    #[test]
    fn a_picture_names_nodes_and_reasons() {
        let dot = graph(&[("subnet", "vpc", "vpc_id")]).dot();
        assert!(dot.contains("0 [label = \"subnet\"]") && dot.contains("0 -> 1 [label = \"vpc_id\"]"), "{dot}");
    }
}
