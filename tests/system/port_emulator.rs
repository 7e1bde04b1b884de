//! The Port emulator itself: what the other tests take for granted of it.

use std::time::Duration;

use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::support::port::{Fault, PortEmulator, RefusedItem};

const EXPORTER: &str = "port-ocean/portolan/1.0.0/production/exporter";
const BULK: &str = "POST /blueprints/{blueprint}/entities/bulk";
const UPSERT: &str = "upsert=true&merge=true&create_missing_related_entities=false";

/// A minimal client, which sends whatever a test wants.
struct Caller {
    client: Client,
    base: String,
    token: String,
    user_agent: String,
}

impl Caller {
    async fn sign_in(port: &PortEmulator) -> Self {
        let client = Client::new();
        let base = port.base_url();
        let credentials = json!({"clientId": "portolan-id", "clientSecret": "portolan-secret"});
        let url = format!("{base}/v1/auth/access_token");
        let response = client.post(url).json(&credentials).send().await.unwrap();
        let body: Value = response.json().await.unwrap();
        let token = format!("{} {}", body["tokenType"].as_str().unwrap(), body["accessToken"].as_str().unwrap());
        Self { client, base, token, user_agent: EXPORTER.to_owned() }
    }

    async fn try_send(&self, method: Method, path: &str, body: Option<Value>) -> reqwest::Result<Response> {
        let request = self.client.request(method, format!("{}{path}", self.base));
        let request = request.header("authorization", &self.token).header("user-agent", &self.user_agent);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        request.send().await
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        read(self.try_send(Method::GET, path, None).await.unwrap()).await
    }

    async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        read(self.try_send(Method::POST, path, Some(body)).await.unwrap()).await
    }

    async fn patch(&self, path: &str, body: Value) -> (StatusCode, Value) {
        read(self.try_send(Method::PATCH, path, Some(body)).await.unwrap()).await
    }

    async fn upsert(&self, blueprint: &str, query: &str, entities: Value) -> (StatusCode, Value) {
        let path = format!("/v1/blueprints/{blueprint}/entities/bulk?{query}");
        self.post(&path, json!({"entities": entities})).await
    }

    async fn delete(&self, blueprint: &str, identifiers: &[&str], delete_dependents: bool) -> (StatusCode, Value) {
        let path = format!("/v1/blueprints/{blueprint}/bulk/entities/delete?delete_dependents={delete_dependents}");
        self.post(&path, json!({"entities": identifiers})).await
    }
}

async fn read(response: Response) -> (StatusCode, Value) {
    (response.status(), response.json().await.unwrap())
}

/// `account` ← required — `bucket` ← optional, many — `trail`.
async fn port_with_blueprints() -> PortEmulator {
    let port = PortEmulator::start().await;
    port.put_blueprint(json!({
        "identifier": "account", "title": "Account",
        "schema": {"properties": {"email": {"type": "string", "format": "email"}}},
    }));
    port.put_blueprint(json!({
        "identifier": "bucket", "title": "Bucket",
        "schema": {
            "properties": {
                "region": {"type": "string", "enum": ["eu-west-1", "us-east-1"]},
                "created": {"type": "string", "format": "date-time"},
                "link": {"type": "string", "format": "url"},
                "versioned": {"type": "boolean"},
                "objects": {"type": "number"},
                "tags": {"type": "object"},
            },
            "required": [],
        },
        "relations": {"account": {"target": "account", "required": true, "many": false}},
    }));
    port.put_blueprint(json!({
        "identifier": "trail", "title": "Trail",
        "schema": {"properties": {}},
        "relations": {"buckets": {"target": "bucket", "required": false, "many": true}},
    }));
    port
}

fn put(port: &PortEmulator, blueprint: &str, identifier: &str, relations: Value) {
    let entity = json!({"blueprint": blueprint, "identifier": identifier, "relations": relations});
    port.put_entity(EXPORTER, entity);
}

fn identifiers(port: &PortEmulator) -> Vec<String> {
    port.entities().into_keys().map(|(_, identifier)| identifier).collect()
}

