//! The server process.

use std::time::Instant;

use crate::support::aws::{Aws, Organization, OrganizationPlan, python};

#[tokio::test]
async fn the_server_ends_with_its_owner() {
    let aws = Aws::start().await;
    let address = aws.endpoint().trim_start_matches("http://").to_owned();
    std::net::TcpStream::connect(&address).expect("it listens");
    drop(aws);
    std::net::TcpStream::connect(&address).expect_err("nobody listens any more");
}

#[tokio::test]
async fn the_server_ends_when_its_input_ends() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/aws/server.py");
    let mut server = tokio::process::Command::new(python())
        .arg(script)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("python starts");
    assert!(server.wait().await.expect("it ends").success());
}

/// Not a measurement, but the times are worth a look (`--nocapture`).
#[tokio::test]
async fn an_organization_of_eight_accounts_is_there_soon() {
    let start = Instant::now();
    let aws = Aws::start().await;
    println!("server ready after {:?}", start.elapsed());
    for _ in 0..2 {
        let start = Instant::now();
        let plan = (1..=6).fold(OrganizationPlan::new(), |plan, number| {
            plan.member(&format!("member-{number}"), "Workloads/Production")
        });
        let organization = Organization::create(&aws, plan).await;
        println!("organization of eight accounts after {:?}", start.elapsed());
        assert_eq!(organization.accounts().len(), 8);
    }
}
