//! infra

// words
pub mod address;
pub mod diag;
pub mod graph;
pub mod remote;
pub mod schema;
pub mod value;

// desired, recorded
pub mod stack;
pub mod state;

// what to do, doing it
pub mod apply;
pub mod plan;

// the world, and what can be managed in it
pub mod catalog;
pub mod cloud;
pub mod resource;
pub mod store;

// people
pub mod cli;
pub mod drift;
pub mod report;

// practice
pub mod sim;
