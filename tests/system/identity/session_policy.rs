//! What narrows a session, where STS cannot take it.

use serde_json::{Value, json};

use super::world_of_topics;
use crate::support::aws::OrganizationPlan;

/// STS packs policies, and says only then that one is too large. moto packs nothing.
#[tokio::test]
async fn a_session_whose_policy_is_too_large_is_narrowed_by_a_short_one_and_never_by_none() {
    let plan = OrganizationPlan::new().member("alpha", "").member("beta", "");
    let world = world_of_topics(plan, &["alpha", "beta"]).await;
    let answer = world.schedule(json!({})).await.expect("a run");
    world.clear_calls().await;
    let too_large = json!({"status": 400, "code": "PackedPolicyTooLarge", "message": "157% of the limit"});
    let account = world.organization.integration_account();
    let fault =
        json!({"account": account, "service": "sts", "operation": "AssumeRole", "times": 1, "effect": too_large});
    world.organization.aws().fault(fault).await;
    world.pump().run().await;

    let summary = world.summary(&answer).await;
    assert_eq!((&summary["outcome"], &summary["failedTargets"]), (&json!("completed"), &Value::Null), "{summary:#}");
    assert_eq!(world.catalog()["snsTopic"].len(), 2, "{:#?}", world.catalog());

    let calls = world.organization.calls().await;
    let assumed: Vec<_> = calls.iter().filter(|call| call.operation == "AssumeRole").collect();
    let refused = assumed.iter().filter(|call| call.error_code.is_some()).count();
    assert_eq!(refused, 1, "{assumed:#?}");
    assert!(assumed.iter().all(|call| call.parameters["Policy"].is_string()), "{assumed:#?}");
    let is_short = |policy: &Value| policy.as_str().is_some_and(|text| text.contains("s3:GetObject*"));
    assert!(assumed.iter().any(|call| is_short(&call.parameters["Policy"])), "{assumed:#?}");
    let log = world.worker.log_lines().join("\n");
    assert!(log.contains("session policy shortened"), "{log}");
}
