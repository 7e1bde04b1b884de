//! The organization of the demo: what is in it, and what changes in it.

use std::collections::BTreeMap;

use crate::changes::Changes;
use crate::support::aws::OrganizationPlan;
use crate::support::world::World;

pub const REGIONS: [&str; 3] = ["us-east-1", "eu-west-1", "eu-central-1"];

/// What the rest of the demo must know of the seeded organization.
pub struct Seeded {
    /// The account without the read role.
    pub locked_account: String,
    /// The account that was suspended before the first run.
    pub suspended_account: String,
    /// Identifiers that must be in Port after the first run, by blueprint, in order.
    pub expected: BTreeMap<String, Vec<String>>,
    /// A bucket that is deleted later.
    bucket: String,
    /// An instance whose tag is changed later.
    instance: String,
    /// What an account that is closed later has.
    closing: Vec<(String, String)>,
}

pub fn plan() -> OrganizationPlan {
    OrganizationPlan::new()
        .member("shop-production", "Workloads/Production")
        .member("shop-staging", "Workloads/Staging")
        .member("payments-production", "Workloads/Production")
        .member("data-lake", "Workloads")
        .member("sandbox", "Sandbox")
        .member("old-experiment", "Sandbox")
        .member("legacy-erp", "Workloads/Production")
        .member_without_read_role("acquired-company", "Acquisitions/2026")
        .regions(&REGIONS)
}

/// Resources of every kind, in several accounts and regions.
pub async fn resources(world: &World) -> Seeded {
    let organization = &world.organization;
    let mut expected: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut expect = |blueprint: &str, identifier: &str| {
        expected.entry(blueprint.to_owned()).or_default().push(identifier.to_owned())
    };
    let bucket_arn = |bucket: &str| format!("arn:aws:s3:::{bucket}");

    let shop = organization.place("shop-production", "eu-west-1");
    let bucket = shop.create_bucket("shop-assets", &[("team", "shop")]).await;
    expect("s3Bucket", &bucket_arn(&bucket));
    let instance = shop.run_instance(&[("Name", "shop-web-1"), ("team", "shop")]).await;
    expect("ec2Instance", &instance);
    for instance in shop.run_instances(3, &[("Name", "shop-worker")]).await {
        expect("ec2Instance", &instance);
    }
    expect("ecsCluster", &shop.create_ecs_cluster("shop", &[("team", "shop")]).await);
    expect("snsTopic", &shop.create_topic("orders", &[]).await);
    expect("sqsQueue", &shop.create_queue("orders", &[("team", "shop")]).await.arn());
    expect("lambdaFunction", &shop.create_function("resize-images", &[("team", "shop")]).await);

    let payments = organization.place("payments-production", "eu-central-1");
    expect(
        "s3Bucket",
        &bucket_arn(&payments.create_bucket("payment-archive", &[("classification", "confidential")]).await),
    );
    expect("ec2Instance", &payments.run_instance(&[("Name", "payments-gateway")]).await);
    expect("sqsQueue", &payments.create_queue("settlements", &[]).await.arn());
    let data = organization.place("data-lake", "us-east-1");
    for name in ["raw-events", "curated-events"] {
        expect("s3Bucket", &bucket_arn(&data.create_bucket(name, &[]).await));
    }
    expect("lambdaFunction", &data.create_function("compact", &[]).await);
    // The account of Portolan itself is part of the organization too.
    expect("s3Bucket", &bucket_arn(organization.state_bucket()));
    expect("sqsQueue", &organization.queue().arn());
    expect("sqsQueue", &organization.dead_letter_queue().arn());

    let mut closing = Vec::new();
    let erp = organization.place("legacy-erp", "eu-west-1");
    closing.push(("s3Bucket".to_owned(), bucket_arn(&erp.create_bucket("erp-backup", &[]).await)));
    closing.push(("ec2Instance".to_owned(), erp.run_instance(&[("Name", "erp")]).await));
    closing.push(("snsTopic".to_owned(), erp.create_topic("erp-alarms", &[]).await));
    for (blueprint, identifier) in &closing {
        expect(blueprint, identifier);
    }
    // Resources of the account that cannot be entered: they must not arrive, and nothing may fail because of them.
    organization.place("acquired-company", "us-east-1").create_bucket("secret-plans", &[]).await;

    let suspended_account = organization.account("old-experiment").to_owned();
    organization.close_account(&suspended_account).await;
    let locked_account = organization.account("acquired-company").to_owned();
    for account in organization.accounts().values() {
        expect("organizationsAccount", account);
        if *account != suspended_account && *account != locked_account {
            expect("awsAccount", account);
        }
    }
    for identifiers in expected.values_mut() {
        identifiers.sort();
        identifiers.dedup();
    }
    Seeded { locked_account, suspended_account, expected, bucket, instance, closing }
}

/// A bucket deleted, a tag changed, an account added, an account closed. Gives what must change in Port.
pub async fn change(world: &mut World, seeded: &Seeded) -> Changes {
    let shop = world.organization.place("shop-production", "eu-west-1");
    println!("  the bucket {} is deleted", seeded.bucket);
    shop.delete_bucket(&seeded.bucket).await;
    println!("  the instance {} gets another Name tag", seeded.instance);
    shop.tag_instance(&seeded.instance, &[("Name", "shop-web-blue")]).await;
    println!("  the account shop-preview is added, with a bucket");
    let added = world.organization.add_account("shop-preview", "Workloads/Staging").await;
    let preview = world.organization.place("shop-preview", "eu-west-1").create_bucket("preview-assets", &[]).await;
    println!("  the account legacy-erp is closed");
    let closed = world.organization.account("legacy-erp").to_owned();
    world.organization.close_account(&closed).await;

    let mut changes = Changes::default();
    changes.removed.insert(format!("s3Bucket arn:aws:s3:::{}", seeded.bucket));
    changes.changed.insert(format!("ec2Instance {}", seeded.instance));
    changes.added.insert(format!("awsAccount {added}"));
    changes.added.insert(format!("organizationsAccount {added}"));
    changes.added.insert(format!("s3Bucket arn:aws:s3:::{preview}"));
    changes.removed.insert(format!("awsAccount {closed}"));
    changes.removed.extend(seeded.closing.iter().map(|(blueprint, identifier)| format!("{blueprint} {identifier}")));
    // A closed account stays listed in the organization, as suspended.
    changes.changed.insert(format!("organizationsAccount {closed}"));
    changes
}
