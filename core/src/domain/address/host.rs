//! What a host name says of a bucket. The names of S3's endpoints are those of its user guide
//! ("Methods for accessing a bucket", "Website endpoints", "Dual-stack endpoints").

/// Where the endpoints of S3 are, by partition.
const SUFFIXES: [&str; 4] = [".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu", ".api.aws"];
/// Where consoles are.
const CONSOLES: [&str; 3] =
    ["console.aws.amazon.com", "console.amazonaws.cn", "console.amazonaws-us-gov.com"];
/// Endpoints whose names begin with something else than a bucket.
const OTHERS: [&str; 4] = ["s3-accesspoint", "s3-object-lambda", "s3-global", "s3-outposts"];

/// What is behind a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host {
    /// This bucket.
    Bucket(String),
    /// All of them; the path begins with one.
    PathStyle,
    /// The web console.
    Console,
    /// A part of a bucket, under a name of its own.
    AccessPoint,
    /// No place of S3.
    Other,
}

impl Host {
    /// What is behind `authority`, which may have a port, and a user whom nobody asks.
    pub(super) fn of(authority: &str) -> Self {
        let host = authority.rsplit('@').next().unwrap_or_default().to_ascii_lowercase();
        let (host, _) = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (name, port),
            _ => (host.as_str(), ""),
        };
        if is_console(host) {
            return Self::Console;
        }
        // An emulator on this host, or in a test network.
        if host == "localhost" || host.starts_with('[') || is_ipv4(host) {
            return Self::PathStyle;
        }
        match endpoint(host) {
            None => Self::Other,
            Some((_, service)) if OTHERS.iter().any(|it| service.starts_with(it)) => {
                Self::AccessPoint
            }
            Some(("", _)) => Self::PathStyle,
            Some((bucket, _)) => Self::Bucket(bucket.to_owned()),
        }
    }

    /// Whether it is a place of AWS, so that a text may be taken for a URL that begins with it.
    pub(super) const fn is_s3(&self) -> bool {
        matches!(self, Self::Bucket(_) | Self::Console | Self::AccessPoint)
    }
}

/// Whether it is where consoles are, of one region or of all.
fn is_console(host: &str) -> bool {
    CONSOLES.iter().any(|console| {
        host.strip_suffix(console).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

fn is_ipv4(host: &str) -> bool {
    let mut parts = host.split('.');
    host.split('.').count() == 4 && parts.all(|part| part.parse::<u8>().is_ok())
}

/// What stands before the name of the service, and that name. From the end there may be a region
/// and `dualstack` before it comes; what is left is a bucket, with whatever dots it has.
fn endpoint(host: &str) -> Option<(&str, &str)> {
    let mut rest = SUFFIXES.iter().find_map(|suffix| host.strip_suffix(suffix))?;
    loop {
        let (before, label) = rest.rsplit_once('.').unwrap_or(("", rest));
        if label == "s3" || label.starts_with("s3-") || label.starts_with("s3express-") {
            return Some((before, label));
        }
        if before.is_empty() || !(label == "dualstack" || is_region(label)) {
            return None;
        }
        rest = before;
    }
}

fn is_region(label: &str) -> bool {
    label.contains('-') && label.ends_with(|last: char| last.is_ascii_digit())
}
