//! `deltrail healthcheck`: asks the daemon of this host whether it is healthy, so that a container
//! image needs no other program for it. Over TLS it asks whoever answers there: the certificate is
//! not verified, because it names no loopback address, and because one that has expired is no
//! reason to restart the daemon.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::http_get::{Scheme, http_get};
use super::{FAILED, USAGE, fail, tell};
use crate::config::{Config, OPS_LISTEN, Purpose, SettingFlags, Surroundings, TLS_CERT};

/// Arguments of `deltrail healthcheck`.
#[expect(clippy::doc_markdown, reason = "help is plain text")]
#[derive(Debug, Args)]
pub(super) struct HealthcheckArguments {
    /// Where the daemon serves health [env: DELTRAIL_OPS_LISTEN] [default: 0.0.0.0:10118]
    #[arg(long, value_name = "ADDRESS")]
    ops_listen: Option<String>,
    /// The daemon's certificate, if it has one: then it is asked over TLS, and the certificate is
    /// not verified [env: DELTRAIL_TLS_CERT]
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<String>,
    /// File with settings [env: DELTRAIL_CONFIG] [default: deltrail.toml, if there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Prints what the daemon says; the answer is no if it says nothing for 2 s.
pub(super) fn check(arguments: &HealthcheckArguments, surroundings: &Surroundings) -> ExitCode {
    let mut flags = SettingFlags::with_file(arguments.config.clone());
    if let Some(address) = &arguments.ops_listen {
        flags = flags.with(&OPS_LISTEN, address);
    }
    if let Some(file) = &arguments.tls_cert {
        flags = flags.with(&TLS_CERT, file);
    }
    let (scheme, address) = match flags.config(surroundings, Purpose::Inspect) {
        Ok(config) => (scheme(&config), reachable(config.ops_listen)),
        Err(problems) => return fail(USAGE, &format!("the settings are not valid\n{problems}")),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return fail(FAILED, &format!("cannot start the runtime: {error}")),
    };
    match runtime.block_on(http_get(scheme, address, "/-/healthy")) {
        Ok(text) => tell(&format!("{text}\n")),
        Err(text) => fail(FAILED, &text),
    }
}

fn scheme(config: &Config) -> Scheme {
    if config.tls_cert.is_some() { Scheme::Https } else { Scheme::Http }
}

/// A daemon that listens on every address is asked on loopback.
fn reachable(mut listens: SocketAddr) -> SocketAddr {
    match listens.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => listens.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => listens.set_ip(Ipv6Addr::LOCALHOST.into()),
        IpAddr::V4(_) | IpAddr::V6(_) => {}
    }
    listens
}

#[cfg(test)]
mod tests {
    use super::reachable;

    #[test]
    fn a_daemon_on_every_address_is_asked_on_loopback() {
        let asked = |listens: &str| reachable(listens.parse().unwrap()).to_string();
        assert_eq!(asked("0.0.0.0:10118"), "127.0.0.1:10118");
        assert_eq!(asked("[::]:10118"), "[::1]:10118");
        assert_eq!(asked("10.0.0.5:80"), "10.0.0.5:80");
    }
}
