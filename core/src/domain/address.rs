//! Where an object is, in the forms that people paste: `s3://bucket/key`, a URL of S3 or of its
//! console, an ARN. It asks nobody whether there is such an object.

mod host;
#[cfg(test)]
mod tests;

use percent_encoding::percent_decode_str;

use self::host::Host;

/// An object, one version of it, a prefix of keys, or a bucket, as somebody wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The bucket; not empty.
    pub bucket: String,
    /// The key, decoded; empty when a bucket alone was written.
    pub key: String,
    /// The version, which may be a delete marker.
    pub version_id: Option<String>,
}

/// A text that names nothing in S3, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// A URL of somebody else, or of something else.
    #[error(
        "\"{0}\" is no URL of S3, and nobody but the owner of its host knows the bucket behind \
         it: write s3://BUCKET/KEY"
    )]
    NotOfS3(String),
    /// An access point, whose bucket its name does not tell.
    #[error("\"{0}\" names an access point: write s3://BUCKET/KEY with the bucket behind it")]
    AccessPoint(String),
    /// An ARN of something else.
    #[error("\"{0}\" is no ARN of an object: write arn:aws:s3:::BUCKET/KEY or s3://BUCKET/KEY")]
    NotAnObject(String),
    /// Neither a URL nor an ARN.
    #[error("\"{0}\" names no bucket: write s3://BUCKET/KEY")]
    NoBucket(String),
    /// A version was promised and none given.
    #[error("\"{0}\" ends without a version id: leave ?versionId= away to ask for all versions")]
    NoVersion(String),
    /// Its escapes make no text.
    #[error("the escapes (%..) in \"{0}\" give no UTF-8, as every key is: write s3://BUCKET/KEY")]
    NotUtf8(String),
}

/// What stands before a version id. Only the last one counts, since a key may hold it too.
const VERSION: &str = "?versionId=";
/// Schemes whose keys are written as they are.
const LITERAL_SCHEMES: [&str; 3] = ["s3", "s3a", "s3n"];

impl Address {
    /// Reads what somebody wrote. The key of `s3://` and of an ARN is taken as it stands, since a
    /// key may hold any character; the one of a URL is decoded as S3 does it, a `+` to a space.
    ///
    /// # Errors
    /// See [`AddressError`]; each says what to write instead.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let text = text.trim_start();
        match text.split_once("://") {
            Some((scheme, rest)) if is_one_of(scheme, &LITERAL_SCHEMES) => literal(text, rest),
            Some((scheme, rest)) if is_one_of(scheme, &["http", "https"]) => of_url(text, rest),
            _ if text.starts_with("arn:") => of_arn(text),
            _ if Host::of(authority_of(text.trim_end())).is_s3() => of_url(text, text),
            _ => Err(AddressError::NoBucket(text.to_owned())),
        }
    }

    /// How the keys begin that are meant when it is a prefix, which ends with a slash, or with a
    /// star that stands for the rest; for a bucket that is any key. `None` for one object.
    #[must_use]
    pub fn prefix(&self) -> Option<&str> {
        if self.key.is_empty() || self.key.ends_with('/') {
            return Some(&self.key);
        }
        self.key.strip_suffix('*')
    }
}

fn is_one_of(scheme: &str, schemes: &[&str]) -> bool {
    schemes.iter().any(|it| scheme.eq_ignore_ascii_case(it))
}

/// `bucket/key?versionId=id` of `text`, as it stands.
fn literal(text: &str, path: &str) -> Result<Address, AddressError> {
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    if bucket.is_empty() {
        return Err(AddressError::NoBucket(text.to_owned()));
    }
    let (key, version_id) = match key.rsplit_once(VERSION) {
        Some((_, "")) => return Err(AddressError::NoVersion(text.to_owned())),
        Some((key, version)) => (key, Some(version.to_owned())),
        None => (key, None),
    };
    Ok(Address { bucket: bucket.to_owned(), key: key.to_owned(), version_id })
}

/// `arn:PARTITION:s3:::bucket/key`: those of objects name no region and no account.
fn of_arn(text: &str) -> Result<Address, AddressError> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    match parts[..] {
        ["arn", _, "s3", "", "", path] => literal(text, path),
        ["arn", _, "s3", .., path] if path.starts_with("accesspoint") => {
            Err(AddressError::AccessPoint(text.to_owned()))
        }
        _ => Err(AddressError::NotAnObject(text.to_owned())),
    }
}

/// What stands before the path.
fn authority_of(rest: &str) -> &str {
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// A URL, of which `rest` is what stands behind the scheme.
fn of_url(text: &str, rest: &str) -> Result<Address, AddressError> {
    let rest = rest.trim_end();
    let rest = rest.split('#').next().unwrap_or_default();
    let authority = authority_of(rest);
    let (path, query) = rest[authority.len()..].split_once('?').unwrap_or_else(|| {
        // There may be no path at all.
        (&rest[authority.len()..], "")
    });
    let path = path.strip_prefix('/').unwrap_or(path);
    let (bucket, key) = match Host::of(authority) {
        Host::Bucket(bucket) => (bucket, decoded(text, path)?),
        Host::PathStyle => {
            let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
            (decoded(text, bucket)?, decoded(text, key)?)
        }
        Host::Console => return of_console(text, path, query),
        Host::AccessPoint => return Err(AddressError::AccessPoint(text.to_owned())),
        Host::Other => return Err(AddressError::NotOfS3(text.to_owned())),
    };
    if bucket.is_empty() {
        return Err(AddressError::NoBucket(text.to_owned()));
    }
    Ok(Address { bucket, key, version_id: version_of(text, query)? })
}

/// `s3/object/bucket?prefix=key`, and for a folder `s3/buckets/bucket?prefix=folder/`; older pages
/// had the key behind the bucket.
fn of_console(text: &str, path: &str, query: &str) -> Result<Address, AddressError> {
    let mut parts = path.splitn(4, '/');
    let (service, _, bucket) = (parts.next(), parts.next(), parts.next().unwrap_or_default());
    if service != Some("s3") || bucket.is_empty() {
        return Err(AddressError::NotOfS3(text.to_owned()));
    }
    let key = match parameter(query, "prefix") {
        Some(key) => key,
        None => parts.next().unwrap_or_default(),
    };
    Ok(Address {
        bucket: decoded(text, bucket)?,
        key: decoded(text, key)?,
        version_id: version_of(text, query)?,
    })
}

fn version_of(text: &str, query: &str) -> Result<Option<String>, AddressError> {
    match parameter(query, "versionId") {
        None => Ok(None),
        Some("") => Err(AddressError::NoVersion(text.to_owned())),
        Some(version) => decoded(text, version).map(Some),
    }
}

/// The value of a parameter, encoded.
fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(given, _)| *given == name).map(|(_, value)| value)
}

/// As S3 reads it: a plus is a space, in paths too.
fn decoded(text: &str, encoded: &str) -> Result<String, AddressError> {
    let spaced = encoded.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8();
    decoded.map(Into::into).map_err(|_| AddressError::NotUtf8(text.to_owned()))
}
