//! Looking at the place of the store: whether what is written there stays. Beside a SQLite file it
//! writes an empty file of its own and removes it again; a database is only asked.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use rustix::fs::statfs;

use super::seen::{SeenStore, StoreKind};
use crate::setup::client::ANSWER_MAX;
use crate::store::{Location, Looking, Reader, server_durability};

/// Looks, and gives up when a disk or a server does not answer.
pub(super) async fn read(location: &Location) -> SeenStore {
    let place = location.to_string();
    let location = location.clone();
    // A thread that hangs in a dead network file system is left behind.
    let looking = tokio::task::spawn_blocking(move || look(&location));
    let kind = match tokio::time::timeout(ANSWER_MAX, looking).await {
        Ok(Ok(kind)) => kind,
        Ok(Err(_)) | Err(_) => StoreKind::Silent,
    };
    SeenStore { place, kind }
}

fn look(location: &Location) -> StoreKind {
    match location {
        Location::Memory => StoreKind::Memory,
        Location::Postgres(address) => {
            StoreKind::Postgres(server_durability(address).map_err(|error| error.to_string()))
        }
        Location::File(path) => look_at_file(location, path),
    }
}

fn look_at_file(location: &Location, path: &Path) -> StoreKind {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let readable = path.exists().then(|| {
        let opened = Reader::open(location, Looking { stale_window_millis: 0 });
        opened.map(drop).map_err(|error| error.to_string())
    });
    StoreKind::File {
        folder: folder.display().to_string(),
        durable: write_and_sync(folder).map_err(|error| error.to_string()),
        file_system: statfs(folder).ok().and_then(|told| u64::try_from(told.f_type).ok()),
        readable,
    }
}

/// Writes a file, has it and its folder brought to the disk, and removes it.
fn write_and_sync(folder: &Path) -> std::io::Result<()> {
    let path = folder.join(format!(".deltrail-doctor-{:016x}", fastrand::u64(..)));
    let mut file = OpenOptions::new().write(true).create_new(true).open(&path)?;
    let written = file
        .write_all(b"deltrail doctor was here, and should have removed this file\n")
        .and_then(|()| file.sync_all())
        .and_then(|()| File::open(folder)?.sync_all());
    std::fs::remove_file(&path)?;
    written
}
