//! The layers, and what must be registered or documented.
