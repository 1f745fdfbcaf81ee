//! What pages are put together from: times, numbers, tables, badges, boxes. Each is whole without
//! JavaScript and without a style sheet. It knows no page and asks nothing.

use deltrail_core::domain::{Severity, Timestamp};
use maud::{Markup, html};

/// How something is meant. It is always said in words as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Good,
    Info,
    Warning,
    Critical,
}

impl Tone {
    const fn class(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Good => "good",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    title: &'static str,
    class: Option<&'static str>,
}

impl Column {
    pub(super) const fn text(title: &'static str) -> Self {
        Self { title, class: None }
    }

    /// Numbers stand under one another by their last digit.
    pub(super) const fn number(title: &'static str) -> Self {
        Self { title, class: Some("number") }
    }

    /// Takes the room that the others leave.
    pub(super) const fn wide(title: &'static str) -> Self {
        Self { title, class: Some("wide") }
    }
}

/// A field of a form of filters.
#[derive(Debug, Clone)]
pub(super) struct Field<'a> {
    name: &'static str,
    label: &'static str,
    value: Option<&'a str>,
    hint: &'static str,
    choices: Vec<(&'static str, &'static str)>,
}

impl<'a> Field<'a> {
    /// One line; `hint` shows what may stand there.
    pub(super) const fn text(
        name: &'static str,
        label: &'static str,
        value: Option<&'a str>,
        hint: &'static str,
    ) -> Self {
        Self { name, label, value, hint, choices: Vec::new() }
    }

    /// One of these values, each with its words, or any.
    pub(super) const fn choice(
        name: &'static str,
        label: &'static str,
        value: Option<&'a str>,
        choices: Vec<(&'static str, &'static str)>,
    ) -> Self {
        Self { name, label, value, hint: "", choices }
    }
}

/// A time to the millisecond, in UTC; the script offers the local one.
pub(super) fn time(at: Timestamp) -> Markup {
    let text = at.to_string();
    let whole = text.split_once('.').map_or(text.as_str(), |(whole, _)| whole);
    let millis = text.get(whole.len()..).unwrap_or_default().trim_end_matches('Z');
    html! {
        time.nowrap datetime=(text) {
            (whole.replacen('T', " ", 1)) span.fraction { (millis) } " UTC"
        }
    }
}

/// A time of a clock that shows whole seconds.
pub(super) fn coarse_time(at: Timestamp) -> Markup {
    cut_time(at, 19)
}

/// A time to the minute.
pub(super) fn minute(at: Timestamp) -> Markup {
    cut_time(at, 16)
}

fn cut_time(at: Timestamp, chars: usize) -> Markup {
    let text = at.to_string();
    let shown = text.get(..chars).unwrap_or(&text).replacen('T', " ", 1);
    html! { time.nowrap datetime=(text) { (shown) " UTC" } }
}

/// A whole number, its thousands apart.
pub(super) fn count(number: u64) -> Markup {
    html! { span.nowrap { (grouped(number)) } }
}

/// The same as plain text.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 removal`, `2 removals`.
pub(super) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// Milliseconds as people say them.
pub(super) fn duration(millis: i64) -> Markup {
    html! { span.nowrap { (spoken(millis)) } }
}

/// The same as plain text: milliseconds below a second, else two units at most.
pub(super) fn spoken(millis: i64) -> String {
    let sign = if millis < 0 { "\u{2212}" } else { "" };
    let magnitude = millis.unsigned_abs();
    let seconds = magnitude / 1_000;
    let two = |large: u64, unit: &str, small: u64, smaller: &str| match small {
        0 => format!("{large} {unit}"),
        small => format!("{large} {unit} {small} {smaller}"),
    };
    let text = match seconds {
        0 => format!("{magnitude} ms"),
        1..60 => format!("{seconds}.{} s", magnitude % 1_000 / 100),
        60..3_600 => two(seconds / 60, "min", seconds % 60, "s"),
        3_600..172_800 => two(seconds / 3_600, "h", seconds / 60 % 60, "min"),
        _ => format!("{} days", seconds / 86_400),
    };
    format!("{sign}{text}")
}

