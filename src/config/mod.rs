//! The settings, in two steps: what the user gave (`given`), and what the program needs
//! ([`Config`]). Nothing else reads flags, the environment or the file. It opens nothing that a
//! setting names.

mod buckets;
mod certificate;
mod expectations;
mod flags;
mod given;
mod notify;
mod parse;
mod reading;
mod settings;
mod show;
mod surroundings;
mod token;
mod units;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

pub use buckets::{BucketPattern, LogBucket, LogBuckets};
pub use expectations::ExpectedDeletions;
pub use flags::{ScanFlags, SettingFlags, VerifyFlags};
pub use given::{DEFAULT_FILE, Given, Origin};
pub use notify::Notify;
pub use reading::Problems;
pub use settings::{
    ALL as SETTINGS, APP_LISTEN, APP_TOKEN, APP_TOKEN_FILE, IMPORTANT_BUCKET, LOG_BUCKET,
    NOTIFY_SLACK_URL_FILE, NOTIFY_WEBHOOK_SECRET_FILE, OPS_LISTEN, POISON_AFTER, QUEUE_URL,
    S3_PATH_STYLE, STORE, Setting, TLS_CERT, Takes,
};
pub use surroundings::Surroundings;
pub use token::AppToken;
pub use units::{format_size, format_time, parse_size, parse_time};

use deltrail_core::detect::Sensitivity;
use deltrail_core::domain::{Detector, Mode};

use crate::store::{Location, Looking};
use reading::Reading;

/// What one log object in flight may hold of the memory budget at least; a smaller budget would
/// never let one start.
pub const OBJECT_MEMORY_BYTES: u64 = 640 << 10;

/// Log lines of this program, and of the libraries only what is wrong. The SDK warns of each place
/// where it finds no credentials or region; what comes of it is told in one line of ours.
const LOG_FILTER: &str = "info,aws_config=error,aws_runtime=warn,aws_sdk_s3=warn,aws_sdk_sns=warn,\
    aws_sdk_sqs=warn,aws_sigv4=warn,aws_smithy_http_client=warn,aws_smithy_runtime=warn,\
    aws_smithy_runtime_api=warn,h2=warn,hyper=warn,hyper_util=warn,refinery_core=warn,rustls=warn";

/// What to do about a log object that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissingObject {
    /// Leave the message in the queue.
    Retry,
    /// Count it and acknowledge.
    Skip,
}

/// Form of the program's own log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What the settings are for; some are needed only to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The daemon.
    Run,
    /// Files of the past, without queues.
    Scan,
    /// To look at settings.
    Inspect,
}

