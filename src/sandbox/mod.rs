//! S3 and SQS on loopback, and what AWS writes beside them, for the demo and for tests. It knows
//! what AWS sends, and nothing of what deltrail makes of it.
//!
//! One request to S3 makes one [`act::Act`]. From it, and from nothing else, follow the S3
//! notifications, the access-log lines and the CloudTrail records, so that they agree as AWS' do.

pub mod act;
pub mod clock;
pub mod delivery;
pub mod faults;
pub mod identifiers;
pub mod principal;
pub mod record;
pub mod s3;
pub mod scenario;
pub mod sqs;

mod bad_body;
mod endpoint;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use clock::Clock;
use delivery::{Delivery, DeliveryOptions, TrailOptions};
use faults::Faults;
use identifiers::Identifiers;
use principal::Principal;
use record::digest::DigestError;
use s3::{AccessLogTarget, Buckets, NotificationRule, S3Options, ServicePut, Versioning};
use sqs::{Queues, SqsOptions};

/// The sandbox could not be started.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// It may be reached from this machine only.
    #[error(
        "the sandbox listens on loopback only, and {0} is not there: its buckets are open to \
         whoever reaches it; use 127.0.0.1"
    )]
    NotLoopback(SocketAddr),
    /// The address is taken or cannot be had.
    #[error("the sandbox cannot listen on {address}: {source}; choose another with a port of 0")]
    Listen {
        /// What was asked for.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// Digests cannot be signed.
    #[error(transparent)]
    Digest(#[from] DigestError),
}

impl SandboxError {
    /// Whether it may go away by itself.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Listen { .. })
    }
}

/// What the sandbox is told.
pub struct Options {
    /// Where S3 and SQS listen, both on one port; 0 for a free one.
    pub listen: SocketAddr,
    /// Where all identifiers and delays come from.
    pub seed: u64,
    /// What time it is, for everything that is written.
    pub clock: Clock,
    /// How long visibility timeouts, message delays and long polls last.
    pub pace: Clock,
    /// The account that owns all buckets and queues, 12 digits.
    pub account: String,
    /// The region of all of them.
    pub region: String,
    /// Who may sign requests.
    pub principals: Vec<Principal>,
    /// What goes wrong.
    pub faults: Faults,
    /// The trail; none writes no CloudTrail files.
    pub trail: Option<TrailOptions>,
    /// How long after the first request of an access-log object it is written, in seconds.
    pub access_log_delay_seconds: std::ops::Range<u64>,
}

/// A running sandbox.
pub struct Sandbox {
    endpoint: String,
    clock: Clock,
    region: String,
    account: String,
    buckets: Buckets,
    queues: Queues,
    delivery: Delivery,
    faults: Faults,
    principals: Vec<Arc<Principal>>,
    closing: CancellationToken,
    serving: JoinHandle<io::Result<()>>,
}

impl Sandbox {
    /// Starts it, with no queue and no bucket but the trail's.
    ///
    /// # Errors
    /// When the address is not on loopback or cannot be had.
    pub async fn start(options: Options) -> Result<Self, SandboxError> {
        let Options { clock, region, account, faults, .. } = options;
        let (listener, endpoint) = listen(options.listen).await?;
        let identifiers = Identifiers::seeded(options.seed);
        let queues = Queues::new(SqsOptions {
            clock: clock.clone(),
            pace: options.pace,
            identifiers: identifiers.clone(),
            faults: faults.clone(),
            account: account.clone(),
            region: region.clone(),
            base_url: endpoint.clone(),
        });
        let principals: Vec<_> = options.principals.into_iter().map(Arc::new).collect();
        let (acts, acted) = mpsc::unbounded_channel();
        let tested = queues.clone();
        let buckets = Buckets::new(S3Options {
            clock: clock.clone(),
            identifiers: identifiers.clone(),
            faults: faults.clone(),
            region: region.clone(),
            account: account.clone(),
            principals: principals.clone(),
            acts,
            raises_test_event: Arc::new(move |queue_arn, body| {
                // A queue that is not there hears nothing, as at AWS.
                let _ = tested.send(queue_arn, body);
            }),
        });
        if let Some(trail) = &options.trail {
            buckets.create(&trail.bucket, Versioning::Off);
        }
        let closing = CancellationToken::new();
        let delivery = Delivery::start(
            DeliveryOptions {
                clock: clock.clone(),
                identifiers,
                faults: faults.clone(),
                account: account.clone(),
                region: region.clone(),
                trail: options.trail,
                access_log_delay_seconds: options.access_log_delay_seconds,
                estate: Arc::new(Estate { buckets: buckets.clone(), queues: queues.clone() }),
            },
            acted,
            closing.clone(),
        )
        .await?;
        let router = endpoint::router(buckets.service(), queues.clone());
        let serving = tokio::spawn(axum::serve(listener, router).into_future());
        Ok(Self {
            endpoint,
            clock,
            region,
            account,
            buckets,
            queues,
            delivery,
            faults,
            principals,
            closing,
            serving,
        })
    }

    /// The URL of both S3 and SQS, such as `http://127.0.0.1:41234`.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The time in there.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The region of all buckets and queues.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The account of all buckets and queues.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The buckets, for what needs no request.
    #[must_use]
    pub fn buckets(&self) -> &Buckets {
        &self.buckets
    }

    /// The queues, for what needs no request.
    #[must_use]
    pub fn queues(&self) -> &Queues {
        &self.queues
    }

    /// What AWS writes about it all.
    #[must_use]
    pub fn delivery(&self) -> &Delivery {
        &self.delivery
    }

    /// What goes wrong.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The identity of this name.
    #[must_use]
    pub fn principal(&self, name: &str) -> Option<&Arc<Principal>> {
        self.principals.iter().find(|principal| principal.name == name)
    }

    /// Stops serving; open long polls are cut.
    pub async fn stop(self) {
        self.closing.cancel();
        self.serving.abort();
        // Aborted or ended: either way nothing is served any more.
        let _ = self.serving.await;
    }
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, String), SandboxError> {
    if !address.ip().is_loopback() {
        return Err(SandboxError::NotLoopback(address));
    }
    let failed = |source| SandboxError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, format!("http://{bound}")))
}

/// Where delivery writes to: this sandbox's own buckets and queues.
struct Estate {
    buckets: Buckets,
    queues: Queues,
}

impl delivery::Estate for Estate {
    fn put(&self, service: &str, put: ServicePut) -> bool {
        self.buckets.put_by_service(service, put).is_ok()
    }

    fn send(&self, queue_arn: &str, body: String) -> bool {
        self.queues.send(queue_arn, body)
    }

    fn notification_rules(&self, bucket: &str) -> Vec<NotificationRule> {
        self.buckets.notification_rules(bucket)
    }

    fn access_log(&self, bucket: &str) -> Option<AccessLogTarget> {
        self.buckets.access_log(bucket)
    }
}
