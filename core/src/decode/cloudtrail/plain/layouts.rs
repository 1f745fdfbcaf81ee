//! What records looked like before. A trail's records are written by one program, and those of one
//! call differ in a few values only. One that is written like a record that was read, but for what
//! stands in the place of such values, is read alike: no name in it has to be looked at again.
//!
//! It begins with the belief that nothing varies, and learns from each record that proves it wrong.

use super::members::{FIELDS, Field, Members};
use crate::decode::walker::{Kind, Span, Value, Walker};

/// Layouts that are kept; those that were not met for the longest time are forgotten first.
const LAYOUTS_MAX: usize = 16;
/// Records that are read before any is learnt from: with fewer it does not pay.
const UNLEARNT: u64 = if cfg!(test) { 1 } else { 12 };
/// Bytes of a record that is learnt from.
const SAMPLE_BYTES_MAX: usize = 16 * 1024;
/// Bytes of a record that is compared.
const RECORD_BYTES_MAX: usize = 64 * 1024;

/// The layouts of the records that were read.
#[derive(Default)]
pub(super) struct Layouts {
    known: Vec<Layout>,
    /// Records that were read.
    met: u64,
}

/// A record, and which of its values vary.
struct Layout {
    quotes: u32,
    /// Which record was written like this last.
    met_at: u64,
    sample: Box<str>,
    values: Vec<Value>,
    /// Of each value.
    varies: Vec<bool>,
    spans: [Option<Span>; FIELDS],
    /// What follows from the above.
    steps: Steps,
}

/// The way through a record of a layout.
#[derive(Default)]
struct Steps {
    /// What stands before the first value that varies, between them, and behind the last one.
    constants: Vec<Span>,
    /// What each value that varies is.
    kinds: Vec<Kind>,
    /// Where the members are that matter: each begins and ends so many bytes behind the beginning
    /// of a constant.
    places: Vec<(usize, [Place; 2])>,
    /// Where the constants begin in the record that is looked at.
    starts: Vec<usize>,
}

/// A place in or behind a constant.
#[derive(Debug, Clone, Copy)]
struct Place {
    constant: usize,
    offset: usize,
}

impl Layouts {
    /// The members of a record that is written like one before.
    pub(super) fn recall<'a>(&mut self, record: Walker<'a>) -> Option<Members<'a>> {
        if record.has_backslash() || record.text().len() > RECORD_BYTES_MAX {
            return None;
        }
        self.met += 1;
        let mut alike = self.known.iter_mut().filter(|layout| layout.quotes == record.quotes());
        alike.find_map(|layout| {
            let members = layout.steps.follow(&layout.sample, record)?;
            layout.met_at = self.met;
            Some(members)
        })
    }

    /// Learns from a record whose members were found by walking.
    pub(super) fn learn(&mut self, record: Walker<'_>, members: &Members<'_>) {
        let is_short = record.text().len() <= SAMPLE_BYTES_MAX;
        if self.met <= UNLEARNT || record.has_backslash() || !is_short {
            return;
        }
        let Some(values) = values_of(record, members) else { return };
        let mut alike = self.known.iter_mut().filter(|layout| layout.quotes == record.quotes());
        if !alike.any(|layout| layout.adopt(record.text(), &values)) {
            if self.known.len() == LAYOUTS_MAX
                && let Some(oldest) = (0..LAYOUTS_MAX).min_by_key(|&it| self.known[it].met_at)
            {
                self.known.swap_remove(oldest);
            }
            self.known.push(Layout::of(record, values, &members.spans, self.met));
        }
    }
}

impl Layout {
    fn of(
        sample: Walker<'_>,
        values: Vec<Value>,
        spans: &[Option<Span>; FIELDS],
        met_at: u64,
    ) -> Self {
        let mut layout = Self {
            quotes: sample.quotes(),
            met_at,
            sample: sample.text().into(),
            varies: vec![false; values.len()],
            values,
            spans: *spans,
            steps: Steps::default(),
        };
        layout.lay_steps();
        layout
    }

    /// Lets vary what differs in this record, if all else is alike.
    fn adopt(&mut self, record: &str, values: &[Value]) -> bool {
        let is_alike = self.values.len() == values.len()
            && gaps(&self.sample, &self.values).eq(gaps(record, values));
        if is_alike {
            let texts = self.values.iter().zip(values);
            for (varies, (ours, theirs)) in self.varies.iter_mut().zip(texts) {
                *varies |= ours.span.of(&self.sample) != theirs.span.of(record);
            }
            self.lay_steps();
        }
        is_alike
    }

    fn lay_steps(&mut self) {
        let mut steps = Steps::default();
        let mut from = 0;
        for (value, _) in self.values.iter().zip(&self.varies).filter(|(_, varies)| **varies) {
            steps.constants.push(Span::new(from, value.span.start()));
            steps.kinds.push(value.kind);
            from = value.span.end();
        }
        steps.constants.push(Span::new(from, self.sample.len()));
        let place_in = |constant: usize, at: usize| {
            let constant = constant.saturating_sub(1);
            Place { constant, offset: at - steps.constants[constant].start() }
        };
        // A value that varies begins behind a constant and ends before the next one, even where
        // both are one place because the value of the sample is empty.
        let fields = self.spans.iter().enumerate();
        let places = fields.filter_map(|(field, span)| {
            let (start, end) = (span.as_ref()?.start(), span.as_ref()?.end());
            let behind = steps.constants.partition_point(|constant| constant.start() < start);
            let before = steps.constants.partition_point(|constant| constant.start() <= end);
            Some((field, [place_in(behind, start), place_in(before, end)]))
        });
        steps.places = places.collect();
        self.steps = steps;
    }
}

impl Steps {
    /// Goes the same way through this record, if it can be gone.
    fn follow<'a>(&mut self, sample: &str, record: Walker<'a>) -> Option<Members<'a>> {
        let mut walker = record;
        let mut kinds = self.kinds.iter();
        self.starts.clear();
        for constant in &self.constants {
            self.starts.push(walker.at());
            walker.literal(constant.of(sample))?;
            if let Some(kind) = kinds.next() {
                walker.pass_rest(*kind)?;
            }
        }
        walker.is_at_end().then_some(())?;
        let mut members = Members::none(record);
        let place = |place: Place| self.starts[place.constant] + place.offset;
        for &(field, [start, end]) in &self.places {
            members.spans[field] = Some(Span::new(place(start), place(end)));
        }
        Some(members)
    }
}

/// The values of a record. Who called is one of them: whoever asks who it was knows it as a whole.
fn values_of(record: Walker<'_>, members: &Members<'_>) -> Option<Vec<Value>> {
    let mut values = record.values()?;
    if let Some(span) = members.spans[Field::Identity as usize]
        && span.of(record.text()).starts_with('{')
    {
        let before = values.partition_point(|value| value.span.start() < span.start());
        let behind = values.partition_point(|value| value.span.end() <= span.end());
        values.splice(before..behind, [Value { span, kind: Kind::Object }]);
    }
    Some(values)
}

/// What of a record is no value.
fn gaps<'a>(record: &'a str, values: &'a [Value]) -> impl Iterator<Item = &'a str> {
    let starts = [0].into_iter().chain(values.iter().map(|value| value.span.end()));
    let ends = values.iter().map(|value| value.span.start()).chain([record.len()]);
    starts.zip(ends).map(|(start, end)| Span::new(start, end).of(record))
}
