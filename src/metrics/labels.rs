//! The closed sets of label values of process-local families. Sets that another room owns (the
//! reasons for a reject, the sources) are not repeated here.

/// What became of a log object; the `result` label of `deltrail_log_objects_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectResult {
    /// Its evidence is in the store.
    Committed,
    /// It was in the ledger already.
    Duplicate,
    /// It was left out, because it is not there or nothing in it is wanted.
    Skipped,
    /// It could not be read or stored; its message is tried again or left to redrive.
    Failed,
}

impl ObjectResult {
    /// Every result.
    pub const ALL: [Self; 4] = [Self::Committed, Self::Duplicate, Self::Skipped, Self::Failed];

    /// The value of the label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::Duplicate => "duplicate",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
        }
    }
}

/// What became of a record of a log object; the `result` label of `deltrail_records_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordResult {
    /// It says something about a delete.
    Evidence,
    /// It is about something else.
    Ignored,
    /// It could not be understood.
    Rejected,
}

impl RecordResult {
    /// Every result.
    pub const ALL: [Self; 3] = [Self::Evidence, Self::Ignored, Self::Rejected];

    /// The value of the label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Evidence => "evidence",
            Self::Ignored => "ignored",
            Self::Rejected => "rejected",
        }
    }
}

/// Why a listener refused; the `reason` label of `deltrail_http_refused_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpRefusal {
    /// A connection more than there is a place for.
    TooManyConnections,
    /// A request of a peer that asks too often or too much at a time.
    TooOften,
    /// A path, query, head or body that is too large.
    TooLarge,
    /// A handshake, head or body that did not arrive in time, or an answer that nobody took.
    TooSlow,
    /// A request without the token, or from where nobody is let in without one.
    NotAllowed,
}

impl HttpRefusal {
    /// Every reason.
    pub const ALL: [Self; 5] =
        [Self::TooManyConnections, Self::TooOften, Self::TooLarge, Self::TooSlow, Self::NotAllowed];

    /// The value of the label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooManyConnections => "too_many_connections",
            Self::TooOften => "too_often",
            Self::TooLarge => "too_large",
            Self::TooSlow => "too_slow",
            Self::NotAllowed => "not_allowed",
        }
    }
}

/// Why a log object was skipped; among the values of the `reason` label of
/// `deltrail_rejected_total`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SkipReason {
    /// An hourly digest of CloudTrail.
    Digest,
    /// An Insights file.
    Insight,
    /// A file of network activity events.
    NetworkActivity,
    /// A file of aggregated events.
    Aggregated,
    /// A key that ends in `/`.
    Folder,
    /// An object without a byte.
    ZeroByte,
    /// An object that is not there, where the settings say that it need not be.
    Missing,
}

impl SkipReason {
    /// Every reason.
    pub const ALL: [Self; 7] = [
        Self::Digest,
        Self::Insight,
        Self::NetworkActivity,
        Self::Aggregated,
        Self::Folder,
        Self::ZeroByte,
        Self::Missing,
    ];

    /// The value of the label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Digest => "digest",
            Self::Insight => "insight",
            Self::NetworkActivity => "network_activity",
            Self::Aggregated => "aggregated",
            Self::Folder => "folder",
            Self::ZeroByte => "zero_byte",
            Self::Missing => "missing",
        }
    }
}

/// Where messages of a queue are; the `state` label of `deltrail_queue_messages`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueState {
    /// Waiting to be received.
    Visible,
    /// Received by somebody and not yet deleted.
    InFlight,
    /// Sent with a delay that has not passed.
    Delayed,
}

impl QueueState {
    /// The value of the label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Visible => "visible",
            Self::InFlight => "in_flight",
            Self::Delayed => "delayed",
        }
    }
}
