//! A story: runs of the real steps over the four seams in memory, with changes between them and everything going wrong
//! in them; then a few quiet runs, after which the catalog must be what the model says.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use aws_lambda_events::event::sqs::SqsEvent;
use futures::task::noop_waker;
use portolan::config::{DefaultResources, IntegrationSettings};
use portolan::mapping::Mapping;
use portolan::message::{Message, Step};
use portolan::run::{
    FoundBy, InaccessibleAccount, Mode, Place, Plan, PlannedAccount, RunId, Strategy, UnrememberedLedgers, load_current,
};
use portolan::schedule::{RunAbort, RunStart, first_summary};
use portolan::seams::{Clock, EntityKey};
use portolan::target::{AccountId, Target};
use portolan::work::Worker;
use time::Duration;

use super::catalog::{MemoryCatalog, ORGANIZATION, property, related_account};
use super::chaos::Chaos;
use super::clock::SimulatedClock;
use super::cloud::SimulatedCloud;
use super::queue::{Delivery, MemoryQueue};
use super::run_plan::plan_over;
use super::store::MemoryStore;
use super::world::{
    ACCOUNT, BUCKET, MODEL_KINDS, MappingSpec, Protected, QUEUE, REGIONS, TOPIC, World, catalog_of, place, protected,
};

const WORKERS: usize = 3;
/// How long an invocation has: as the template sets it, or so little that a step is cut at any point.
const INVOCATIONS: [Duration; 4] = [
    Duration::seconds(300),
    Duration::milliseconds(3_150),
    Duration::milliseconds(3_400),
    Duration::milliseconds(4_000),
];
/// With one that is closed, a run still has an account to read.
const MOST_EXCLUDED: usize = 2;
/// A story that takes more turns than this never ends.
const MOST_TURNS: usize = 200_000;
/// After the first of these nothing is missing in Port, after the second everything is as in AWS, and after the third
/// nothing is left that is not in AWS: where no run has ended before, one learns what there is, the next retires, and
/// the third deletes what only that related to.
const QUIET_RUNS: usize = 3;

/// What a story came to.
#[derive(Debug, Default)]
pub struct Outcome {
    pub runs: usize,
    pub turns: usize,
    pub crashes: usize,
    pub aborts: usize,
    pub deleted: usize,
    /// Invocations that went on where another one had stopped.
    pub continued: usize,
}

impl Outcome {
    pub fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.turns += other.turns;
        self.crashes += other.crashes;
        self.deleted += other.deleted;
        self.aborts += other.aborts;
        self.continued += other.continued;
    }
}

struct Story {
    chaos: Chaos,
    clock: SimulatedClock,
    store: MemoryStore,
    queue: MemoryQueue,
    catalog: MemoryCatalog,
    cloud: SimulatedCloud,
    /// Processes that stay warm from one message to the next.
    workers: Vec<Arc<Worker>>,
    place: Place,
    spec: MappingSpec,
    tasks: Vec<Task>,
    /// What each run must not delete, with the mapping that it was started with.
    protected: BTreeMap<RunId, (MappingSpec, Protected)>,
    has_closed_account: bool,
    /// What the setting leaves out.
    excluded: BTreeSet<AccountId>,
    /// Whether the setting ever left out an account.
    has_excluded: bool,
    /// The plan of the run that was started last.
    last: Option<Plan>,
    /// The message by which each target of a run was begun.
    first_messages: HashMap<(RunId, String), u64>,
    outcome: Outcome,
}

/// An invocation under way.
struct Task {
    name: String,
    worker: Option<usize>,
    run: Option<RunId>,
    future: Pin<Box<dyn Future<Output = ()>>>,
}

