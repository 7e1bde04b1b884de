//! One sweep by itself, over the seams in memory: ledgers, done marks and Port as a test wants them, in which nothing
//! goes wrong by chance.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Context;

use async_trait::async_trait;
use futures::task::noop_waker;
use portolan::config::{DefaultResources, IntegrationSettings};
use portolan::ledger::{EntityHash, Entry, Ledger, Ledgers, Relation, State};
use portolan::message::{Message, Step};
use portolan::run::{
    Current, DoneMark, Known, Pass, Phase, Place, Plan, PlannedAccount, RunId, Strategy, Summary, UnitReport,
    UnrememberedLedgers, claim, load_current, mark_begun_ledger, read_json, set_phase, write_json,
};
use portolan::seams::{Clock, Condition, EntityKey, Queue, Store};
use portolan::target::{AccountId, Target};
use portolan::work::Worker;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::catalog::{MemoryCatalog, ORGANIZATION, Record};
use super::chaos::{Chaos, turn};
use super::clock::SimulatedClock;
use super::cloud::SimulatedCloud;
use super::queue::MemoryQueue;
use super::run_plan::plan_over;
use super::store::MemoryStore;
use super::world::{ACCOUNT, BUCKET, MODEL_KINDS, MappingSpec, QUEUE, REGIONS, World};

/// A sweep that takes more invocations than this never ends.
const MOST_INVOCATIONS: usize = 5000;
/// What passes each time that the time is asked for.
const TICK_MILLISECONDS: i64 = 100;

pub struct Bench {
    pub store: MemoryStore,
    pub catalog: MemoryCatalog,
    queue: MemoryQueue,
    clock: Arc<TickingClock>,
    worker: Worker,
    /// Another process, for invocations that are under way at the same time.
    other: Worker,
    world: Arc<Mutex<World>>,
    pub place: Place,
    pub plan: Plan,
    pub document: Value,
}

/// Where an invocation was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    There,
    /// It had come to its end before.
    NotAnyMore,
    NoSuchInvocation,
}

/// Time that passes whenever somebody looks at it.
struct TickingClock {
    start: OffsetDateTime,
    ticks: AtomicI64,
}

impl TickingClock {
    fn advance(&self, duration: Duration) {
        let ticks = duration.whole_milliseconds() / i128::from(TICK_MILLISECONDS) + 1;
        self.ticks.fetch_add(i64::try_from(ticks).expect("a delay of the queue"), Ordering::SeqCst);
    }
}

#[async_trait]
impl Clock for TickingClock {
    fn now(&self) -> OffsetDateTime {
        let ticks = self.ticks.fetch_add(1, Ordering::SeqCst);
        self.start + Duration::milliseconds(ticks * TICK_MILLISECONDS)
    }

    async fn sleep(&self, duration: std::time::Duration) {
        let end = self.now() + duration;
        while self.now() < end {
            turn().await;
        }
    }
}

/// The number of an account as its id.
pub fn account(number: usize) -> AccountId {
    format!("{number:012}").parse().expect("twelve digits")
}

pub fn global(number: usize) -> Target {
    Target::Global { account: account(number) }
}

/// That Port accepted some content.
pub fn sent(version: u64) -> State {
    State::Sent(EntityHash::of(&json!(version), true))
}

/// That a listing of the run no longer had the resource.
pub fn stale(run: &RunId) -> State {
    State::Stale(run.clone())
}

/// The entities that lines of a journal name.
pub fn names(lines: &[Value]) -> Vec<String> {
    lines.iter().map(|line| format!("{} {}", line["blueprint"], line["identifier"])).collect()
}

pub fn bucket(name: &str) -> EntityKey {
    EntityKey { blueprint: BUCKET.blueprint.into(), identifier: name.into() }
}

impl Bench {
    /// An incremental run of so many accounts, of which each has its global kinds and the queues of one region.
    pub fn new(accounts: usize) -> Self {
        let chaos = Chaos::new(&[]);
        let simulated = SimulatedClock::new();
        let clock = Arc::new(TickingClock { start: simulated.now(), ticks: AtomicI64::new(0) });
        let store = MemoryStore::new(chaos.clone());
        let queue = MemoryQueue::new(simulated, chaos.clone());
        let catalog = MemoryCatalog::with_pages_of(5000, chaos.clone());
        // No account of the benches is in it, unless a test puts it there: whoever asks for one finds it gone.
        let world = Arc::new(Mutex::new(World::new()));
        let integration = IntegrationSettings {
            kind: "aws-v3".to_owned(),
            identifier: "model".to_owned(),
            default_resources: DefaultResources::None,
        };
        let worker = || {
            Worker::new(
                integration.clone(),
                Arc::new(SimulatedCloud { world: world.clone(), chaos: chaos.clone() }),
                Arc::new(catalog.clone()),
                Arc::new(store.clone()),
                Arc::new(queue.clone()),
                clock.clone(),
            )
        };
        let (worker, other) = (worker(), worker());
        let place = Place::new(ORGANIZATION, "aws-v3", "model");
        let plan = plan(clock.start, (1..=accounts).map(account));
        let document = MappingSpec::whole().document();
        Self { store, catalog, queue, clock, worker, other, world, place, plan, document }
    }

