//! What a mapping can say beyond one entity per resource: items, search queries, teams, and keys that mean nothing.

use serde_json::{Value, json};

use super::steps::{
    ACCOUNT, BUCKET, alpha, assert_all_stay, assert_gone, assert_says, bucket_key, changed, complete_run,
    deletion_calls, entry, mapping, mapping_of, one_member, troubled_run, world_with,
};
use crate::support::port::EntityKey;
use crate::support::world::World;

const UPSERT: &str = "POST /blueprints/{blueprint}/entities/bulk";

fn blueprint(identifier: &str, properties: &[&str], relations: Value) -> Value {
    let properties = properties.iter().map(|name| ((*name).to_owned(), json!({"type": "string", "title": name})));
    let properties: serde_json::Map<String, Value> = properties.collect();
    json!({
        "identifier": identifier, "title": identifier,
        "schema": {"properties": properties, "required": []}, "relations": relations,
    })
}

/// Each tag of a bucket is an entity.
fn tags_as_entities() -> Value {
    json!({
        "kind": BUCKET, "selector": {"query": ".tag.Key != \"secret\""},
        "port": {
            "itemsToParse": ".Properties.Tags // []", "itemsToParseName": "tag",
            "entity": {"mappings": {
                "identifier": ".Properties.BucketName + \"/\" + .tag.Key", "blueprint": "\"bucketTag\"",
                "properties": {"value": ".tag.Value", "others": ".Properties.Tags | tostring"},
                "relations": {"bucket": ".Properties.Arn"},
            }},
        },
    })
}

async fn world_with_tags() -> World {
    let world = world_with(one_member(), &[ACCOUNT, BUCKET]).await;
    let relation = json!({"bucket": {"title": "Bucket", "target": "s3Bucket", "required": false, "many": false}});
    world.port.put_blueprint(blueprint("bucketTag", &["value", "others"], relation));
    world.set_mapping(mapping_of([entry(ACCOUNT), entry(BUCKET), tags_as_entities()]));
    world
}

fn tag_key(bucket: &str, tag: &str) -> EntityKey {
    ("bucketTag".to_owned(), format!("{bucket}/{tag}"))
}

#[tokio::test]
async fn promise_2_each_item_is_an_entity_and_goes_with_its_item() {
    let world = world_with_tags().await;
    let tags = [("team", "sea"), ("cost", "7"), ("secret", "x")];
    let logs = alpha(&world).create_bucket("logs", &tags).await;
    alpha(&world).create_bucket("bare", &[]).await;
    let before = complete_run(&world).await;
    let team = &before[&tag_key(&logs, "team")];
    assert_eq!(team["properties"]["value"], "sea");
    assert_eq!(team["properties"]["others"], "null", "the list is taken out of what an item sees");
    assert_eq!(team["relations"]["bucket"], bucket_key(&logs).1);
    assert!(before.contains_key(&tag_key(&logs, "cost")) && !before.contains_key(&tag_key(&logs, "secret")));

    world.clear_calls().await;
    complete_run(&world).await;
    assert_eq!(world.writes_to_port(), 0, "nothing changed");

    alpha(&world).tag_bucket(&logs, &[("team", "land")]).await;
    let now = complete_run(&world).await;
    assert_gone(&world, &before, &[tag_key(&logs, "cost")]);
    assert_eq!(now[&tag_key(&logs, "team")]["properties"]["value"], "land");
}

#[tokio::test]
async fn promise_1_items_that_can_no_longer_be_told_stay() {
    let world = world_with_tags().await;
    let logs = alpha(&world).create_bucket("logs", &[("team", "sea"), ("cost", "7")]).await;
    let before = complete_run(&world).await;

    alpha(&world).tag_bucket(&logs, &[("team", "sea")]).await;
    for (expression, words) in [
        (".Properties.BucketName", "a list is expected"),
        (".Properties.Taggs", "gave nothing; a list is expected"),
        (".Properties.Tags | error(\"broken\")", "broken"),
        ("[range(20000)]", "at most 10000"),
    ] {
        let failing = changed(tags_as_entities(), "/port/itemsToParse", json!(expression));
        world.set_mapping(mapping_of([entry(ACCOUNT), entry(BUCKET), failing]));
        let run = troubled_run(&world).await;
        assert_all_stay(&world, &before, &run);
        assert_says(&run, &["resources[2] port.itemsToParse", words]);
    }

    world.set_mapping(mapping_of([entry(ACCOUNT), entry(BUCKET), tags_as_entities()]));
    complete_run(&world).await;
    assert_gone(&world, &before, &[tag_key(&logs, "cost")]);
}

