//! Which region a bucket is in: what an answer of S3 says about it, and what was learnt before. It
//! makes no calls.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_s3::config::http::HttpResponse;

/// Buckets whose region is remembered. Only buckets that answered from another region than
/// expected are, so the limit is out of reach unless any bucket may be read.
const BUCKETS_MAX: usize = 1024;

/// Regions that S3 named for buckets.
#[derive(Debug, Clone, Default)]
pub(super) struct LearntRegions(Arc<Mutex<HashMap<String, String>>>);

impl LearntRegions {
    pub fn of(&self, bucket: &str) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(bucket).cloned()
    }

    /// When the limit is reached all is forgotten: each bucket costs one more redirect then.
    pub fn learn(&self, bucket: &str, region: &str) {
        let mut regions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if regions.len() >= BUCKETS_MAX && !regions.contains_key(bucket) {
            regions.clear();
        }
        regions.insert(bucket.to_owned(), region.to_owned());
    }
}

/// Whether a text may be a region. It becomes part of a host name, and hints come from messages.
pub(super) fn is_region_name(text: &str) -> bool {
    (4..=32).contains(&text.len())
        && text.contains('-')
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// The bucket's region, as an answer names it that refuses the region of the request: in a header,
/// else in the XML of the error.
pub(super) fn named_by(answer: &HttpResponse) -> Option<String> {
    if !matches!(answer.status().as_u16(), 301 | 307 | 400) {
        return None;
    }
    let of_header = answer.headers().get("x-amz-bucket-region");
    let of_body = || answer.body().bytes().and_then(|body| std::str::from_utf8(body).ok());
    of_header
        .or_else(|| of_body().and_then(region_element))
        .filter(|region| is_region_name(region))
        .map(str::to_owned)
}

fn region_element(xml: &str) -> Option<&str> {
    let (_, rest) = xml.split_once("<Region>")?;
    rest.split_once("</Region>").map(|(region, _)| region.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_looks_like_a_region_becomes_part_of_a_host_name() {
        for region in ["eu-west-1", "us-gov-east-1", "ap-northeast-2", "eusc-de-east-1"] {
            assert!(is_region_name(region), "{region}");
        }
        for text in ["", "eu", "EU-west-1", "evil.example/", "a-1.b", "eu-west-1#", "-eu-1", "eu-"]
        {
            assert!(!is_region_name(text), "{text}");
        }
        assert!(!is_region_name(&"a-".repeat(40)));
    }

    #[test]
    fn the_memory_of_regions_is_bounded_and_keeps_the_newest() {
        let regions = LearntRegions::default();
        for number in 0..=BUCKETS_MAX {
            regions.learn(&format!("bucket-{number}"), "eu-west-1");
        }
        assert_eq!(regions.of("bucket-0"), None);
        assert_eq!(regions.of(&format!("bucket-{BUCKETS_MAX}")).as_deref(), Some("eu-west-1"));
    }
}