    /// The same state, for another run.
    pub fn next_run(&mut self, change: impl FnOnce(&mut Plan)) {
        let accounts: Vec<AccountId> = self.plan.accounts.keys().cloned().collect();
        self.plan = Plan { epoch: self.plan.epoch + 1, ..plan(self.clock.start, accounts.into_iter()) };
        change(&mut self.plan);
    }

    pub async fn put_ledger(
        &self,
        target: &Target,
        entries: impl IntoIterator<Item = (&'static str, EntityKey, State)>,
    ) {
        let ledgers = Ledgers { store: &self.store, place: &self.place };
        let mut file = ledgers.load(target).await.expect("no chaos");
        file.ledger = Ledger::default();
        for (kind, entity, state) in entries {
            let resource = entity.identifier.to_string();
            file.ledger.record(kind, &resource, Entry { entity, relates_to: Box::default(), state });
        }
        ledgers.save(&mut file).await.expect("no chaos");
    }

    /// Lets everything in a ledger relate to an account's entity.
    pub async fn relate_to_account(&self, target: &Target, account: &EntityKey) {
        let ledgers = Ledgers { store: &self.store, place: &self.place };
        let mut file = ledgers.load(target).await.expect("no chaos");
        for (.., entry) in file.ledger.entries_mut() {
            entry.relates_to = Box::new([Relation { name: "account".into(), identifier: account.identifier.clone() }]);
        }
        ledgers.save(&mut file).await.expect("no chaos");
    }

    /// Whether a ledger says that there may be claims which it does not know.
    pub async fn may_lack_claims(&self, target: &Target) -> bool {
        let ledgers = Ledgers { store: &self.store, place: &self.place };
        ledgers.load(target).await.expect("no chaos").ledger.claims_incomplete
    }

    /// The entities of a ledger with their states.
    pub async fn ledger(&self, target: &Target) -> BTreeMap<EntityKey, State> {
        let ledgers = Ledgers { store: &self.store, place: &self.place };
        let file = ledgers.load(target).await.expect("no chaos");
        file.ledger.entries().map(|(_, _, entry)| (entry.entity.clone(), entry.state.clone())).collect()
    }

    /// Puts entities of ours into Port.
    pub fn put_into_port(&self, entities: impl IntoIterator<Item = EntityKey>) {
        let mut state = self.catalog.lock();
        for entity in entities {
            state.entities.insert(entity, Record { body: json!({}), is_ours: true });
        }
    }

    /// Puts an entity of somebody else into Port.
    pub fn put_of_others(&self, entity: EntityKey, body: Value) {
        self.catalog.lock().entities.insert(entity, Record { body, is_ours: false });
    }

    /// What a target left for the sweep to send again.
    pub async fn put_deferred(&self, target: &Target, items: &Value) {
        let key = self.place.deferred(&self.plan.run, Pass::First, target);
        write_json(&self.store, &key, items, Condition::Always).await.expect("no chaos");
    }

    pub fn is_in_port(&self, entity: &EntityKey) -> bool {
        self.catalog.lock().entities.contains_key(entity)
    }

    pub fn is_owned(&self) -> BTreeSet<EntityKey> {
        let state = self.catalog.lock();
        state.entities.iter().filter(|(_, record)| record.is_ours).map(|(key, _)| key.clone()).collect()
    }

    pub async fn put_known(&self, strategy: Strategy) {
        let ledgers = Ledgers { store: &self.store, place: &self.place };
        let targets = ledgers.targets().await.expect("no chaos");
        let known = Known { written_by: None, strategy: Some(strategy), ledgers: targets.into_iter().collect() };
        write_json(&self.store, &self.place.known(), &known, Condition::Always).await.expect("no chaos");
    }

    pub async fn known(&self) -> Known {
        read_json(&self.store, &self.place.known()).await.expect("no chaos").expect("known").0
    }

    pub async fn put_plan(&self) {
        let previous = load_current(&self.store, &self.place).await.expect("no chaos").map(|(current, _)| current);
        let unremembered = UnrememberedLedgers::before(&self.store, &self.place, previous.as_ref()).await;
        let plan = Plan { unremembered: unremembered.expect("no chaos"), ..self.plan.clone() };
        let key = self.place.plan(&plan.run);
        write_json(&self.store, &key, &plan, Condition::Always).await.expect("no chaos");
    }

    /// Makes the run the current one, with a complete report of every unit, but for what is changed of it.
    pub async fn begin(&self, change: impl Fn(&Target, &mut UnitReport)) {
        self.begin_unread().await;
        let run = &self.plan.run;
        for target in &self.plan.targets {
            let is_regional = target.region().is_some();
            let kinds = MODEL_KINDS.iter().filter(|kind| kind.is_regional == is_regional);
            let mut units: Vec<UnitReport> = kinds.map(|kind| UnitReport::new(kind.name)).collect();
            units.iter_mut().for_each(|unit| change(target, unit));
            if units.iter().any(UnitReport::gave_entities) {
                mark_begun_ledger(&self.store, &self.place, run, target).await.expect("no chaos");
            }
            let mark = DoneMark { target: target.clone(), units, failure: None };
            let key = self.place.done_mark(run, Pass::First, target);
            write_json(&self.store, &key, &mark, Condition::Always).await.expect("no chaos");
        }
    }

    /// Makes the run the current one. Nothing of it was read.
    pub async fn begin_unread(&self) {
        let run = &self.plan.run;
        self.put_plan().await;
        write_json(&self.store, &self.place.mapping(run), &self.document, Condition::Always).await.expect("no chaos");
        let previous = load_current(&self.store, &self.place).await.expect("no chaos");
        let current = Current {
            epoch: self.plan.epoch,
            run: run.clone(),
            mode: self.plan.mode,
            phase: Phase::Running,
            pass: Pass::First,
            started: self.plan.started,
            deadline: self.plan.deadline,
            scheduled_time: None,
            answered: None,
        };
        claim(&self.store, &self.place, &current, previous.map(|(_, version)| version)).await.expect("no chaos");
        // What the model forbids to delete is nothing here: the tests look for themselves.
        self.catalog.lock().sweeping.insert(run.clone(), BTreeMap::new());
    }

    /// Lets a worker read a target.
    pub async fn read(&self, target: &Target) {
        let message = Message::of_run(&self.plan, Step::Sync { target: target.clone() });
        self.queue.send(vec![message.to_body()], std::time::Duration::ZERO).await.expect("no chaos");
        self.work_on_all(1_000_000).await;
    }

    /// Sweeps in invocations of so many seconds. Gives how many there were.
    pub async fn sweep(&self, seconds: i64) -> usize {
        self.send_sweep().await;
        self.work_on_all(seconds).await
    }

    async fn send_sweep(&self) {
        let message = Message::of_run(&self.plan, Step::Sweep { polls: 0 });
        self.queue.send(vec![message.to_body()], std::time::Duration::ZERO).await.expect("no chaos");
    }

    async fn work_on_all(&self, seconds: i64) -> usize {
        let mut invocations = 0;
        while self.work_on_one(seconds).await {
            invocations += 1;
            assert!(invocations < MOST_INVOCATIONS, "the sweep does not end");
        }
        invocations
    }

    /// Whether there was anything to work on.
    async fn work_on_one(&self, seconds: i64) -> bool {
        let Some(delivery) = self.queue.receive() else { return false };
        let event = serde_json::from_value(delivery.event()).expect("an event");
        let deadline = self.clock.now() + Duration::seconds(seconds);
        let response = self.worker.handle(event, deadline).await;
        assert!(response.batch_item_failures.is_empty(), "the sweep fails");
        self.queue.remove(&delivery);
        self.clock.advance(self.queue.skip_delays());
        true
    }

    /// Sweeps in one invocation, which dies after so many turns. Tells whether it had come to its end before.
    pub async fn sweep_and_die(&self, turns: usize) -> bool {
        self.send_sweep().await;
        let delivery = self.queue.receive().expect("the message of the sweep");
        let event = serde_json::from_value(delivery.event()).expect("an event");
        let mut dying = Box::pin(self.worker.handle(event, self.clock.now() + Duration::seconds(1_000_000)));
        let waker = noop_waker();
        (0..turns).any(|_| dying.as_mut().poll(&mut Context::from_waker(&waker)).is_ready())
    }

    /// Sweeps, and stops one of the invocations after so many turns. Its message comes again, and others go on; after
    /// so many of them the one that was stopped goes on too, or it dies.
    pub async fn sweep_with_one_stopped(
        &self,
        invocation: usize,
        turns: usize,
        goes_on_after: Option<usize>,
    ) -> Stopped {
        self.send_sweep().await;
        for _ in 0..invocation {
            self.work_on_one(1_000_000).await;
        }
        let Some(delivery) = self.queue.receive() else { return Stopped::NoSuchInvocation };
        let event = serde_json::from_value(delivery.event()).expect("an event");
        let mut stopped = Box::pin(self.other.handle(event, self.clock.now() + Duration::seconds(1_000_000)));
        let waker = noop_waker();
        for _ in 0..turns {
            if stopped.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
                self.queue.remove(&delivery);
                self.work_on_all(1_000_000).await;
                return Stopped::NotAnyMore;
            }
        }
        self.queue.expire_one();
        if let Some(others) = goes_on_after {
            for _ in 0..others {
                self.work_on_one(1_000_000).await;
            }
            stopped.await;
        }
        self.work_on_all(1_000_000).await;
        Stopped::There
    }

