//! What travels on the queue: one small, self-describing JSON document per step of a run.

use serde::{Deserialize, Serialize};

use crate::run::{Plan, RunId};
use crate::target::Target;

/// The format that this version writes and understands.
pub const MESSAGE_VERSION: u32 = 1;
/// No message of ours comes near this size; a larger one is not ours.
const LARGEST_MESSAGE_BYTES: usize = 16 * 1024;

/// One step of a run, as it lies on the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Message {
    /// Format of this document, see [`MESSAGE_VERSION`].
    pub version: u32,
    /// Port's organization id. It is part of the place where state lies, and is compared with the credentials before
    /// anything is written.
    pub port_organization: String,
    pub run: RunId,
    /// The run's epoch; a message of another epoch is acknowledged without effect.
    pub epoch: u64,
    pub step: Step,
}

/// What a worker is asked to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub enum Step {
    /// Read one target and bring Port up to date with it.
    Sync { target: Target },
    /// When all targets are done: delete what is stale, verify, and report.
    Sweep {
        /// How often the sweep looked and found targets missing; the wait grows with it.
        #[serde(default)]
        polls: u32,
    },
}

impl Message {
    /// A step of a run.
    pub fn of_run(plan: &Plan, step: Step) -> Self {
        Self {
            version: MESSAGE_VERSION,
            port_organization: plan.port_organization.clone(),
            run: plan.run.clone(),
            epoch: plan.epoch,
            step,
        }
    }

    /// Reads a queue message's body.
    ///
    /// # Errors
    /// [`MessageError`] when the body is not a message of this version; nothing has happened then.
    pub fn parse(body: &str) -> Result<Self, MessageError> {
        if body.len() > LARGEST_MESSAGE_BYTES {
            return Err(MessageError::TooLarge { bytes: body.len() });
        }
        #[derive(Deserialize)]
        struct Versioned {
            version: Option<u32>,
        }
        // The version first: a newer message must be named as such, not as one with unknown fields.
        let Versioned { version } = serde_json::from_str(body).map_err(MessageError::NotJson)?;
        match version {
            Some(MESSAGE_VERSION) => {}
            Some(version) => return Err(MessageError::Version { version }),
            None => return Err(MessageError::NoVersion),
        }
        let message: Self = serde_json::from_str(body).map_err(MessageError::Form)?;
        if !crate::run::is_path_segment(&message.port_organization) {
            return Err(MessageError::PortOrganization(message.port_organization));
        }
        Ok(message)
    }

    /// The JSON text that goes onto the queue.
    pub fn to_body(&self) -> String {
        serde_json::to_string(self).expect("a message holds strings and numbers only, which JSON cannot refuse")
    }
}

/// A queue message that cannot be understood.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    #[error("the message has {bytes} bytes; messages of this system have at most {LARGEST_MESSAGE_BYTES}")]
    TooLarge { bytes: usize },
    #[error("the message is not JSON: {0}")]
    NotJson(#[source] serde_json::Error),
    #[error("the message has no `version`: it was not sent by the scheduler")]
    NoVersion,
    #[error(
        "the message has format version {version}, this worker understands {MESSAGE_VERSION}: deploy scheduler and worker from the same release"
    )]
    Version { version: u32 },
    #[error("the message is malformed: {0}")]
    Form(#[source] serde_json::Error),
    #[error("the message names the Port organization `{0}`, which cannot be one")]
    PortOrganization(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sync() -> Message {
        Message {
            version: MESSAGE_VERSION,
            port_organization: "org_1".to_owned(),
            run: RunId::new(),
            epoch: 3,
            step: Step::Sync { target: Target::Organization },
        }
    }

    #[test]
    fn a_message_survives_the_queue() {
        let message = sync();
        assert_eq!(Message::parse(&message.to_body()).unwrap(), message);
    }

    #[test]
    fn what_is_not_ours_is_named() {
        let good = sync().to_body();
        let newer = good.replace("\"version\":1", "\"version\":2");
        assert!(matches!(Message::parse(&newer), Err(MessageError::Version { version: 2 })));
        assert!(matches!(Message::parse("{}"), Err(MessageError::NoVersion)));
        assert!(matches!(Message::parse("hello"), Err(MessageError::NotJson(_))));
        let escaping = good.replace("org_1", "../other");
        assert!(matches!(Message::parse(&escaping), Err(MessageError::PortOrganization(_))));
        let unknown = good.replace("\"epoch\"", "\"surprise\":1,\"epoch\"");
        assert!(matches!(Message::parse(&unknown), Err(MessageError::Form(_))));
        let target = good.replace("\"organization\"", "\"111/eu-west-1\"");
        assert!(matches!(Message::parse(&target), Err(MessageError::Form(_))));
    }
}
