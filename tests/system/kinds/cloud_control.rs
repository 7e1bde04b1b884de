//! Types of Cloud Control. The emulated one knows the types that a test registers, in schemas of AWS's own.

use std::collections::BTreeSet;

use portolan::kinds::{Options, Page, ReadError};
use portolan::seams::{Cloud, ListRequest};
use portolan::target::Target;
use serde_json::{Map, Value, json};

use super::contract::counts;
use super::{Bench, REGION, request};
use crate::support::aws::AccountInRegion;

const LOG_GROUP: &str = "AWS::Logs::LogGroup";
const STREAM: &str = "AWS::Kinesis::Stream";
const NODEGROUP: &str = "AWS::EKS::Nodegroup";
const SERVICE: &str = "cloudcontrolapi";

/// A type whose list handler gives all of the model, as the user guide shows it for log groups.
async fn put_log_groups(place: &AccountInRegion<'_>, names: &[&str]) {
    let properties = ["LogGroupName", "Arn", "RetentionInDays", "Tags"];
    place.register_type(LOG_GROUP, json!({"primaryIdentifier": ["LogGroupName"], "properties": properties})).await;
    let models: Vec<Value> = names.iter().map(|name| log_group(place, name)).collect();
    place.put_resources(LOG_GROUP, json!(models)).await;
}

fn log_group(place: &AccountInRegion<'_>, name: &str) -> Value {
    json!({
        "LogGroupName": name,
        "Arn": format!("arn:aws:logs:{}:{}:log-group:{name}:*", place.region(), place.account()),
        "RetentionInDays": 90,
        "Tags": [{"Key": "team", "Value": "sea"}],
    })
}

/// A type whose list handler gives names only, as the user guide shows it for Kinesis streams.
async fn put_streams(place: &AccountInRegion<'_>, names: &[&str]) {
    let properties = ["Name", "Arn", "ShardCount", "StreamEncryption"];
    let schema = json!({"primaryIdentifier": ["Name"], "properties": properties, "listedProperties": []});
    place.register_type(STREAM, schema).await;
    let stream = |name: &&str| json!({"Name": name, "Arn": format!("arn:{name}"), "ShardCount": 5});
    place.put_resources(STREAM, names.iter().map(stream).collect()).await;
}

/// A type that lies in another: its list handler needs the cluster's name.
async fn put_nodegroups(place: &AccountInRegion<'_>, groups: &[(&str, &str)]) {
    let schema = json!({
        "primaryIdentifier": ["ClusterName", "NodegroupName"], "properties": ["AmiType", "Labels"],
        "listedProperties": [], "requiredToList": ["ClusterName"],
    });
    place.register_type(NODEGROUP, schema).await;
    let group = |(cluster, name): &(&str, &str)| json!({"ClusterName": cluster, "NodegroupName": name, "AmiType": "AL2023", "Labels": {}});
    place.put_resources(NODEGROUP, groups.iter().map(group).collect()).await;
}

fn request_with(kind: &str, models: &[Value], get_each_resource: bool) -> ListRequest {
    let resource_models = models.iter().map(Value::to_string).collect::<BTreeSet<_>>();
    let options = Options { resource_models, get_each_resource, ..Options::default() };
    ListRequest { kind: kind.to_owned(), options }
}

async fn keys(bench: &Bench, request: &ListRequest) -> Vec<String> {
    bench.read_with(request).await.into_keys().collect()
}

async fn first_page(bench: &Bench, request: &ListRequest) -> Result<Page, ReadError> {
    bench.reader.list(&bench.plan, &bench.target_of(&request.kind), request, None).await
}

async fn listing_error(bench: &Bench, kind: &str) -> ReadError {
    bench.page(kind, &[], None).await.expect_err("the listing fails")
}

#[tokio::test]
async fn a_complete_listing_needs_no_further_calls() {
    let bench = Bench::create().await;
    let place = bench.alpha_in(REGION);
    put_log_groups(&place, &["/jobs", "/mails"]).await;
    // Another region's, which is none of this target's business.
    bench.alpha_in("us-east-1").put_resources(LOG_GROUP, json!([log_group(&place, "/elsewhere")])).await;
    let groups = bench.read(LOG_GROUP, &[]).await;
    assert_eq!(groups.keys().collect::<Vec<_>>(), ["/jobs", "/mails"]);
    for (name, group) in groups {
        assert_eq!(group.identifier.as_deref(), Some(name.as_str()));
        assert_eq!(Value::Object(group.properties), log_group(&place, &name));
        assert_eq!((group.context, group.region, group.incomplete), (Map::new(), None, Vec::new()));
    }
    assert_eq!(bench.take_calls().await, counts(&[("cloudcontrolapi:ListResources", 1)]));
}

