//! Drawings: stacked bars over time, numbers side by side, a share of a whole. They are made of
//! attributes alone, hidden from whoever does not see them, and always stand beside the numbers
//! themselves. It knows not what is counted.

use deltrail_core::domain::{Day, Timestamp};
use maud::{Markup, html};

use super::pieces::{Column, expandable, grouped, minute, table};

/// The height of a drawing of bars over time, and the room of one bar in it: shares of what the
/// style sheet makes of them.
const HEIGHT: f64 = 100.0;
const STEP: f64 = 10.0;
const GAP: f64 = 1.0;
/// Colours of the style sheet; whoever comes later has the last one.
const COLOURS: [&str; 6] = ["series-1", "series-2", "series-3", "series-4", "series-5", "series-6"];
/// Times that stand below a drawing.
const TICKS: i64 = 4;

/// Numbers over time, one on top of the other.
pub(super) struct Timeline<'a> {
    /// What is counted, in the plural.
    pub(super) counted: &'static str,
    /// When the first bar begins.
    pub(super) since: Timestamp,
    /// How long a bar is.
    pub(super) bar_millis: i64,
    /// What is stacked, from the bottom on: a name, and a number for each bar.
    pub(super) series: Vec<(Markup, Vec<u64>)>,
    /// From then on more may come; `None` when that is not known of anything.
    pub(super) complete_until: Option<Timestamp>,
    /// A time that the drawing is about, as a part of it.
    pub(super) marked: Option<(Timestamp, Timestamp)>,
    /// Where the rows of a bar are listed.
    pub(super) link: &'a dyn Fn(Timestamp, Timestamp) -> String,
}

