//! `Properties` and context of each kind, with all options.

use serde_json::{Map, Value, json};

use super::{Bench, REGION, all_options, assert_shape};

#[tokio::test]
async fn an_account_is_number_and_name() {
    let bench = Bench::create().await;
    let account = bench.read_one("AWS::Account::Info", &[]).await;
    assert_shape(&Value::Object(account.properties), &json!({"Id": bench.alpha(), "Name": "alpha"}));
    assert!(bench.take_calls().await.is_empty());
}

#[tokio::test]
async fn accounts_of_the_organization_in_every_state() {
    let bench = Bench::create().await;
    let organization = &bench.organization;
    organization.tag_account(bench.alpha(), "team", "sea").await;
    organization.close_account(bench.alpha()).await;
    let kind = "AWS::Organizations::Account";
    let plain = json!({
        "Id": bench.alpha(),
        "Arn": "<text>",
        "Email": format!("alpha-{}@example.com", organization.number()),
        "Name": "alpha",
        "Status": "SUSPENDED",
        "State": "SUSPENDED",
        "JoinedMethod": "CREATED",
        "JoinedTimestamp": "<time>",
    });
    let accounts = bench.read(kind, &[]).await;
    assert_eq!(accounts.len(), 3);
    assert_shape(&Value::Object(accounts[bench.alpha()].properties.clone()), &plain);

    let mut with_options = plain;
    let unit = organization.organizational_unit("Workloads");
    with_options["Parents"] = json!([{"Id": unit, "Type": "ORGANIZATIONAL_UNIT"}]);
    with_options["Tags"] = json!([{"Key": "team", "Value": "sea"}]);
    let accounts = bench.read(kind, &all_options(kind)).await;
    let alpha = &accounts[bench.alpha()];
    assert_shape(&Value::Object(alpha.properties.clone()), &with_options);
    let root = json!([{"Id": organization.organizational_unit(""), "Type": "ROOT"}]);
    assert_eq!(accounts[organization.integration_account()].properties["Parents"], root);
    assert_eq!(alpha.context, Map::new());
}

/// From the answers that the shapes were once taken from: empty elements stay, unknown ones go, times become text.
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
async fn a_cluster_has_its_first_level_in_pascal_case() {
    let bench = Bench::create().await;
    let order = json!({
        "clusterName": "main",
        "tags": [{"key": "team", "value": "sea"}],
        "settings": [{"name": "containerInsights", "value": "enabled"}],
        "capacityProviders": ["FARGATE"],
        "defaultCapacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1, "base": 0}],
        "configuration": {"executeCommandConfiguration": {"logging": "DEFAULT"}},
    });
    bench.alpha_in(REGION).call("ecs", "create_cluster", order).await;
    let cluster = bench.read_one("AWS::ECS::Cluster", &[]).await;
    let arn = format!("arn:aws:ecs:{REGION}:{}:cluster/main", bench.alpha());
    assert_eq!(cluster.key, arn);
    assert_shape(
        &Value::Object(cluster.properties),
        &json!({
            "ClusterName": "main",
            "CapacityProviders": ["FARGATE"],
            "ClusterSettings": [{"name": "containerInsights", "value": "enabled"}],
            "Configuration": {"executeCommandConfiguration": {"logging": "DEFAULT"}},
            "DefaultCapacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1, "base": 0}],
            "Tags": [{"key": "team", "value": "sea"}],
            "Status": "ACTIVE",
            "RunningTasksCount": 0,
            "ActiveServicesCount": 0,
            "PendingTasksCount": 0,
            "RegisteredContainerInstancesCount": 0,
            "ClusterArn": arn,
        }),
    );
    assert_eq!(cluster.context, Map::new());
}

#[tokio::test]
async fn topics_with_parsed_attributes() {
    let bench = Bench::create().await;
    let place = bench.alpha_in(REGION);
    let order = json!({
        "Name": "alerts.fifo",
        "Attributes": {"FifoTopic": "true", "KmsMasterKeyId": "alias/aws/sns"},
        "Tags": [{"Key": "team", "Value": "sea"}],
    });
    place.call("sns", "create_topic", order).await;
    let kind = "AWS::SNS::Topic";
    let arn = format!("arn:aws:sns:{REGION}:{}:alerts.fifo", bench.alpha());
    let plain = json!({
        "TopicArn": arn,
        "Owner": bench.alpha(),
        "DisplayName": "",
        "Policy": "<text>",
        "DeliveryPolicy": "",
        "EffectiveDeliveryPolicy": "<text>",
        "SubscriptionsConfirmed": 0,
        "SubscriptionsDeleted": 0,
        "SubscriptionsPending": 0,
        "KmsMasterKeyId": "alias/aws/sns",
        "FifoTopic": true,
        "ContentBasedDeduplication": false,
    });
    let topic = bench.read_one(kind, &[]).await;
    assert_eq!(topic.key, arn);
    assert_shape(&Value::Object(topic.properties), &plain);

    let mut with_tags = plain;
    with_tags["Tags"] = json!([{"Key": "team", "Value": "sea"}]);
    let topic = bench.read_one(kind, &all_options(kind)).await;
    assert_shape(&Value::Object(topic.properties), &with_tags);
    assert_eq!(topic.context, Map::new());
}

