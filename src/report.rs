//! Plans, progress and results, for reading and for machines.
