//! Amazon EC2.

use serde_json::{Value, json};

use super::contract::{Contract, Enrichment, NotFound};
use super::{Bench, REGION, all_options, assert_every_field, assert_shape};

const VOLUME: &str = "AWS::EC2::Volume";

pub const CONTRACTS: &[Contract] = &[
    Contract {
        kind: "AWS::EC2::Instance",
        service: "ec2",
        listing: "DescribeInstances",
        denied: (403, "UnauthorizedOperation"),
        throttled: (503, "RequestLimitExceeded"),
        seed: |bench, names| Box::pin(run_instances(bench, names)),
        page: Some(instance_page),
        calls: &[("ec2:DescribeInstances", 1)],
        calls_of_options: &[("ec2:DescribeInstanceStatus", 1)],
        enrichments: &[],
    },
    Contract {
        kind: VOLUME,
        service: "ec2",
        listing: "DescribeVolumes",
        denied: (403, "UnauthorizedOperation"),
        throttled: (503, "RequestLimitExceeded"),
        seed: |bench, names| Box::pin(seed_volumes(bench, names)),
        page: Some(volume_page),
        calls: &[("ec2:DescribeVolumes", 1)],
        calls_of_options: &[("ec2:DescribeVolumeAttribute", 3)],
        enrichments: &[Enrichment {
            service: "ec2",
            operation: "DescribeVolumeAttribute",
            name: "DescribeVolumeAttributeAction",
            is_option: true,
            not_found: NotFound::IsGone((400, "InvalidVolume.NotFound")),
        }],
    },
];

/// What EKS Auto Mode or ECS run in an account may be hidden from those who do not ask for it. It is there all the same.
#[tokio::test]
async fn promise_1_what_an_account_hides_of_managed_resources_is_listed() {
    const ASKED_FOR: &str = "IncludeManagedResources=true";
    let bench = Bench::create().await;
    let instance = "AWS::EC2::Instance";
    bench.answer(instance, "ec2", "DescribeInstances", ASKED_FOR, &instance_page("i-managed", "")).await;
    bench.answer(VOLUME, "ec2", "DescribeVolumes", ASKED_FOR, &volume_page("vol-managed", "")).await;
    assert!(bench.read(instance, &[]).await.contains_key("i-managed"));
    assert!(bench.read(VOLUME, &[]).await.contains_key("vol-managed"));
    let status =
        json!({"service": "ec2", "operation": "DescribeInstanceStatus", "resource": ASKED_FOR, "effect": "reset"});
    bench.order_fault(instance, status).await;
    let instances = bench.read(instance, &all_options(instance)).await;
    assert!(instances["i-managed"].incomplete[0].reason.contains("gave no answer"), "{:?}", instances["i-managed"]);
}

async fn run_instances(bench: &Bench, names: &[&str]) {
    bench.alpha_in(REGION).run_instances(names.len(), &[]).await;
}

fn instance_page(id: &str, token: &str) -> String {
    format!(
        r#"<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><reservationSet><item><instancesSet><item>
        <instanceId>{id}</instanceId></item></instancesSet></item></reservationSet><nextToken>{token}</nextToken></DescribeInstancesResponse>"#
    )
}

async fn seed_volumes(bench: &Bench, names: &[&str]) {
    for name in names {
        create_volume(bench, name).await;
    }
    bench.answer(VOLUME, "ec2", "DescribeVolumeAttribute", "", &attribute_answer(true)).await;
}

async fn create_volume(bench: &Bench, name: &str) -> String {
    let tags = json!([{"ResourceType": "volume", "Tags": [{"Key": "Name", "Value": name}]}]);
    let order = json!({"AvailabilityZone": format!("{REGION}a"), "Size": 8, "TagSpecifications": tags});
    let volume = bench.alpha_in(REGION).call("ec2", "create_volume", order).await;
    volume["VolumeId"].as_str().expect("an id").to_owned()
}

