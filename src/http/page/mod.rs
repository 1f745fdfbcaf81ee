//! The pages of the app listener: what was deleted, by whom, and whether it should have been, for
//! people with a browser. They are written here, whole without JavaScript, and load nothing from
//! elsewhere. Who may see them is decided in `app/guard`; a page only asks the store and shows.
//!
//! A view is a file of its own with a function that axum calls. It reads the filters of its URL
//! with [`parameters::Asked`], asks with `app::ask::answer`, puts [`pieces`] together, and gives
//! the whole to [`layout::Page`], which knows head, navigation, footer and headers. What goes wrong
//! is a `Problem`, and `error` shows it as a page.
//!
//! Every text of evidence (a key, a name, an address, a user agent) goes through [`text::foreign`]
//! or [`text::key`]: `maud` escapes markup in all texts, and these show what a browser would
//! rather obey. No page has a `style` attribute, an inline script or a URL of elsewhere; the
//! policy in `layout` would not let a browser follow them.

mod assets;
mod chart;
mod deletion;
mod deletions;
mod error;
mod extent;
mod finding;
mod findings;
#[cfg(test)]
mod hostile;
mod layout;
mod login;
mod overview;
mod parameters;
mod pieces;
mod recovery;
mod removal;
mod request;
mod sources;
mod text;
mod who_deleted;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use super::app::Shared;
pub(super) use error::{is_of_page, show_problems};
pub(super) use login::{come_again, to_login};

/// Whether a path is open to those who have not logged in: it shows nothing of the store.
pub(super) fn is_open(path: &str) -> bool {
    [login::LOGIN, login::LOGOUT].contains(&path) || path.starts_with(assets::FOLDER)
}

/// The routes of all pages.
pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/assets/{name}", get(assets::show))
        .route(login::LOGIN, get(login::ask).post(login::log_in))
        .route(login::LOGOUT, post(login::log_out))
        .route("/", get(overview::show))
        .route("/findings", get(findings::list))
        .route(findings::CSV, get(findings::csv))
        .route(findings::JSON, get(findings::json))
        .route("/findings/{id}", get(finding::show))
        .route("/sources", get(sources::show))
        .route("/who-deleted", get(who_deleted::show))
        .route("/deletions", get(deletions::show))
        .route("/deletions.csv", get(deletions::export_csv))
        .route("/deletions.json", get(deletions::export_json))
        .route("/deletions/{id}", get(deletion::show))
        .route("/requests/{id}", get(request::show))
}
