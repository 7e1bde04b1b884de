//! Portolan brings a whole AWS organization into a Port catalog.
//!
//! Two AWS Lambda functions share this library. The folders follow the data: [`schedule`] finds accounts and sends
//! messages, [`work`] takes a message and brings Port up to date, [`kinds`] reads AWS, [`mapping`] makes entities of
//! resources, [`ledger`] remembers what Port holds, [`port`] talks to Port.

pub mod aws;
pub mod config;
pub mod context;
pub mod events;
pub mod kinds;
pub mod ledger;
pub mod mapping;
pub mod message;
pub mod port;
pub mod run;
pub mod schedule;
pub mod seams;
pub mod shared_text;
pub mod target;
mod urls;
pub mod work;