fn volume_page(id: &str, token: &str) -> String {
    format!(
        r#"<DescribeVolumesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><volumeSet><item>
        <volumeId>{id}</volumeId></item></volumeSet><nextToken>{token}</nextToken></DescribeVolumesResponse>"#
    )
}

/// As EC2's API reference has it in its example of `DescribeVolumeAttribute`. The emulated EC2 has no such operation.
fn attribute_answer(value: bool) -> String {
    format!(
        r#"<DescribeVolumeAttributeResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
        <requestId>5jkdf074-37ed-4004-8671-a78ee82bf1cbEXAMPLE</requestId><volumeId>vol-1234567890abcdef0</volumeId>
        <autoEnableIO><value>{value}</value></autoEnableIO></DescribeVolumeAttributeResponse>"#
    )
}

#[tokio::test]
async fn an_instance_as_ec2_writes_it() {
    let bench = Bench::create().await;
    let kind = "AWS::EC2::Instance";
    let instance = r#"<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><reservationSet><item>
        <reservationId>r-1</reservationId><ownerId>123456789012</ownerId><requesterId>987654321098</requesterId><groupSet/><instancesSet><item>
        <instanceId>i-1</instanceId><imageId>ami-1</imageId><instanceState><code>16</code><name>running</name></instanceState>
        <privateDnsName/><dnsName/><reason/><amiLaunchIndex>0</amiLaunchIndex><productCodes/><instanceType>t3.micro</instanceType>
        <launchTime>2024-01-02T03:04:05.000Z</launchTime>
        <placement><availabilityZone>eu-west-1a</availabilityZone><groupName/><tenancy>default</tenancy></placement>
        <blockDeviceMapping><item><deviceName>/dev/xvda</deviceName><ebs><volumeId>vol-1</volumeId><status>attached</status>
        <attachTime>2024-01-02T03:04:06.500Z</attachTime><deleteOnTermination>true</deleteOnTermination></ebs></item></blockDeviceMapping>
        <tagSet><item><key>Name</key><value>web</value></item></tagSet><ebsOptimized>false</ebsOptimized><brandNew>x</brandNew>
        <iamInstanceProfile><arn>arn:p</arn><id>AIPA</id></iamInstanceProfile>
        </item></instancesSet></item></reservationSet></DescribeInstancesResponse>"#;
    let statuses = r#"<DescribeInstanceStatusResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><instanceStatusSet><item>
        <instanceId>i-1</instanceId><availabilityZone>eu-west-1a</availabilityZone><availabilityZoneId>euw1-az1</availabilityZoneId>
        <eventsSet><item><instanceEventId>e-1</instanceEventId><code>instance-stop</code><description>d</description>
        <notBefore>2024-02-01T00:00:00.000Z</notBefore></item></eventsSet>
        <instanceState><code>16</code><name>running</name></instanceState>
        <systemStatus><status>ok</status><details><item><name>reachability</name><status>passed</status></item></details></systemStatus>
        <instanceStatus><status>impaired</status><details><item><name>reachability</name><status>failed</status>
        <impairedSince>2024-01-03T00:00:00.000Z</impairedSince></item></details></instanceStatus>
        <attachedEbsStatus><status>ok</status><details/></attachedEbsStatus>
        </item></instanceStatusSet></DescribeInstanceStatusResponse>"#;
    let plain = json!({
        "AmiLaunchIndex": 0,
        "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {
            "AttachTime": "2024-01-02T03:04:06.500000Z", "DeleteOnTermination": true, "Status": "attached", "VolumeId": "vol-1",
        }}],
        "EbsOptimized": false,
        "ImageId": "ami-1",
        "InstanceArn": format!("arn:aws:ec2:{REGION}:{}:instance/i-1", bench.alpha()),
        "InstanceId": "i-1",
        "InstanceType": "t3.micro",
        "LaunchTime": "2024-01-02T03:04:05Z",
        "Placement": {"GroupName": "", "Tenancy": "default", "AvailabilityZone": "eu-west-1a"},
        "PrivateDnsName": "",
        "ProductCodes": [],
        "PublicDnsName": "",
        "State": {"Code": 16, "Name": "running"},
        "Reason": "",
        "StateTransitionReason": "",
        "Tags": [{"Key": "Name", "Value": "web"}],
        "IamInstanceProfile": {"Arn": "arn:p", "Id": "AIPA"},
    });
    bench.answer_once(kind, "ec2", "DescribeInstances", "", instance).await;
    let read = bench.read_one(kind, &[]).await;
    assert_shape(&Value::Object(read.properties), &plain);
    let reservation =
        json!({"ReservationId": "r-1", "OwnerId": "123456789012", "RequesterId": "987654321098", "Groups": []});
    assert_eq!(Value::Object(read.context), reservation);

    bench.answer_once(kind, "ec2", "DescribeInstances", "", instance).await;
    bench.answer_once(kind, "ec2", "DescribeInstanceStatus", "i-1", statuses).await;
    let mut with_status = plain;
    with_status["AvailabilityZone"] = json!("eu-west-1a");
    with_status["AvailabilityZoneId"] = json!("euw1-az1");
    with_status["Events"] = json!([{
        "InstanceEventId": "e-1", "Code": "instance-stop", "Description": "d", "NotBefore": "2024-02-01T00:00:00Z",
    }]);
    with_status["InstanceState"] = json!({"Code": 16, "Name": "running"});
    with_status["SystemStatus"] = json!({"Status": "ok", "Details": [{"Name": "reachability", "Status": "passed"}]});
    with_status["InstanceStatus"] = json!({"Status": "impaired", "Details": [
        {"Name": "reachability", "Status": "failed", "ImpairedSince": "2024-01-03T00:00:00Z"},
    ]});
    with_status["AttachedEbsStatus"] = json!({"Status": "ok", "Details": []});
    let read = bench.read_one(kind, &all_options(kind)).await;
    assert_shape(&Value::Object(read.properties), &with_status);
}

