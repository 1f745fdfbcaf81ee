//! What a queue URL says: the queue's name, its region and where its requests should go. It does
//! not know whether such a queue exists.

use aws_sdk_sqs::config::endpoint::{DefaultResolver, EndpointFuture, Params, ResolveEndpoint};

use super::QueueError;

/// A queue URL that was taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct QueueUrl {
    /// The part before the last.
    pub account: String,
    /// The last part of the path.
    pub name: String,
    /// The region that the host names, if it names one.
    pub region: Option<String>,
    /// Scheme and host of a URL whose host the SDK would not choose by itself (FIPS, dual stack, a
    /// VPC endpoint, an emulator).
    pub own_origin: Option<String>,
}

impl QueueUrl {
    /// Takes a queue URL apart.
    ///
    /// # Errors
    /// [`QueueError::InvalidUrl`] unless it has a scheme, a host and at least an account and a name
    /// in its path.
    pub fn parse(url: &str) -> Result<Self, QueueError> {
        Self::parts(url)
            .map_err(|problem| QueueError::InvalidUrl { url: super::text::one_line(url), problem })
    }

    pub(super) fn parts(url: &str) -> Result<Self, &'static str> {
        let (scheme, rest) = url.split_once("://").ok_or("has no scheme such as https://")?;
        if scheme != "https" && scheme != "http" {
            return Err("must begin with https:// or http://");
        }
        if url.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '?' | '#' | '@'))
        {
            return Err("holds a character that a queue URL never has (space, ?, # or @)");
        }
        let (authority, path) = rest.split_once('/').ok_or("has no account and queue name")?;
        let host = host_of(authority);
        if host.is_empty() {
            return Err("has no host");
        }
        let parts: Vec<&str> = path.split('/').collect();
        if parts.len() < 2 || parts.iter().any(|part| part.is_empty()) {
            return Err("must end in /ACCOUNT/QUEUE");
        }
        let host = host.to_ascii_lowercase();
        let own_origin = (!is_chosen_by_sdk(&host)).then(|| format!("{scheme}://{authority}"));
        Ok(Self {
            account: parts[parts.len() - 2].to_owned(),
            name: parts[parts.len() - 1].to_owned(),
            region: region_of(&host).map(str::to_owned),
            own_origin,
        })
    }

    /// The queue as IAM policies name it, unless the URL has no account as AWS has them.
    pub fn arn(&self, region: &str) -> Option<String> {
        let is_account =
            self.account.len() == 12 && self.account.bytes().all(|b| b.is_ascii_digit());
        let partition = match region {
            region if region.starts_with("cn-") => "aws-cn",
            region if region.starts_with("us-gov-") => "aws-us-gov",
            region if region.starts_with("eusc-") => "aws-eusc",
            _ => "aws",
        };
        is_account.then(|| format!("arn:{partition}:sqs:{region}:{}:{}", self.account, self.name))
    }
}

