//! One public key, and whether a signature fits. It does not know whose text was signed.

use std::sync::Arc;

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

/// A public RSA key of 2048 to 8192 bits, DER of PKCS#1 or of X.509: CloudTrail says the first, and
/// its documentation shows both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(Arc<[u8]>);

impl PublicKey {
    /// The key with this encoding, which is looked at when a signature is verified.
    #[must_use]
    pub fn of_der(der: &[u8]) -> Self {
        Self(der.into())
    }

    /// Whether the owner of the key signed `text`, by RSA PKCS#1 v1.5 with SHA-256. What is no key
    /// fits no signature.
    #[must_use]
    pub fn fits(&self, text: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.0).verify(text, signature).is_ok()
    }
}