#[tokio::test]
async fn a_running_instance() {
    let bench = Bench::create().await;
    let id = bench.alpha_in(REGION).run_instance(&[("Name", "web")]).await;
    let instance = bench.read_one("AWS::EC2::Instance", &["DescribeInstanceStatusAction"]).await;
    assert_eq!(instance.key, id);
    let properties = Value::Object(instance.properties);
    let address = json!({"IpOwnerId": bench.alpha(), "PublicDnsName": "<text>", "PublicIp": "<text>"});
    assert_shape(
        &properties["NetworkInterfaces"],
        &json!([{
            "Association": address,
            "Attachment": {
                "AttachTime": "<time>", "AttachmentId": "<text>", "DeleteOnTermination": false, "DeviceIndex": 0, "Status": "attached",
                "NetworkCardIndex": 0,
            },
            "Description": "Primary network interface",
            "Groups": [{"GroupId": "<text>", "GroupName": "default"}],
            "InterfaceType": "interface",
            "Ipv6Addresses": [],
            "MacAddress": "<text>",
            "NetworkInterfaceId": "<text>",
            "OwnerId": bench.alpha(),
            "PrivateDnsName": "<text>",
            "PrivateIpAddress": "<text>",
            "PrivateIpAddresses": [{"Association": address, "Primary": true, "PrivateIpAddress": "<text>"}],
            "SourceDestCheck": true,
            "Status": "in-use",
            "SubnetId": "<text>",
            "VpcId": "<text>",
        }]),
    );
    assert_shape(&properties["State"], &json!({"Code": 16, "Name": "running"}));
    assert_shape(
        &properties["InstanceStatus"],
        &json!({"Status": "ok", "Details": [{"Name": "reachability", "Status": "passed"}]}),
    );
    assert_eq!(properties["StateTransitionReason"], "");
    assert_eq!(properties["Tags"], json!([{"Key": "Name", "Value": "web"}]));
    let context = json!({"ReservationId": "<text>", "OwnerId": bench.alpha(), "Groups": []});
    assert_shape(&Value::Object(instance.context), &context);
}

