//! The installation: the templates, expanded by SAM's own transform and deployed into the emulated AWS, and what is
//! shipped beside the code.

mod consistency;
mod deploy;
mod grants;
mod policy;
mod samples;
mod stackset;
mod variations;

use std::fs;
use std::path::PathBuf;

fn read(path: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
