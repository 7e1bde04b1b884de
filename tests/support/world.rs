//! A whole installation: an organization in the emulated AWS, an emulated Port, and the two built functions.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::aws::{Aws, Organization, OrganizationPlan};
use super::lambda::{Function, Host, InvocationFailure, Limits, Pump, PumpReport};
use super::port::PortEmulator;

pub const IDENTIFIER: &str = "portolan-test";
const TYPE: &str = "aws-v3";
const SCHEDULER_TIMEOUT: Duration = Duration::from_secs(900);
const WORKER_TIMEOUT: Duration = Duration::from_secs(300);
/// Processes of the worker.
pub const WORKERS: usize = 2;
/// As in the template.
const MOST_RECEIVES: u32 = 6;
/// What Lambda puts into the environment of every function: the credentials of its role, and its region.
const OF_LAMBDA: [&str; 4] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION"];

/// An installation with everything around it.
pub struct World {
    pub organization: Organization<'static>,
    pub port: PortEmulator,
    pub scheduler: Function,
    pub worker: Function,
}

/// What one resync came to.
pub struct Resync {
    pub answer: Value,
    pub report: PumpReport,
    pub summary: Value,
}

/// The blueprints and the mapping of all kinds that are built.
pub fn all_blueprints() -> Vec<Value> {
    serde_json::from_str(include_str!("catalog/blueprints.json")).expect("the blueprints are JSON")
}

pub fn all_kinds_mapping() -> Value {
    serde_json::from_str(include_str!("catalog/mapping.json")).expect("the mapping is JSON")
}

impl World {
    /// An organization as planned, and a Port that has the blueprints and the mapping of all kinds.
    pub async fn create(plan: OrganizationPlan) -> Self {
        Self::create_with(plan, &[]).await
    }

    /// The same with settings in the functions' environment, which win over the usual ones.
    pub async fn create_with(plan: OrganizationPlan, settings: &[(&str, &str)]) -> Self {
        let mut world = Self::create_empty(plan, settings).await;
        world.install_catalog(all_kinds_mapping());
        world
    }

    /// The same with a Port in which nothing is installed yet.
    pub async fn create_empty(plan: OrganizationPlan, settings: &[(&str, &str)]) -> Self {
        let secret = json!({"id": "portolan-id", "clientSecret": "portolan-secret"});
        let plan = plan.port_secret(secret).maximum_receive_count(MOST_RECEIVES).visibility_timeout_seconds(1800);
        let organization = Organization::create(Aws::shared().await, plan).await;
        let port = PortEmulator::start().await;
        let environment = environment(&organization, &port, settings);
        let (scheduler, worker) = start_functions(Host::Lambda, &environment).await;
        Self { organization, port, scheduler, worker }
    }

    /// An organization whose functions were deployed by a stack, each with an environment of its own, and an empty Port.
    pub async fn deployed(
        organization: Organization<'static>,
        port: PortEmulator,
        scheduler: &[(String, String)],
        worker: &[(String, String)],
    ) -> Self {
        let scheduler = Function::start("scheduler", &binary("scheduler"), scheduler, SCHEDULER_TIMEOUT, 1).await;
        let worker = Function::start("worker", &binary("worker"), worker, WORKER_TIMEOUT, WORKERS).await;
        Self { organization, port, scheduler, worker }
    }

    /// Starts both functions anew, as a deployment with other settings does.
    pub async fn redeploy(&mut self, settings: &[(&str, &str)]) {
        let environment = environment(&self.organization, &self.port, settings);
        (self.scheduler, self.worker) = start_functions(Host::Lambda, &environment).await;
    }

    /// Starts both functions anew outside Lambda: no credentials and no region are in their environment but those given.
    pub async fn redeploy_elsewhere(&mut self, variables: &[(&str, &str)]) {
        let mut environment = environment(&self.organization, &self.port, variables);
        let is_given = |name: &str| variables.iter().any(|(given, _)| *given == name);
        environment.retain(|(name, _)| is_given(name) || !OF_LAMBDA.contains(&name.as_str()));
        (self.scheduler, self.worker) = start_functions(Host::Elsewhere, &environment).await;
    }

