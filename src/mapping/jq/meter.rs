//! What one evaluation may use before it is stopped.
//!
//! The interpreter has no fuel of its own, so its values and its context report here what they do, and the budget that
//! is used up ends the evaluation by unwinding. It cannot be an ordinary error: `try` and `?` would swallow it.

use std::cell::Cell;
use std::panic::resume_unwind;
use std::time::{Duration, Instant};

/// Why an evaluation was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Limit {
    /// It took too many steps. The count depends on nothing but expression and input.
    #[error("it took more than {MAXIMUM_STEPS} steps")]
    Steps,
    /// It took too long, although its steps were few.
    #[error("it took longer than {} s", MAXIMUM_TIME.as_secs())]
    Time,
    /// It called itself too often, or nested arrays and objects too deeply.
    #[error("it called itself too often, or nested deeper than {MAXIMUM_DEPTH}")]
    Depth,
    /// It held too much at once.
    #[error("it held more than {} MiB at once", MAXIMUM_LIVE_BYTES >> 20)]
    Memory,
    /// Its result is too large for a property of a catalog.
    #[error("its result is larger than {} MiB", MAXIMUM_OUTPUT_BYTES >> 20)]
    Output,
}

/// Arrays and objects nest at most this deep: deeper values could not be dropped or compared on an ordinary stack.
pub(super) const MAXIMUM_DEPTH: u16 = 256;
/// Nodes of a result, counted the way steps are, so that shared parts count as often as they are printed.
pub(super) const MAXIMUM_OUTPUT_BYTES: usize = 16 << 20;

const MAXIMUM_STEPS: u64 = 1_000_000;
const MAXIMUM_LIVE_BYTES: isize = 32 << 20;
const MAXIMUM_TIME: Duration = Duration::from_secs(1);
const STEPS_BETWEEN_CLOCK_READINGS: u64 = 4096;
/// Copying this many bytes costs one step.
const BYTES_PER_STEP: usize = 256;

struct Meter {
    /// All steps ever taken on the thread.
    steps_taken: Cell<u64>,
    steps_left: Cell<u64>,
    next_clock_reading: Cell<u64>,
    deadline: Cell<Option<Instant>>,
    live_bytes: Cell<isize>,
    live_bytes_allowed: Cell<isize>,
    stack_floor: Cell<usize>,
}

thread_local! {
    static METER: Meter = const {
        Meter {
            steps_taken: Cell::new(0),
            steps_left: Cell::new(u64::MAX),
            next_clock_reading: Cell::new(0),
            deadline: Cell::new(None),
            live_bytes: Cell::new(0),
            live_bytes_allowed: Cell::new(isize::MAX),
            stack_floor: Cell::new(0),
        }
    };
}

/// Carried by the unwinding that ends an evaluation.
pub(super) struct Stopped(pub(super) Limit);

/// The budget of one evaluation on this thread, given back when dropped.
pub(super) struct Evaluation(());

impl Evaluation {
    /// Starts counting. `stack` is how many more bytes of this thread's stack the evaluation may use.
    pub(super) fn start(stack: usize) -> Self {
        METER.with(|meter| {
            meter.steps_left.set(MAXIMUM_STEPS);
            meter.next_clock_reading.set(MAXIMUM_STEPS - STEPS_BETWEEN_CLOCK_READINGS);
            meter.deadline.set(Some(Instant::now() + MAXIMUM_TIME));
            meter.live_bytes_allowed.set(meter.live_bytes.get() + MAXIMUM_LIVE_BYTES);
            meter.stack_floor.set(stack_position().saturating_sub(stack));
        });
        Self(())
    }
}

impl Drop for Evaluation {
    fn drop(&mut self) {
        METER.with(|meter| {
            meter.steps_left.set(u64::MAX);
            meter.next_clock_reading.set(0);
            meter.deadline.set(None);
            meter.live_bytes_allowed.set(isize::MAX);
            meter.stack_floor.set(0);
        });
    }
}

/// Counts steps, and stops the evaluation that is out of steps, time or stack.
pub(super) fn step(count: u64) {
    METER.with(|meter| {
        if stack_position() < meter.stack_floor.get() {
            stop(Limit::Depth);
        }
        meter.steps_taken.set(meter.steps_taken.get().wrapping_add(count));
        let left = meter.steps_left.get().saturating_sub(count);
        meter.steps_left.set(left);
        if left <= meter.next_clock_reading.get() {
            check_clock(meter, left);
        }
    });
}

/// All steps that were ever taken on this thread. Only differences mean something.
pub(super) fn steps_taken() -> u64 {
    METER.with(|meter| meter.steps_taken.get())
}

#[cold]
fn check_clock(meter: &Meter, left: u64) {
    meter.next_clock_reading.set(left.saturating_sub(STEPS_BETWEEN_CLOCK_READINGS));
    let Some(deadline) = meter.deadline.get() else {
        return;
    };
    if left == 0 {
        stop(Limit::Steps);
    }
    if Instant::now() > deadline {
        stop(Limit::Time);
    }
}

/// Stops the evaluation on this thread.
#[cold]
pub(super) fn stop(limit: Limit) {
    // Unwinding twice at a time ends the process.
    if std::thread::panicking() {
        return;
    }
    // Unlike `panic!`, this leaves the panic hook alone: nothing is printed.
    resume_unwind(Box::new(Stopped(limit)))
}

/// Checks a value about to be built against the allowed nesting.
pub(super) fn check_depth(depth: u16) {
    if depth > MAXIMUM_DEPTH {
        stop(Limit::Depth);
    }
}

// Only compared, never followed.
fn stack_position() -> usize {
    let marker = 0_u8;
    std::ptr::from_ref(std::hint::black_box(&marker)).addr()
}

/// Memory held by a value or by the interpreter, counted while this exists.
#[derive(Debug, Default)]
pub(super) struct Charge(usize);

impl Charge {
    /// Counts `bytes`, before they are allocated.
    pub(super) fn new(bytes: usize) -> Self {
        let mut charge = Self(0);
        charge.grow(bytes);
        charge
    }

    /// Counts `bytes` more.
    pub(super) fn grow(&mut self, bytes: usize) {
        step(1 + (bytes / BYTES_PER_STEP) as u64);
        METER.with(|meter| {
            let live = meter.live_bytes.get() + bytes as isize;
            if live > meter.live_bytes_allowed.get() {
                stop(Limit::Memory);
            }
            meter.live_bytes.set(live);
        });
        self.0 += bytes;
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        METER.with(|meter| meter.live_bytes.set(meter.live_bytes.get() - self.0 as isize));
    }
}