#[tokio::test]
async fn a_listing_of_names_is_completed_resource_by_resource() {
    let bench = Bench::create().await;
    put_streams(&bench.alpha_in(REGION), &["clicks", "orders", "views"]).await;
    let streams = bench.read(STREAM, &[]).await;
    assert_eq!(streams.len(), 3);
    let clicks = Value::Object(streams["clicks"].properties.clone());
    assert_eq!(clicks, json!({"Name": "clicks", "Arn": "arn:clicks", "ShardCount": 5}));
    let calls = [("cloudcontrolapi:ListResources", 1), ("cloudcontrolapi:GetResource", 3)];
    assert_eq!(bench.take_calls().await, counts(&calls));
}

#[tokio::test]
async fn a_mapping_may_ask_for_each_resource_by_itself() {
    let bench = Bench::create().await;
    let place = bench.alpha_in(REGION);
    let schema = json!({
        "primaryIdentifier": ["LogGroupName"], "properties": ["Arn", "RetentionInDays"], "listedProperties": ["Arn"],
    });
    place.register_type(LOG_GROUP, schema).await;
    place.put_resources(LOG_GROUP, json!([{"LogGroupName": "/jobs", "Arn": "arn:x", "RetentionInDays": 90}])).await;
    let listed = bench.read_one(LOG_GROUP, &[]).await;
    assert_eq!(Value::Object(listed.properties), json!({"LogGroupName": "/jobs", "Arn": "arn:x"}));
    assert_eq!(bench.take_calls().await, counts(&[("cloudcontrolapi:ListResources", 1)]));

    let whole = bench.read_with(&request_with(LOG_GROUP, &[], true)).await;
    let whole = Value::Object(whole["/jobs"].properties.clone());
    assert_eq!(whole, json!({"LogGroupName": "/jobs", "Arn": "arn:x", "RetentionInDays": 90}));
    let calls = [("cloudcontrolapi:ListResources", 1), ("cloudcontrolapi:GetResource", 1)];
    assert_eq!(bench.take_calls().await, counts(&calls));
}

