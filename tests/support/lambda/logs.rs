//! What the processes of a function print.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::sync::watch;

/// The lines that all processes of a function printed, in the order of arrival.
pub(super) struct Logs {
    lines: Mutex<Vec<String>>,
    count: watch::Sender<usize>,
    /// Outputs that are not read to their end.
    open: watch::Sender<usize>,
}

impl Logs {
    pub fn new() -> Self {
        Self { lines: Mutex::new(Vec::new()), count: watch::Sender::new(0), open: watch::Sender::new(0) }
    }

    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().expect("no reader panics").clone()
    }

    /// Reads an output from now on, to its end.
    pub fn follow(self: &Arc<Self>, output: impl AsyncRead + Send + Unpin + 'static) {
        self.open.send_modify(|open| *open += 1);
        let logs = self.clone();
        tokio::spawn(async move {
            logs.read(output).await;
            logs.open.send_modify(|open| *open -= 1);
        });
    }

    /// Waits until all outputs are read to their end, which comes with the end of their processes.
    pub async fn wait_for_end(&self) {
        self.open.subscribe().wait_for(|open| *open == 0).await.expect("the sender is not dropped before self");
    }

    async fn read(&self, output: impl AsyncRead + Unpin) {
        let mut reader = BufReader::new(output);
        let mut line = Vec::new();
        while let Ok(1..) = reader.read_until(b'\n', &mut line).await {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            self.lines.lock().expect("no reader panics").push(text);
            self.count.send_modify(|count| *count += 1);
            line.clear();
        }
    }

    /// Waits for a line, which may have been printed already.
    pub async fn wait_for_line(&self, matches: impl Fn(&str) -> bool, longest: Duration) -> Option<String> {
        let mut count = self.count.subscribe();
        let search = async {
            loop {
                count.borrow_and_update();
                if let Some(line) = self.lines().into_iter().find(|line| matches(line)) {
                    return line;
                }
                count.changed().await.expect("the sender is not dropped before self");
            }
        };
        tokio::time::timeout(longest, search).await.ok()
    }
}
