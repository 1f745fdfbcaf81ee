//! What was removed below a prefix, and by whom how much of it.

use std::collections::BTreeMap;

use deltrail_core::domain::{Cause, Timestamp};
use maud::{Markup, html};

use super::super::extent::extent;
use super::super::parameters::link;
use super::super::pieces::{Column, Tone, count, counted, notice, section, table, time};
use super::super::removal::list;
use super::super::text::{foreign, key};
use crate::store::{DeletionRow, Deletions};

/// Removals that are listed here; the others are on the page of all deletions.
const LISTED_MAX: usize = 100;

/// Who removed how much.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Share<'a> {
    pub(super) name: Option<&'a str>,
    pub(super) cause: Cause,
    pub(super) removed: u64,
    pub(super) first_at: Timestamp,
    pub(super) last_at: Timestamp,
}

/// The answer for all keys of a bucket that begin so.
pub(super) fn of_prefix(bucket: &str, prefix: &str, found: &Deletions) -> Markup {
    let place = format!("s3://{bucket}/{prefix}");
    let all = link("/deletions", &[("bucket", Some(bucket)), ("prefix", Some(prefix))]);
    let shares = shares(&found.rows);
    let listed = &found.rows[..found.rows.len().min(LISTED_MAX)];
    if found.rows.is_empty() {
        let told = html! {
            p.lead {
                "No removal below " (key(&place)) " is known"
                @if let Some(until) = found.completeness.until { " up to " (time(until)) }
                "."
            }
        };
        return html! { (notice(Tone::Info, &told)) (extent(&found.completeness)) };
    }
    let number = found.rows.len() as u64;
    html! {
        div.card.answer {
            p.lead {
                @if found.has_more { "At least " }
                strong { (counted(number, "removal", "removals")) } " below " (key(&place)) " by "
                @match &shares[..] {
                    [only] => { (name_of(only)) "." },
                    [most, ..] => {
                        (counted(shares.len() as u64, "principal", "principals"))
                        ". Most of them, " (count(most.removed)) ", by " (name_of(most)) "."
                    },
                    [] => "nobody.",
                }
            }
            p { a href=(all) { "All of them, with filters and exports" } }
        }
        (section("By whom", &by_whom(bucket, prefix, &shares, found.has_more)))
        (section("The newest", &list("Removals below it, newest first", listed)))
        @if found.rows.len() > listed.len() || found.has_more {
            p { a href=(all) { "The older ones" } }
        }
        (extent(&found.completeness))
    }
}

fn by_whom(bucket: &str, prefix: &str, shares: &[Share<'_>], is_cut: bool) -> Markup {
    let columns = [
        Column::text("Who"),
        Column::number("Removals"),
        Column::text("First"),
        Column::text("Last"),
    ];
    let cells = |share: &Share<'_>| {
        let theirs = link(
            "/deletions",
            &[("bucket", Some(bucket)), ("prefix", Some(prefix)), ("principal", share.name)],
        );
        vec![
            name_of(share),
            html! { @match share.name {
                Some(_) => a href=(theirs) { (count(share.removed)) },
                None => (count(share.removed)),
            } },
            time(share.first_at),
            time(share.last_at),
        ]
    };
    let caption = if is_cut { "Of the newest 1,000 removals" } else { "Of all of them" };
    table(caption, &columns, shares.iter().map(cells))
}

fn name_of(share: &Share<'_>) -> Markup {
    html! {
        @match (share.name, share.cause) {
            (Some(name), _) => (foreign(name)),
            (None, Cause::Lifecycle) => "a lifecycle rule",
            (None, Cause::Api) => "somebody whom no source names",
        }
    }
}

/// Who removed how much of it, most first.
pub(super) fn shares(rows: &[DeletionRow]) -> Vec<Share<'_>> {
    let mut shares: BTreeMap<(Option<&str>, Cause), Share<'_>> = BTreeMap::new();
    for row in rows {
        let removal = &row.removal;
        let name = removal.actor.principal().map(|principal| principal.name);
        let cause = if name.is_some() { Cause::Api } else { removal.cause };
        let share = shares.entry((name, cause)).or_insert(Share {
            name,
            cause,
            removed: 0,
            first_at: removal.at,
            last_at: removal.at,
        });
        share.removed += 1;
        share.first_at = share.first_at.min(removal.at);
        share.last_at = share.last_at.max(removal.at);
    }
    let mut shares: Vec<Share<'_>> = shares.into_values().collect();
    shares.sort_by(|a, b| b.removed.cmp(&a.removed).then_with(|| a.name.cmp(&b.name)));
    shares
}
