//! What somebody else said about a failed call: an answer of SQS, or a cause in the network. It
//! does not know what the call was for.

use std::fmt::{self, Display};

use super::text::one_line;

/// The words of others on one line, with the request id by which AWS finds the call again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detail {
    text: String,
    request_id: Option<String>,
}

impl Detail {
    /// What SQS answered.
    pub(super) fn answer(text: &str, request_id: Option<&str>) -> Self {
        Self { text: one_line(text), request_id: request_id.map(one_line) }
    }

    /// What went wrong before there was an answer.
    pub(super) fn cause(text: String) -> Self {
        Self { text, request_id: None }
    }

    /// The request id, when AWS answered with one.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// The key that the answer names, else words for it.
    pub(super) fn key_or<'a>(&'a self, words: &'a str) -> &'a str {
        key_named_by(&self.text).unwrap_or(words)
    }
}

impl Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        match &self.request_id {
            Some(id) => write!(f, ", request id {id}"),
            None => Ok(()),
        }
    }
}

/// The first KMS ARN of a text, `arn:PARTITION:kms:REGION:ACCOUNT:key/ID`.
fn key_named_by(text: &str) -> Option<&str> {
    let is_of_arn = |c: char| c.is_ascii_alphanumeric() || ":/-_.".contains(c);
    text.match_indices("arn:").find_map(|(at, _)| {
        let rest = &text[at..];
        let arn = &rest[..rest.find(|c: char| !is_of_arn(c)).unwrap_or(rest.len())];
        let arn = arn.trim_end_matches(['.', ':']);
        (arn.split(':').nth(2) == Some("kms")).then_some(arn)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_found_in_the_words_of_aws() {
        let text = "User: arn:aws:sts::111122223333:assumed-role/r/s is not authorized to perform: \
                    kms:Decrypt on resource: arn:aws:kms:eu-west-1:111122223333:key/1a-2b. Sorry";
        let key = "arn:aws:kms:eu-west-1:111122223333:key/1a-2b";
        assert_eq!(Detail::answer(text, None).key_or("its key"), key);
        assert_eq!(Detail::answer("no key: arn:aws:s3:::b", None).key_or("its key"), "its key");
    }
}
