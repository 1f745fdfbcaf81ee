//! A daemon that is killed before it is ready: while it makes or opens its store, or loads what it
//! has counted. It knows of SQLite that a schema can be read.

use std::path::Path;
use std::time::Duration;

use fastrand::Rng;
use rusqlite::Connection;
use tokio::time::{Instant, sleep};

use super::scene::{SECONDS_MAX, Scene};
use crate::requirement::scratch;

const FOLDERS: usize = 4;
/// Kills while one store is made.
const KILLS: usize = 4;
/// A kill that comes too late is tried again.
const TRIES_MAX: usize = 20;
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// How long a daemon takes until it is ready, as far as is known.
pub struct OpensIn(Duration);

impl OpensIn {
    /// That of a daemon that makes its store in this folder.
    pub async fn measured(scene: &Scene, folder: &Path) -> Self {
        let mut opens_in = Self(Duration::from_secs(SECONDS_MAX));
        assert!(!opens_in.has_struck(scene, folder, 1.0).await, "it is not ready");
        opens_in
    }

    /// Kills a daemon on the store of a folder before it is ready.
    pub async fn kill(&mut self, scene: &Scene, folder: &Path, random: &mut Rng) {
        for _ in 0..TRIES_MAX {
            if self.has_struck(scene, folder, random.f64()).await {
                return;
            }
        }
        panic!("{TRIES_MAX} kills came too late");
    }

    /// Starts a daemon on the store of a folder and kills it after this part of the time that it
    /// takes; says whether it was not ready by then. If it was, the time is now known better.
    async fn has_struck(&mut self, scene: &Scene, folder: &Path, part: f64) -> bool {
        let mut daemon = scene.begin_in(folder);
        let began = Instant::now();
        let end = began + self.0.mul_f64(part);
        let mut is_ready = daemon.is_ready();
        while Instant::now() < end && !is_ready {
            sleep(LOOK_EVERY).await;
            is_ready = daemon.is_ready();
        }
        if is_ready {
            self.0 = began.elapsed();
        }
        assert!(!daemon.has_ended(), "it ended by itself: {}", daemon.output());
        daemon.kill();
        !is_ready
    }
}

/// All tables and indexes, and which migrations made them.
fn schema(folder: &Path) -> Vec<String> {
    let store = Connection::open(folder.join("deltrail.db")).unwrap();
    let read = |sql| -> Vec<String> {
        let mut all = store.prepare(sql).unwrap();
        let rows = all.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    };
    let made = read("SELECT coalesce(sql, name) FROM sqlite_master ORDER BY name");
    let by = read("SELECT version || checksum FROM refinery_schema_history ORDER BY version");
    [made, by].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_it_makes_its_store_it_goes_on_where_it_was() {
    let scene = Scene::open("crash-opening", 7).await;
    let whole = scratch("crash-opening-whole");
    let mut opens_in = OpensIn::measured(&scene, &whole).await;
    let mut random = Rng::with_seed(7);
    for number in 0..FOLDERS {
        let folder = scratch(&format!("crash-opening-{number}"));
        for _ in 0..KILLS {
            opens_in.kill(&scene, &folder, &mut random).await;
        }
        scene.daemon_in(&folder).await.stop();
        assert_eq!(schema(&folder), schema(&whole));
    }
}