    /// Sweeps, where targets may fail: their messages come again until they are given up.
    pub async fn sweep_with_failures(&self) -> usize {
        self.send_sweep().await;
        let mut invocations = 0;
        loop {
            while let Some(delivery) = self.queue.receive() {
                invocations += 1;
                assert!(invocations < MOST_INVOCATIONS, "the sweep does not end");
                let event = serde_json::from_value(delivery.event()).expect("an event");
                let response = self.worker.handle(event, self.clock.now() + Duration::seconds(1_000_000)).await;
                if response.batch_item_failures.is_empty() {
                    self.queue.remove(&delivery);
                }
                self.clock.advance(self.queue.skip_delays());
            }
            if self.queue.next_visible().is_none() {
                return invocations;
            }
            self.queue.expire_one();
        }
    }

    /// Makes an account one that can be read, with these buckets.
    pub fn put_into_aws(&self, number: usize, buckets: &[&str]) {
        let mut world = self.world.lock().expect("one thread");
        world.accounts.entry(account(number)).or_default();
        for name in buckets {
            world.set(&BUCKET, &global(number), name);
        }
    }

    pub async fn set_phase(&self, phase: Phase) {
        let (current, version) = load_current(&self.store, &self.place).await.expect("no chaos").expect("a run");
        set_phase(&self.store, &self.place, &current, version, phase).await.expect("no chaos");
    }

