//! The daemon around `deltrail-core`.
//!
//! Adapters (`queue`, `objects`, `store`, `notify`, `trail_keys`) know the core and nothing else of
//! ours; shells (`ingest`, `watch`, `http`, `setup`, `sandbox`) drive them and do not know one
//! another; `app` puts the house together; `cli` talks to people. `tests/` reads the imports and
//! fails on a breach.

pub mod app;
pub mod cli;
pub mod config;
pub mod http;
pub mod ingest;
pub mod metrics;
pub mod notify;
pub mod objects;
pub mod queue;
pub mod sandbox;
pub mod setup;
pub mod store;
pub mod trail_keys;
pub mod watch;
