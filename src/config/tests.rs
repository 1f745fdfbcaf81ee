//! Settings as users give them, and what the program makes of them.

use std::path::Path;
use std::time::Duration;

use clap::{Args, Command, FromArgMatches};
use deltrail_core::detect::Sensitivity;
use deltrail_core::domain::{Detector, Mode};

use super::settings::{
    APP_TOKEN, APP_TOKEN_FILE, NOTIFY_SLACK_URL_FILE, NOTIFY_WEBHOOK_SECRET_FILE,
};
use super::{
    Config, Given, LogFormat, MissingObject, Problems, Purpose, SETTINGS, SettingFlags,
    Surroundings, Takes,
};
use crate::store::Location;

const QUEUE: &str = "https://sqs.eu-west-1.amazonaws.com/111122223333/trail";

fn from_flags(arguments: &[&str]) -> Result<Config, Problems> {
    let command = SettingFlags::augment_args(Command::new("test").no_binary_name(true));
    let matches = command.try_get_matches_from(arguments).unwrap();
    let flags = SettingFlags::from_arg_matches(&matches).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let surroundings =
        Surroundings { directory: directory.path().to_owned(), ..Surroundings::of_test(&[]) };
    flags.config(&surroundings, Purpose::Run)
}

/// The problems of these flags, beside the required ones.
fn problems(arguments: &[&str]) -> String {
    let required = ["--queue-url", QUEUE, "--log-bucket", "trail-logs"];
    from_flags(&[&required, arguments].concat()).unwrap_err().to_string()
}

#[test]
fn the_required_settings_are_enough_to_run() {
    let config = from_flags(&["--queue-url", QUEUE, "--log-bucket", "trail-logs/org"]).unwrap();
    assert_eq!(config.queue_urls, [QUEUE]);
    assert!(config.log_buckets.allows("trail-logs", "org/AWSLogs/a.json.gz"));
    assert_eq!(config.workers, 4);
    assert_eq!(config.instance, "host-1");
    assert_eq!(config.log_format, LogFormat::Json);
}

#[test]
fn the_defaults_are_the_ones_that_help_shows() {
    let surroundings = Surroundings::of_test(&[]);
    let mut spelled_out = Given::default();
    for setting in SETTINGS {
        let text = match setting.default {
            "" => continue,
            "cores" => "4",
            "host name" => "host-1",
            "json when not a terminal" => "json",
            text => text,
        };
        spelled_out = spelled_out.with_flag(setting, vec![text.to_owned()]);
    }
    let config = Config::of(&spelled_out, &surroundings, Purpose::Inspect).unwrap();
    assert_eq!(config, Config::defaults(&surroundings));
}

const EVERY_SETTING: &str = r#"
    queue-url = ["http://localhost:4566/000000000000/q"]
    log-bucket = "trail-logs"
    log-bucket-owner = "111122223333"
    any-log-bucket = true
    watch-bucket = ["images-*"]
    important-bucket = ["images-prod"]
    missing-object = "skip"
    poison-after = 7
    trail-writes = true
    verify-digests = true
    s3-path-style = true
    store = "sqlite:///var/lib/deltrail/deltrail.db"
    instance = "replica-2"
    max-buckets = 10
    ops-listen = "127.0.0.1:9000"
    app-listen = "[::]:9001"
    app-token = "correct-horse-battery"
    tls-cert = "/etc/deltrail/tls.crt"
    tls-key = "/etc/deltrail/tls.key"
    retention = "30d"
    stale-window = "5m"
    sensitivity = "high"
    notify-webhook = "https://receiver.example.com/hooks/1"
    notify-webhook-secret = "correct-horse-battery"
    notify-slack-url = "https://hooks.slack.com/services/1"
    notify-sns-topic = "arn:aws:sns:eu-west-1:111122223333:alerts"
    notify-alertmanager = ["http://am-0:9093"]
    notify-severity = "info"
    external-url = "https://deltrail.example.com"
    log-format = "text"
    workers = 3
    in-flight-messages = 20
    in-flight-objects = 8
    memory-budget = "640KiB"
    max-inflated = 1000000
    max-record = "1MiB"
    drain-timeout = "10s"
    [detectors.new_origin]
    mode = "dry_run"