    pub async fn phase(&self) -> Phase {
        load_current(&self.store, &self.place).await.expect("no chaos").expect("a run").0.phase
    }

    /// Begins, and sweeps in one invocation.
    pub async fn run(&self) -> Summary {
        self.begin(|_, _| {}).await;
        self.sweep(1_000_000).await;
        self.summary().await
    }

    pub async fn summary(&self) -> Summary {
        let found = read_json(&self.store, &self.place.summary(&self.plan.run)).await;
        found.expect("no chaos").expect("the run has ended").0
    }

    /// All lines of the run's journal.
    pub async fn journal(&self) -> Vec<Value> {
        let mut lines = Vec::new();
        for key in self.store.keys(&format!("{}/journal/", self.plan.run)) {
            let object = self.store.get(&key).await.expect("no chaos").expect("it was listed");
            let of_chunk: Vec<Value> = serde_json::from_slice(&object.bytes).expect("a journal is a list");
            lines.extend(of_chunk);
        }
        lines
    }
}

fn plan(now: OffsetDateTime, accounts: impl Iterator<Item = AccountId>) -> Plan {
    let planned = PlannedAccount {
        name: String::new(),
        role: None,
        enabled_regions: REGIONS.iter().map(|region| (*region).to_owned()).collect(),
        disabled_regions: Vec::new(),
        changing_regions: Vec::new(),
    };
    let accounts: BTreeMap<AccountId, PlannedAccount> = accounts.map(|account| (account, planned.clone())).collect();
    let globals = accounts.keys().map(|account| Target::Global { account: account.clone() });
    let regions =
        accounts.keys().map(|account| Target::Region { account: account.clone(), region: REGIONS[0].to_owned() });
    let targets = globals.chain(regions).collect();
    Plan { port_organization: ORGANIZATION.to_owned(), targets, ..plan_over(now, accounts) }
}

/// Names of kinds, so that tests need not know the model.
pub const ACCOUNT_KIND: &str = ACCOUNT.name;
pub const BUCKET_KIND: &str = BUCKET.name;
pub const QUEUE_KIND: &str = QUEUE.name;
