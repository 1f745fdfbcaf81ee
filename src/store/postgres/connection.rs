//! One connection to PostgreSQL, for a thread that waits for each answer; made again when it was
//! lost. It knows no table.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio_postgres::config::TargetSessionAttrs;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, Error, Row, Statement};

use super::address::PostgresAddress;
use super::explain::explain;
use super::tls::connector;
use crate::store::StoreError;

/// How long it may take to connect, unless the address says otherwise.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// How long a silent server is believed to be there.
const SILENCE_MAX: Duration = Duration::from_secs(30);
/// The pause after the first attempt to connect that failed; it doubles from one to the next.
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Purpose {
    /// One that may write; a standby server is refused.
    Write,
    /// One that only looks.
    Read,
    /// One that changes the tables, which takes as long as it takes.
    Migrate,
}

/// A connection. Its methods wait, so that it may be used by a thread of its own only.
pub(in crate::store) struct PostgresConnection {
    address: PostgresAddress,
    purpose: Purpose,
    runtime: Carrier,
    client: RefCell<Client>,
    is_abandoned: Cell<bool>,
    statements: RefCell<HashMap<String, Statement>>,
    /// When to try to connect again, and how long to wait after that if it fails.
    next_attempt: Cell<(Instant, Duration)>,
}

/// What carries what is sent and received, while a thread waits for it.
struct Carrier(Option<Runtime>);

impl Carrier {
    #[expect(clippy::expect_used, reason = "it is taken out when it is dropped, and not before")]
    const fn get(&self) -> &Runtime {
        self.0.as_ref().expect("a carrier that was not dropped")
    }
}

impl Drop for Carrier {
    fn drop(&mut self) {
        // Whoever drops it may be asynchronous code, which must not wait.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl PostgresConnection {
    /// Connects.
    pub(in crate::store) fn open(
        address: &PostgresAddress,
        purpose: Purpose,
    ) -> Result<Self, StoreError> {
        let place = address.to_string();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(
            |error| StoreError::CannotConnect { store: place, detail: error.to_string() },
        )?;
        let client = connect(&runtime, address, purpose)?;
        Ok(Self {
            address: address.clone(),
            purpose,
            runtime: Carrier(Some(runtime)),
            client: RefCell::new(client),
            is_abandoned: Cell::new(false),
            statements: RefCell::default(),
            next_attempt: Cell::new((Instant::now(), PAUSE_MIN)),
        })
    }

    /// Connects again if the connection was lost, but not all the time: for a while after an
    /// attempt that failed the answer is the same without a further one.
    pub(in crate::store) fn revive(&self) -> Result<(), StoreError> {
        if !self.is_closed() {
            return Ok(());
        }
        let place = self.address.to_string();
        let (at, pause) = self.next_attempt.get();
        if Instant::now() < at {
            let detail = "the connection was lost and is being made again".to_owned();
            return Err(StoreError::Unreachable { store: place, detail });
        }
        match connect(self.runtime.get(), &self.address, self.purpose) {
            Ok(client) => {
                self.statements.borrow_mut().clear();
                self.client.replace(client);
                self.is_abandoned.set(false);
                self.next_attempt.set((Instant::now(), PAUSE_MIN));
                tracing::info!(store = %place, "connected to PostgreSQL again");
                Ok(())
            }
            Err(error) => {
                self.next_attempt.set((Instant::now() + pause, (pause * 2).min(PAUSE_MAX)));
                Err(error)
            }
        }
    }

    /// Whether the connection is known to be lost, or was given up.
    pub(in crate::store) fn is_closed(&self) -> bool {
        self.is_abandoned.get() || self.client.borrow().is_closed()
    }

    /// Gives the connection up, so that the next [`Self::revive`] makes another one: its server
    /// answers, but is not the one to write to any more.
    pub(in crate::store) fn abandon(&self) {
        self.is_abandoned.set(true);
    }

    /// Runs one statement; gives how many rows it changed.
    pub(in crate::store) fn execute(
        &self,
        sql: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<u64, Error> {
        let statement = self.statement(sql)?;
        self.wait(async |client| client.execute(&statement, values).await)
    }

    /// Runs one statement; gives the rows that it answers.
    pub(in crate::store) fn query(
        &self,
        sql: &str,
        values: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, Error> {
        let statement = self.statement(sql)?;
        self.wait(async |client| client.query(&statement, values).await)
    }

    /// Runs a statement without values that may answer with other columns each time.
    pub(in crate::store) fn query_anew(&self, sql: &str) -> Result<Vec<Row>, Error> {
        self.wait(async |client| client.query(sql, &[]).await)
    }

    /// Runs statements that have no values and whose answers nobody needs.
    pub(in crate::store) fn batch(&self, statements: &str) -> Result<(), Error> {
        self.wait(async |client| client.batch_execute(statements).await)
    }

    /// A statement, prepared once for each connection.
    pub(super) fn statement(&self, sql: &str) -> Result<Statement, Error> {
        if let Some(statement) = self.statements.borrow().get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.wait(async |client| client.prepare(sql).await)?;
        self.statements.borrow_mut().insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// Waits for what is asked of the server.
    pub(super) fn wait<T>(&self, ask: impl AsyncFnOnce(&Client) -> T) -> T {
        let client = self.client.borrow();
        self.runtime.get().block_on(ask(&client))
    }

    /// [`Self::wait`], for what needs the client for itself.
    pub(super) fn wait_mut<T>(&mut self, ask: impl AsyncFnOnce(&mut Client) -> T) -> T {
        self.runtime.get().block_on(ask(self.client.get_mut()))
    }
}

impl fmt::Debug for PostgresConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresConnection")
            .field("address", &self.address)
            .field("purpose", &self.purpose)
            .finish_non_exhaustive()
    }
}

/// Connects, and has the runtime carry what is sent and received while it waits for an answer.
fn connect(
    runtime: &Runtime,
    address: &PostgresAddress,
    purpose: Purpose,
) -> Result<Client, StoreError> {
    let place = address.to_string();
    let tls = connector(address.tls()).map_err(|error| StoreError::CannotConnect {
        store: place.clone(),
        detail: error.to_string(),
    })?;
    let config = configured(address.config(), purpose);
    let connected = runtime.block_on(async {
        let (client, connection) = config.connect(tls).await?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "the connection to PostgreSQL was lost");
            }
        });
        client.batch_execute(settings(purpose)).await?;
        Ok(client)
    });
    connected.map_err(|error| explain(&place, &error))
}

