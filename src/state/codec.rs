//! State documents as bytes: versions, upgrades, and what is refused.
