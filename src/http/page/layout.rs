//! What all pages have in common: head, navigation, footer, and the headers of the answer. It knows
//! no view.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use deltrail_core::domain::Timestamp;
use maud::{DOCTYPE, Markup, html};

use super::super::app::Shared;
use super::assets::{ICON, SCRIPT, STYLE};
use super::pieces::minute;
use super::text::{foreign, plain};
use crate::store::Completeness;

/// A page loads its style, its script and its icon from here, and sends its forms here; nothing
/// else, and nothing of it stands in the page itself.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Where a page belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Overview,
    WhoDeleted,
    Deletions,
    Findings,
    Sources,
}

impl Section {
    const ALL: [Self; 5] =
        [Self::Overview, Self::WhoDeleted, Self::Deletions, Self::Findings, Self::Sources];

    const fn link(self) -> (&'static str, &'static str) {
        match self {
            Self::Overview => ("/", "Overview"),
            Self::WhoDeleted => ("/who-deleted", "Who deleted this?"),
            Self::Deletions => ("/deletions", "Deletions"),
            Self::Findings => ("/findings", "Findings"),
            Self::Sources => ("/sources", "Sources"),
        }
    }
}

/// How far what a page says may be believed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Extent {
    bucket: Option<String>,
    until: Option<Timestamp>,
}

/// A page that is being put together.
#[derive(Debug, Clone)]
pub(super) struct Page {
    title: String,
    lead: Option<Markup>,
    section: Option<Section>,
    extent: Option<Extent>,
    /// Whether people log in to see it: without a token nobody does.
    has_login: bool,
    is_behind_login: bool,
}

impl Page {
    /// A page of this title, which may hold texts of others.
    pub(super) fn new(shared: &Shared, title: impl Into<String>) -> Self {
        let has_login = shared.state.token.is_some();
        Self {
            title: title.into(),
            lead: None,
            section: None,
            extent: None,
            has_login,
            is_behind_login: true,
        }
    }

    /// The part of the navigation that it is under.
    pub(super) fn section(self, section: Section) -> Self {
        Self { section: Some(section), ..self }
    }

    /// What stands under its heading.
    pub(super) fn lead(self, lead: Markup) -> Self {
        Self { lead: Some(lead), ..self }
    }

    /// Up to when what it says is complete.
    pub(super) fn complete(self, completeness: &Completeness) -> Self {
        let extent = Extent { bucket: completeness.bucket.clone(), until: completeness.until };
        Self { extent: Some(extent), ..self }
    }

    /// For whoever has not logged in: it leads nowhere.
    pub(super) fn before_login(self) -> Self {
        Self { is_behind_login: false, ..self }
    }

    /// The page, with this in it.
    pub(super) fn show(&self, body: &Markup) -> Response {
        self.show_as(StatusCode::OK, body)
    }

    /// The same with another status.
    pub(super) fn show_as(&self, status: StatusCode, body: &Markup) -> Response {
        let page = self.whole(body).into_string();
        let mut response = (status, Html(page)).into_response();
        for (name, value) in headers() {
            response.headers_mut().insert(name, value);
        }
        response
    }

    fn whole(&self, body: &Markup) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    title { (plain(&self.title)) " \u{b7} deltrail" }
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    link rel="stylesheet" href=(STYLE.url());
                    link rel="icon" href=(ICON.url()) type="image/svg+xml";
                    script src=(SCRIPT.url()) defer {}
                }
                body {
                    a.skip href="#main" { "Skip to the content" }
                    (self.header())
                    main #main tabindex="-1" {
                        div.title {
                            h1 { (foreign(&self.title)) }
                            @if let Some(lead) = &self.lead { p.lead { (lead) } }
                        }
                        (body)
                    }
                    (self.footer())
                }
            }
        }
    }

    fn header(&self) -> Markup {
        let here = |section| (self.section == Some(section)).then_some("page");
        html! {
            header.top {
                a.brand href="/" { (mark()) "deltrail" }
                @if self.is_behind_login {
                    nav aria-label="Main" {
                        ul {
                            @for section in Section::ALL {
                                @let (href, name) = section.link();
                                li { a href=(href) aria-current=[here(section)] { (name) } }
                            }
                        }
                    }
                    div.tools {
                        button.clock type="button" hidden aria-pressed="false" { "Local times" }
                        @if self.has_login {
                            form action="/logout" method="post" {
                                button type="submit" { "Log out" }
                            }
                        }
                    }
                }
            }
        }
    }

    fn footer(&self) -> Markup {
        html! {
            footer.bottom {
                @if let Some(Extent { bucket, until }) = &self.extent {
                    p {
                        @match until {
                            Some(until) => {
                                "The log is complete up to " strong { (minute(*until)) }
                                @if let Some(bucket) = bucket { " for " bdi { (plain(bucket)) } }
                                ". What happened later may still be on its way. "
                            },
                            None => {
                                "Nothing that was delivered says up to when the log is complete"
                                @if let Some(bucket) = bucket { " for " bdi { (plain(bucket)) } }
                                ". "
                            },
                        }
                        a href="/sources" { "Sources" }
                    }
                }
                p.muted { "deltrail " (env!("CARGO_PKG_VERSION")) " \u{b7} times are UTC" }
            }
        }
    }
}

/// The headers of every page, beside those of every answer. An origin is told to this listener
/// only: with none at all, its own forms would come from nowhere.
fn headers() -> [(HeaderName, HeaderValue); 2] {
    [
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    ]
}

/// Three dots that fade: what is left of an object.
fn mark() -> Markup {
    html! {
        svg.mark viewBox="0 0 28 16" width="28" height="16" aria-hidden="true" focusable="false" {
            circle cx="22" cy="8" r="5" {}
            circle cx="11" cy="8" r="3.5" opacity="0.6" {}
            circle cx="3" cy="8" r="2.2" opacity="0.32" {}
        }
    }
}
