//! Whole runs: the organization as it is, as it changes, and as it fails.

mod any_kind;
mod deletions;
mod first_run;
mod mapping;
mod stays;
mod steps;
