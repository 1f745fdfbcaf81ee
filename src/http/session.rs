//! What a browser bears instead of the token: a cookie that only the token can make, and that ends
//! by itself. It does not know who may ask for one.

use std::fmt::Write as _;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use axum::http::{HeaderMap, HeaderValue, header};

use super::Token;

const NAME: &str = "deltrail_session";
/// A working day.
const LASTS_SECONDS: u64 = 12 * 60 * 60;

/// The cookie of a browser whose user showed the token; times are seconds since the Unix epoch. It
/// is sent with no request that another site began, and no script sees it.
pub(super) fn begin(token: &Token, now_seconds: u64, is_encrypted: bool) -> HeaderValue {
    let ends = now_seconds.saturating_add(LASTS_SECONDS);
    let value = format!("{ends}.{}", proof(token, ends));
    cookie(&value, LASTS_SECONDS, is_encrypted)
}

/// The cookie that takes the place of another one and is none.
pub(super) fn end(is_encrypted: bool) -> HeaderValue {
    cookie("", 0, is_encrypted)
}

/// Whether the request bears such a cookie that has not ended.
pub(super) fn is_borne_by(headers: &HeaderMap, token: &Token, now_seconds: u64) -> bool {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let values = cookies.flat_map(|cookies| cookies.split(';')).filter_map(|cookie| {
        let (name, value) = cookie.trim().split_once('=')?;
        (name == NAME).then_some(value)
    });
    values.into_iter().any(|value| is_good(value, token, now_seconds))
}

fn is_good(value: &str, token: &Token, now_seconds: u64) -> bool {
    let Some((ends, given)) = value.split_once('.') else { return false };
    let Ok(ends) = ends.parse::<u64>() else { return false };
    // Neither over nor longer than any was made to last.
    let is_current = (1..=LASTS_SECONDS).contains(&ends.saturating_sub(now_seconds));
    let proof = proof(token, ends);
    is_current && verify_slices_are_equal(given.as_bytes(), proof.as_bytes()).is_ok()
}

/// What shows that whoever made a cookie with this end knew the token, in hexadecimal digits.
fn proof(token: &Token, ends_seconds: u64) -> String {
    let said = format!("deltrail session until {ends_seconds}");
    let tag = hmac::sign(&token.signing_key(), said.as_bytes());
    tag.as_ref().iter().fold(String::new(), |mut proof, byte| {
        // Writing to a text cannot fail.
        let _ = write!(proof, "{byte:02x}");
        proof
    })
}

fn cookie(value: &str, lasts_seconds: u64, is_encrypted: bool) -> HeaderValue {
    let secure = if is_encrypted { "; Secure" } else { "" };
    let cookie = format!(
        "{NAME}={value}; Path=/; Max-Age={lasts_seconds}; HttpOnly; SameSite=Strict{secure}"
    );
    // It is made of digits and words.
    HeaderValue::from_str(&cookie).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_795_428_005;

    fn token() -> Token {
        Token::new("correct-horse-battery")
    }

    /// What a browser sends back.
    fn returned(set: &HeaderValue) -> String {
        set.to_str().unwrap().split(';').next().unwrap().to_owned()
    }

    fn is_let_in(cookie: &str, now_seconds: u64) -> bool {
        let value = HeaderValue::from_str(cookie).unwrap();
        is_borne_by(&HeaderMap::from_iter([(header::COOKIE, value)]), &token(), now_seconds)
    }

    #[test]
    fn a_cookie_lets_in_until_it_ends() {
        let cookie = returned(&begin(&token(), NOW, false));
        assert!(is_let_in(&cookie, NOW) && is_let_in(&cookie, NOW + LASTS_SECONDS - 1));
        assert!(is_let_in(&format!("a=b; {cookie}; c=d"), NOW));
        assert!(is_let_in(&format!("{NAME}=old; {cookie}"), NOW), "one of several is enough");
        assert!(!is_let_in(&cookie, NOW + LASTS_SECONDS), "it is over");
    }

    #[test]
    fn a_cookie_that_was_made_without_the_token_lets_nobody_in() {
        let cookie = returned(&begin(&token(), NOW, false));
        let (ends, proof) = cookie[NAME.len() + 1..].split_once('.').unwrap();
        let later = ends.parse::<u64>().unwrap() + 1;
        let other = returned(&begin(&Token::new("another-horse-battery"), NOW, false));
        for bad in [
            format!("{NAME}={later}.{proof}"),
            format!("{NAME}={ends}."),
            format!("{NAME}={ends}"),
            format!("{NAME}={ends}.{}", &proof[1..]),
            format!("x{NAME}={ends}.{proof}"),
            format!("{NAME}=.{proof}"),
            other,
            returned(&end(false)),
        ] {
            assert!(!is_let_in(&bad, NOW), "{bad}");
        }
        assert!(!cookie.contains("horse"));
    }

    #[test]
    fn only_a_browser_of_the_same_site_sends_it_and_no_script_reads_it() {
        let cookie = |is_encrypted| {
            let cookie = begin(&token(), NOW, is_encrypted);
            cookie.to_str().unwrap().split_once("; ").unwrap().1.to_owned()
        };
        assert_eq!(cookie(false), "Path=/; Max-Age=43200; HttpOnly; SameSite=Strict");
        assert_eq!(cookie(true), "Path=/; Max-Age=43200; HttpOnly; SameSite=Strict; Secure");
        assert!(end(true).to_str().unwrap().contains("; Max-Age=0; "));
    }
}
