//! What the organization looks like to whom.

use aws_sdk_account::types::RegionOptStatus;

use super::{clients_in, error_code, small_organization};
use crate::support::aws::{Aws, Organization, OrganizationPlan};

#[tokio::test]
async fn only_the_management_account_sees_the_organization() {
    let organization = small_organization().await;
    let management = clients_in(organization.management_account()).await;
    let management = aws_sdk_organizations::Client::new(&management);
    let accounts = management.list_accounts().send().await.expect("management may");
    assert_eq!(accounts.accounts().len(), 4);

    let member = aws_sdk_organizations::Client::new(&clients_in(organization.account("alpha")).await);
    assert_eq!(error_code!(member.list_accounts().send().await), "AccessDeniedException");
    assert_eq!(error_code!(member.list_roots().send().await), "AccessDeniedException");
    let described = member.describe_organization().send().await.expect("a member may");
    let described = described.organization().and_then(|found| found.master_account_id());
    assert_eq!(described, Some(organization.management_account()));

    let outsider = aws_sdk_organizations::Client::new(&clients_in("999999999999").await);
    let refused = outsider.list_accounts().send().await;
    assert_eq!(error_code!(refused), "AWSOrganizationsNotInUseException");
}

#[tokio::test]
async fn accounts_come_in_pages() {
    let plan = (0..24).fold(OrganizationPlan::new(), |plan, number| plan.member(&format!("member-{number}"), "Many"));
    let aws = Aws::shared().await;
    let organization = Organization::create(aws, plan).await;
    let management = organization.management_account();
    let client = aws_sdk_organizations::Client::new(&clients_in(management).await);
    let pages = |size: Option<i32>| {
        let mut pages = client.list_accounts().set_max_results(size).into_paginator().send();
        async move {
            let mut sizes = Vec::new();
            while let Some(page) = pages.next().await {
                sizes.push(page.expect("management may").accounts().len());
            }
            sizes
        }
    };
    assert_eq!(pages(None).await, [20, 6]);
    assert_eq!(pages(Some(15)).await, [15, 11]);
    aws.set_page_size(Some(management), "organizations:ListAccounts", 9).await;
    assert_eq!(pages(None).await, [9, 9, 8]);

    aws.set_page_size(Some(management), "organizations:ListAccountsForParent", 10).await;
    let mut pages =
        client.list_accounts_for_parent().parent_id(organization.organizational_unit("Many")).into_paginator().send();
    let mut sizes = Vec::new();
    while let Some(page) = pages.next().await {
        sizes.push(page.expect("management may").accounts().len());
    }
    assert_eq!(sizes, [10, 10, 4]);
}

#[tokio::test]
async fn organizations_change() {
    let mut organization = small_organization().await;
    let gamma = organization.add_account("gamma", "Workloads").await;
    organization.move_account(&gamma, "Workloads/Production").await;
    organization.close_account(organization.account("alpha")).await;
    organization.remove_account(organization.account("beta")).await;

    let client = aws_sdk_organizations::Client::new(&clients_in(organization.management_account()).await);
    let children = client
        .list_accounts_for_parent()
        .parent_id(organization.organizational_unit("Workloads/Production"))
        .send()
        .await
        .expect("management may");
    let mut children: Vec<_> = children
        .accounts()
        .iter()
        .map(|account| (account.name().unwrap_or_default(), account.state().map(|state| state.as_str())))
        .collect();
    children.sort_unstable();
    assert_eq!(children, [("alpha", Some("CLOSED")), ("gamma", Some("ACTIVE"))]);
    let all = client.list_accounts().send().await.expect("management may");
    assert!(all.accounts().iter().all(|account| account.name() != Some("beta")));
}

#[tokio::test]
async fn regions_come_in_pages_with_their_status() {
    let organization = small_organization().await;
    let aws = Aws::shared().await;
    let alpha = organization.account("alpha");
    let client = aws_sdk_account::Client::new(&clients_in(alpha).await);
    let first = client.list_regions().send().await.expect("an account sees its regions");
    assert_eq!(first.regions().len(), 10);
    let token = first.next_token().expect("there are thirteen");
    let second = client.list_regions().next_token(token).send().await.expect("the second page");
    assert_eq!(second.regions().len(), 3);
    assert_eq!(second.next_token(), None);

    aws.set_regions(
        alpha,
        &[("us-east-1", "ENABLED_BY_DEFAULT"), ("eu-south-1", "ENABLED"), ("me-central-1", "ENABLING")],
    )
    .await;
    let enabled = client
        .list_regions()
        .region_opt_status_contains(RegionOptStatus::Enabled)
        .region_opt_status_contains(RegionOptStatus::EnabledByDefault)
        .send()
        .await
        .expect("an account sees its regions");
    let names: Vec<_> = enabled.regions().iter().filter_map(|region| region.region_name()).collect();
    assert_eq!(names, ["eu-south-1", "us-east-1"]);
}
