//! `AWS::EC2::Instance`: how instances and their statuses are read.

use std::collections::HashMap;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{InstanceStatus, Reservation};
use serde_json::Value;

use super::super::batch::batches_of;
use super::super::fields::{Field, Form};
use super::super::{IncludeAction, Kind, Page, ReadError, Reading, Resource, Scope};
use super::instance_members::{instance_members, reservation_members, status_members};

const STATUS: &str = "DescribeInstanceStatusAction";
const CALL_STATUS: &str = "ec2:DescribeInstanceStatus";

/// Instances of one listing call: the most that EC2 takes. It limits calls, whatever their size, and those without a
/// size more tightly.
const PAGE_SIZE: i32 = 1000;

/// Instances that one call for statuses may name.
const STATUSES_PER_CALL: usize = 100;

pub const INSTANCE: Kind = Kind {
    name: "AWS::EC2::Instance",
    scope: Scope::Regional,
    calls: "n/1000 DescribeInstances",
    iam_actions: &["ec2:DescribeInstances"],
    include_actions: &[IncludeAction {
        name: STATUS,
        calls: "n/100 DescribeInstanceStatus",
        iam_actions: &["ec2:DescribeInstanceStatus"],
    }],
    is_history: false,
    fields: FIELDS,
    context: &[
        ("ReservationId", Form::Text),
        ("OwnerId", Form::Text),
        ("RequesterId", Form::Text),
        ("Groups", Form::Objects),
    ],
    list: |reading, cursor| Box::pin(instances(reading, cursor)),
};

const FIELDS: &[Field] = &[
    ("AmiLaunchIndex", Form::Integer),
    ("Architecture", Form::Text),
    ("AvailabilityZone", Form::Text),
    ("BlockDeviceMappings", Form::Objects),
    ("BootMode", Form::Text),
    ("CapacityReservationSpecification", Form::Object),
    ("ClientToken", Form::Text),
    ("CpuOptions", Form::Object),
    ("CurrentInstanceBootMode", Form::Text),
    ("EbsOptimized", Form::Boolean),
    ("EnclaveOptions", Form::Object),
    ("EnaSupport", Form::Boolean),
    ("Events", Form::Objects),
    ("HibernationOptions", Form::Object),
    ("Hypervisor", Form::Text),
    ("ImageId", Form::Text),
    ("InstanceArn", Form::Text),
    ("InstanceId", Form::Text),
    ("InstanceStatus", Form::Object),
    ("InstanceState", Form::Object),
    ("InstanceType", Form::Text),
    ("KeyName", Form::Text),
    ("LaunchTime", Form::Time),
    ("MaintenanceOptions", Form::Object),
    ("MetadataOptions", Form::Object),
    ("Monitoring", Form::Object),
    ("NetworkInterfaces", Form::Objects),
    ("NetworkPerformanceOptions", Form::Object),
    ("Operator", Form::Object),
    ("Placement", Form::Object),
    ("Platform", Form::Text),
    ("PlatformDetails", Form::Text),
    ("PrivateDnsName", Form::Text),
    ("PrivateDnsNameOptions", Form::Object),
    ("PrivateIpAddress", Form::Text),
    ("ProductCodes", Form::Objects),
    ("PublicDnsName", Form::Text),
    ("PublicIpAddress", Form::Text),
    ("Reason", Form::Text),
    ("RootDeviceName", Form::Text),
    ("RootDeviceType", Form::Text),
    ("SecurityGroups", Form::Objects),
    ("SourceDestCheck", Form::Boolean),
    ("State", Form::Object),
    ("StateReason", Form::Object),
    ("StateTransitionReason", Form::Text),
    ("SubnetId", Form::Text),
    ("SystemStatus", Form::Object),
    ("Tags", Form::Objects),
    ("UsageOperation", Form::Text),
    ("UsageOperationUpdateTime", Form::Time),
    ("VirtualizationType", Form::Text),
    ("VpcId", Form::Text),
    ("IamInstanceProfile", Form::Object),
    ("InstanceLifecycle", Form::Text),
    ("ElasticGpuAssociations", Form::Objects),
    ("ElasticInferenceAcceleratorAssociations", Form::Objects),
    ("OutpostArn", Form::Text),
    ("SpotInstanceRequestId", Form::Text),
    ("SriovNetSupport", Form::Text),
    ("CapacityBlockId", Form::Text),
    ("CapacityReservationId", Form::Text),
    ("Licenses", Form::Objects),
    ("Ipv6Address", Form::Text),
    ("TpmSupport", Form::Text),
    ("KernelId", Form::Text),
    ("RamdiskId", Form::Text),
    ("AvailabilityZoneId", Form::Text),
    ("AttachedEbsStatus", Form::Object),
    ("SecondaryInterfaces", Form::Objects),
    ("ApplicationStatus", Form::Object),
    ("PerformanceStatus", Form::Object),
    ("SecondaryInterfaces[].Attachment.AttachTime", Form::Time),
    ("ApplicationStatus.ImpairedSince", Form::Time),
    ("PerformanceStatus.ImpairedSince", Form::Time),
    ("BlockDeviceMappings[].Ebs.AttachTime", Form::Time),
    ("ElasticInferenceAcceleratorAssociations[].ElasticInferenceAcceleratorAssociationTime", Form::Time),
    ("NetworkInterfaces[].Attachment.AttachTime", Form::Time),
    ("Events[].NotAfter", Form::Time),
    ("Events[].NotBefore", Form::Time),
    ("Events[].NotBeforeDeadline", Form::Time),
    ("InstanceStatus.Details[].ImpairedSince", Form::Time),
    ("SystemStatus.Details[].ImpairedSince", Form::Time),
    ("AttachedEbsStatus.Details[].ImpairedSince", Form::Time),
];