"#;

#[test]
fn every_setting_reaches_the_program() {
    let given = Given::default().with_file_text(EVERY_SETTING, Path::new("deltrail.toml")).unwrap();
    // A secret and a file that holds it exclude each other.
    let files = [APP_TOKEN_FILE, NOTIFY_SLACK_URL_FILE, NOTIFY_WEBHOOK_SECRET_FILE];
    let all_but_files = || SETTINGS.into_iter().filter(|&setting| !files.contains(setting));
    assert!(all_but_files().all(|setting| given.get(setting).is_some()));
    let config = Config::of(&given, &Surroundings::of_test(&[]), Purpose::Run).unwrap();
    assert_eq!(config.log_bucket_owner.as_deref(), Some("111122223333"));
    assert!(config.log_buckets.allows("any", "key"));
    assert!(!config.watch_buckets[0].matches("logs"));
    assert!(config.important_buckets[0].matches("images-prod"));
    assert_eq!(config.missing_object, MissingObject::Skip);
    assert_eq!(config.poison_after, 7);
    assert!(config.trail_writes && config.verify_digests);
    assert!(config.s3_path_style);
    assert_eq!(config.store, Location::File("/var/lib/deltrail/deltrail.db".into()));
    assert_eq!(config.instance, "replica-2");
    assert_eq!(config.labelled_buckets_max, 10);
    assert_eq!(config.ops_listen, "127.0.0.1:9000".parse().unwrap());
    assert_eq!(config.app_listen, "[::]:9001".parse().unwrap());
    assert_eq!(config.app_token.as_ref().unwrap().reveal(), "correct-horse-battery");
    assert_eq!(config.tls_cert.as_deref(), Some(Path::new("/etc/deltrail/tls.crt")));
    assert_eq!(config.tls_key.as_deref(), Some(Path::new("/etc/deltrail/tls.key")));
    assert_eq!(config.retention, Duration::from_hours(30 * 24));
    assert_eq!(config.stale_window, Duration::from_mins(5));
    assert_eq!(config.sensitivity, Sensitivity::High);
    assert_eq!(config.detector_modes, [(Detector::NewOrigin, Mode::DryRun)]);
    assert_eq!(config.log_format, LogFormat::Text);
    assert_eq!(
        (config.workers, config.in_flight_messages_max, config.in_flight_objects_max),
        (3, 20, 8)
    );
    assert_eq!(config.memory_budget_bytes, 655_360);
    assert_eq!((config.inflated_bytes_max, config.record_bytes_max), (1_000_000, 1_048_576));
    assert_eq!(config.drain_timeout, Duration::from_secs(10));
    assert!(all_but_files().all(|setting| config.show(setting) != "-"));
    let file = EVERY_SETTING
        .replace("app-token = \"correct-horse-battery\"", "app-token-file = \"/token\"");
    let given = Given::default().with_file_text(&file, Path::new("deltrail.toml")).unwrap();
    let config = Config::of(&given, &Surroundings::of_test(&[]), Purpose::Run).unwrap();
    assert_eq!(config.app_token_file.as_deref(), Some(Path::new("/token")));
    assert_eq!(config.show(&APP_TOKEN_FILE), "/token");
}

/// The problems of where the API is served and of who may ask it.
fn app_problems(arguments: &[&str], environment: &[(&str, &str)], file: &str) -> String {
    let command = SettingFlags::augment_args(Command::new("test").no_binary_name(true));
    let required = ["--queue-url", QUEUE, "--log-bucket", "trail-logs"];
    let matches = command.try_get_matches_from([&required, arguments].concat()).unwrap();
    let flags = SettingFlags::from_arg_matches(&matches).unwrap();
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("deltrail.toml"), file).unwrap();
    let surroundings = Surroundings {
        directory: directory.path().to_owned(),
        ..Surroundings::of_test(environment)
    };
    let given = flags.given(&surroundings).unwrap();
    match Config::of(&given, &surroundings, Purpose::Run) {
        Ok(_) => "none".to_owned(),
        Err(problems) => problems.to_string(),
    }
}

