//! The objects of a bucket, as S3 lists them page by page. It does not know which ones are wanted.

use std::collections::VecDeque;

use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;
use aws_sdk_s3::types::Object;
use percent_encoding::percent_decode_str;

use super::Objects;
use super::error::ObjectError;

/// An object that there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its key.
    pub key: String,
    /// The entity tag of its current content, without quotes.
    pub etag: Option<String>,
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was last written, in milliseconds since 1970 (S3 says whole seconds).
    pub last_modified_millis: Option<i64>,
}

/// Up to a thousand objects, in the order of their keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The objects.
    pub objects: Vec<Listed>,
    /// Whether others come after them.
    pub has_more: bool,
}

/// The objects whose keys begin with a prefix, one after the other. It holds one page.
#[derive(Debug)]
pub struct Listing {
    objects: Objects,
    bucket: String,
    prefix: String,
    page: VecDeque<Listed>,
    /// The key after which the next page begins; none before the first page.
    after: Option<String>,
    has_more: bool,
}

impl Listing {
    pub(super) fn of(objects: Objects, bucket: &str, prefix: &str) -> Self {
        Self {
            objects,
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            page: VecDeque::new(),
            after: None,
            has_more: true,
        }
    }

    /// The next object; `None` behind the last one.
    ///
    /// # Errors
    /// See [`ObjectError`]. The next call asks for the same page again.
    pub async fn next(&mut self) -> Result<Option<Listed>, ObjectError> {
        while self.page.is_empty() && self.has_more {
            let after = self.after.as_deref();
            let Page { objects, has_more } =
                self.objects.list(&self.bucket, &self.prefix, after).await?;
            // A page without an object would lead nowhere.
            self.has_more = has_more && !objects.is_empty();
            self.after = objects.last().map(|listed| listed.key.clone());
            self.page = objects.into();
        }
        Ok(self.page.pop_front())
    }

    /// Leaves out what comes up to this key. Pages on which there is nothing else are not asked
    /// for.
    pub fn skip_until(&mut self, key: &str) {
        self.page.retain(|listed| listed.key.as_str() > key);
        if self.page.is_empty() && self.after.as_deref().is_none_or(|after| after < key) {
            self.after = Some(key.to_owned());
        }
    }

    /// The key after which the list goes on.
    #[must_use]
    pub fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }
}

impl Page {
    pub(super) fn of(answer: ListObjectsV2Output) -> Self {
        let has_more = answer.is_truncated == Some(true);
        let objects = answer.contents.unwrap_or_default();
        Self { objects: objects.into_iter().filter_map(listed).collect(), has_more }
    }
}

fn listed(object: Object) -> Option<Listed> {
    Some(Listed {
        key: decoded(&object.key?),
        etag: object.e_tag.map(|etag| etag.trim_matches('"').to_owned()),
        bytes: object.size.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default(),
        last_modified_millis: object.last_modified.and_then(|at| at.to_millis().ok()),
    })
}

