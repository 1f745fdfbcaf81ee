//! The questions of the command line to a running daemon, through its API: what is printed is what
//! its store tells, in every form, on SQLite and on PostgreSQL. It knows the contract, and nothing
//! of how the daemon keeps it.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use deltrail::sandbox::Sandbox;
use deltrail::sandbox::s3::Versioning;
use deltrail::sandbox::sqs::QueueAttributes;
use deltrail::store::{Batch, Location, Options, Store, StoredFact};
use deltrail_core::domain::{Evidence, Fact, RemovalRole, Source};

use crate::emulator::{Daemon, eventually};
use crate::postgres::server::Server;
use crate::questions::deleted;
use crate::requirement::scratch;
use crate::sandbox::{REGION, sandbox_of};

const ACCESS_KEY_ID: &str = "AKIAASKERXXXXXXXXXXX";
const SECRET_ACCESS_KEY: &str = "secret";
const QUEUE: &str = "trail";
const LOG_BUCKET: &str = "trail-logs";
const TOKEN: &str = "correct-horse-battery-staple";
/// More than the API gives at once.
const KEYS: usize = 1_100;

/// What is asked; none of it changes while nothing is delivered.
const QUESTIONS: [&[&str]; 9] = [
    &["who-deleted", "s3://photos/cat.jpg"],
    &["who-deleted", "s3://photos/refused.jpg"],
    &["who-deleted", "s3://photos/nothing"],
    &["deletions", "--limit", "10000"],
    &["deletions", "--bucket", "photos", "--limit", "3", "--until", "2026-11-23T10:30:00Z"],
    &["deletions", "--bucket", "photos", "--prefix", "many/00", "--principal", "clean*"],
    &["deletions", "--request-id", "CAT", "--since", "2026-11-23"],
    &["findings", "--all"],
    &["findings", "0123456789abcdef"],
];

/// Deletes of a day: two that several sources tell of, one that was refused, and very many.
fn day() -> Vec<Evidence> {
    let cat = deleted("cat.jpg", "CAT", "2026-11-23T10:00:00Z");
    let notice = Evidence {
        id: "notice CAT".into(),
        source: Source::S3Notification,
        call: None,
        event_id: None,
        ..cat.clone()
    };
    let refused = Evidence {
        role: RemovalRole::None,
        error_code: Some("AccessDenied".into()),
        http_status: Some(403),
        ..deleted("refused.jpg", "NO", "2026-11-23T10:01:00Z")
    };
    let odd = deleted("a %20+\u{1b}[31m&limit=1#?", "ODD", "2026-11-23T11:00:00Z");
    let many = (0..KEYS).map(|nth| {
        let at = format!("2026-11-23T12:{:02}:{:02}Z", nth / 60, nth % 60);
        deleted(&format!("many/{nth:04}"), &format!("MANY-{nth}"), &at)
    });
    [cat, notice, refused, odd].into_iter().chain(many).collect()
}

/// Fills a store there.
async fn fill(location: Location) {
    let store = Store::open(Options {
        location,
        writer: "before".into(),
        labelled_buckets_max: 10,
        creations_max: 10,
        is_important: Arc::new(|_| false),
    });
    let facts = day().into_iter().map(|piece| Fact::Deletion(Box::new(piece)));
    let facts = facts.map(|fact| StoredFact { fact, record_index: None }).collect();
    let store = store.unwrap();
    store.commit(Batch { facts, ..Batch::default() }).await.unwrap();
    store.close().await.unwrap();
}

async fn sandbox() -> Sandbox {
    let sandbox = sandbox_of("asker", [ACCESS_KEY_ID, SECRET_ACCESS_KEY]).await;
    sandbox.queues().create(QUEUE, QueueAttributes::default());
    sandbox.buckets().create(LOG_BUCKET, Versioning::Off);
    sandbox
}

async fn daemon(sandbox: &Sandbox, folder: &Path, more: &[&str]) -> Daemon {
    let signer = [REGION, ACCESS_KEY_ID, SECRET_ACCESS_KEY];
    let url = sandbox.queues().url(QUEUE);
    let settings = ["--queue-url", &url, "--log-bucket", LOG_BUCKET];
    Daemon::start_at(sandbox.endpoint(), signer, folder, &[&settings, more].concat()).await
}

