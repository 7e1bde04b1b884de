//! Variables that are set and have no meaning here: misspelt ones, and those that only Port's own framework reads.

use std::collections::BTreeMap;

/// The variables of ours that are read.
const READ: [&str; 22] = [
    "OCEAN__INITIALIZE_PORT_RESOURCES",
    "OCEAN__INTEGRATION__CONFIG__ACCOUNT_ROLE_ARN",
    "OCEAN__INTEGRATION__CONFIG__ACCOUNT_ROLE_ARNS",
    "OCEAN__INTEGRATION__CONFIG__AWS_PARTITION",
    "OCEAN__INTEGRATION__CONFIG__CREDENTIAL_PROVIDER_PRIORITY",
    "OCEAN__INTEGRATION__CONFIG__EXTERNAL_ID",
    "OCEAN__INTEGRATION__CONFIG__OU_ID",
    "OCEAN__INTEGRATION__IDENTIFIER",
    "OCEAN__INTEGRATION__TYPE",
    "OCEAN__PORT__BASE_URL",
    "OCEAN__PORT__CLIENT_ID",
    "OCEAN__PORT__CLIENT_SECRET",
    "PORTOLAN_DEAD_LETTER_QUEUE_URL",
    "PORTOLAN_DEFAULT_RESOURCES",
    "PORTOLAN_EXCLUDED_ACCOUNTS",
    "PORTOLAN_LOG_LEVEL",
    "PORTOLAN_MEMBER_ROLE_NAME",
    "PORTOLAN_PORT_SECRET_ARN",
    "PORTOLAN_QUEUE_URL",
    "PORTOLAN_STATE_BUCKET",
    "AWS_REGION",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
];

/// Settings of the framework that have no meaning here, and why. Each stands for those below it, too: `A` for `A__B`.
const WITHOUT_MEANING: [(&str, &str); 24] = [
    ("OCEAN__ALLOW_ENVIRONMENT_VARIABLES_JQ_ACCESS", "mappings never see the environment"),
    ("OCEAN__BASE_URL", "there is no server: the stack's schedules start runs"),
    ("OCEAN__CREATE_PORT_RESOURCES_ORIGIN", DEFAULTS),
    ("OCEAN__DELETE_ENTITIES_MAX_BATCH_SIZE", BATCHES),
    ("OCEAN__EVENT_LISTENER", SCHEDULES),
    ("OCEAN__INTEGRATION__CONFIG__AWS_ACCESS_KEY_ID", STATIC_KEYS),
    ("OCEAN__INTEGRATION__CONFIG__AWS_SECRET_ACCESS_KEY", STATIC_KEYS),
    ("OCEAN__INTEGRATION__CONFIG__AWS_SESSION_TOKEN", STATIC_KEYS),
    ("OCEAN__INTEGRATION__CONFIG__LIVE_EVENTS_API_KEY", "there are no live events"),
    ("OCEAN__INTEGRATION__CONFIG__REGION", "the mapping's regionPolicy chooses regions"),
    ("OCEAN__INTEGRATION__SECRETS", STATIC_KEYS),
    ("OCEAN__LAKEHOUSE_ENABLED", "no raw data is sent to Port"),
    ("OCEAN__METRICS", "metrics are in CloudWatch and with the integration in Port"),
    ("OCEAN__PROCESSING_MODE", "mappings are always evaluated here"),
    ("OCEAN__PROCESS_EXECUTION_MODE", "the queue spreads the work"),
    ("OCEAN__PROCESS_IN_QUEUE_TIMEOUT", "the worker's timeout bounds the work"),
    ("OCEAN__RESOURCES_PATH", DEFAULTS),
    ("OCEAN__SCHEDULED_RESYNC_INTERVAL", SCHEDULES),
    ("OCEAN__SEND_RAW_DATA_EXAMPLES", "no raw data is sent to Port"),
    ("OCEAN__SSL", "certificates are always checked"),
    ("OCEAN__STATUS_HEARTBEAT_INTERVAL_SECONDS", "the stack's schedules start runs"),
    ("OCEAN__UPSERT_ENTITIES_BATCH_MAX_LENGTH", BATCHES),
    ("OCEAN__UPSERT_ENTITIES_BATCH_MAX_SIZE_IN_BYTES", BATCHES),
    ("OCEAN__YIELD_ITEMS_TO_PARSE_BATCH_SIZE", BATCHES),
];

const BATCHES: &str = "batches are as large as Port takes them";
const DEFAULTS: &str = "PORTOLAN_DEFAULT_RESOURCES chooses what is installed";
const SCHEDULES: &str = "the stack's schedules start runs: IncrementalSchedule and FullSchedule of the template";
const STATIC_KEYS: &str =
    "static keys are not read: the base identity is the functions' own role, see docs/configuration.md";

