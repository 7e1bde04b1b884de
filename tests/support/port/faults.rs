//! Faults that a test orders.

use std::collections::HashSet;
use std::time::Duration;

/// A rule that disturbs calls of one route. Once by default; see [`Fault::times`] and [`Fault::for_ever`].
///
/// Delays add up, and of the other effects the first that matches decides, so that two faults on one route are
/// two calls gone wrong, one after the other.
#[derive(Debug, Clone)]
pub struct Fault {
    route: String,
    blueprint: Option<String>,
    passed_over: usize,
    remaining: Option<usize>,
    effect: Effect,
}

/// An item of a bulk upsert that is refused.
#[derive(Debug, Clone)]
pub struct RefusedItem {
    pub identifier: String,
    pub status: u16,
    pub error: String,
    pub message: String,
}

#[derive(Debug, Clone)]
pub enum Effect {
    Delay(Duration),
    Answer { status: u16, error: String, message: String, headers: Vec<(String, String)> },
    Refuse(Vec<RefusedItem>),
    Forget(HashSet<String>),
    LoseAnswer,
    Disconnect,
    SlowAnswer(Duration),
}

impl Fault {
    fn new(route: &str, effect: Effect) -> Self {
        Self { route: route.to_owned(), blueprint: None, passed_over: 0, remaining: Some(1), effect }
    }

    /// Answers with this status and `{ok: false, error, message}`; nothing happens. `route` is method and template,
    /// as in `POST /blueprints/{blueprint}/entities/bulk`.
    pub fn answer(route: &str, status: u16, error: &str, message: &str) -> Self {
        let effect =
            Effect::Answer { status, error: error.to_owned(), message: message.to_owned(), headers: Vec::new() };
        Self::new(route, effect)
    }

    /// Answers 429 with these headers, which replace the emulator's own of the same name.
    pub fn rate_limited(route: &str, headers: &[(&str, &str)]) -> Self {
        let headers = headers.iter();
        let effect = Effect::Answer {
            status: 429,
            error: "rate_limit_exceeded".to_owned(),
            message: "too many requests".to_owned(),
            headers: headers.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        };
        Self::new(route, effect)
    }

    /// A bulk upsert that has one of these items is answered 207 and refuses them; the others are written.
    pub fn refuse_items(items: Vec<RefusedItem>) -> Self {
        Self::new(super::routes::BULK_UPSERT, Effect::Refuse(items))
    }

    /// As [`Fault::refuse_items`], all for the same reason.
    pub fn refuse(identifiers: &[&str], status: u16, error: &str, message: &str) -> Self {
        let items = identifiers.iter().map(|identifier| RefusedItem {
            identifier: (*identifier).to_owned(),
            status,
            error: error.to_owned(),
            message: message.to_owned(),
        });
        Self::refuse_items(items.collect())
    }

    /// A bulk upsert that has one of these items neither writes nor mentions them.
    pub fn forget(identifiers: &[&str]) -> Self {
        let identifiers = identifiers.iter().map(|identifier| (*identifier).to_owned());
        Self::new(super::routes::BULK_UPSERT, Effect::Forget(identifiers.collect()))
    }

    /// The call takes effect, and the connection closes before its answer is sent.
    pub fn lose_answer(route: &str) -> Self {
        Self::new(route, Effect::LoseAnswer)
    }

    /// The connection closes before anything happens.
    pub fn disconnect(route: &str) -> Self {
        Self::new(route, Effect::Disconnect)
    }

    /// Nothing happens for this long, and never if the client leaves before.
    pub fn delay(route: &str, delay: Duration) -> Self {
        Self::new(route, Effect::Delay(delay))
    }

    /// The call takes effect at once, but its answer comes later.
    pub fn slow_answer(route: &str, delay: Duration) -> Self {
        Self::new(route, Effect::SlowAnswer(delay))
    }

    /// Adds a header to an answer; it replaces the emulator's own of the same name.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        if let Effect::Answer { headers, .. } = &mut self.effect {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Only calls whose path names this blueprint.
    pub fn of_blueprint(mut self, blueprint: &str) -> Self {
        self.blueprint = Some(blueprint.to_owned());
        self
    }

    /// The first matching calls go through.
    pub fn after(mut self, calls: usize) -> Self {
        self.passed_over = calls;
        self
    }

    pub fn times(mut self, calls: usize) -> Self {
        self.remaining = Some(calls);
        self
    }

    pub fn for_ever(mut self) -> Self {
        self.remaining = None;
        self
    }

    pub fn route(&self) -> &str {
        &self.route
    }

    fn matches(&self, call: &FaultTarget<'_>) -> bool {
        if self.remaining == Some(0) || self.route != call.route {
            return false;
        }
        if self.blueprint.is_some() && self.blueprint.as_deref() != call.blueprint {
            return false;
        }
        match &self.effect {
            Effect::Refuse(items) => items.iter().any(|item| call.identifiers.contains(&item.identifier)),
            Effect::Forget(identifiers) => identifiers.iter().any(|identifier| call.identifiers.contains(identifier)),
            _ => true,
        }
    }

    /// Counts a matching call down; true when the fault strikes.
    fn strikes(&mut self) -> bool {
        if self.passed_over > 0 {
            self.passed_over -= 1;
            return false;
        }
        if let Some(remaining) = &mut self.remaining {
            *remaining -= 1;
        }
        true
    }
}

/// Port answers 429 to every call, whatever its route.
#[derive(Debug, Clone, Default)]
pub struct Storm {
    remaining: Option<usize>,
    headers: Vec<(String, String)>,
}

impl Storm {
    /// Until it is ended.
    pub fn for_ever() -> Self {
        Self::default()
    }

    /// For so many calls.
    pub fn of(calls: usize) -> Self {
        Self { remaining: Some(calls), headers: Vec::new() }
    }

    /// Adds a header to the answers; it replaces the emulator's own of the same name.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The headers of a refusal, if there is one for the next call.
    pub fn refuse(&mut self) -> Option<Vec<(String, String)>> {
        match &mut self.remaining {
            Some(0) => return None,
            Some(remaining) => *remaining -= 1,
            None => {}
        }
        Some(self.headers.clone())
    }
}

/// What faults are matched against.
pub struct FaultTarget<'a> {
    pub route: &'a str,
    pub blueprint: Option<&'a str>,
    pub identifiers: &'a HashSet<String>,
}

/// What is to happen to one call.
#[derive(Debug, Default)]
pub struct Disturbance {
    pub delay: Duration,
    pub effect: Option<Effect>,
}

#[derive(Default)]
pub struct Faults(Vec<Fault>);

impl Faults {
    pub fn add(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    pub fn for_call(&mut self, call: &FaultTarget<'_>) -> Disturbance {
        let mut disturbance = Disturbance::default();
        for fault in &mut self.0 {
            if !fault.matches(call) {
                continue;
            }
            if let Effect::Delay(delay) = fault.effect {
                if fault.strikes() {
                    disturbance.delay += delay;
                }
                continue;
            }
            if disturbance.effect.is_none() && fault.strikes() {
                disturbance.effect = Some(fault.effect.clone());
            }
        }
        disturbance
    }
}