/// What a session asks of its server. Answers that never come and locks that are never given back
/// are errors, after a time that no statement of ours needs on a server that is well.
const fn settings(purpose: Purpose) -> &'static str {
    match purpose {
        // A commit is on the disk before its message is acknowledged. Statements are planned once
        // and by the indexes that were made for them, also while the tables are new and the planner
        // thinks that it might as well read them, or one of their indexes, from end to end.
        Purpose::Write => {
            "SET synchronous_commit = on; SET enable_seqscan = off;
             SET enable_mergejoin = off; SET enable_hashjoin = off;
             SET plan_cache_mode = force_generic_plan; SET jit = off;
             SET default_transaction_isolation = 'read committed'; SET lock_timeout = '20s';
             SET statement_timeout = '60s'; SET idle_in_transaction_session_timeout = '60s'"
        }
        Purpose::Read => {
            "SET default_transaction_read_only = on; SET jit = off;
             SET default_transaction_isolation = 'repeatable read'; SET lock_timeout = '20s';
             SET statement_timeout = '60s'; SET idle_in_transaction_session_timeout = '60s'"
        }
        Purpose::Migrate => "SET synchronous_commit = on",
    }
}

fn configured(config: &Config, purpose: Purpose) -> Config {
    let mut config = config.clone();
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_MAX);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(SILENCE_MAX);
    }
    config.keepalives_idle(SILENCE_MAX);
    if purpose != Purpose::Read {
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
    if config.get_application_name().is_none() {
        config.application_name(match purpose {
            Purpose::Write => "deltrail writer",
            Purpose::Read => "deltrail reader",
            Purpose::Migrate => "deltrail migration",
        });
    }
    config
}
