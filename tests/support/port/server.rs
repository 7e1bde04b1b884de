//! The HTTP server around the state, on a thread that dies with all of its connections.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::exchange;
use super::state::State;
use crate::support::connection::{Connection, CuttableListener};

/// Binding is tried again for this long: after an outage the old socket may take a moment to go.
const BIND_ATTEMPTS: u32 = 100;
const BIND_PAUSE: Duration = Duration::from_millis(50);

/// The state, for the server's thread and for the test.
pub struct Shared(Mutex<State>);

impl Shared {
    pub fn new(state: State) -> Self {
        Self(Mutex::new(state))
    }

    /// A test that failed while it held the lock must not hide its failure behind another one.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub async fn bind(port: u16) -> (std::net::TcpListener, u16) {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut attempt = 0;
    loop {
        attempt += 1;
        match std::net::TcpListener::bind(address) {
            Ok(listener) => {
                let bound = listener.local_addr().expect("a bound socket has an address");
                return (listener, bound.port());
            }
            Err(error) => assert!(attempt < BIND_ATTEMPTS, "cannot listen on {address}: {error}"),
        }
        tokio::time::sleep(BIND_PAUSE).await;
    }
}

/// One period of service. Dropping it ends the thread, its listener and every connection.
pub struct RunningServer {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl RunningServer {
    pub fn start(listener: std::net::TcpListener, shared: Arc<Shared>) -> Self {
        listener.set_nonblocking(true).expect("a listening socket can be made non-blocking");
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("port-emulator".to_owned())
            .spawn(move || serve_until(stopped, listener, shared))
            .expect("a thread can be started");
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        let Some(thread) = self.thread.take() else {
            return;
        };
        // A panic of the server's thread has been printed by itself; panicking in a drop would abort the tests.
        let _ = thread.join();
    }
}

fn serve_until(stopped: oneshot::Receiver<()>, listener: std::net::TcpListener, shared: Arc<Shared>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be started");
    runtime.block_on(async move {
        let listener = CuttableListener::new(TcpListener::from_std(listener).expect("the listener is non-blocking"));
        let router = Router::new().fallback(exchange::handle).with_state(shared);
        let service = router.into_make_service_with_connect_info::<Connection>();
        tokio::select! {
            _ = stopped => {}
            _ = axum::serve(listener, service).into_future() => {}
        }
    });
    // The tasks of open connections go with the runtime.
    runtime.shutdown_background();
}
