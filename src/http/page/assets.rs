//! The style sheet, the script and the icon: part of the program, each under a URL that its content
//! decides, so that a browser may keep it for ever. It knows no page.

use std::fmt::Write as _;
use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

/// Where they are.
pub(in crate::http) const FOLDER: &str = "/assets/";
/// Bytes of the hash that stand in a URL.
const HASH_BYTES: usize = 6;
const FOR_EVER: &str = "public, max-age=31536000, immutable";

pub(super) static STYLE: LazyLock<Asset> = LazyLock::new(|| Asset {
    url: url("page", "css", include_str!("assets/page.css")),
    media_type: "text/css; charset=utf-8",
    text: include_str!("assets/page.css"),
});

pub(super) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| Asset {
    url: url("page", "js", include_str!("assets/page.js")),
    media_type: "text/javascript; charset=utf-8",
    text: include_str!("assets/page.js"),
});

pub(super) static ICON: LazyLock<Asset> = LazyLock::new(|| Asset {
    url: url("icon", "svg", include_str!("assets/icon.svg")),
    media_type: "image/svg+xml",
    text: include_str!("assets/icon.svg"),
});

/// One of them.
pub(super) struct Asset {
    url: String,
    media_type: &'static str,
    text: &'static str,
}

impl Asset {
    pub(super) fn url(&self) -> &str {
        &self.url
    }
}

/// The one of this name.
pub(super) async fn show(Path(name): Path<String>) -> Response {
    let is_named = |asset: &&Asset| asset.url.strip_prefix(FOLDER) == Some(name.as_str());
    let Some(asset) = [&*STYLE, &*SCRIPT, &*ICON].into_iter().find(is_named) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [(header::CONTENT_TYPE, asset.media_type), (header::CACHE_CONTROL, FOR_EVER)];
    (headers, asset.text).into_response()
}

fn url(name: &str, extension: &str, text: &str) -> String {
    let hash = digest(&SHA256, text.as_bytes());
    let mut url = format!("{FOLDER}{name}-");
    for byte in hash.as_ref().iter().take(HASH_BYTES) {
        // Writing to a text cannot fail.
        let _ = write!(url, "{byte:02x}");
    }
    url + "." + extension
}
