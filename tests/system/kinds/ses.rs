//! Amazon SES.

use std::collections::BTreeMap;

use portolan::kinds::ReadError;
use serde_json::{Map, Value, json};

use super::contract::{Contract, Enrichment, NotFound, counts};
use super::{Bench, REGION, assert_every_field};

const IDENTITY: &str = "AWS::SES::EmailIdentity";
const SET: &str = "AWS::SES::ConfigurationSet";

pub const CONTRACTS: &[Contract] = &[
    Contract {
        kind: SET,
        service: "ses",
        listing: "ListConfigurationSets",
        denied: (403, "AccessDeniedException"),
        throttled: (429, "TooManyRequestsException"),
        seed: |bench, names| Box::pin(create_configuration_sets(bench, names)),
        page: Some(|name, token| json!({"ConfigurationSets": [name], "NextToken": token}).to_string()),
        calls: &[("ses:ListConfigurationSets", 1), ("ses:GetConfigurationSet", 3)],
        calls_of_options: &[],
        enrichments: &[Enrichment {
            service: "ses",
            operation: "GetConfigurationSet",
            name: "GetConfigurationSet",
            is_option: false,
            not_found: NotFound::IsGone((404, "NotFoundException")),
        }],
    },
    Contract {
        kind: IDENTITY,
        service: "ses",
        listing: "ListEmailIdentities",
        denied: (403, "AccessDeniedException"),
        throttled: (429, "TooManyRequestsException"),
        seed: |bench, names| Box::pin(create_identities(bench, names)),
        page: Some(|name, token| json!({"EmailIdentities": [{"IdentityName": name}], "NextToken": token}).to_string()),
        calls: &[("ses:ListEmailIdentities", 1), ("ses:GetEmailIdentity", 3)],
        calls_of_options: &[],
        enrichments: &[Enrichment {
            service: "ses",
            operation: "GetEmailIdentity",
            name: "GetEmailIdentity",
            is_option: false,
            not_found: NotFound::IsGone((404, "NotFoundException")),
        }],
    },
];

async fn create_configuration_sets(bench: &Bench, names: &[&str]) {
    for name in names {
        let order = json!({"ConfigurationSetName": name});
        bench.alpha_in(REGION).call("sesv2", "create_configuration_set", order).await;
    }
}

async fn create_identities(bench: &Bench, names: &[&str]) {
    for name in names {
        let order = json!({"EmailIdentity": format!("{name}.example.com")});
        bench.alpha_in(REGION).call("sesv2", "create_email_identity", order).await;
    }
}

#[tokio::test]
async fn identities_and_configuration_sets_as_ses_writes_them() {
    let bench = Bench::create().await;
    let tags = json!([{"Key": "team", "Value": "sea"}]);
    let order = json!({"EmailIdentity": "a+b@example.com", "Tags": tags, "ConfigurationSetName": "main"});
    bench.alpha_in(REGION).call("sesv2", "create_email_identity", order).await;
    let identity = bench.read_one(IDENTITY, &[]).await;
    assert_eq!(identity.key, "a+b@example.com");
    assert_eq!((identity.context, identity.region), (Map::new(), None));
    assert_eq!(
        Value::Object(identity.properties),
        json!({
            "IdentityName": "a+b@example.com",
            "IdentityType": "EMAIL_ADDRESS",
            "SendingEnabled": true,
            "FeedbackForwardingStatus": false,
            "VerifiedForSendingStatus": false,
            "DkimAttributes": {
                "NextSigningKeyLength": "RSA_1024_BIT", "SigningAttributesOrigin": "AWS_SES", "SigningEnabled": false, "Status": "NOT_STARTED",
            },
            "Policies": {},
            "Tags": tags,
            "ConfigurationSetName": "main",
            "VerificationStatus": "SUCCESS",
        })
    );

    let order = json!({
        "ConfigurationSetName": "main", "Tags": tags, "SendingOptions": {"SendingEnabled": true},
        "DeliveryOptions": {"TlsPolicy": "REQUIRE", "SendingPoolName": "pool"},
    });
    bench.alpha_in(REGION).call("sesv2", "create_configuration_set", order).await;
    let set = bench.read_one(SET, &[]).await;
    assert_eq!(set.key, "main");
    assert_eq!((set.context, set.region), (Map::new(), None));
    assert_eq!(
        Value::Object(set.properties),
        json!({
            "ConfigurationSetName": "main",
            "TrackingOptions": {},
            "DeliveryOptions": {"TlsPolicy": "REQUIRE", "SendingPoolName": "pool"},
            "ReputationOptions": {},
            "SendingOptions": {"SendingEnabled": true},
            "Tags": tags,
            "SuppressionOptions": {},
            "VdmOptions": {},
        })
    );
}

