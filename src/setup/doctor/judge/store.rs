//! Whether what is committed stays.

use crate::setup::doctor::check::Verdict;
use crate::setup::doctor::seen::StoreKind;
use crate::store::ServerDurability;

/// File systems by the number that Linux gives them (statfs(2), and each one's own header).
const FILE_SYSTEMS: [(u64, &str, Kind); 12] = [
    (0x6969, "nfs", Kind::Network),
    (0xff53_4d42, "cifs", Kind::Network),
    (0xfe53_4d42, "smb2", Kind::Network),
    (0x517b, "smb", Kind::Network),
    (0x6573_5546, "fuse", Kind::Network),
    (0x0102_1997, "9p", Kind::Network),
    (0x00c3_6400, "ceph", Kind::Network),
    (0x5346_414f, "afs", Kind::Network),
    (0x0bd0_0bd0, "lustre", Kind::Network),
    (0x0102_1994, "tmpfs", Kind::Gone),
    (0x8584_58f6, "ramfs", Kind::Gone),
    (0x794c_7630, "overlay", Kind::Layer),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The write-ahead log needs memory that all who open the file share, and locks that hold.
    Network,
    /// In memory.
    Gone,
    /// Most often the container's own, which ends with it.
    Layer,
}

const ANOTHER_PLACE: &str = "keep it on a local disk or a block volume (EBS) with --store, or in \
                             PostgreSQL";

pub(super) fn place(kind: &StoreKind) -> Verdict {
    match kind {
        StoreKind::Memory => Verdict::warn(
            "all is forgotten when the daemon ends",
            "name a file with --store sqlite://PATH, or a database",
        ),
        StoreKind::Silent => silent(),
        StoreKind::Postgres(Ok(server)) if server.is_standby => Verdict::fail(
            "the server follows another one, and cannot be written to",
            "name the one that leads, or all of them: postgres://...@HOST1,HOST2/DATABASE",
        ),
        StoreKind::Postgres(Ok(server)) => {
            Verdict::ok(format!("PostgreSQL {} answers", server.version))
        }
        StoreKind::Postgres(Err(error)) => {
            Verdict::fail(error.as_str(), "see to what the message says")
        }
        StoreKind::File { readable: Some(Err(error)), .. } => Verdict::warn(
            error.as_str(),
            "if the daemon of this version has not run yet, it makes the tables at its start",
        ),
        StoreKind::File { readable: Some(Ok(())), .. } => Verdict::ok("it can be read"),
        StoreKind::File { readable: None, folder, .. } => {
            Verdict::ok(format!("there is none yet; the daemon makes one in {folder}"))
        }
    }
}

pub(super) fn durability(kind: &StoreKind) -> Verdict {
    match kind {
        StoreKind::Memory => Verdict::ok("nothing is to stay"),
        StoreKind::Silent | StoreKind::Postgres(Err(_)) => {
            Verdict::unknown("the place of the store did not answer", "see to that first")
        }
        StoreKind::Postgres(Ok(server)) => of_server(server),
        StoreKind::File { durable: Err(error), folder, .. } => Verdict::fail(
            format!("{folder} cannot be written and synced ({error})"),
            "give this user write permission, free some space, or name another file with --store",
        ),
        StoreKind::File { file_system, .. } => of_file_system(*file_system),
    }
}

fn silent() -> Verdict {
    Verdict::fail(
        "no answer in 10 s",
        "check the mount or the address of the store, the network, and the server",
    )
}

fn of_server(server: &ServerDurability) -> Verdict {
    if !server.fsync {
        return Verdict::fail(
            "the server does not wait for its disk (fsync = off)",
            "ALTER SYSTEM SET fsync = on; SELECT pg_reload_conf();",
        );
    }
    if !server.full_page_writes {
        return Verdict::warn(
            "a crash of the server's host can damage pages (full_page_writes = off)",
            "ALTER SYSTEM SET full_page_writes = on; SELECT pg_reload_conf();",
        );
    }
    Verdict::ok(format!(
        "commits reach its disk: fsync = on, synchronous_commit = on for the daemon (the server \
         has {})",
        server.synchronous_commit
    ))
}

fn of_file_system(number: Option<u64>) -> Verdict {
    let Some(number) = number else {
        return Verdict::unknown(
            "it can be written and synced; the system does not tell its file system",
            "see that it is a local one",
        );
    };
    let known = FILE_SYSTEMS.iter().find(|(of, ..)| *of == number);
    match known {
        Some((_, name, Kind::Network)) => Verdict::fail(
            format!(
                "{name}: a network file system, on which SQLite's write-ahead log does not work"
            ),
            ANOTHER_PLACE,
        ),
        Some((_, name, Kind::Gone)) => {
            Verdict::warn(format!("{name}: all is gone when the host restarts"), ANOTHER_PLACE)
        }
        Some((_, name, Kind::Layer)) => Verdict::warn(
            format!("{name}: a container's own layer, which ends with the container"),
            "mount a volume there",
        ),
        None => Verdict::ok("written and synced, on a local file system"),
    }
}
