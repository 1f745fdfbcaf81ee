//! Every setting by name: what it takes, its default, its help. Flags, environment variables, file
//! keys and the table in the README all come from this list. It knows no value that anybody gave.

/// One setting, under one name everywhere.
#[derive(Debug, PartialEq, Eq)]
pub struct Setting {
    /// The name: the key in the file, and with `--` the flag.
    pub name: &'static str,
    /// What may be given.
    pub takes: Takes,
    /// The default as people read it; empty for none.
    pub default: &'static str,
    /// One sentence for `--help`.
    pub help: &'static str,
    /// The part of `--help` that it stands in.
    pub topic: &'static str,
}

/// What a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// One value, of this placeholder.
    One(&'static str),
    /// Several values, each of this placeholder: a repeated flag, a comma separated list in the
    /// environment, an array in the file.
    Many(&'static str),
    /// One value, of this placeholder, that is shown nowhere and repeated in no problem.
    Secret(&'static str),
    /// True or false; the flag alone means true.
    Switch,
}

impl Setting {
    /// The environment variable.
    #[must_use]
    pub fn environment_variable(&self) -> String {
        format!("DELTRAIL_{}", self.name.to_ascii_uppercase().replace('-', "_"))
    }

    /// The setting of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.into_iter().find(|setting| setting.name == name)
    }
}

macro_rules! settings {
    ($($topic:literal {
        $($constant:ident: $name:literal $takes:expr, $default:literal, $help:expr;)+
    })+) => {
        $($(
            #[doc = concat!("`", $name, "`")]
            pub const $constant: Setting = Setting {
                name: $name,
                takes: $takes,
                default: $default,
                help: $help,
                topic: $topic,
            };
        )+)+

        /// Every setting, in the order of `--help`.
        pub const ALL: [&Setting; [$($($name),+),+].len()] = [$($(&$constant),+),+];
    };
}

use Takes::{Many, One, Secret, Switch};

settings! {
    "Input" {
        QUEUE_URL: "queue-url" Many("URL"), "",
            "SQS queue to receive from; any queue may carry any kind of message (required)";
        LOG_BUCKET: "log-bucket" Many("NAME[/PREFIX]"), "",
            "Bucket that log objects may be fetched from, or a part of it (required)";
        LOG_BUCKET_OWNER: "log-bucket-owner" One("ACCOUNT"), "",
            "Account that must own the log buckets";
        ANY_LOG_BUCKET: "any-log-bucket" Switch, "false",
            "Fetch from any bucket that a message names; only for queues that nobody else can \
             send to";
        WATCH_BUCKET: "watch-bucket" Many("PATTERN"), "*",
            "Buckets whose notifications are believed; * and ? stand for characters";
        IMPORTANT_BUCKET: "important-bucket" Many("PATTERN"), "",
            "Buckets that have latency series of their own, and whose findings are critical";
        MISSING_OBJECT: "missing-object" One("retry|skip"), "retry",
            "What to do about a log object that is not there";
        POISON_AFTER: "poison-after" One("COUNT"), "5",
            "Receives after which a message is given up, in a queue without redrive";
        TRAIL_WRITES: "trail-writes" Switch, "false",
            "Learn of uploads from CloudTrail too, where no notifications tell of them";
        VERIFY_DIGESTS: "verify-digests" Switch, "false",
            "Verify CloudTrail's digests as they come, and the log files that they name";
        S3_PATH_STYLE: "s3-path-style" Switch, "false",
            "Address buckets by path, as emulators want it";
    }
    "Output" {
        STORE: "store" One("URL"), "sqlite://deltrail.db",
            "Where evidence and totals are kept; or sqlite::memory:, postgres://USER@HOST/NAME";
        INSTANCE: "instance" One("NAME"), "host name",
            "Name of this process in the store; replicas need different ones";
        MAX_BUCKETS: "max-buckets" One("COUNT"), "500",
            "Buckets with series of their own; more are counted as bucket \"other\"";
        OPS_LISTEN: "ops-listen" One("ADDRESS"), "0.0.0.0:10118",
            "Where /metrics and health are served";
        APP_LISTEN: "app-listen" One("ADDRESS"), "127.0.0.1:10119",
            "Where the page and the API are served; other than loopback only with a token";
        APP_TOKEN: "app-token" Secret("TOKEN"), "",
            "Token that every request to the API has to bear, 16 characters at least; other users \
             of the host can see flags, so prefer the variable or --app-token-file";
        APP_TOKEN_FILE: "app-token-file" One("FILE"), "",
            "File that holds the token and nothing else";
        TLS_CERT: "tls-cert" One("FILE"), "",
            "PEM file with the certificate that both listeners are served with, and its chain";
        TLS_KEY: "tls-key" One("FILE"), "",
            "PEM file with its key, not encrypted";
        RETENTION: "retention" One("TIME"), "90d",
            "Evidence older than this is forgotten; totals are kept";
        LOG_FORMAT: "log-format" One("text|json"), "json when not a terminal",
            "Form of the program's own log on stderr";
    }
    "Detection" {
        STALE_WINDOW: "stale-window" One("TIME"), "15m",
            "A removal so soon after its object was replaced is stale";
        SENSITIVITY: "sensitivity" One("low|normal|high"), "normal",
            "How much is unusual enough to be a finding";
        DETECTOR_MODE: "detector-mode" Many("NAME=MODE"), "",
            "live, dry_run (kept and counted, nobody is told) or off for one detector; in the file \
             also [detectors.NAME] mode = \"MODE\"";
    }
    "Notifications" {
        NOTIFY_WEBHOOK: "notify-webhook" Secret("URL"), "",
            "Webhook that findings are posted to as JSON; only its host is shown";
        NOTIFY_WEBHOOK_SECRET: "notify-webhook-secret" Secret("SECRET"), "",
            "What its messages are signed with, 16 characters at least; prefer the variable or a \
             file";
        NOTIFY_WEBHOOK_SECRET_FILE: "notify-webhook-secret-file" One("FILE"), "",
            "File that holds this secret and nothing else";
        NOTIFY_SLACK_URL: "notify-slack-url" Secret("URL"), "",
            "Incoming webhook of Slack, as secret as a password; prefer the variable or a file";
        NOTIFY_SLACK_URL_FILE: "notify-slack-url-file" One("FILE"), "",
            "File that holds this URL and nothing else";
        NOTIFY_SNS_TOPIC: "notify-sns-topic" One("ARN"), "",
            "SNS topic that findings are published to";
        NOTIFY_ALERTMANAGER: "notify-alertmanager" Many("URL"), "",
            "Alertmanager that is told of open findings every minute, where no Prometheus does so";
        NOTIFY_SEVERITY: "notify-severity" One("info|warning|critical"), "warning",
            "Least severity that webhook, Slack and SNS are told of";
        EXTERNAL_URL: "external-url" One("URL"), "",
            "Where people reach the page of this daemon; links in messages begin with it";
    }
    "Limits" {
        WORKERS: "workers" One("COUNT"), "cores",
            "Threads that decode log objects";
        IN_FLIGHT_MESSAGES: "in-flight-messages" One("COUNT"), "1000",
            "Messages received and not yet settled, at most";
        IN_FLIGHT_OBJECTS: "in-flight-objects" One("COUNT"), "64",
            "Log objects fetched and decoded at a time, at most";
        MEMORY_BUDGET: "memory-budget" One("SIZE"), "48MiB",
            "Memory for log objects, staged evidence and batches";
        MAX_INFLATED: "max-inflated" One("SIZE"), "1GiB",
            "Size of one log object after inflating, at most";
        MAX_RECORD: "max-record" One("SIZE"), "4MiB",
            "Size of one record, at most";
        DRAIN_TIMEOUT: "drain-timeout" One("TIME"), "25s",
            "Time to finish what is in flight when asked to stop";
    }
}

/// The settings that are flags of `deltrail scan`: those of reading logs into a store.
pub const OF_SCAN: [&Setting; 12] = [
    &WATCH_BUCKET,
    &TRAIL_WRITES,
    &S3_PATH_STYLE,
    &STORE,
    &INSTANCE,
    &MAX_BUCKETS,
    &LOG_FORMAT,
    &WORKERS,
    &IN_FLIGHT_OBJECTS,
    &MEMORY_BUDGET,
    &MAX_INFLATED,
    &MAX_RECORD,
];

/// The settings that are flags of `deltrail verify`: those of reading objects.
pub const OF_VERIFY: [&Setting; 4] =
    [&S3_PATH_STYLE, &LOG_FORMAT, &IN_FLIGHT_OBJECTS, &MAX_INFLATED];

#[cfg(test)]
mod tests {
    use super::{ALL, QUEUE_URL, Setting};

    #[test]
    fn flag_variable_and_key_have_one_name() {
        assert_eq!(QUEUE_URL.environment_variable(), "DELTRAIL_QUEUE_URL");
        assert_eq!(Setting::named("queue-url"), Some(&QUEUE_URL));
        assert_eq!(Setting::named("queue_url"), None);
        assert_eq!(ALL.len(), 41);
    }
}
