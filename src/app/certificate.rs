//! What both listeners are encrypted with, from the files that two settings name. What is in them,
//! `http` knows.

use std::fs::Metadata;
use std::os::unix::fs::PermissionsExt;

use crate::config::Config;
use crate::http::{PemFiles, Tls, TlsError};

/// The bit of a file's mode.
const READABLE_BY_ALL: u32 = 0o004;

/// The certificate and its key, if any are set. They are followed from now on.
///
/// # Errors
/// When the files are of no use.
pub(super) async fn of(config: &Config) -> Result<Option<Tls>, TlsError> {
    let (Some(certificate), Some(key)) = (&config.tls_cert, &config.tls_key) else {
        warn_of_clear_text(config);
        return Ok(None);
    };
    let files = PemFiles { certificate: certificate.clone(), key: key.clone() };
    let tls = Tls::following(files).await?;
    let is_open = |found: Metadata| found.permissions().mode() & READABLE_BY_ALL != 0;
    if tokio::fs::metadata(key).await.is_ok_and(is_open) {
        // Not refused: the secrets of container platforms are mounted so.
        tracing::warn!(
            "every user of this host can read the key file {}; chmod 600 it, unless it is in a \
             container that only this program runs in",
            key.display()
        );
    }
    Ok(Some(tls))
}

/// A token that goes over a network in clear text is one for whoever listens there.
fn warn_of_clear_text(config: &Config) {
    if !config.app_listen.ip().to_canonical().is_loopback() {
        tracing::warn!(
            "the API at {} is not encrypted, so whoever can listen on the network between learns \
             the token; set tls-cert and tls-key, unless a proxy on this host encrypts it",
            config.app_listen
        );
    }
}