/// The members are those of <https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_IdentityInfo.html> and
/// <https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetEmailIdentity.html>; times are epoch seconds.
#[tokio::test]
async fn an_identity_with_everything_set_and_one_with_nulls() {
    let bench = Bench::create().await;
    let listed = json!({"EmailIdentities": [
        {"IdentityName": "example.com", "IdentityType": "DOMAIN", "SendingEnabled": true, "VerificationStatus": "PENDING", "BrandNewInList": 1},
        {"IdentityName": "me@example.com", "IdentityType": "EMAIL_ADDRESS", "SendingEnabled": false, "VerificationStatus": null},
    ]});
    let policy = "{\"Version\":\"2012-10-17\",\"Statement\":[]}";
    let details = json!({
        "ConfigurationSetName": "main",
        "DkimAttributes": {
            "CurrentSigningKeyLength": "RSA_2048_BIT", "LastKeyGenerationTimestamp": 1_704_164_645.123, "NextSigningKeyLength": "RSA_2048_BIT",
            "SigningAttributesOrigin": "AWS_SES", "SigningEnabled": true, "SigningHostedZone": "z", "Status": "SUCCESS", "Tokens": ["t1", "t2", "t3"],
        },
        "FeedbackForwardingStatus": true,
        "IdentityType": "DOMAIN",
        "MailFromAttributes": {"BehaviorOnMxFailure": "USE_DEFAULT_VALUE", "MailFromDomain": "mail.example.com", "MailFromDomainStatus": "SUCCESS"},
        "Policies": {"other-account": policy},
        "Tags": [{"Key": "team", "Value": "sea"}],
        "VerificationInfo": {
            "ErrorType": "DNS_SERVER_ERROR", "LastCheckedTimestamp": 1_704_164_645, "LastSuccessTimestamp": 1.704_164_645e9,
            "SOARecord": {"AdminEmail": "dns.example.com", "PrimaryNameServer": "ns1.example.com", "SerialNumber": 1},
        },
        "VerificationStatus": "SUCCESS",
        "VerifiedForSendingStatus": true,
        "BrandNew": {"a": [1]},
    });
    let without = json!({"MailFromAttributes": null, "Policies": {}, "Tags": [], "DkimAttributes": {"LastKeyGenerationTimestamp": null}});
    bench.answer_once(IDENTITY, "ses", "ListEmailIdentities", "", &listed.to_string()).await;
    bench.answer_once(IDENTITY, "ses", "GetEmailIdentity", "/example.com", &details.to_string()).await;
    bench.answer_once(IDENTITY, "ses", "GetEmailIdentity", "/me@example.com", &without.to_string()).await;
    let mut identities = bench.read(IDENTITY, &[]).await;
    let domain = identities.remove("example.com").expect("it is listed").properties;
    assert_every_field(IDENTITY, &domain);
    assert_eq!(
        Value::Object(domain),
        json!({
            "IdentityName": "example.com",
            "IdentityType": "DOMAIN",
            "SendingEnabled": true,
            "FeedbackForwardingStatus": true,
            "VerifiedForSendingStatus": true,
            "DkimAttributes": {
                "CurrentSigningKeyLength": "RSA_2048_BIT", "LastKeyGenerationTimestamp": "2024-01-02T03:04:05.123000Z", "NextSigningKeyLength": "RSA_2048_BIT",
                "SigningAttributesOrigin": "AWS_SES", "SigningEnabled": true, "SigningHostedZone": "z", "Status": "SUCCESS", "Tokens": ["t1", "t2", "t3"],
            },
            "MailFromAttributes": {"BehaviorOnMxFailure": "USE_DEFAULT_VALUE", "MailFromDomain": "mail.example.com", "MailFromDomainStatus": "SUCCESS"},
            "Policies": {"other-account": policy},
            "Tags": [{"Key": "team", "Value": "sea"}],
            "ConfigurationSetName": "main",
            "VerificationStatus": "SUCCESS",
            "VerificationInfo": {
                "ErrorType": "DNS_SERVER_ERROR", "LastCheckedTimestamp": "2024-01-02T03:04:05Z", "LastSuccessTimestamp": "2024-01-02T03:04:05Z",
                "SOARecord": {"AdminEmail": "dns.example.com", "PrimaryNameServer": "ns1.example.com", "SerialNumber": 1},
            },
            "BrandNewInList": 1,
            "BrandNew": {"a": [1]},
        })
    );
    let address = identities.remove("me@example.com").expect("it is listed").properties;
    assert_eq!(
        Value::Object(address),
        json!({
            "IdentityName": "me@example.com", "IdentityType": "EMAIL_ADDRESS", "SendingEnabled": false, "Policies": {}, "Tags": [], "DkimAttributes": {},
        })
    );
}