#[test]
fn the_api_asks_for_a_token_where_other_hosts_reach_it() {
    for loopback in ["127.0.0.1:0", "127.8.0.1:80", "[::1]:10119", "[::ffff:127.0.0.1]:1"] {
        assert_eq!(app_problems(&["--app-listen", loopback], &[], ""), "none", "{loopback}");
    }
    insta::assert_snapshot!(app_problems(&["--app-listen", "0.0.0.0:9001"], &[], ""), @r#"
    --app-listen: 0.0.0.0:9001 can be reached from other hosts, and no token is asked for: set DELTRAIL_APP_TOKEN or --app-token-file, or listen on 127.0.0.1:9001
    "#);
    let file = "app-listen = \"[2001:db8::7]:9001\"";
    insta::assert_snapshot!(app_problems(&[], &[], file), @r#"
    deltrail.toml: app-listen: [2001:db8::7]:9001 can be reached from other hosts, and no token is asked for: set DELTRAIL_APP_TOKEN or --app-token-file, or listen on 127.0.0.1:9001
    "#);
    let file = "app-listen = \"0.0.0.0:9001\"\napp-token-file = \"/run/secrets/token\"";
    assert_eq!(app_problems(&[], &[], file), "none");
    let environment = [("DELTRAIL_APP_TOKEN", "correct-horse-battery")];
    assert_eq!(app_problems(&["--app-listen", "0.0.0.0:9001"], &environment, ""), "none");
}

#[test]
fn settings_of_the_api_that_make_no_sense_are_refused() {
    let arguments = ["--app-listen", "localhost:9001", "--app-token", "hunter2"];
    insta::assert_snapshot!(app_problems(&arguments, &[], "app-token-file = \"\""), @r#"
    --app-listen: "localhost:9001" is not an IP address with a port: write it as in 127.0.0.1:9001
    --app-token: the value has 7 characters: write 16 to 1024 that nobody can guess, for example what openssl rand -hex 16 prints
    deltrail.toml: app-token-file: "" names no file: write the path of one
    deltrail.toml: app-token-file: a token is given as app-token too: keep one of them
    "#);
    insta::assert_snapshot!(app_problems(&["--app-listen", "10119"], &[], ""), @r#"
    --app-listen: "10119" is not an IP address with a port: write it as in 127.0.0.1:10119
    "#);
    let environment = [("DELTRAIL_APP_TOKEN", "hunter 2, which is long")];
    insta::assert_snapshot!(app_problems(&[], &environment, ""), @r#"
    DELTRAIL_APP_TOKEN: the value holds other than visible ASCII characters, which a header cannot carry: write letters and digits, for example 32 of them
    "#);
}

#[test]
fn a_token_is_shown_and_repeated_nowhere() {
    let surroundings = Surroundings::of_test(&[("DELTRAIL_APP_TOKEN", "correct-horse-battery")]);
    let given = Given::default().with_environment(&surroundings);
    let config = Config::of(&given, &surroundings, Purpose::Inspect).unwrap();
    assert_eq!(config.show(&APP_TOKEN), "***");
    assert!(!format!("{config:?}").contains("horse"));
    for token in ["hunter2", "hunter2 hunter2 hunter2"] {
        let file = format!("app-token = \"{token}\"");
        for told in [app_problems(&["--app-token", token], &[], ""), app_problems(&[], &[], &file)]
        {
            assert!(told.contains("app-token: the value h") && !told.contains("hunter2"), "{told}");
        }
    }
}

#[test]
fn the_stale_window_is_at_least_a_second_and_at_most_a_day() {
    for (text, is_good) in [("999ms", false), ("1s", true), ("24h", true), ("1441m", false)] {
        let told = app_problems(&["--stale-window", text], &[], "");
        assert_eq!(told == "none", is_good, "{text}: {told}");
        assert!(is_good || told.contains("1s to 24h"), "{told}");
    }
}

#[test]
fn evidence_is_kept_for_a_day_at_least_and_a_hundred_years_at_most() {
    for (text, is_good) in [("23h", false), ("1d", true), ("36500d", true), ("36501d", false)] {
        let told = app_problems(&["--retention", text], &[], "");
        assert_eq!(told == "none", is_good, "{text}: {told}");
        assert!(is_good || told.contains("1d to 36500d"), "{told}");
    }
}

#[test]
fn a_certificate_and_its_key_come_together() {
    assert_eq!(app_problems(&["--tls-cert", "a.crt", "--tls-key", "a.key"], &[], ""), "none");
    insta::assert_snapshot!(app_problems(&["--tls-cert", "a.crt"], &[], ""), @r#"
    --tls-cert: a certificate is of no use without its key: set tls-key too
    "#);
    insta::assert_snapshot!(app_problems(&[], &[], "tls-key = \"a.key\""), @r#"
    deltrail.toml: tls-key: a key is of no use without its certificate: set tls-cert too
    "#);
}

#[test]
fn a_switch_is_true_alone_and_can_be_taken_back() {
    let required = ["--queue-url", QUEUE];
    assert!(from_flags(&[&required[..], &["--any-log-bucket"]].concat()).is_ok());
    let taken_back = from_flags(&[&required[..], &["--any-log-bucket=false"]].concat());
    assert!(taken_back.unwrap_err().to_string().starts_with("log-bucket is required"));
    assert!(SETTINGS.iter().any(|setting| setting.takes == Takes::Switch));
}

#[test]
fn a_repeated_flag_gives_several_values_each_once() {
    let urls = ["--queue-url", QUEUE, "--queue-url", "http://localhost:4566/1/q"];
    let again = ["--queue-url", QUEUE, "--log-bucket", "trail-logs"];
    let config = from_flags(&[urls, again].concat()).unwrap();
    assert_eq!(config.queue_urls, [QUEUE, "http://localhost:4566/1/q"]);
}

#[test]
fn to_look_at_settings_none_is_required() {
    let given = Given::default();
    assert!(Config::of(&given, &Surroundings::of_test(&[]), Purpose::Inspect).is_ok());
}

#[test]
fn missing_settings_are_named_in_every_form() {
    insta::assert_snapshot!(from_flags(&[]).unwrap_err(), @r#"
    queue-url is required: give it as --queue-url, DELTRAIL_QUEUE_URL, or queue-url in deltrail.toml
    log-bucket is required: give it as --log-bucket, DELTRAIL_LOG_BUCKET, or log-bucket in deltrail.toml, or allow all of them with --any-log-bucket
    "#);
}

#[test]
fn limits_that_let_nothing_through_are_refused() {
    insta::assert_snapshot!(problems(&[
        "--workers", "0", "--in-flight-messages", "0", "--in-flight-objects", "many",
        "--memory-budget", "64KiB", "--max-inflated", "0", "--max-record", "1MB",
        "--drain-timeout", "25", "--poison-after", "0",
    ]), @r#"
    --poison-after: "0" is not a whole number from 1 to 1000
    --workers: "0" is not a whole number from 1 to 1024
    --in-flight-messages: "0" is not a whole number from 1 to 120000
    --in-flight-objects: "many" is not a whole number from 1 to 10000
    --memory-budget: "64KiB" is too small for one log object: write at least 640KiB
    --max-inflated: "0" lets nothing in: write at least 1
    --max-record: "1MB" is not a size: write bytes, or a whole number of KiB, MiB or GiB
    --drain-timeout: "25" is not a time: write a whole number and ms, s, m, h or d, such as 30s
    "#);
}

#[test]
fn pasted_locators_are_told_what_to_write() {
    insta::assert_snapshot!(problems(&[
        "--queue-url", "arn:aws:sqs:eu-west-1:111122223333:trail",
        "--log-bucket", "s3://trail-logs/AWSLogs/",
        "--log-bucket", "arn:aws:s3:::trail-logs",
        "--log-bucket-owner", "1111-2222-3333",
        "--store", "postgres://deltrail:secret@db:port/deltrail",
        "--ops-listen", "localhost:9090",
        "--watch-bucket", "images/*",
    ]), @r#"
    --queue-url: "arn:aws:sqs:eu-west-1:111122223333:trail" is an ARN: write the queue's URL, https://sqs.eu-west-1.amazonaws.com/111122223333/trail
    --log-bucket: "s3://trail-logs/AWSLogs/" is not NAME or NAME/prefix: write trail-logs/AWSLogs
    --log-bucket: "arn:aws:s3:::trail-logs" is not NAME or NAME/prefix: write trail-logs
    --log-bucket-owner: "1111-2222-3333" is not an account: write its 12 digits, in quotes in the file
    --watch-bucket: "images/*" holds a /: write a bucket's name without a key or prefix
    --store: "postgres://deltrail:***@db:port/deltrail" does not name a store: invalid value for option `port`; write postgres://USER:PASSWORD@HOST:PORT/DATABASE
    --ops-listen: "localhost:9090" is not an IP address with a port: write it as in 127.0.0.1:9090
    "#);
}

#[test]
fn a_problem_says_where_the_value_was_given() {
    let surroundings = Surroundings::of_test(&[("DELTRAIL_MAX_RECORD", "lots")]);
    let given = Given::default()
        .with_environment(&surroundings)
        .with_file_text("workers = -1", Path::new("/etc/deltrail.toml"))
        .unwrap();
    let problems = Config::of(&given, &surroundings, Purpose::Inspect).unwrap_err();
    let lines: Vec<_> = problems.lines().collect();
    assert!(lines[0].starts_with("/etc/deltrail.toml: workers: \"-1\" is not"), "{}", lines[0]);
    assert!(lines[1].starts_with("DELTRAIL_MAX_RECORD: \"lots\" is not"), "{}", lines[1]);
}

#[test]
fn what_is_wrong_with_the_file_and_with_values_is_told_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let file = "worker = 2\nretention = \"soon\"\n[detectors.mass_delete]\nlimit = 1\n";
    std::fs::write(directory.path().join("deltrail.toml"), file).unwrap();
    let environment = [("DELTRAIL_MAX_RECORD", "lots")];
    let directory = directory.path().to_owned();
    let surroundings = Surroundings { directory, ..Surroundings::of_test(&environment) };
    let problems = SettingFlags::default().config(&surroundings, Purpose::Run).unwrap_err();
    let told = problems.to_string();
    for part in ["worker is not a setting", "takes a mode only", "retention: ", "MAX_RECORD: "] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert_eq!(problems.lines().count(), 4, "{told}");
}

#[test]
fn the_log_filter_comes_from_the_environment() {
    let filter =
        |environment: &[_]| Config::defaults(&Surroundings::of_test(environment)).log_filter;
    assert!(filter(&[]).starts_with("info,"));
    assert_eq!(filter(&[("RUST_LOG", "debug")]), "debug");
    assert_eq!(filter(&[("RUST_LOG", "debug"), ("DELTRAIL_LOG", "warn")]), "warn");
}

#[test]
fn the_mistakes_of_a_first_day_are_told_with_what_to_write() {
    let command = SettingFlags::augment_args(Command::new("run").no_binary_name(true));
    let flag = command.try_get_matches_from(["--log-buckets", "trail-logs"]).unwrap_err();
    insta::assert_snapshot!(flag, @r#"
    error: unexpected argument '--log-buckets' found

      tip: a similar argument exists: '--log-bucket'

    Usage: run --log-bucket <NAME[/PREFIX]>

    For more information, try '--help'.
    "#);

    let file = "queue-url = \"trail\"\nlog-buckt = \"trail-logs\"";
    let key = Given::default().with_file_text(file, Path::new("deltrail.toml")).unwrap_err();
    insta::assert_snapshot!(key, @r#"
    deltrail.toml: log-buckt is not a setting: did you mean log-bucket?
    "#);

    insta::assert_snapshot!(
        problems(&["--queue-url", "trail", "--queue-url", "https://sqs.eu-west-1.amazonaws.com"]),
        @r#"
        --queue-url: "trail" is not a queue's URL: it has no scheme such as https://; write it as in https://sqs.eu-west-1.amazonaws.com/111122223333/trail
        --queue-url: "https://sqs.eu-west-1.amazonaws.com" is not a queue's URL: it has no account and queue name; write it as in https://sqs.eu-west-1.amazonaws.com/111122223333/trail
        "#
    );
}