#[tokio::test]
async fn tokens_are_demanded_shared_and_expire() {
    let port = PortEmulator::start().await;
    let wrong = json!({"clientId": "portolan-id", "clientSecret": "guess"});
    let url = format!("{}/v1/auth/access_token", port.base_url());
    let (status, body) = read(Client::new().post(url).json(&wrong).send().await.unwrap()).await;
    assert_eq!((status, &body["ok"]), (StatusCode::UNAUTHORIZED, &json!(false)));

    let url = format!("{}/v1/organization", port.base_url());
    let without_token = Client::new().get(url).send().await.unwrap();
    assert_eq!(without_token.status(), StatusCode::UNAUTHORIZED);

    let caller = Caller::sign_in(&port).await;
    let (status, body) = caller.get("/v1/organization").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body["organization"]["id"], "org_portolan");
    assert_eq!(Caller::sign_in(&port).await.token, caller.token);

    port.advance_clock(Duration::from_secs(10_801));
    assert_eq!(caller.get("/v1/organization").await.0, StatusCode::UNAUTHORIZED);
    let renewed = Caller::sign_in(&port).await;
    assert_ne!(renewed.token, caller.token);
    assert_eq!(renewed.get("/v1/organization").await.0, StatusCode::OK);
    port.revoke_tokens();
    assert_eq!(renewed.get("/v1/organization").await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(port.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn breaking_the_published_schema_is_refused_and_remembered() {
    let port = port_with_blueprints().await;
    let caller = Caller::sign_in(&port).await;
    let with_identifier = |identifier: &str| json!([{"identifier": identifier, "properties": {}}]);
    let too_many: Vec<Value> = (0..21).map(|number| json!({"identifier": number.to_string()})).collect();
    let refused = [
        (UPSERT, with_identifier("a name")),
        (UPSERT, with_identifier("..")),
        (UPSERT, with_identifier(&"x".repeat(1001))),
        (UPSERT, json!([{"identifier": "a", "title": null}])),
        (UPSERT, json!([{"identifier": "a", "relations": {"account": 7}}])),
        (UPSERT, json!([])),
        (UPSERT, json!(too_many)),
        ("merge=true", with_identifier("a")),
        ("upsert=yes", with_identifier("a")),
    ];
    for (query, entities) in refused {
        port.clear_violations();
        let (status, body) = caller.upsert("account", query, entities).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{query} {body}");
        assert_eq!(body["error"], "invalid_request");
        assert_eq!(port.violations().len(), 1);
    }
    assert_eq!(identifiers(&port), Vec::<String>::new());

    port.clear_violations();
    let (status, _) = caller.upsert("account", UPSERT, with_identifier("arn:aws:s3:::Ünïcode/a=b\\c@_.+-")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(port.violations(), Vec::<String>::new());

    assert_eq!(caller.get("/v1/no/such/route").await.0, StatusCode::NOT_FOUND);
    let (status, _) =
        caller.upsert("account", "upsert=true&ocean_info_resync_id=1&create_misssing=true", with_identifier("a")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        port.violations(),
        ["GET /v1/no/such/route: no such route".to_owned(), format!("{BULK}: unknown query parameter create_misssing")]
    );
}

#[tokio::test]
async fn each_item_of_a_bulk_stands_for_itself() {
    let port = port_with_blueprints().await;
    let caller = Caller::sign_in(&port).await;
    put(&port, "account", "123", json!({}));
    let bucket = |identifier: &str, properties: Value| json!({"identifier": identifier, "blueprint": "bucket", "properties": properties, "relations": {"account": "123"}});
    let good = json!({
        "region": "eu-west-1", "created": "2024-05-01T10:00:00Z", "link": "https://example.com/b",
        "versioned": true, "objects": 12.5, "tags": {"a": "b"},
    });
    let entities = json!([
        bucket("good", good),
        bucket("type", json!({"versioned": "yes"})),
        bucket("enum", json!({"region": "mars"})),
        bucket("moment", json!({"created": "yesterday"})),
        bucket("url", json!({"link": "no link"})),
        bucket("unknown-property", json!({"colour": "red"})),
        {"identifier": "elsewhere", "blueprint": "account"},
        {"identifier": "no-account", "properties": {}},
        {"identifier": "list", "relations": {"account": ["123"]}},
        {"identifier": "unknown-relation", "relations": {"account": "123", "owner": "me"}},
        {"identifier": "gone", "relations": {"account": "999"}},
        bucket("also-good", json!({})),
    ]);
    let (status, body) = caller.upsert("bucket", UPSERT, entities).await;
    assert_eq!(status, StatusCode::MULTI_STATUS);
    let written = json!([
        {"index": 0, "identifier": "good", "created": true},
        {"index": 11, "identifier": "also-good", "created": true},
    ]);
    assert_eq!(body["entities"], written);
    let errors = body["errors"].as_array().unwrap();
    let statuses: Vec<(u64, u64)> =
        errors.iter().map(|error| (error["index"].as_u64().unwrap(), error["statusCode"].as_u64().unwrap())).collect();
    let expected: Vec<(u64, u64)> = (1..=9).map(|index| (index, 422)).chain([(10, 404)]).collect();
    assert_eq!(statuses, expected);
    assert_eq!(errors[9]["error"], "not_found");
    assert_eq!(identifiers(&port), ["123", "also-good", "good"]);

    let (status, body) = caller.upsert("bucket", UPSERT, json!([bucket("good", json!({"objects": null}))])).await;
    assert_eq!((status, &body["entities"][0]["created"]), (StatusCode::OK, &json!(false)));
    let properties = port.entity("bucket", "good").unwrap()["properties"].clone();
    assert_eq!((properties.get("objects"), &properties["versioned"]), (None, &json!(true)));

    let replace = "upsert=true&merge=false";
    caller.upsert("bucket", replace, json!([bucket("good", json!({"objects": 1}))])).await;
    assert_eq!(port.entity("bucket", "good").unwrap()["properties"], json!({"objects": 1}));
    assert_eq!(port.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn missing_related_entities_are_created_on_demand() {
    let port = port_with_blueprints().await;
    let caller = Caller::sign_in(&port).await;
    let entities = json!([{"identifier": "b", "relations": {"account": "123"}}]);
    let (status, body) = caller.upsert("bucket", UPSERT, entities.clone()).await;
    assert_eq!(status, StatusCode::MULTI_STATUS);
    assert_eq!((&body["errors"][0]["statusCode"], &body["errors"][0]["error"]), (&json!(404), &json!("not_found")));

    let query = "upsert=true&merge=true&create_missing_related_entities=true";
    assert_eq!(caller.upsert("bucket", query, entities).await.0, StatusCode::OK);
    let account = port.entity("account", "123").unwrap();
    assert_eq!((&account["properties"], &account["$datasource"]), (&json!({}), &json!(EXPORTER)));
    assert_eq!(port.entity("bucket", "b").unwrap()["relations"]["account"], "123");
}

#[tokio::test]
async fn identifiers_and_relations_may_be_search_queries() {
    let port = port_with_blueprints().await;
    let caller = Caller::sign_in(&port).await;
    let account = json!({"blueprint": "account", "identifier": "123", "properties": {"email": "a@example.com"}});
    port.put_entity(EXPORTER, account);
    let by_email =
        |email: &str| json!({"combinator": "and", "rules": [{"property": "email", "operator": "=", "value": email}]});
    let entities = json!([
        {"identifier": "b", "relations": {"account": by_email("a@example.com")}},
        {"identifier": by_email("nobody@example.com"), "relations": {}},
    ]);
    let (status, body) = caller.upsert("bucket", UPSERT, entities).await;
    assert_eq!(status, StatusCode::MULTI_STATUS);
    assert_eq!(port.entity("bucket", "b").unwrap()["relations"]["account"], "123");
    assert_eq!((&body["errors"][0]["index"], &body["errors"][0]["identifier"]), (&json!(1), &json!("unknown")));
    let renamed = json!([{"identifier": by_email("a@example.com"), "title": "Found"}]);
    let (_, body) = caller.upsert("account", UPSERT, renamed).await;
    assert_eq!(body["entities"][0], json!({"index": 0, "identifier": "123", "created": false}));
    assert_eq!(port.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn search_queries_have_their_limits() {
    let port = port_with_blueprints().await;
    let caller = Caller::sign_in(&port).await;
    for number in 0..101 {
        let tags = json!({"tags": {"number": number}});
        let bucket = json!({"blueprint": "bucket", "identifier": format!("bucket-{number}"), "properties": tags});
        port.put_entity(EXPORTER, bucket);
    }
    port.put_entity(EXPORTER, json!({"blueprint": "_team", "identifier": "sea", "title": "Sea"}));
    let rule = |property: &str, operator: &str, value: Value| json!({"property": property, "operator": operator, "value": value});
    let all_of = |rules: Value| json!({"combinator": "and", "rules": rules});
    let any_of = |rules: Value| json!({"combinator": "or", "rules": rules});
    let found = |operator: &str, value: Value| all_of(json!([rule("$identifier", operator, value)]));

    // An identifier query finds exactly one, or nothing is written.
    let before = identifiers(&port);
    let refused = json!([
        {"identifier": found("in", json!(["bucket-1", "bucket-2"])), "title": "x"},
        {"identifier": found("=", json!("bucket-999")), "title": "x"},
        {"identifier": found("contains", json!("bucket-1")), "title": "x"},
        {"identifier": all_of(json!([any_of(json!([rule("$identifier", "containsAny", json!(["bucket-1"]))]))])), "title": "x"},
    ]);
    let (_, body) = caller.upsert("bucket", UPSERT, refused).await;
    let errors: Vec<(u64, &str)> = body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["statusCode"].as_u64().unwrap(), error["identifier"].as_str().unwrap()))
        .collect();
    assert_eq!(errors, [(422, "unknown"), (404, "unknown"), (422, "unknown"), (422, "unknown")]);
    assert_eq!(identifiers(&port), before);

    // A relation's query finds at most 100; a team's query searches teams.
    let trail = |identifier: &str, query: Value| json!({"identifier": identifier, "relations": {"buckets": query}, "team": all_of(json!([rule("$title", "=", json!("Sea"))]))});
    let entities = json!([
        trail("all", found("contains", json!("bucket-"))),
        trail("some", found("containsAny", json!(["bucket-10"]))),
        trail("listed", found("in", json!(["bucket-1", "bucket-2", "gone"]))),
        trail(
            "nested",
            all_of(json!([any_of(json!([
                rule("$identifier", "=", json!("bucket-1")),
                rule("$identifier", "=", json!("bucket-3"))
            ]))]))
        ),
        trail("none", found("=", json!("gone"))),
    ]);
    let (_, body) = caller.upsert("trail", UPSERT, entities).await;
    assert_eq!((body["errors"].as_array().unwrap().len(), &body["errors"][0]["index"]), (1, &json!(0)), "{body:#}");
    for (identifier, buckets) in [
        ("some", json!(["bucket-10", "bucket-100"])),
        ("listed", json!(["bucket-1", "bucket-2"])),
        ("nested", json!(["bucket-1", "bucket-3"])),
        ("none", json!([])),
    ] {
        let trail = port.entity("trail", identifier).unwrap();
        assert_eq!((&trail["relations"]["buckets"], &trail["team"]), (&buckets, &json!(["sea"])), "{identifier}");
    }
    assert_eq!(port.violations(), Vec::<String>::new());

    // What is no query by the schema spoils the whole request.
    for query in [
        json!({"combinator": null, "rules": []}),
        json!({"combinator": "and"}),
        all_of(json!([rule("p", "like", json!("x"))])),
        all_of(json!([rule("p", "in", json!("x"))])),
        all_of(json!([{"property": "p", "operator": "="}])),
        all_of(json!([rule("p", "=", json!(true))])),
    ] {
        port.clear_violations();
        let (status, _) = caller.upsert("bucket", UPSERT, json!([{"identifier": query}, {"identifier": "good"}])).await;
        assert_eq!((status, port.violations().len()), (StatusCode::UNPROCESSABLE_ENTITY, 1), "{query}");
    }
}

#[tokio::test]
async fn deletion_stops_at_a_dependent_or_takes_it_along() {
    let port = port_with_blueprints().await;
    let caller = Caller::sign_in(&port).await;
    put(&port, "account", "123", json!({}));
    put(&port, "account", "456", json!({}));
    put(&port, "bucket", "b", json!({"account": "123"}));
    put(&port, "bucket", "c", json!({"account": "456"}));
    put(&port, "trail", "t", json!({"buckets": ["b", "c"]}));

    let (status, body) = caller.delete("account", &["456", "123"], false).await;
    assert_eq!((status, &body["error"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("has_dependents")));
    assert_eq!(port.entities().len(), 5);

    let (status, body) = caller.delete("account", &["123", "never-was"], true).await;
    assert_eq!((status, &body["deletedEntities"]), (StatusCode::OK, &json!(["123"])));
    assert_eq!(identifiers(&port), ["456", "c", "t"]);
    assert_eq!(port.entity("trail", "t").unwrap()["relations"]["buckets"], json!(["c"]));

    let path = "/v1/blueprints/bucket/entities/c?delete_dependents=false";
    let deleted = caller.try_send(Method::DELETE, path, None).await.unwrap();
    assert_eq!(deleted.status(), StatusCode::OK);
    let again = caller.try_send(Method::DELETE, path, None).await.unwrap();
    assert_eq!(again.status(), StatusCode::NOT_FOUND);
    assert_eq!(port.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_lost_answer_has_happened_and_a_cut_connection_has_not() {
    let port = port_with_blueprints().await;
    let caller = Caller::sign_in(&port).await;
    port.fail(Fault::lose_answer(BULK));
    port.fail(Fault::disconnect(BULK).of_blueprint("account"));
    let path = format!("/v1/blueprints/account/entities/bulk?{UPSERT}");
    let body = |identifier: &str| Some(json!({"entities": [{"identifier": identifier}]}));
    assert!(caller.try_send(Method::POST, &path, body("lost")).await.is_err());
    assert!(caller.try_send(Method::POST, &path, body("cut")).await.is_err());
    assert!(caller.try_send(Method::POST, &path, body("calm")).await.is_ok());
    assert_eq!(identifiers(&port), ["calm", "lost"]);
    let calls: Vec<_> = port.calls().into_iter().map(|call| (call.items, call.status)).collect();
    assert_eq!(calls, [(0, Some(200)), (1, None), (1, None), (1, Some(200))]);
    assert_eq!(port.call_counts()[BULK], 3);
}

#[tokio::test]
async fn faults_answer_refuse_forget_and_delay() {
    let port = port_with_blueprints().await;
    let caller = Caller::sign_in(&port).await;
    let entities = json!([{"identifier": "a"}, {"identifier": "b"}, {"identifier": "c"}]);
    port.fail(Fault::answer(BULK, 503, "unavailable", "try later").after(1).times(2));
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(caller.upsert("account", UPSERT, entities.clone()).await.0.as_u16());
    }
    assert_eq!(statuses, [200, 503, 503, 200]);

    port.fail(Fault::rate_limited(BULK, &[("retry-after", "7"), ("x-ratelimit-remaining", "0")]));
    let path = format!("/v1/blueprints/account/entities/bulk?{UPSERT}");
    let limited = caller.try_send(Method::POST, &path, Some(json!({"entities": entities}))).await.unwrap();
    assert_eq!(limited.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(
        (&limited.headers()["retry-after"], &limited.headers()["x-ratelimit-remaining"]),
        (&"7".parse().unwrap(), &"0".parse().unwrap())
    );

    let refused = RefusedItem {
        identifier: "b".to_owned(),
        status: 409,
        error: "conflict".to_owned(),
        message: "written by somebody else".to_owned(),
    };
    port.fail(Fault::refuse_items(vec![refused]));
    let (status, body) = caller.upsert("account", UPSERT, entities.clone()).await;
    assert_eq!((status, body["entities"].as_array().unwrap().len()), (StatusCode::MULTI_STATUS, 2));
    assert_eq!((&body["errors"][0]["index"], &body["errors"][0]["statusCode"]), (&json!(1), &json!(409)));

    port.fail(Fault::forget(&["c"]));
    let (_, body) = caller.upsert("account", UPSERT, entities.clone()).await;
    assert_eq!((body["entities"].as_array().unwrap().len(), &body["errors"]), (2, &json!([])));

    port.fail(Fault::delay(BULK, Duration::from_secs(60)).for_ever());
    let too_late = caller.upsert("account", UPSERT, json!([{"identifier": "late"}]));
    assert!(tokio::time::timeout(Duration::from_millis(100), too_late).await.is_err());
    port.clear_faults();
    port.fail(Fault::slow_answer(BULK, Duration::from_secs(60)));
    let slow = caller.upsert("account", UPSERT, json!([{"identifier": "slow"}]));
    assert!(tokio::time::timeout(Duration::from_millis(300), slow).await.is_err());
    assert_eq!(identifiers(&port), ["a", "b", "c", "slow"]);
}

#[tokio::test]
async fn bodies_over_one_mebibyte_are_refused() {
    let port = port_with_blueprints().await;
    let caller = Caller::sign_in(&port).await;
    let of_size = |size: usize| {
        let empty = json!({"entities": [{"identifier": "a", "title": ""}]}).to_string().len();
        json!([{"identifier": "a", "title": "x".repeat(size - empty)}])
    };
    assert_eq!(caller.upsert("account", UPSERT, of_size(1_048_576)).await.0, StatusCode::OK);
    assert_eq!(caller.upsert("account", UPSERT, of_size(1_048_577)).await.0, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn the_rate_limit_is_told_and_held() {
    let port = PortEmulator::start().await;
    let caller = Caller::sign_in(&port).await;
    port.set_rate_limit(2, 60);
    let mut seen = Vec::new();
    for _ in 0..3 {
        let response = caller.try_send(Method::GET, "/v1/organization", None).await.unwrap();
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        assert!(!header("x-trace-id").is_empty());
        assert_eq!((header("x-ratelimit-period"), header("x-ratelimit-limit")), ("60".to_owned(), "2".to_owned()));
        assert!(header("x-ratelimit-reset").parse::<u64>().unwrap() > 1_700_000_000);
        seen.push((response.status().as_u16(), header("x-ratelimit-remaining")));
    }
    assert_eq!(seen, [(200, "1".to_owned()), (200, "0".to_owned()), (429, "0".to_owned())]);
    port.advance_clock(Duration::from_secs(61));
    assert_eq!(caller.get("/v1/organization").await.0, StatusCode::OK);
}

#[tokio::test]
async fn own_entities_come_in_pages_that_stay_right() {
    let port = port_with_blueprints().await;
    let caller = Caller::sign_in(&port).await;
    for number in 0..7 {
        put(&port, "account", &format!("own-{number}"), json!({}));
    }
    port.put_entity(
        "port-ocean/portolan/1.0.0/staging/exporter",
        json!({"blueprint": "account", "identifier": "foreign"}),
    );
    port.put_entity("Port/UI", json!({"blueprint": "account", "identifier": "by-hand"}));
    port.put_entity(
        "port-ocean/portolan/0.9.0/production/exporter",
        json!({"blueprint": "account", "identifier": "older-version", "$updatedAt": "2020-01-01T00:00:00Z"}),
    );
    port.set_page_limit(3);

    let list = async |more: Value| {
        let mut body = json!({"datasource_prefix": "port-ocean/portolan/", "datasource_suffix": "/production/exporter", "limit": 5000});
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        caller.post("/v1/blueprints/entities/datasource-entities", body).await.1
    };
    let first = list(json!({})).await;
    assert_eq!(first["entities"][0], json!({"identifier": "older-version", "blueprint": "account"}));
    port.delete_entity("account", "own-0");
    let second = list(json!({"from": first["next"]})).await;
    let third = list(json!({"from": second["next"]})).await;
    assert_eq!(third["next"], Value::Null);
    let pages = [first, second, third];
    let listed = pages.iter().flat_map(|page| page["entities"].as_array().unwrap());
    let listed: Vec<&str> = listed.map(|entity| entity["identifier"].as_str().unwrap()).collect();
    assert_eq!(listed, ["older-version", "own-0", "own-1", "own-2", "own-3", "own-4", "own-5", "own-6"]);

    let old = list(json!({"before": "2021-01-01T00:00:00+02:00"})).await;
    assert_eq!(old["entities"].as_array().unwrap().len(), 1);
    assert_eq!(port.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn the_last_writer_is_the_data_source() {
    let port = port_with_blueprints().await;
    let mut caller = Caller::sign_in(&port).await;
    port.put_entity("Port/UI", json!({"blueprint": "account", "identifier": "123", "title": "By hand"}));
    let before = port.entity("account", "123").unwrap();
    caller.upsert("account", UPSERT, json!([{"identifier": "123"}])).await;
    let taken = port.entity("account", "123").unwrap();
    assert_eq!((&taken["$datasource"], &taken["title"]), (&json!(EXPORTER), &json!("By hand")));
    assert_ne!(taken["$updatedAt"], before["$updatedAt"]);
    assert_eq!(taken["$createdAt"], before["$createdAt"]);
    caller.user_agent = "another".to_owned();
    caller.upsert("account", UPSERT, json!([{"identifier": "123"}])).await;
    let lost = port.entity("account", "123").unwrap();
    assert_eq!(lost["$datasource"], "another");
    assert_ne!(lost["$updatedAt"], taken["$updatedAt"]);
}

#[tokio::test]
async fn an_outage_keeps_the_state() {
    let mut port = port_with_blueprints().await;
    let caller = Caller::sign_in(&port).await;
    put(&port, "account", "123", json!({}));
    let url = port.base_url();
    port.stop().await;
    let ask = || caller.try_send(Method::GET, "/v1/blueprints/account", None);
    // The first may still go out on the connection that broke.
    assert!(ask().await.is_err());
    let error = ask().await.unwrap_err();
    assert!(error.is_connect(), "{error:?}");
    port.restart().await;
    assert_eq!(port.base_url(), url);
    let (status, body) = caller.get("/v1/blueprints/account/entities/123").await;
    assert_eq!((status, &body["entity"]["identifier"]), (StatusCode::OK, &json!("123")));
}

#[tokio::test]
async fn searches_filter_include_and_page() {
    let port = port_with_blueprints().await;
    let caller = Caller::sign_in(&port).await;
    for (identifier, region) in [("a", "eu-west-1"), ("b", "us-east-1"), ("c", "eu-west-1")] {
        let entity = json!({"blueprint": "bucket", "identifier": identifier, "properties": {"region": region, "objects": 1}, "relations": {"account": "123"}});
        port.put_entity(EXPORTER, entity);
    }
    port.put_entity(
        "Port/UI",
        json!({"blueprint": "bucket", "identifier": "d", "properties": {"region": "eu-west-1"}}),
    );
    let query = json!({"combinator": "and", "rules": [
        {"property": "$blueprint", "operator": "=", "value": "bucket"},
        {"property": "$identifier", "operator": "in", "value": ["a", "b", "d"]},
        {"combinator": "or", "rules": [
            {"property": "$datasource", "operator": "contains", "value": "/production/"},
            {"property": "$title", "operator": "isNotEmpty"},
        ]},
        {"property": "region", "operator": "!=", "value": "us-east-1"},
    ]});
    let path = "/v1/entities/search?exclude_calculated_properties=true&include=identifier&include=blueprint&include=properties.region&include=relations.account";
    let (status, body) = caller.post(path, query).await;
    assert_eq!(status, StatusCode::OK);
    let expected = json!([{"identifier": "a", "blueprint": "bucket", "properties": {"region": "eu-west-1"}, "relations": {"account": "123"}}]);
    assert_eq!(body["entities"], expected);

    port.set_unset_properties_as_null(true);
    let (_, body) = caller.get("/v1/blueprints/bucket/entities/d").await;
    assert_eq!(body["entity"]["properties"].get("objects"), Some(&Value::Null));

    let mut found = Vec::new();
    let mut request = json!({"limit": 2, "include": ["$identifier", "region", "account"], "query": {"combinator": "and", "rules": [
        {"property": "region", "operator": "beginsWith", "value": "eu-"},
    ]}});
    loop {
        let (_, body) = caller.post("/v1/blueprints/bucket/entities/search", request.clone()).await;
        found.extend(body["entities"].as_array().unwrap().iter().map(|entity| entity["identifier"].clone()));
        let Some(next) = body.get("next") else {
            break;
        };
        request["from"] = next.clone();
    }
    assert_eq!(found, ["a", "c", "d"]);
    assert_eq!(port.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn blueprints_are_kept_within_their_rules() {
    let port = port_with_blueprints().await;
    let caller = Caller::sign_in(&port).await;
    let queue =
        json!({"identifier": "team/queue", "title": "Queue", "schema": {"properties": {"depth": {"type": "number"}}}});
    let (status, body) = caller.post("/v1/blueprints", queue.clone()).await;
    assert_eq!((status, &body["blueprint"]["relations"]), (StatusCode::CREATED, &json!({})));
    assert_eq!(caller.post("/v1/blueprints", queue).await.0, StatusCode::CONFLICT);
    assert_eq!(caller.get("/v1/blueprints/team%2Fqueue").await.0, StatusCode::OK);

    let dangling = json!({"relations": {"vpc": {"target": "vpc", "required": false, "many": false}}});
    assert_eq!(caller.patch("/v1/blueprints/team%2Fqueue", dangling).await.0, StatusCode::NOT_FOUND);
    let retyped = json!({"schema": {"properties": {"depth": {"type": "string"}}}});
    assert_eq!(caller.patch("/v1/blueprints/team%2Fqueue", retyped).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let (status, body) = caller.patch("/v1/blueprints/team%2Fqueue", json!({"title": "Queues"})).await;
    assert_eq!(
        (status, &body["blueprint"]["schema"]["properties"]["depth"]["type"]),
        (StatusCode::OK, &json!("number"))
    );
    let needed = caller.try_send(Method::DELETE, "/v1/blueprints/account", None).await.unwrap();
    assert_eq!(needed.status(), StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(port.blueprints()["team/queue"]["title"], "Queues");
    assert_eq!(port.violations(), Vec::<String>::new());
}

fn kind_record(kind_identifier: &str, kind: &str, index: u64) -> Value {
    json!({
        "integrationType": "portolan", "installationType": "OnPrem", "executionMode": "single_process",
        "integrationIdentifier": "production", "integrationVersion": "1.0.0", "oceanVersion": "0.48.12",
        "kindIdentifier": kind_identifier, "kind": kind, "kindIndex": index,
        "eventId": "6f1c1f7e-52b5-4a55-9d1f-0d4b36a0a1f4", "syncState": "completed", "blueprint": "\"bucket\"",
        "metrics": {"phase": {
            "extract": {"object_count_type": {"raw_extracted": {"object_count": 3}, "failed": {"object_count": 0}}},
            "resync": {"duration_seconds": 1.5, "success": 1},
        }},
    })
}

#[tokio::test]
async fn an_integration_lives_through_a_resync() {
    let port = PortEmulator::start().await;
    let caller = Caller::sign_in(&port).await;
    let (status, body) = caller.get("/v1/integration/production").await;
    assert_eq!((status, &body["error"]), (StatusCode::NOT_FOUND, &json!("not_found")));
    let record = json!({
        "installationId": "production", "installationAppType": "portolan", "version": "1.0.0",
        "changelogDestination": {}, "config": {"resources": []},
    });
    let (status, body) = caller.post("/v1/integration", record.clone()).await;
    assert_eq!((status, &body["integration"]["installationType"]), (StatusCode::CREATED, &json!("OnPrem")));
    assert_eq!(caller.post("/v1/integration", record.clone()).await.0, StatusCode::CONFLICT);
    let ingest = body["integration"]["metricAttributes"]["ingestUrl"].as_str().unwrap();
    let ingest = ingest.strip_prefix(&port.base_url()).unwrap();

    let (_, body) = caller.get("/v1/integration/production/resync-request").await;
    assert_eq!(body["request"], Value::Null);
    let running = json!({"status": "running", "lastResyncStart": "2026-01-01T00:00:00Z", "lastResyncEnd": null, "nextResync": null, "intervalInMinuets": 60});
    assert_eq!(caller.patch("/v1/integration/production/resync-state", running).await.0, StatusCode::OK);
    let records = json!({"syncKindsMetrics": [kind_record("AWS::S3::Bucket-0", "AWS::S3::Bucket", 0), kind_record("__runtime__", "__runtime__", 0)]});
    assert_eq!(caller.post(&format!("{ingest}/syncMetrics"), records).await.0, StatusCode::OK);
    let kind = kind_record("AWS::S3::Bucket-0", "AWS::S3::Bucket", 0);
    let event = kind["eventId"].as_str().unwrap();
    let path = format!("{ingest}/syncMetrics/resync/{event}/kind/AWS%3A%3AS3%3A%3ABucket-0");
    let put = caller.try_send(Method::PUT, &path, Some(json!({"syncKindMetrics": kind}))).await.unwrap();
    assert_eq!(put.status(), StatusCode::OK);
    assert_eq!(caller.post(&format!("{ingest}/heartbeat"), json!({"eventId": event})).await.0, StatusCode::OK);
    assert_eq!((port.metrics().len(), port.heartbeats(), port.resync_states().len()), (3, vec![event.to_owned()], 1));

    let (_, body) = caller.get("/v1/integration/production/resync-request").await;
    assert!(body["request"]["updatedAt"].is_string(), "a state that does not ask to be skipped is a request");
    let of_state = port.resync_request("production");
    port.set_mapping("production", json!({"resources": [], "enableMergeEntity": false}));
    let saved = port.resync_request("production");
    assert_ne!(saved, of_state, "a saved mapping is a request");
    let patch = json!({"processingMode": "ocean-core", "title": null});
    let (_, body) = caller.patch("/v1/integration/production", patch).await;
    assert_eq!(
        (&body["integration"]["processingMode"], &body["integration"]["config"]["enableMergeEntity"]),
        (&json!("ocean-core"), &json!(false))
    );
    let own = port.resync_request("production");
    assert_ne!(own, saved, "writing the record is a request");
    let (path, config) = ("/v1/integration/production/config", json!({"config": {"resources": []}}));
    let quiet = caller.client.patch(format!("{}{path}", caller.base)).header("authorization", &caller.token);
    let quiet = quiet.header("x-skip-resync", "true").json(&config).send().await;
    assert_eq!(quiet.unwrap().status(), StatusCode::OK);
    assert_eq!(port.resync_request("production"), own);
    assert_eq!(caller.patch(path, config).await.0, StatusCode::OK);
    assert_ne!(port.resync_request("production"), own);
    assert_eq!(port.violations(), Vec::<String>::new());

    let misspelt = json!({"status": "completed", "intervalInMinutes": 60});
    assert_eq!(
        caller.patch("/v1/integration/production/resync-state", misspelt).await.0,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let mut upper_case = record;
    upper_case["installationId"] = json!("Production");
    assert_eq!(caller.post("/v1/integration", upper_case).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    let unknown_count = json!({"syncKindsMetrics": [{"metrics": {"phase": {"extract": {"objects": 1}}}}]});
    assert_eq!(caller.post(&format!("{ingest}/syncMetrics"), unknown_count).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(port.violations().len(), 3);
}

#[tokio::test]
async fn no_request_breaks_it() {
    let port = port_with_blueprints().await;
    let caller = Caller::sign_in(&port).await;
    put(&port, "account", "account", json!({}));
    port.put_integration(json!({"installationId": "account"}));
    let item =
        json!({"identifier": {"rules": 1}, "properties": [], "relations": {"account": {}}, "schema": 1, "target": []});
    let bodies = [
        None,
        Some(json!(null)),
        Some(json!(7)),
        Some(json!("text")),
        Some(json!([[]])),
        Some(json!({})),
        Some(item.clone()),
        Some(
            json!({"entities": [item, 1, null], "rules": [1], "combinator": "or", "config": 1, "identifier": "account"}),
        ),
        Some(
            json!({"identifier": "new", "title": "New", "schema": {"properties": {"a": {"type": "string", "pattern": "("}}}}),
        ),
    ];
    for route in PortEmulator::route_names() {
        let (method, template) = route.split_once(' ').unwrap();
        let segments = template.split('/').map(|segment| if segment.starts_with('{') { "account" } else { segment });
        let path = segments.collect::<Vec<_>>().join("/");
        let version = if path.starts_with("/ingest") { "" } else { "/v1" };
        for query in
            ["", "?upsert=true&merge=true", "?delete_dependents=false", "?include=team.0&include=identifier.x&&=%FF"]
        {
            for body in &bodies {
                let method = method.parse().unwrap();
                let answer = caller.try_send(method, &format!("{version}{path}{query}"), body.clone()).await;
                assert!(answer.is_ok(), "{route}{query} {body:?}");
            }
        }
    }
    let violations = port.violations();
    let own_faults: Vec<_> = violations.iter().filter(|violation| violation.contains("own answer")).collect();
    assert!(own_faults.is_empty(), "{own_faults:?}");
    let not_json = caller.client.post(format!("{}/v1/blueprints", port.base_url()));
    let not_json = not_json.header("authorization", &caller.token).header("content-type", "application/json");
    assert_eq!(not_json.body("{").send().await.unwrap().status(), StatusCode::BAD_REQUEST);
}
