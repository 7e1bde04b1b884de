//! Connections of a server that a test can cut.

use std::io;
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::net::{TcpListener, TcpStream};

/// Pause after a connection that could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A second handle of a client's connection, by which it can be cut.
#[derive(Debug, Clone)]
pub struct Connection(Option<Arc<std::net::TcpStream>>);

impl Connection {
    pub fn cut(&self) {
        if let Some(socket) = &self.0 {
            // It fails when the client was faster, which comes to the same.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

impl Connected<IncomingStream<'_, CuttableListener>> for Connection {
    fn connect_info(stream: IncomingStream<'_, CuttableListener>) -> Self {
        stream.remote_addr().clone()
    }
}

/// Accepts connections and keeps a second handle of each.
pub struct CuttableListener(TcpListener);

impl CuttableListener {
    pub fn new(listener: TcpListener) -> Self {
        Self(listener)
    }
}

impl Listener for CuttableListener {
    type Io = TcpStream;
    type Addr = Connection;

    async fn accept(&mut self) -> (TcpStream, Connection) {
        loop {
            let accepted = self.0.accept().await.and_then(|(stream, _)| with_second_handle(stream));
            match accepted {
                Ok(accepted) => return accepted,
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<Connection> {
        Ok(Connection(None))
    }
}

fn with_second_handle(stream: TcpStream) -> io::Result<(TcpStream, Connection)> {
    stream.set_nodelay(true)?;
    let stream = stream.into_std()?;
    let second = stream.try_clone()?;
    Ok((TcpStream::from_std(stream)?, Connection(Some(Arc::new(second)))))
}
