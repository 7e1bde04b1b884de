use super::*;

fn variables(extra: &[(&str, &str)]) -> BTreeMap<String, String> {
    let base = [
        ("PORTOLAN_QUEUE_URL", "https://sqs.eu-west-1.amazonaws.com/1/q"),
        ("PORTOLAN_DEAD_LETTER_QUEUE_URL", "https://sqs.eu-west-1.amazonaws.com/1/d"),
        ("PORTOLAN_STATE_BUCKET", "state"),
        ("PORTOLAN_PORT_SECRET_ARN", "arn:aws:secretsmanager:eu-west-1:1:secret:port"),
    ];
    base.iter().chain(extra).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn everything_wrong_is_named_at_once() {
    let wrong = BTreeMap::from([
        ("OCEAN__PORT__BASE_URL".to_owned(), "port".to_owned()),
        ("OCEAN__INTEGRATION__CONFIG__ACCOUNT_ROLE_ARN".to_owned(), "PortOceanReadRole".to_owned()),
        ("OCEAN__INTEGRATION__CONFIG__OU_ID".to_owned(), "Production".to_owned()),
        ("OCEAN__INITIALIZE_PORT_RESOURCES".to_owned(), "maybe".to_owned()),
        ("PORTOLAN_DEFAULT_RESOURCES".to_owned(), "some".to_owned()),
    ]);
    let text = Settings::from_variables(wrong).unwrap_err().to_string();
    for name in [
        "OCEAN__PORT__BASE_URL",
        "ACCOUNT_ROLE_ARN",
        "OU_ID",
        "INITIALIZE_PORT_RESOURCES",
        "PORTOLAN_DEFAULT_RESOURCES",
        "PORTOLAN_QUEUE_URL",
        "PORTOLAN_STATE_BUCKET",
        "PORTOLAN_PORT_SECRET_ARN",
    ] {
        assert!(text.contains(name), "{name} is missing in: {text}");
    }
}

#[test]
fn what_is_too_large_is_told_with_its_size() {
    let arns: Vec<String> =
        (0..2001).map(|number| format!("arn:aws:iam::{number:012}:role/PortOceanReadRole")).collect();
    let arns = serde_json::to_string(&arns).unwrap();
    let units: Vec<String> = (0..2001).map(|number| format!("ou-ab12-{number}")).collect();
    let (list, role) =
        ("OCEAN__INTEGRATION__CONFIG__ACCOUNT_ROLE_ARNS", "OCEAN__INTEGRATION__CONFIG__ACCOUNT_ROLE_ARN");
    let (unit, external) = ("OCEAN__INTEGRATION__CONFIG__OU_ID", "OCEAN__INTEGRATION__CONFIG__EXTERNAL_ID");
    let (units, long, arn) = (units.join(","), "x".repeat(1225), "arn:aws:iam::111111111111:role/x");
    for (extra, told) in [
        (vec![(list, arns.as_str())], ["ACCOUNT_ROLE_ARNS", "2001 roles", "at most 2000"]),
        (vec![(role, arn), (unit, units.as_str())], ["OU_ID", "2001 units", "at most 2000"]),
        (vec![(external, long.as_str())], ["EXTERNAL_ID", "1225 bytes", "at most 1224"]),
    ] {
        let text = Settings::from_variables(variables(&extra)).unwrap_err().to_string();
        assert!(told.iter().all(|part| text.contains(part)), "{text} should tell {told:?}");
    }
}

#[test]
fn the_account_source_follows_what_is_set() {
    let single = Settings::from_variables(variables(&[])).unwrap();
    assert_eq!(single.accounts.source, AccountSource::SingleAccount);

    let list = r#"["arn:aws-us-gov:iam::111111111111:role/PortOceanReadRole", " "]"#;
    let list = Settings::from_variables(variables(&[("OCEAN__INTEGRATION__CONFIG__ACCOUNT_ROLE_ARNS", list)])).unwrap();
    assert!(matches!(&list.accounts.source, AccountSource::RoleList(roles) if roles.len() == 1));
    assert_eq!(list.accounts.partition, "aws-us-gov");

    let organization = [
        ("OCEAN__INTEGRATION__CONFIG__ACCOUNT_ROLE_ARN", "arn:aws:iam::111111111111:role/PortOceanReadRole"),
        ("OCEAN__INTEGRATION__CONFIG__OU_ID", "ou-ab12-1, ou-ab12-2,"),
    ];
    let organization = Settings::from_variables(variables(&organization)).unwrap();
    assert!(
        matches!(&organization.accounts.source, AccountSource::Organization { organizational_units, .. } if organizational_units.len() == 2)
    );
}

#[test]
fn blank_is_unset_and_secrets_are_not_printed() {
    let text = [
        ("PORTOLAN_PORT_SECRET_ARN", ""),
        ("OCEAN__PORT__CLIENT_ID", "id"),
        ("OCEAN__PORT__CLIENT_SECRET", "very-secret"),
    ];
    let settings = Settings::from_variables(variables(&text)).unwrap();
    assert!(matches!(settings.port.credentials, PortCredentialSource::Variables { .. }));
    assert!(!format!("{settings:?}").contains("very-secret"));
}

#[test]
fn the_framework_s_own_variable_still_turns_the_defaults_off() {
    let with =
        |extra: &[(&str, &str)]| Settings::from_variables(variables(extra)).unwrap().integration.default_resources;
    let (set, initialize) = ("PORTOLAN_DEFAULT_RESOURCES", "OCEAN__INITIALIZE_PORT_RESOURCES");
    assert_eq!(with(&[]), DefaultResources::Core);
    assert_eq!(with(&[(set, "")]), DefaultResources::Core);
    assert_eq!(with(&[(set, "All"), (initialize, "true")]), DefaultResources::All);
    assert_eq!(with(&[(set, "none")]), DefaultResources::None);
    assert_eq!(with(&[(set, "all"), (initialize, "false")]), DefaultResources::None);
}

#[test]
fn web_identity_is_used_where_the_priority_allows() {
    let file = ("AWS_WEB_IDENTITY_TOKEN_FILE", "/token");
    let priority = "OCEAN__INTEGRATION__CONFIG__CREDENTIAL_PROVIDER_PRIORITY";
    let with =
        |extra: &[(&str, &str)]| Settings::from_variables(variables(extra)).unwrap().accounts.web_identity_token_file;
    assert_eq!(with(&[file]).as_deref(), Some("/token"));
    assert_eq!(with(&[file, (priority, "StaticCredential,AssumeRole,AssumeRoleWithWebIdentity")]), None);
    assert_eq!(with(&[(priority, "AssumeRoleWithWebIdentity")]), None);
}

fn problems_of(extra: &[(&str, &str)]) -> String {
    Settings::from_variables(variables(extra)).expect_err("something is wrong").to_string()
}

#[test]
fn a_region_of_port_by_its_name() {
    let base_url =
        |value| Settings::from_variables(variables(&[("OCEAN__PORT__BASE_URL", value)])).unwrap().port.base_url;
    assert_eq!(base_url("us"), "https://api.us.port.io");
    assert_eq!(base_url(" https://app.getport.io/ "), "https://api.port.io");
    assert_eq!(base_url(""), "https://api.port.io");
}

#[test]
fn excluded_accounts_are_numbers_of_twelve_digits() {
    let name = "PORTOLAN_EXCLUDED_ACCOUNTS";
    let settings =
        Settings::from_variables(variables(&[(name, "111111111111, 000000000002,\n111111111111,")])).unwrap();
    let excluded: Vec<&str> = settings.accounts.excluded.iter().map(|account| account.as_str()).collect();
    assert_eq!(excluded, ["000000000002", "111111111111"]);

    let text = problems_of(&[(name, "12345678901, 1234, sandbox, 1234567890123, 1.2E+11")]);
    for part in ["012345678901", "11 of 12 digits", "000000001234", "`sandbox`", "`1234567890123`", "`1.2E+11`"] {
        assert!(text.contains(part), "{text} should name {part}");
    }
    assert_eq!(text.matches(name).count(), 5, "{text}");
}

#[test]
fn the_partition_is_the_one_that_is_said_or_that_of_the_role_or_that_of_the_region() {
    let (set, region) = ("OCEAN__INTEGRATION__CONFIG__AWS_PARTITION", "AWS_REGION");
    let role = "OCEAN__INTEGRATION__CONFIG__ACCOUNT_ROLE_ARN";
    let gov = "arn:aws-us-gov:iam::111111111111:role/x";
    let with = |extra: &[(&str, &str)]| Settings::from_variables(variables(extra)).unwrap().accounts.partition;
    assert_eq!(with(&[]), "aws");
    assert_eq!(with(&[(region, "eu-west-1")]), "aws");
    assert_eq!(with(&[(region, "cn-north-1")]), "aws-cn");
    assert_eq!(with(&[(role, gov), (region, "us-gov-east-1")]), "aws-us-gov");
    assert_eq!(with(&[(set, "aws-cn")]), "aws-cn");
    // A web identity is good in any partition that trusts who gave it.
    assert_eq!(with(&[(role, gov), (region, "eu-west-1"), ("AWS_WEB_IDENTITY_TOKEN_FILE", "/token")]), "aws-us-gov");
}

#[test]
fn partitions_that_contradict_each_other_are_named() {
    let (set, region) = ("OCEAN__INTEGRATION__CONFIG__AWS_PARTITION", "AWS_REGION");
    let (role, list) =
        ("OCEAN__INTEGRATION__CONFIG__ACCOUNT_ROLE_ARN", "OCEAN__INTEGRATION__CONFIG__ACCOUNT_ROLE_ARNS");
    let (gov, china) = ("arn:aws-us-gov:iam::111111111111:role/x", "arn:aws-cn:iam::222222222222:role/x");
    let both = format!(r#"["{gov}","{china}"]"#);
    for (extra, told) in [
        (vec![(role, gov), (set, "aws")], [gov, "partition aws,", set]),
        (vec![(list, both.as_str())], [china, "partition aws-us-gov,", "one partition"]),
        (vec![(role, china), (region, "eu-west-1")], ["AWS_REGION is eu-west-1", "aws-cn", "across partitions"]),
        (vec![(set, "aws-cn"), (role, china), (region, "eu-west-1")], ["eu-west-1", "aws-cn", "across partitions"]),
        (
            vec![(set, "aws"), (region, "us-gov-west-1")],
            ["AWS_REGION is us-gov-west-1", "partition aws-us-gov,", "AWS_PARTITION is aws:"],
        ),
        // No role is assumed, so that a web identity leads nowhere else.
        (
            vec![(set, "aws-cn"), (region, "eu-west-1"), ("AWS_WEB_IDENTITY_TOKEN_FILE", "/token")],
            ["AWS_REGION is eu-west-1", "partition aws,", "AWS_PARTITION is aws-cn:"],
        ),
        (vec![(set, "aws-iso")], ["`aws-iso`", "aws-us-gov", "aws-cn"]),
        (vec![(role, "arn:aws-eusc:iam::111111111111:role/x")], ["arn:aws-eusc:iam", "partitions aws,", "aws-cn"]),
    ] {
        let text = problems_of(&extra);
        assert!(told.iter().all(|part| text.contains(part)), "{text} should tell {told:?}");
    }
}

#[test]
fn a_region_of_a_partition_that_is_not_supported_is_refused() {
    for region in ["eusc-de-east-1", "us-iso-east-1", "us-isob-east-1", "eu-isoe-west-1", "us-isof-south-1"] {
        for extra in [vec![], vec![("OCEAN__INTEGRATION__CONFIG__AWS_PARTITION", "aws")]] {
            let text = problems_of(&[extra, vec![("AWS_REGION", region)]].concat());
            let told = [region, "not supported; aws, aws-us-gov, aws-cn are"];
            assert!(told.iter().all(|part| text.contains(part)), "{text} should tell {told:?}");
        }
    }
}

#[test]
fn what_may_be_a_secret_in_the_wrong_variable_is_not_printed() {
    for (name, value) in [
        ("PORTOLAN_PORT_SECRET_ARN", "hush-hush"),
        ("OCEAN__PORT__BASE_URL", "hush-hush"),
        ("OCEAN__PORT__BASE_URL", "https://user:hush-hush@proxy.example"),
        ("OCEAN__PORT__BASE_URL", "http://proxy.example?key=hush-hush"),
        ("OCEAN__INTEGRATION__CONFIG__ACCOUNT_ROLE_ARNS", r#"{"secret": "hush-hush"}"#),
        ("OCEAN__INTEGRATION__CONFIG__EXTERNAL_ID", &"hush-hush".repeat(200)),
    ] {
        let text = problems_of(&[(name, value)]);
        assert!(text.contains(name) && !text.contains("hush-hush"), "{text}");
    }
}
