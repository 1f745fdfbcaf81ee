//! Mistakes in the command, the settings and the surroundings, with which the daemon does not start
//! at all: it says why and ends with a code.

use std::fs::Permissions;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use rusqlite::Connection;

use super::{Attempt, sandbox};

#[tokio::test(flavor = "multi_thread")]
async fn no_region_is_known_for_a_queue_whose_url_names_none() {
    let sandbox = sandbox().await;
    let mut attempt = Attempt::on(&sandbox, "no-region");
    attempt.environment.remove("AWS_REGION");
    insta::assert_snapshot!(attempt.start().end().await, @r#"
    ERROR no region is known for queue http://127.0.0.1:[port]/111122223333/trail: its
      URL names none, and neither AWS_REGION nor the AWS profile is set to one; set
      AWS_REGION, for example AWS_REGION=eu-west-1
    (exit code 1)
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_url_is_none() {
    let sandbox = sandbox().await;
    let mut attempt = Attempt::on(&sandbox, "malformed-url");
    attempt.queue_urls = vec!["arn:aws:sqs:us-east-1:111122223333:trail".to_owned()];
    insta::assert_snapshot!(attempt.start().end().await, @r#"
    deltrail: the settings are not valid
    --queue-url: "arn:aws:sqs:us-east-1:111122223333:trail" is an ARN: write the queue's
      URL, https://sqs.us-east-1.amazonaws.com/111122223333/trail
    (exit code 2)
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_port_is_in_use() {
    let sandbox = sandbox().await;
    let mut attempt = Attempt::on(&sandbox, "port-in-use");
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    attempt.ops_listen = other.local_addr().unwrap();
    insta::assert_snapshot!(attempt.start().end().await, @r#"
    ERROR cannot serve metrics and health on 127.0.0.1:[port]: the port is in use,
      perhaps by another deltrail; stop that, or choose another with --ops-listen
    (exit code 1)
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_is_locked() {
    let sandbox = sandbox().await;
    let attempt = Attempt::on(&sandbox, "store-locked");
    let browser = Connection::open(&attempt.store).unwrap();
    browser.execute_batch("CREATE TABLE other (id INTEGER); BEGIN EXCLUSIVE").unwrap();
    insta::assert_snapshot!(attempt.start().end().await, @r#"
    ERROR sqlite://[folder]/deltrail.db is locked by another program; close what else
      has the file open, such as a database browser or a backup (lsof or fuser on the
      file shows it)
    (exit code 1)
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_is_read_only() {
    let sandbox = sandbox().await;
    let mut attempt = Attempt::on(&sandbox, "store-read-only");
    attempt.user_is_bound = true;
    let folder = attempt.folder.join("read-only");
    std::fs::create_dir(&folder).unwrap();
    std::fs::set_permissions(&folder, Permissions::from_mode(0o555)).unwrap();
    attempt.store = folder.join("deltrail.db");
    insta::assert_snapshot!(attempt.start().end().await, @r#"
    ERROR the folder of sqlite://[folder]/read-only/deltrail.db cannot be written
      (Permission denied (os error 13)), and SQLite keeps its journal beside the file;
      give this user write permission to [folder]/read-only, mount it writable, or name
      another file with --store
    (exit code 1)
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_the_configuration_file_is_misspelt() {
    let sandbox = sandbox().await;
    let attempt = Attempt::on(&sandbox, "bad-key");
    let file = "workers = 2\nlog-buckets = [\"my-trail-logs\"]\n";
    std::fs::write(attempt.folder.join("deltrail.toml"), file).unwrap();
    insta::assert_snapshot!(attempt.start().end().await, @r#"
    deltrail: the settings are not valid
    deltrail.toml: log-buckets is not a setting: did you mean log-bucket?
    (exit code 2)
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flag_is_misspelt() {
    let sandbox = sandbox().await;
    let mut attempt = Attempt::on(&sandbox, "unknown-flag");
    attempt.more = vec!["--log-buckets=my-trail-logs".to_owned()];
    insta::assert_snapshot!(attempt.start().end().await, @r#"
    error: unexpected argument '--log-buckets' found

      tip: a similar argument exists: '--log-bucket'

    Usage: deltrail run --s3-path-style[=<true|false>] --log-format <text|json>
      --log-bucket <NAME[/PREFIX]> --queue-url <URL> --store <URL> --ops-listen
      <ADDRESS> --app-listen <ADDRESS>

    For more information, try '--help'.
    (exit code 2)
    "#);
}
