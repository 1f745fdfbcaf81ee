//! The URL of a receiver, taken apart. Its path is often all that a receiver asks for, so it is as
//! secret as a password. It does not know whether anybody listens there.

use std::fmt;
use std::net::IpAddr;

use hyper::Uri;

/// A URL of `http` or `https`. Shown as scheme, host and port alone; the rest is given to nobody
/// who does not ask for it by [`HttpUrl::reveal`].
#[derive(Clone, PartialEq, Eq)]
pub struct HttpUrl {
    is_encrypted: bool,
    /// Without the brackets of an IPv6 address.
    host: String,
    /// Host and port as they were written.
    authority: String,
    port: u16,
    /// Path and query; begins with a slash.
    path: String,
}

impl HttpUrl {
    /// Takes a URL apart.
    ///
    /// # Errors
    /// What is wrong and what to write instead; the text is not repeated.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text
            .split_once("://")
            .ok_or("is no URL: write it as in https://receiver.example.com/path")?;
        let is_encrypted = match scheme {
            "https" => true,
            "http" => false,
            _ => return Err("is no URL to post to: begin it with https:// or http://".to_owned()),
        };
        if rest.contains('#') {
            return Err("holds a #, which is never sent: leave it out, or write %23".to_owned());
        }
        let uri: Uri = text.parse().map_err(|error| format!("is no URL: {error}"))?;
        let authority = uri.authority().ok_or("names no host")?.as_str();
        if authority.contains('@') {
            return Err(
                "holds a user or password, which is not sent: leave it out of the URL".to_owned()
            );
        }
        let host = uri.host().filter(|host| !host.is_empty()).ok_or("names no host")?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        Ok(Self {
            is_encrypted,
            port: uri.port_u16().unwrap_or(if is_encrypted { 443 } else { 80 }),
            authority: authority.to_owned(),
            host,
            path: if path.starts_with('/') { path.to_owned() } else { format!("/{path}") },
        })
    }

    /// The same of a URL that is a secret itself, and must not be read on its way; on this host
    /// nobody reads it.
    ///
    /// # Errors
    /// As [`HttpUrl::parse`], and when it is not encrypted.
    pub fn parse_confidential(text: &str) -> Result<Self, String> {
        let url = Self::parse(text)?;
        if !url.is_encrypted && !url.is_loopback() {
            return Err("is as secret as a password: begin it with https://".to_owned());
        }
        Ok(url)
    }

    /// The whole URL.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{}{}", self.origin(), self.path)
    }

    /// Whether it is encrypted on its way.
    #[must_use]
    pub const fn is_encrypted(&self) -> bool {
        self.is_encrypted
    }

    /// Whether it is on this host.
    fn is_loopback(&self) -> bool {
        let is_address =
            self.host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback());
        self.host == "localhost" || is_address
    }

    /// The same with these segments after its path; a query stays away.
    pub(super) fn join(&self, segments: &str) -> Self {
        let path = self.path.split('?').next().unwrap_or_default().trim_end_matches('/');
        Self { path: format!("{path}/{segments}"), ..self.clone() }
    }

    /// Scheme, host and port.
    pub(super) fn origin(&self) -> String {
        let scheme = if self.is_encrypted { "https" } else { "http" };
        format!("{scheme}://{}", self.authority)
    }

    /// The host, without the brackets of an IPv6 address.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Host and port as they were written.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Path and query; begins with a slash. It may be a secret.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Whether a text gives away a part of the path or query that is long enough to be a secret.
    pub(super) fn is_given_away_by(&self, text: &str) -> bool {
        let parts = self.path.split(['/', '?', '&', '=']);
        parts.filter(|part| part.len() >= SECRET_PART_MIN).any(|part| text.contains(part))
    }
}

/// Shorter parts of a path are words such as `api` and `hooks`.
const SECRET_PART_MIN: usize = 6;

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin())?;
        f.write_str(if self.path == "/" { "" } else { "/***" })
    }
}

impl fmt::Debug for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::HttpUrl;

    #[test]
    fn only_scheme_host_and_port_are_shown() {
        let url = HttpUrl::parse("https://hooks.slack.com/services/T0/B0/hunter2").unwrap();
        assert_eq!(
            format!("{url} {url:?}"),
            "https://hooks.slack.com/*** https://hooks.slack.com/***"
        );
        assert_eq!(url.reveal(), "https://hooks.slack.com/services/T0/B0/hunter2");
        assert!(url.is_given_away_by("Cannot POST /services/T0/B0/hunter2"));
        assert!(!url.is_given_away_by("no_service"));
        assert_eq!(HttpUrl::parse("http://[::1]:9093").unwrap().to_string(), "http://[::1]:9093");
    }

    #[test]
    fn a_url_says_where_to_connect() {
        for (text, host, port, path, is_loopback) in [
            ("https://Example.com", "example.com", 443, "/", false),
            ("http://am.example.com/alerts?x=1", "am.example.com", 80, "/alerts?x=1", false),
            ("https://example.com?token=1", "example.com", 443, "/?token=1", false),
            ("http://[::1]:9093/", "::1", 9093, "/", true),
            ("http://127.8.0.1/", "127.8.0.1", 80, "/", true),
            ("http://localhost:8080/hook", "localhost", 8080, "/hook", true),
            ("http://localhost.example.com/", "localhost.example.com", 80, "/", false),
        ] {
            let url = HttpUrl::parse(text).unwrap();
            assert_eq!((url.host(), url.port(), url.path()), (host, port, path), "{text}");
            assert_eq!(url.is_loopback(), is_loopback, "{text}");
        }
    }

    #[test]
    fn what_is_joined_stands_after_the_path() {
        for (base, whole) in [
            ("http://am:9093", "http://am:9093/api/v2/alerts"),
            ("http://am:9093/", "http://am:9093/api/v2/alerts"),
            (
                "https://example.com/alertmanager/?q=1",
                "https://example.com/alertmanager/api/v2/alerts",
            ),
        ] {
            assert_eq!(HttpUrl::parse(base).unwrap().join("api/v2/alerts").reveal(), whole);
        }
    }

    #[test]
    fn what_cannot_be_posted_to_is_told_and_not_repeated() {
        for (text, why) in [
            ("hooks.slack.com/hunter2", "write it as in https://"),
            ("ftp://example.com/hunter2", "begin it with https://"),
            ("https:///hunter2", "is no URL"),
            ("https://exa mple.com/hunter2", "is no URL"),
            ("https://example.com/hunter2\r\nX: y", "is no URL"),
            ("https://u:hunter2@example.com/", "leave it out of the URL"),
            ("https://example.com/#hunter2", "holds a #"),
            ("https://:443/hunter2", "names no host"),
        ] {
            let told = HttpUrl::parse(text).unwrap_err();
            assert!(told.contains(why) && !told.contains("hunter2"), "{text}: {told}");
        }
    }
}
