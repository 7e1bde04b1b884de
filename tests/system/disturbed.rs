//! An organization that changes from run to run while something goes wrong, and what must hold of its catalog.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::small::{DELETE, REGION, TOPIC, calls_of, dead_letters, mapping_of, small_plan};
use crate::support::port::{Credentials, EntityKey, PortEmulator};
use crate::support::world::World;

const ACCOUNT: &str = "AWS::Account::Info";
const MEMBERS: [&str; 2] = ["alpha", "beta"];
const BLUEPRINT: &str = "snsTopic";
/// In each member, from the beginning on.
const FIRST_TOPICS: usize = 3;
/// Of the emulated Port, and of the one that a clean run fills.
const ORGANIZATION: &str = "org_portolan";
const CLEAN_ORGANIZATION: &str = "org_clean";

/// Numbers that look random and are the same for the same seed (SplitMix64).
pub struct Random(u64);

impl Random {
    /// From a variable, or a new one. The seed is printed: with it a story can be told again, as far as two processes
    /// that run at the same time do the same again.
    pub fn from_environment() -> Self {
        let seed = number_from_environment("PORTOLAN_SEED").unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0);
        println!("PORTOLAN_SEED={seed}");
        Self(seed)
    }

    /// A number from 1 to `most`.
    pub fn up_to(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % most + 1
    }

    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.up_to(choices.len() as u64) as usize - 1]
    }
}

pub fn number_from_environment(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} is `{value}`, which is no number")))
}

/// Two members, one region, two kinds; and the topics there are.
pub struct Disturbed {
    pub world: World,
    topics: BTreeMap<String, &'static str>,
    created: usize,
    /// Entities that Port had, whose resources exist, and that are no longer there.
    pub lost: BTreeSet<String>,
    /// Entities that were deleted although their resources exist.
    pub wrongly_deleted: BTreeSet<String>,
}

impl Disturbed {
    /// An organization whose catalog is complete.
    pub async fn create() -> Self {
        let mut world = World::create_empty(small_plan().member(MEMBERS[1], ""), &[]).await;
        world.install_catalog(mapping_of(&[ACCOUNT, TOPIC]));
        let mut disturbed = Self {
            world,
            topics: BTreeMap::new(),
            created: 0,
            lost: BTreeSet::new(),
            wrongly_deleted: BTreeSet::new(),
        };
        for member in MEMBERS {
            for _ in 0..FIRST_TOPICS {
                disturbed.create_topic(member).await;
            }
        }
        disturbed.world.resync().await;
        disturbed.world.clear_calls().await;
        disturbed
    }

    async fn create_topic(&mut self, member: &'static str) {
        self.created += 1;
        let name = format!("topic-{}", self.created);
        let topic = self.world.organization.place(member, REGION).create_topic(&name, &[]).await;
        self.topics.insert(topic, member);
    }

    /// In each member a topic comes; of all topics one goes, and one changes.
    pub async fn change(&mut self, random: &mut Random) {
        for member in MEMBERS {
            self.create_topic(member).await;
        }
        let topics: Vec<String> = self.topics.keys().cloned().collect();
        let changed = &topics[random.up_to(topics.len() as u64) as usize - 1];
        let place = self.world.organization.place(self.topics[changed], REGION);
        let name = format!("changed after {}", self.created);
        let order = json!({"TopicArn": changed, "AttributeName": "DisplayName", "AttributeValue": name});
        place.call("sns", "set_topic_attributes", order).await;
        let deleted = &topics[random.up_to(topics.len() as u64) as usize - 1];
        self.world.organization.place(self.topics[deleted], REGION).delete_topic(deleted).await;
        self.topics.remove(deleted);
    }

    /// Looks at what the last run did to entities that should be there, and forgets its calls.
    pub async fn look(&mut self, before: &BTreeMap<EntityKey, Value>) {
        let after = self.world.port.entities();
        for topic in self.topics.keys() {
            let key = (BLUEPRINT.to_owned(), topic.clone());
            if before.contains_key(&key) && !after.contains_key(&key) {
                self.lost.insert(topic.clone());
            }
        }
        for call in calls_of(&self.world, DELETE) {
            let deleted = call.json()["entities"].as_array().cloned().unwrap_or_default();
            let deleted = deleted.iter().filter_map(Value::as_str);
            self.wrongly_deleted.extend(deleted.filter(|topic| self.topics.contains_key(*topic)).map(str::to_owned));
        }
        self.world.clear_calls().await;
    }

    /// After a quiet run everything is as if there had never been any other: the catalog is what AWS has, catalog and
    /// ledgers are those of an installation that was never disturbed, nobody was asked to look at a message, and
    /// another run sends nothing.
    pub async fn assert_undisturbed(mut self) {
        assert_eq!(self.lost, BTreeSet::new(), "lost from Port");
        assert_eq!(self.wrongly_deleted, BTreeSet::new(), "deleted although they exist");
        self.world.redeploy(&[]).await;
        let quiet = self.world.resync().await;
        assert_eq!(quiet.summary["outcome"], "completed", "{:#}", quiet.summary);
        let topics: Vec<String> = self.topics.keys().cloned().collect();
        assert_eq!(self.world.catalog().get(BLUEPRINT), Some(&topics));
        assert_eq!(dead_letters(&self.world).await, BTreeMap::new());
        assert_eq!(self.world.port.violations(), Vec::<String>::new());

        self.world.clear_calls().await;
        let next = self.world.resync().await;
        assert_eq!(next.summary["outcome"], "completed", "{:#}", next.summary);
        assert_eq!(self.world.writes_to_port(), 0, "a run after which nothing changed sends something");

        let catalog = contents(&self.world);
        let ledgers = ledgers_of(&self.world, ORGANIZATION).await;
        let clean = self.into_clean_installation().await;
        assert_eq!(catalog, contents(&clean));
        assert_eq!(ledgers, ledgers_of(&clean, CLEAN_ORGANIZATION).await);
    }

    /// The same organization in AWS, read in one run into a new Port.
    async fn into_clean_installation(self) -> World {
        let mut world = self.world;
        let credentials =
            Credentials { client_id: "portolan-id".to_owned(), client_secret: "portolan-secret".to_owned() };
        world.port = PortEmulator::start_with(credentials, CLEAN_ORGANIZATION).await;
        world.install_catalog(mapping_of(&[ACCOUNT, TOPIC]));
        world.redeploy(&[]).await;
        let run = world.resync().await;
        assert_eq!(run.summary["outcome"], "completed", "{:#}", run.summary);
        world
    }
}

/// The catalog without the times at which its entities were written.
fn contents(world: &World) -> BTreeMap<EntityKey, Value> {
    let mut entities = world.port.entities();
    for entity in entities.values_mut().filter_map(Value::as_object_mut) {
        entity.retain(|field, _| !["$createdAt", "$updatedAt"].contains(&field.as_str()));
    }
    entities
}

/// What the ledgers of an installation say, without the first lines, which name their writers.
async fn ledgers_of(world: &World, port_organization: &str) -> BTreeMap<String, String> {
    let mut ledgers = BTreeMap::new();
    for key in world.organization.state_keys(&format!("state/{port_organization}/")).await {
        let Some((_, target)) = key.split_once("/ledgers/") else {
            continue;
        };
        let bytes = world.organization.read_state(&key).await.unwrap_or_default();
        let text = String::from_utf8(bytes).expect("a ledger is text");
        let (_, content) = text.split_once('\n').expect("a ledger has a first line");
        ledgers.insert(target.to_owned(), content.to_owned());
    }
    ledgers
}
