//! Several daemons on one PostgreSQL: they drain one queue together, are killed at any moment, lose
//! their database for a while, and nothing is lost or counted twice. It knows the contract, and of
//! the store what an administrator of the database sees.
//!
//! `DELTRAIL_REPLICAS_SEED` plays other moments.

mod commands;
pub mod server;

use std::path::Path;
use std::time::Duration;

use fastrand::Rng;

use self::server::{Database, Server};
use crate::emulator::{Daemon, Estate, emulator};
use crate::main_job::{until_durable_equals, world_of_today};
use crate::requirement::scratch;
use crate::world::Counts;

const REPLICAS: [&str; 3] = ["replica-1", "replica-2", "replica-3"];
const SECONDS_MAX: u64 = 120;
/// Files that are written between two kills.
const FILES: usize = 5;
/// In which of these rounds the database is gone and nobody is killed.
const OUTAGE: usize = 4;
/// How long a replica lives before the next one is killed.
const ALIVE_MILLIS: std::ops::Range<u64> = 0..300;

/// Starts a replica, which keeps nothing but its log in its folder.
async fn start(estate: &Estate, logs: &Path, store: &str, name: &str) -> Daemon {
    let folder = logs.join(name);
    std::fs::create_dir_all(&folder).unwrap();
    let settings = ["--store", store, "--instance", name];
    Daemon::start_with(estate, &folder, &settings).await
}

/// How many rows there are of each kind.
fn counted(database: &Database<'_>, columns: &str, table: &str) -> Counts {
    let rows = database.ask(&format!("SELECT {columns}, count(*) FROM {table} GROUP BY {columns}"));
    let counted = rows.lines().map(|row| {
        let mut cells: Vec<String> = row.split('|').map(str::to_owned).collect();
        let count = cells.pop().unwrap().parse().unwrap();
        (cells, count)
    });
    counted.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_are_killed_at_any_moment_count_everything_once() {
    // One of its own, since it is stopped.
    let (Some(server), Some(emulator)) = (Server::start(&["fsync=off"]), emulator()) else {
        return;
    };
    let seed = std::env::var("DELTRAIL_REPLICAS_SEED").ok().and_then(|it| it.parse().ok());
    let mut random = Rng::with_seed(seed.unwrap_or(1));
    let database = server.database();
    let authority = server.authority().display().to_string();
    let store = format!("{}?sslmode=verify-ca&sslrootcert={authority}", database.url);
    // Every life receives what the one before left, so that redrive must not take it away.
    let estate = Estate::build(emulator, "replicas", 100).await;
    let world = world_of_today(6, 50);
    let logs = scratch("replicas");
    let [one, two, three] = REPLICAS.map(|name| start(&estate, &logs, &store, name));
    // At once on an empty database.
    let (one, two, three) = tokio::join!(one, two, three);
    let mut replicas = [Some(one), Some(two), Some(three)];
    let mut was_unfinished = false;
    for (round, files) in world.files.chunks(FILES).enumerate() {
        if round == OUTAGE {
            server.stop();
        }
        for file in files {
            estate.put(&file.key, file.body()).await;
        }
        tokio::time::sleep(Duration::from_millis(random.u64(ALIVE_MILLIS))).await;
        if round == OUTAGE {
            server.start_again();
            continue;
        }
        let nth = random.usize(..REPLICAS.len());
        replicas[nth].take().unwrap().kill();
        was_unfinished |= estate.depth().await != (0, 0);
        replicas[nth] = Some(start(&estate, &logs, &store, REPLICAS[nth]).await);
    }
    assert!(was_unfinished, "nobody was killed in the middle of the work");
    estate.until_drained(SECONDS_MAX).await;
    for replica in replicas.iter().flatten() {
        until_durable_equals(replica, &world.truth).await;
    }
    assert_eq!(counted(&database, "bucket, api, outcome", "requests"), world.truth.requests);
    assert_eq!(counted(&database, "bucket", "removals"), world.truth.removed);
    for replica in replicas.into_iter().flatten() {
        assert!(!replica.output().contains(server::PASSWORD), "the log holds the password");
        replica.stop();
    }
}
