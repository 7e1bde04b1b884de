//! The server process and its endpoints for tests.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

/// A running emulated AWS. It ends with this value, and at the latest with the test process.
pub struct Aws {
    endpoint: String,
    http: reqwest::Client,
    process: Child,
    /// The server runs until its standard input ends. `None` only while this is dropped.
    lifeline: Option<ChildStdin>,
}

/// One call that Portolan, or an SDK client of a test, made.
#[derive(Clone, Debug, Deserialize)]
pub struct AwsCall {
    /// The account of the caller's credentials; for `AssumeRoleWithWebIdentity` that of the role.
    pub account: Option<String>,
    /// The ARN of the role whose session made the call; none for users and web identities.
    pub role: Option<String>,
    /// What the call is for, as IAM's policies name it. Of the functions' own calls (S3, SQS, Secrets Manager, STS).
    pub resource: Option<String>,
    /// The name the call was signed for, like `s3`.
    pub service: String,
    pub operation: String,
    pub region: String,
    /// The path of the URL; S3 and REST services name in it what they are called for.
    pub path: String,
    /// `None` while the call is under way, and if a fault left it without an answer.
    pub status: Option<u16>,
    pub error_code: Option<String>,
    /// Kept for `AssumeRole` and `AssumeRoleWithWebIdentity`: `RoleArn`, `RoleSessionName`, `ExternalId`, `Policy`,
    /// `PolicyLength`, `DurationSeconds` and so on, as strings (the length is a number).
    pub parameters: Value,
}

impl AwsCall {
    /// Service and operation, like `s3:ListBuckets`.
    pub fn name(&self) -> String {
        format!("{}:{}", self.service, self.operation)
    }
}

/// Why a seeding call failed.
#[derive(Clone, Debug, Deserialize, thiserror::Error)]
#[error("{code}: {message}")]
pub struct AwsCallError {
    pub code: String,
    pub message: String,
}

/// One seeding call for [`Aws::call_all`].
pub struct AwsOrder {
    pub account: String,
    pub region: String,
    pub service: &'static str,
    /// In snake case, as boto3 names it.
    pub operation: &'static str,
    pub parameters: Value,
}

/// A fault that was ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultId(u64);

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum CallAnswer {
    Result(Value),
    Error(AwsCallError),
}

#[derive(Deserialize)]
struct CallLog {
    counts: BTreeMap<String, usize>,
    calls: Vec<AwsCall>,
}

impl Aws {
    /// Starts a server of one's own.
    pub async fn start() -> Self {
        tokio::task::spawn_blocking(start_server).await.expect("the emulated AWS starts")
    }

