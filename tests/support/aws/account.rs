//! Resources of one account in one region.

use serde_json::{Value, json};

use super::server::text;
use super::{Aws, Queue};

/// The smallest ZIP file there is: an empty one.
const EMPTY_ZIP: &str = "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==";

/// One account in one region. Tags are given as pairs of key and value.
#[derive(Clone)]
pub struct AccountInRegion<'aws> {
    aws: &'aws Aws,
    account: String,
    region: String,
    organization_number: u64,
}

impl<'aws> AccountInRegion<'aws> {
    pub(super) fn new(aws: &'aws Aws, account: &str, region: &str, organization_number: u64) -> Self {
        Self { aws, account: account.to_owned(), region: region.to_owned(), organization_number }
    }

    pub fn account(&self) -> &str {
        &self.account
    }

    pub fn region(&self) -> &str {
        &self.region
    }

    pub(super) fn aws(&self) -> &'aws Aws {
        self.aws
    }

    /// Makes any call here, in boto3's terms, and panics if it fails.
    pub async fn call(&self, service: &'static str, operation: &'static str, parameters: Value) -> Value {
        let (account, region) = (&self.account, &self.region);
        let result = self.aws.call(account, region, service, operation, parameters).await;
        result.unwrap_or_else(|error| panic!("{service}:{operation} in {account} {region}: {error}"))
    }

    /// Creates a bucket and gives its full name: bucket names are unique in the world.
    pub async fn create_bucket(&self, name: &str, tags: &[(&str, &str)]) -> String {
        let bucket = format!("{name}-{}", self.organization_number);
        let mut order = json!({"Bucket": bucket});
        if self.region != "us-east-1" {
            order["CreateBucketConfiguration"] = json!({"LocationConstraint": self.region});
        }
        self.call("s3", "create_bucket", order).await;
        if !tags.is_empty() {
            self.tag_bucket(&bucket, tags).await;
        }
        bucket
    }

    /// Replaces the tags of a bucket.
    pub async fn tag_bucket(&self, bucket: &str, tags: &[(&str, &str)]) {
        let order = json!({"Bucket": bucket, "Tagging": {"TagSet": tag_list(tags)}});
        self.call("s3", "put_bucket_tagging", order).await;
    }

    pub async fn delete_bucket(&self, bucket: &str) {
        self.call("s3", "delete_bucket", json!({"Bucket": bucket})).await;
    }

    /// Runs an instance and gives its id.
    pub async fn run_instance(&self, tags: &[(&str, &str)]) -> String {
        self.run_instances(1, tags).await.remove(0)
    }

    /// Runs many instances and gives their ids.
    pub async fn run_instances(&self, count: usize, tags: &[(&str, &str)]) -> Vec<String> {
        let mut order = json!({
            "ImageId": "ami-0123456789abcdef0",
            "InstanceType": "t3.micro",
            "MinCount": count,
            "MaxCount": count,
        });
        if !tags.is_empty() {
            order["TagSpecifications"] = json!([{"ResourceType": "instance", "Tags": tag_list(tags)}]);
        }
        let reservation = self.call("ec2", "run_instances", order).await;
        let instances = reservation["Instances"].as_array().expect("a list of instances");
        instances.iter().map(|instance| text(&instance["InstanceId"])).collect()
    }

    /// Sets tags of an instance; others stay.
    pub async fn tag_instance(&self, instance: &str, tags: &[(&str, &str)]) {
        let order = json!({"Resources": [instance], "Tags": tag_list(tags)});
        self.call("ec2", "create_tags", order).await;
    }

    /// Terminates an instance. It stays listed as terminated, as it does on AWS for a while.
    pub async fn terminate_instance(&self, instance: &str) {
        let order = json!({"InstanceIds": [instance]});
        self.call("ec2", "terminate_instances", order).await;
    }

    /// Creates an ECS cluster and gives its ARN.
    pub async fn create_ecs_cluster(&self, name: &str, tags: &[(&str, &str)]) -> String {
        let tags: Vec<Value> = tags.iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
        let order = json!({"clusterName": name, "tags": tags});
        let created = self.call("ecs", "create_cluster", order).await;
        text(&created["cluster"]["clusterArn"])
    }

    pub async fn delete_ecs_cluster(&self, cluster: &str) {
        self.call("ecs", "delete_cluster", json!({"cluster": cluster})).await;
    }

    /// Creates an SNS topic and gives its ARN.
    pub async fn create_topic(&self, name: &str, tags: &[(&str, &str)]) -> String {
        let order = json!({"Name": name, "Tags": tag_list(tags)});
        let created = self.call("sns", "create_topic", order).await;
        text(&created["TopicArn"])
    }

    pub async fn delete_topic(&self, topic: &str) {
        self.call("sns", "delete_topic", json!({"TopicArn": topic})).await;
    }

    /// Creates an SQS queue.
    pub async fn create_queue(&self, name: &str, tags: &[(&str, &str)]) -> Queue {
        let order = json!({"QueueName": name, "tags": tag_map(tags)});
        let created = self.call("sqs", "create_queue", order).await;
        Queue { account: self.account.clone(), region: self.region.clone(), url: text(&created["QueueUrl"]) }
    }

    pub async fn delete_queue(&self, queue: &Queue) {
        self.call("sqs", "delete_queue", json!({"QueueUrl": queue.url})).await;
    }

    /// Creates a Lambda function, with a role for it, and gives its ARN. It cannot be invoked.
    pub async fn create_function(&self, name: &str, tags: &[(&str, &str)]) -> String {
        let trust = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }]});
        let role_name = format!("function-{name}-{}", self.region);
        let role = json!({"RoleName": role_name, "AssumeRolePolicyDocument": trust.to_string()});
        let role = self.call("iam", "create_role", role).await;
        let order = json!({
            "FunctionName": name,
            "Runtime": "provided.al2023",
            "Handler": "bootstrap",
            "Role": role["Role"]["Arn"],
            "Code": {"ZipFile": {"$base64": EMPTY_ZIP}},
            "Tags": tag_map(tags),
        });
        let created = self.call("lambda", "create_function", order).await;
        text(&created["FunctionArn"])
    }

    pub async fn delete_function(&self, name: &str) {
        self.call("lambda", "delete_function", json!({"FunctionName": name})).await;
    }
}

fn tag_list(tags: &[(&str, &str)]) -> Vec<Value> {
    tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}

fn tag_map(tags: &[(&str, &str)]) -> Value {
    tags.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect()
}