/// The host without its port; the brackets of an IPv6 address stay.
fn host_of(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// `sqs.REGION...`, `sqs-fips.REGION...`, `VPCE.sqs.REGION.vpce...`, and the legacy names
/// `REGION.queue...` and `queue.amazonaws.com`.
fn region_of(host: &str) -> Option<&str> {
    if is_legacy_global(host) {
        return Some("us-east-1");
    }
    let labels: Vec<&str> = host.split('.').collect();
    let is_service = |label: &str| matches!(label, "sqs" | "sqs-fips");
    let after_service = labels.windows(2).find(|pair| is_service(pair[0])).map(|pair| pair[1]);
    let before_queue = labels.windows(2).find(|pair| pair[1] == "queue").map(|pair| pair[0]);
    after_service.or(before_queue).filter(|label| looks_like_region(label))
}

fn is_legacy_global(host: &str) -> bool {
    host == "queue.amazonaws.com"
}

/// Letters, hyphens and digits that end in a number: `us-gov-west-1`, `eusc-de-east-1`.
fn looks_like_region(label: &str) -> bool {
    let parts: Vec<&str> = label.split('-').collect();
    let Some((number, words)) = parts.split_last() else { return false };
    let is_word = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    words.len() >= 2 && words.iter().all(is_word) && is_number
}

/// Hosts for which the region alone leads the SDK to the right endpoint, with FIPS and dual stack
/// settings of the environment respected.
fn is_chosen_by_sdk(host: &str) -> bool {
    let Some(prefix) =
        host.strip_suffix(".amazonaws.com").or_else(|| host.strip_suffix(".amazonaws.com.cn"))
    else {
        return false;
    };
    let labels: Vec<&str> = prefix.split('.').collect();
    match labels.as_slice() {
        ["queue"] => is_legacy_global(host),
        ["sqs", region] | [region, "queue"] => looks_like_region(region),
        _ => false,
    }
}

/// Sends requests to the queue URL's own host when the SDK would not find it and no endpoint is
/// configured (`AWS_ENDPOINT_URL_SQS`, `AWS_ENDPOINT_URL`, profile), as other AWS SDKs do.
#[derive(Debug)]
pub(super) struct QueueEndpoint {
    by_region: DefaultResolver,
    own: Option<Params>,
}

impl QueueEndpoint {
    pub fn new(url: &QueueUrl, region: &str) -> Self {
        let own = url.own_origin.as_ref().and_then(|origin| {
            Params::builder()
                .region(region)
                .endpoint(origin)
                .use_fips(false)
                .use_dual_stack(false)
                .build()
                .ok()
        });
        Self { by_region: DefaultResolver::new(), own }
    }
}

impl ResolveEndpoint for QueueEndpoint {
    fn resolve_endpoint<'a>(&'a self, params: &'a Params) -> EndpointFuture<'a> {
        let chosen = match (&self.own, params.endpoint()) {
            (Some(own), None) => own,
            _ => params,
        };
        ResolveEndpoint::resolve_endpoint(&self.by_region, chosen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(host: &str) -> QueueUrl {
        QueueUrl::parse(&format!("https://{host}/123456789012/log-events")).expect("a queue URL")
    }

    #[test]
    fn the_host_of_a_queue_url_names_its_region() {
        for (host, region) in [
            ("sqs.eu-west-1.amazonaws.com", "eu-west-1"),
            ("SQS.EU-West-1.amazonaws.com", "eu-west-1"),
            ("sqs.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
            ("ap-northeast-2.queue.amazonaws.com", "ap-northeast-2"),
            ("queue.amazonaws.com", "us-east-1"),
            ("sqs.cn-north-1.amazonaws.com.cn", "cn-north-1"),
            ("cn-northwest-1.queue.amazonaws.com.cn", "cn-northwest-1"),
            ("sqs-fips.us-west-2.amazonaws.com", "us-west-2"),
            ("sqs.us-east-1.api.aws", "us-east-1"),
            ("sqs-fips.us-east-1.api.aws", "us-east-1"),
            ("vpce-0a-b1.sqs.eu-central-1.vpce.amazonaws.com", "eu-central-1"),
            ("sqs.us-east-1.localhost.localstack.cloud:4566", "us-east-1"),
        ] {
            assert_eq!(parsed(host).region.as_deref(), Some(region), "{host}");
        }
    }

    #[test]
    fn a_host_that_names_no_region_leaves_it_to_the_sdk() {
        for host in ["localhost:4566", "127.0.0.1:4566", "[::1]:4566", "sqs.internal", "queue"] {
            assert_eq!(parsed(host).region, None, "{host}");
        }
    }

    #[test]
    fn the_name_is_the_last_part_of_the_path() {
        assert_eq!(parsed("sqs.eu-west-1.amazonaws.com").name, "log-events");
        let long = QueueUrl::parse("http://localhost:4566/queue/us-east-1/0/other.fifo");
        assert_eq!(long.expect("a queue URL").name, "other.fifo");
    }

    #[test]
    fn a_queue_has_the_name_that_policies_use() {
        let arn = |host, region| parsed(host).arn(region).expect("an ARN");
        let queue = "arn:aws:sqs:eu-west-1:123456789012:log-events";
        assert_eq!(arn("sqs.eu-west-1.amazonaws.com", "eu-west-1"), queue);
        let chinese = arn("sqs.cn-north-1.amazonaws.com.cn", "cn-north-1");
        assert_eq!(chinese, "arn:aws-cn:sqs:cn-north-1:123456789012:log-events");
        let odd = QueueUrl::parse("http://localhost:1/queue/log-events").expect("a queue URL");
        assert_eq!(odd.arn("eu-west-1"), None);
    }

    #[test]
    fn only_hosts_that_the_sdk_would_not_find_are_used_as_they_are() {
        for host in [
            "sqs.eu-west-1.amazonaws.com",
            "eu-west-1.queue.amazonaws.com",
            "queue.amazonaws.com",
            "sqs.cn-north-1.amazonaws.com.cn",
        ] {
            assert_eq!(parsed(host).own_origin, None, "{host}");
        }
        for host in ["sqs-fips.us-west-2.amazonaws.com", "sqs.us-east-1.api.aws", "[::1]:4566"] {
            assert_eq!(parsed(host).own_origin, Some(format!("https://{host}")), "{host}");
        }
    }

    #[test]
    fn what_is_no_queue_url_is_refused_with_an_example() {
        for url in [
            "",
            "log-events",
            "arn:aws:sqs:eu-west-1:123456789012:log-events",
            "ftp://sqs.eu-west-1.amazonaws.com/123456789012/log-events",
            "https://",
            "https:///123456789012/log-events",
            "https://sqs.eu-west-1.amazonaws.com",
            "https://sqs.eu-west-1.amazonaws.com/log-events",
            "https://sqs.eu-west-1.amazonaws.com/123456789012/",
            "https://sqs.eu-west-1.amazonaws.com//log-events",
            "https://key:secret@sqs.eu-west-1.amazonaws.com/123456789012/log-events",
            "https://sqs.eu-west-1.amazonaws.com/123456789012/log-events\n",
        ] {
            let error = QueueUrl::parse(url).expect_err(url).to_string();
            assert!(error.contains("https://sqs.eu-west-1.amazonaws.com/123456789012/"), "{error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }
}