async fn instances(reading: &Reading, cursor: Option<String>) -> Result<Page, ReadError> {
    const CALL: &str = "ec2:DescribeInstances";
    let client = reading.client(Client::new);
    // EC2 API reference, ModifyManagedResourceVisibility: an account can hide what other services manage, which goes on
    // to run and to be paid for.
    let call = client.describe_instances().include_managed_resources(true);
    let call = call.max_results(PAGE_SIZE).set_next_token(cursor);
    let output = call.send().await.map_err(ReadError::of(CALL))?;
    let mut instances = Vec::new();
    for reservation in output.reservations.unwrap_or_default() {
        let of_reservation = instances_of(&reservation, reading)
            .ok_or_else(|| ReadError::undecodable(CALL, "an instance has no `instanceId`"))?;
        instances.extend(of_reservation);
    }
    if reading.wants(STATUS) {
        let groups = batches_of(STATUSES_PER_CALL, instances);
        let enriched = reading.for_each(groups, |group| with_statuses(&client, group)).await;
        instances = enriched.into_iter().flatten().collect();
    }
    Ok(Page::new(instances, output.next_token))
}

/// The instances of a reservation; none at all when one of them has no id.
fn instances_of(reservation: &Reservation, reading: &Reading) -> Option<Vec<Resource>> {
    let context = reservation_members(reservation).into_map();
    let mut instances = Vec::new();
    for instance in reservation.instances() {
        let id = instance.instance_id()?;
        let arn = instance_arn(reading, id);
        let mut resource = Resource::new(id, instance_members(instance, arn).into_map());
        resource.context = context.clone();
        instances.push(resource);
    }
    Some(instances)
}

/// The account is the one that is read: the owner of a reservation may be another.
fn instance_arn(reading: &Reading, id: &str) -> String {
    reading.arn("ec2", &format!("instance/{id}"))
}

