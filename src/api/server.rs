//! The server: accepts connections within bounds, and stops in order.
//!
//! It speaks HTTP/1.1 only. Telling the versions apart reads a connection without any time limit in the library below,
//! so that half a preface would hold a place for ever; clients that want HTTP/2 have a proxy for TLS anyway.

use super::app::{App, Reach};
use super::router;
use crate::config::limits::{CONNECTIONS_MAX, HEADER_READ_MAX, SHUTDOWN_MAX};
use crate::error::{Error, Result};
use crate::store::Store;
use crate::telemetry;
use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How long connections are still accepted after the readiness probe says no, so that a balancer can hear it.
const STOP_NOTICE: Duration = Duration::from_secs(1);
/// Pause after a failed accept, most often for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Exit status after a second signal: the usual one of a program that an interrupt ended.
const INTERRUPTED: i32 = 130;

/// Serves a store on an address until SIGTERM or SIGINT, then finishes what is under way and closes the store.
pub async fn serve(store: Arc<Store>, address: SocketAddr) -> Result<()> {
    let stop = stop_signals()?;
    let listener = TcpListener::bind(address).await.map_err(|error| Error::InvalidSetting {
        name: "listen".to_owned(),
        detail: format!("{address} cannot be listened on: {error}"),
    })?;
    serve_until(store, listener, stop).await
}

/// Serves a store until `stop` is ready, then finishes what is under way and closes the store.
pub async fn serve_until(store: Arc<Store>, listener: TcpListener, stop: impl Future<Output = ()>) -> Result<()> {
    let address = listener.local_addr().map_err(|error| Error::Internal(error.to_string()))?;
    let reach = if address.ip().is_loopback() { Reach::Loopback } else { Reach::Network };
    if reach == Reach::Network {
        tracing::warn!(%address, "other machines can reach this server, and it asks for no key");
    }
    let app = App::new(store.clone(), reach);
    let acceptor = Acceptor {
        listener,
        router: router::build(app.clone()),
        places: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
        graceful: GracefulShutdown::new(),
        protocol: protocol(),
    };
    tracing::info!("listening on http://{address}");
    tokio::select! {
        never = acceptor.run() => match never {},
        () = stop => {}
    }
    tracing::info!("stopping");
    app.announce_stop();
    // Ends by the clock; nothing else can end it.
    let _ = timeout(STOP_NOTICE, acceptor.run()).await;
    acceptor.drain().await;
    store.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// Listens for SIGTERM and SIGINT from this moment on, and returns what is ready at the first of them.
///
/// A second one ends the process at once.
pub fn stop_signals() -> Result<impl Future<Output = ()> + Send + 'static> {
    let listen = |kind| signal(kind).map_err(|error| Error::Internal(error.to_string()));
    let mut signals = [listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?];
    Ok(async move {
        any(&mut signals).await;
        tokio::spawn(async move {
            any(&mut signals).await;
            tracing::warn!("stopped at once by a second signal");
            std::process::exit(INTERRUPTED);
        });
    })
}

async fn any([terminate, interrupt]: &mut [Signal; 2]) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

struct Acceptor {
    listener: TcpListener,
    router: Router,
    places: Arc<Semaphore>,
    graceful: GracefulShutdown,
    protocol: Builder<TokioExecutor>,
}

fn protocol() -> Builder<TokioExecutor> {
    let mut protocol = Builder::new(TokioExecutor::new()).http1_only();
    // Without a timer the limit on the head of a request would be ignored or panic.
    protocol.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_READ_MAX);
    protocol
}

impl Acceptor {
    /// Accepts connections for ever. Above the bound they wait in the system's own queue.
    async fn run(&self) -> Infallible {
        loop {
            let place = self.places.clone().acquire_owned().await.expect("nobody closes the semaphore");
            match self.listener.accept().await {
                Ok((stream, _)) => self.carry(stream, place),
                Err(error) => {
                    tracing::warn!(%error, "connection not accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn carry(&self, stream: TcpStream, place: OwnedSemaphorePermit) {
        // Without this, small answers wait for the other side's acknowledgement.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "connection without nodelay");
        }
        let service = TowerToHyperService::new(self.router.clone());
        let connection = self.protocol.serve_connection(TokioIo::new(stream), service).into_owned();
        let connection = self.graceful.watch(connection);
        tokio::spawn(async move {
            telemetry::CONNECTIONS.add(&[], 1);
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection ended early");
            }
            telemetry::CONNECTIONS.subtract(&[], 1);
            drop(place);
        });
    }

    /// Stops accepting, and waits for requests under way as long as they may take.
    async fn drain(self) {
        drop(self.listener);
        if timeout(SHUTDOWN_MAX, self.graceful.shutdown()).await.is_err() {
            tracing::warn!(limit_ms = SHUTDOWN_MAX.as_millis(), "requests under way are given up");
        }
    }
}
