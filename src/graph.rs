//! A graph with reasons on its edges, on `petgraph`: stable order, cycles as a readable loop, DOT.