impl Timeline<'_> {
    /// The drawing, what its colours mean, and its numbers.
    pub(super) fn draw(&self) -> Markup {
        let totals = self.totals();
        let top = ceiling(totals.iter().copied().max().unwrap_or(0));
        html! {
            figure.timeline {
                div.plot {
                    span.ceiling aria-hidden="true" { (grouped(top)) }
                    (self.bars(&totals, top))
                    (self.axis())
                }
                @if self.series.len() > 1 { (self.legend()) }
                @if let Some(words) = self.incomplete_words() { figcaption.muted { (words) } }
                (expandable(&html! { "The numbers" }, &self.numbers(&totals)))
            }
        }
    }

    fn count(&self) -> usize {
        self.series.iter().map(|(_, values)| values.len()).max().unwrap_or(0)
    }

    fn totals(&self) -> Vec<u64> {
        let of = |bar: usize| self.series.iter().filter_map(|(_, values)| values.get(bar)).sum();
        (0..self.count()).map(of).collect()
    }

    /// When a bar begins; the number of bars is when the last one ends.
    fn begin(&self, bar: usize) -> Timestamp {
        let millis = i64::try_from(bar).unwrap_or(i64::MAX).saturating_mul(self.bar_millis);
        Timestamp::from_millis(self.since.as_millis().saturating_add(millis))
    }

    /// How far to the right a time is, from 0 on.
    fn place(&self, at: Timestamp) -> f64 {
        let bars = at.millis_since(self.since) as f64 / self.bar_millis.max(1) as f64;
        bars.clamp(0.0, self.count() as f64) * STEP
    }

    fn bars(&self, totals: &[u64], top: u64) -> Markup {
        let width = self.count() as f64 * STEP;
        let dark_from = self.complete_until.map_or(0.0, |until| self.place(until));
        html! {
            svg.bars viewBox={ "0 0 " (width) " " (HEIGHT) } preserveAspectRatio="none"
                aria-hidden="true" focusable="false" {
                @for line in [0.0, 0.5] {
                    line.grid x1="0" x2=(width) y1=(HEIGHT * line) y2=(HEIGHT * line) {}
                }
                @if let Some((begin, end)) = self.marked {
                    rect.marked x=(short(self.place(begin))) y="0" height=(HEIGHT)
                        width=(short((self.place(end) - self.place(begin)).max(GAP))) {}
                }
                @for (bar, total) in totals.iter().enumerate() {
                    @if *total > 0 { (self.bar(bar, *total, top)) }
                }
                @if dark_from < width {
                    rect.incomplete x=(short(dark_from)) y="0" height=(HEIGHT)
                        width=(short(width - dark_from)) {}
                    line.boundary x1=(short(dark_from)) x2=(short(dark_from)) y1="0" y2=(HEIGHT) {}
                }
                line.ground x1="0" x2=(width) y1=(HEIGHT) y2=(HEIGHT) {}
            }
        }
    }

    fn bar(&self, bar: usize, total: u64, top: u64) -> Markup {
        let (begin, end) = (self.begin(bar), self.begin(bar + 1));
        let left = bar as f64 * STEP + GAP;
        let mut below = 0_u64;
        let pieces = self.series.iter().enumerate().filter_map(|(place, (_, values))| {
            let value = *values.get(bar)?;
            let height = value as f64 / top.max(1) as f64 * HEIGHT;
            below += value;
            let y = HEIGHT - below as f64 / top.max(1) as f64 * HEIGHT;
            (value > 0).then(|| (colour(place), y, height))
        });
        let pieces: Vec<_> = pieces.collect();
        html! {
            a href=((self.link)(begin, end)) tabindex="-1" {
                title { (clock(begin)) " UTC: " (grouped(total)) " " (self.counted) }
                rect.reach x=(left - GAP) y="0" width=(STEP) height=(HEIGHT) {}
                @for (colour, y, height) in pieces {
                    rect class=(colour) x=(left) y=(short(y)) width=(STEP - 2.0 * GAP)
                        height=(short(height)) {}
                }
            }
        }
    }

    fn axis(&self) -> Markup {
        let millis = self.begin(self.count()).millis_since(self.since);
        let at = |tick| Timestamp::from_millis(self.since.as_millis() + millis / TICKS * tick);
        html! {
            div.axis aria-hidden="true" {
                @for tick in 0..=TICKS { span { (label(at(tick), millis)) } }
            }
        }
    }

    fn legend(&self) -> Markup {
        html! {
            ul.legend {
                @for (place, (name, values)) in self.series.iter().enumerate() {
                    li {
                        (swatch(colour(place)))
                        (name) " " span.muted { (grouped(values.iter().sum())) }
                    }
                }
            }
        }
    }

    fn incomplete_words(&self) -> Option<Markup> {
        let end = self.begin(self.count());
        match self.complete_until {
            Some(until) if until >= end => None,
            Some(until) => Some(html! {
                "Shaded: the log is complete up to " (minute(until)) ", and later bars may grow."
            }),
            None => Some(html! { "Shaded: it is not known yet how complete the log is." }),
        }
    }

    /// The bars that are not empty, as a table.
    fn numbers(&self, totals: &[u64]) -> Markup {
        let columns = [Column::text("From"), Column::number("Number"), Column::wide("")];
        let rows = totals.iter().enumerate().filter(|(_, total)| **total > 0);
        let rows = rows.map(|(bar, total)| {
            let (begin, end) = (self.begin(bar), self.begin(bar + 1));
            let is_complete = self.complete_until.is_some_and(|until| end <= until);
            let state = if is_complete { "" } else { "may still grow" };
            vec![
                html! { a href=((self.link)(begin, end)) { (minute(begin)) } },
                html! { (grouped(*total)) },
                html! { (state) },
            ]
        });
        let caption = format!("{} by time", capital(self.counted));
        html! {
            @if totals.iter().all(|total| *total == 0) { p.muted { "None." } }
            @else { (table(&caption, &columns, rows)) }
        }
    }
}

