//! What can be set, by variables of the environment.

use std::str::FromStr;
use std::time::Duration;

pub struct Settings {
    /// `BENCH_SIZES`: numbers of resources, separated by commas.
    pub sizes: Vec<usize>,
    /// `BENCH_DEADLINE_SECONDS`: what an invocation has.
    pub deadline: Duration,
    /// `BENCH_LATENCY_MS`: what a page of the listing takes.
    pub latency: Duration,
    /// `BENCH_PAGE_SIZE`: resources on a page. AWS Lambda lists 50.
    pub page_size: usize,
    /// `BENCH_LIMIT_SECONDS`: after this long a run is given up.
    pub limit: Duration,
}

impl Settings {
    pub fn from_environment() -> Self {
        let sizes = std::env::var("BENCH_SIZES").unwrap_or_else(|_| "20000,200000".to_owned());
        Self {
            sizes: sizes.split(',').map(|size| parsed("BENCH_SIZES", size)).collect(),
            deadline: Duration::from_secs(number("BENCH_DEADLINE_SECONDS", 30)),
            latency: Duration::from_millis(number("BENCH_LATENCY_MS", 20)),
            page_size: number("BENCH_PAGE_SIZE", 50),
            limit: Duration::from_secs(number("BENCH_LIMIT_SECONDS", 3600)),
        }
    }
}

fn number<T: FromStr>(name: &str, default: T) -> T {
    std::env::var(name).map_or(default, |value| parsed(name, &value))
}

fn parsed<T: FromStr>(name: &str, value: &str) -> T {
    value.trim().parse().unwrap_or_else(|_| panic!("{name}: `{value}` is no number"))
}
