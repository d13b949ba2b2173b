//! `stacks/dev` and `stacks/prod`.
