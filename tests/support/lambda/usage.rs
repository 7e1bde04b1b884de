//! What the processes of a function use, as the kernel counts it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// proc(5) counts processor time in ticks, which are of this length on every Linux.
const TICK: Duration = Duration::from_millis(10);

/// What one process used since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub process: u32,
    /// Of all its threads, in user and in kernel mode.
    pub cpu: Duration,
    /// The most memory that was resident at once, in bytes.
    pub peak_memory: u64,
}

/// The processes that were started for a function.
#[derive(Default)]
pub(super) struct Processes(Mutex<Vec<Usage>>);

impl Processes {
    pub fn started(&self, process: u32) {
        let mut usages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        usages.push(Usage { process, ..Usage::default() });
    }

    /// Notes what a process has used so far. One that is gone keeps what was noted before.
    pub fn measure(&self, process: u32) {
        let Some(measured) = read(process) else {
            return;
        };
        let mut usages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(usage) = usages.iter_mut().rev().find(|usage| usage.process == process) {
            *usage = measured;
        }
    }

    pub fn usages(&self) -> Vec<Usage> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// None where the process is gone, or the system has no `/proc`.
fn read(process: u32) -> Option<Usage> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The second field is the name in parentheses, and may have spaces; user and system time are fields 14 and 15.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11).map(|ticks| ticks.parse::<u32>().ok());
    let ticks = times.next()?? + times.next()??;
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = peak.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(Usage { process, cpu: TICK * ticks, peak_memory: kibibytes * 1024 })
}
