//! The buckets of the worlds, and who is told of what happens in them. It knows nothing of what
//! happens.

/// The account that owns every bucket.
pub const OWNER: &str = "111122223333";
/// An account that may delete in them, too.
pub const PARTNER: &str = "444455556666";

/// What a bucket does with versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Versioning {
    Never,
    Enabled,
    Suspended,
}

/// A bucket, and who is told of it besides the trails, which are told of all.
#[derive(Debug, PartialEq, Eq)]
pub struct Bucket {
    pub name: &'static str,
    pub region: &'static str,
    pub versioning: Versioning,
    /// Whether it sends notifications and events.
    pub is_notified: bool,
    /// Whether its access log is partitioned by date, so that its path says whose it is.
    pub is_log_partitioned: bool,
}

pub static IMAGES: Bucket = Bucket {
    name: "images",
    region: "us-east-1",
    versioning: Versioning::Never,
    is_notified: true,
    is_log_partitioned: false,
};
/// Important: it has latencies of its own.
pub static DOCUMENTS: Bucket = Bucket {
    name: "documents",
    region: "eu-west-1",
    versioning: Versioning::Enabled,
    is_notified: true,
    is_log_partitioned: true,
};
pub static BACKUPS: Bucket = Bucket {
    name: "backups",
    region: "eu-west-1",
    versioning: Versioning::Suspended,
    is_notified: true,
    is_log_partitioned: false,
};
pub static COLD: Bucket = Bucket {
    name: "cold",
    region: "us-east-1",
    versioning: Versioning::Never,
    is_notified: false,
    is_log_partitioned: true,
};
pub static BUCKETS: [&Bucket; 4] = [&IMAGES, &DOCUMENTS, &BACKUPS, &COLD];
