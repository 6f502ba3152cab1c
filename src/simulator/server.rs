//! The router, and the loop that accepts connections.
//!
//! HTTP/1.1 by hyper, one task for each connection, WebSockets by its upgrade. What the router says
//! is the same whether a connection or a function call asks.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{delete, get, head, patch, post};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_service::Service;

use super::answer::Refusal;
use super::gate::{Reset, gate};
use super::media::MEDIA;
use super::{
    Simulator, analytics, control, conversations, directory, notifications, oauth, organization,
    search, socket, tutorial,
};

/// After an accept that failed, for want of file handles most likely.
const BREATH: Duration = Duration::from_millis(100);

impl Simulator {
    /// Serves and plays the world until `stop`, then ends all connections.
    ///
    /// # Cancel safety
    ///
    /// Dropping it stops accepting and stops the world; connections that are up stay up until the
    /// simulator is dropped.
    pub async fn serve(self: Arc<Self>, listener: TcpListener, stop: CancellationToken) {
        let router = router(&self);
        tokio::select! {
            () = self.drive(&stop) => {}
            () = self.accept(&listener, &router) => {}
        }
        self.stop.cancel();
        self.finish().await;
    }

    async fn accept(self: &Arc<Self>, listener: &TcpListener, router: &Router) {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, "nodelay refused");
                    }
                    self.connection(stream, Some(peer.ip()), router.clone());
                }
                Err(error) => {
                    tracing::warn!(%error, "accept failed, will try again");
                    tokio::time::sleep(BREATH).await;
                }
            }
        }
    }

    /// Serves one connection; `peer` is `None` for one inside the process.
    pub(super) fn connection<S>(self: &Arc<Self>, stream: S, peer: Option<IpAddr>, router: Router)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let simulator = Arc::clone(self);
        self.spawn(async move {
            let service = service_fn(move |request: Request<Incoming>| {
                let mut request = request.map(Body::new);
                request.extensions_mut().insert(control::Peer(peer));
                let router = router.clone();
                async move { answer(router, request).await }
            });
            let connection = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades();
            tokio::pin!(connection);
            let result = tokio::select! {
                biased;
                result = &mut connection => result,
                () = simulator.stopped() => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(error) = result {
                tracing::debug!(%error, "connection ended");
            }
        });
    }

    /// Waits for the connections to end, for a moment only.
    async fn finish(&self) {
        let mut tasks = std::mem::take(
            &mut *self.tasks.lock().unwrap_or_else(std::sync::PoisonError::into_inner),
        );
        let all = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(Duration::from_secs(2), all).await.is_err() {
            tracing::debug!("some connections did not end by themselves");
        }
    }
}

/// The router's answer, or the broken connection that a fault asked for.
pub(super) async fn answer(mut router: Router, request: Request) -> Result<Response, io::Error> {
    let response = match Service::call(&mut router, request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    if response.extensions().get::<Reset>().is_some() {
        return Err(io::Error::from(io::ErrorKind::ConnectionReset));
    }
    Ok(response)
}

/// All paths. The names in them are the swagger's, which the request log shows.
pub(super) fn router(simulator: &Arc<Simulator>) -> Router {
    let api = Router::new()
        .route("/oauth/token", post(oauth::token))
        .route("/api/v2/tokens/me", get(oauth::me).delete(oauth::revoke_me))
        .merge(notification_paths())
        .merge(directory_paths())
        .merge(conversation_paths())
        .fallback(async || Refusal::not_found())
        .method_not_allowed_fallback(async || {
            let status = StatusCode::METHOD_NOT_ALLOWED;
            Refusal::new(status, "method.not.allowed", "The method is not allowed here.")
        })
        .layer(from_fn_with_state(Arc::clone(simulator), gate));
    Router::new()
        .route("/channels/{channelId}", get(socket::upgrade))
        .merge(control::paths())
        .merge(api)
        .with_state(Arc::clone(simulator))
}

fn notification_paths() -> Router<Arc<Simulator>> {
    let channels = "/api/v2/notifications/channels";
    Router::new()
        .route("/api/v2/notifications/availabletopics", get(notifications::available))
        .route(channels, get(notifications::list).post(notifications::create))
        .route(&format!("{channels}/{{channelId}}"), head(notifications::head))
        .route(
            &format!("{channels}/{{channelId}}/subscriptions"),
            get(notifications::subscriptions)
                .post(notifications::add)
                .put(notifications::replace)
                .merge(delete(notifications::clear)),
        )
}

fn directory_paths() -> Router<Arc<Simulator>> {
    let limits = "/api/v2/organizations/limits";
    Router::new()
        .route("/api/v2/users", get(directory::users))
        .route("/api/v2/users/search", post(search::users))
        .route("/api/v2/users/{userId}", get(directory::one_user))
        .route("/api/v2/users/{userId}/queues", get(directory::queues_of_user))
        .route("/api/v2/routing/queues", get(directory::queues))
        .route("/api/v2/routing/queues/divisionviews/all", get(directory::queues))
        .route("/api/v2/routing/queues/{queueId}", get(directory::one_queue))
        .route("/api/v2/routing/queues/{queueId}/members", get(directory::queue_members))
        .route("/api/v2/routing/wrapupcodes", get(directory::wrapup_codes))
        .route("/api/v2/routing/skills", get(directory::skills))
        .route("/api/v2/routing/languages", get(directory::languages))
        .route("/api/v2/authorization/divisions", get(directory::divisions))
        .route("/api/v2/flows", get(directory::flows))
        .route("/api/v2/groups", get(directory::groups))
        .route("/api/v2/groups/search", post(search::groups))
        .route("/api/v2/groups/{groupId}/members", get(directory::group_members))
        .route("/api/v2/groups/{groupId}/individuals", get(directory::individuals))
        .route("/api/v2/organizations/me", get(organization::me))
        .route(&format!("{limits}/docs"), get(organization::limits_docs))
        .route(&format!("{limits}/namespaces"), get(organization::namespaces))
        .route(&format!("{limits}/namespaces/{{namespaceName}}"), get(organization::limits))
        .route(
            &format!("{limits}/namespaces/{{namespaceName}}/defaults"),
            get(organization::limits),
        )
}

fn conversation_paths() -> Router<Arc<Simulator>> {
    let root = "/api/v2/conversations";
    let participant = "participants/{participantId}";
    let details = "/api/v2/analytics/conversations";
    let mut paths = Router::new()
        .route(root, get(conversations::of_caller))
        .route(&format!("{root}/{{conversationId}}"), get(conversations::one))
        .route(
            &format!("{root}/{{conversationId}}/{participant}"),
            get(tutorial::one).put(tutorial::replace).patch(conversations::patch_participant),
        )
        .route(
            &format!("{root}/{{conversationId}}/{participant}/attributes"),
            patch(conversations::patch_attributes),
        )
        .route(&format!("{root}/users/{{userId}}"), get(tutorial::of_user))
        .route(&format!("{details}/details/query"), post(analytics::query))
        .route(&format!("{details}/details"), get(analytics::several))
        .route(&format!("{details}/{{conversationId}}/details"), get(analytics::one));
    for media in MEDIA {
        let name = media.0;
        let one = get(conversations::one_of_media).layer(axum::Extension(media));
        paths = paths
            .route(&format!("{root}/{name}"), get(conversations::of_caller))
            .route(&format!("{root}/{name}/{{conversationId}}"), one)
            .route(
                &format!("{root}/{name}/{{conversationId}}/{participant}/attributes"),
                patch(conversations::patch_attributes_of_media),
            );
    }
    paths
}