/// What the program needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Queues to receive from, each once.
    pub queue_urls: Vec<String>,
    /// What may be fetched.
    pub log_buckets: LogBuckets,
    /// The account that must own the log buckets, 12 digits.
    pub log_bucket_owner: Option<String>,
    /// Buckets whose notifications are believed.
    pub watch_buckets: Vec<BucketPattern>,
    /// Buckets that have latency series of their own.
    pub important_buckets: Vec<BucketPattern>,
    /// What to do about a log object that is not there.
    pub missing_object: MissingObject,
    /// Receives after which a message of a queue without redrive is given up, at least 1.
    pub poison_after: u32,
    /// Whether uploads are read out of CloudTrail too.
    pub trail_writes: bool,
    /// Whether digests are verified.
    pub verify_digests: bool,
    /// Whether buckets are addressed by path.
    pub s3_path_style: bool,
    /// Where evidence and totals are kept.
    pub store: Location,
    /// The name of this process in the store.
    pub instance: String,
    /// Buckets with series of their own, at most.
    pub labelled_buckets_max: usize,
    /// Where metrics and health are served.
    pub ops_listen: SocketAddr,
    /// Where the API is served; without a token only on loopback.
    pub app_listen: SocketAddr,
    /// What requests to the API have to bear. `None` when `app_token_file` holds it, or when
    /// nothing is asked for.
    pub app_token: Option<AppToken>,
    /// The file that holds the token instead.
    pub app_token_file: Option<PathBuf>,
    /// The PEM file with the certificate of both listeners and its chain; `None` when they are not
    /// encrypted.
    pub tls_cert: Option<PathBuf>,
    /// The PEM file with its key.
    pub tls_key: Option<PathBuf>,
    /// How long evidence is kept, 1 to 36 500 days.
    pub retention: Duration,
    /// How soon after its object was replaced a removal is stale, 1 s to 24 h.
    pub stale_window: Duration,
    /// How much is unusual enough to be a finding.
    pub sensitivity: Sensitivity,
    /// What becomes of the findings of a detector, where that is said; the last one counts.
    pub detector_modes: Vec<(Detector, Mode)>,
    /// Who is told of findings.
    pub notify: Notify,
    /// Deletions that the file announces.
    pub expectations: Vec<ExpectedDeletions>,
    /// Form of the program's own log.
    pub log_format: LogFormat,
    /// Which log lines are written, as `tracing` directives; `DELTRAIL_LOG`, else `RUST_LOG`.
    pub log_filter: String,
    /// Decode threads, at least 1.
    pub workers: usize,
    /// Messages received and not yet settled, at least 1.
    pub in_flight_messages_max: usize,
    /// Log objects fetched and decoded at a time, at least 1.
    pub in_flight_objects_max: usize,
    /// Memory for what is in flight, at least [`OBJECT_MEMORY_BYTES`].
    pub memory_budget_bytes: u64,
    /// Size of one log object after inflating, at least 1.
    pub inflated_bytes_max: u64,
    /// Size of one record, at least 1.
    pub record_bytes_max: usize,
    /// Time to finish what is in flight when asked to stop.
    pub drain_timeout: Duration,
}

impl Config {
    /// How what is not settled yet is looked at.
    #[must_use]
    pub fn looking(&self) -> Looking {
        // It is a day at most.
        let millis = i64::try_from(self.stale_window.as_millis()).unwrap_or(i64::MAX);
        Looking { stale_window_millis: millis }
    }

