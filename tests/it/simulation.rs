//! The engine under fire.
