//! The planner as prose: `tests/plans/*.md`.
