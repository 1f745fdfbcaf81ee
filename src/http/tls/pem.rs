//! What is in the two PEM files. It does not know when they are read.

use std::io;
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use tokio::fs::File;
use tokio::io::AsyncReadExt;
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::pki_types::pem::{Error as PemError, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{Error as RustlsError, InconsistentKeys};

use super::{PemFiles, TlsError};

/// More than any chain, so that a file of something else is never read to its end.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// What tells two states of the files apart, without keeping the key.
pub(super) type Fingerprint = [u8; 32];

/// A certificate with its chain and its key.
pub(super) struct Pair {
    pub(super) certified: Arc<CertifiedKey>,
    pub(super) fingerprint: Fingerprint,
}

impl Pair {
    /// Reads both files.
    pub(super) async fn read(
        files: &PemFiles,
        provider: &CryptoProvider,
    ) -> Result<Self, TlsError> {
        let certificate = bytes("certificate", "tls-cert", &files.certificate).await?;
        let key = bytes("key", "tls-key", &files.key).await?;
        let certified = CertifiedKey::from_der(
            chain_of(&certificate, &files.certificate)?,
            key_of(&key, &files.key)?,
            provider,
        );
        let certified = certified.map_err(|error| match error {
            RustlsError::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                TlsError::NoPair { certificate: files.certificate.clone(), key: files.key.clone() }
            }
            RustlsError::InvalidCertificate(_) => {
                TlsError::DamagedCertificate(files.certificate.clone())
            }
            // Of all that is left only the key can be the reason. What the library says of it is
            // not told, since it may repeat a part.
            _ => TlsError::UnusableKey(files.key.clone()),
        })?;
        Ok(Self { certified: Arc::new(certified), fingerprint: fingerprint(&certificate, &key) })
    }
}

async fn bytes(
    what: &'static str,
    setting: &'static str,
    file: &Path,
) -> Result<Vec<u8>, TlsError> {
    let read = async {
        let mut bytes = Vec::new();
        File::open(file).await?.take(FILE_BYTES_MAX).read_to_end(&mut bytes).await?;
        Ok(bytes)
    };
    read.await.map_err(|error: io::Error| TlsError::Unreadable {
        what,
        setting,
        file: file.to_owned(),
        error,
    })
}

fn chain_of(pem: &[u8], file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match chain {
        Ok(chain) if chain.is_empty() => Err(TlsError::NoCertificate(file.to_owned())),
        Ok(chain) => Ok(chain),
        Err(_) => Err(TlsError::DamagedCertificate(file.to_owned())),
    }
}

fn key_of(pem: &[u8], file: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let text = String::from_utf8_lossy(pem);
    // As PKCS #8 has it, and as OpenSSL once wrote it.
    let marks = ["-----BEGIN ENCRYPTED PRIVATE KEY-----", "Proc-Type: 4,ENCRYPTED"];
    if marks.iter().any(|mark| text.contains(mark)) {
        return Err(TlsError::EncryptedKey(file.to_owned()));
    }
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| match error {
        PemError::NoItemsFound => TlsError::NoKey(file.to_owned()),
        _ => TlsError::UnusableKey(file.to_owned()),
    })
}

fn fingerprint(certificate: &[u8], key: &[u8]) -> Fingerprint {
    let mut digest = Context::new(&SHA256);
    // With the length first, so that no byte can go from one to the other unseen.
    digest.update(&(certificate.len() as u64).to_be_bytes());
    digest.update(certificate);
    digest.update(key);
    let mut fingerprint = Fingerprint::default();
    fingerprint.copy_from_slice(digest.finish().as_ref());
    fingerprint
}
