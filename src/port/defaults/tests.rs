//! Every default on raw resources as AWS gives them: one in which every member is set, and a sparse one.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::*;
use crate::kinds::KINDS;
use crate::kinds::fields::Form;
use crate::mapping::jq::Input;
use crate::mapping::{Entity, Mapped, Mapping, MappingNotes};

const ACCOUNT: &str = "123456789012";
const REGION: &str = "eu-west-1";
/// What the raw resources have wherever somebody could have put a secret.
const SECRET: &str = "hush-hush";
/// AWS itself makes their identifiers unique over all accounts and regions.
const UNIQUE_BY_THEMSELVES: [&str; 5] = [
    "AWS::S3::Bucket",
    "AWS::EC2::Instance",
    "AWS::EC2::Volume",
    "AWS::CodePipeline::PipelineExecution",
    "AWS::CodePipeline::ActionExecution",
];
/// Port's documentation: the types and formats of properties.
const TYPES: [&str; 5] = ["string", "number", "boolean", "object", "array"];
const FORMATS: [&str; 2] = ["date-time", "url"];

fn settings(set: &str, management_role: &str) -> Settings {
    let variables = [
        ("PORTOLAN_QUEUE_URL", "https://sqs.eu-west-1.amazonaws.com/1/q"),
        ("PORTOLAN_DEAD_LETTER_QUEUE_URL", "https://sqs.eu-west-1.amazonaws.com/1/d"),
        ("PORTOLAN_STATE_BUCKET", "state"),
        ("PORTOLAN_PORT_SECRET_ARN", "arn:aws:secretsmanager:eu-west-1:1:secret:port"),
        ("PORTOLAN_DEFAULT_RESOURCES", set),
        ("OCEAN__INTEGRATION__CONFIG__ACCOUNT_ROLE_ARN", management_role),
    ];
    Settings::from_variables(variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into()).unwrap()
}

/// The kinds of a set as they are installed where Port refuses nothing.
fn set(name: &str, management_role: &str) -> Vec<DefaultKind> {
    let mut there = BTreeSet::new();
    let mut kinds = kinds_of(&settings(name, management_role)).unwrap();
    for kind in &mut kinds {
        kind.keep_relations_to(&there);
        there.insert(kind.identifier().to_owned());
    }
    kinds
}

fn everything() -> Vec<DefaultKind> {
    set("all", "arn:aws:iam::123456789012:role/PortOceanReadRole")
}

fn names(members: &Value) -> BTreeSet<&str> {
    members.as_object().into_iter().flat_map(|members| members.keys()).map(String::as_str).collect()
}

fn expressions<'a>(kind: &'a DefaultKind, group: &str) -> &'a Value {
    &kind.mapping["port"]["entity"]["mappings"][group]
}

/// `full` or `sparse`.
fn raw(kind: &str, which: &str) -> Value {
    let files = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/support/raw");
    for file in std::fs::read_dir(files).unwrap() {
        let resources: Value = serde_json::from_slice(&std::fs::read(file.unwrap().path()).unwrap()).unwrap();
        if resources[which]["Type"] == kind {
            return resources[which].clone();
        }
    }
    panic!("there is no raw resource of {kind}");
}

fn map(kind: &DefaultKind, raw: &Value) -> (Entity, MappingNotes) {
    let mapping = Mapping::parse(&json!({"resources": [kind.mapping]})).unwrap();
    let mut notes = MappingNotes::default();
    let mut all = Vec::new();
    mapping.entries[0].map_all(&Input::new(raw), &mut notes, |mapped| all.push(mapped));
    match all.pop() {
        Some(Mapped::Entity(entity)) if all.is_empty() => (*entity, notes),
        other => panic!("{}: {all:?} {other:?}", kind.name()),
    }
}

#[test]
fn every_set_relates_to_what_comes_before_and_has_nothing_disabled() {
    let role = "arn:aws:iam::123456789012:role/PortOceanReadRole";
    for (name, management_role, expected) in
        [("core", role, 5), ("core", "", 5), ("all", role, 33), ("all", "", 32), ("none", role, 0)]
    {
        let kinds = set(name, management_role);
        assert_eq!(kinds.len(), expected, "{name} {management_role}");
        let mut known = BTreeSet::new();
        for kind in &kinds {
            assert!(known.insert(kind.identifier()), "{}", kind.identifier());
            for relation in kind.blueprint["relations"].as_object().unwrap().values() {
                assert!(known.contains(relation["target"].as_str().unwrap()), "{} {relation}", kind.name());
            }
            assert_eq!(names(&kind.blueprint["relations"]), names(expressions(kind, "relations")), "{}", kind.name());
        }
        if expected > 0 {
            let mapping = Mapping::parse(&mapping_of(&kinds)).unwrap();
            assert_eq!(mapping.disabled, []);
            assert_eq!(mapping.entries.len(), expected);
        }
    }
    let accounts = everything().into_iter().find(|kind| kind.identifier() == "awsAccount").unwrap();
    assert_eq!(names(&accounts.blueprint["relations"]), BTreeSet::from(["organizationsAccount"]));
}