#[tokio::test]
async fn an_instance_that_vanishes_costs_no_other_its_status() {
    let bench = Bench::create().await;
    let kind = "AWS::EC2::Instance";
    let ids = bench.alpha_in(REGION).run_instances(5, &[]).await;
    let unknown = &ids[2];
    let effect = json!({"status": 400, "code": "InvalidInstanceID.NotFound"});
    let fault = json!({"service": "ec2", "operation": "DescribeInstanceStatus", "resource": unknown, "effect": effect});
    bench.order_fault(kind, fault).await;
    let instances = bench.read(kind, &all_options(kind)).await;
    assert_eq!(instances.len(), 5);
    for (id, instance) in instances {
        assert_eq!(instance.properties.contains_key("InstanceStatus"), id != *unknown, "{id}");
        assert_eq!(instance.incomplete.is_empty(), id != *unknown, "{id}");
    }
    bench.organization.clear_faults().await;

    bench.fault(kind, "ec2", "DescribeInstanceStatus", json!({"status": 403, "code": "UnauthorizedOperation"})).await;
    for instance in bench.read(kind, &all_options(kind)).await.into_values() {
        assert_eq!(instance.incomplete[0].action, "DescribeInstanceStatusAction");
        assert!(instance.incomplete[0].optional && instance.properties.contains_key("State"));
    }
}

/// The recorded answer has every member of `Volume` in EC2's API reference (version 2016-11-15) and in its service
/// model, under the names that the model gives the elements.
#[tokio::test]
async fn a_volume_in_which_everything_is_set() {
    let bench = Bench::create().await;
    // Pages are asked for in the largest size.
    bench.answer(VOLUME, "ec2", "DescribeVolumes", "MaxResults=500", include_str!("answers/ec2_volume.xml")).await;
    let answer = attribute_answer(false);
    bench.answer(VOLUME, "ec2", "DescribeVolumeAttribute", "Attribute=autoEnableIO&VolumeId=vol-1", &answer).await;
    let mut expected: Value = serde_json::from_str(include_str!("answers/ec2_volume.json")).expect("JSON");

    let volume = bench.read_one(VOLUME, &[]).await;
    assert_eq!(volume.key, "vol-1");
    assert_shape(&Value::Object(volume.properties), &expected);

    let volume = bench.read_one(VOLUME, &all_options(VOLUME)).await;
    assert_every_field(VOLUME, &volume.properties);
    expected["AutoEnableIO"] = json!(false);
    assert_shape(&Value::Object(volume.properties), &expected);
}

#[tokio::test]
async fn each_volume_has_its_own_attribute() {
    let bench = Bench::create().await;
    let attributes = [("first", Some(true)), ("second", Some(false)), ("third", None)];
    for (name, attribute) in attributes {
        let id = create_volume(&bench, name).await;
        let answer = match attribute {
            Some(value) => attribute_answer(value),
            None => {
                format!("<DescribeVolumeAttributeResponse><volumeId>{id}</volumeId></DescribeVolumeAttributeResponse>")
            }
        };
        bench.answer(VOLUME, "ec2", "DescribeVolumeAttribute", &id, &answer).await;
    }
    let volumes = bench.read(VOLUME, &all_options(VOLUME)).await;
    for (name, attribute) in attributes {
        let tags = json!([{"Key": "Name", "Value": name}]);
        let volume = volumes.values().find(|volume| volume.properties["Tags"] == tags).expect("a volume of that name");
        assert_eq!(volume.properties["VolumeId"], volume.key.as_str());
        assert_eq!(volume.properties["Attachments"], json!([]));
        assert_eq!(volume.properties["State"], "available");
        assert_eq!(volume.properties.get("AutoEnableIO"), attribute.map(Value::Bool).as_ref(), "{name}");
    }
}