/// Numbers side by side, each with its name.
pub(super) fn compared(rows: &[(&str, u64, &'static str)]) -> Markup {
    let top = rows.iter().map(|(_, value, _)| *value).max().unwrap_or(0);
    html! {
        dl.compared {
            @for (name, value, colour) in rows {
                div {
                    dt { (name) }
                    dd { (share(*value, top, colour)) span.number { (grouped(*value)) } }
                }
            }
        }
    }
}

/// How much of a whole something is.
pub(super) fn share(value: u64, whole: u64, colour: &str) -> Markup {
    let width = value as f64 / whole.max(1) as f64 * HEIGHT;
    html! {
        svg.share viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"
            focusable="false" {
            rect.rest width="100" height="10" {}
            rect class=(colour) width=(short(width.min(HEIGHT))) height="10" {}
        }
    }
}

fn swatch(colour: &str) -> Markup {
    html! {
        svg.swatch viewBox="0 0 10 10" width="10" height="10" aria-hidden="true"
            focusable="false" {
            rect class=(colour) width="10" height="10" {}
        }
    }
}

fn colour(place: usize) -> &'static str {
    COLOURS.get(place).copied().unwrap_or("series-6")
}

/// A coordinate, to a hundredth.
fn short(place: f64) -> String {
    let text = format!("{place:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The least of 1, 2, 5, 10, 20 ... that is not below a number.
fn ceiling(number: u64) -> u64 {
    let mut power = 1_u64;
    loop {
        let found = [1, 2, 5].map(|digit| power.saturating_mul(digit));
        if let Some(found) = found.into_iter().find(|it| *it >= number) {
            return found;
        }
        power = power.saturating_mul(10);
    }
}

/// A time below a drawing that is so long: the date as well, where it is longer than a day.
fn label(at: Timestamp, millis: i64) -> String {
    let text = clock(at);
    let (date, time) = text.split_once(' ').unwrap_or((text.as_str(), ""));
    match millis {
        ..=Day::MILLIS => time.to_owned(),
        _ if millis > 4 * Day::MILLIS => date.to_owned(),
        _ => format!("{} {time}", date.get(5..).unwrap_or(date)),
    }
}

/// `2026-11-23 10:00`.
fn clock(at: Timestamp) -> String {
    at.to_string().chars().take(16).collect::<String>().replacen('T', " ", 1)
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|letter| letter.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(clock: &str) -> Timestamp {
        Timestamp::parse(&format!("2026-11-23T{clock}:00Z")).unwrap()
    }

    fn drawn(complete_until: Option<Timestamp>, values: &[u64]) -> String {
        let link = |begin: Timestamp, _| format!("/at/{}", clock(begin).replace(' ', "T"));
        let timeline = Timeline {
            counted: "removals",
            since: at("10:00"),
            bar_millis: 300_000,
            series: vec![
                (html! { "photos" }, values.to_vec()),
                (html! { "logs" }, vec![1; values.len()]),
            ],
            complete_until,
            marked: Some((at("10:05"), at("10:10"))),
            link: &link,
        };
        timeline.draw().into_string()
    }

    #[test]
    fn bars_stand_on_one_another_and_what_may_grow_is_shaded() {
        let drawn = drawn(Some(at("10:10")), &[3, 0, 39]);
        insta::assert_snapshot!(drawn.replace("><", ">\n<"));
    }

    #[test]
    fn all_is_shaded_while_nothing_says_how_complete_it_is() {
        let shaded = |until| drawn(until, &[3, 4]).contains("class=\"incomplete\" x=\"0\"");
        assert!(shaded(None));
        assert!(!drawn(Some(at("10:10")), &[3, 4]).contains("incomplete"));
        assert!(drawn(Some(at("10:09")), &[3, 4]).contains("may still grow"));
    }

    #[test]
    fn a_drawing_ends_at_a_round_number_above_its_bars() {
        let ceilings = [0, 1, 3, 5, 6, 11, 42, 999, 1_000_001].map(ceiling);
        assert_eq!(ceilings, [1, 1, 5, 5, 10, 20, 50, 1_000, 2_000_000]);
    }
}