#[test]
fn there_is_one_for_every_kind_and_what_it_asks_for_exists() {
    let all = all_kinds().unwrap();
    let defaults: BTreeSet<&str> = all.iter().map(DefaultKind::name).collect();
    assert_eq!(defaults, KINDS.iter().map(|kind| kind.name).collect());
    for kind in all {
        let mapping = Mapping::parse(&json!({"resources": [kind.mapping]})).unwrap();
        assert_eq!(mapping.warnings, Vec::<String>::new(), "{}", kind.name());
        // An option that does not exist would be ignored.
        let understood = &mapping.entries[0].options.include_actions;
        let written = kind.mapping["selector"]["includeActions"].as_array().map_or(0, Vec::len);
        assert_eq!(understood.len(), written, "{}", kind.name());
        let bound = mapping.entries[0].options.history.most_days.is_some();
        assert_eq!(bound, mapping.entries[0].kind.is_history(), "{}", kind.name());
    }
}

#[test]
fn blueprints_have_what_the_mapping_fills_and_nothing_else() {
    for kind in all_kinds().unwrap() {
        let (blueprint, name) = (&kind.blueprint, kind.name());
        let properties = &blueprint["schema"]["properties"];
        assert_eq!(names(properties), names(expressions(&kind, "properties")), "{name}");
        assert_eq!(names(&blueprint["relations"]), names(expressions(&kind, "relations")), "{name}");
        assert!(names(properties).is_disjoint(&names(&blueprint["relations"])), "{name}");
        assert_eq!(expressions(&kind, "blueprint"), &json!(format!("\"{}\"", kind.identifier())));
        assert_eq!(blueprint["schema"]["required"], json!([]), "{name}");
        for text in [&blueprint["title"], &blueprint["icon"]] {
            assert!(text.as_str().is_some_and(|text| !text.is_empty()), "{name}");
        }
        for (property, definition) in properties.as_object().unwrap() {
            assert!(definition["title"].is_string(), "{name} {property}");
            assert!(TYPES.contains(&definition["type"].as_str().unwrap()), "{name} {property}");
            let format = definition.get("format").and_then(Value::as_str);
            assert!(format.is_none_or(|format| FORMATS.contains(&format)), "{name} {property}");
        }
    }
}

#[test]
fn the_raw_resources_have_what_the_kinds_give() {
    for kind in KINDS {
        let stated: BTreeSet<&str> = kind.fields.iter().map(|(name, _)| *name).collect();
        for which in ["full", "sparse"] {
            let raw = raw(kind.name, which);
            let unstated: Vec<&str> = names(&raw["Properties"]).difference(&stated).copied().collect();
            assert_eq!(unstated, Vec::<&str>::new(), "{} {which}", kind.name);
        }
    }
}

#[test]
fn a_property_that_is_a_member_has_the_type_of_the_member() {
    for kind in all_kinds().unwrap() {
        let native = KINDS.iter().find(|native| native.name == kind.name()).unwrap();
        let fields: BTreeMap<&str, Form> = native.fields.iter().copied().collect();
        for (property, expression) in expressions(&kind, "properties").as_object().into_iter().flatten() {
            let member = expression.as_str().and_then(|text| text.strip_prefix(".Properties."));
            let Some(form) = member.and_then(|member| fields.get(member)) else { continue };
            let expected = match form {
                Form::Text | Form::Document => json!(["string", null, null]),
                Form::Time => json!(["string", "date-time", null]),
                Form::Integer | Form::Number => json!(["number", null, null]),
                Form::Boolean => json!(["boolean", null, null]),
                Form::Object => json!(["object", null, null]),
                Form::Texts => json!(["array", null, "string"]),
                Form::Objects => json!(["array", null, "object"]),
            };
            let definition = &kind.blueprint["schema"]["properties"][property];
            let format = definition.get("format").filter(|format| *format != "url");
            assert_eq!(
                json!([definition["type"], format, definition["items"]["type"]]),
                expected,
                "{} {property}",
                kind.name()
            );
        }
    }
}

