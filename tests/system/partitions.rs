//! The partitions of AWS besides the usual one: AWS GovCloud (US) and China.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_types::region::Region;
use portolan::aws::{AwsReader, Identities, RoleArn, S3Store, SqsQueue, read_port_credentials};
use portolan::config::{AccountSettings, AccountSource};
use portolan::kinds::{KINDS, Options, Scope};
use portolan::run::{FoundBy, Narrowing, Plan, PlannedAccount};
use portolan::schedule::discover;
use portolan::schedule::organizations::Patience;
use portolan::seams::{Cloud, ListRequest, Queue, Store};
use portolan::target::{AccountId, Target};
use serde_json::json;
use time::OffsetDateTime;

use crate::run_plan::{found_by, plan_over};
use crate::support::aws::{OrganizationPlan, credentials};
use crate::support::world::World;

/// A partition with its two regions, and what its endpoints end with. The first region is the one of global services.
struct Partition {
    name: &'static str,
    regions: [&'static str; 2],
    suffix: &'static str,
}

const PARTITIONS: [Partition; 2] = [
    Partition { name: "aws-us-gov", regions: ["us-gov-west-1", "us-gov-east-1"], suffix: "amazonaws.com" },
    Partition { name: "aws-cn", regions: ["cn-northwest-1", "cn-north-1"], suffix: "amazonaws.com.cn" },
];
const MANAGEMENT: &str = "111111111111";
const MEMBER: &str = "222222222222";

/// What the hosts of services begin with that are called in every region.
const REGIONAL: [&str; 17] = [
    "api.ecr",
    "cloudcontrolapi",
    "codebuild",
    "codedeploy",
    "codepipeline",
    "dynamodb",
    "ec2",
    "ecs",
    "eks",
    "elasticache",
    "email",
    "kafka",
    "lambda",
    "memory-db",
    "rds",
    "sns",
    "sqs",
];
/// And those that the region of the functions is asked for, which comes first in the order of names.
const AT_HOME: [&str; 4] = ["s3", "secretsmanager", "state.s3", "sts"];

/// Through the SDK's own endpoint rules, as no endpoint is configured.
#[tokio::test]
async fn every_call_goes_to_an_endpoint_of_its_partition() {
    for partition in &PARTITIONS {
        let hosts = hosts_called_in(partition).await;
        let [global, other] = partition.regions;
        let host = |service: &str, region: &str| format!("{service}.{region}.{}", partition.suffix);
        let mut expected: BTreeSet<String> = REGIONAL.iter().map(|service| host(service, other)).collect();
        expected.extend(REGIONAL.iter().map(|service| host(service, global)));
        expected.extend(AT_HOME.iter().map(|service| host(service, other)));
        expected.insert(host("organizations", global));
        assert_eq!(hosts, expected);
    }
}

/// Functions that run in the usual partition cannot ask its STS for a role of another one.
#[tokio::test]
async fn a_web_identity_goes_to_the_sts_of_the_partition_of_its_role() {
    let token = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(token.path(), "token").expect("the file can be written");
    for partition in &PARTITIONS {
        let hosts = Hosts { partition: partition.name, called: Arc::default() };
        let mut settings = settings_of(partition);
        settings.web_identity_token_file = Some(token.path().to_string_lossy().into_owned());
        let identities = Identities::new(hosts.config("eu-west-1"), &settings, &[]);
        let role = RoleArn::parse(&role_in(partition, MEMBER)).expect("a role");
        identities.assume(&role, None).await.err().expect("the answer is one to another call");
        let expected = format!("sts.{}.{}", partition.regions[0], partition.suffix);
        assert_eq!(hosts.called(), BTreeSet::from([expected]));
    }
}

/// Where the functions call, deployed in the region that has no global services.
async fn hosts_called_in(partition: &Partition) -> BTreeSet<String> {
    let hosts = Hosts { partition: partition.name, called: Arc::default() };
    let config = hosts.config(partition.regions[1]);
    let settings = settings_of(partition);
    let patience = Patience::lasting(Duration::ZERO);
    let identities = Arc::new(Identities::new(config.clone(), &settings, &[]));
    let found = discover(&identities, &settings, &Narrowing::default(), patience).await;
    found.err().expect("nothing is answered");

    let member: AccountId = MEMBER.parse().expect("an account number");
    let plan = plan_of(partition, &member);
    let reader = AwsReader::new(identities);
    let regional =
        partition.regions.map(|region| Target::Region { account: member.clone(), region: region.to_owned() });
    let kinds = KINDS.iter().map(|kind| (kind.name, kind.scope));
    for (kind, scope) in kinds.chain([("AWS::Logs::LogGroup", Scope::Regional), ("AWS::IAM::Role", Scope::Global)]) {
        let targets = match scope {
            Scope::Regional => regional.to_vec(),
            Scope::Global => vec![Target::Global { account: member.clone() }],
            Scope::Organization => vec![Target::Organization],
        };
        for target in targets {
            let request = ListRequest { kind: kind.to_owned(), options: Options::default() };
            // Some kinds need no call, or none that must succeed.
            let _ = reader.list(&plan, &target, &request, None).await;
        }
    }

    let store = S3Store::new(aws_sdk_s3::Client::new(&config), "state".to_owned());
    store.get("state/current.json").await.expect_err("nothing is answered");
    let url = format!("https://sqs.{}.{}/{MEMBER}/queue", partition.regions[1], partition.suffix);
    let queue = SqsQueue::new(aws_sdk_sqs::Client::new(&config), url.clone(), url);
    queue.send(vec!["message".to_owned()], Duration::ZERO).await.expect_err("nothing is answered");
    let secrets = aws_sdk_secretsmanager::Client::new(&config);
    read_port_credentials(&secrets, "port").await.expect_err("nothing is answered");
    hosts.called()
}

fn settings_of(partition: &Partition) -> AccountSettings {
    AccountSettings {
        source: AccountSource::Organization {
            management_role: RoleArn::parse(&role_in(partition, MANAGEMENT)).expect("a role"),
            organizational_units: BTreeSet::new(),
        },
        excluded: BTreeSet::new(),
        external_id: None,
        partition: partition.name.to_owned(),
        member_role: "Read".to_owned(),
        web_identity_token_file: None,
    }
}

fn role_in(partition: &Partition, account: &str) -> String {
    format!("arn:{}:iam::{account}:role/Read", partition.name)
}

fn plan_of(partition: &Partition, member: &AccountId) -> Plan {
    let [global, other] = partition.regions;
    let planned = PlannedAccount {
        name: "member".to_owned(),
        role: Some(role_in(partition, MEMBER)),
        enabled_regions: [other, global].map(str::to_owned).to_vec(),
        disabled_regions: Vec::new(),
        changing_regions: Vec::new(),
    };
    Plan {
        strategy: found_by(FoundBy::Organization {
            management_role: role_in(partition, MANAGEMENT),
            organizational_units: BTreeSet::new(),
        }),
        partition: partition.name.to_owned(),
        ..plan_over(OffsetDateTime::now_utc(), BTreeMap::from([(member.clone(), planned)]))
    }
}

/// An HTTP client that keeps where it was to connect to. It lets every role be assumed, and answers nothing else.
#[derive(Clone, Debug)]
struct Hosts {
    partition: &'static str,
    called: Arc<Mutex<BTreeSet<String>>>,
}

impl Hosts {
    /// The configuration of a base identity, with no other endpoints than those of AWS.
    fn config(&self, region: &'static str) -> aws_config::SdkConfig {
        aws_config::SdkConfig::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .region(Region::new(region))
            .credentials_provider(SharedCredentialsProvider::new(credentials("A", "S", None)))
            .http_client(self.clone())
            .retry_config(RetryConfig::disabled())
            .build()
    }

