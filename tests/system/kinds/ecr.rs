//! Amazon ECR.

use serde_json::{Map, Value, json};

use super::contract::{Contract, Enrichment, NotFound};
use super::{Bench, REGION, all_options, assert_every_field, assert_shape};

const KIND: &str = "AWS::ECR::Repository";

pub const CONTRACTS: &[Contract] = &[Contract {
    kind: KIND,
    service: "ecr",
    listing: "DescribeRepositories",
    denied: (400, "AccessDeniedException"),
    throttled: (400, "ThrottlingException"),
    seed: |bench, names| Box::pin(create_repositories(bench, names)),
    page: Some(repository_page),
    calls: &[("ecr:DescribeRepositories", 1)],
    calls_of_options: &[("ecr:GetRepositoryPolicy", 3), ("ecr:GetLifecyclePolicy", 3), ("ecr:ListTagsForResource", 3)],
    enrichments: &[
        option("GetRepositoryPolicy", "GetRepositoryPolicyAction"),
        option("GetLifecyclePolicy", "GetLifecyclePolicyAction"),
        option("ListTagsForResource", "ListTagsForResourceAction"),
    ],
}];

const fn option(operation: &'static str, name: &'static str) -> Enrichment {
    Enrichment {
        service: "ecr",
        operation,
        name,
        is_option: true,
        not_found: NotFound::IsGone((400, "RepositoryNotFoundException")),
    }
}

async fn create_repositories(bench: &Bench, names: &[&str]) {
    for name in names {
        bench.alpha_in(REGION).call("ecr", "create_repository", json!({"repositoryName": name})).await;
    }
}

fn repository_page(arn: &str, token: &str) -> String {
    let name = arn.rsplit('/').next();
    json!({"repositories": [{"repositoryArn": arn, "repositoryName": name}], "nextToken": token}).to_string()
}

#[tokio::test]
async fn a_repository_without_and_with_its_options() {
    let bench = Bench::create().await;
    let place = bench.alpha_in(REGION);
    create_repositories(&bench, &["team/web"]).await;
    let arn = format!("arn:aws:ecr:{REGION}:{}:repository/team/web", bench.alpha());
    let plain = json!({
        "RepositoryName": "team/web",
        "RepositoryArn": arn,
        "RepositoryUri": format!("{}.dkr.ecr.{REGION}.amazonaws.com/team/web", bench.alpha()),
        "RegistryId": bench.alpha(),
        "CreatedAt": "<time>",
        "ImageTagMutability": "MUTABLE",
        "ImageScanningConfiguration": {"scanOnPush": false},
        "EncryptionConfiguration": {"encryptionType": "AES256"},
    });
    let repository = bench.read_one(KIND, &[]).await;
    assert_eq!(repository.key, arn);
    assert_shape(&Value::Object(repository.properties), &plain);
    assert_eq!(repository.context, Map::new());

    // A repository without policies is complete: that it has none is known.
    let options = all_options(KIND);
    let mut with_options = plain;
    with_options["Tags"] = json!([]);
    let repository = bench.read_one(KIND, &options).await;
    assert_shape(&Value::Object(repository.properties), &with_options);
    assert_eq!(repository.incomplete, []);

    let lifecycle = json!({"rules": [{
        "rulePriority": 1,
        "selection": {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 5},
        "action": {"type": "expire"},
    }]})
    .to_string();
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Sid": "pull", "Effect": "Allow", "Principal": "*", "Action": ["ecr:GetDownloadUrlForLayer"],
    }]});
    let order = json!({"repositoryName": "team/web", "lifecyclePolicyText": lifecycle});
    place.call("ecr", "put_lifecycle_policy", order).await;
    let order = json!({"repositoryName": "team/web", "policyText": policy.to_string()});
    place.call("ecr", "set_repository_policy", order).await;
    let order = json!({"resourceArn": arn, "tags": [{"Key": "team", "Value": "sea"}]});
    place.call("ecr", "tag_resource", order).await;
    with_options["Tags"] = json!([{"Key": "team", "Value": "sea"}]);
    with_options["RepositoryPolicyText"] = json!("<text>");
    // The answer alone, without what came around it: an unchanged policy stays as it is.
    with_options["LifecyclePolicy"] = json!({
        "registryId": bench.alpha(),
        "repositoryName": "team/web",
        "lifecyclePolicyText": lifecycle,
        "lastEvaluatedAt": "<time>",
    });
    let repository = bench.read_one(KIND, &options).await;
    let text = repository.properties["RepositoryPolicyText"].as_str().expect("a text");
    assert_eq!(serde_json::from_str::<Value>(text).expect("a JSON document"), policy);
    assert_shape(&Value::Object(repository.properties), &with_options);
}

/// As the API references of DescribeRepositories and the options' calls have it.
#[tokio::test]
async fn a_repository_in_which_everything_is_set() {
    let bench = Bench::create().await;
    let arn = format!("arn:aws:ecr:{REGION}:{}:repository/team/web", bench.alpha());
    let filters = json!([{"filterType": "WILDCARD", "filter": "latest*"}]);
    let wire = json!({
        "repositoryArn": arn, "registryId": bench.alpha(), "repositoryName": "team/web", "repositoryUri": "u", "createdAt": 1_704_164_645.123,
        "imageTagMutability": "IMMUTABLE_WITH_EXCLUSION", "imageTagMutabilityExclusionFilters": filters,
        "imageScanningConfiguration": {"scanOnPush": true}, "encryptionConfiguration": {"encryptionType": "KMS", "kmsKey": null},
        "brandNew": {"a": [1]},
    });
    let page = json!({"repositories": [wire]}).to_string();
    bench.answer(KIND, "ecr", "DescribeRepositories", "\"maxResults\":100", &page).await;
    let name = r#""repositoryName":"team/web""#;
    let policy = json!({"registryId": bench.alpha(), "repositoryName": "team/web", "policyText": "{}"});
    bench.answer(KIND, "ecr", "GetRepositoryPolicy", name, &policy.to_string()).await;
    let policy = json!({
        "registryId": bench.alpha(), "repositoryName": "team/web", "lifecyclePolicyText": "{\"rules\":[]}", "lastEvaluatedAt": 1_704_164_646,
    });
    bench.answer(KIND, "ecr", "GetLifecyclePolicy", name, &policy.to_string()).await;
    let tags = json!({"tags": [{"Key": "team", "Value": "sea"}]}).to_string();
    bench.answer(KIND, "ecr", "ListTagsForResource", &arn, &tags).await;
    let repository = bench.read_one(KIND, &all_options(KIND)).await;
    assert_every_field(KIND, &repository.properties);
    assert_shape(
        &Value::Object(repository.properties),
        &json!({
            "RepositoryArn": arn, "RegistryId": bench.alpha(), "RepositoryName": "team/web", "RepositoryUri": "u",
            "CreatedAt": "2024-01-02T03:04:05.123000Z", "ImageTagMutability": "IMMUTABLE_WITH_EXCLUSION",
            "ImageTagMutabilityExclusionFilters": filters, "ImageScanningConfiguration": {"scanOnPush": true},
            "EncryptionConfiguration": {"encryptionType": "KMS"}, "RepositoryPolicyText": "{}",
            "LifecyclePolicy": {
                "registryId": bench.alpha(), "repositoryName": "team/web", "lifecyclePolicyText": "{\"rules\":[]}",
                "lastEvaluatedAt": "2024-01-02T03:04:06Z",
            },
            "Tags": [{"Key": "team", "Value": "sea"}], "BrandNew": {"a": [1]},
        }),
    );
}
