//! What the system tests, the demo and the benchmark share.

pub mod aws;
pub mod big;
pub mod connection;
pub mod installation;
pub mod lambda;
pub mod port;
pub mod relay;
pub mod world;