/// Rows under a caption; the first cell of each says what the row is about. Narrow screens show
/// every row as a card.
pub(super) fn table(
    caption: &str,
    columns: &[Column],
    rows: impl IntoIterator<Item = Vec<Markup>>,
) -> Markup {
    html! {
        div.scroll role="region" aria-label=(caption) tabindex="0" {
            table {
                caption { (caption) }
                thead { tr {
                    @for Column { title, class } in columns {
                        th scope="col" class=[*class] { (title) }
                    }
                } }
                tbody {
                    @for row in rows { tr {
                        @for (place, (cell, column)) in row.into_iter().zip(columns).enumerate() {
                            @let Column { title, class } = column;
                            @if place == 0 {
                                th scope="row" class=[*class] data-column=(title) { (cell) }
                            } @else {
                                td class=[*class] data-column=(title) { (cell) }
                            }
                        }
                    } }
                }
            }
        }
    }
}

/// Names with what they stand for.
pub(super) fn pairs(rows: impl IntoIterator<Item = (&'static str, Markup)>) -> Markup {
    html! {
        dl.pairs {
            @for (name, value) in rows { div { dt { (name) } dd { (value) } } }
        }
    }
}

/// How soon somebody has to look.
pub(super) fn badge(severity: Severity) -> Markup {
    let tone = match severity {
        Severity::Info => Tone::Info,
        Severity::Warning => Tone::Warning,
        Severity::Critical => Tone::Critical,
    };
    tag(tone, severity.as_str())
}

/// A word or two that stand out.
pub(super) fn tag(tone: Tone, words: &str) -> Markup {
    html! { span class={ "tag " (tone.class()) } { (words) } }
}

/// A box with something to be read before the rest.
pub(super) fn notice(tone: Tone, body: &Markup) -> Markup {
    let word = match tone {
        Tone::Critical => Some("Attention: "),
        Tone::Warning => Some("Note: "),
        Tone::Plain | Tone::Good | Tone::Info => None,
    };
    html! {
        div class={ "notice " (tone.class()) } role="note" {
            @if let Some(word) = word { strong { (word) } }
            (body)
        }
    }
}

/// A part of a page under a heading of its own.
pub(super) fn section(title: &str, body: &Markup) -> Markup {
    let id: String = title.chars().filter(char::is_ascii_alphanumeric).collect();
    html! {
        section aria-labelledby=(id) { h2 id=(id) { (title) } (body) }
    }
}

/// Nothing is to be shown: why, and what to do.
pub(super) fn empty(body: &Markup) -> Markup {
    html! { div.empty { (body) } }
}

/// The way to other pages of a list, as far as there are any.
pub(super) fn pages(newest: Option<&str>, older: Option<&str>) -> Markup {
    html! {
        @if newest.is_some() || older.is_some() {
            nav.pages aria-label="Pages of this list" {
                @if let Some(newest) = newest { a href=(newest) { "\u{ab} Newest" } }
                @if let Some(older) = older { a href=(older) rel="next" { "Older \u{203a}" } }
            }
        }
    }
}

/// The same as files; `what` says of what.
pub(super) fn exports(what: &str, links: &[(&str, String)]) -> Markup {
    html! {
        p.exports {
            span { "Export " (what) ":" }
            @for (form, href) in links { a href=(href) download { (form) } }
        }
    }
}

/// A command to be copied into a shell.
pub(super) fn command(text: &str) -> Markup {
    html! { pre.command { code { (super::text::plain(text)) } } }
}

/// What is shown when it is asked for.
pub(super) fn expandable(summary: &Markup, body: &Markup) -> Markup {
    html! { details { summary { (summary) } (body) } }
}

/// A form whose fields become the query of the page at `action`.
pub(super) fn filters(action: &str, fields: &[Field<'_>], more: &Markup) -> Markup {
    html! {
        form.filters action=(action) method="get" role="search" aria-label="Filters" {
            @for field in fields {
                label {
                    span { (field.label) }
                    @if field.choices.is_empty() {
                        input type="text" name=(field.name) value=[field.value]
                            placeholder=(field.hint) autocomplete="off" spellcheck="false"
                            autocapitalize="none";
                    } @else {
                        select name=(field.name) {
                            option value="" { "any" }
                            @for (value, words) in &field.choices {
                                @let is_chosen = field.value == Some(*value);
                                option value=(value) selected[is_chosen] { (words) }
                            }
                        }
                    }
                }
            }
            (more)
            button type="submit" { "Apply" }
        }
    }
}

#[cfg(test)]
mod tests;
