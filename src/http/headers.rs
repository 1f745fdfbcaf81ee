//! How headers are read that may stand in a request once. It knows none of them.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

/// The one header of this name. Of several, each reader on the way might believe another.
pub(super) fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut all = headers.get_all(name).iter();
    all.next().filter(|_| all.next().is_none())
}