/// The exit code, stdout and stderr of a command.
fn run(arguments: &[&str], variables: &[(&str, &str)]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deltrail"));
    let output = command.args(arguments).env_clear().envs(variables.iter().copied());
    let output = output.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// Asks a daemon and its store everything; gives what is printed.
async fn compare(running: &Daemon, store: &str) -> Vec<(i32, String, String)> {
    let server = format!("http://{}", running.app_address());
    let mut printed = Vec::new();
    for question in QUESTIONS {
        for form in ["table", "json", "ndjson", "csv"] {
            let of = |place: &[&str]| run(&[question, &["--output", form], place].concat(), &[]);
            let told = eventually(30, "nothing changes while it is asked", async || {
                let before = of(&["--store", store]);
                let told = of(&["--server", &server]);
                let is_same = before == of(&["--store", store]);
                if is_same { Ok((before, told)) } else { Err(format!("{question:?}")) }
            });
            let (by_store, by_server) = told.await;
            assert_eq!(by_server, by_store, "{question:?} as {form}");
            printed.push(by_store);
        }
    }
    printed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_is_asked_as_its_store_is_on_both_databases() {
    let sandbox = sandbox().await;
    let folder = scratch("served-file");
    let store = format!("sqlite://{}", folder.join("deltrail.db").display());
    fill(Location::parse(&store).unwrap()).await;
    let running = daemon(&sandbox, &folder, &[]).await;
    let of_file = compare(&running, &store).await;
    let csv_of_all = &of_file[15].1;
    assert_eq!(csv_of_all.lines().count(), 1 + KEYS + 2, "a header and all deletions");
    running.stop();

    let Some(server) = Server::start(&["fsync=off"]) else { return };
    let database = server.database();
    let folder = scratch("served-postgres");
    fill(Location::parse(&database.url).unwrap()).await;
    let running = daemon(&sandbox, &folder, &["--store", &database.url]).await;
    let of_database = compare(&running, &database.url).await;
    running.stop();
    // Notes on stderr tell since when the sources are alive, which is not the same.
    let data = |told: Vec<(i32, String, String)>| {
        let rows = told.into_iter().map(|(code, stdout, _)| (code, stdout));
        rows.skip(12).filter(|(_, text)| text.starts_with("bucket,")).collect::<Vec<_>>()
    };
    assert_eq!(data(of_database), data(of_file));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_a_daemon_from_answering_is_said_with_what_to_do() {
    let sandbox = sandbox().await;
    let folder = scratch("served-token");
    let file = folder.join("token");
    std::fs::write(&file, format!("{TOKEN}\n")).unwrap();
    let file = file.display().to_string();
    let running = daemon(&sandbox, &folder, &["--app-token-file", &file]).await;
    let server = format!("http://{}", running.app_address());
    let ask = |more: &[&str], variables: &[(&str, &str)]| {
        run(&[&["deletions", "--server", &server], more].concat(), variables)
    };
    let nothing = "no removal is known that fits";
    for (code, told, more, variables) in [
        (1, "asks for a token: give its app-token", &[][..], &[][..]),
        (1, "has another token", &["--app-token", "0123456789abcdef"], &[]),
        (1, nothing, &["--app-token-file", &file], &[]),
        (1, nothing, &[], &[("DELTRAIL_APP_TOKEN", TOKEN)]),
        (2, "cannot be used with", &["--store", "sqlite://x.db"], &[]),
    ] {
        let answer = ask(more, variables);
        assert_eq!((answer.0, answer.1.as_str()), (code, ""), "{more:?}: {}", answer.2);
        assert!(answer.2.contains(told), "{more:?}: {}", answer.2);
        assert!(!answer.2.contains(TOKEN), "{}", answer.2);
    }
    running.stop();
    let gone = ask(&[], &[]);
    assert!(gone.0 == 1 && gone.2.contains("is the daemon running"), "{}", gone.2);
    for (url, told) in
        [("localhost:10119", "write it as in"), ("ftp://h", "http://127.0.0.1:10119")]
    {
        let (code, _, stderr) = run(&["deletions", "--server", url], &[]);
        assert!(code == 2 && stderr.contains(told), "{stderr}");
    }
    let other = format!("http://{}", sandbox.endpoint().trim_start_matches("http://"));
    let (code, _, stderr) = run(&["deletions", "--server", &other], &[]);
    assert!(code == 1 && stderr.contains("is no deltrail"), "{stderr}");
}
