//! The record of all requests.

use std::collections::BTreeMap;

use time::OffsetDateTime;

/// One request as it came in, and how it was answered.
#[derive(Debug, Clone)]
pub struct Call {
    pub method: String,
    /// Template with the parameters in braces; the path itself for a route that does not exist.
    pub route: String,
    /// As sent, percent-encoding included.
    pub path: String,
    /// Decoded names and values, in order.
    pub query: Vec<(String, String)>,
    /// None while the answer is pending, and for ever when the connection was cut instead.
    pub status: Option<u16>,
    pub user_agent: String,
    pub body: Vec<u8>,
    /// Entities, metrics records, log records or samples in the body.
    pub items: usize,
    /// Requests that were being answered when this one arrived, itself included.
    pub in_flight: usize,
    pub arrived_at: OffsetDateTime,
}

impl Call {
    /// The body as JSON; null when it is not.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Value of the first query parameter of this name.
    pub fn query_value(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Names a call while it is being answered, also after the record was cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallNumber(u64);

#[derive(Default)]
pub struct CallRecord {
    calls: BTreeMap<CallNumber, Call>,
    next: u64,
    in_flight: usize,
}

impl CallRecord {
    pub fn arrived(&mut self, mut call: Call) -> CallNumber {
        self.in_flight += 1;
        call.in_flight = self.in_flight;
        let number = CallNumber(self.next);
        self.next += 1;
        self.calls.insert(number, call);
        number
    }

    /// Called once for each arrival, answered or not.
    pub fn left(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    pub fn answered(&mut self, number: CallNumber, status: u16) {
        if let Some(call) = self.calls.get_mut(&number) {
            call.status = Some(status);
        }
    }

    pub fn all(&self) -> Vec<Call> {
        self.calls.values().cloned().collect()
    }

    pub fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for call in self.calls.values() {
            *counts.entry(format!("{} {}", call.method, call.route)).or_default() += 1;
        }
        counts
    }

    pub fn clear(&mut self) {
        self.calls.clear();
    }
}
