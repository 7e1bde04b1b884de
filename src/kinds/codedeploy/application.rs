//! Applications.

use aws_sdk_codedeploy::Client;
use serde_json::{Map, Value};

use super::listing::{NO_APPLICATION, application_names, portion, tags};
use crate::kinds::batch::{BatchCall, Descriptions};
use crate::kinds::fields::{Field, Form};
use crate::kinds::json::{ResponseBody, properties_of};
use crate::kinds::{Kind, Page, ReadError, Reading, Resource, Scope};

const BATCH_GET_APPLICATIONS: BatchCall = BatchCall {
    call: "codedeploy:BatchGetApplications",
    most: 100,
    id: "ApplicationName",
    one_is_gone: &[NO_APPLICATION],
};

pub const APPLICATION: Kind = Kind {
    name: "AWS::CodeDeploy::Application",
    scope: Scope::Regional,
    calls: "ListApplications (the service's page; shared with deployment groups), n/100 BatchGetApplications, \
            n ListTagsForResource, more where an application has pages of tags",
    iam_actions: &["codedeploy:ListApplications", "codedeploy:BatchGetApplications", "codedeploy:ListTagsForResource"],
    include_actions: &[],
    is_history: false,
    fields: FIELDS,
    context: &[],
    list: |reading, cursor| Box::pin(applications(reading, cursor)),
};

const FIELDS: &[Field] = &[
    ("ApplicationName", Form::Text),
    ("ApplicationId", Form::Text),
    ("ComputePlatform", Form::Text),
    ("CreateTime", Form::Time),
    ("GitHubAccountName", Form::Text),
    ("LinkedToGitHub", Form::Boolean),
    ("Tags", Form::Objects),
];

async fn applications(reading: &Reading, cursor: Option<String>) -> Result<Page, ReadError> {
    let client = reading.client(Client::new);
    let names = application_names(reading, &client).await?;
    let (names, next) = portion(&names, cursor, BATCH_GET_APPLICATIONS.most);
    let listed = names.iter().map(|name| listed_application(name)).collect();
    let described = BATCH_GET_APPLICATIONS.describe(listed, |names| describe(&client, names)).await;
    let read = reading.for_each(described, |application| with_tags(reading, &client, application)).await;
    Ok(Page::new(read.into_iter().flatten().collect(), next))
}

/// An application as the listing gives it.
fn listed_application(name: &str) -> Resource {
    Resource::new(name, Map::from_iter([("ApplicationName".to_owned(), Value::from(name))]))
}

async fn describe(client: &Client, names: Vec<String>) -> Result<Descriptions, ReadError> {
    let call = BATCH_GET_APPLICATIONS.call;
    let body = ResponseBody::default();
    let request = client.batch_get_applications().set_application_names(Some(names));
    request.customize().interceptor(body.keeper()).send().await.map_err(ReadError::of(call))?;
    let applications = body.objects(call, "applicationsInfo")?.into_iter();
    let described = applications.map(|application| properties_of(application, &[], FIELDS));
    Ok(Descriptions::by(BATCH_GET_APPLICATIONS.id, described))
}

/// The application with its tags; none when it was deleted in between.
async fn with_tags(reading: &Reading, client: &Client, mut application: Resource) -> Option<Resource> {
    let arn = reading.arn("codedeploy", &format!("application:{}", application.key));
    match tags(client, &arn).await {
        Ok(tags) => {
            application.properties.insert("Tags".to_owned(), tags);
        }
        Err(error) if error.code() == NO_APPLICATION => return None,
        Err(error) => application.lacks("ListTagsForResource", &error),
    }
    Some(application)
}
