//! Chance from a seed: what is drawn, and identifiers in the shapes of AWS. It knows no record.

use deltrail::sandbox::identifiers::Identifiers;

/// A source of chance.
pub struct Chance {
    identifiers: Identifiers,
}

impl Chance {
    pub fn seeded(seed: u64) -> Self {
        Self { identifiers: Identifiers::seeded(seed) }
    }

    /// Identifiers that AWS draws at random too.
    pub const fn identifiers(&self) -> &Identifiers {
        &self.identifiers
    }

    /// A number from 0 to one less than `end`.
    pub fn below(&self, end: u64) -> u64 {
        self.identifiers.number(0..end)
    }

    /// Milliseconds, from 0 to one less than `end`.
    pub fn millis(&self, end: u32) -> i64 {
        i64::try_from(self.below(end.into())).unwrap_or_default()
    }

    /// Whether something happens that happens `count` times in a thousand.
    pub fn of_thousand(&self, count: u64) -> bool {
        self.below(1_000) < count
    }

    /// One of them.
    pub fn one_of<'a, T>(&self, all: &'a [T]) -> &'a T {
        let count = u64::try_from(all.len()).unwrap_or(u64::MAX);
        &all[usize::try_from(self.below(count)).unwrap_or_default()]
    }

    /// A position below `count`, the first ones more often than the last.
    pub fn early(&self, count: usize) -> usize {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        let first = self.below(count);
        usize::try_from(self.below(first + 1)).unwrap_or_default()
    }

    /// Hexadecimal digits.
    pub fn hexadecimal(&self, digits: usize) -> String {
        let letter = |_| char::from(*self.one_of(b"0123456789abcdef"));
        (0..digits).map(letter).collect()
    }

    /// `pattern`, where `%` and a letter stand for something that is drawn: `%u` a UUID, `%h` 8,
    /// `%i` 17 hexadecimal digits, `%n` a number, `%A` 16 upper-case letters and digits.
    pub fn filled(&self, pattern: &str) -> String {
        let mut text = String::with_capacity(pattern.len() + 64);
        let mut pieces = pattern.split('%');
        text.extend(pieces.next());
        for piece in pieces {
            let mut letters = piece.chars();
            match letters.next() {
                Some('u') => text.push_str(&self.identifiers.uuid()),
                Some('h') => text.push_str(&self.hexadecimal(8)),
                Some('i') => text.push_str(&self.hexadecimal(17)),
                Some('n') => text.push_str(&self.below(100_000).to_string()),
                Some('A') => text.push_str(&self.identifiers.request_id()),
                other => text.extend(other),
            }
            text.push_str(letters.as_str());
        }
        text
    }
}