/// Plays the story of these choices.
///
/// # Errors
/// What went wrong, and the story.
pub fn play(choices: &[u16]) -> Result<Outcome, String> {
    let chaos = Chaos::new(choices);
    let mut story = Story::new(chaos.clone());
    let result = story.play();
    story.outcome.deleted = story.catalog.lock().deleted;
    match result {
        Ok(()) => Ok(story.outcome),
        Err(problem) => Err(format!("{problem}\n\n{}", chaos.story())),
    }
}

impl Story {
    fn new(chaos: Chaos) -> Self {
        let clock = SimulatedClock::new();
        let store = MemoryStore::new(chaos.clone());
        let queue = MemoryQueue::new(clock.clone(), chaos.clone());
        let catalog = MemoryCatalog::new(chaos.clone());
        let cloud = SimulatedCloud { world: Arc::new(Mutex::new(World::new())), chaos: chaos.clone() };
        let integration = IntegrationSettings {
            kind: "aws-v3".to_owned(),
            identifier: "model".to_owned(),
            default_resources: DefaultResources::None,
        };
        let worker = || {
            Arc::new(Worker::new(
                integration.clone(),
                Arc::new(cloud.clone()),
                Arc::new(catalog.clone()),
                Arc::new(store.clone()),
                Arc::new(queue.clone()),
                Arc::new(clock.clone()),
            ))
        };
        Self {
            workers: (0..WORKERS).map(|_| worker()).collect(),
            place: Place::new(ORGANIZATION, "aws-v3", "model"),
            spec: MappingSpec::whole(),
            tasks: Vec::new(),
            protected: BTreeMap::new(),
            has_closed_account: false,
            excluded: BTreeSet::new(),
            has_excluded: false,
            last: None,
            first_messages: HashMap::new(),
            outcome: Outcome::default(),
            chaos,
            clock,
            store,
            queue,
            catalog,
            cloud,
        }
    }

    fn play(&mut self) -> Result<(), String> {
        let runs = 1 + self.chaos.choose(4);
        for _ in 0..runs {
            for _ in 0..self.chaos.choose(4) {
                self.change_something();
            }
            self.start_run();
            self.go_on()?;
        }
        self.chaos.calm_down();
        self.go_on()?;
        self.spec = MappingSpec { is_merging: self.spec.is_merging, ..MappingSpec::whole() };
        self.excluded.clear();
        for run in 1..=QUIET_RUNS {
            // Longer than any run that was left behind may still be going.
            self.clock.advance(Duration::hours(6));
            // Where the setting changed, nothing goes that nobody has confirmed.
            self.start_run_of(Mode::Full, self.has_excluded);
            self.go_on()?;
            self.check_catalog(run).map_err(|problem| format!("after {run} quiet runs: {problem}"))?;
        }
        Ok(())
    }

    /// Plays until nothing is under way and nothing is on the queue.
    fn go_on(&mut self) -> Result<(), String> {
        loop {
            self.outcome.turns += 1;
            if self.outcome.turns > MOST_TURNS {
                return Err("the story does not end".to_owned());
            }
            let violation = self.catalog.lock().violations.first().cloned();
            if let Some(violation) = violation {
                return Err(violation);
            }
            self.clock.advance(Duration::milliseconds(10));
            if self.tasks.is_empty() {
                if let Some(delivery) = self.queue.receive() {
                    self.deliver(delivery);
                    continue;
                }
                match self.queue.next_visible() {
                    None => return Ok(()),
                    Some(visible) => {
                        let now = self.clock.now();
                        self.clock.advance((visible - now).max(Duration::ZERO));
                        continue;
                    }
                }
            }
            self.something_happens();
            self.one_turn();
        }
    }

    fn one_turn(&mut self) {
        if self.tasks.is_empty() {
            return;
        }
        let index = self.chaos.choose(self.tasks.len());
        let waker = noop_waker();
        let mut context = Context::from_waker(&waker);
        if self.tasks[index].future.as_mut().poll(&mut context) == Poll::Pending {
            return;
        }
        let task = self.tasks.remove(index);
        self.chaos.tell(format!("   {} ends", task.name));
        self.note_sweeps();
    }