fn query(property: &str, value: &str) -> Value {
    let rule = json!({"property": format!("\"{property}\""), "operator": "\"=\"", "value": value});
    json!({"combinator": "\"and\"", "rules": [rule]})
}

/// Somebody else's entities, which know a bucket by its name.
fn put_service(world: &World, identifier: &str, bucket: &str) {
    world.port.put_blueprint(blueprint("service", &["bucket", "arn"], json!({})));
    let service = json!({"blueprint": "service", "identifier": identifier, "title": "A service", "properties": {"bucket": bucket}});
    world.port.put_entity("Port/UI", service);
}

fn service_key(identifier: &str) -> EntityKey {
    ("service".to_owned(), identifier.to_owned())
}

/// Buckets tell the service that knows them what they are.
fn services_by_bucket() -> Value {
    let mappings = json!({
        "identifier": query("bucket", ".Properties.BucketName"), "blueprint": "\"service\"",
        "properties": {"arn": ".Properties.Arn"},
    });
    json!({"kind": BUCKET, "selector": {"query": "true"}, "port": {"entity": {"mappings": mappings}}})
}

#[tokio::test]
async fn an_entity_found_by_a_query_is_updated_in_every_run_and_never_deleted() {
    let world = world_with(one_member(), &[ACCOUNT, BUCKET]).await;
    world.set_mapping(mapping_of([entry(ACCOUNT), entry(BUCKET), services_by_bucket()]));
    let logs = alpha(&world).create_bucket("logs", &[]).await;
    put_service(&world, "web", &logs);
    let before = complete_run(&world).await;
    let web = &before[&service_key("web")];
    assert_eq!(web["properties"], json!({"bucket": logs, "arn": bucket_key(&logs).1}));
    assert_eq!(web["title"], "A service");
    assert_eq!(before.keys().filter(|(blueprint, _)| blueprint == "service").count(), 1, "none is created");

    // Sent again although nothing changed; the ledgers know it already.
    world.clear_calls().await;
    let run = world.resync().await;
    assert_eq!(run.summary["outcome"], "completed", "{:#}", run.summary);
    assert!(world.writes_to_port() > 0);
    assert_eq!(world.ledger_writes().await, 0);
    // The state bucket has no service.
    let buckets = &run.summary["kinds"][BUCKET];
    assert_eq!((&buckets["accepted"], &buckets["unresolved"]), (&json!(1), &json!(1)), "{buckets:#}");
    assert!(buckets["problems"].to_string().contains("Port did not find the entity that"), "{buckets:#}");
    assert_eq!(run.summary["deletions"]["unknownInPort"], 0, "{:#}", run.summary);

    alpha(&world).delete_bucket(&logs).await;
    let run = world.resync().await;
    assert_gone(&world, &before, &[bucket_key(&logs)]);
    assert_eq!(run.summary["deletions"]["unknownInPort"], 0, "{:#}", run.summary);

    // Not even with its kind.
    world.set_mapping(mapping(&[ACCOUNT]));
    let run = world.resync().await;
    assert!(world.port.entities().contains_key(&service_key("web")));
    assert!(!world.port.entities().keys().any(|(blueprint, _)| blueprint == "s3Bucket"), "{:#}", run.summary);

    // Written by somebody else, it is none of ours any more: the ledgers forget it.
    put_service(&world, "web", &logs);
    complete_run(&world).await;
    assert!(
        !String::from_utf8_lossy(&world.ledgers().await.into_values().flatten().collect::<Vec<_>>()).contains("web")
    );
}

