//! Amazon ECR. Speaks JSON: answers are forwarded, with the names of the first level in Pascal case.

use aws_sdk_ecr::Client;
use serde_json::{Map, Value};

use super::fields::{Field, Form, write_times};
use super::json::{ResponseBody, properties_of};
use super::{IncludeAction, Kind, Page, ReadError, Reading, Resource, Scope};

const REPOSITORY_POLICY: &str = "GetRepositoryPolicyAction";
const LIFECYCLE_POLICY: &str = "GetLifecyclePolicyAction";
const TAGS: &str = "ListTagsForResourceAction";

/// Repositories of one listing call, at most. Without a size ECR answers a hundred.
const PAGE_SIZE: i32 = 1000;
/// The same where each repository takes further calls: a page must be read well within an invocation.
const PAGE_SIZE_WITH_OPTIONS: i32 = 100;

pub const REPOSITORY: Kind = Kind {
    name: "AWS::ECR::Repository",
    scope: Scope::Regional,
    calls: "n/1000 DescribeRepositories",
    iam_actions: &["ecr:DescribeRepositories"],
    include_actions: &[
        IncludeAction {
            name: REPOSITORY_POLICY,
            calls: "n GetRepositoryPolicy",
            iam_actions: &["ecr:GetRepositoryPolicy"],
        },
        IncludeAction {
            name: LIFECYCLE_POLICY,
            calls: "n GetLifecyclePolicy",
            iam_actions: &["ecr:GetLifecyclePolicy"],
        },
        IncludeAction { name: TAGS, calls: "n ListTagsForResource", iam_actions: &["ecr:ListTagsForResource"] },
    ],
    is_history: false,
    fields: FIELDS,
    context: &[],
    list: |reading, cursor| Box::pin(repositories(reading, cursor)),
};

const FIELDS: &[Field] = &[
    ("RepositoryName", Form::Text),
    ("RepositoryArn", Form::Text),
    ("RepositoryUri", Form::Text),
    ("RegistryId", Form::Text),
    ("CreatedAt", Form::Time),
    ("ImageTagMutability", Form::Text),
    ("ImageTagMutabilityExclusionFilters", Form::Objects),
    ("ImageScanningConfiguration", Form::Object),
    ("EncryptionConfiguration", Form::Object),
    ("LifecyclePolicy", Form::Object),
    ("LifecyclePolicy.lifecyclePolicyText", Form::Document),
    ("LifecyclePolicy.lastEvaluatedAt", Form::Time),
    ("RepositoryPolicyText", Form::Document),
    ("Tags", Form::Objects),
];

async fn repositories(reading: &Reading, cursor: Option<String>) -> Result<Page, ReadError> {
    const CALL: &str = "ecr:DescribeRepositories";
    let client = reading.client(Client::new);
    let body = ResponseBody::default();
    let page_size = if reading.options.include_actions.is_empty() { PAGE_SIZE } else { PAGE_SIZE_WITH_OPTIONS };
    let call = client.describe_repositories().max_results(page_size).set_next_token(cursor).customize();
    let output = call.interceptor(body.keeper()).send().await.map_err(ReadError::of(CALL))?;
    let mut repositories = Vec::new();
    for repository in body.objects(CALL, "repositories")? {
        let text = |member: &str| repository.get(member).and_then(Value::as_str).map(str::to_owned);
        let (Some(arn), Some(name)) = (text("repositoryArn"), text("repositoryName")) else {
            return Err(ReadError::undecodable(CALL, "a repository has no `repositoryArn` or no `repositoryName`"));
        };
        repositories.push((name, Resource::new(arn, properties_of(repository, &[], FIELDS))));
    }
    let read = reading.for_each(repositories, |(name, repository)| with_options(reading, &client, name, repository));
    Ok(Page::new(read.await.into_iter().flatten().collect(), output.next_token))
}

/// A repository with its options; none when it was deleted in between.
async fn with_options(reading: &Reading, client: &Client, name: String, mut repository: Resource) -> Option<Resource> {
    if reading.wants(REPOSITORY_POLICY) {
        let policy = repository_policy(client, &name).await;
        repository = with_option(repository, REPOSITORY_POLICY, policy)?;
    }
    if reading.wants(LIFECYCLE_POLICY) {
        let policy = lifecycle_policy(client, &name).await;
        repository = with_option(repository, LIFECYCLE_POLICY, policy)?;
    }
    if reading.wants(TAGS) {
        let tags = tags(client, &repository.key).await;
        repository = with_option(repository, TAGS, tags)?;
    }
    Some(repository)
}

fn with_option(
    mut repository: Resource,
    option: &'static str,
    answer: Result<Map<String, Value>, ReadError>,
) -> Option<Resource> {
    match answer {
        Ok(properties) => repository.properties.extend(properties),
        // Most repositories have neither policy, which is no failure.
        Err(error) if is_without_policy(&error) => {}
        Err(error) if error.code() == "RepositoryNotFoundException" => return None,
        Err(error) => repository.lacks_option(option, &error),
    }
    Some(repository)
}

fn is_without_policy(error: &ReadError) -> bool {
    matches!(error.code(), "RepositoryPolicyNotFoundException" | "LifecyclePolicyNotFoundException")
}

async fn repository_policy(client: &Client, name: &str) -> Result<Map<String, Value>, ReadError> {
    let answer = client.get_repository_policy().repository_name(name).send().await;
    let output = answer.map_err(ReadError::of("ecr:GetRepositoryPolicy"))?;
    let policy = output.policy_text.map(|text| ("RepositoryPolicyText".to_owned(), Value::String(text)));
    Ok(policy.into_iter().collect())
}

/// The whole answer, in which the policy is a text.
async fn lifecycle_policy(client: &Client, name: &str) -> Result<Map<String, Value>, ReadError> {
    const CALL: &str = "ecr:GetLifecyclePolicy";
    let body = ResponseBody::default();
    let call = client.get_lifecycle_policy().repository_name(name).customize();
    call.interceptor(body.keeper()).send().await.map_err(ReadError::of(CALL))?;
    let mut properties = Map::from_iter([("LifecyclePolicy".to_owned(), Value::Object(body.object(CALL)?))]);
    write_times(&mut properties, FIELDS);
    Ok(properties)
}

async fn tags(client: &Client, arn: &str) -> Result<Map<String, Value>, ReadError> {
    const CALL: &str = "ecr:ListTagsForResource";
    let body = ResponseBody::default();
    let call = client.list_tags_for_resource().resource_arn(arn).customize();
    call.interceptor(body.keeper()).send().await.map_err(ReadError::of(CALL))?;
    let tags = body.objects(CALL, "tags")?.into_iter().map(Value::Object).collect();
    Ok(Map::from_iter([("Tags".to_owned(), tags)]))
}
