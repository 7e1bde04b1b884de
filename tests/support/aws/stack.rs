//! Stacks of the templates, deployed as `sam deploy` does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use serde::Deserialize;
use serde_json::{Value, json};

use super::server::text;
use super::{Aws, AwsCallError, python};

/// The smallest ZIP file there is: an empty one. Functions are only recorded.
const EMPTY_ZIP: &str = "UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==";

/// A stack, with everything in it resolved. What a condition leaves out is not in it.
#[derive(Clone, Debug)]
pub struct Stack {
    pub account: String,
    pub region: String,
    resources: BTreeMap<String, Value>,
    outputs: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Description {
    status: String,
    resources: BTreeMap<String, Value>,
    outputs: BTreeMap<String, String>,
}

impl Stack {
    /// The type of each resource, by its name in the template.
    pub fn types(&self) -> BTreeMap<&str, &str> {
        let resources = self.resources.iter();
        resources.map(|(name, resource)| (name.as_str(), resource["Type"].as_str().expect("a type"))).collect()
    }

    /// A resource as the template has it: `Type`, `Properties`, `DeletionPolicy` and so on, and `PhysicalId`.
    pub fn resource(&self, name: &str) -> &Value {
        self.resources.get(name).unwrap_or_else(|| panic!("the stack has no {name}: {:?}", self.types()))
    }

    pub fn properties(&self, name: &str) -> &Value {
        &self.resource(name)["Properties"]
    }

    pub fn physical_id(&self, name: &str) -> String {
        text(&self.resource(name)["PhysicalId"])
    }

    /// The names of the resources of a type.
    pub fn of_type(&self, wanted: &str) -> Vec<&str> {
        self.types().into_iter().filter(|(_, found)| *found == wanted).map(|(name, _)| name).collect()
    }

    pub fn output(&self, name: &str) -> &str {
        self.outputs.get(name).unwrap_or_else(|| panic!("no output {name}: {:?}", self.outputs))
    }
}

impl Aws {
    /// Deploys a template of this repository. What its parameters or rules refuse is an error; so is a resource that
    /// the emulated CloudFormation does not know.
    pub async fn deploy(
        &self,
        account: &str,
        region: &str,
        name: &str,
        template: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Stack, AwsCallError> {
        let bucket = format!("portolan-artifacts-{account}-{region}");
        self.create_artifacts(account, region, &bucket).await;
        let body = self.package(account, region, &bucket, template, parameters).await;
        let given = parameters.iter().map(|(name, value)| json!({"ParameterKey": name, "ParameterValue": value}));
        let order = json!({
            "StackName": name,
            "TemplateBody": body.to_string(),
            "Parameters": given.collect::<Vec<_>>(),
            "Capabilities": ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        });
        self.call(account, region, "cloudformation", "create_stack", order).await?;
        Ok(self.describe_stack(account, region, name).await)
    }

    async fn describe_stack(&self, account: &str, region: &str, name: &str) -> Stack {
        let order = json!({"account": account, "region": region, "name": name});
        let description: Description = self.post("/testbed/stack", &order).await;
        assert_eq!(description.status, "CREATE_COMPLETE", "{name}");
        let Description { resources, outputs, .. } = description;
        Stack { account: account.to_owned(), region: region.to_owned(), resources, outputs }
    }

    async fn create_artifacts(&self, account: &str, region: &str, bucket: &str) {
        let mut order = json!({"Bucket": bucket});
        if region != "us-east-1" {
            order["CreateBucketConfiguration"] = json!({"LocationConstraint": region});
        }
        match self.call(account, region, "s3", "create_bucket", order).await {
            Err(error) if error.code != "BucketAlreadyOwnedByYou" => panic!("{bucket}: {error}"),
            _ => self.upload(account, region, bucket, "code.zip", EMPTY_ZIP).await,
        }
    }

    /// The expanded template, with the templates that it names uploaded.
    async fn package(
        &self,
        account: &str,
        region: &str,
        bucket: &str,
        template: &str,
        parameters: &[(&str, &str)],
    ) -> Value {
        let mut body = expand(template, region, bucket, parameters);
        let folder = Path::new(template).parent().unwrap_or(Path::new(""));
        for resource in body["Resources"].as_object_mut().expect("resources").values_mut() {
            let Some(nested) = resource["Properties"].get_mut("TemplateURL") else { continue };
            let path = folder.join(text(nested));
            let content = expand(&path.display().to_string(), region, bucket, &[]).to_string();
            let key = path.display().to_string();
            let content = aws_smithy_types::base64::encode(content);
            self.upload(account, region, bucket, &key, &content).await;
            *nested = json!(format!("https://s3.amazonaws.com/{bucket}/{key}"));
        }
        body
    }

    async fn upload(&self, account: &str, region: &str, bucket: &str, key: &str, content: &str) {
        let order = json!({"Bucket": bucket, "Key": key, "Body": {"$base64": content}});
        let uploaded = self.call(account, region, "s3", "put_object", order).await;
        uploaded.unwrap_or_else(|error| panic!("{key} in {bucket}: {error}"));
    }
}

/// A template of this repository as CloudFormation gets it, with its code in this bucket.
pub fn expand(template: &str, region: &str, bucket: &str, parameters: &[(&str, &str)]) -> Value {
    /// What was expanded so far: the transform takes a second.
    static EXPANDED: Mutex<BTreeMap<String, String>> = Mutex::new(BTreeMap::new());
    const BUCKET: &str = "bucket-of-the-code";
    let parameters: BTreeMap<&str, &str> = parameters.iter().copied().collect();
    let parameters = json!(parameters).to_string();
    let order = format!("{template} {region} {parameters}");
    let known = EXPANDED.lock().expect("nobody panics here").get(&order).cloned();
    let expanded = known.unwrap_or_else(|| run_transform(template, &[region, BUCKET, &parameters]));
    EXPANDED.lock().expect("nobody panics here").insert(order, expanded.clone());
    let expanded = expanded.replace(BUCKET, bucket);
    serde_json::from_str(&expanded).unwrap_or_else(|error| panic!("{template}: {error}"))
}

fn run_transform(template: &str, arguments: &[&str]) -> String {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(python())
        .arg(root.join("tests/support/aws/expand.py"))
        .arg(root.join(template))
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("no Python to expand {template} ({error}): run `make setup`"));
    assert!(output.status.success(), "{template}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("JSON is UTF-8")
}