/// The members are those of <https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetConfigurationSet.html>.
#[tokio::test]
async fn a_configuration_set_with_everything_set_and_one_with_nulls() {
    let bench = Bench::create().await;
    let details = json!({
        "ArchivingOptions": {"ArchiveArn": "arn:aws:ses:eu-west-1:123456789012:mailmanager-archive/a-1"},
        "ConfigurationSetName": "main",
        "DeliveryOptions": {"MaxDeliverySeconds": 300, "SendingPoolName": "pool", "TlsPolicy": "REQUIRE"},
        "MessageSecurityOptions": {"SigningScheme": {"SmimeScheme": {"SignatureFormat": "OPAQUE"}}},
        "ReputationOptions": {"LastFreshStart": 1_704_164_645.5, "ReputationMetricsEnabled": true},
        "SendingOptions": {"SendingEnabled": false},
        "SuppressionOptions": {"SuppressedReasons": ["BOUNCE", "COMPLAINT"]},
        "Tags": [{"Key": "team", "Value": "sea"}],
        "TrackingOptions": {"CustomRedirectDomain": "links.example.com", "HttpsPolicy": "REQUIRE"},
        "VdmOptions": {"DashboardOptions": {"EngagementMetrics": "ENABLED"}, "GuardianOptions": {"OptimizedSharedDelivery": "DISABLED"}},
        "BrandNew": {"a": [1]},
    });
    let mut expected = details.clone();
    expected["ReputationOptions"]["LastFreshStart"] = json!("2024-01-02T03:04:05.500000Z");
    let without = json!({
        "ConfigurationSetName": "plain", "DeliveryOptions": {"TlsPolicy": "OPTIONAL", "SendingPoolName": null}, "VdmOptions": null, "Tags": [],
        "ReputationOptions": {"LastFreshStart": 1_704_164_645, "ReputationMetricsEnabled": false},
    });
    bench.answer_once(SET, "ses", "ListConfigurationSets", "", r#"{"ConfigurationSets": ["main", "plain"]}"#).await;
    bench.answer_once(SET, "ses", "GetConfigurationSet", "/main", &details.to_string()).await;
    bench.answer_once(SET, "ses", "GetConfigurationSet", "/plain", &without.to_string()).await;
    let mut sets = bench.read(SET, &[]).await;
    let main = sets.remove("main").expect("it is listed").properties;
    assert_every_field(SET, &main);
    assert_eq!(Value::Object(main), expected);
    let plain = sets.remove("plain").expect("it is listed").properties;
    assert_eq!(
        Value::Object(plain),
        json!({
            "ConfigurationSetName": "plain", "DeliveryOptions": {"TlsPolicy": "OPTIONAL"}, "Tags": [],
            "ReputationOptions": {"LastFreshStart": "2024-01-02T03:04:05Z", "ReputationMetricsEnabled": false},
        })
    );
}

#[tokio::test]
async fn without_its_details_a_resource_has_what_the_listing_says() {
    let bench = Bench::create().await;
    let listed = json!({"EmailIdentities": [
        {"IdentityName": "example.com", "IdentityType": "DOMAIN", "SendingEnabled": true, "VerificationStatus": "PENDING"},
    ]});
    let too_many = json!({"status": 429, "code": "TooManyRequestsException"});
    bench.answer(IDENTITY, "ses", "ListEmailIdentities", "", &listed.to_string()).await;
    bench.fault(IDENTITY, "ses", "GetEmailIdentity", too_many.clone()).await;
    let identity = bench.read_one(IDENTITY, &[]).await;
    assert_eq!(identity.incomplete.len(), 1);
    assert!(identity.incomplete[0].reason.starts_with("throttled: ses:GetEmailIdentity"), "{identity:?}");
    assert_eq!(Value::Object(identity.properties), listed["EmailIdentities"][0]);

    bench.answer(SET, "ses", "ListConfigurationSets", "", r#"{"ConfigurationSets": ["main"]}"#).await;
    bench.fault(SET, "ses", "GetConfigurationSet", too_many).await;
    let set = bench.read_one(SET, &[]).await;
    assert_eq!(set.incomplete.len(), 1);
    assert_eq!(Value::Object(set.properties), json!({"ConfigurationSetName": "main"}));
}

/// Many resources are several pages of ours, with one listing for all of them.
#[tokio::test]
async fn the_listing_is_asked_for_once_in_the_largest_pages_and_resources_come_a_few_at_a_time() {
    let bench = Bench::create().await;
    let names: Vec<String> = (0..25).map(|index| format!("n{index:02}.example.com")).collect();
    let members: Vec<_> = names.iter().map(|name| json!({"IdentityName": name})).collect();
    let first = json!({"EmailIdentities": members[..15], "NextToken": "token-of-page-2"}).to_string();
    let second = json!({"EmailIdentities": members[15..]}).to_string();
    bench.answer(IDENTITY, "ses", "ListEmailIdentities", "\"PageSize\":1000", &first).await;
    bench.answer_once(IDENTITY, "ses", "ListEmailIdentities", "token-of-page-2", &second).await;
    bench.answer(IDENTITY, "ses", "GetEmailIdentity", "", "{}").await;
    assert_eq!(bench.read(IDENTITY, &[]).await.into_keys().collect::<Vec<_>>(), names);
    assert_eq!(bench.take_calls().await, counts(&[("ses:ListEmailIdentities", 2), ("ses:GetEmailIdentity", 25)]));

    let sets: Vec<String> = (0..25).map(|index| format!("n{index:02}")).collect();
    let first = json!({"ConfigurationSets": sets[..15], "NextToken": "token-of-page-2"}).to_string();
    let second = json!({"ConfigurationSets": sets[15..]}).to_string();
    bench.answer(SET, "ses", "ListConfigurationSets", "", &first).await;
    bench.answer_once(SET, "ses", "ListConfigurationSets", "token-of-page-2", &second).await;
    bench.answer(SET, "ses", "GetConfigurationSet", "", "{}").await;
    assert_eq!(bench.read(SET, &[]).await.into_keys().collect::<Vec<_>>(), sets);
    assert_eq!(bench.take_calls().await, counts(&[("ses:ListConfigurationSets", 2), ("ses:GetConfigurationSet", 25)]));
}

#[tokio::test]
async fn a_listing_whose_second_page_fails_is_no_listing() {
    let bench = Bench::create().await;
    for (kind, listing, page) in [
        (IDENTITY, "ListEmailIdentities", json!({"EmailIdentities": [{"IdentityName": "n"}], "NextToken": "token"})),
        (SET, "ListConfigurationSets", json!({"ConfigurationSets": ["n"], "NextToken": "token"})),
    ] {
        bench.answer_once(kind, "ses", listing, "", &page.to_string()).await;
        let effect = json!({"status": 403, "code": "AccessDeniedException"});
        let fault = json!({"service": "ses", "operation": listing, "resource": "\"token\"", "effect": effect});
        bench.order_fault(kind, fault).await;
        let error = bench.page(kind, &[], None).await.expect_err("its second page is denied");
        assert!(matches!(error, ReadError::Denied(_)), "{kind}: {error:?}");
        let calls = BTreeMap::from([(format!("ses:{listing}"), 2)]);
        assert_eq!(bench.take_calls().await, calls, "{kind}");
    }
}
