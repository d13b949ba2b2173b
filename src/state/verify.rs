//! The numbered laws of state.
