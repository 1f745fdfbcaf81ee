//! The name of a bucket, as messages of every kind tell it. Whether the bucket is one of ours is
//! decided elsewhere.

use super::excerpt::escaped_excerpt;
use super::reject::RejectReason;

const EXCERPT_CHARS_MAX: usize = 80;

/// As long as names in us-east-1 once could be; all others have at most 63 characters.
const NAME_BYTES_MAX: usize = 255;

/// `told` as a name, which law allows to be nothing but a name: never an ARN, a URL or a path, nor
/// any other text that no bucket could ever be called, since names become labels.
///
/// # Errors
/// The reason and the detail, when there is none.
pub(super) fn bucket_name(told: Option<&str>) -> Result<String, (RejectReason, String)> {
    let name = told
        .filter(|name| !name.is_empty())
        .ok_or_else(|| (RejectReason::MissingBucket, "no bucket is named".to_owned()))?;
    let refused = |what: &str| {
        let name = escaped_excerpt(name, EXCERPT_CHARS_MAX);
        let detail = format!("\"{name}\" is no bucket name but {what}");
        Err((RejectReason::BucketNotAllowed, detail))
    };
    if name.contains([':', '/']) {
        return refused("an ARN, a URL or a path");
    }
    let is_of_names = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if name.len() > NAME_BYTES_MAX || !name.bytes().all(is_of_names) {
        return refused("a text that S3 lets no bucket be called");
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{NAME_BYTES_MAX, RejectReason, bucket_name};

    #[test]
    fn every_name_that_a_bucket_can_have_is_one() {
        let longest = "b".repeat(NAME_BYTES_MAX);
        for name in ["b", "images-prod", "Old_Name.of-2006", "images--use1-az5--x-s3", &longest] {
            assert_eq!(bucket_name(Some(name)), Ok(name.to_owned()));
        }
    }

    #[test]
    fn what_no_bucket_can_be_called_is_refused_and_shown_in_one_line() {
        let too_long = "b".repeat(NAME_BYTES_MAX + 1);
        for text in [
            "arn:aws:s3:::images",
            "https://images.s3.amazonaws.com/",
            "../images",
            " images",
            "images\n",
            "im\0ages",
            "im\u{202e}ages",
            "bilder-für-alle",
            "x\"} 1",
            &too_long,
        ] {
            let (reason, detail) = bucket_name(Some(text)).unwrap_err();
            assert_eq!(reason, RejectReason::BucketNotAllowed, "{text:?}");
            assert!(detail.len() < 200 && !detail.contains(['\n', '\0', '\u{202e}']), "{detail}");
        }
        for none in [None, Some("")] {
            assert_eq!(bucket_name(none).unwrap_err().0, RejectReason::MissingBucket);
        }
    }
}