    /// Starts the scheduler anew, with so much time for an invocation.
    pub async fn restart_scheduler(&mut self, timeout: Duration) {
        let environment = environment(&self.organization, &self.port, &[]);
        self.scheduler = Function::start("scheduler", &binary("scheduler"), &environment, timeout, 1).await;
    }

    /// The same with these settings, for so many invocations at the same time.
    pub async fn redeploy_scheduler(&mut self, settings: &[(&str, &str)], processes: usize) {
        let environment = environment(&self.organization, &self.port, settings);
        let limits = SCHEDULER_TIMEOUT;
        self.scheduler = Function::start("scheduler", &binary("scheduler"), &environment, limits, processes).await;
    }

    /// The same for the worker alone, with limits of its own and in so many processes.
    pub async fn redeploy_worker(&mut self, settings: &[(&str, &str)], limits: Limits, processes: usize) {
        let environment = environment(&self.organization, &self.port, settings);
        self.worker = Function::start("worker", &binary("worker"), &environment, limits, processes).await;
    }

    /// Blueprints and integration record with this mapping.
    pub fn install_catalog(&mut self, mapping: Value) {
        for blueprint in all_blueprints() {
            self.port.put_blueprint(blueprint);
        }
        self.port.put_integration(json!({
            "installationId": IDENTIFIER,
            "installationAppType": TYPE,
            "version": "0.1.0",
            "changelogDestination": {},
            "config": mapping,
            "arePortResourcesInitialized": true,
            "processingMode": "ocean-core",
        }));
    }

    pub fn set_mapping(&self, mapping: Value) {
        self.port.set_mapping(IDENTIFIER, mapping);
    }

    /// Invokes the scheduler.
    pub async fn schedule(&self, event: Value) -> Result<Value, InvocationFailure> {
        self.scheduler.invoke(event).await
    }

