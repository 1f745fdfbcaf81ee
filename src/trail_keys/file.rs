//! Public keys out of a file: what `aws cloudtrail list-public-keys` prints. It does not know which
//! of them will be needed.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::Told;
use super::error::KeysError;
use super::key::PublicKey;

/// `{"PublicKeyList": [{"Value": "MIIB...", "Fingerprint": "31e8...", ...}]}`.
#[derive(Debug, Deserialize)]
struct Answer {
    // Documentation and older programs write it in either way.
    #[serde(rename = "PublicKeyList", alias = "publicKeyList")]
    keys: Vec<Key>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Key {
    value: String,
    fingerprint: String,
}

/// The keys of a file.
pub(super) fn read(path: &Path) -> Result<Vec<Told>, KeysError> {
    let unreadable = |detail: String| KeysError::File { path: path.to_owned(), detail };
    let bytes = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    let answer: Answer =
        serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))?;
    if answer.keys.is_empty() {
        return Err(unreadable("it holds no key".to_owned()));
    }
    let key = |Key { value, fingerprint }: Key| match STANDARD.decode(value.trim()) {
        Ok(der) => Ok((fingerprint, PublicKey::of_der(&der))),
        Err(error) => Err(unreadable(format!("the value of key {fingerprint}: {error}"))),
    };
    answer.keys.into_iter().map(key).collect()
}
