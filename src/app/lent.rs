//! What the rooms lend to the listeners, in the listeners' own words. It serves nothing.

use std::sync::Arc;
use std::time::Instant;

use super::totals;
use crate::http::{Commit, Health, TotalsSource};
use crate::metrics::Heartbeat;
use crate::queue::Queue;
use crate::store::Store;

/// What must tick: a poller for each queue, and the store's writer.
pub(super) fn health(queues: &[Queue], store: &Store) -> (Health, Vec<Heartbeat>) {
    let writer = store.clone();
    let mut health =
        Health::new().watching("the store's writer", move || writer.writer_ticked_at());
    let mut heartbeats = Vec::with_capacity(queues.len());
    for queue in queues {
        let heartbeat = Heartbeat::starting(Instant::now());
        let seen = heartbeat.clone();
        let name = format!("the poller of queue {}", queue.name());
        health = health.watching(name, move || seen.last());
        heartbeats.push(heartbeat);
    }
    (health, heartbeats)
}

/// The durable totals for the ops listener.
pub(super) fn totals_source(store: &Store) -> TotalsSource {
    let store = store.clone();
    Arc::new(move || {
        let store = store.clone();
        Box::pin(async move { totals(&store).await.map_err(|error| error.to_string()) })
    })
}

/// The store for the app listener, which may do no more with it.
pub(super) fn commit(store: &Store) -> Commit {
    let store = store.clone();
    Arc::new(move |batch| {
        let store = store.clone();
        Box::pin(async move { store.commit(batch).await })
    })
}