    /// A pump from the queue to the worker.
    pub fn pump(&self) -> Pump<'_> {
        let organization = &self.organization;
        let pump = Pump::new(organization.aws(), organization.queue(), organization.dead_letter_queue(), &self.worker);
        pump.concurrency(WORKERS).limit(Duration::from_secs(240))
    }

    /// A whole run: scheduler, all messages, sweep.
    pub async fn resync(&self) -> Resync {
        self.resync_by(json!({})).await
    }

    pub async fn resync_by(&self, event: Value) -> Resync {
        let answer = match self.schedule(event).await {
            Ok(answer) => answer,
            Err(failure) => panic!("the scheduler failed: {failure:?}\n{}", self.scheduler.log_lines().join("\n")),
        };
        let report = self.pump().run().await;
        let summary = self.summary(&answer).await;
        Resync { answer, report, summary }
    }

    /// The stored summary of the run that an answer of the scheduler names.
    pub async fn summary(&self, answer: &Value) -> Value {
        let run = answer["run"].as_str().unwrap_or_else(|| panic!("no run in {answer}"));
        let keys = self.organization.state_keys("runs/").await;
        let key = keys.into_iter().find(|key| key.ends_with(&format!("{run}/summary.json")));
        let key = key.unwrap_or_else(|| panic!("run {run} has no summary"));
        serde_json::from_slice(&self.organization.read_state(&key).await.unwrap_or_default())
            .expect("a summary is JSON")
    }

    /// The ledgers in the state bucket, by target.
    pub async fn ledgers(&self) -> BTreeMap<String, Vec<u8>> {
        let mut ledgers = BTreeMap::new();
        for key in self.organization.state_keys("state/").await {
            let target = key.split_once("/ledgers/").map(|(_, target)| target.trim_end_matches(".json").to_owned());
            if let Some(target) = target {
                ledgers.insert(target, self.organization.read_state(&key).await.unwrap_or_default());
            }
        }
        ledgers
    }

    /// The identifiers in Port, by blueprint.
    pub fn catalog(&self) -> BTreeMap<String, Vec<String>> {
        let mut catalog: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for entity in self.port.entities().into_keys() {
            let (blueprint, identifier) = entity;
            catalog.entry(blueprint).or_default().push(identifier);
        }
        catalog
    }

    /// How often Port was asked to change something since the calls were cleared: upserts and deletions.
    pub fn writes_to_port(&self) -> usize {
        let counts = self.port.call_counts();
        let writes =
            counts.iter().filter(|(route, _)| route.contains("/entities/bulk") || route.contains("/bulk/entities"));
        writes.map(|(_, count)| count).sum()
    }

    /// How often a ledger was written since the calls were cleared.
    pub async fn ledger_writes(&self) -> usize {
        let calls = self.organization.calls().await;
        let is_ledger = |parameters: &Value| parameters["Path"].as_str().is_some_and(|path| path.contains("/ledgers/"));
        let writes = calls.iter().filter(|call| matches!(call.name().as_str(), "s3:PutObject" | "s3:DeleteObject"));
        writes.filter(|call| is_ledger(&call.parameters)).count()
    }

    /// Forgets what was called so far, on both sides.
    pub async fn clear_calls(&self) {
        self.port.clear_calls();
        self.organization.clear_calls().await;
    }

    /// Orders a fault for calls of one account of the organization.
    pub async fn aws_fault(&self, account: &str, service: &str, operation: &str, effect: Value) {
        let fault = json!({"account": account, "service": service, "operation": operation, "effect": effect});
        self.organization.aws().fault(fault).await;
    }
}

fn environment(
    organization: &Organization<'_>,
    port: &PortEmulator,
    settings: &[(&str, &str)],
) -> Vec<(String, String)> {
    let mut variables: BTreeMap<String, String> = organization.environment().into_iter().collect();
    let usual = [
        ("OCEAN__PORT__BASE_URL", port.base_url()),
        ("OCEAN__INTEGRATION__IDENTIFIER", IDENTIFIER.to_owned()),
        ("OCEAN__INTEGRATION__TYPE", TYPE.to_owned()),
        // Faults are answered at once; trying again often only costs time here.
        ("AWS_MAX_ATTEMPTS", "2".to_owned()),
    ];
    variables.extend(usual.map(|(name, value)| (name.to_owned(), value)));
    for (name, value) in settings {
        variables.insert((*name).to_owned(), (*value).to_owned());
    }
    variables.into_iter().collect()
}

async fn start_functions(host: Host, environment: &[(String, String)]) -> (Function, Function) {
    (
        Function::start_on(host, "scheduler", &binary("scheduler"), environment, SCHEDULER_TIMEOUT, 1).await,
        Function::start_on(host, "worker", &binary("worker"), environment, WORKER_TIMEOUT, WORKERS).await,
    )
}

/// The function that cargo built with the tests, or the one in the folder that `PORTOLAN_BINARIES` names: figures of
/// a build without optimization say little, and what `sam build` made is what is deployed. That folder holds either the
/// two binaries, or a folder for each function of the template.
fn binary(name: &str) -> PathBuf {
    if let Some(folder) = std::env::var_os("PORTOLAN_BINARIES") {
        let folder = Path::new(&folder);
        let logical_id = if name == "scheduler" { "SchedulerFunction" } else { "WorkerFunction" };
        let deployed = folder.join(logical_id).join("bootstrap");
        return if deployed.exists() { deployed } else { folder.join(name) };
    }
    match name {
        "scheduler" => env!("CARGO_BIN_EXE_scheduler").into(),
        _ => env!("CARGO_BIN_EXE_worker").into(),
    }
}