    /// The server that all tests of this process share.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<Aws> = OnceCell::const_new();
        SHARED.get_or_init(Self::start).await
    }

    /// The URL for `AWS_ENDPOINT_URL`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The process of the server.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Makes a call inside an account, past the call log, the faults and the checks of credentials.
    /// The operation is in snake case, as boto3 names it; bytes are given, and come back, as `{"$base64": "…"}`.
    pub async fn call(
        &self,
        account: &str,
        region: &str,
        service: &'static str,
        operation: &'static str,
        parameters: Value,
    ) -> Result<Value, AwsCallError> {
        let order = AwsOrder { account: account.to_owned(), region: region.to_owned(), service, operation, parameters };
        let answer: CallAnswer = self.post("/testbed/call", &order.to_json()).await;
        answer.into()
    }

    /// Makes many calls in one request, in their order, and panics if one of them fails.
    pub async fn call_all(&self, orders: Vec<AwsOrder>) -> Vec<Value> {
        let list: Vec<Value> = orders.iter().map(AwsOrder::to_json).collect();
        let answers: Vec<CallAnswer> = self.post("/testbed/call", &Value::Array(list)).await;
        let results = orders.iter().zip(answers).map(|(order, answer)| {
            Result::from(answer)
                .unwrap_or_else(|error| panic!("{}:{} in {}: {error}", order.service, order.operation, order.account))
        });
        results.collect()
    }

    /// The calls made with credentials of an account (or of several, separated by commas), or by all.
    pub async fn calls(&self, account: Option<&str>) -> Vec<AwsCall> {
        self.call_log(account).await.calls
    }

    /// The number of calls by name, like `s3:ListBuckets`.
    pub async fn call_counts(&self, account: Option<&str>) -> BTreeMap<String, usize> {
        self.call_log(account).await.counts
    }

    /// Forgets the calls of an account (or of several, separated by commas), or all.
    pub async fn clear_calls(&self, account: Option<&str>) {
        self.delete(&format!("/testbed/calls{}", account_query(account))).await;
    }

    /// Orders a fault: `{account?, region?, service?, operation?, resource?, times?, beyond?, effect}`. `beyond` is what
    /// the service bears before the fault hits: `{in_flight}` calls, or `{calls, ms}`: so many in such a time. The effect is
    /// `{status, code, message}`, `{status, body}` (this very answer), `{delay_ms}`, `"timeout"`, `"reset"`, or
    /// `"answer_lost"` (done, but not told).
    pub async fn fault(&self, fault: Value) -> FaultId {
        let answer: Value = self.post("/testbed/faults", &fault).await;
        FaultId(answer["id"].as_u64().expect("a fault has an id"))
    }

    /// Takes a fault back.
    pub async fn remove_fault(&self, fault: FaultId) {
        self.delete(&format!("/testbed/faults/{}", fault.0)).await;
    }

    /// Takes back the faults ordered for an account (or for several, separated by commas), or all.
    pub async fn clear_faults(&self, account: Option<&str>) {
        self.delete(&format!("/testbed/faults{}", account_query(account))).await;
    }

    /// Sets the regions of an account with their opt-in status, in place of those it had.
    pub async fn set_regions(&self, account: &str, regions: &[(&str, &str)]) {
        let regions: BTreeMap<&str, &str> = regions.iter().copied().collect();
        let order = json!({"account": account, "regions": regions});
        self.post::<Value>("/testbed/regions", &order).await;
    }

    /// Sets the state in which AWS Organizations reports a member account.
    pub async fn set_account_state(&self, account: &str, state: &str) {
        self.post::<Value>("/testbed/account-state", &json!({"account": account, "state": state})).await;
    }

    /// Sets how many entries a page of an operation (like `organizations:ListAccounts`) has for a caller, or for all.
    pub async fn set_page_size(&self, account: Option<&str>, operation: &str, size: usize) {
        let order = json!({"account": account, "operation": operation, "size": size});
        self.post::<Value>("/testbed/pages", &order).await;
    }

    /// Opens a session of a role for a service that the role trusts, as Lambda does for a function.
    pub async fn open_session(&self, role_arn: &str, service: &str) -> Value {
        self.post("/testbed/session", &json!({"role_arn": role_arn, "service": service})).await
    }

    /// The access key id and secret of a new IAM user in an account.
    pub async fn new_account_credentials(&self, account: &str) -> (String, String) {
        let user = json!({"UserName": format!("user-{}", uuid::Uuid::new_v4())});
        let order = |operation, parameters| AwsOrder {
            account: account.to_owned(),
            region: "us-east-1".to_owned(),
            service: "iam",
            operation,
            parameters,
        };
        let orders = vec![order("create_user", user.clone()), order("create_access_key", user)];
        let results = self.call_all(orders).await;
        let key = &results[1]["AccessKey"];
        (text(&key["AccessKeyId"]), text(&key["SecretAccessKey"]))
    }

    async fn call_log(&self, account: Option<&str>) -> CallLog {
        let url = format!("{}/testbed/calls{}", self.endpoint, account_query(account));
        read_answer(self.http.get(url)).await
    }

    pub(super) async fn post<Answer: serde::de::DeserializeOwned>(&self, path: &str, order: &Value) -> Answer {
        let url = format!("{}{path}", self.endpoint);
        read_answer(self.http.post(url).json(order)).await
    }

    async fn delete(&self, path: &str) {
        let url = format!("{}{path}", self.endpoint);
        read_answer::<Value>(self.http.delete(url)).await;
    }
}

impl Drop for Aws {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        let _ = self.process.wait();
    }
}

impl AwsOrder {
    fn to_json(&self) -> Value {
        json!({
            "account": self.account,
            "region": self.region,
            "service": self.service,
            "operation": self.operation,
            "parameters": self.parameters,
        })
    }
}

impl From<CallAnswer> for Result<Value, AwsCallError> {
    fn from(answer: CallAnswer) -> Self {
        match answer {
            CallAnswer::Result(result) => Ok(result),
            CallAnswer::Error(error) => Err(error),
        }
    }
}

/// The string in a JSON value that must be one.
pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("expected a string, found {value}")).to_owned()
}

fn start_server() -> Aws {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/support/aws/server.py");
    let mut process = Command::new(python())
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("no Python for the emulated AWS ({error}): run `make setup`"));
    let lifeline = process.stdin.take();
    let mut first_line = String::new();
    let output = process.stdout.take().expect("the output is piped");
    BufReader::new(output).read_line(&mut first_line).expect("the emulated AWS tells its port");
    let ready: Value = serde_json::from_str(&first_line).unwrap_or_else(|_| {
        panic!("the emulated AWS did not start (see above); run `make setup` to install what it needs")
    });
    let http = reqwest::Client::builder()
        // Tests run on a runtime each, and a kept connection would belong to the runtime of the test that opened it.
        .pool_max_idle_per_host(0)
        .no_proxy()
        .build()
        .expect("an HTTP client");
    Aws { endpoint: format!("http://127.0.0.1:{}", ready["port"]), http, process, lifeline }
}

/// The Python that has what the emulated AWS needs.
pub fn python() -> PathBuf {
    if let Some(path) = std::env::var_os("PORTOLAN_PYTHON") {
        return path.into();
    }
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".venv/bin/python");
    assert!(
        path.exists(),
        "no {}: run `make setup`, or name a Python that has tests/support/aws/requirements.txt in PORTOLAN_PYTHON",
        path.display()
    );
    path
}

async fn read_answer<Answer: serde::de::DeserializeOwned>(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.expect("the emulated AWS answers");
    let status = response.status();
    let body = response.bytes().await.expect("the answer is complete");
    assert!(status.is_success(), "the emulated AWS refused an order: {}", String::from_utf8_lossy(&body));
    serde_json::from_slice(&body).expect("the answer has the expected form")
}

fn account_query(account: Option<&str>) -> String {
    account.map(|account| format!("?account={account}")).unwrap_or_default()
}