    /// What happens to those who are under way: mostly nothing.
    fn something_happens(&mut self) {
        match self.chaos.choose(600) {
            1..=60 if self.tasks.len() < WORKERS => {
                if let Some(delivery) = self.queue.receive() {
                    self.deliver(delivery);
                }
            }
            61..=70 => {
                let index = self.chaos.choose(self.tasks.len());
                let task = self.tasks.remove(index);
                self.chaos.tell(format!("   {} dies", task.name));
                self.outcome.crashes += 1;
                self.note_sweeps();
            }
            71..=78 => {
                self.chaos.tell("   a message is delivered twice");
                self.queue.expire_one();
            }
            79..=85 => {
                self.chaos.tell("   time passes");
                self.clock.advance(Duration::seconds(290));
            }
            86 => {
                for _ in 0..self.chaos.choose(3) {
                    self.change_something();
                }
                self.note_changes();
                self.chaos.tell("another run is started by force");
                self.start_run();
            }
            87 => self.abort_run(),
            _ => {}
        }
    }

    /// Aborts whatever is going, wherever it stands.
    fn abort_run(&mut self) {
        self.outcome.aborts += 1;
        let (catalog, store, place, chaos) =
            (self.catalog.clone(), self.store.clone(), self.place.clone(), self.chaos.clone());
        let future = async move {
            let Ok(Some((current, _))) = load_current(&store, &place).await else { return };
            let abort = RunAbort { catalog: &catalog, store: &store, place: &place, run: &current.run };
            chaos.tell(format!("   the abort of {} comes to {:?}", current.epoch, abort.abort().await));
        };
        self.tasks.push(Task { name: "an abort".to_owned(), worker: None, run: None, future: Box::pin(future) });
    }

    fn deliver(&mut self, delivery: Delivery) {
        let busy: BTreeSet<usize> = self.tasks.iter().filter_map(|task| task.worker).collect();
        let Some(index) = (0..WORKERS).find(|index| !busy.contains(index)) else { return };
        let event: SqsEvent = serde_json::from_value(delivery.event()).expect("an event");
        let message = Message::parse(&delivery.body).expect("a message of ours");
        let is_sweep = matches!(message.step, Step::Sweep { .. });
        let time = match is_sweep {
            // A sweep that has hardly any time does one thing and goes on in another invocation.
            true if self.chaos.choose(3) == 1 => Duration::milliseconds(300),
            true => INVOCATIONS[0],
            false => INVOCATIONS[self.chaos.choose(INVOCATIONS.len())],
        };
        let deadline = self.clock.now() + time;
        let name = match &message.step {
            Step::Sync { target, .. } => format!("sync {target} of {}", message.epoch),
            Step::Sweep { .. } => format!("sweep of {}", message.epoch),
        };
        let first = *self.first_messages.entry((message.run.clone(), name.clone())).or_insert(delivery.id);
        self.outcome.continued += usize::from(!is_sweep && first != delivery.id);
        self.chaos.tell(format!("   {name} begins, receive {}", delivery.receives));
        let (worker, queue) = (self.workers[index].clone(), self.queue.clone());
        let future = async move {
            let response = worker.handle(event, deadline).await;
            if response.batch_item_failures.is_empty() {
                queue.remove(&delivery);
            }
        };
        let run = is_sweep.then_some(message.run);
        self.tasks.push(Task { name, worker: Some(index), run, future: Box::pin(future) });
        self.note_sweeps();
    }

    /// A run that is going may find what changed meanwhile: only what was there all the time is protected from it.
    fn note_changes(&mut self) {
        let world = self.cloud.world.lock().expect("one thread").clone();
        for (spec, entities) in self.protected.values_mut() {
            let now = protected(&world, spec);
            for (key, places) in entities.iter_mut() {
                let places_now = now.get(key).cloned().unwrap_or_default();
                places.retain(|place| places_now.contains(place));
            }
        }
        self.note_sweeps();
    }

