//! Every resource type and data source, one line each.