    fn called(&self) -> BTreeSet<String> {
        self.called.lock().expect("no panic").clone()
    }
}

impl HttpClient for Hosts {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Hosts {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let url = reqwest::Url::parse(request.uri()).expect("a URL");
        let host = url.host_str().expect("a host").to_owned();
        let is_sts = host.starts_with("sts.");
        self.called.lock().expect("no panic").insert(host);
        if !is_sts {
            return HttpConnectorFuture::ready(Err(ConnectorError::io("nobody is there".into())));
        }
        let body = String::from_utf8_lossy(request.body().bytes().unwrap_or_default()).into_owned();
        let account = if body.contains(MANAGEMENT) { MANAGEMENT } else { MEMBER };
        let answer = format!(
            r#"<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><AssumedRoleUser>
            <Arn>arn:{}:sts::{account}:assumed-role/Read/x</Arn><AssumedRoleId>A:x</AssumedRoleId></AssumedRoleUser>
            <Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>S</SecretAccessKey><SessionToken>T</SessionToken>
            <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"#,
            self.partition
        );
        let status = 200.try_into().expect("a status");
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(answer))))
    }
}

#[tokio::test]
async fn a_whole_organization_of_govcloud_arrives_in_port() {
    whole_run(&PARTITIONS[0]).await;
}