    /// What applies where nobody gave anything.
    #[must_use]
    pub fn defaults(surroundings: &Surroundings) -> Self {
        let filter = ["DELTRAIL_LOG", "RUST_LOG"]
            .into_iter()
            .find_map(|name| surroundings.variable(name))
            .unwrap_or(LOG_FILTER);
        Self {
            queue_urls: Vec::new(),
            log_buckets: LogBuckets::default(),
            log_bucket_owner: None,
            watch_buckets: vec![BucketPattern::any()],
            important_buckets: Vec::new(),
            missing_object: MissingObject::Retry,
            poison_after: 5,
            trail_writes: false,
            verify_digests: false,
            s3_path_style: false,
            store: Location::File("deltrail.db".into()),
            instance: surroundings.host_name.clone(),
            labelled_buckets_max: 500,
            ops_listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 10118),
            app_listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 10119),
            app_token: None,
            app_token_file: None,
            tls_cert: None,
            tls_key: None,
            retention: Duration::from_hours(90 * 24),
            stale_window: Duration::from_mins(15),
            sensitivity: Sensitivity::Normal,
            detector_modes: Vec::new(),
            notify: Notify::default(),
            expectations: Vec::new(),
            log_format: if surroundings.is_terminal { LogFormat::Text } else { LogFormat::Json },
            log_filter: filter.to_owned(),
            workers: surroundings.cores,
            in_flight_messages_max: 1000,
            in_flight_objects_max: 64,
            memory_budget_bytes: 48 << 20,
            inflated_bytes_max: 1 << 30,
            record_bytes_max: 4 << 20,
            drain_timeout: Duration::from_secs(25),
        }
    }

    /// What the texts mean.
    ///
    /// # Errors
    /// Every value that is not understood or makes no sense, and every required one that is
    /// missing.
    pub fn of(
        given: &Given,
        surroundings: &Surroundings,
        purpose: Purpose,
    ) -> Result<Self, Problems> {
        let mut config = Self::defaults(surroundings);
        let mut read = Reading { given, problems: Problems::default() };
        read.many(&settings::QUEUE_URL, &mut config.queue_urls, parse::queue_url);
        read.many(&settings::LOG_BUCKET, &mut config.log_buckets.named, LogBucket::parse);
        read.one(&settings::LOG_BUCKET_OWNER, &mut config.log_bucket_owner, parse::account);
        read.one(&settings::ANY_LOG_BUCKET, &mut config.log_buckets.any, parse::switch);
        read.many(&settings::WATCH_BUCKET, &mut config.watch_buckets, BucketPattern::parse);
        read.many(&settings::IMPORTANT_BUCKET, &mut config.important_buckets, BucketPattern::parse);
        read.one(&settings::MISSING_OBJECT, &mut config.missing_object, parse::missing_object);
        read.one(&settings::POISON_AFTER, &mut config.poison_after, parse::poison_after);
        read.one(&settings::TRAIL_WRITES, &mut config.trail_writes, parse::switch);
        read.one(&settings::VERIFY_DIGESTS, &mut config.verify_digests, parse::switch);
        read.one(&settings::S3_PATH_STYLE, &mut config.s3_path_style, parse::switch);
        read.one(&settings::STORE, &mut config.store, parse::store);
        read.one(&settings::INSTANCE, &mut config.instance, parse::instance);
        read.one(&settings::MAX_BUCKETS, &mut config.labelled_buckets_max, parse::labelled_buckets);
        read.one(&settings::OPS_LISTEN, &mut config.ops_listen, parse::ops_listen);
        read.one(&settings::APP_LISTEN, &mut config.app_listen, parse::app_listen);
        read.one(&settings::APP_TOKEN, &mut config.app_token, parse::app_token);
        read.one(&settings::APP_TOKEN_FILE, &mut config.app_token_file, parse::file);
        read.one(&settings::TLS_CERT, &mut config.tls_cert, parse::file);
        read.one(&settings::TLS_KEY, &mut config.tls_key, parse::file);
        read.one(&settings::RETENTION, &mut config.retention, parse::retention);
        read.one(&settings::STALE_WINDOW, &mut config.stale_window, parse::stale_window);
        read.one(&settings::SENSITIVITY, &mut config.sensitivity, parse::sensitivity);
        read.many(&settings::DETECTOR_MODE, &mut config.detector_modes, parse::detector_mode);
        config.notify.read(&mut read);
        read.one(&settings::LOG_FORMAT, &mut config.log_format, parse::log_format);
        read.one(&settings::WORKERS, &mut config.workers, parse::workers);
        read.one(
            &settings::IN_FLIGHT_MESSAGES,
            &mut config.in_flight_messages_max,
            parse::messages,
        );
        read.one(&settings::IN_FLIGHT_OBJECTS, &mut config.in_flight_objects_max, parse::objects);
        read.one(&settings::MEMORY_BUDGET, &mut config.memory_budget_bytes, parse::memory_budget);
        read.one(&settings::MAX_INFLATED, &mut config.inflated_bytes_max, parse::inflated_size);
        read.one(&settings::MAX_RECORD, &mut config.record_bytes_max, parse::record_size);
        read.one(&settings::DRAIN_TIMEOUT, &mut config.drain_timeout, parse_time);
        config.expectations = expectations::read(&mut read, &config);
        if purpose == Purpose::Run {
            read.require(&settings::QUEUE_URL, "");
            if !config.log_buckets.any {
                read.require(&settings::LOG_BUCKET, ", or allow all of them with --any-log-bucket");
            }
            token::check(&mut read, &config);
            certificate::check(&mut read);
            notify::check(&mut read);
        }
        read.problems.or(config)
    }
}

#[cfg(test)]
mod tests;
