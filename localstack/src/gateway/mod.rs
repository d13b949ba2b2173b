//! The one address that everything is called at.

pub mod access;
mod action;
mod local;
mod message;
mod pipeline;
mod protocol;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::watch;

pub use local::{Local, Question};
pub use message::{Answer, Call, Payload, Reply};
pub use protocol::{Protocol, Refusal};

/// Binds the loopback address; port 0 takes a free one.
pub fn bind(port: u16) -> std::io::Result<TcpListener> {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Answers until `stop` changes.
pub async fn serve(local: Arc<Local>, listener: TcpListener, mut stop: watch::Receiver<bool>) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let accepted = tokio::select! {
            _ = stop.changed() => return Ok(()),
            accepted = listener.accept() => accepted,
        };
        // A connection that failed before it was taken is its client's business.
        let Ok((stream, _)) = accepted else { continue };
        let _ = stream.set_nodelay(true);
        let local = local.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let local = local.clone();
                async move { pipeline::answer(&local, request).await }
            });
            // Ends with an error when the client goes away or a fault drops the connection: nothing to do.
            let _ = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// Why a connection is closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is dropped, as a fault rule asks for")]
pub struct Dropped;
