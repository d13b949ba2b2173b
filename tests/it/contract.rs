//! Every resource type against the local cloud.
