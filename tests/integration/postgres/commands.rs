//! The commands that write a store, on PostgreSQL: what they say and keep is what they say and keep
//! on SQLite. It knows the contract, and of the store what an administrator of the database sees.

use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::counted;
use super::server::{Database, Server};
use crate::main_job::world_of_today;
use crate::requirement::scratch;

fn deltrail(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deltrail"));
    command.args(arguments).env_clear().stdin(Stdio::null()).output().unwrap()
}

/// The summary of a scan of this folder.
fn scan(database: &Database<'_>, folder: &str) -> Value {
    let output = deltrail(&["scan", "--output=json", "--store", &database.url, folder]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {told}"))
}

#[test]
fn a_scan_of_the_past_is_kept_once() {
    let Some(server) = Server::start(&["fsync=off"]) else { return };
    let database = server.database();
    let world = world_of_today(9, 40);
    let folder = scratch("postgres-scan");
    for file in &world.files {
        let path = folder.join(&file.key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, file.body()).unwrap();
    }
    let folder = folder.to_str().unwrap();
    let removed: u64 = world.truth.removed.values().sum();
    let first = scan(&database, folder);
    assert_eq!((&first["files"]["read"], &first["removals_learnt"]), (&40.into(), &removed.into()));
    let again = scan(&database, folder);
    assert_eq!((&again["files"]["duplicates"], &again["removals_learnt"]), (&40.into(), &0.into()));
    assert_eq!(counted(&database, "bucket, api, outcome", "requests"), world.truth.requests);
    assert_eq!(counted(&database, "bucket", "removals"), world.truth.removed);
}

#[test]
fn a_day_of_the_demo_agrees_with_what_was_done() {
    let Some(server) = Server::start(&["fsync=off"]) else { return };
    let database = server.database();
    let day = ["demo", "--once", "--day-seconds=6", "--seed=7", "--store", &database.url];
    let played = deltrail(&day);
    let output = String::from_utf8_lossy(&played.stdout);
    let errors = String::from_utf8_lossy(&played.stderr);
    assert!(played.status.success(), "{output}\n{errors}");
    let removals: u64 = database.ask("SELECT count(*) FROM removals").parse().unwrap();
    assert!(removals > 0, "the day was played into another store");
}