#[tokio::test]
async fn promise_1_an_entity_that_a_query_addresses_from_now_on_is_not_deleted() {
    let world = world_with(one_member(), &[ACCOUNT, BUCKET]).await;
    let logs = alpha(&world).create_bucket("logs", &[]).await;
    alpha(&world).create_bucket("mails", &[]).await;
    let before = complete_run(&world).await;

    let by_query = changed(entry(BUCKET), "/port/entity/mappings/identifier", query("$identifier", ".Properties.Arn"));
    world.set_mapping(mapping_of([entry(ACCOUNT), by_query]));
    complete_run(&world).await;
    assert_gone(&world, &before, &[]);
    alpha(&world).delete_bucket(&logs).await;
    complete_run(&world).await;
    assert_gone(&world, &before, &[]);
    assert_eq!(deletion_calls(&world), 0);

    // A query that has nothing to ask for holds the resource.
    let faulty = changed(entry(BUCKET), "/port/entity/mappings/identifier", query("$identifier", ".Properties.Arm"));
    world.set_mapping(mapping_of([entry(ACCOUNT), faulty]));
    let run = troubled_run(&world).await;
    assert_all_stay(&world, &before, &run);
    assert_says(&run, &["identifier.rules.0.value", "gave nothing to compare with"]);
}

#[tokio::test]
async fn relations_and_teams_by_query_are_searched_in_every_run() {
    let world = world_with(one_member(), &[ACCOUNT]).await;
    let logs = alpha(&world).create_bucket("logs", &[]).await;
    put_service(&world, "web", &logs);
    let team = json!({"blueprint": "_team", "identifier": "sea", "properties": {"bucket": logs}});
    world.port.put_entity("Port/UI", team);
    let relation = json!({"services": {"title": "Services", "target": "service", "required": false, "many": true}});
    world.port.put_blueprint(blueprint("storage", &[], relation));
    let mappings = json!({
        "identifier": ".Properties.BucketName", "blueprint": "\"storage\"", "team": query("bucket", ".Properties.BucketName"),
        "relations": {"services": query("bucket", ".Properties.BucketName")},
    });
    let storage = json!({"kind": BUCKET, "selector": {"query": "true"}, "port": {"entity": {"mappings": mappings}}});
    world.set_mapping(mapping_of([entry(ACCOUNT), storage]));

    let key = ("storage".to_owned(), logs.clone());
    let first = complete_run(&world).await;
    assert_eq!(first[&key]["relations"], json!({"services": ["web"]}));
    assert_eq!(first[&key]["team"], json!(["sea"]));

    put_service(&world, "mobile", &logs);
    let second = complete_run(&world).await;
    assert_eq!(second[&key]["relations"], json!({"services": ["mobile", "web"]}));

    alpha(&world).delete_bucket(&logs).await;
    complete_run(&world).await;
    assert_gone(&world, &second, &[key]);
}

#[tokio::test]
async fn keys_that_mean_nothing_are_named_and_change_nothing() {
    let world = world_with(one_member(), &[ACCOUNT, BUCKET]).await;
    alpha(&world).create_bucket("logs", &[]).await;
    let before = complete_run(&world).await;

    world.clear_calls().await;
    let misspelt = changed(entry(BUCKET), "/selector/regionPolcy", json!({"deny": ["us-east-1"]}));
    let misspelt = changed(misspelt, "/selector/includeActions", json!(["GetBucketTagingAction"]));
    let document = mapping_of([entry(ACCOUNT), misspelt]);
    world.set_mapping(changed(document, "/deleteDependentEntites", json!(true)));
    let run = world.resync().await;

    assert_eq!(run.summary["outcome"], "completed", "{:#}", run.summary);
    assert_eq!(world.port.entities(), before);
    assert_eq!(world.port.call_counts().get(UPSERT), None, "nothing changed");
    let warnings: Vec<&str> =
        run.summary["mappingWarnings"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    assert_eq!(warnings.len(), 3, "{warnings:#?}");
    for (warning, words) in warnings.iter().zip([
        "the mapping: the key \"deleteDependentEntites\" has no effect",
        "resources[1].selector: the key \"regionPolcy\" has no effect",
        "\"GetBucketTagingAction\" has no effect; AWS::S3::Bucket has ",
    ]) {
        assert!(warning.contains(words), "{warning}");
    }
    let logged = world.scheduler.log_lines();
    assert_eq!(logged.iter().filter(|line| line.contains("mapping warning")).count(), 3, "once per run");
}