#[tokio::test]
async fn a_whole_organization_of_china_arrives_in_port() {
    whole_run(&PARTITIONS[1]).await;
}

/// Deployed in the region that has no global services.
async fn whole_run(partition: &Partition) {
    let [global, other] = partition.regions;
    let plan = OrganizationPlan::new().member("alpha", "Workloads").home_region(other);
    let mut world = World::create(plan).await;
    let prefix = format!("arn:{}:", partition.name);
    let mut topics = Vec::new();
    for region in partition.regions {
        let place = world.organization.place("alpha", region);
        topics.push(place.create_topic("alerts", &[]).await);
        place.create_bucket(&format!("data-{region}"), &[]).await;
        place.create_function("handler", &[]).await;
    }
    let first = world.resync().await;
    assert_eq!(first.summary["outcome"], "completed", "{:#}", first.summary);
    let catalog = world.catalog();
    for topic in &topics {
        assert!(topic.starts_with(&prefix) && catalog["snsTopic"].contains(topic), "{topic}: {catalog:?}");
    }
    // The state bucket and both queues are found, too.
    for (blueprint, count) in [("snsTopic", 2), ("s3Bucket", 3), ("lambdaFunction", 2), ("sqsQueue", 2)] {
        let found = &catalog[blueprint];
        assert!(found.len() == count && found.iter().all(|arn| arn.starts_with(&prefix)), "{blueprint}: {found:?}");
    }
    let accounts: BTreeSet<&String> = world.organization.accounts().values().collect();
    for blueprint in ["awsAccount", "organizationsAccount"] {
        assert_eq!(catalog[blueprint].iter().collect::<BTreeSet<_>>(), accounts, "{blueprint}");
    }
    let calls = world.organization.calls().await;
    assert!(calls.iter().all(|call| partition.regions.contains(&call.region.as_str())), "{calls:?}");
    assert!(!calls.iter().any(|call| call.name() == "account:ListRegions"), "the partition has two regions");
    let organizations: Vec<_> = calls.iter().filter(|call| call.service == "organizations").collect();
    assert!(!organizations.is_empty() && organizations.iter().all(|call| call.region == global), "{organizations:?}");

    // An account that leaves is judged there, too.
    let alpha = world.organization.account("alpha").to_owned();
    world.organization.close_account(&alpha).await;
    world.redeploy(&[]).await;
    let second = world.resync_by(json!({"mode": "full"})).await;
    assert_eq!(second.summary["outcome"], "completed", "{:#}", second.summary);
    assert!(!world.catalog().contains_key("snsTopic"), "{:#}", second.summary);
    assert!(world.catalog()["organizationsAccount"].contains(&alpha), "a closed account still is in the organization");
}