    /// Tells the catalog whose sweeps are under way.
    fn note_sweeps(&mut self) {
        let mut sweeping = BTreeMap::new();
        for run in self.tasks.iter().filter_map(|task| task.run.as_ref()) {
            if let Some((_, entities)) = self.protected.get(run) {
                sweeping.insert(run.clone(), entities.clone());
            }
        }
        self.catalog.lock().sweeping = sweeping;
    }

    /// Starts a run of the world as it is, superseding one that is still going.
    fn start_run(&mut self) {
        let mode = if self.chaos.choose(3) == 1 { Mode::Full } else { Mode::Incremental };
        let confirms = self.chaos.choose(3) == 1;
        self.start_run_of(mode, confirms);
    }

    /// Starts a run that may confirm what the last one held back.
    fn start_run_of(&mut self, mode: Mode, confirms: bool) {
        self.outcome.runs += 1;
        let confirmed = self.last.take().filter(|_| confirms);
        let plan = Plan { mode, confirms: confirmed.as_ref().map(|plan| plan.run.clone()), ..self.plan() };
        let world = self.cloud.world.lock().expect("one thread").clone();
        let mut entities = protected(&world, &self.spec);
        // What is left out is there, and must not go, unless a person has confirmed a run that left out the same.
        if confirmed.is_some_and(|confirmed| confirmed.strategy == plan.strategy) {
            let excluded: Vec<String> = self.excluded.iter().map(|account| format!("{account}/")).collect();
            for places in entities.values_mut() {
                places.retain(|place| !excluded.iter().any(|excluded| place.starts_with(excluded)));
            }
        }
        self.protected.insert(plan.run.clone(), (self.spec.clone(), entities));
        self.last = Some(plan.clone());
        let confirms = if plan.confirms.is_some() { "confirms the last one, and " } else { "" };
        self.chaos
            .tell(format!("run {} {confirms}starts without {:?}: {:?}", self.outcome.runs, self.excluded, self.spec));
        let (catalog, store, queue) = (self.catalog.clone(), self.store.clone(), self.queue.clone());
        let (place, document) = (self.place.clone(), self.spec.document());
        let future = async move {
            let Ok(mapping) = Mapping::parse(&document) else { return };
            let Ok(previous) = load_current(&store, &place).await else { return };
            let epoch = previous.as_ref().map_or(1, |(current, _)| current.epoch + 1);
            let current = previous.as_ref().map(|(current, _)| current);
            let Ok(unremembered) = UnrememberedLedgers::before(&store, &place, current).await else { return };
            let plan = Plan { epoch, unremembered, ..plan };
            let start = RunStart { catalog: &catalog, store: &store, queue: &queue, place: &place, plan: &plan };
            let version = previous.map(|(_, version)| version);
            // A run that does not start has no effect, and the next one comes.
            let _ = start.start(first_summary(&plan, &mapping), None, None, &document, version).await;
        };
        let name = format!("start of run {}", self.outcome.runs);
        self.tasks.push(Task { name, worker: None, run: None, future: Box::pin(future) });
    }

