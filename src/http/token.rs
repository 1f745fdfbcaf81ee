//! What a request has to bear to be answered. It does not know where the token was set, nor what
//! the request asks for.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Digest, SHA256, digest};
use aws_lc_rs::hmac;
use axum::http::{HeaderMap, header};

use super::headers::only;

/// The token that requests have to bear. Only its hash is kept.
#[derive(Clone)]
pub struct Token(Digest);

impl Token {
    /// Requests have to bear `secret`.
    #[must_use]
    pub fn new(secret: &str) -> Self {
        Self(digest(&SHA256, secret.as_bytes()))
    }

    /// Whether the request bears it, and nothing else that it wants to be let in by.
    pub(super) fn is_borne_by(&self, headers: &HeaderMap) -> bool {
        bearer(headers).is_some_and(|borne| self.is(borne))
    }

    /// Whether it is this.
    pub(super) fn is(&self, told: &[u8]) -> bool {
        // Hashes are of equal length, so that the time tells nothing, not even how long it is.
        let told = digest(&SHA256, told);
        verify_slices_are_equal(told.as_ref(), self.0.as_ref()).is_ok()
    }

    /// What can be signed with by whoever knows it.
    pub(super) fn signing_key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, self.0.as_ref())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(***)")
    }
}

/// What stands behind `Bearer` in the one `Authorization` header.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = only(headers, &header::AUTHORIZATION)?;
    let (scheme, credentials) = value.as_bytes().split_at_checked(b"Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| credentials.trim_ascii())
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, header};

    use super::Token;

    const SECRET: &str = "correct-horse-battery";

    fn headers(values: &[&str]) -> HeaderMap {
        let value = |value: &&str| (header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        values.iter().map(value).fold(HeaderMap::new(), |mut headers, (name, value)| {
            headers.append(name, value);
            headers
        })
    }

    #[test]
    fn only_the_token_itself_lets_in() {
        let token = Token::new(SECRET);
        for good in ["Bearer correct-horse-battery", "bearer  correct-horse-battery "] {
            assert!(token.is_borne_by(&headers(&[good])), "{good}");
        }
        for bad in [
            "Bearer correct-horse-batterx",
            "Bearer correct-horse-batter",
            "Bearer correct-horse-battery2",
            "Bearer CORRECT-HORSE-BATTERY",
            "Bearer correct-horse-battery, Bearer x",
            "Bearer ",
            "Bearer",
            "Basic correct-horse-battery",
            "correct-horse-battery",
            "",
        ] {
            assert!(!token.is_borne_by(&headers(&[bad])), "{bad}");
        }
        assert!(!token.is_borne_by(&headers(&[])));
    }

    #[test]
    fn two_tokens_at_once_are_none() {
        let good = "Bearer correct-horse-battery";
        assert!(!Token::new(SECRET).is_borne_by(&headers(&[good, good])));
    }

    #[test]
    fn a_token_is_not_shown_by_accident() {
        assert_eq!(format!("{:?}", Token::new(SECRET)), "Token(***)");
    }
}
