//! The verbs of a run, one a file. They share values and do not know each other.

pub mod challenge;
pub mod context;
pub mod doctor;
pub mod passes;
pub mod plan;
pub mod publish;
pub mod report;
pub mod snapshot;
pub mod trigger;