/// The instances with their statuses.
///
/// EC2 refuses a call that names one instance which it does not know (any more, or yet). Such a group is halved until
/// the unknown instance is alone, so that it does not cost the others their statuses.
async fn with_statuses(client: &Client, instances: Vec<Resource>) -> Vec<Resource> {
    let mut undecided = vec![instances];
    let mut decided = Vec::new();
    while let Some(mut group) = undecided.pop() {
        match statuses_of(client, &group).await {
            Ok(statuses) => add_statuses(&mut group, &statuses),
            Err(error) if names_unknown_instance(&error) && group.len() > 1 => {
                let second_half = group.split_off(group.len() / 2);
                undecided.push(second_half);
                undecided.push(group);
                continue;
            }
            Err(error) => {
                for instance in &mut group {
                    instance.lacks_option(STATUS, &error);
                }
            }
        }
        decided.extend(group);
    }
    decided
}

fn names_unknown_instance(error: &ReadError) -> bool {
    error.code() == "InvalidInstanceID.NotFound"
}

async fn statuses_of(client: &Client, instances: &[Resource]) -> Result<Vec<InstanceStatus>, ReadError> {
    let ids = instances.iter().map(|instance| instance.key.clone()).collect();
    // Without this, EC2 answers for running instances only. Calls that name instances are answered in one page.
    let call = client.describe_instance_status().include_all_instances(true).include_managed_resources(true);
    let answer = call.set_instance_ids(Some(ids)).send().await;
    let output = answer.map_err(ReadError::of(CALL_STATUS))?;
    Ok(output.instance_statuses.unwrap_or_default())
}

/// Brings instances and statuses together by id. An instance that is not on its way out should have one.
fn add_statuses(instances: &mut [Resource], statuses: &[InstanceStatus]) {
    let mut by_id = HashMap::new();
    for status in statuses {
        if let Some(id) = status.instance_id() {
            by_id.insert(id, status);
        }
    }
    for instance in instances {
        match by_id.get(instance.key.as_str()) {
            Some(status) => instance.properties.extend(status_members(status).into_map()),
            None if is_going(instance) => {}
            None => {
                instance.lacks_option(STATUS, &ReadError::undecodable(CALL_STATUS, "it says nothing of this instance"))
            }
        }
    }
}

/// Whether the listing had it as terminated, or about to be.
fn is_going(instance: &Resource) -> bool {
    let state = instance.properties.get("State").and_then(|state| state.get("Name")).and_then(Value::as_str);
    matches!(state, Some("shutting-down" | "terminated"))
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{InstanceStatusSummary, SummaryStatus};
    use serde_json::{Map, Value, json};

    use super::*;

    fn resources(ids: &[&str]) -> Vec<Resource> {
        ids.iter().map(|id| Resource::new(*id, Map::new())).collect()
    }

    fn status(id: &str, summary: SummaryStatus) -> InstanceStatus {
        let summary = InstanceStatusSummary::builder().status(summary).build();
        InstanceStatus::builder().instance_id(id).instance_status(summary).build()
    }

    #[test]
    fn statuses_in_another_order_find_their_instances() {
        let mut instances = resources(&["i-1", "i-2", "i-3"]);
        let statuses = [
            status("i-3", SummaryStatus::Impaired),
            status("i-1", SummaryStatus::Ok),
            status("i-9", SummaryStatus::Ok),
        ];
        add_statuses(&mut instances, &statuses);
        let properties: Vec<_> = instances.into_iter().map(|instance| Value::Object(instance.properties)).collect();
        assert_eq!(
            properties,
            [
                json!({"InstanceId": "i-1", "InstanceStatus": {"Status": "ok"}}),
                json!({}),
                json!({"InstanceId": "i-3", "InstanceStatus": {"Status": "impaired"}}),
            ]
        );
    }

    #[test]
    fn groups_keep_the_order_and_hold_no_more_than_a_call_may_name() {
        let groups = batches_of(2, resources(&["i-1", "i-2", "i-3", "i-4", "i-5"]));
        let ids: Vec<Vec<_>> =
            groups.iter().map(|group| group.iter().map(|instance| instance.key.as_str()).collect()).collect();
        assert_eq!(ids, [vec!["i-1", "i-2"], vec!["i-3", "i-4"], vec!["i-5"]]);
        assert!(batches_of(2, Vec::new()).is_empty());
    }
}