/// Names that differ by more letters are different words.
const MOST_MISSPELT_LETTERS: usize = 3;

/// Whether a variable is one that settings are read from.
pub fn is_read(name: &str) -> bool {
    READ.contains(&name)
}

/// The variables with names like ours that nobody reads, each with what is known of it, and never with its value. Those
/// without a value are left out, because templates set empty parameters as empty variables.
pub fn ignored(variables: &BTreeMap<String, String>) -> Vec<String> {
    variables
        .iter()
        .filter(|(name, value)| is_ours(name) && !is_read(name) && !value.trim().is_empty())
        .map(|(name, _)| format!("{name} ({})", explanation(name)))
        .collect()
}

fn is_ours(name: &str) -> bool {
    let name = name.to_uppercase();
    name.starts_with("OCEAN__") || name.starts_with("PORTOLAN_")
}

fn explanation(name: &str) -> String {
    let capitals = name.to_uppercase();
    let stands_for =
        |setting: &str| capitals.strip_prefix(setting).is_some_and(|below| below.is_empty() || below.starts_with("__"));
    if let Some((_, reason)) = WITHOUT_MEANING.iter().find(|(setting, _)| stands_for(setting)) {
        return (*reason).to_owned();
    }
    let nearest = READ.iter().map(|known| (strsim::levenshtein(known, &capitals), known)).min();
    match nearest {
        Some((distance, known)) if distance <= MOST_MISSPELT_LETTERS => format!("not known; is {known} meant?"),
        _ => "not known, perhaps misspelt".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ignored_of(names: &[&str]) -> Vec<String> {
        ignored(&names.iter().map(|name| ((*name).to_owned(), "hush-hush".to_owned())).collect())
    }

    #[test]
    fn what_is_read_and_what_is_not_ours_is_not_named() {
        assert!(ignored_of(&["OCEAN__PORT__BASE_URL", "PORTOLAN_STATE_BUCKET", "PORTOLAN_LOG_LEVEL"]).is_empty());
        assert!(ignored_of(&["PATH", "AWS_LAMBDA_FUNCTION_NAME", "OCEAN", "PORT_CLIENT_ID"]).is_empty());
        let blank = BTreeMap::from([("OCEAN__EVENT_LISTENER".to_owned(), " ".to_owned())]);
        assert!(ignored(&blank).is_empty());
    }

    #[test]
    fn the_documentation_has_exactly_those_that_are_read() {
        let rows = include_str!("../../docs/configuration.md").lines().filter(|line| line.starts_with("| `"));
        let cells = rows.filter_map(|row| row.split('|').nth(1));
        let mut documented: Vec<&str> = cells.flat_map(|cell| cell.split('`')).filter(|name| is_ours(name)).collect();
        documented.sort_unstable();
        let read: Vec<&str> = READ.into_iter().filter(|name| is_ours(name)).collect();
        assert_eq!(documented, read);
    }

    #[test]
    fn each_is_named_with_what_is_known_of_it_and_without_its_value() {
        for (name, words) in [
            ("OCEAN__EVENT_LISTENER", "IncrementalSchedule"),
            ("OCEAN__EVENT_LISTENER__TYPE", "IncrementalSchedule"),
            ("OCEAN__INTEGRATION__SECRETS__AWS_ACCESS_KEY_ID", "static keys"),
            ("OCEAN__INTEGRATION__CONFIG__AWS_SECRET_ACCESS_KEY", "static keys"),
            ("OCEAN__EVENT_LISTENERS", "not known, perhaps misspelt"),
            ("OCEAN__INTEGRATION__CONFIG__ACCOUNT_ROLES_ARN", "is OCEAN__INTEGRATION__CONFIG__ACCOUNT_ROLE_ARN meant?"),
            ("OCEAN__INTEGRATION__CONFIG__OU_IDS", "is OCEAN__INTEGRATION__CONFIG__OU_ID meant?"),
            ("ocean__port__client_id", "is OCEAN__PORT__CLIENT_ID meant?"),
            ("PORTOLAN_EXCLUDE_ACCOUNTS", "is PORTOLAN_EXCLUDED_ACCOUNTS meant?"),
            ("PORTOLAN_SOMETHING_ELSE", "not known, perhaps misspelt"),
        ] {
            let found = ignored_of(&[name]);
            let [text] = found.as_slice() else { panic!("{name}: {found:?}") };
            assert!(text.starts_with(name) && text.contains(words), "{text} should say {words}");
            assert!(!text.contains("hush-hush"), "{text}");
        }
    }

    #[test]
    fn nothing_is_both_read_and_without_meaning() {
        for (name, _) in WITHOUT_MEANING {
            assert!(!is_read(name), "{name}");
        }
    }
}
