//! The token of the app listener: what a good one is, and where one is needed. It opens no file and
//! compares no token with another.

use std::fmt;

use super::Config;
use super::reading::Reading;
use super::settings::{self, Setting};
use super::show::MASK;

/// Fewer characters could be guessed by trying.
const CHARACTERS_MIN: usize = 16;
/// Many HTTP clients and proxies refuse larger headers.
const CHARACTERS_MAX: usize = 1024;

/// A token that requests have to bear: 16 to 1024 characters of visible ASCII. It is shown to
/// nobody who does not ask for it by [`AppToken::reveal`].
#[derive(Clone, PartialEq, Eq)]
pub struct AppToken(String);

impl AppToken {
    /// Takes a text as a token.
    ///
    /// # Errors
    /// What is wrong with the text and what to write instead; the text is not repeated.
    pub fn parse(text: &str) -> Result<Self, String> {
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("holds other than visible ASCII characters, which a header cannot carry: \
                        write letters and digits, for example 32 of them"
                .to_owned());
        }
        if !(CHARACTERS_MIN..=CHARACTERS_MAX).contains(&text.len()) {
            return Err(format!(
                "has {} characters: write {CHARACTERS_MIN} to {CHARACTERS_MAX} that nobody can \
                 guess, for example what openssl rand -hex 16 prints",
                text.len()
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// The token itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AppToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// Who can reach the listener must be asked for a token, unless only this host can.
pub(super) fn check(read: &mut Reading<'_>, config: &Config) {
    // A token that is no good has been told, and is a token that was meant.
    let is_given = |setting: &Setting| read.given.get(setting).is_some();
    match (is_given(&settings::APP_TOKEN), is_given(&settings::APP_TOKEN_FILE)) {
        (true, true) => read.refuse(
            &settings::APP_TOKEN_FILE,
            "a token is given as app-token too: keep one of them",
        ),
        (false, false) if !config.app_listen.ip().to_canonical().is_loopback() => {
            let what = format!(
                "{} can be reached from other hosts, and no token is asked for: set \
                 DELTRAIL_APP_TOKEN or --app-token-file, or listen on 127.0.0.1:{}",
                config.app_listen,
                config.app_listen.port()
            );
            read.refuse(&settings::APP_LISTEN, &what);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::AppToken;

    #[test]
    fn a_token_is_long_and_visible() {
        assert_eq!(AppToken::parse("0123456789abcdef").unwrap().reveal(), "0123456789abcdef");
        assert!(AppToken::parse(&"x".repeat(1024)).is_ok());
        for (text, why) in [
            ("0123456789abcde".to_owned(), "has 15 characters"),
            (String::new(), "has 0 characters"),
            ("x".repeat(1025), "has 1025 characters"),
            ("0123456789 abcdef".to_owned(), "visible ASCII"),
            ("0123456789abcdef\n".to_owned(), "visible ASCII"),
            ("0123456789abcdé".to_owned(), "visible ASCII"),
        ] {
            let told = AppToken::parse(&text).unwrap_err();
            assert!(told.contains(why), "{told}");
            assert!(text.is_empty() || !told.contains(&text), "{told}");
        }
    }

    #[test]
    fn a_token_is_not_shown_by_accident() {
        let token = AppToken::parse("correct-horse-battery").unwrap();
        assert_eq!(format!("{token:?} {:#?}", Some(&token)), "*** Some(\n    ***,\n)");
    }
}
