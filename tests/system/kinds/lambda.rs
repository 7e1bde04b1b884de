//! AWS Lambda.

use serde_json::{Map, Value, json};

use super::contract::{Contract, Enrichment, NotFound};
use super::{Bench, REGION, all_options, assert_shape};

pub const CONTRACTS: &[Contract] = &[Contract {
    kind: "AWS::Lambda::Function",
    service: "lambda",
    listing: "ListFunctions",
    denied: (403, "AccessDeniedException"),
    throttled: (429, "TooManyRequestsException"),
    seed: |bench, names| Box::pin(create_functions(bench, names)),
    page: Some(function_page),
    calls: &[("lambda:ListFunctions", 1)],
    calls_of_options: &[("lambda:ListTags", 3)],
    enrichments: &[Enrichment {
        service: "lambda",
        operation: "ListTags",
        name: "ListTagsAction",
        is_option: true,
        not_found: NotFound::IsGone((404, "ResourceNotFoundException")),
    }],
}];

async fn create_functions(bench: &Bench, names: &[&str]) {
    for name in names {
        bench.alpha_in(REGION).create_function(name, &[]).await;
    }
}

fn function_page(arn: &str, token: &str) -> String {
    json!({"Functions": [{"FunctionArn": arn}], "NextMarker": token}).to_string()
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
