//! `s3://bucket/key?versionId=id`, read literally: S3 keys hold any character, so nothing is
//! decoded.

/// One object, or one version of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) version_id: Option<String>,
}

/// What stands before a version id. Only the last one counts, since a key may hold it too.
const VERSION: &str = "?versionId=";

/// A text that names no object, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum AddressError {
    #[error("\"{0}\" is a URL: write s3://BUCKET/KEY, with the key decoded")]
    Url(String),
    #[error("\"{0}\" is an ARN: write s3://{1}")]
    Arn(String, String),
    #[error("\"{0}\" names no bucket: write s3://BUCKET/KEY")]
    NoScheme(String),
    #[error("\"{0}\" names no bucket: write s3://BUCKET/KEY")]
    NoBucket(String),
    #[error("\"{0}\" names no key: write s3://{1}/KEY, or ask `deltrail deletions --bucket {1}`")]
    NoKey(String, String),
    #[error("\"{0}\" ends without a version id: leave {VERSION} away to ask for all versions")]
    NoVersion(String),
}

impl Address {
    pub(super) fn parse(text: &str) -> Result<Self, AddressError> {
        let Some(path) = text.strip_prefix("s3://") else {
            return Err(no_address(text));
        };
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        if bucket.is_empty() {
            return Err(AddressError::NoBucket(text.to_owned()));
        }
        let (key, version_id) = match key.rsplit_once(VERSION) {
            Some((_, "")) => return Err(AddressError::NoVersion(text.to_owned())),
            Some((key, version)) => (key, Some(version.to_owned())),
            None => (key, None),
        };
        if key.is_empty() {
            return Err(AddressError::NoKey(text.to_owned(), bucket.to_owned()));
        }
        Ok(Self { bucket: bucket.to_owned(), key: key.to_owned(), version_id })
    }
}

fn no_address(text: &str) -> AddressError {
    let object = text.strip_prefix("arn:").and_then(|arn| arn.split_once(":s3:::"));
    match object {
        Some((_, object)) => AddressError::Arn(text.to_owned(), object.to_owned()),
        None if text.contains("://") => AddressError::Url(text.to_owned()),
        None => AddressError::NoScheme(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (String, String, Option<String>) {
        let address = Address::parse(text).unwrap();
        (address.bucket, address.key, address.version_id)
    }

    #[test]
    fn a_key_is_taken_literally_and_only_the_last_version_id_splits() {
        let key = |key: &str| ("b".to_owned(), key.to_owned(), None);
        for literal in ["a%20b+c", "dir/", "/lead", "a?b#c", "a//b", "ключ", "a?versionid=x"] {
            assert_eq!(parts(&format!("s3://b/{literal}")), key(literal));
        }
        let (_, key, version) = parts("s3://b/odd?versionId=1?versionId=2");
        assert_eq!((&*key, version.as_deref()), ("odd?versionId=1", Some("2")));
    }

    #[test]
    fn what_names_no_object_is_told_how_to() {
        let error = |text| Address::parse(text).unwrap_err().to_string();
        insta::assert_snapshot!(
            [
                "https://b.s3.amazonaws.com/k",
                "arn:aws:s3:::b/k",
                "b/k",
                "s3:///k",
                "s3://b",
                "s3://b/",
                "s3://b/?versionId=v",
                "s3://b/k?versionId=",
            ]
            .map(error)
            .join("\n"),
            @r#"
        "https://b.s3.amazonaws.com/k" is a URL: write s3://BUCKET/KEY, with the key decoded
        "arn:aws:s3:::b/k" is an ARN: write s3://b/k
        "b/k" names no bucket: write s3://BUCKET/KEY
        "s3:///k" names no bucket: write s3://BUCKET/KEY
        "s3://b" names no key: write s3://b/KEY, or ask `deltrail deletions --bucket b`
        "s3://b/" names no key: write s3://b/KEY, or ask `deltrail deletions --bucket b`
        "s3://b/?versionId=v" names no key: write s3://b/KEY, or ask `deltrail deletions --bucket b`
        "s3://b/k?versionId=" ends without a version id: leave ?versionId= away to ask for all versions
        "#
        );
    }
}