#[tokio::test]
async fn queues_with_parsed_attributes() {
    let bench = Bench::create().await;
    let place = bench.alpha_in(REGION);
    let attributes = json!({"FifoQueue": "true", "VisibilityTimeout": "45", "KmsMasterKeyId": "alias/jobs"});
    place.call("sqs", "create_queue", json!({"QueueName": "jobs.fifo", "Attributes": attributes})).await;
    let kind = "AWS::SQS::Queue";
    let queue = bench.read_one(kind, &[]).await;
    let url = queue.key.clone();
    let plain = json!({
        "QueueName": "jobs.fifo",
        "QueueUrl": url,
        "QueueArn": format!("arn:aws:sqs:{REGION}:{}:jobs.fifo", bench.alpha()),
        "ApproximateNumberOfMessages": 0,
        "ApproximateNumberOfMessagesNotVisible": 0,
        "ApproximateNumberOfMessagesDelayed": 0,
        "CreatedTimestamp": "<text>",
        "LastModifiedTimestamp": "<text>",
        "VisibilityTimeout": 45,
        "MaximumMessageSize": 1_048_576,
        "MessageRetentionPeriod": 345_600,
        "DelaySeconds": 0,
        "ReceiveMessageWaitTimeSeconds": 0,
        "KmsMasterKeyId": "alias/jobs",
        "KmsDataKeyReusePeriodSeconds": 300,
        "SqsManagedSseEnabled": true,
        "FifoQueue": true,
        "ContentBasedDeduplication": false,
        "DeduplicationScope": "queue",
        "FifoThroughputLimit": "perQueue",
    });
    assert_shape(&Value::Object(queue.properties), &plain);

    // Without a tag, the answer is an empty object: that the queue has none is known.
    let mut with_tags = plain;
    with_tags["Tags"] = json!({});
    let options = all_options(kind);
    assert_shape(&Value::Object(bench.read_one(kind, &options).await.properties), &with_tags);
    place.call("sqs", "tag_queue", json!({"QueueUrl": url, "Tags": {"team": "sea", "cost": "42"}})).await;
    with_tags["Tags"] = json!({"team": "sea", "cost": "42"});
    let queue = bench.read_one(kind, &options).await;
    assert_shape(&Value::Object(queue.properties), &with_tags);
    assert_eq!(queue.context, Map::new());
}

#[tokio::test]
async fn functions_as_lambda_writes_them() {
    let bench = Bench::create().await;
    let arn = bench.alpha_in(REGION).create_function("resize", &[("team", "sea"), ("cost", "42")]).await;
    let kind = "AWS::Lambda::Function";
    let plain = json!({
        "Architectures": ["x86_64"],
        "CodeSha256": "<text>",
        "CodeSize": 22,
        "Description": "",
        "EphemeralStorage": {"Size": 512},
        "FunctionArn": arn,
        "FunctionName": "resize",
        "Handler": "bootstrap",
        // A text of Lambda's own, not one of our times.
        "LastModified": "<text>",
        "LastUpdateStatus": "Successful",
        "Layers": [],
        "MemorySize": 128,
        "PackageType": "Zip",
        "Role": format!("arn:aws:iam::{}:role/function-resize-{REGION}", bench.alpha()),
        "Runtime": "provided.al2023",
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "State": "Active",
        "Timeout": 3,
        "TracingConfig": {"Mode": "PassThrough"},
        "Version": "$LATEST",
    });
    let function = bench.read_one(kind, &[]).await;
    assert_eq!(function.key, arn);
    assert_shape(&Value::Object(function.properties), &plain);

    let mut with_tags = plain;
    with_tags["Tags"] = json!({"team": "sea", "cost": "42"});
    let function = bench.read_one(kind, &all_options(kind)).await;
    assert_shape(&Value::Object(function.properties), &with_tags);
    assert_eq!(function.context, Map::new());

    let with_nulls = json!({"Functions": [{
        "FunctionArn": arn, "KMSKeyArn": "arn:k", "LastModified": "2024-05-01T10:00:00.000+0000", "VpcConfig": {"SubnetIds": [], "VpcId": null},
        "DeadLetterConfig": null, "BrandNew": {"a": [1]},
    }]});
    bench.answer_once(kind, "lambda", "ListFunctions", "", &with_nulls.to_string()).await;
    assert_shape(
        &Value::Object(bench.read_one(kind, &[]).await.properties),
        &json!({
            "FunctionArn": arn, "KMSKeyArn": "arn:k", "LastModified": "2024-05-01T10:00:00.000+0000", "VpcConfig": {"SubnetIds": []},
            "BrandNew": {"a": [1]},
        }),
    );
}
