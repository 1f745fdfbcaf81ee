//! A store that cannot be written: its disk is full, another program has locked it, or its file is
//! damaged. It knows SQLite as far as it is needed to lock or damage a file.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rusqlite::Connection;

use super::scene::{SECONDS_MAX, Scene};
use crate::emulator::{Daemon, eventually};
use crate::faults::truth::Truth;
use crate::requirement::{scratch, skipped};

const MIB: u64 = 1024 * 1024;
/// Receiving stops below 64 MiB, and goes on at 96 MiB.
const DISK_MIB: u64 = 160;

/// A disk of its own, in memory.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// None where this user may not mount one.
    fn mount(name: &str) -> Option<Self> {
        let place = scratch(name);
        let size = format!("size={DISK_MIB}m");
        let options = ["-t", "tmpfs", "-o", &size, "tmpfs"];
        let mounted = Command::new("mount").args(options).arg(&place).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(place))
    }

    /// Takes all but so much of it.
    fn leave(&self, bytes: u64) {
        let ballast = self.0.join("ballast");
        let _ = std::fs::remove_file(&ballast);
        let free = free_bytes(&self.0);
        let file = std::fs::File::create(&ballast).unwrap();
        let zeros = vec![0; usize::try_from(free.saturating_sub(bytes)).unwrap()];
        let _ = std::io::Write::write_all(&mut { file }, &zeros);
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn free_bytes(place: &Path) -> u64 {
    let output = Command::new("df").args(["-B1", "--output=avail"]).arg(place).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().last().unwrap().trim().parse().unwrap()
}

async fn until_status(daemon: &Daemon, status: u16) {
    eventually(SECONDS_MAX, "readiness changes", async || {
        let answers = daemon.status_of("/-/ready");
        if answers == status { Ok(()) } else { Err(format!("it answers {answers}")) }
    })
    .await;
}

/// What the daemon says of the free space.
fn free_as_told(daemon: &Daemon) -> Result<u64, String> {
    let free = daemon.scrape()?.counts("deltrail_store_free_bytes", &[]);
    Ok(free.get(&Vec::new()).copied().unwrap_or_default())
}

async fn until_told(daemon: &Daemon, free: Range<u64>) {
    eventually(SECONDS_MAX, "the free space is told", async || {
        let told = free_as_told(daemon)?;
        if free.contains(&told) { Ok(()) } else { Err(format!("{told} bytes")) }
    })
    .await;
}

/// Waits for those receives that were about to be sent when the space ran short; how many there
/// were of each queue.
async fn until_no_receive_begins(scene: &Scene) -> [u64; 2] {
    let mut before = scene.receives();
    eventually(SECONDS_MAX, "receiving stops", async || {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let now = scene.receives();
        let was = std::mem::replace(&mut before, now);
        if was == now { Ok(now) } else { Err(format!("{was:?} receives, then {now:?}")) }
    })
    .await
}

/// Fails if a receive begins although messages wait. It is the time itself that is waited for: four
/// times as long as a poller sleeps before it looks again.
async fn expect_no_receive(scene: &Scene, receives: [u64; 2]) {
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(scene.receives(), receives, "receiving has stopped");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stops_receiving_and_loses_nothing() {
    let Some(disk) = SmallDisk::mount("crash-disk") else {
        return skipped("a small disk cannot be mounted by this user");
    };
    let mut scene = Scene::open("crash-full", 3).await;
    let daemon = scene.daemon_in(&disk.0).await;
    scene.write(40).await;
    // In the middle of its commits there is no room at all.
    disk.leave(0);
    until_status(&daemon, 503).await;
    let why = daemon.body_of("/-/ready");
    assert!(why.contains("the disk of the store is nearly full"), "{why}");
    assert!(free_as_told(&daemon).unwrap() < 64 * MIB);
    let receives = until_no_receive_begins(&scene).await;
    scene.write(40).await;
    expect_no_receive(&scene, receives).await;
    disk.leave(70 * MIB);
    until_told(&daemon, 64 * MIB..96 * MIB).await;
    expect_no_receive(&scene, receives).await;
    assert_eq!(daemon.status_of("/-/ready"), 503, "not enough room yet");
    disk.leave(120 * MIB);
    until_told(&daemon, 96 * MIB..u64::MAX).await;
    until_status(&daemon, 200).await;
    scene.until_true(&daemon, &disk.0).await;
    let now = scene.receives();
    assert!(now.iter().zip(receives).all(|(now, before)| *now > before), "{receives:?}: {now:?}");
    daemon.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_another_program_has_locked_is_waited_for_and_tried_again() {
    let mut scene = Scene::open("crash-locked", 4).await;
    let daemon = scene.daemon().await;
    let lock = Connection::open(scene.folder.join("deltrail.db")).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    scene.write(20).await;
    eventually(SECONDS_MAX, "a commit has failed and its message returned", async || {
        let failed = daemon.scrape()?.sum("deltrail_messages_failed_total", &[("reason", "store")]);
        if failed > 0.0 { Ok(()) } else { Err("none has".to_owned()) }
    })
    .await;
    assert!(daemon.output().contains("is locked by another program"), "it says why");
    lock.execute_batch("ROLLBACK").unwrap();
    drop(lock);
    let folder = scene.folder.clone();
    scene.until_true(&daemon, &folder).await;
    daemon.stop();
}

/// What a daemon says that does not start on the store of a folder.
fn refusal(folder: &Path) -> String {
    let store = format!("--store=sqlite://{}", folder.join("deltrail.db").display());
    let output = Command::new(env!("CARGO_BIN_EXE_deltrail"))
        .args(["run", "--queue-url=http://127.0.0.1:9/111122223333/q", "--log-bucket=logs"])
        .args(["--ops-listen=127.0.0.1:0", "--app-listen=127.0.0.1:0", &store])
        .env_clear()
        .envs([("AWS_REGION", "eu-west-1"), ("AWS_EC2_METADATA_DISABLED", "true")])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_does_not_start_on_a_locked_store_and_says_what_to_do() {
    let scene = Scene::open("crash-locked-at-start", 5).await;
    scene.daemon().await.stop();
    let lock = Connection::open(scene.folder.join("deltrail.db")).unwrap();
    lock.execute_batch("PRAGMA locking_mode = exclusive; BEGIN EXCLUSIVE").unwrap();
    let folder = scene.folder.clone();
    let said = tokio::task::spawn_blocking(move || refusal(&folder)).await.unwrap();
    assert!(said.contains("is locked by another program; close what else has"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_store_is_refused_and_a_scan_fills_a_new_one() {
    let mut scene = Scene::open("crash-damaged", 6).await;
    let daemon = scene.daemon().await;
    scene.write(60).await;
    let folder = scene.folder.clone();
    scene.until_true(&daemon, &folder).await;
    daemon.stop();
    let file = folder.join("deltrail.db");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[..8192].fill(0x5a);
    std::fs::write(&file, bytes).unwrap();
    let damaged = folder.clone();
    let said = tokio::task::spawn_blocking(move || refusal(&damaged)).await.unwrap();
    assert!(said.contains("restore it or move it away"), "{said}");

    let logs = folder.join("logs");
    for (key, body) in scene.writing.logs() {
        let path = logs.join(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        if !body.is_empty() {
            std::fs::write(path, body).unwrap();
        }
    }
    let anew = folder.join("anew.db");
    let scanned = Command::new(env!("CARGO_BIN_EXE_deltrail"))
        .arg("scan")
        .arg(&logs)
        .arg(format!("--store=sqlite://{}", anew.display()))
        .env_clear()
        .output()
        .unwrap();
    assert!(scanned.status.success(), "{}", String::from_utf8_lossy(&scanned.stderr));
    // That a key of a bulk call got a marker, only S3's notice tells.
    let seen = Truth::read(&anew).unwrap().without_kinds();
    scene.traffic.truth().clone().without_kinds().expect_rows(&seen).unwrap();
}
