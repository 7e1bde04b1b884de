//! `AWS::EC2::Volume`: how volumes are read.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Volume, VolumeAttachment, VolumeAttributeName};
use serde_json::Value;

use super::super::fields::{Field, Form};
use super::super::projection::Members;
use super::super::{IncludeAction, Kind, Page, ReadError, Reading, Resource, Scope};
use super::members::{operator_members, tag_members};

const ATTRIBUTE: &str = "DescribeVolumeAttributeAction";

/// Volumes of one listing call: the most that EC2 takes. It limits calls, whatever their size, and those without a
/// size more tightly.
const PAGE_SIZE: i32 = 500;

pub const VOLUME: Kind = Kind {
    name: "AWS::EC2::Volume",
    scope: Scope::Regional,
    calls: "n/500 DescribeVolumes",
    iam_actions: &["ec2:DescribeVolumes"],
    include_actions: &[IncludeAction {
        name: ATTRIBUTE,
        calls: "n DescribeVolumeAttribute",
        iam_actions: &["ec2:DescribeVolumeAttribute"],
    }],
    is_history: false,
    fields: FIELDS,
    context: &[],
    list: |reading, cursor| Box::pin(volumes(reading, cursor)),
};

const FIELDS: &[Field] = &[
    ("VolumeId", Form::Text),
    ("VolumeType", Form::Text),
    ("Size", Form::Integer),
    ("Iops", Form::Integer),
    ("Throughput", Form::Integer),
    ("AvailabilityZone", Form::Text),
    ("State", Form::Text),
    ("CreateTime", Form::Time),
    ("Tags", Form::Objects),
    ("Encrypted", Form::Boolean),
    ("SnapshotId", Form::Text),
    ("Attachments", Form::Objects),
    ("MultiAttachEnabled", Form::Boolean),
    ("KmsKeyId", Form::Text),
    ("AutoEnableIO", Form::Boolean),
    ("AvailabilityZoneId", Form::Text),
    ("OutpostArn", Form::Text),
    ("SourceVolumeId", Form::Text),
    ("FastRestored", Form::Boolean),
    ("SseType", Form::Text),
    ("Operator", Form::Object),
    ("VolumeInitializationRate", Form::Integer),
    ("VolumeArn", Form::Text),
    ("OwnerId", Form::Text),
    ("Attachments[].AttachTime", Form::Time),
];

async fn volumes(reading: &Reading, cursor: Option<String>) -> Result<Page, ReadError> {
    const CALL: &str = "ec2:DescribeVolumes";
    let client = reading.client(Client::new);
    // As with instances, an account can hide what other services manage.
    let call = client.describe_volumes().include_managed_resources(true);
    let call = call.max_results(PAGE_SIZE).set_next_token(cursor);
    let output = call.send().await.map_err(ReadError::of(CALL))?;
    let mut volumes = Vec::new();
    for volume in output.volumes.unwrap_or_default() {
        let Some(id) = volume.volume_id() else {
            return Err(ReadError::undecodable(CALL, "a volume has no `volumeId`"));
        };
        volumes.push(Resource::new(id, volume_members(&volume).into_map()));
    }
    if reading.wants(ATTRIBUTE) {
        let read = reading.for_each(volumes, |volume| with_attribute(&client, volume)).await;
        volumes = read.into_iter().flatten().collect();
    }
    Ok(Page::new(volumes, output.next_token))
}

/// A volume with its attribute `autoEnableIO`; none when it was deleted in between.
async fn with_attribute(client: &Client, mut volume: Resource) -> Option<Resource> {
    let call = client.describe_volume_attribute().volume_id(&volume.key).attribute(VolumeAttributeName::AutoEnableIo);
    match call.send().await.map_err(ReadError::of("ec2:DescribeVolumeAttribute")) {
        Ok(output) => {
            if let Some(value) = output.auto_enable_io.and_then(|attribute| attribute.value) {
                volume.properties.insert("AutoEnableIO".to_owned(), Value::Bool(value));
            }
        }
        Err(error) if error.code() == "InvalidVolume.NotFound" => return None,
        Err(error) => volume.lacks_option(ATTRIBUTE, &error),
    }
    Some(volume)
}

/// `Properties` of a volume. The names are those of the API, which its XML writes differently.
fn volume_members(volume: &Volume) -> Members {
    Members::new()
        .text("VolumeId", &volume.volume_id)
        .text("VolumeType", &volume.volume_type)
        .value("Size", volume.size)
        .value("Iops", volume.iops)
        .value("Throughput", volume.throughput)
        .text("AvailabilityZone", &volume.availability_zone)
        .text("State", &volume.state)
        .time("CreateTime", &volume.create_time)
        .objects("Tags", &volume.tags, tag_members)
        .value("Encrypted", volume.encrypted)
        .text("SnapshotId", &volume.snapshot_id)
        .objects("Attachments", &volume.attachments, attachment_members)
        .value("MultiAttachEnabled", volume.multi_attach_enabled)
        .text("KmsKeyId", &volume.kms_key_id)
        .text("AvailabilityZoneId", &volume.availability_zone_id)
        .text("OutpostArn", &volume.outpost_arn)
        .text("SourceVolumeId", &volume.source_volume_id)
        .value("FastRestored", volume.fast_restored)
        .text("SseType", &volume.sse_type)
        .object("Operator", &volume.operator, operator_members)
        .value("VolumeInitializationRate", volume.volume_initialization_rate)
        .text("VolumeArn", &volume.volume_arn)
        .text("OwnerId", &volume.owner_id)
}

fn attachment_members(attachment: &VolumeAttachment) -> Members {
    Members::new()
        .value("DeleteOnTermination", attachment.delete_on_termination)
        .text("AssociatedResource", &attachment.associated_resource)
        .text("InstanceOwningService", &attachment.instance_owning_service)
        .value("EbsCardIndex", attachment.ebs_card_index)
        .text("VolumeId", &attachment.volume_id)
        .text("InstanceId", &attachment.instance_id)
        .text("Device", &attachment.device)
        .text("State", &attachment.state)
        .time("AttachTime", &attachment.attach_time)
}