#[test]
fn a_resource_with_all_members_fills_every_field_as_the_blueprint_has_it() {
    for kind in everything() {
        let raw = raw(kind.name(), "full");
        let (entity, notes) = map(&kind, &raw);
        let problems: BTreeMap<_, _> =
            notes.fields.iter().filter(|(_, note)| !note.has_value || note.failure.is_some()).collect();
        assert!(problems.is_empty(), "{}: {problems:#?}", kind.name());
        assert!(entity.body["title"].as_str().is_some_and(|title| !title.is_empty()), "{}", kind.name());
        let schema = json!({
            "type": "object",
            "properties": kind.blueprint["schema"]["properties"],
            "additionalProperties": false,
        });
        let validator = jsonschema::draft202012::options()
            .should_validate_formats(true)
            .with_format("url", |text: &str| text.starts_with("https://"))
            .build(&schema)
            .unwrap();
        let properties = entity.body.get("properties").cloned().unwrap_or_else(|| json!({}));
        let errors: Vec<String> =
            validator.iter_errors(&properties).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert_eq!(errors, Vec::<String>::new(), "{}", kind.name());
        for (name, relation) in kind.blueprint["relations"].as_object().unwrap() {
            assert_eq!(entity.body["relations"][name].is_array(), relation["many"] == true, "{} {name}", kind.name());
        }
    }
}

#[test]
fn a_sparse_resource_fails_no_expression() {
    for kind in everything() {
        let (_, notes) = map(&kind, &raw(kind.name(), "sparse"));
        let failed: BTreeMap<_, _> = notes.fields.iter().filter(|(_, note)| note.failure.is_some()).collect();
        assert!(failed.is_empty(), "{}: {failed:#?}", kind.name());
    }
}

#[test]
fn relations_lead_to_the_identifiers_that_the_other_kinds_make() {
    let kinds = everything();
    let mut identifiers: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for kind in &kinds {
        for which in ["full", "sparse"] {
            let (entity, _) = map(kind, &raw(kind.name(), which));
            let key = entity.key().unwrap();
            identifiers.entry(key.blueprint.to_string()).or_default().insert(key.identifier.to_string());
        }
    }
    for kind in &kinds {
        for which in ["full", "sparse"] {
            let (entity, _) = map(kind, &raw(kind.name(), which));
            for relation in &entity.relates_to {
                let target = kind.blueprint["relations"][relation.name.as_str()]["target"].as_str().unwrap();
                let known = &identifiers[target];
                assert!(
                    known.contains(relation.identifier.as_str()),
                    "{} {relation:?} is none of {known:?}",
                    kind.name()
                );
            }
        }
    }
}

#[test]
fn identifiers_differ_over_accounts_and_regions() {
    for kind in everything().iter().filter(|kind| !UNIQUE_BY_THEMSELVES.contains(&kind.name())) {
        let text = raw(kind.name(), "full").to_string();
        let in_place = |account: &str, region: &str| {
            let raw = text.replace(ACCOUNT, account).replace(REGION, region);
            map(kind, &serde_json::from_str(&raw).unwrap()).0.key().unwrap().identifier.clone()
        };
        let here = in_place(ACCOUNT, REGION);
        assert_ne!(here, in_place("210987654321", REGION), "{}", kind.name());
        if kinds::find(kind.name()).unwrap().scope() == Scope::Regional {
            assert_ne!(here, in_place(ACCOUNT, "us-west-2"), "{}", kind.name());
        }
    }
}

#[test]
fn arns_that_are_put_together_are_of_their_partition() {
    for (region, partition) in [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")] {
        for (name, path, expected) in [
            ("AWS::EC2::Volume", "/properties/arn", "ec2:REGION:123456789012:volume/vol-049df61146c4d7901"),
            ("AWS::CodePipeline::PipelineExecution", "/relations/pipeline", "codepipeline:REGION:123456789012:release"),
        ] {
            let kind = everything().into_iter().find(|kind| kind.name() == name).unwrap();
            let raw = raw(name, "full").to_string().replace(REGION, region);
            let (entity, _) = map(&kind, &serde_json::from_str(&raw).unwrap());
            let expected = format!("arn:{partition}:{}", expected.replace("REGION", region));
            assert_eq!(entity.body.pointer(path), Some(&json!(expected)));
        }
    }
}

#[test]
fn environment_variables_stay_in_aws() {
    let mut with_secrets = 0;
    for kind in everything() {
        let raw = raw(kind.name(), "full");
        with_secrets += usize::from(raw.to_string().contains(SECRET));
        let (entity, _) = map(&kind, &raw);
        assert!(!entity.body.to_string().contains(SECRET), "{}", kind.name());
    }
    assert_eq!(with_secrets, 8);
}

#[test]
fn a_relation_to_a_refused_blueprint_is_left_out_of_blueprint_and_mapping() {
    let mut service = everything().into_iter().find(|kind| kind.identifier() == "ecsService").unwrap();
    service.keep_relations_to(&BTreeSet::from(["awsAccount".to_owned(), "ecsTaskDefinition".to_owned()]));
    let expected = BTreeSet::from(["account", "ecsTaskDefinition"]);
    assert_eq!(names(&service.blueprint["relations"]), expected);
    assert_eq!(names(expressions(&service, "relations")), expected);
}
