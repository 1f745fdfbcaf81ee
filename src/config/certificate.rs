//! The certificate of the listeners and its key: one is of no use without the other. It opens
//! neither.

use super::reading::Reading;
use super::settings::{TLS_CERT, TLS_KEY};

/// Both are given, or neither.
pub(super) fn check(read: &mut Reading<'_>) {
    let is_given = |setting| read.given.get(setting).is_some();
    match (is_given(&TLS_CERT), is_given(&TLS_KEY)) {
        (true, false) => {
            read.refuse(&TLS_CERT, "a certificate is of no use without its key: set tls-key too");
        }
        (false, true) => {
            read.refuse(&TLS_KEY, "a key is of no use without its certificate: set tls-cert too");
        }
        _ => {}
    }
}
