//! Encryption of both listeners: from files to what a connection agrees on, and again when the
//! files have changed. `pem` knows what is in them; this knows no listener.

mod pem;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;

use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, ServerConfig};

use pem::Pair;

/// How often the files are looked at. Whoever renews certificates does so days before they end.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// HTTP/1.1 and nothing else: HTTP/2 would be a second protocol with dangers of its own, for
/// clients that ask a few times a minute.
const PROTOCOL: &[u8] = b"http/1.1";

/// Where the certificate and its key are, both PEM; they may be one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PemFiles {
    /// The certificate of this host, and after it those of the authorities between.
    pub certificate: PathBuf,
    /// Its private key, not encrypted.
    pub key: PathBuf,
}

/// Why these files cannot be served with. No message repeats what is in one.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error(
        "the {what} file {} ({setting}) cannot be read: {error}; write it there as PEM, and let \
         this user read it", .file.display()
    )]
    Unreadable {
        /// What should be in it.
        what: &'static str,
        /// The setting that names it.
        setting: &'static str,
        /// Which file.
        file: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Nothing between BEGIN CERTIFICATE and END CERTIFICATE.
    #[error(
        "the certificate file {} (tls-cert) holds no certificate: write the one of this host as \
         PEM, from BEGIN CERTIFICATE to END CERTIFICATE, and after it those of the authorities \
         between", .0.display()
    )]
    NoCertificate(PathBuf),
    /// A block that is no certificate.
    #[error(
        "the certificate file {} (tls-cert) is damaged: a block in it is not base64 from BEGIN \
         to END, or no X.509 certificate; write it again", .0.display()
    )]
    DamagedCertificate(PathBuf),
    /// Nothing between BEGIN PRIVATE KEY and END PRIVATE KEY.
    #[error(
        "the key file {} (tls-key) holds no private key: write it as PEM, from BEGIN PRIVATE KEY \
         to END PRIVATE KEY", .0.display()
    )]
    NoKey(PathBuf),
    /// A key that only its password opens.
    #[error(
        "the key file {} (tls-key) holds an encrypted key, and nobody is there to type its \
         password: write it decrypted, as openssl pkey -in ENCRYPTED -out KEY does, readable by \
         this user only", .0.display()
    )]
    EncryptedKey(PathBuf),
    /// A block that is no private key, or of a kind that TLS has no use for.
    #[error(
        "the key file {} (tls-key) is damaged, or its key is of a kind that is not served with: \
         write an RSA key of at least 2048 bits, an ECDSA key (P-256, P-384, P-521) or an Ed25519 \
         key", .0.display()
    )]
    UnusableKey(PathBuf),
    /// Each is good, and they are not a pair.
    #[error(
        "the key in {} (tls-key) is not the key of the first certificate in {} (tls-cert): name \
         the two that were made together", .key.display(), .certificate.display()
    )]
    NoPair {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// The cryptography does not work at all.
    #[error("TLS cannot be served: {0}; please report this")]
    Unsupported(rustls::Error),
}

impl TlsError {
    /// Whether it may pass without anybody doing something: never.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        false
    }
}

/// What connections are encrypted with. Clones share it.
#[derive(Clone)]
pub struct Tls(Arc<ServerConfig>);

impl Tls {
    /// Reads the files, and reads them again whenever they have changed, for as long as this is in
    /// use. What is open then stays as it is. Files that are no good are told, and what was served
    /// before is served on.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub async fn following(files: PemFiles) -> Result<Self, TlsError> {
        Self::following_every(LOOK_EVERY, files).await
    }

    async fn following_every(every: Duration, files: PemFiles) -> Result<Self, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let pair = Pair::read(&files, &provider).await?;
        let served = Arc::new(Served(RwLock::new(pair.certified)));
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            // TLS 1.3 and 1.2; the library has nothing older.
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Unsupported)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&served) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        tokio::spawn(follow(every, files, pair.fingerprint, provider, Arc::downgrade(&served)));
        Ok(Self(Arc::new(config)))
    }

    /// What a connection begins with.
    pub(super) fn server(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.0)
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls(***)")
    }
}

/// The pair that new connections are given.
#[derive(Debug)]
struct Served(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Served {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

/// Looks at the files until nobody serves with them.
async fn follow(
    every: Duration,
    files: PemFiles,
    mut fingerprint: pem::Fingerprint,
    provider: Arc<CryptoProvider>,
    served: Weak<Served>,
) {
    // Said when it begins: the two files are rarely replaced in the same moment.
    let mut told = String::new();
    loop {
        tokio::time::sleep(every).await;
        let read = Pair::read(&files, &provider).await;
        let Some(served) = served.upgrade() else { return };
        match read {
            Ok(pair) if pair.fingerprint != fingerprint => {
                fingerprint = pair.fingerprint;
                *served.0.write().unwrap_or_else(PoisonError::into_inner) = pair.certified;
                tracing::info!("new connections are served with the certificate as it is now");
                told.clear();
            }
            Ok(_) => told.clear(),
            Err(error) => {
                let text = error.to_string();
                if text != told {
                    tracing::warn!("{text}; until then the one from before is served");
                    told = text;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
