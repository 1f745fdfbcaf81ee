//! Where a PostgreSQL store is, as the user writes it. It connects to nothing, and never shows the
//! password.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr as _;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

use crate::store::location::LocationError;

/// What stands for a secret.
const MASK: &str = "***";

/// The address of a database: `postgres://user:password@host:port/database?parameters`, with the
/// parameters that libpq has and the driver knows.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresAddress {
    config: Box<Config>,
    tls: Tls,
    /// The address without its secrets.
    shown: String,
}

/// How the connection is kept private: the parameters `sslmode` and `sslrootcert` of libpq, with
/// their meaning there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tls {
    pub(super) check: Check,
    /// The certificates that are trusted, as PEM; those of the system when there is none.
    pub(super) roots: Option<PathBuf>,
}

/// What is asked of the server's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Check {
    /// Nothing: the line is private against those who only listen, or not at all.
    Nothing,
    /// That somebody who is trusted signed it.
    Authority,
    /// That, and that it is for this host.
    AuthorityAndName,
}

impl PostgresAddress {
    /// Reads an address.
    ///
    /// # Errors
    /// What is wrong with it, without repeating it: it may hold a password.
    pub(in crate::store) fn parse(text: &str) -> Result<Self, LocationError> {
        let invalid = |detail: &str| LocationError::Postgres(detail.to_owned());
        let (address, parameters) = text.split_once('?').unwrap_or((text, ""));
        let mut mode = "prefer".to_owned();
        let mut roots = None;
        let mut others = Vec::new();
        for parameter in parameters.split('&').filter(|it| !it.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let value = percent_decode_str(value).decode_utf8_lossy();
            match name {
                "sslmode" => mode = value.into_owned(),
                "sslrootcert" => roots = Some(PathBuf::from(&*value)),
                _ => others.push(parameter),
            }
        }
        let (ssl_mode, check) = match mode.as_str() {
            "disable" => (SslMode::Disable, Check::Nothing),
            "prefer" => (SslMode::Prefer, Check::Nothing),
            // As libpq does: who names an authority wants it to be asked.
            "require" if roots.is_some() => (SslMode::Require, Check::Authority),
            "require" => (SslMode::Require, Check::Nothing),
            "verify-ca" => (SslMode::Require, Check::Authority),
            "verify-full" => (SslMode::Require, Check::AuthorityAndName),
            _ => {
                return Err(invalid(
                    "its sslmode is none of disable, prefer, require, verify-ca, verify-full",
                ));
            }
        };
        let mut config = Config::from_str(&format!("{address}?{}", others.join("&")))
            .map_err(|error| invalid(&innermost(&error)))?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(invalid("it names no host"));
        }
        config.ssl_mode(ssl_mode);
        let shown = shown(address, parameters);
        Ok(Self { config: Box::new(config), tls: Tls { check, roots }, shown })
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    pub(super) const fn tls(&self) -> &Tls {
        &self.tls
    }
}

/// What the driver found, which names parameters and not their values.
fn innermost(error: &tokio_postgres::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

fn shown(address: &str, parameters: &str) -> String {
    let (scheme, rest) = address.split_once("://").unwrap_or(("postgres", address));
    let authority = rest.split('/').next().unwrap_or_default();
    // A password that nobody escaped may hold slashes.
    let (user, host) = match rest.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, rest),
    };
    let user = match user.and_then(|user| user.split_once(':')) {
        Some((name, _)) => format!("{name}:{MASK}@"),
        None if authority.contains('@') => format!("{}@", user.unwrap_or_default()),
        None => String::new(),
    };
    let parameters: Vec<String> = parameters
        .split('&')
        .filter(|it| !it.is_empty())
        .map(|parameter| match parameter.split_once('=') {
            Some((name @ ("password" | "sslpassword"), _)) => format!("{name}={MASK}"),
            _ => parameter.to_owned(),
        })
        .collect();
    let mark = if parameters.is_empty() { "" } else { "?" };
    format!("{scheme}://{user}{host}{mark}{}", parameters.join("&"))
}

impl fmt::Display for PostgresAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl fmt::Debug for PostgresAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> PostgresAddress {
        PostgresAddress::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn an_address_is_shown_without_its_password() {
        for (text, shown) in [
            ("postgres://u:s3cret@h:5433/d", "postgres://u:***@h:5433/d"),
            ("postgresql://u@h/d", "postgresql://u@h/d"),
            ("postgres://h/d?sslmode=require", "postgres://h/d?sslmode=require"),
            ("postgres://u@h/d?password=s3cret", "postgres://u@h/d?password=***"),
            ("postgres://u:s3%2Fcret@h1:1,h2:2/d", "postgres://u:***@h1:1,h2:2/d"),
        ] {
            let address = parsed(text);
            assert_eq!(address.to_string(), shown);
            assert!(!format!("{address:?} {address:#?}").contains("cret"), "{address:?}");
        }
    }

    #[test]
    fn the_modes_of_tls_mean_what_they_mean_to_libpq() {
        use Check::{Authority, AuthorityAndName, Nothing};
        for (parameters, mode, check) in [
            ("", SslMode::Prefer, Nothing),
            ("?sslmode=disable", SslMode::Disable, Nothing),
            ("?sslmode=require", SslMode::Require, Nothing),
            ("?sslmode=require&sslrootcert=/ca.pem", SslMode::Require, Authority),
            ("?sslmode=verify-ca", SslMode::Require, Authority),
            ("?sslmode=verify-full&connect_timeout=3", SslMode::Require, AuthorityAndName),
        ] {
            let address = parsed(&format!("postgres://u:p@h/d{parameters}"));
            assert_eq!(address.config().get_ssl_mode(), mode, "{parameters}");
            assert_eq!(address.tls().check, check, "{parameters}");
        }
        let named = parsed("postgres://h/d?sslmode=verify-ca&sslrootcert=/etc/my%20ca.pem");
        assert_eq!(named.tls().roots, Some(PathBuf::from("/etc/my ca.pem")));
    }

    #[test]
    fn what_is_no_address_is_told_without_repeating_it() {
        for (text, expected) in [
            ("postgres://u:s3cret@h/d?sslmode=maybe", "its sslmode is none of"),
            ("postgres://u:s3cret@h/d?sslcert=/s3cret.pem", "unknown option `sslcert`"),
            ("postgres://u:s3cret@h:port/d", "invalid value for option `port`"),
            ("postgres:///d?password=s3cret", "it names no host"),
        ] {
            let error = PostgresAddress::parse(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