    /// What discovery would have found: every open account that is not left out, but those that could not be entered.
    fn plan(&self) -> Plan {
        let world = self.cloud.world.lock().expect("one thread");
        let mut accounts = BTreeMap::new();
        let mut inaccessible = BTreeMap::new();
        let mut targets = BTreeSet::new();
        let is_found = |account: &AccountId| !self.excluded.contains(account);
        for (account, state) in world.accounts.iter().filter(|(id, state)| !state.is_closed && is_found(id)) {
            if self.chaos.happens(10) {
                self.chaos.tell(format!("   account {account} is inaccessible"));
                let found = InaccessibleAccount {
                    account: account.clone(),
                    name: String::new(),
                    reason: "as the story goes".to_owned(),
                    check: String::new(),
                };
                inaccessible.insert(account.clone(), found);
                continue;
            }
            let is_enabled = |region: &&&str| !state.disabled_regions.contains(**region);
            let enabled_regions: Vec<String> =
                REGIONS.iter().filter(is_enabled).map(|region| (*region).to_owned()).collect();
            targets.insert(Target::Global { account: account.clone() });
            for region in enabled_regions.iter().filter(|region| self.spec.denied_region != Some(region.as_str())) {
                targets.insert(Target::Region { account: account.clone(), region: region.clone() });
            }
            let planned = PlannedAccount {
                name: String::new(),
                role: None,
                enabled_regions,
                disabled_regions: state.disabled_regions.iter().map(|region| (*region).to_owned()).collect(),
                changing_regions: Vec::new(),
            };
            accounts.insert(account.clone(), planned);
        }
        Plan {
            strategy: Strategy {
                found_by: FoundBy::Organization {
                    management_role: "arn:aws:iam::999999999999:role/model".to_owned(),
                    organizational_units: BTreeSet::new(),
                },
                excluded_accounts: self.excluded.clone(),
            },
            port_organization: ORGANIZATION.to_owned(),
            inaccessible,
            targets,
            ..plan_over(self.clock.now(), accounts)
        }
    }

    fn change_something(&mut self) {
        let world = self.cloud.world.clone();
        let mut world = world.lock().expect("one thread");
        let kind = [BUCKET, QUEUE, TOPIC][self.chaos.choose(3)];
        let open: Vec<_> =
            world.accounts.iter().filter(|(_, state)| !state.is_closed).map(|(account, _)| account.clone()).collect();
        let somewhere = place(&open[self.chaos.choose(open.len())], &kind, self.chaos.choose(REGIONS.len()));
        let all = world.all();
        let any = (!all.is_empty()).then(|| all[self.chaos.choose(all.len())].clone());
        match (self.chaos.choose(14), any) {
            (0 | 1, _) => {
                let name = format!("{}-new-{}", kind.blueprint, world.versions);
                self.chaos.tell(format!("{name} is made in {somewhere}"));
                world.set(&kind, &somewhere, &name);
            }
            (2, Some((from, name_of_kind, name))) => {
                self.chaos.tell(format!("{name} in {from} changes"));
                let kind = MODEL_KINDS.iter().find(|kind| kind.name == name_of_kind).expect("a kind of the model");
                world.set(kind, &from, &name);
            }
            (3 | 4, Some((from, kind, name))) => {
                self.chaos.tell(format!("{name} in {from} is deleted"));
                world.remove(&from, kind, &name);
            }
            (5, Some((from, name_of_kind, name))) => {
                let kind = MODEL_KINDS.iter().find(|kind| kind.name == name_of_kind).expect("a kind of the model");
                let to = place(&open[self.chaos.choose(open.len())], kind, self.chaos.choose(REGIONS.len()));
                self.chaos.tell(format!("{name} moves from {from} to {to}"));
                world.remove(&from, name_of_kind, &name);
                world.set(kind, &to, &name);
            }
            (6, _) if !self.has_closed_account => {
                let account = open[self.chaos.choose(open.len())].clone();
                self.chaos.tell(format!("account {account} is closed"));
                world.accounts.entry(account).or_default().is_closed = true;
                self.has_closed_account = true;
            }
            (7, _) => {
                let account = open[self.chaos.choose(open.len())].clone();
                let region = REGIONS[self.chaos.choose(REGIONS.len())];
                self.chaos.tell(format!("{region} is turned over in {account}"));
                let disabled = &mut world.accounts.entry(account).or_default().disabled_regions;
                if !disabled.remove(region) {
                    disabled.insert(region);
                }
            }
            (8, _) => self.somebody_deletes_in_port(),
            (9, _) => self.harm_a_ledger(),
            (12, _) if self.excluded.len() < MOST_EXCLUDED => {
                let account = open[self.chaos.choose(open.len())].clone();
                self.chaos.tell(format!("account {account} is left out"));
                self.excluded.insert(account);
                self.has_excluded = true;
            }
            (13, _) => {
                self.chaos.tell("no account is left out any more");
                self.excluded.clear();
            }
            _ => self.change_the_mapping(),
        }
    }

