//! Tokens, and whose they are.

use serde_json::json;
use time::OffsetDateTime;

use super::{Answer, Effect, Incoming, State};

pub fn access_token(state: &mut State, incoming: &Incoming, _: Option<&Effect>, now: OffsetDateTime) -> Answer {
    let known = incoming.body["clientId"] == state.credentials.client_id.as_str()
        && incoming.body["clientSecret"] == state.credentials.client_secret.as_str();
    if !known {
        return Answer::error(401, "invalid_credentials", "unknown client id or wrong client secret");
    }
    let (token, seconds_left) = state.tokens.current(now);
    Answer::ok(json!({
        "ok": true,
        "accessToken": token,
        "expiresIn": seconds_left,
        "tokenType": "Bearer",
    }))
}

pub fn organization(state: &mut State, _: &Incoming, _: Option<&Effect>, _: OffsetDateTime) -> Answer {
    let organization = json!({"id": state.organization, "name": state.organization, "featureFlags": []});
    Answer::ok(json!({"ok": true, "organization": organization}))
}