/// A key as it is: lists that are asked for in URL encoding write a blank as `+` or `%20`.
fn decoded(key: &str) -> String {
    percent_decode_str(&key.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::super::canned_http::{Canned, CannedHttp, sdk_config};
    use super::super::{ObjectsOptions, S3Objects};
    use super::*;

    async fn list_of(answers: Vec<Canned>) -> (Result<Page, ObjectError>, Vec<String>) {
        let server = CannedHttp::start(answers).await;
        let options = ObjectsOptions { path_style: true, attempts: 1, ..ObjectsOptions::default() };
        let objects = S3Objects::new(&sdk_config(&server.origin), options);
        let page = objects.list("trail-logs", "AWSLogs/", Some("AWSLogs/a b")).await;
        (page, server.requests())
    }

    fn page(contents: &str, is_truncated: bool) -> Canned {
        Canned::answer(
            200,
            format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult>\
                 <Name>trail-logs</Name><IsTruncated>{is_truncated}</IsTruncated>{contents}\
                 </ListBucketResult>"
            ),
        )
    }

    #[tokio::test]
    async fn a_page_tells_keys_as_they_are_with_size_tag_and_time() {
        let contents = "<Contents><Key>AWSLogs/a+b%2Bc%0Ad%25%EB%A1%9C.gz</Key>\
            <LastModified>2026-11-23T10:00:00.000Z</LastModified><ETag>&quot;9b2c&quot;</ETag>\
            <Size>434</Size></Contents>";
        let (listed, requests) = list_of(vec![page(contents, true)]).await;
        let listed = listed.expect("a page");
        assert!(listed.has_more);
        let object = Listed {
            key: "AWSLogs/a b+c\nd%로.gz".to_owned(),
            etag: Some("9b2c".to_owned()),
            bytes: 434,
            last_modified_millis: Some(1_795_428_000_000),
        };
        assert_eq!(listed.objects, [object]);
        for part in ["list-type=2", "prefix=AWSLogs%2F", "start-after=AWSLogs%2Fa%20b"] {
            assert!(requests[0].contains(part), "{part} is not in {}", requests[0]);
        }
        assert!(requests[0].contains("encoding-type=url"), "{}", requests[0]);
    }

    #[tokio::test]
    async fn an_empty_bucket_has_an_empty_page() {
        let (listed, _) = list_of(vec![page("", false)]).await;
        assert_eq!(listed.expect("a page"), Page::default());
    }

    #[tokio::test]
    async fn a_listing_goes_on_where_it_is_told_and_asks_for_no_page_between() {
        let keys = |keys: &[&str]| {
            let contents = keys.iter().map(|key| format!("<Contents><Key>{key}</Key></Contents>"));
            contents.collect::<String>()
        };
        let pages = [(["a", "b", "c"], true), (["x", "y", "z"], false)];
        let pages = pages.map(|(listed, has_more)| page(&keys(&listed), has_more));
        let server = CannedHttp::start(pages).await;
        let options = ObjectsOptions { path_style: true, attempts: 1, ..ObjectsOptions::default() };
        let objects = Objects::new(&sdk_config(&server.origin), options);
        let mut listing = objects.listing("trail-logs", "");
        let mut seen = Vec::new();
        while let Some(listed) = listing.next().await.expect("a page") {
            match listed.key.as_str() {
                "a" => listing.skip_until("w"),
                "x" => listing.skip_until("y"),
                _ => {}
            }
            seen.push(listed.key);
        }
        assert_eq!(seen, ["a", "x", "z"]);
        let requests = server.requests();
        assert!(!requests[0].contains("start-after"), "{}", requests[0]);
        assert!(requests[1].contains("start-after=w"), "{}", requests[1]);
        assert_eq!(requests.len(), 2);
        assert!(listing.next().await.expect("still the end").is_none());
    }

    #[tokio::test]
    async fn a_bucket_elsewhere_is_listed_where_it_is() {
        let redirect = Canned::answer(301, "<Error><Code>PermanentRedirect</Code></Error>")
            .header("x-amz-bucket-region", "eu-central-1");
        let (listed, requests) = list_of(vec![redirect, page("", false)]).await;
        assert!(listed.is_ok(), "{listed:?}");
        assert!(requests[1].contains("/eu-central-1/s3/aws4_request"), "{}", requests[1]);
    }

    #[tokio::test]
    async fn a_refused_list_names_the_permission_that_it_takes() {
        let body = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
        let (listed, _) = list_of(vec![Canned::answer(403, body)]).await;
        let error = listed.expect_err("a refusal");
        assert_eq!(error.kind(), "access_denied");
        let line = error.to_string();
        assert!(line.starts_with("s3://trail-logs/AWSLogs/: access denied"), "{line}");
        assert!(line.contains("allow s3:ListBucket on arn:aws:s3:::trail-logs in"), "{line}");
        assert!(!line.contains("missing object"), "{line}");
    }
}