    fn somebody_deletes_in_port(&mut self) {
        // Not an account: Port would make a bare one for the next entity that relates to it, and Portolan cannot tell
        // yet that it is bare.
        let is_no_account = |key: &&EntityKey| key.blueprint != ACCOUNT.blueprint;
        let keys: Vec<EntityKey> = self.catalog.lock().entities.keys().filter(is_no_account).cloned().collect();
        if !keys.is_empty() {
            let key = &keys[self.chaos.choose(keys.len())];
            self.chaos.tell(format!("somebody deletes {key:?} in Port"));
            self.catalog.lock().remove(key);
        }
    }

    fn harm_a_ledger(&mut self) {
        let keys = self.store.keys("/ledgers/");
        if keys.is_empty() {
            return;
        }
        let key = &keys[self.chaos.choose(keys.len())];
        let is_lost = self.chaos.choose(2) == 0;
        self.chaos.tell(format!("{key} is {}", if is_lost { "lost" } else { "damaged" }));
        self.store.harm(key, is_lost);
    }

    fn change_the_mapping(&mut self) {
        let kind = MODEL_KINDS[self.chaos.choose(MODEL_KINDS.len())].name;
        match self.chaos.choose(6) {
            0 => self.spec = MappingSpec::whole(),
            1 => {
                self.spec.kinds.remove(kind);
                if self.spec.kinds.is_empty() {
                    self.spec = MappingSpec::whole();
                }
            }
            2 => self.spec.broken = if self.spec.broken.is_some() { None } else { Some(kind) },
            3 => {
                let region = REGIONS[self.chaos.choose(REGIONS.len())];
                self.spec.denied_region = if self.spec.denied_region.is_some() { None } else { Some(region) };
            }
            4 => self.spec.is_merging = !self.spec.is_merging,
            _ => self.spec.creates_related = !self.spec.creates_related,
        }
        self.chaos.tell("the mapping is changed");
    }

    /// What quiet runs leave is what the model says, no more and no less.
    fn check_catalog(&self, quiet_runs: usize) -> Result<(), String> {
        let world = self.cloud.world.lock().expect("one thread").clone();
        let expected = catalog_of(&world, &self.spec);
        let state = self.catalog.lock();
        for (key, expected) in &expected {
            let Some(record) = state.entities.get(key) else { return Err(format!("{key:?} is missing in Port")) };
            if quiet_runs < 2 {
                continue;
            }
            let is_current = *property(record, "place") == expected.place.as_str()
                && *property(record, "version") == expected.version
                && *property(record, "detail") == format!("detail of {}", expected.version).as_str();
            if !is_current {
                return Err(format!("{key:?} is {} in Port, and {expected:?} in AWS", record.body));
            }
            let account = expected.place.split('/').next().unwrap_or_default();
            if key.blueprint != ACCOUNT.blueprint && *related_account(record) != account {
                return Err(format!("{key:?} relates to {} in Port, and to {account} in AWS", record.body));
            }
        }
        if quiet_runs < QUIET_RUNS {
            return Ok(());
        }
        let of_others: BTreeSet<&str> = BTreeSet::from(["bucket-of-others", "queue-of-others"]);
        for (key, record) in &state.entities {
            // Also what a harmed ledger may have known alone, and what Port made for a relation: full runs settle it.
            if !expected.contains_key(key) && record.is_ours {
                return Err(format!("{key:?} is in Port, and not in AWS"));
            }
            if !record.is_ours && !of_others.contains(key.identifier.as_str()) {
                return Err(format!("{key:?} is nobody's"));
            }
        }
        Ok(())
    }
}
