//! Whole runs: the organization as it is, as it changes, and as it fails.

mod first_run;