#[tokio::test]
async fn pages_and_an_empty_region() {
    let bench = Bench::create().await;
    let place = bench.alpha_in(REGION);
    put_log_groups(&place, &[]).await;
    assert!(bench.read(LOG_GROUP, &[]).await.is_empty());
    assert_eq!(bench.take_calls().await, counts(&[("cloudcontrolapi:ListResources", 1)]));

    put_log_groups(&place, &["a", "b", "c"]).await;
    bench.organization.aws().set_page_size(Some(bench.alpha()), "cloudcontrolapi:ListResources", 2).await;
    assert_eq!(bench.read(LOG_GROUP, &[]).await.into_keys().collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(bench.take_calls().await, counts(&[("cloudcontrolapi:ListResources", 2)]));
}

#[tokio::test]
async fn resource_models_list_once_each_and_a_resource_of_several_comes_once() {
    let bench = Bench::create().await;
    let place = bench.alpha_in(REGION);
    put_nodegroups(&place, &[("main", "web"), ("main", "jobs"), ("spare", "web"), ("hidden", "web")]).await;
    bench.organization.aws().set_page_size(Some(bench.alpha()), "cloudcontrolapi:ListResources", 1).await;
    let models = [
        json!({"ClusterName": "main"}),
        json!({"ClusterName": "spare"}),
        // Selects what the first selects too, on another page.
        json!({"ClusterName": "main", "NodegroupName": "jobs"}),
    ];
    let groups = bench.read_with(&request_with(NODEGROUP, &models, false)).await;
    assert_eq!(groups.keys().collect::<Vec<_>>(), ["main|jobs", "main|web", "spare|web"]);
    let web = Value::Object(groups["spare|web"].properties.clone());
    assert_eq!(web, json!({"ClusterName": "spare", "NodegroupName": "web", "AmiType": "AL2023", "Labels": {}}));
    let calls = [("cloudcontrolapi:ListResources", 4), ("cloudcontrolapi:GetResource", 3)];
    assert_eq!(bench.take_calls().await, counts(&calls));
}

/// The mapping is one for all accounts: most of them have no cluster of that name.
#[tokio::test]
async fn a_model_of_something_that_the_account_does_not_have_lists_nothing() {
    let bench = Bench::create().await;
    put_nodegroups(&bench.alpha_in(REGION), &[("main", "web")]).await;
    let models = [json!({"ClusterName": "elsewhere"}), json!({"ClusterName": "main"})];
    let gone =
        json!({"status": 400, "code": "ResourceNotFoundException", "message": "No cluster found for name: elsewhere."});
    let fault = json!({"service": SERVICE, "operation": "ListResources", "resource": "elsewhere", "effect": gone});
    bench.order_fault(NODEGROUP, fault).await;
    assert_eq!(keys(&bench, &request_with(NODEGROUP, &models, false)).await, ["main|web"]);
}

#[tokio::test]
async fn a_model_that_cannot_be_listed_leaves_a_gap_and_the_others_are_read() {
    let bench = Bench::create().await;
    put_nodegroups(&bench.alpha_in(REGION), &[("main", "web"), ("spare", "web")]).await;
    let models = [json!({"ClusterName": "main"}), json!({"ClusterName": "spare"})];
    let denied = json!({"status": 400, "code": "AccessDeniedException", "message": "as ordered"});
    let fault = json!({"service": SERVICE, "operation": "ListResources", "resource": "spare", "effect": denied});
    bench.order_fault(NODEGROUP, fault).await;
    let page = first_page(&bench, &request_with(NODEGROUP, &models, false)).await.expect("the other model");
    assert_eq!(page.resources.iter().map(|group| group.key.as_str()).collect::<Vec<_>>(), ["main|web"]);
    assert!(matches!(page.gaps[..], [ReadError::Denied(_)]), "{:?}", page.gaps);
}

#[tokio::test]
async fn a_resource_that_cannot_be_got_is_incomplete_whatever_the_handler_says() {
    let bench = Bench::create().await;
    put_streams(&bench.alpha_in(REGION), &["denied", "gone", "throttled", "whole"]).await;
    for (resource, code) in [
        ("denied", "AccessDeniedException"),
        ("gone", "ResourceNotFoundException"),
        ("throttled", "ThrottlingException"),
    ] {
        let effect = json!({"status": 400, "code": code});
        let fault = json!({"service": SERVICE, "operation": "GetResource", "resource": resource, "effect": effect});
        bench.order_fault(STREAM, fault).await;
    }
    let streams = bench.read(STREAM, &[]).await;
    assert_eq!(streams.keys().collect::<Vec<_>>(), ["denied", "gone", "throttled", "whole"]);
    for (name, class) in [("denied", "access denied"), ("gone", "failed"), ("throttled", "throttled")] {
        let [failed] = streams[name].incomplete.as_slice() else { panic!("{:?}", streams[name]) };
        assert_eq!((failed.action, failed.optional), ("GetResource", false));
        assert!(failed.reason.starts_with(class), "{}", failed.reason);
        assert!(failed.reason.contains("cloudformation:GetResource"), "{}", failed.reason);
        assert_eq!(Value::Object(streams[name].properties.clone()), json!({"Name": name}));
    }
    assert_eq!(streams["whole"].incomplete, []);
}

#[tokio::test]
async fn a_type_that_is_not_there_or_not_to_be_listed_says_what_to_do() {
    let bench = Bench::create().await;
    let place = bench.alpha_in(REGION);
    let error = listing_error(&bench, "AWS::S3::Bukcet").await;
    assert!(matches!(error, ReadError::TypeNotFound(_)), "{error:?}");
    let words = error.to_string();
    for part in ["type not found", "AWS::S3::Bukcet", "check the spelling", "selector.regionPolicy"] {
        assert!(words.contains(part), "{words}");
    }

    let elsewhere = json!({"primaryIdentifier": ["Id"], "properties": [], "regions": ["us-east-1"]});
    place.register_type("AWS::Lightsail::Instance", elsewhere).await;
    let error = listing_error(&bench, "AWS::Lightsail::Instance").await;
    assert!(matches!(error, ReadError::TypeNotFound(_)), "{error:?}");

    let no_list = json!({"primaryIdentifier": ["Id"], "properties": [], "handlers": ["read"]});
    place.register_type("AWS::EC2::NetworkAclEntry", no_list).await;
    put_nodegroups(&place, &[("main", "web")]).await;
    for kind in ["AWS::EC2::NetworkAclEntry", NODEGROUP] {
        let error = listing_error(&bench, kind).await;
        assert!(matches!(error, ReadError::Unsupported(_)), "{error:?}");
        let words = error.to_string();
        for part in ["not supported: cloudformation:ListResources", "selector.resourceModels"] {
            assert!(words.contains(part), "{words}");
        }
    }
}

/// Codes as the API reference lists them for ListResources.
#[tokio::test]
async fn every_other_error_of_a_listing_is_told_by_what_follows_from_it() {
    let bench = Bench::create().await;
    put_log_groups(&bench.alpha_in(REGION), &["/jobs"]).await;
    for (status, code, message, class) in [
        (
            400,
            "AccessDeniedException",
            "User: x is not authorized to perform: cloudformation:ListResources",
            "access denied",
        ),
        (
            400,
            "GeneralServiceException",
            "User: x is not authorized to perform: logs:DescribeLogGroups",
            "access denied",
        ),
        (400, "GeneralServiceException", "AccessDenied (Service: S3, Status Code: 403)", "access denied"),
        (400, "GeneralServiceException", "Rate exceeded (Service: CloudWatchLogs, Status Code: 400)", "throttled"),
        (400, "GeneralServiceException", "the service had a bad day", "failed"),
        (400, "ThrottlingException", "Rate exceeded", "throttled"),
        (500, "HandlerInternalFailureException", "Internal Failure", "failed"),
        (500, "HandlerFailureException", "the handler timed out", "failed"),
        (500, "ServiceInternalErrorException", "Internal error", "failed"),
        (500, "NetworkFailureException", "no answer", "failed"),
        (400, "InvalidRequestException", "Invalid NextToken", "failed"),
        (400, "InvalidCredentialsException", "The security token included in the request is invalid", "failed"),
        (400, "PrivateTypeException", "invalid response from the handler", "failed"),
        (400, "ServiceLimitExceededException", "Limit exceeded", "failed"),
        (400, "ResourceNotFoundException", "Not found", "failed"),
    ] {
        let effect = json!({"status": status, "code": code, "message": message});
        let fault = json!({"service": SERVICE, "operation": "ListResources", "effect": effect});
        let fault = bench.order_fault(LOG_GROUP, fault).await;
        let error = listing_error(&bench, LOG_GROUP).await;
        bench.organization.aws().remove_fault(fault).await;
        assert_eq!(error.class(), class, "{code} {message}: {error:?}");
        let words = error.to_string();
        assert!(words.contains("cloudformation:ListResources") && words.contains(message), "{words}");
    }
}

#[tokio::test]
async fn a_type_of_a_global_service_is_read_once_per_account() {
    let bench = Bench::create().await;
    let role = "AWS::IAM::Role";
    let schema = json!({"primaryIdentifier": ["RoleName"], "properties": ["Arn"], "isGlobal": true});
    bench.alpha_in(REGION).register_type(role, schema).await;
    bench.alpha_in(REGION).put_resources(role, json!([{"RoleName": "read", "Arn": "arn:read"}])).await;
    assert!(matches!(bench.target_of(role), Target::Global { .. }));
    assert_eq!(keys(&bench, &request(role, &[])).await, ["read"]);
    let calls = bench.organization.calls().await;
    let regions: Vec<&str> =
        calls.iter().filter(|call| call.service == SERVICE).map(|call| call.region.as_str()).collect();
    // Not the first of the account's regions: the one in which IAM has its control plane.
    assert_eq!(regions, ["us-east-1"]);
}

#[tokio::test]
async fn a_listing_with_something_odd_in_it_is_not_lost() {
    let bench = Bench::create().await;
    put_streams(&bench.alpha_in(REGION), &["clicks"]).await;
    let body = json!({"TypeName": STREAM, "ResourceDescriptions": [
        {"Identifier": "clicks", "Properties": "{"},
        {"Properties": "{}"},
    ]});
    bench.answer(STREAM, SERVICE, "ListResources", "", &body.to_string()).await;
    let page = first_page(&bench, &request(STREAM, &[])).await.expect("a page");
    assert_eq!(page.resources[0].properties["ShardCount"], 5);
    assert_eq!((page.resources.len(), page.gaps.len()), (1, 1));

    let body = json!({"TypeName": STREAM, "ResourceDescription": {"Identifier": "clicks", "Properties": "no model"}});
    bench.answer(STREAM, SERVICE, "GetResource", "", &body.to_string()).await;
    let page = first_page(&bench, &request(STREAM, &[])).await.expect("a page");
    assert_eq!(page.resources[0].incomplete[0].action, "GetResource");
}
