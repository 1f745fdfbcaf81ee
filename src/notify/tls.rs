//! TLS to receivers: the certificates that this system trusts are believed, and no others. It knows
//! no receiver.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use super::NotifyError;

/// What makes the TLS connections; `SSL_CERT_FILE` and `SSL_CERT_DIR` name other certificates.
///
/// # Errors
/// [`NotifyError::NoTls`], which cannot be mended by a setting.
pub fn connector() -> Result<TlsConnector, NotifyError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| NotifyError::NoTls { detail: error.to_string() })?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
